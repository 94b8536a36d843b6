"""The runs that a question is about: points in N, D, C or whatever a law scales, and how far they reach."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scalaw.data import Runs, parse_quantity
from scalaw.errors import ScalawError
from scalaw.laws.law import Law

#: Beyond this many decades a forecast says that its interval rests on the law alone (P002).
FAR_DECADES = 2.0
#: Nats by which the runs' own C may differ from 6·N·D before it is said.
OTHER_COUNT = 0.05
#: Nats by which a point's own C may differ from what the runs' rule makes of its N and D.
OTHER_BUDGET = 0.5


def read_points(given: Mapping[str, Any], runs: Runs) -> dict[str, np.ndarray]:
    """Covariates of new runs, each of shape (points,).

    Parameters
    ----------
    given : mapping
        Name → number, text such as ``"70B"``, or a sequence of these; single values are repeated.
    runs : Runs
        Its binding of ``x`` is filled in, and the third of N, D and C by C = 6·N·D.

    Raises
    ------
    ScalawError
        P001 for what cannot be read or is not > 0, or for lengths that do not fit.
    """
    known = dict.fromkeys((*runs.covariates, "N", "D", "C", "U", "x"))
    if unknown := [name for name in given if name not in known]:
        fix = f"say {', '.join(known)}"
        raise ScalawError("P001", f"the runs have no covariate '{unknown[0]}'", "forecast", fix=fix)
    points = {name: _numbers(name, value) for name, value in given.items() if value is not None}
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


def quantity(name: str, given: Any, where: str, fix: str) -> float:
    """One positive value, a number or as text (P001)."""
    found = _numbers(name, given, where, fix)
    if len(found) != 1:
        raise ScalawError("P001", f"{name} is one value, not {len(found)}", where, fix=fix)
    return float(found[0])


def _numbers(
    name: str, value: Any, where: str = "forecast", fix: str = "write e.g. 70B or 1.4e12"
) -> np.ndarray:
    try:
        cells: Sequence[Any] = [value] if np.ndim(value) == 0 else list(value)
        out = np.array([_number(name, cell, where) for cell in cells])
    except ScalawError:
        raise
    except (TypeError, ValueError) as error:
        raise ScalawError("P001", f"{name} is no number: {value!r:.60}", where, fix=fix) from error
    if not out.size or not np.all(np.isfinite(out) & (out > 0)):
        raise ScalawError("P001", f"{name} must be finite and > 0, got {value!s:.60}", where, fix=fix)
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


def wanted(law: Law, points: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The law's covariates at the points (P001 when one is missing)."""
    if missing := [c.name for c in law.covariates if c.name not in points]:
        names = ", ".join(missing)
        raise ScalawError(
            "P001", f"law {law.name} needs {names} at every point", "forecast", fix="give it too"
        )
    return {c.name: points[c.name] for c in law.covariates}


def reach_decades(points: Mapping[str, np.ndarray], runs: Runs, laws: Sequence[Law] = ()) -> np.ndarray:
    """How many decades each point lies outside the runs' range, 0 inside.

    The largest over N, D, C, U, x and whatever else the laws scale up.
    """
    scaled = {c.name for law in laws for c in law.covariates if c.scaling == "ratio" or c.domain == "integer"}
    reach = np.zeros(len(next(iter(points.values()))))
    for name in sorted({"N", "D", "C", "U", "x"} | scaled):
        if name in points and name in runs.covariates:
            seen = np.log10(runs.values(name))
            at = np.log10(points[name])
            reach = np.maximum(reach, np.maximum(at - seen.max(), seen.min() - at))
    return reach
