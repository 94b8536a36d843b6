"""A figure as SVG text that can stand in an HTML page beside others.

Ids are prefixed together with every reference to them, matplotlib's page-wide style sheet becomes attributes of the
one figure, and the size follows the page. The same figure gives the same text: no date, no random names.
Texts stay texts, so they can be searched and read aloud.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import matplotlib.style

from scalaw.show.drawing import STYLE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SVG = "http://www.w3.org/2000/svg"
_HREF = "{http://www.w3.org/1999/xlink}href"
_REFERENCE = re.compile(r"url\(#([^)]*)\)")


def inline_svg(figure: Figure, prefix: str) -> str:
    """SVG element of a figure, for an HTML page.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Its title becomes the label that a screen reader says.
    prefix : str
        Letters, digits and hyphens, starting with a letter; unique on the page.

    Raises
    ------
    ValueError
        For another prefix.
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]*", prefix):
        raise ValueError(f"prefix {prefix!r} must be letters, digits and hyphens")
    root = ElementTree.fromstring(_svg_text(figure))
    for parent in root.iter():
        for child in list(parent):
            if child.tag in (f"{{{SVG}}}metadata", f"{{{SVG}}}style"):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for name, value in list(element.attrib.items()):
            del element.attrib[name]
            if name == _HREF:
                name = "href"
            element.attrib[name] = _renamed(name, value, prefix)
    label = " ".join(figure.get_suptitle().split())
    root.attrib = {
        "xmlns": SVG,
        "id": prefix,
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-label": label,
        "style": "stroke-linejoin:round;stroke-linecap:butt",
    }
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)


def _svg_text(figure: Figure) -> str:
    buffer = io.StringIO()
    without = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    style = {**STYLE, "svg.hashsalt": "scalaw"}
    with matplotlib.style.context(["default", style]), warnings.catch_warnings():
        # Letters that matplotlib's font lacks are drawn by the browser's.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(buffer, format="svg", metadata=without)
    return buffer.getvalue()


def _renamed(name: str, value: str, prefix: str) -> str:
    """An attribute's value with ids and references prefixed."""
    if name == "id":
        return f"{prefix}-{value}"
    if name == "href" and value.startswith("#"):
        return f"#{prefix}-{value[1:]}"
    return _REFERENCE.sub(rf"url(#{prefix}-\1)", value)
