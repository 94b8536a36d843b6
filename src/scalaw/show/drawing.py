"""What every figure shares: a style that leaks nowhere, colours, axes with units, titles that say what is shown.

Figures are made with ``matplotlib.figure.Figure`` and never through pyplot, inside :func:`drawn`, so a user's own
settings neither change them nor are changed. Colours are those of Okabe and Ito, "Color Universal Design" (2008),
told apart under every common colour blindness; laws also differ in line style, for print. Texts are taken
literally: a dollar sign in a column's name is no formula.
"""

from __future__ import annotations

import functools
import textwrap
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib.style
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from scalaw.data import Runs
from scalaw.data.units import format_quantity
from scalaw.errors import ScalawError
from scalaw.infer import Fit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("-", "--", "-.", (0, (1, 1.2)), (0, (6, 1.5)), (0, (4, 1, 1, 1, 1, 1)))
RUN_COLOUR = "#24292f"
BAND_ALPHA = 0.2
#: Width of every figure in inches; a text of 9 points is then 14 pixels high on a figure 640 pixels wide.
WIDTH = 5.6
STYLE: dict[str, Any] = {
    "font.size": 9.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 8.5,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e4e7eb",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.6,
    "text.parse_math": False,
    "text.usetex": False,
    "svg.fonttype": "none",
    "figure.facecolor": "white",
}
LOSSES = {
    "nats": "loss (nats per token)",
    "bits": "loss (bits per token)",
    "bits_per_byte": "loss (bits per byte)",
    "perplexity": "perplexity",
    "error": "error (share wrong)",
    "accuracy": "accuracy (share right)",
    "signed": "response",
}
_NAMES = {
    "D": "training tokens D",
    "C": "training compute C (FLOP)",
    "U": "unique training tokens U",
    "D/N": "tokens per parameter D/N",
}


def drawn[**P, T](make: Callable[P, T]) -> Callable[P, T]:
    """Run a drawing function in scalaw's style and restore the settings afterwards."""

    @functools.wraps(make)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        with matplotlib.style.context(["default", STYLE]):
            return make(*args, **kwargs)

    return wrapped


def plain(text: Any, width: int = 60) -> str:
    """Text fit for one line of a figure: printable characters only, at most ``width`` of them."""
    shown = "".join(c if c.isprintable() else " " for c in str(text))
    shown = " ".join(shown.split())
    return shown if len(shown) <= width else shown[: width - 1].rstrip() + "…"


def percent(prob: float) -> str:
    """Probability as people write it, on one line: ``90 %``."""
    return f"{100 * prob:.4g}\N{NO-BREAK SPACE}%"


def law_names(fits: Sequence[Fit], most: int = 4) -> str:
    """Laws of a title; a long list is counted."""
    shown = [plain(f.label, 40) for f in fits[:most]]
    more = len(fits) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def runs_text(fit: Fit, mark: str = " (open circles)") -> str:
    """How many runs were fitted, and how many were held out, with how these are marked."""
    held = int(np.sum(~trained(fit)))
    return f"{len(fit.runs) - held} runs" + (f", {held} held out{mark}" if held else "")


def trained(fit: Fit) -> np.ndarray:
    """Mask of the runs that the fit saw, shape (runs,)."""
    return np.asarray(fit.tree["constant_data"]["row_weight"]) > 0


def same_runs(fits: Sequence[Fit]) -> Runs:
    """The table that all fits are of (P004 when there are several)."""
    if not fits:
        raise ScalawError("P004", "there is no fit to show", fix="pass at least one fit")
    if len({f.runs.digest for f in fits}) > 1:
        raise ScalawError("P004", "the fits are of different runs", "figure", fix="draw them one by one")
    return next((f.runs for f in fits if "x" in f.runs.columns), fits[0].runs)


def axis_label(name: str, runs: Runs) -> str:
    """Name of a quantity with its unit; N says what it counts."""
    column = runs.columns.get("x", name) if name == "x" else name
    if column == "N":
        return f"parameters N ({'counting unknown' if runs.convention == 'unknown' else runs.convention})"
    return _NAMES.get(column) or plain(column, 50)


def canvas(
    title: str, details: str, rows: int = 1, columns: int = 1, height: float = 3.7
) -> tuple[Figure, Any]:
    """Figure with a headline, a line (or several) that says what is shown, and a grid of axes.

    Returns
    -------
    Figure, array of Axes (rows, columns)
    """
    text = "\n".join([title, *textwrap.wrap(details, 84)])
    figure = Figure(figsize=(WIDTH, height + 0.14 * text.count("\n")), layout="constrained")
    figure.suptitle(text, x=0.01, ha="left", fontsize=9.0, linespacing=1.35)
    return figure, figure.subplots(rows, columns, squeeze=False)


def log_axis(axes: Axes, which: str, name: str = "", most: int = 7) -> None:
    """Make an axis logarithmic with at most ``most`` labels, written as 100M, 1B or 1e21.

    To be called when everything is drawn: the ticks are chosen for the limits at that time.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    low, high = sorted(axes.get_xlim() if which == "x" else axes.get_ylim())
    ticks = log_ticks(low, high, most)
    (axes.set_xlim if which == "x" else axes.set_ylim)(low, high)

    def written(value: float, _: Any = None) -> str:
        return f"{value:.3g}".replace("e+", "e") if name == "C" else format_quantity(value, digits=3)

    axis.set_major_locator(FixedLocator(ticks))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(written))


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers in a range of a logarithmic axis, as many as there is place for."""
    if high / low < 4:
        ticks = MaxNLocator(nbins=min(most, 6), steps=[1, 2, 5, 10]).tick_values(low, high)
        return [float(t) for t in ticks if low <= t <= high and t > 0]
    first, last = int(np.floor(np.log10(low))), int(np.ceil(np.log10(high)))
    inside: list[float] = []
    for steps, stride in [((1, 2, 5), 1), ((1, 3), 1), *(((1,), k) for k in range(1, last - first + 1))]:
        decades = range(first, last + 1, stride)
        inside = [float(f"{s}e{k}") for k in decades for s in steps if low <= float(f"{s}e{k}") <= high]
        if len(inside) <= most:
            break
    return inside


def loss_axis(axes: Axes, runs: Runs) -> None:
    """Label the vertical axis; logarithmic except for shares."""
    axes.set_ylabel(LOSSES.get(runs.loss_kind, "loss"))
    if runs.loss_kind not in ("error", "accuracy", "signed"):
        log_axis(axes, "y", most=6)


def band_edges(draws: np.ndarray, prob: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Lower end, median and upper end of the equal-tailed interval over the first axis."""
    low, middle, high = np.quantile(draws, [0.5 - prob / 2, 0.5, 0.5 + prob / 2], axis=0)
    return low, middle, high


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, PNG or PDF, by the name's ending; the same figure gives the same file.

    Raises
    ------
    ScalawError
        S004 for another ending, or where the file cannot be written.
    """
    ending = path.suffix.lower()
    undated: dict[str, dict[str, None]] = {".svg": {"Date": None}, ".png": {}, ".pdf": {"CreationDate": None}}
    if ending not in undated:
        what = f"a figure cannot be a '{ending}' file" if ending else "the name of a figure has no ending"
        raise ScalawError("S004", what, str(path), fix="end it in .svg, .png or .pdf")
    with (
        matplotlib.style.context(["default", {**STYLE, "svg.hashsalt": "scalaw"}]),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        try:
            figure.savefig(path, dpi=200, metadata=undated[ending])
        except OSError as error:
            raise ScalawError("S004", f"cannot write there: {error.strerror}", str(path)) from error
