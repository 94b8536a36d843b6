"""Importance weights that can be trusted or not: Pareto k, smoothed weights, leave-one-out by importance.

Pure JAX functions of one set of log weights, shape (draws,), to be mapped with ``jax.vmap``; what ArviZ 1.3
computes for a single fit, for thousands of them at once. The largest weights are replaced by the expected order
statistics of a generalised Pareto distribution fitted to them; its shape k says how heavy their tail is
(arXiv:1507.02646). Means with these weights converge at a useful rate below k = 0.7, and not at all above 1.

====================================  ===================================================================
log weights                           answer
====================================  ===================================================================
any constant added                    the same answer: weights need no normalisation
−inf                                  a draw of weight zero
all equal                             k = 0: a sample without weights (ArviZ refuses)
equal among the largest quarter of    k = inf, weights normalised but not smoothed: no Pareto tail fits
those in the tail; or < 25 draws
NaN, +inf, or all −inf                k = inf and weights NaN
====================================  ===================================================================
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

#: A tail of fewer draws is not fitted.
FEWEST = 5
#: Log weights that differ by less are equal.
EQUAL = 1e-9
#: The prior of k: as much as ten draws that say 1/2 (arXiv:1507.02646).
PRIOR_DRAWS, PRIOR_K = 10, 0.5


class Loo(NamedTuple):
    """Leave-one-out by importance, per row: log predictive density (nats), Pareto k, effective parameters."""

    elpd: Any
    pareto_k: Any
    p_loo: Any


def tail_length(draws: int, reff: float = 1.0) -> int:
    """Draws in the tail: 3 √(S / r), at most a fifth of all S, for draws of relative efficiency r."""
    return int(3 * np.sqrt(draws / reff)) if draws * reff > 225 else draws // 5


def psis(log_weights: Any, reff: float = 1.0) -> tuple[Any, Any]:
    """Pareto-smoothed importance weights.

    Parameters
    ----------
    log_weights : array, shape (draws,)
        Logs of unnormalised importance weights.
    reff : float
        Effective over actual number of draws, 1 for independent ones. It sets the length of the tail and with it
        shapes: a Python number, best rounded.

    Returns
    -------
    log_weights : array, shape (draws,)
        Logs of the smoothed weights, which sum to one.
    pareto_k : array, shape ()
    """
    draws = log_weights.shape[0]
    length = tail_length(draws, reff)
    shifted = log_weights - jnp.max(log_weights)
    equal = jnp.all(shifted > -EQUAL)  # not by the minimum: XLA's, over many rows at once, skips NaN
    if length < FEWEST:
        smoothed, k = shifted, jnp.inf
    else:
        index = _largest(shifted, length + 1)
        values, k = _smoothed(shifted[index])
        smoothed = shifted.at[index[1:]].set(values, unique_indices=True)
    k = jnp.where(equal, 0.0, jnp.where(jnp.isnan(k), jnp.inf, k))
    return smoothed - jax.nn.logsumexp(smoothed), k


def pareto_k(log_weights: Any, reff: float = 1.0) -> Any:
    """Shape of the weights' tail alone, see :func:`psis`."""
    return psis(log_weights, reff)[1]


def kish(log_weights: Any) -> Any:
    """Kish's effective sample size (Σw)² / Σw² of log weights (draws,); NaN where no draw has weight."""
    weights = jax.nn.softmax(log_weights)
    return 1 / jnp.sum(weights**2)


