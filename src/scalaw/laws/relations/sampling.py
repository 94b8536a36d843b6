"""Sampling at test time: estimators and identities about repeated tries, votes and verifiers."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import bdtr, bdtrc, gammaln
from scipy.stats import poisson


def pass_at_k(n: Any, c: Any, k: Any) -> Any:
    """Unbiased chance that at least one of k tries is right, from c right ones among n (arXiv:2107.03374)."""
    n, c, k = (np.asarray(value, float) for value in (n, c, k))
    left = np.maximum(n - c - k, 0.0)
    log_miss = gammaln(n - c + 1) - gammaln(left + 1) - gammaln(n + 1) + gammaln(n - k + 1)
    return np.where(c == 0, 0.0, np.where(n - c < k, 1.0, -np.expm1(log_miss)))


def majority_vote(p: Any, n: Any) -> Any:
    """Chance that most of n independent tries are right, each with chance p; a tie is broken by a coin."""
    p, n = np.asarray(p, float), np.asarray(n, int)
    half = n // 2
    tie = np.where(n % 2 == 0, 0.5 * (bdtr(half, n, p) - bdtr(half - 1, n, p)), 0.0)
    return bdtrc(half, n, p) + tie


def plurality_vote(p: Any, n: int) -> float:
    """Chance that the commonest of n independent answers is the right one; ties are broken at random.

    Counts of a multinomial are Poisson counts given their sum. With k right answers the others have fewer, or k
    where they tie; z counts ties, and the right one wins among t others that tie in ``1 / (1 + t)``, the integral
    of ``z**t`` from 0 to 1, which a few nodes give exactly.

    Parameters
    ----------
    p : array, shape (answers,)
        Chances of the possible answers to one question, the right one first; their sum is one.
    n : int
        Answers drawn.
    """
    p = np.asarray(p, float)
    nodes, weights = np.polynomial.legendre.leggauss(len(p) // 2 + 1)
    pmf = poisson.pmf(np.arange(n + 1), n * p[:, None])
    won = 0.0
    for k in range(1, n + 1):
        for z, weight in zip(0.5 * (1.0 + nodes), 0.5 * weights, strict=True):
            rest = np.ones(1)
            for other in pmf[1:]:
                fewer = np.append(other[:k], z * other[k])
                rest = np.convolve(rest, fewer)[: n - k + 1]
            if len(rest) == n - k + 1:
                won += pmf[0, k] * weight * rest[-1]
    return float(won / poisson.pmf(n, n))


def accepted_is_correct(p: Any, true_positive: Any, false_positive: Any) -> Any:
    """Chance that an answer which a verifier accepts is right: the ceiling of best of n, whatever n is."""
    p = np.asarray(p, float)
    return p * true_positive / (p * true_positive + (1.0 - p) * false_positive)


def best_of_n_kl(n: Any) -> Any:
    """Divergence of best of n from the sampler, in nats."""
    n = np.asarray(n, float)
    return np.log(n) - (n - 1.0) / n


def sampling_exchange(factor: Any, ratio: Any) -> Any:
    """How many times the samples equal a model so many times larger at the same FLOP (arXiv:2408.03314).

    ``ratio`` is pre-training over inference tokens, ``factor`` how many times larger the model would be.
    """
    factor = np.asarray(factor, float)
    return factor + 3.0 * np.asarray(ratio, float) * (factor - 1.0)


def token_edit_distance(p: Any, length: Any) -> Any:
    """Expected wrong tokens of an answer, each right with chance p (arXiv:2304.15004)."""
    return np.asarray(length, float) * (1.0 - np.asarray(p, float))


def resolution(items: Any) -> Any:
    """Smallest accuracy that a test of so many items can show: below it, an ability looks absent."""
    return 1.0 / np.asarray(items, float)
