"""The runs that a question is about: points in N, D, C or whatever a law takes, and how far they reach.

A point of a mixture or another vector is a value per column, ``{"r[github]": 0.3, "r[web]": 0.7}``; a schedule is a
builder as in a table (:mod:`scalaw.data.schedules`). Reach is counted in decades for what has a scale (of a vector or
a schedule its largest component); for shares and other components without one it is said which lie outside those of
the runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scalaw.data import Runs, parse_quantity
from scalaw.data.checks_vectors import checked_values
from scalaw.data.covariates import SCHEDULE, covariate_columns, covariate_values, is_number, table_of
from scalaw.data.schedule_files import schedule_problems
from scalaw.errors import ScalawError
from scalaw.infer.references import largest
from scalaw.laws.law import Law

#: Beyond this many decades a forecast says that its interval rests on the law alone (P002).
FAR_DECADES = 2.0
#: Nats by which the runs' own C may differ from 6·N·D before it is said.
OTHER_COUNT = 0.05
#: Nats by which a point's own C may differ from what the runs' rule makes of its N and D.
OTHER_BUDGET = 0.5
#: Least and largest value at a point by a covariate's domain, and how that is said.
LIMITS = {
    "positive": (np.nextafter(0, 1), np.inf, " and > 0"),
    "share": (0.0, 1.0, " and between 0 and 1"),
    "simplex": (0.0, 1.0, " and between 0 and 1"),
    "real": (-np.inf, np.inf, ""),
}
#: Components closer to the runs than this lie among them.
SAME = 1e-9


def read_points(given: Mapping[str, Any], runs: Runs, laws: Sequence[Law] = ()) -> dict[str, np.ndarray]:
    """Covariates of new runs by column, each of shape (points,): numbers, or the texts of schedules.

    Parameters
    ----------
    given : mapping
        Name → number, text such as ``"70B"``, or a sequence of these; single values are repeated. A vector may be given
        as a mapping of its own, ``r={"github": 0.3, "web": 0.7}``.
    runs : Runs
        Its binding of ``x`` is filled in, and the third of N, D and C by C = 6·N·D.
    laws : sequence of Law
        Say which values may be 0 or negative, and which are schedules.

    Raises
    ------
    ScalawError
        P001 for what cannot be read or lies outside its domain, or for lengths that do not fit; D070 for a schedule.
    """
    given = _columns(given)
    texts = _schedule_names(laws)
    known = dict.fromkeys((*runs.covariates, *texts, "N", "D", "C", "U", "x"))
    if unknown := [name for name in given if name not in known]:
        fix = f"say {', '.join(known)}"
        raise ScalawError("P001", f"the runs have no covariate '{unknown[0]}'", "forecast", fix=fix)
    domain = _domains(runs, laws)
    points = {
        name: _texts(value, runs)
        if name in texts
        else _numbers(name, value, domain=domain.get(name, "positive"))
        for name, value in given.items()
        if value is not None
    }
    if not points:
        raise ScalawError("P001", "no point given", "forecast", fix="say e.g. N='70B', D='1.4T'")
    try:
        arrays = np.broadcast_arrays(*points.values())
    except ValueError as error:
        sizes = ", ".join(f"{name}: {len(value)}" for name, value in points.items())
        what, fix = f"different numbers of points ({sizes})", "give one value, or as many for each"
        raise ScalawError("P001", what, "forecast", fix=fix) from error
    points = {name: np.array(value) for name, value in zip(points, arrays, strict=True)}
    if {"N", "D"} <= points.keys() and "C" not in points:
        points["C"] = 6.0 * points["N"] * points["D"]
    elif {"N", "C"} <= points.keys() and "D" not in points:
        points["D"] = points["C"] / (6.0 * points["N"])
    elif {"D", "C"} <= points.keys() and "N" not in points:
        points["N"] = points["C"] / (6.0 * points["D"])
    bound = runs.columns.get("x")
    if bound in points and "x" not in points:
        points["x"] = points[bound]
    elif bound and "x" in points:
        points.setdefault(bound, points["x"])
    return points


def _columns(given: Mapping[str, Any]) -> dict[str, Any]:
    """Columns, with a vector's own mapping spread out."""
    out: dict[str, Any] = {}
    for name, value in given.items():
        out |= (
            {f"{name}[{part}]": v for part, v in value.items()}
            if isinstance(value, Mapping)
            else {name: value}
        )
    return out


def _schedule_names(laws: Sequence[Law]) -> list[str]:
    """Names that schedules of the laws may go by."""
    found = [c.name for law in laws for c in law.covariates if c.domain == "schedule"]
    return [*found, SCHEDULE] if found else []


def _domains(runs: Runs, laws: Sequence[Law]) -> dict[str, str]:
    """Domain of every column that a law takes; of the first law where they differ."""
    found: dict[str, str] = {}
    for law in laws:
        for c in law.covariates:
            for name in covariate_columns(law, c, runs.frame.columns):
                found.setdefault(name, c.domain)
    return found


def _texts(value: Any, runs: Runs) -> np.ndarray:
    """Schedules as they are written, shape (points,)."""
    cells = (
        [value]
        if isinstance(value, str)
        else [str(cell) for cell in np.atleast_1d(np.asarray(value, object))]
    )
    if problems := schedule_problems(cells, runs.schedules, "forecast"):
        raise ScalawError.of(problems)
    return np.array(cells, object)


