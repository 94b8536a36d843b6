"""Whether ranks are uniform: an exact test on their empirical distribution.

The share of ranks below each of :data:`POINTS` equally spaced points is compared with what uniform ranks would
give. At every point the count is binomial, and the point that is least likely (two-sided) is the test's figure. What
that figure would be for uniform ranks is not simulated: the counts at successive points are a Markov chain, and the
chance that none of them is as unlikely is added up exactly (Säilynoja, Bürkner and Vehtari, arXiv:2103.10522 §2.2).

Ranks that lean to one side, bunch at the ends or bunch in the middle all show, so one test stands for bias,
intervals that are too narrow and intervals that are too wide.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

#: The unit interval is cut into so many equal parts.
POINTS = 100


def p_uniform(ranks: np.ndarray) -> float:
    """Probability that uniform ranks look as unlikely as these, by the rule at the top of this page.

    Parameters
    ----------
    ranks : array, shape (n,)
        Independent numbers from 0 to 1.

    Returns
    -------
    float
        Accurate to about 1e-12.
    """
    n = len(ranks)
    tails = _tails(n)
    at = np.arange(1, POINTS) / POINTS
    counts = np.searchsorted(np.sort(ranks), at, side="right")
    least = np.min(tails[np.arange(POINTS - 1), counts])
    return float(np.clip(1.0 - _all_inside(tails > least), 0.0, 1.0))


@lru_cache(maxsize=8)
def _tails(n: int) -> np.ndarray:
    """Two-sided tail probability of every count at every inner point, shape (points − 1, n + 1)."""
    at = np.arange(1, POINTS) / POINTS
    mass = np.exp(_log_binomial(n, np.arange(n + 1), at[:, None]))
    at_most = np.cumsum(mass, axis=1)
    at_least = np.cumsum(mass[:, ::-1], axis=1)[:, ::-1]
    return 2.0 * np.minimum(at_most, at_least)


def _all_inside(inside: np.ndarray) -> float:
    """Probability that uniform ranks have, at every point, a count that is marked, (points − 1, n + 1)."""
    n = inside.shape[1] - 1
    counts, probability = np.zeros(1, int), np.ones(1)
    for i, marked in enumerate(inside):
        later = np.flatnonzero(marked)
        if not len(later):
            return 0.0
        # a rank above the last point lies below this one with probability 1 / (points left)
        more = later[None, :] - counts[:, None]
        step = np.exp(_log_binomial((n - counts)[:, None], more, 1.0 / (POINTS - i)))
        counts, probability = later, probability @ step
    return float(np.sum(probability))


def _log_binomial(n: np.ndarray | int, k: np.ndarray, prob: np.ndarray | float) -> np.ndarray:
    """Log probability of ``k`` successes among ``n``, −inf where there is none; arguments broadcast."""
    n = np.asarray(n)
    log_factorial = _log_factorials(int(n.max()))
    possible = (k >= 0) & (k <= n)
    k = np.where(possible, k, 0)
    found = log_factorial[n] - log_factorial[k] - log_factorial[n - k] + k * np.log(prob)
    return np.where(possible, found + (n - k) * np.log1p(-prob), -np.inf)


@lru_cache(maxsize=8)
def _log_factorials(n: int) -> np.ndarray:
    return np.array([math.lgamma(i + 1.0) for i in range(n + 1)])
