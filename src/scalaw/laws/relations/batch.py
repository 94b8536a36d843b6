"""Batches: the noise scale of gradients, and what a finite batch costs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np


class Moments(NamedTuple):
    """Squared norm of the true gradient, and the trace of the covariance of one example's gradient."""

    squared_norm: Any
    trace: Any


class Overhead(NamedTuple):
    """Steps and examples at a batch, as multiples of the least possible."""

    steps: Any
    examples: Any


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
