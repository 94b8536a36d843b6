"""From prior records to NumPyro distributions.

A :class:`~scalaw.laws.prior.Prior` is plain data. Here its family becomes a NumPyro distribution whose
numbers are arrays, so that prior numbers are inputs of a compiled program and not part of it. Shift and
stretch (``low``, ``scale``) are applied by the model to the draw, which keeps every family on its standard
support.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from numpyro import distributions as dist
from numpyro.distributions import constraints
from scipy.special import betaln, gammaln

from scalaw.laws.prior import Prior

#: Numbers per prior in the arrays of a scenario: two of the family (one may be unused), ``low`` and ``scale``, and the
#: log of what normalises the family's density. (Beta and gamma functions are half of the code of a log density.)
PRIOR_NUMBERS = 5


class Gamma(dist.Gamma):
    """NumPyro's, with the log of its normalising constant given."""

    def __init__(self, concentration: Any, rate: Any, log_constant: Any):
        self.numbers = concentration - 1.0, rate, log_constant
        super().__init__(concentration, rate, validate_args=False)

    def log_prob(self, value: Any) -> Any:
        """Log density."""
        power, rate, log_constant = self.numbers
        return power * jnp.log(value) - rate * value - log_constant


class Beta(dist.Beta):
    """NumPyro's, with the log of its normalising constant given."""

    def __init__(self, above: Any, below: Any, log_constant: Any):
        self.numbers = above - 1.0, below - 1.0, log_constant
        super().__init__(above, below, validate_args=False)

    def log_prob(self, value: Any) -> Any:
        """Log density."""
        above, below, log_constant = self.numbers
        return above * jnp.log(value) + below * jnp.log1p(-value) - log_constant


class OrderedLogNormal(dist.Distribution):
    """Order statistics of independent log-normal values: an increasing positive vector.

    Sorting independent draws multiplies their density by n!, so breaks keep an exchangeable prior while their
    labels cannot switch.
    """

    arg_constraints = {"median": constraints.positive, "log_sd": constraints.positive}
    support = constraints.positive_ordered_vector  # pyright: ignore[reportAssignmentType]

    def __init__(self, median: Any, log_sd: Any, size: int):
        self.median, self.log_sd = median, log_sd
        super().__init__(batch_shape=(), event_shape=(size,), validate_args=False)

    def sample(self, key: Any, sample_shape: tuple[int, ...] = ()) -> Any:
        """Sorted draws, shape ``sample_shape + (size,)``."""
        base = dist.LogNormal(jnp.log(self.median), self.log_sd)
        return jnp.sort(base.sample(key, (*sample_shape, *self.event_shape)), axis=-1)

    def log_prob(self, value: Any) -> Any:
        """Log density of a sorted vector."""
        size = self.event_shape[0]
        base = dist.LogNormal(jnp.log(self.median), self.log_sd)
        return base.log_prob(value).sum(-1) + float(np.sum(np.log(np.arange(1, size + 1))))


def distribution(family: str, numbers: Any) -> dist.Distribution:
    """NumPyro distribution of the draws of some coordinates that share a family.

    Parameters
    ----------
    family : str
        Key of :data:`scalaw.laws.prior.FAMILIES`.
    numbers : array, shape (coordinates, PRIOR_NUMBERS)
        The family's numbers first. Ordered coordinates have one row of numbers, repeated.
    """
    a, b, log_constant = numbers[:, 0], numbers[:, 1], numbers[:, 4]
    return {
        "Normal": lambda: dist.Normal(a, b),
        "LogNormal": lambda: dist.LogNormal(jnp.log(a), b),
        "OrderedLogNormal": lambda: OrderedLogNormal(a[0], b[0], len(a)),
        "HalfNormal": lambda: dist.HalfNormal(a),
        "Gamma": lambda: Gamma(a, b, log_constant),
        "Beta": lambda: Beta(a, b, log_constant),
    }[family]()


def prior_numbers(prior: Prior) -> np.ndarray:
    """Row of numbers that the model reads, shape ``(PRIOR_NUMBERS,)``; the prior must be resolved."""
    a, b = (*(float(number) for number in prior.numbers), 1.0)[:2]
    log_constant = {
        "Gamma": lambda: gammaln(a) - a * np.log(b),
        "Beta": lambda: betaln(a, b),
    }.get(prior.family, lambda: 0.0)()
    return np.array([a, b, float(prior.low), float(prior.scale), log_constant])


def unconstrain(family: str, draw: np.ndarray) -> np.ndarray:
    """NumPy inverse of NumPyro's map from the real line to a family's support (last axis: indexed values)."""
    if family == "Normal":
        return draw
    if family == "Beta":
        return np.log(draw) - np.log1p(-draw)
    if family == "OrderedLogNormal":
        log_draw = np.log(draw)
        return np.concatenate([log_draw[..., :1], np.log(np.diff(log_draw, axis=-1))], axis=-1)
    return np.log(draw)
