"""Checks of runs against the law that is to be fitted, and the list of everything known about a table.

:func:`check_runs` collects what reading met, what the values look like (:mod:`scalaw.data.checks_looks`),
and, for a law, whether the table holds its covariates (D012, D071), whether their values lie in its domain (D021,
D024; vectors and schedules in :mod:`scalaw.data.checks_vectors`), and whether the runs can tell its parameters
apart: too few runs (D042), a covariate that never changes (D040), two that change together (D041). A law is any
object with ``name``, ``covariates`` (records with ``name`` and ``domain``, see :mod:`scalaw.data.covariates`) and
``free`` (parameters); this floor knows nothing else about laws.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from scalaw.data.checks_looks import looks
from scalaw.data.checks_vectors import outside, vector_identification, vector_problems
from scalaw.data.covariates import column_problem, is_number
from scalaw.data.loss_kinds import SHARES, SIGNED
from scalaw.data.runs import Runs
from scalaw.data.units import format_quantity
from scalaw.data.wording import names_text, near_name, plural
from scalaw.errors import Problem

#: Above this correlation of logarithms two covariates count as one.
COLLINEAR = 0.98


def check_runs(
    runs: Runs, law: Any = None, noise_parameters: int = 0, allow_prior_dominated: bool = False
) -> list[Problem]:
    """Everything there is to know about a table of runs, refusals first.

    Parameters
    ----------
    runs : Runs
        The table.
    law : object, optional
        The law to be fitted.
    noise_parameters : int
        Free parameters of the noise, counted with the law's for D042.
    allow_prior_dominated : bool
        Turn D042 into a warning.

    Returns
    -------
    list of Problem
        All of them; ``ScalawError.of`` raises those of severity E.
    """
    response = getattr(law, "response", None)
    other = response is not None and response.domain in ("positive", "real") and response.name != "loss"
    problems = [*runs.problems, *looks(runs, of_loss=not other)]
    if runs.refusal:
        severity = "W" if law is None else "E"
        problems.append(Problem("D062", severity, "these rows are not fitted", runs.source, runs.refusal))
    if law is not None:
        problems += _columns(runs, law) + _response(runs, law)
        if not any(problem.severity == "E" for problem in problems):
            problems += _values(runs, law)
            problems += identification(runs, law)
        problems += _count(runs, law, noise_parameters, allow_prior_dominated)
    return sorted(problems, key=lambda problem: "EWI".index(problem.severity))


def _columns(runs: Runs, law: Any) -> list[Problem]:
    found = [column_problem(runs, law, covariate) for covariate in law.covariates]
    problems = [problem for problem in found if problem is not None]
    if "loss" not in runs.frame:
        what = f"law {law.name} needs loss; found {names_text(runs.frame.columns)}"
        fix = f"map it: columns={{'loss': '{near_name('loss', list(map(str, runs.frame.columns))) or '…'}'}}"
        problems.append(Problem("D012", "E", what, runs.source, fix=fix))
    return problems


def _response(runs: Runs, law: Any) -> list[Problem]:
    """D066 where the runs measure something else than the law predicts."""
    response = getattr(law, "response", None)
    if response is None or response.domain in ("positive", "real") or "loss" not in runs.frame:
        return _direction(runs, law) + _sign(runs, law)
    wanted = response.name if response.name in SHARES else ""
    if runs.loss_kind not in SHARES:
        what = (
            f"law {law.name} predicts a share ({response.name}), and the losses are read as {runs.loss_kind}"
        )
        fix = "say what they are: loss_kind='accuracy' or 'error', or give columns successes and trials"
    elif wanted and wanted != runs.loss_kind:
        what, fix = (
            f"law {law.name} predicts {wanted}, and the runs hold {runs.loss_kind}",
            f"convert_to='{wanted}'",
        )
    else:
        return _direction(runs, law)
    return [Problem("D066", "E", what, runs.source, fix=fix)]


def _sign(runs: Runs, law: Any) -> list[Problem]:
    """D066 where a law of a positive response meets numbers of any sign."""
    response = getattr(law, "response", None)
    if runs.loss_kind != SIGNED or response is None or response.domain == "real":
        return []
    what = f"law {law.name} predicts a positive number, and the losses are read as {SIGNED}"
    fix = "say what they are with loss_kind=…, or choose a law of a number of any sign"
    return [Problem("D066", "E", what, runs.source, fix=fix)]


def _direction(runs: Runs, law: Any) -> list[Problem]:
    """D066 where accuracies meet a law that only falls; one that also rises, such as in N, may fall in another."""
    falls = getattr(law, "decreasing", ())
    if runs.loss_kind != "accuracy" or not falls or getattr(law, "increasing", ()):
        return []
    what = f"accuracy rises with scale, and law {law.name} falls with {', '.join(falls)}"
    fix = "fit the error: a column of 1 - accuracy, with loss_kind='error'"
    return [Problem("D066", "E", what, runs.source, fix=fix)]


def _values(runs: Runs, law: Any) -> list[Problem]:
    problems = []
    for covariate in law.covariates:
        if is_number(covariate):
            where = f"{runs.source}, column {covariate.name}"
            problems += outside(
                covariate.name, runs.values(covariate.name), covariate.domain, law.name, where
            )
        else:
            problems += vector_problems(runs, law, covariate)
    return problems


def identification(runs: Runs, law: Any) -> list[Problem]:
    """Covariates of the law that never change (D040) or change together (D041), as warnings.

    Parameters
    ----------
    runs : Runs
        With every covariate of the law present.
    law : object
        As in :func:`check_runs`.
    """
    logs, problems = {}, []
    for covariate in law.covariates:
        if len(runs) < 2:
            continue
        if not is_number(covariate):
            problems += vector_identification(runs, law, covariate)
            continue
        values = runs.values(covariate.name)
        if np.ptp(values) <= 1e-12 * np.max(np.abs(values)):
            name = covariate.name
            shown = format_quantity(values[0], name if name == "C" else None, 4)
            what = f"{name} is {shown} in every run: law {law.name} learns nothing about its effect"
            fix = f"fix its parameters, add runs that vary {name}, or use a law without it"
            problems.append(Problem("D040", "W", what, runs.source, fix=fix))
        elif covariate.domain == "positive":
            logs[covariate.name] = np.log(values)
    for first, second in combinations(logs, 2):
        correlation = float(np.corrcoef(logs[first], logs[second])[0, 1])
        if abs(correlation) > COLLINEAR:
            what = f"log {first} and log {second} have correlation {correlation:.3f}"
            why = "their exponents cannot be told apart; only a combination is learned"
            fix = f"add runs that vary {first} at one {second}, or tie the exponents"
            problems.append(Problem("D041", "W", what, runs.source, why, fix))
    return problems


def _count(runs: Runs, law: Any, noise_parameters: int, allowed: bool) -> list[Problem]:
    size = getattr(law, "size", lambda parameter: None)
    free = sum(size(parameter) or 1 for parameter in law.free)
    if len(runs) > free + noise_parameters:
        return []
    noise = f" and {noise_parameters} of the noise" if noise_parameters else ""
    parameters = plural(free, "free parameter")
    what = f"{plural(len(runs), 'run')}, {parameters} of law {law.name}{noise}: the answer is the prior"
    fix = "add runs or fix parameters" + ("" if allowed else "; allow_prior_dominated=True goes on")
    return [Problem("D042", "W" if allowed else "E", what, runs.source, fix=fix)]
