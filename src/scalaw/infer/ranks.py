"""Draws in order: sorting, average ranks, normal scores and quantiles inside compiled programs.

Everything here is a pure JAX function of one series of values, to be mapped over series with ``jax.vmap``.

Sorting is done on integers. XLA's sort of floats calls a comparator that knows about NaN and signed zeros
for every pair; that of integers does not, and is three to four times faster on a CPU. Read as an integer,
the bits of a float sort as the float does once the order of the negative ones is turned round.
"""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Ordered(NamedTuple):
    """``values`` in increasing order and the ``index`` that each had before, both (values,)."""

    values: Any
    index: Any


def ordered(values: Any) -> Ordered:
    """Sort a series without NaN, shape (values,)."""
    signed = jnp.int64 if values.dtype.itemsize == 8 else jnp.int32

    def turned(bits: Any) -> Any:  # its own inverse
        return jnp.where(bits < 0, bits ^ jnp.iinfo(signed).max, bits)

    plain = jnp.where(values == 0, 0.0, values)  # -0.0 equals 0.0
    key = turned(jax.lax.bitcast_convert_type(plain, signed))
    index = jnp.arange(values.shape[0], dtype=jnp.int32)
    key, index = jax.lax.sort((key, index), num_keys=1, is_stable=False)
    return Ordered(jax.lax.bitcast_convert_type(turned(key), values.dtype), index)


def normal_scores(series: Ordered) -> Any:
    """Standard normal quantiles of the average ranks, in the order the values had before sorting.

    Returns
    -------
    array, shape (values,)
        Φ⁻¹((r − 3/8) / (S + 1/4)) for rank r of S values: Blom's scores, as arXiv:1903.08008 normalises
        ranks; equal values share the average of their ranks.
    """
    values, index = series
    size = values.shape[0]
    position = jnp.arange(size, dtype=jnp.int32)
    step = values[1:] != values[:-1]
    edge = jnp.ones(1, bool)
    starts, ends = jnp.concatenate([edge, step]), jnp.concatenate([step, edge])[::-1]
    first, last = jax.lax.cummax(jnp.where(jnp.stack([starts, ends]), position, 0), axis=1)
    twice = first + (size - 1 - last[::-1])  # first and last place among equals, from 0
    scores = jnp.asarray(_scores(size), values.dtype)[twice]
    return jnp.zeros(size, values.dtype).at[index].set(scores, unique_indices=True)


@lru_cache(maxsize=16)
def _scores(size: int) -> np.ndarray:
    """Scores of the average ranks 1, 3/2, 2 … size: an average rank is a whole or a half, there are no others."""
    score = NormalDist().inv_cdf
    return np.array([score((1 + half / 2 - 3 / 8) / (size + 1 / 4)) for half in range(2 * size - 1)])


def quantile_of_sorted(values: Any, prob: float) -> Any:
    """Quantile with linear interpolation (type 7, NumPy's default) of values in increasing order.

    The interpolation is written as NumPy writes it, since draws are later compared with the result.
    """
    at = (values.shape[0] - 1) * prob
    below = math.floor(at)
    share = at - below
    low, high = values[below], values[min(below + 1, values.shape[0] - 1)]
    return high - (high - low) * (1 - share) if share >= 0.5 else low + (high - low) * share


def beta_quantile(deviate: float, a: Any, b: Any) -> Any:
    """Quantile of Beta(a, b) at Φ(``deviate``), to 1 % of its standard deviation for a, b ≥ 6.

    Abramowitz and Stegun (1964) 26.5.22, an expansion in the normal deviate.
    """
    scale = (deviate**2 - 3) / 6
    ra, rb = 1 / (2 * a - 1), 1 / (2 * b - 1)
    h = 2 / (ra + rb)
    w = -deviate * jnp.sqrt(h + scale) / h - (rb - ra) * (scale + 5 / 6 - 2 / (3 * h))
    return a / (a + b * jnp.exp(2 * w))
