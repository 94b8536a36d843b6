"""Quantities as people write them: ``70B``, ``1.4T tokens``, ``3e21 FLOP``, ``6.3 PF-days``, ``1_000``.

:func:`parse_quantity` returns a float in base units (parameters, tokens, FLOP) and the unit kind that the
text names, if any: ``"N"`` for parameters, ``"D"`` for tokens, ``"C"`` for compute. :func:`format_quantity`
writes the shortest text that parses back to exactly the same float. Digits and powers of ten are combined
in decimal, so ``"70.1B"`` is the float nearest to 70.1e9 and not a product of two rounded numbers.

Suffixes are K, M, B, T (also k, b, t, and the words thousand … trillion). A lone ``m`` (milli or million?),
``G`` (use B, or ask for SI prefixes) and ``KB``, ``MB``, ``GB``, ``TB`` (bytes?) are refused with D030: a
guess would be wrong by a factor of a thousand or more. Before the word FLOP every SI prefix is clear: ``5
ZFLOP``.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Any

from scalaw.errors import ScalawError

#: FLOP in one petaflop/s-day: 1e15 per second times 86,400 seconds.
FLOP_PER_PF_DAY = 8.64e19

SUFFIXES = {"K": 3, "k": 3, "M": 6, "B": 9, "b": 9, "T": 12, "t": 12}
_WORDS = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_SI = {"k": 3, "K": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18, "Z": 21, "Y": 24}
_UNITS = {
    "param": "N", "params": "N", "parameter": "N", "parameters": "N",
    "tok": "D", "token": "D", "tokens": "D",
    "flop": "C", "flops": "C",
}  # fmt: skip
_PF_DAY = re.compile(r"(?:pf|pflops?/s|petaflops?/s|pflops?|petaflops?)[-\s]?days?", re.IGNORECASE)
_SI_FLOP = re.compile(r"([kKMGTPEZY])\s?flops?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:_\d+)*(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d,_eE])")
_AMBIGUOUS = {
    "m": "use M for million",
    "g": "use B for billion",
    "G": "use B for billion, or read with SI prefixes: units='si'",
    "P": "write 1e15",
    "E": "write 1e18",
}
_MAX_CHARACTERS = 80


def parse_quantity(text: str, *, decimal: str = ".", si: bool = False) -> tuple[float, str | None]:
    """Read one quantity.

    Parameters
    ----------
    text : str
        For instance ``"70B"``, ``"1.4T tokens"``, ``"6.3 PF-days"``, ``"1,000,000"``.
    decimal : {".", ","}
        Decimal sign; the other one may group thousands.
    si : bool
        Read G, P, E, Z, Y as SI prefixes (giga is 1e9).

    Returns
    -------
    value : float
        In parameters, tokens or FLOP.
    kind : {"N", "D", "C"} or None
        Unit kind named by the text; None for a bare number.

    Raises
    ------
    ScalawError
        P001 with the place where reading stopped, D030 for a suffix with two readings.
    """
    stripped = text.strip()
    if len(stripped) > _MAX_CHARACTERS:
        raise ScalawError(
            "P001", f"{len(stripped)} characters are no quantity", fix="write e.g. 70B or 3e21 FLOP"
        )
    plain = stripped.translate(str.maketrans(".,", ",.")) if decimal == "," else stripped
    match = _GROUPED.match(plain) or _NUMBER.match(plain)
    if match is None or not stripped.isascii():
        raise _unreadable(stripped, 0 if stripped.isascii() else _first_strange(stripped))
    digits = match[0].replace(",", "").replace("_", "")
    rest = plain[match.end() :]
    power, factor, kind = _unit(rest.strip(), stripped, match.end() + len(rest) - len(rest.lstrip()), si)
    value = float(digits)
    if math.isfinite(value):
        value = float(Decimal(digits) * Decimal(factor).scaleb(power))
    if not math.isfinite(value):
        raise ScalawError("P001", f"'{stripped}' is too large for a float", fix="check the exponent")
    return value, kind


def _unit(rest: str, text: str, start: int, si: bool) -> tuple[int, str, str | None]:
    """Power of ten, further factor and unit kind of what follows the number."""
    if not rest:
        return 0, "1", None
    if _PF_DAY.fullmatch(rest):
        return 0, "8.64e19", "C"
    if (match := _SI_FLOP.fullmatch(rest)) and match[1] in _SI:
        return _SI[match[1]], "1", "C"
    first, _, second = rest.partition(" ")
    prefixes = _SI if si else SUFFIXES
    if rest.lower() in _UNITS:
        return 0, "1", _UNITS[rest.lower()]
    power = _WORDS.get(first.lower(), prefixes.get(first))
    second = second.strip()
    if power is not None and (not second or second.lower() in _UNITS):
        return power, "1", _UNITS.get(second.lower())
    if first in _AMBIGUOUS or re.fullmatch(r"[kKmMgGtT]i?[bB]", first):
        fix = _AMBIGUOUS.get(first, "bytes are no tokens: give tokens, with K, M, B or T")
        raise ScalawError("D030", f"'{text}' can be read in two ways", why=f"suffix '{first}'", fix=fix)
    raise _unreadable(text, start if power is None else start + len(rest) - len(second))


def _first_strange(text: str) -> int:
    return next(place for place, character in enumerate(text) if not character.isascii())


def _unreadable(text: str, place: int) -> ScalawError:
    shown = ascii(text)[1:-1] if not text.isprintable() else text
    what = f"cannot read '{shown}' as a quantity" if text else "an empty text is no quantity"
    why = f"stopped at character {place + 1}: '{shown[:place]}^{shown[place:]}'" if text else ""
    return ScalawError("P001", what, why=why, fix="write e.g. 70B, 1.4T tokens, 3e21 FLOP or 6.3 PF-days")


def format_quantity(value: float, kind: str | None = None, digits: int | None = None) -> str:
    """Shortest text that :func:`parse_quantity` reads back as exactly ``value``.

    Parameters
    ----------
    value : float
        In base units.
    kind : {"N", "D", "C"}, optional
        ``"C"`` is written in powers of ten with the word FLOP.
    digits : int, optional
        Round to so many significant digits first (then the text is no longer exact).

    Examples
    --------
    >>> format_quantity(70e9), format_quantity(3e21, "C")
    ('70B', '3e21 FLOP')
    """
    value = float(value)
    if digits is not None and math.isfinite(value):
        value = float(f"{value:.{digits}g}")
    unit = " FLOP" if kind == "C" else ""
    if not math.isfinite(value) or value == 0:
        return f"{value:g}{unit}"
    exact = Decimal(repr(value))
    if kind != "C" and 1e3 <= abs(value) < 1e15:
        name, power = next(
            (s, p) for s, p in (("T", 12), ("B", 9), ("M", 6), ("K", 3)) if abs(value) >= 10.0**p
        )
        return f"{_plain(exact.scaleb(-power))}{name}"
    if 1e-3 <= abs(value) < 1e6:
        return _plain(exact) + unit
    power = exact.adjusted()
    return f"{_plain(exact.scaleb(-power))}e{power}{unit}"


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def compute_6nd(N: Any, D: Any) -> Any:
    """Training compute C = 6 N D in FLOP (arXiv:2001.08361 §2.1), for dense transformers.

    Two FLOP per parameter and token forward, four backward; attention over the context is left out. N counts
    the parameters that touch every token.
    """
    return 6.0 * N * D
