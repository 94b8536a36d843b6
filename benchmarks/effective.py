"""How many independent draws a sample is worth: for chains by ArviZ, for weighted draws by their weights."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

QUANTILE = 0.05


class Worth(NamedTuple):
    """Effective draws for means and for the 5 % quantile, means and their errors; one value per quantity.

    ``kish`` is one number: (sum of weights)² over the sum of their squares; for chains, the least bulk ESS.
    """

    kish: float
    mean_ess: np.ndarray
    quantile_ess: np.ndarray
    mean: np.ndarray
    error: np.ndarray


def of_chains(draws: np.ndarray) -> Worth:
    """Worth of draws (chains, draws, quantities)."""
    import arviz_stats.base as base

    stats: Any = vars(base)["array_stats"]
    axes = {"chain_axis": 0, "draw_axis": 1}
    bulk = np.asarray(stats.ess(draws, **axes, method="bulk"))
    of_mean = np.asarray(stats.ess(draws, **axes, method="mean"))
    of_quantile = np.asarray(stats.ess(draws, **axes, method="quantile", prob=QUANTILE))
    sd = draws.std(axis=(0, 1))
    return Worth(float(bulk.min()), of_mean, of_quantile, draws.mean(axis=(0, 1)), sd / np.sqrt(of_mean))


def of_weighted(draws: np.ndarray, log_weight: np.ndarray) -> Worth:
    """Worth of importance draws (draws, quantities) by the delta method for self-normalised estimates."""
    w = np.exp(log_weight - log_weight.max())
    w /= w.sum()
    mean = w @ draws
    variance = w @ (draws - mean) ** 2
    error = w**2 @ (draws - mean) ** 2
    below = draws < _quantiles(draws, w)
    of_quantile = QUANTILE * (1 - QUANTILE) / (w**2 @ (below - QUANTILE) ** 2)
    return Worth(float(1 / np.sum(w**2)), variance / error, of_quantile, mean, np.sqrt(error))


def _quantiles(draws: np.ndarray, w: np.ndarray) -> np.ndarray:
    order = np.argsort(draws, axis=0)
    reached = np.cumsum(w[order], axis=0)
    at = np.argmax(reached >= QUANTILE, axis=0)
    return np.take_along_axis(draws, np.take_along_axis(order, at[None], axis=0), axis=0)[0]


def disagreement(a: Sequence[Worth], b: Sequence[Worth]) -> np.ndarray:
    """Difference of means, over all rounds, in combined Monte Carlo standard errors, per quantity."""
    (mean_a, error_a), (mean_b, error_b) = _pooled(a), _pooled(b)
    return np.abs(mean_a - mean_b) / np.hypot(error_a, error_b)


def _pooled(worths: Sequence[Worth]) -> tuple[np.ndarray, np.ndarray]:
    errors = np.array([w.error for w in worths])
    return np.mean([w.mean for w in worths], axis=0), np.sqrt(np.sum(errors**2, axis=0)) / len(worths)