def quantity(name: str, given: Any, where: str, fix: str) -> float:
    """One positive value, a number or as text (P001)."""
    found = _numbers(name, given, where, fix)
    if len(found) != 1:
        raise ScalawError("P001", f"{name} is one value, not {len(found)}", where, fix=fix)
    return float(found[0])


def _numbers(
    name: str,
    value: Any,
    where: str = "forecast",
    fix: str = "write e.g. 70B or 1.4e12",
    domain: str = "positive",
) -> np.ndarray:
    try:
        cells: Sequence[Any] = [value] if np.ndim(value) == 0 else list(value)
        out = np.array([_number(name, cell, where) for cell in cells])
    except ScalawError:
        raise
    except (TypeError, ValueError) as error:
        raise ScalawError("P001", f"{name} is no number: {value!r:.60}", where, fix=fix) from error
    low, high, words = LIMITS.get(domain, LIMITS["positive"])
    fix = "write a share such as 0.3" if high == 1 else fix
    if not out.size or not np.all(np.isfinite(out) & (out >= low) & (out <= high)):
        raise ScalawError("P001", f"{name} must be finite{words}, got {value!s:.60}", where, fix=fix)
    return out


def _number(name: str, cell: Any, where: str) -> float:
    """One value; a unit that belongs to another quantity is refused."""
    if not isinstance(cell, str):
        if np.ndim(cell) or isinstance(cell, bool | np.bool_):
            raise TypeError
        return float(cell)
    number, kind = parse_quantity(cell)
    if kind is not None and kind != {"U": "D", "x": kind}.get(name, name):
        raise ScalawError("P001", f"{name} is given as '{cell[:40]}', which is a {kind}", where)
    return number


def other_count(given: Mapping[str, Any], runs: Runs) -> list[str]:
    """A note where one of N, D and C was filled in by C = 6·N·D but the runs count C otherwise."""
    filled = [name for name in ("N", "D", "C") if given.get(name) is None]
    if len(filled) > 1 or not {"N", "D", "C"} <= set(runs.covariates):
        return []
    ratio = float(np.median(runs.values("C") / (6.0 * runs.values("N") * runs.values("D"))))
    if not filled:
        at = read_points({name: given[name] for name in ("N", "D", "C")}, runs)
        off = float(np.max(np.abs(np.log(at["C"] / (6.0 * at["N"] * at["D"]) / ratio))))
        if off < OTHER_BUDGET:
            return []
        return [
            f"C at a point is {np.exp(off):.2g} times away from what its N and D cost in the runs: is it meant so?"
        ]
    if abs(np.log(ratio)) < OTHER_COUNT:
        return []
    return [
        f"{filled[0]} follows from C = 6·N·D, but in the runs C is {ratio:.2g} times that: give {filled[0]} too"
    ]


def wanted(law: Law, points: Mapping[str, np.ndarray], runs: Runs | None = None) -> dict[str, np.ndarray]:
    """The law's covariates at the points, (points,) or (points, …); components in the order of the runs' columns.

    Raises
    ------
    ScalawError
        P001 when one is missing, D072 for shares that do not add up.
    """
    names = points if runs is None else runs.frame.columns
    columns = {
        c.name: [c.name]
        if is_number(c)
        else covariate_columns(law, c, points if c.domain == "schedule" else names)
        for c in law.covariates
    }
    absent = [name for c, found in columns.items() for name in found or [c] if name not in points]
    if absent:
        raise ScalawError(
            "P001", f"law {law.name} needs {', '.join(absent)} at every point", "forecast", fix="give it too"
        )
    own = {name: points[name] for found in columns.values() for name in found}
    table = table_of(own, {} if runs is None else runs.schedules, "forecast")
    return {c.name: checked_values(table, law, c) for c in law.covariates}


def reach_decades(points: Mapping[str, np.ndarray], runs: Runs, laws: Sequence[Law] = ()) -> np.ndarray:
    """How many decades each point lies outside the runs' range, 0 inside.

    The largest over N, D, C, U, x and whatever else the laws scale up.
    """
    scaled = {c.name for law in laws for c in law.covariates if c.scaling == "ratio" or c.domain == "integer"}
    reach = np.zeros(len(next(iter(points.values()))))
    for name in sorted({"N", "D", "C", "U", "x"} | scaled):
        if name in points and name in runs.covariates:
            reach = np.maximum(reach, _decades(points[name], runs.values(name)))
    for law in laws:
        for c in law.covariates:
            if not is_number(c) and c.scaling == "ratio":
                at = wanted(law, points, runs)[c.name]
                reach = np.maximum(reach, _decades(largest(at), largest(covariate_values(runs, law, c))))
    return reach


def _decades(at: np.ndarray, seen: np.ndarray) -> np.ndarray:
    at, seen = np.log10(at), np.log10(seen)
    return np.maximum(at - seen.max(), seen.min() - at)


def outside_notes(points: Mapping[str, np.ndarray], runs: Runs, laws: Sequence[Law]) -> list[str]:
    """A note P006 for every component without a scale that lies outside those of the runs at some point."""
    columns = {
        name: None
        for law in laws
        for c in law.covariates
        if not is_number(c) and c.scaling != "ratio"
        for name in covariate_columns(law, c, runs.frame.columns)
    }
    notes = []
    for name in columns:
        seen, at = runs.values(name), points[name]
        beyond = at[(at < seen.min() - SAME) | (at > seen.max() + SAME)]
        if len(beyond):
            range_ = f"{seen.min():.3g} to {seen.max():.3g} of the runs"
            notes.append(
                f"P006 {name} = {beyond[0]:.3g} lies outside the {range_}: no run shows what it does there"
            )
    return notes
