"""Checks of vector-valued covariates and schedules: their values, and whether the runs can tell their parts apart.

Values are refused where one is missing or outside its domain (D021, D024), where shares do not add up (D072) and
where a schedule cannot be read (D070). Warned about are components that never change (D040), components that change
together (D041), and schedules that all have one shape: then what annealing gains and what a longer run gains are one
(D041).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scalaw.data.covariates import column_problem, covariate_columns, covariate_values, is_number
from scalaw.data.runs import Runs
from scalaw.data.schedule_files import rates_of, schedule_problems
from scalaw.data.schedules import after_warmup
from scalaw.data.wording import names_text, plural, quoted, rows_text
from scalaw.errors import Problem, ScalawError

#: Shares of a mixture may miss one by this much, which printed digits explain.
SUM_ERROR = 1e-6
#: Components whose correlation matrix has a smaller eigenvalue change together: 0.98 for a pair of them.
ALIKE = 0.02
#: Schedules are compared at so many places.
PLACES = 64

_BOUNDS = {
    "positive": (np.nextafter(0, 1), np.inf, "above 0"),
    "share": (0.0, 1.0, "between 0 and 1"),
    "simplex": (0.0, 1.0, "between 0 and 1"),
    "integer": (1.0, np.inf, "1 or more"),
}


def outside(name: str, values: np.ndarray, domain: str, law: str, where: str) -> list[Problem]:
    """Problems D021 and D024 of one column: what is missing, and what lies outside its domain."""
    problems = []
    missing = np.flatnonzero(~np.isfinite(values)).tolist()
    if missing:
        what = f"{name} is missing in {rows_text(missing, len(values))}"
        problems.append(Problem("D021", "E", what, where, f"law {law} needs it", "select runs that have it"))
    low, high, words = _BOUNDS.get(domain, (-np.inf, np.inf, ""))
    wrong = np.flatnonzero((values < low) | (values > high)).tolist()
    if wrong:
        what = f"{name} is {values[wrong[0]]:.6g} in {rows_text(wrong, len(values))}"
        why = f"law {law} needs it {words}"
        problems.append(Problem("D024", "E", what, where, why, "correct it or leave the rows out"))
    return problems


def checked_values(runs: Runs, law: Any, covariate: Any) -> np.ndarray:
    """Values as :func:`scalaw.data.covariates.covariate_values` gives them, with vectors and schedules checked."""
    if not is_number(covariate):
        problem = column_problem(runs, law, covariate)
        if problems := vector_problems(runs, law, covariate) if problem is None else [problem]:
            raise ScalawError.of(problems)
    return covariate_values(runs, law, covariate)


def vector_problems(runs: Runs, law: Any, covariate: Any) -> list[Problem]:
    """Problems of severity E in the values of a vector or a schedule whose columns are there."""
    columns = covariate_columns(law, covariate, runs.frame.columns)
    if covariate.domain == "schedule":
        return schedule_problems(
            runs.frame[columns[0]].tolist(), runs.schedules, f"{runs.source}, column {columns[0]}"
        )
    try:
        values = covariate_values(runs, law, covariate)
    except ScalawError as error:
        fix = "write plain numbers: 0.3 for 30 %"
        return [Problem(p.code, "E", p.what, p.where, p.why, p.fix or fix) for p in error.problems]
    total = values.sum(axis=-1)
    shares = covariate.domain in ("simplex", "share")
    if shares and np.all(np.abs(total - 100) <= 100 * SUM_ERROR):
        what = f"the shares of every run sum to 100 ({names_text(columns, 60)})"
        return [
            Problem(
                "D072",
                "E",
                what,
                runs.source,
                "in percent",
                f"units={{'{covariate.name}': '%'}} divides by 100",
            )
        ]
    problems = []
    for name, column in zip(columns, values.T, strict=True):
        where = f"{runs.source}, column {quoted(name)[1:-1]}"
        problems += outside(name, column, covariate.domain, law.name, where)
    return problems or (_sums(runs, covariate, columns, total) if shares else [])


def _sums(runs: Runs, covariate: Any, columns: list[str], total: np.ndarray) -> list[Problem]:
    """D072 where shares do not sum to one, or to more than one."""
    exact = covariate.domain == "simplex"
    wrong = np.flatnonzero((np.abs(total - 1) if exact else total - 1) > SUM_ERROR).tolist()
    if not wrong:
        return []
    what = (
        f"the shares {names_text(columns, 60)} sum to {total[wrong[0]]:.8g} in {rows_text(wrong, len(total))}"
    )
    why = f"they must sum to {'1' if exact else 'at most 1'}, and nothing is rescaled"
    return [
        Problem("D072", "E", what, runs.source, why, "add the domain that is missing, or correct the rows")
    ]


def vector_identification(runs: Runs, law: Any, covariate: Any) -> list[Problem]:
    """Warnings D040 and D041 about a vector or a schedule, at least two runs given; none where values are refused."""
    if vector_problems(runs, law, covariate):
        return []
    if covariate.domain == "schedule":
        return _schedules(runs, law, covariate)
    values = covariate_values(runs, law, covariate)
    columns = covariate_columns(law, covariate, runs.frame.columns)
    varies = np.ptp(values, axis=0) > 1e-12 * np.max(np.abs(values), axis=0)
    problems = []
    if constant := [name for name, moves in zip(columns, varies, strict=True) if not moves]:
        what = f"the same in every run: {names_text(constant)}"
        fix = (
            "add runs that vary it, or leave it out of the mixture"
            if varies.any()
            else "add runs that vary it"
        )
        why = f"law {law.name} learns nothing about its effect"
        problems.append(Problem("D040", "W", what, runs.source, why, fix))
    moving = [name for name, moves in zip(columns, varies, strict=True) if moves]
    if together := _together(values[:, varies], covariate.domain):
        what = f"change together: {names_text([moving[i] for i in together])}"
        why = "their effects cannot be told apart; only a combination is learned"
        fix = "add runs that vary one of them at the same value of the others"
        problems.append(Problem("D041", "W", what, runs.source, why, fix))
    return problems


def _together(values: np.ndarray, domain: str) -> list[int]:
    """Components that change together: alike pairs, or all where only a combination of more does not change.

    The shares of a mixture have one such combination, their sum, that says nothing.
    """
    known = int(domain == "simplex")
    if values.shape[1] < 2 + known or len(values) <= values.shape[1]:
        return []
    correlation = np.corrcoef(values.T)
    if np.linalg.eigvalsh(correlation)[known] >= ALIKE:
        return []
    alike = np.abs(correlation - np.eye(len(correlation))) > 1 - ALIKE
    return np.flatnonzero(alike.any(axis=0)).tolist() or list(range(values.shape[1]))


def _schedules(runs: Runs, law: Any, covariate: Any) -> list[Problem]:
    """Whether schedules differ at all, and in their shape."""
    column = covariate_columns(law, covariate, runs.frame.columns)[0]
    cells = list(dict.fromkeys(runs.frame[column].tolist()))
    rates = [after_warmup(rates_of(cell, runs.schedules)) for cell in cells]
    where = f"{runs.source}, column {column}"
    if all(len(r) == len(rates[0]) and np.array_equal(r, rates[0]) for r in rates):
        what = f"every run has the same schedule: law {law.name} learns nothing about its effect"
        return [
            Problem("D040", "W", what, where, fix="add runs of another schedule, or use a law without it")
        ]
    shapes = [np.interp(np.linspace(0, 1, PLACES), np.linspace(0, 1, len(r)), r / r[0]) for r in rates]
    if max(np.max(np.abs(shape - shapes[0])) for shape in shapes) > 1 / PLACES:
        return []
    what = f"{plural(len(cells), 'schedule')} of one shape, which differ in length or height alone"
    why = "what a fall of the rate gains cannot be told from what more steps gain"
    return [Problem("D041", "W", what, where, why, "add runs whose rate falls otherwise, or not at all")]
