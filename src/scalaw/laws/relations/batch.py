"""Batches: the noise scale of gradients, what a finite batch costs, and Kaplan's allocation."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scalaw.laws.relations.compute import pf_days


class Moments(NamedTuple):
    """Squared norm of the true gradient, and the trace of the covariance of one example's gradient."""

    squared_norm: Any
    trace: Any


class Overhead(NamedTuple):
    """Steps and examples at a batch, as multiples of the least possible."""

    steps: Any
    examples: Any


class Allocation(NamedTuple):
    """Parameters, batch in tokens, steps and tokens of a compute-efficient training."""

    N: Any
    batch: Any
    steps: Any
    D: Any


def batch_overhead(batch: Any, critical: Any) -> Overhead:
    """What a batch costs: ``(S / S_min - 1) (E / E_min - 1) = 1`` (arXiv:1812.06162)."""
    ratio = np.asarray(critical, float) / np.asarray(batch, float)
    return Overhead(1.0 + ratio, 1.0 + 1.0 / ratio)


def gradient_moments(small: Any, large: Any, squared_small: Any, squared_large: Any) -> Moments:
    """Unbiased estimates from squared gradient norms at two batches (arXiv:1812.06162).

    Average both over many steps before dividing: the ratio of two estimates is biased, see
    :func:`batch_noise_scale`.
    """
    small, large = np.asarray(small, float), np.asarray(large, float)
    squared_small, squared_large = np.asarray(squared_small, float), np.asarray(squared_large, float)
    norm = (large * squared_large - small * squared_small) / (large - small)
    return Moments(norm, (squared_small - squared_large) / (1.0 / small - 1.0 / large))


def batch_noise_scale(moments: Moments) -> float:
    """Simple noise scale, about the critical batch: the ratio of the averages over steps."""
    return float(np.mean(moments.trace) / np.mean(moments.squared_norm))


def kaplan_allocation(C_min: Any) -> Allocation:
    """Compute-efficient training by arXiv:2001.08361 Table 6.

    Parameters
    ----------
    C_min : array
        FLOP at a batch far below the critical one. The tokens are for a batch near it, where about twice as much is
        spent: ``6 N D`` is 1.8 times ``C_min``.
    """
    c = pf_days(C_min)
    return Allocation(1.3e9 * c**0.73, 2.0e6 * c**0.24, 5.4e3 * c**0.03, 2e10 * c**0.27)
