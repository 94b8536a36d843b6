"""References: the centre of the runs, computed once in NumPy and passed to programs as numbers.

Covariate references are geometric means over all rows in use (arithmetic ones where the difference to the reference is
what counts). A vector or a reduced schedule that is scaled has the geometric mean of each run's largest component, one
that is shifted the mean of all components; others need none, and have 1. The loss reference (a median) and the
statistics that priors need come from the *training* rows alone, so a held-out loss enters nothing. Laws and folds that
are scored against each other use one set of references. C's reference is ``6 * N_ref * D_ref`` where N and D are known
too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from scalaw.data import Runs
from scalaw.data.covariates import column_problem, covariate_values, is_number
from scalaw.errors import ScalawError
from scalaw.laws.expression import names, parse
from scalaw.laws.law import Law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Parameter
from scalaw.model.coordinates import COORDINATES
from scalaw.model.scaling_model import ScalingModel


@dataclass(frozen=True)
class References:
    """``units``: unit kind → reference (with ``"loss"``); ``statistics``: the numbers that priors name."""

    units: Mapping[str, float]
    statistics: Mapping[str, float]


def bind(law: Law, runs: Runs) -> Runs:
    """Runs in which every covariate of the law can be looked up; ``x`` is bound where only one column can be meant.

    Raises
    ------
    ScalawError
        D012 for a missing column, D071 for another number of them than a vector has, D013 when ``x`` could be several.
    """
    for c in law.covariates:
        if c.name == "x" and "x" not in (*runs.columns, *runs.frame.columns):
            found = [name for name in runs.covariates if name in ("N", "D", "C", "U")]
            if len(found) != 1:
                raise ScalawError(
                    "D013",
                    f"law {law.name} scales one quantity, the runs have {', '.join(found) or 'none'}",
                    runs.source,
                    fix="choose it: x='C' (on the command line --x C)",
                )
            runs = runs.along(found[0])
        if is_number(c):
            runs.values(c.name)
        elif problem := column_problem(runs, law, c):
            raise ScalawError.of([problem])
    return runs


def references(runs: Runs, law: Law, train: np.ndarray | None = None) -> References:
    """References of a table.

    Parameters
    ----------
    runs : Runs
        All rows in use.
    law : Law
        Its units are needed; those of N, D and C are always included.
    train : array of bool, shape (runs,), optional
        Rows whose losses may be looked at; all by default.
    """
    train = np.ones(len(runs), bool) if train is None else np.asarray(train, bool)
    loss = runs.values("loss")[train]
    units = {name: _centre(runs.values(name)) for name in ("N", "D", "C") if name in runs.covariates}
    if {"N", "D", "C"} <= units.keys():
        units["C"] = 6.0 * units["N"] * units["D"]
    for c in law.covariates:
        if not is_number(c):
            units.setdefault(c.unit, _centre_of(covariate_values(runs, law, c), c))
            continue
        column = runs.columns.get("x", "x") if c.name == "x" else c.name
        units.setdefault(c.unit, units[column] if column in units else _centre_of(runs.values(column), c))
    units["loss"] = float(np.median(loss))
    first = law.covariates[0]
    log_x = _log_scale(covariate_values(runs, law, first), first, units[first.unit])[train]
    statistics = {
        "loss_min": float(loss.min() / law.loss_ref(units)),
        "x_mid": float(np.exp(0.5 * (log_x.min() + log_x.max()))),
        "x_log_sd": float(max(0.5 * np.ptp(log_x), 0.5)),
    }
    return References(units, statistics)


def _centre(values: np.ndarray) -> float:
    return float(np.exp(np.mean(np.log(values))))


def _centre_of(values: np.ndarray, c: Covariate) -> float:
    """Reference of a covariate, shape (runs,), or (runs, …) for vectors."""
    if c.scaling == "ratio":
        return _centre(largest(values))
    return float(np.mean(values)) if c.scaling == "interval" else 1.0


def largest(values: np.ndarray) -> np.ndarray:
    """The largest component of every vector, or the number itself, shape (runs,): what is taken for its size."""
    return values.reshape(len(values), -1).max(axis=1)


def _log_scale(values: np.ndarray, c: Covariate, reference: float) -> np.ndarray:
    """Logs of a covariate over its reference, shape (runs,); 0 for what is no ratio."""
    if c.scaling != "ratio":
        return np.zeros(len(values))
    return np.log(largest(values) / reference)


def prior_digest(model: ScalingModel, refs: References) -> str:
    """Hash of what draws in sampling coordinates mean: all priors in force, and the coordinates' version."""
    priors = [reference_prior(model, p, refs) for p in model.parameters]
    return hashlib.sha256(repr((COORDINATES, model.fixed, priors)).encode()).hexdigest()[:16]


def reference_prior(model: ScalingModel, p: Parameter, refs: References) -> Prior:
    """A parameter's prior in reference units with all numbers filled in.

    A prior that a user wrote in the paper's units is divided by the parameter's unit, which must then be a number:
    E or a scale can be given so, an amplitude whose unit contains its exponent cannot.

    Raises
    ------
    ScalawError
        M005 for a prior in paper units on a parameter whose unit depends on other parameters.
    """
    prior = model.prior(p).resolve(refs.statistics)
    if prior.unit == "reference" or p.dimension == "1":
        return prior
    depends = [name for name in names(parse(p.dimension)) if name not in refs.units]
    if depends or model.law.to_paper is not None:
        raise ScalawError(
            "M005",
            f"the unit of {p.name} is {p.dimension}, which contains {', '.join(depends) or 'a mixture'}",
            f"prior of {p.name}",
            fix=f"give it as a share of the loss at the centre of the runs: {p.name}='share LogNormal(0.15, 1)'",
        )
    factor = float(model.law.factor(p, {}, refs.units))
    if prior.family in ("LogNormal", "OrderedLogNormal"):
        prior = replace(prior, numbers=(float(prior.numbers[0]) / factor, prior.numbers[1]))
        return replace(prior, low=float(prior.low) / factor)
    return replace(prior, low=float(prior.low) / factor, scale=float(prior.scale) / factor)
