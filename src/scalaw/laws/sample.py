"""Draws from a law's priors and made-up covariates, in NumPy: for ``check_law`` and for simulated truths.

:func:`sample_prior` draws exactly what the fit assumes, shift and stretch included, so simulation-based
calibration may rest on it. Fixed parameters are given in the paper's units and are converted once the
parameters that their units depend on are known; tied parameters follow their partner.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scalaw.laws.law import Law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate

#: Stand-ins for the statistics of the training runs where there are no runs (see :mod:`scalaw.laws.prior`).
STATISTICS: Mapping[str, float] = {"loss_min": 0.8, "x_mid": 1.0, "x_log_sd": 2.0}


def draw_prior(prior: Prior, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Independent draws of a resolved prior; an ordered family is sorted along the last axis.

    Parameters
    ----------
    prior : Prior
        With numbers only (see :meth:`~scalaw.laws.prior.Prior.resolve`).
    rng : numpy.random.Generator
    shape : tuple of int
        Of the result.
    """
    first, second = (*(float(number) for number in prior.numbers), 0.0)[:2]
    match prior.family:
        case "Normal":
            draws = rng.normal(first, second, shape)
        case "LogNormal":
            draws = first * np.exp(second * rng.standard_normal(shape))
        case "OrderedLogNormal":
            draws = np.sort(first * np.exp(second * rng.standard_normal(shape)), axis=-1)
        case "HalfNormal":
            draws = np.abs(rng.normal(0.0, first, shape))
        case "Gamma":
            draws = rng.gamma(first, 1.0 / second, shape)
        case _:
            draws = rng.beta(first, second, shape)
    return float(prior.low) + float(prior.scale) * draws


def sample_prior(
    law: Law,
    rng: np.random.Generator,
    n: int,
    statistics: Mapping[str, float] | None = None,
    refs: Mapping[str, float] | None = None,
    priors: Mapping[str, Prior] | None = None,
) -> dict[str, np.ndarray]:
    """Parameters of a law drawn from its prior, in reference units.

    Parameters
    ----------
    law : Law
        With its fixed and tied parameters, which are filled in.
    rng : numpy.random.Generator
    n : int
        How many draws.
    statistics : mapping, optional
        What priors refer to by name; :data:`STATISTICS` by default.
    refs : mapping, optional
        Unit kind → reference, to convert what is given in the paper's units; 1 by default.
    priors : mapping, optional
        Overrides by parameter name.

    Returns
    -------
    dict
        Parameter name → array of shape ``(n,)``, or ``(n, size)`` for an indexed parameter.
    """
    known = {**STATISTICS, **(statistics or {})}
    units = {**{c.unit: 1.0 for c in law.covariates}, "loss": 1.0, **(refs or {})}
    fixed, ties = dict(law.fixed), dict(law.ties)
    values: dict[str, np.ndarray] = {}
    in_paper_units = []
    for p in law.parameters:
        size = law.size(p)
        shape = (n,) if size is None else (n, size)
        if p.name in fixed:
            values[p.name] = np.full(shape, fixed[p.name])
            in_paper_units.append(p)
        elif p.name not in ties:
            prior = ((priors or {}).get(p.name) or law.prior(p)).resolve(known)
            values[p.name] = draw_prior(prior, rng, shape)
            if prior.unit == "paper":
                in_paper_units.append(p)
    values |= {name: values[target] for name, target in ties.items()}
    factors = {p.name: law.factor(p, values, units) for p in in_paper_units}
    return {
        p.name: values[p.name] / factors[p.name] if p.name in factors else values[p.name]
        for p in law.parameters
    }


def sample_covariates(
    law: Law, rng: np.random.Generator, n: int, refs: Mapping[str, float]
) -> dict[str, np.ndarray]:
    """Values all over the domain of every covariate, in the paper's units.

    Parameters
    ----------
    law : Law
    rng : numpy.random.Generator
    n : int
        How many.
    refs : mapping
        Unit kind → reference; what is scaled as a ratio lies within a factor of 20 of it.

    Returns
    -------
    dict
        Covariate name → array of shape ``(n,)``, or ``(n, …)`` for a vector or a reduced schedule.
    """
    return {c.name: _covariate(law, c, rng, n, refs) for c in law.covariates}


def _covariate(law: Law, c: Covariate, rng: np.random.Generator, n: int, refs: Mapping[str, float]) -> Any:
    size = law.size(c)
    shape = (n,) if size is None else (n, size)
    if c.domain == "simplex":
        return rng.dirichlet(np.ones(size or 2), n)
    if c.domain == "schedule":
        made = [_schedule(rng) for _ in range(n)]
        made = made if c.reduction is None else [c.reduction(schedule) for schedule in made]
        return refs[c.unit] * np.stack(made)
    if c.domain == "integer":
        return rng.integers(1, 65, shape).astype(float)
    if c.domain == "share":
        return rng.uniform(0.02, 0.98, shape)
    if c.scaling == "interval":
        return refs[c.unit] + rng.uniform(-3.0, 3.0, shape)
    centre = refs[c.unit] if c.scaling == "ratio" else 1.0
    return centre * np.exp(rng.uniform(-3.0, 3.0, shape))


def _schedule(rng: np.random.Generator, steps: int = 500) -> np.ndarray:
    """A learning rate that stays up and then falls, with an area of one: shape ``(steps,)``."""
    start, final = rng.uniform(0.0, 0.9), rng.uniform(0.01, 0.5)
    done = np.clip((np.arange(steps) / steps - start) / (1.0 - start), 0.0, 1.0)
    rate = final + (1.0 - final) * 0.5 * (1.0 + np.cos(np.pi * done))
    return rate / rate.sum()