def psis_loo(log_likelihood: Any, log_importance: Any = None, reff: float = 1.0) -> Loo:
    """Leave-one-out log predictive density of each row by Pareto-smoothed importance sampling.

    Parameters
    ----------
    log_likelihood : array, shape (draws, rows)
        Pointwise and unweighted, in nats.
    log_importance : array, shape (draws,), optional
        Log importance weights of the draws themselves, raw (not smoothed); None for draws from the posterior.
        They enter the weights that leave a row out (arXiv:1904.10679), and the density that keeps it.
    reff : float
        As for :func:`psis`.

    Returns
    -------
    Loo
        Each of shape (rows,). A row whose likelihood is the same for all draws, such as padding, has that
        likelihood as its density, and the k of the draws. A row that some draw calls impossible (−inf) has k inf
        and density NaN: leaving it out weighs that draw without bound.
    """
    likelihood, rows = log_likelihood.T, log_likelihood.shape[1]
    if log_importance is None:
        log_weights, k = jax.vmap(partial(psis, reff=reff))(-likelihood)
        kept = jnp.full(log_likelihood.shape[0], -np.log(log_likelihood.shape[0]))
    else:
        whole = jnp.concatenate([likelihood, jnp.zeros_like(likelihood[:1])])  # at last no row is left out
        ratio = jnp.where(jnp.isneginf(log_importance), -jnp.inf, log_importance - whole)
        log_weights, k = jax.vmap(partial(psis, reff=reff))(ratio)
        kept = log_weights[rows]
    elpd = _log_mean(log_weights[:rows], likelihood)
    return Loo(elpd, k[:rows], _log_mean(kept, likelihood) - elpd)


def _log_mean(log_weights: Any, log_values: Any) -> Any:
    """Log of weighted means over draws, (rows,); a draw of weight zero counts for nothing, whatever its value."""
    terms = jnp.where(jnp.isneginf(log_weights), -jnp.inf, log_weights + log_values)
    return jax.nn.logsumexp(terms, axis=-1)


def _largest(values: Any, count: int) -> Any:
    """Where the largest values are, (count,), in increasing order.

    XLA selects float32 several times faster than float64, so values that agree to seven digits may change places.
    The barrier keeps it from seeing a sort of which slices are taken, which it would then carry out in full.
    """
    found = jax.lax.top_k(values.astype(jnp.float32), count)
    return jax.lax.optimization_barrier(found)[1][::-1]


def _smoothed(tail: Any) -> tuple[Any, Any]:
    """Smoothed log weights of the tail, and k, from log weights in increasing order, (1 + tail,).

    The first is the largest below the tail; the largest weight of all is 1, and stays the largest.
    """
    size = tail.shape[0] - 1
    weights = jnp.exp(tail)
    k, scale = _pareto_fit(weights[1:] - weights[0])
    tail_prob = np.log1p(-(np.arange(size) + 0.5) / size)
    excess = scale * jnp.where(k == 0, -tail_prob, jnp.expm1(-k * tail_prob) / k)
    smoothed = jnp.log(jnp.minimum(weights[0] + excess, 1.0))
    return jnp.where(jnp.isfinite(k) & (scale > 0), smoothed, tail[1:]), k


def _pareto_fit(excess: Any) -> tuple[Any, Any]:
    """Shape and scale of a generalised Pareto distribution, from values (values,) in increasing order.

    The posterior mean of b = k / scale on a grid, with the profile likelihood as a weight (Zhang and Stephens,
    2009), then k pulled towards 1/2 by a weak prior (arXiv:1507.02646). NaN where the values are not spread.
    """
    size = excess.shape[0]
    points = 30 + int(np.sqrt(size))
    quartile = excess[int(size / 4 + 0.5) - 1]
    grid = 1 - np.sqrt(points / (np.arange(points) + 0.5))
    b = grid / (3 * quartile) + 1 / excess[-1]
    k = jnp.mean(jnp.log1p(-b[:, None] * excess), axis=1)
    b = jnp.sum(b * jax.nn.softmax(size * (jnp.log(-b / k) - k - 1)))
    k = jnp.mean(jnp.log1p(-b * excess))
    scale = -k / b
    k = (size * k + PRIOR_DRAWS * PRIOR_K) / (size + PRIOR_DRAWS)
    return jnp.where(quartile > excess[0], k, jnp.nan), scale
