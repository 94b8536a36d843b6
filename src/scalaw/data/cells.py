"""Cells of a column as float64 numbers: parsed, never guessed, every cell that cannot be read named.

A column is an array with a type (Parquet, a data frame) or a list of texts (CSV, JSON). Texts may be plain
numbers, grouped numbers (``1,000,000``), quantities (``70B``), missing (empty, NaN, NA, null, None) or
infinite. A column where some cells carry a suffix and others do not is refused: 13 beside 70B may be 13 or
13 billion.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import numpy as np

from scalaw.data.units import parse_quantity
from scalaw.data.wording import cells_text, plural, quoted
from scalaw.errors import Problem, ScalawError

Cells = Sequence[str] | np.ndarray

MISSING = {"", "nan", "na", "<na>", "null", "none", "nat"}
_INFINITE = {
    "inf": math.inf,
    "+inf": math.inf,
    "-inf": -math.inf,
    "infinity": math.inf,
    "-infinity": -math.inf,
}
PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
_PLAIN_COMMA = re.compile(r"[+-]?\d+,\d+(?:[eE][+-]?\d{1,3})?", re.ASCII)
_DIGITS_ONLY = re.compile(r"[\d,._+\-eE]+", re.ASCII)
_MONEY = re.compile(r"[%$€£¥]")
_KIND_OF_ROLE = {"N": "N", "D": "D", "U": "D", "C": "C"}
_TYPES = {"b": "boolean", "c": "complex", "M": "a date", "m": "a duration"}


@dataclass
class Reading:
    """Numbers of one column with what was met on the way."""

    values: np.ndarray
    problems: list[Problem] = field(default_factory=list)
    conversions: list[str] = field(default_factory=list)


@dataclass
class _Sorted:
    """Cells of a text column by what they are: (row, cell) pairs."""

    plain: list[tuple[int, str]] = field(default_factory=list)
    grouped: list[tuple[int, str]] = field(default_factory=list)
    suffixed: list[tuple[int, str]] = field(default_factory=list)
    ambiguous: list[tuple[int, str]] = field(default_factory=list)
    comma: list[tuple[int, str]] = field(default_factory=list)
    money: list[tuple[int, str]] = field(default_factory=list)
    boolean: list[tuple[int, str]] = field(default_factory=list)
    text: list[tuple[int, str]] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)
    fix: str = ""


def read_numbers(
    role: str,
    cells: Cells,
    where: str,
    *,
    unit: str | float | None = None,
    decimal: str = ".",
    na_values: Iterable[object] = (),
) -> Reading:
    """Numbers of one column.

    Parameters
    ----------
    role : str
        ``"N"``, ``"D"``, ``"C"``, ``"U"``, ``"loss"`` or another covariate; a loss takes no suffix.
    cells : sequence of str, or array
        The column.
    where : str
        Table and column, for messages.
    unit : str or float, optional
        What plain numbers are multiplied by: ``"B"``, ``"PF-days"``, ``"%"``, 1e9; ``"si"`` reads SI
        prefixes.
    decimal : {".", ","}
        Decimal sign of texts.
    na_values : iterable
        Further cells that mean missing.

    Returns
    -------
    Reading
        float64 values, NaN where missing or unreadable (then a problem of severity E says so).
    """
    absent = {str(value).strip() for value in na_values}
    factor, problem = _factor(unit, where)
    if isinstance(cells, np.ndarray) and cells.dtype.kind not in "OUS":
        reading = _read_typed(cells, where, absent)
        found = _Sorted()
    else:
        values, found = _sort(cells, role, decimal, absent, unit == "si")
        reading = Reading(values, _problems(found, role, where, unit), _conversions(found, role))
    reading.problems += [problem] if problem else []
    if factor != 1.0 and not found.suffixed:
        scaled = [float(Decimal(repr(float(v))) * Decimal(repr(factor))) for v in reading.values]
        reading.values = np.array(scaled, np.float64)
        reading.conversions.append(f"{role}: plain numbers times {factor:g}, unit {unit!r} as given")
    return reading


def _factor(unit: str | float | None, where: str) -> tuple[float, Problem | None]:
    if unit is None or unit == "si":
        return 1.0, None
    if isinstance(unit, int | float) and math.isfinite(unit) and unit > 0:
        return float(unit), None
    if str(unit).strip() == "%":
        return 0.01, None
    try:
        return parse_quantity(f"1 {str(unit).strip()}")[0], None
    except ScalawError:
        fix = "use K, M, B, T, PF-days, %, si or a number"
        return 1.0, Problem("D030", "E", f"no unit {quoted(unit)}", where, fix=fix)


def _read_typed(cells: np.ndarray, where: str, absent: set[str]) -> Reading:
    if cells.dtype.kind in _TYPES:
        what = f"the column is {_TYPES[cells.dtype.kind]} ({cells.dtype})"
        problem = Problem("D025", "E", what, where, fix="give numbers, or map another column")
        return Reading(np.full(len(cells), np.nan), [problem])
    values = cells.astype(np.float64)
    numbers = [float(text) for text in absent if PLAIN.fullmatch(text)]
    return Reading(np.where(np.isin(values, numbers), np.nan, values))


def _sort(
    cells: Iterable[Any], role: str, decimal: str, absent: set[str], si: bool
) -> tuple[np.ndarray, _Sorted]:
    found = _Sorted()
    values = []
    for row, cell in enumerate(cells):
        text = "" if cell is None else str(cell).strip()
        plain = text.replace(",", ".") if decimal == "," and _PLAIN_COMMA.fullmatch(text) else text
        if text in absent:
            values.append(math.nan)
        elif PLAIN.fullmatch(plain) and not (decimal == "," and "." in text):
            values.append(float(plain))
            if not found.plain:  # one is enough for a message
                found.plain.append((row, text))
        elif text.lower() in MISSING:
            values.append(math.nan)
        elif text.lower() in _INFINITE:
            values.append(_INFINITE[text.lower()])
        else:
            values.append(_sort_text(row, text, role, decimal, si, found))
    return np.array(values, np.float64), found


def _sort_text(row: int, text: str, role: str, decimal: str, si: bool, found: _Sorted) -> float:
    """Value of a cell that is no plain number, NaN where it cannot be read; notes it in ``found``."""
    pair = (row, text)
    comma = _PLAIN_COMMA.fullmatch(text) or (decimal == "," and PLAIN.fullmatch(text))
    if text.lower() in ("true", "false"):
        found.boolean.append(pair)
    elif _MONEY.search(text):
        found.money.append(pair)
    elif role == "loss":
        # A loss takes no suffix, and in a loss 2,314 is never two thousand.
        (found.comma if comma else found.text).append(pair)
    else:
        try:
            value, kind = parse_quantity(text, decimal=decimal, si=si)
        except ScalawError as error:
            if error.code == "D030":
                found.ambiguous.append(pair)
                found.fix = error.problems[0].fix
            else:
                (found.comma if comma else found.text).append(pair)
            return math.nan
        (found.grouped if _DIGITS_ONLY.fullmatch(text) else found.suffixed).append(pair)
        found.kinds |= {kind} if kind else set()
        return value
    return math.nan


def _problems(found: _Sorted, role: str, where: str, unit: str | float | None) -> list[Problem]:
    first = quoted(found.text[0][1]) if found.text else ""
    sign = "," if found.comma and "," in found.comma[0][1] else "."
    refusals = (
        ("D019", found.text, "text where numbers belong", f"na_values=[{first}] reads it as missing"),
        ("D008", found.comma, "another decimal sign, it seems", f"pass decimal='{sign}'"),
        ("D059", found.money, "percent or currency", "write plain numbers"),
        ("D025", found.boolean, "true or false where numbers belong", "give numbers"),
        ("D030", found.ambiguous, "suffix with two readings", found.fix),
    )
    problems = [
        Problem(code, "E", f"{what}: {cells_text(cells)}", where, fix=fix)
        for code, cells, what, fix in refusals
        if cells
    ]
    problems += _unit_problems(found, role, where, unit)
    if found.grouped:
        what = f"digit groups in {plural(len(found.grouped), 'cell')}: {cells_text(found.grouped[:1])}"
        fix = "write numbers without separators to silence this"
        problems.append(Problem("D009", "W", what, where, "read as one number", fix))
    if found.suffixed and not any(problem.severity == "E" for problem in problems):
        problems.append(Problem("D029", "I", f"units read: {cells_text(found.suffixed)}", where))
    return problems


def _unit_problems(found: _Sorted, role: str, where: str, unit: str | float | None) -> list[Problem]:
    """D028: units that differ inside the column, from what was said, or from the role."""
    problems = []
    bare = found.plain or found.grouped
    carried = cells_text(found.suffixed[:1]) if found.suffixed else ""
    if found.suffixed and bare:
        what = f"cells with a unit ({carried}) beside plain ones ({cells_text(bare[:1])})"
        why = "a plain number may be in any unit"
        problems.append(Problem("D028", "E", what, where, why, "write every cell in one way"))
    elif found.suffixed and unit not in (None, "si"):
        fix = f"leave out units={{'{role}': …}}"
        problems.append(Problem("D028", "E", f"cells carry their own unit: {carried}", where, fix=fix))
    wrong = found.kinds - {_KIND_OF_ROLE.get(role, "")}
    if role in _KIND_OF_ROLE and wrong:
        names = {"N": "parameters", "D": "tokens", "C": "FLOP"}
        what = f"{role} is given in {', '.join(names[kind] for kind in sorted(wrong))}"
        problems.append(Problem("D028", "E", what, where, fix="check which column plays which role"))
    return problems


def _conversions(found: _Sorted, role: str) -> list[str]:
    texts = []
    if found.suffixed:
        first = quoted(found.suffixed[0][1])
        texts.append(f"{role}: units read in {plural(len(found.suffixed), 'cell')}, first {first}")
    if found.grouped:
        texts.append(f"{role}: digit groups read in {plural(len(found.grouped), 'cell')}")
    return texts
