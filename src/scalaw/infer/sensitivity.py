"""How far a posterior moves when its prior is raised to a power near one (power scaling, arXiv:2107.14054).

Raising the prior to the power α multiplies every draw's weight by ``exp((α − 1) log_prior)``. The distance between the
weighted and the plain draws of a quantity, per doubling of α, is its sensitivity: the square root of the symmetric
cumulative Jensen–Shannon divergence of their distribution functions, the larger of those of x and −x
(§3.3 there). Above 0.05 the prior matters. This is what ArviZ's ``psense`` computes, in NumPy and a millisecond; powers
so near one leave weights that need no smoothing.
"""

from __future__ import annotations

import numpy as np

#: Powers that the prior is raised to.
POWERS = (0.99, 1.01)


def power_sensitivity(draws: np.ndarray, log_prior: np.ndarray) -> np.ndarray:
    """Sensitivity to the prior of each quantity.

    Parameters
    ----------
    draws : array, shape (draws, quantities)
        Of equal weight.
    log_prior : array, shape (draws,)
        Log density of the whole prior at each draw; a constant does not matter.

    Returns
    -------
    array, shape (quantities,)
    """
    order = np.argsort(draws, axis=0)
    values = np.take_along_axis(draws, order, axis=0)
    found = []
    for power in POWERS:
        log_weights = (power - 1.0) * log_prior
        weights = np.exp(log_weights - np.max(log_weights))
        share = np.cumsum((weights / weights.sum())[order], axis=0)[:-1]
        plain = np.arange(1, len(draws))[:, None] / len(draws)
        width = np.diff(values, axis=0)
        both = _distance(width, plain, share), _distance(width, 1.0 - plain, 1.0 - share)
        found.append(np.maximum(*both) / abs(np.log2(power)))
    return np.mean(found, axis=0)


def _distance(width: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Normalised cumulative Jensen–Shannon distance of distribution functions over steps; 0 for a constant."""
    middle = np.log2(0.5 * (p + q))
    # each way round has half the difference of the integrals beside it, with opposite signs: they cancel
    apart = np.sum(
        width * (p * (np.log2(p) - middle) + q * (np.log2(np.maximum(q, 1e-300)) - middle)), axis=0
    )
    scale = np.sum(width * (p + q), axis=0)
    return np.sqrt(np.maximum(apart, 0.0) / np.where(scale > 0, scale, 1.0))
