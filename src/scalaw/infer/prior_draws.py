"""Draws of a scenario's prior: where searches start, what a posterior is compared with, truths of simulations."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from scalaw.infer.scenarios import Scenario
from scalaw.laws.prior import Prior
from scalaw.laws.sample import draw_prior
from scalaw.model.distributions import unconstrain

#: Draws behind figures of a prior that have no formula.
DRAWS = 20_000


class PriorDraws(NamedTuple):
    """``values``: parameter → (n,) or (n, size) in reference units; ``z``: unconstrained, (n, coordinates)."""

    values: dict[str, np.ndarray]
    z: np.ndarray


def prior_draws(scenario: Scenario, n: int, key: np.ndarray) -> PriorDraws:
    """Independent draws of all parameters, noise included; fixed and tied ones are drawn as if they were free.

    Parameters
    ----------
    scenario : Scenario
        Its references fill in the numbers of the priors.
    n : int
    key : array
        Seed of NumPy's generator, see :func:`scalaw.infer.executables.key_data`.
    """
    model, rng, values = scenario.model, np.random.default_rng(key), {}
    for p, prior, size in zip(model.parameters, scenario.priors, model.sizes, strict=True):
        values[p.name] = draw_prior(prior, rng, (n,) if size is None else (n, size))
    return PriorDraws(values, unconstrained(scenario, values))


def prior_sd(scenario: Scenario) -> np.ndarray:
    """Standard deviation of the prior in the parameters' own unconstrained coordinates, shape (coordinates,)."""
    sizes = scenario.model.sizes
    each = [_sd(p.family, p.numbers, n or 1) for p, n in zip(scenario.priors, sizes, strict=True)]
    return np.concatenate(each)


@lru_cache(maxsize=4096)
def _sd(family: str, numbers: tuple[float, ...], size: int) -> np.ndarray:
    if family in ("Normal", "LogNormal"):
        return np.full(size, numbers[1])
    draws = draw_prior(Prior(family, numbers), np.random.default_rng(0), (DRAWS, size))
    return unconstrain(family, draws).std(axis=0)


@lru_cache(maxsize=4096)
def prior_quantile(prior: Prior, prob: float) -> float:
    """Quantile of a scalar parameter's prior, in reference units."""
    return float(np.quantile(draw_prior(prior, np.random.default_rng(0), (DRAWS,)), prob))


def unconstrained(scenario: Scenario, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The parameters' own unconstrained coordinates, shape (…, coordinates), of values in reference units.

    A value outside its prior's support (a fixed one, say) gives NaN or an infinity.
    """
    model, columns = scenario.model, []
    for p, prior, size in zip(model.parameters, scenario.priors, model.sizes, strict=True):
        raw = (values[p.name] - float(prior.low)) / float(prior.scale)
        with np.errstate(divide="ignore", invalid="ignore"):
            z = unconstrain(prior.family, raw)
        columns.append(z[..., None] if size is None else z)
    return np.concatenate(columns, axis=-1)
