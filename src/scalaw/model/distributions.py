"""From prior records to NumPyro distributions.

A :class:`~scalaw.laws.prior.Prior` is plain data. Here its family becomes a NumPyro distribution whose
numbers are arrays, so that prior numbers are inputs of a compiled program and not part of it. They are the
numbers that a density reads (beta and gamma functions, say, are half of the code of a log density). Shift and
stretch (``low``, ``scale``) are applied by the model to the draw, which keeps every family on its standard
support.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from numpyro import distributions as dist
from numpyro.distributions import constraints
from scipy.special import betaln, gammaln

from scalaw.laws.prior import Prior

#: Numbers per coordinate in the arrays of a scenario: two of the family's density, ``low`` and ``scale``, and the log
#: of what normalises the density, see :func:`prior_numbers`.
PRIOR_NUMBERS = 5


class Density(NamedTuple):
    """Of a family: its support, and the log of its density but for what normalises it, of draws and two numbers."""

    support: Any
    log_kernel: Callable[[Any, Any, Any], Any]


def _log_normal(x: Any, location: Any, precision: Any) -> Any:
    return -0.5 * ((jnp.log(x) - location) * precision) ** 2 - jnp.log(x)


DENSITIES = {
    "Normal": Density(constraints.real, lambda x, a, b: -0.5 * ((x - a) * b) ** 2),
    "LogNormal": Density(constraints.positive, _log_normal),
    "HalfNormal": Density(constraints.positive, lambda x, a, b: -0.5 * (x * b) ** 2),
    "Gamma": Density(constraints.positive, lambda x, a, b: a * jnp.log(x) - b * x),
    "Beta": Density(constraints.unit_interval, lambda x, a, b: a * jnp.log(x) + b * jnp.log1p(-x)),
}


class Block(dist.Distribution):
    """Block draws of one family, a coordinate each, with all that does not depend on a draw worked out."""

    arg_constraints = {}

    def __init__(self, density: Density, numbers: Any):
        self.density, self.numbers = density, numbers
        super().__init__(batch_shape=numbers.shape[:1], validate_args=False)

    @property
    def support(self) -> Any:
        """Where draws lie."""
        return self.density.support

    def log_prob(self, value: Any) -> Any:
        """Log density of every coordinate."""
        return self.density.log_kernel(value, self.numbers[:, 0], self.numbers[:, 1]) - self.numbers[:, 4]


class OrderedLogNormal(dist.Distribution):
    """Order statistics of independent log-normal values: an increasing positive vector.

    Sorting independent draws multiplies their density by n!, so breaks keep an exchangeable prior while their
    labels cannot switch.
    """

    arg_constraints = {}
    support = constraints.positive_ordered_vector  # pyright: ignore[reportAssignmentType]

    def __init__(self, numbers: Any):
        self.each = Block(DENSITIES["LogNormal"], numbers)
        super().__init__(batch_shape=(), event_shape=numbers.shape[:1], validate_args=False)

    def log_prob(self, value: Any) -> Any:
        """Log density of a sorted vector."""
        n = self.event_shape[0]
        return self.each.log_prob(value).sum(-1) + float(np.sum(np.log(np.arange(1, n + 1))))


def distribution(family: str, numbers: Any) -> dist.Distribution:
    """NumPyro distribution of the draws of some coordinates that share a family.

    Parameters
    ----------
    family : str
        Key of :data:`scalaw.laws.prior.FAMILIES`.
    numbers : array, shape (coordinates, PRIOR_NUMBERS)
        See :func:`prior_numbers`. Ordered coordinates have one row, repeated.
    """
    if family == "OrderedLogNormal":
        return OrderedLogNormal(numbers)
    return Block(DENSITIES[family], numbers)


def prior_numbers(prior: Prior) -> np.ndarray:
    """Row of numbers that the model reads, shape ``(PRIOR_NUMBERS,)``; the prior must be resolved.

    The first two are the location (of the log) and one over the standard deviation of (log-, half-)normals, shape − 1
    and rate of a gamma, both shapes − 1 of a beta distribution.
    """
    a, b = (*(float(number) for number in prior.numbers), 1.0)[:2]
    half = 0.5 * np.log(2.0 * np.pi)
    first, second, log_constant = {
        "Normal": lambda: (a, 1.0 / b, np.log(b) + half),
        "LogNormal": lambda: (np.log(a), 1.0 / b, np.log(b) + half),
        "OrderedLogNormal": lambda: (np.log(a), 1.0 / b, np.log(b) + half),
        "HalfNormal": lambda: (0.0, 1.0 / a, np.log(a) + half - np.log(2.0)),
        "Gamma": lambda: (a - 1.0, b, gammaln(a) - a * np.log(b)),
        "Beta": lambda: (a - 1.0, b - 1.0, betaln(a, b)),
    }[prior.family]()
    return np.array([first, second, float(prior.low), float(prior.scale), log_constant])


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
