"""Laws along lines: which points a curve goes through, and the loss there under every posterior draw.

A law is drawn through the runs' own **design**, because a curve elsewhere would show the law and not the
fit: a law in one quantity along that quantity; a law in several along a path where they rise together (D =
20 N); a law in N and D at groups of equal compute or equal tokens where they do not (IsoFLOP profiles).
Anything else is shown at the runs themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scalaw.data import Runs
from scalaw.data.covariates import covariate_columns, is_number
from scalaw.data.units import format_quantity
from scalaw.infer import Fit
from scalaw.infer.evaluate import evaluate
from scalaw.infer.scenarios import padded_rows

#: Points of a curve; three calls of the smallest program.
GRID = 48
#: Logarithms that correlate more than this lie on one path.
PATH = 0.98
#: Runs within this many decades of a neighbour belong to one group.
GAP = 0.06
MOST_GROUPS = 12
BINS = 8


@dataclass(frozen=True)
class Line:
    """Points along which a law is drawn: ``across`` is the horizontal quantity, shape (points,)."""

    across: np.ndarray
    covariates: Mapping[str, np.ndarray]
    label: str = ""
    rows: np.ndarray | None = None


@dataclass(frozen=True)
class Design:
    """How a law is drawn through runs.

    ``kind`` is ``"line"`` (one curve), ``"groups"`` (a curve per group of runs) or ``"runs"`` (at the runs).
    """

    kind: Literal["line", "groups", "runs"]
    across: str
    lines: tuple[Line, ...]


def law_curve(fit: Fit, covariates: Mapping[str, np.ndarray]) -> np.ndarray:
    """Loss under the law at points, shape (draws, points).

    Points go through the program that the fit has compiled already, a bucket of rows at a time.
    """
    scenario = fit.scenario
    size = padded_rows([scenario])
    number = len(next(iter(covariates.values())))
    parts = [
        np.asarray(
            evaluate(scenario.at({n: v[i : i + size] for n, v in covariates.items()}), fit.positions).location
        )
        for i in range(0, number, size)
    ]
    return fit.model.noise.response(np.concatenate(parts, axis=1)) * fit.model.law.loss_ref(fit.refs.units)


def design_of(fit: Fit) -> Design:
    """The lines along which a fitted law is drawn."""
    runs, law = fit.runs, fit.model.law
    covariates = dict(fit.scenario.covariates)
    names = list(covariates)
    rows = np.arange(len(runs))
    if len(names) == 1 and _drawable(fit):
        column = runs.columns.get("x", "x") if names == ["x"] else names[0]
        grid = _spaced(covariates[names[0]])
        return Design("line", column, (Line(grid, {names[0]: grid}, rows=rows),))
    across = "C" if "C" in runs.covariates else next((n for n in names if n in runs.covariates), "")
    if not across or not _drawable(fit):
        column = across or "row"
        values = runs.values(across) if across else rows + 1.0
        return Design("runs", column, (Line(values, covariates, rows=rows),))
    if all(_together(runs.values(across), values) for values in covariates.values()):
        return Design("line", across, (_path(runs.values(across), covariates),))
    if sorted(c.name for c in law.covariates) == ["D", "N"]:
        return Design("groups", "N", groups(runs))
    return Design("runs", across, (Line(runs.values(across), covariates, rows=rows),))


def _drawable(fit: Fit) -> bool:
    """Whether every covariate is a positive number, so that a line in logarithms makes sense."""
    return all(c.size is None and c.domain == "positive" for c in fit.model.law.covariates)


def _together(a: np.ndarray, b: np.ndarray) -> bool:
    a, b = np.log(a), np.log(b)
    return bool(np.ptp(a) > 0 and (np.ptp(b) < 1e-9 or np.corrcoef(a, b)[0, 1] > PATH))


def _spaced(values: np.ndarray, number: int = GRID) -> np.ndarray:
    return np.geomspace(values.min(), values.max(), number)


def _path(across: np.ndarray, covariates: Mapping[str, np.ndarray]) -> Line:
    """Straight pieces in logarithms through the runs, in the order of ``across``."""
    grid = _spaced(across)
    at, place = np.unique(np.log(across), return_inverse=True)
    count = np.bincount(place)
    means = {name: np.bincount(place, np.log(v)) / count for name, v in covariates.items()}
    points = {name: np.exp(np.interp(np.log(grid), at, mean)) for name, mean in means.items()}
    return Line(grid, points, rows=np.arange(len(across)))


def groups(runs: Runs) -> tuple[Line, ...]:
    """Lines in N at equal compute or equal tokens: whichever the runs were planned at, else at equal compute."""
    N, D = runs.values("N"), runs.values("D")
    product = np.log10(N) + np.log10(D)
    by_compute, by_tokens = cluster(product), cluster(np.log10(D))
    tokens = by_tokens is not None and (by_compute is None or by_tokens.max() < by_compute.max())
    label = by_tokens if tokens else by_compute
    sign = "=" if label is not None else "≈"
    label = _bins(product) if label is None else label
    lines = []
    for g in range(label.max() + 1):
        rows = np.flatnonzero(label == g)
        grid = _spaced(N[rows], 16)
        at = 10.0 ** np.mean((np.log10(D) if tokens else product)[rows])
        name = f"D {sign} {_short(at)}" if tokens else f"6ND {sign} {_short(6 * at, 'C')}"
        lines.append(
            Line(grid, {"N": grid, "D": np.full(len(grid), at) if tokens else at / grid}, name, rows)
        )
    return tuple(lines)


def cluster(values: np.ndarray) -> np.ndarray | None:
    """Group numbers from 0, ascending, cut at gaps; None where there are no clear groups."""
    order = np.argsort(values, kind="stable")
    label = np.empty(len(values), int)
    label[order] = np.concatenate([[0], np.cumsum(np.diff(values[order]) > GAP)])
    wide = max(np.ptp(values[label == g]) for g in range(label.max() + 1)) > 4 * GAP
    return None if wide or label.max() >= MOST_GROUPS or label.max() >= len(values) / 2 else label


def _bins(values: np.ndarray) -> np.ndarray:
    """Group numbers from 0, ascending, with equally many values in each."""
    label = np.empty(len(values), int)
    number = min(BINS, len(values))
    label[np.argsort(values, kind="stable")] = np.arange(len(values)) * number // len(values)
    return label


def _short(value: float, kind: str | None = None) -> str:
    return format_quantity(value, kind, 2)


def component_rows(fit: Fit, most: int = 8) -> dict[str, np.ndarray]:
    """The first components of the law's vectors without a scale, the shares of a mixture say, by column."""
    columns = [
        name
        for c in fit.model.law.covariates
        if c.scaling != "ratio" and not is_number(c)
        for name in covariate_columns(fit.model.law, c, fit.runs.frame.columns)
    ]
    return {name: fit.runs.values(name) for name in columns[:most]}


def quantity_rows(fit: Fit, names: Sequence[str] = ("N", "D", "D/N", "C")) -> dict[str, np.ndarray]:
    """Positive quantities of the runs worth a look: N, D, D/N and C where they exist, else the law's own."""
    runs = fit.runs
    have = {name: runs.values(name) for name in ("N", "D", "C") if name in runs.covariates}
    if {"N", "D"} <= have.keys():
        have["D/N"] = have["D"] / have["N"]
    found = {name: have[name] for name in names if name in have}
    column = runs.columns.get("x")
    for c in fit.model.law.covariates:
        named = column if c.name == "x" and column else c.name
        if c.size is None and c.domain in ("positive", "integer", "real") and named not in found:
            found[named] = np.asarray(fit.scenario.covariates[c.name], float)
    return {n: v for n, v in found.items() if np.all(np.isfinite(v) & (v > 0))}
