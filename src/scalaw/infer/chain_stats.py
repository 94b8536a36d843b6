"""Do chains agree, and how many independent draws are they worth: R-hat, effective sample sizes, errors.

Pure JAX functions of one quantity's draws, shape (chains, draws), to a number, to be mapped over quantities
with ``jax.vmap``. They compute what ArviZ 1.3 computes for a single fit, for thousands of them at once:
arXiv:1903.08008 (rank-normalised split R-hat, bulk and tail effective sample size) with the initial monotone
sequence of Geyer (1992) for the autocorrelation time.

================================  =========================================================================
draws                             answer
================================  =========================================================================
an odd number of them             the middle draw of each chain belongs to neither half
all equal                         R-hat NaN, every effective sample size the number of draws, as in ArviZ
not all finite, or fewer than 4   NaN throughout
one chain                         R-hat NaN, as in ArviZ; the rest from its halves
================================  =========================================================================
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from scalaw.infer.ranks import Ordered, beta_quantile, normal_scores, ordered, quantile_of_sorted

#: Two tails, so that 90 % lie between.
TAILS = (0.05, 0.95)
FEWEST_DRAWS = 4
#: Draws that differ by less are equal.
EQUAL = 1e-15


class ChainFigures(NamedTuple):
    """Diagnostics and estimates of one quantity; scalars, the last two (probs,) at the tails' probabilities.

    ``mcse_…`` are Monte Carlo standard errors in the quantity's own unit.
    """

    rhat: Any
    ess_bulk: Any
    ess_tail: Any
    ess_mean: Any
    mean: Any
    sd: Any
    mcse_mean: Any
    quantile: Any
    mcse_quantile: Any


def rank_rhat(draws: Any) -> Any:
    """Rank-normalised split R-hat: the larger of the bulk's and that of the distances to the median."""
    rhat, _ = jax.vmap(_mixing)(_scores(_halves(draws)))
    return _checked(draws, _larger(*rhat), chains=2)


def ess_bulk(draws: Any) -> Any:
    """Effective sample size of the rank-normalised split chains."""
    halves = _halves(draws)
    return _checked(draws, _mixing(normal_scores(ordered(halves.ravel())).reshape(halves.shape))[1])


def ess_mean(draws: Any) -> Any:
    """Effective sample size for the mean."""
    return _checked(draws, _mixing(_halves(draws))[1])


def ess_quantile(draws: Any, prob: float) -> Any:
    """Effective sample size for the quantile at ``prob`` (a Python number: part of the program)."""
    return ess_tail(draws, (prob,))


def ess_tail(draws: Any, prob: tuple[float, ...] = TAILS) -> Any:
    """Smallest of the effective sample sizes for the quantiles at ``prob``."""
    quantile = _quantiles(ordered(draws.ravel()).values, prob)
    return _checked(draws, jnp.min(jax.vmap(_mixing)(_below(draws, quantile))[1]))


def mcse_mean(draws: Any) -> Any:
    """Monte Carlo standard error of the mean."""
    return jnp.std(draws, ddof=1) / jnp.sqrt(ess_mean(draws))


def mcse_quantile(draws: Any, prob: float) -> Any:
    """Monte Carlo standard error of the quantile at ``prob``.

    Half the distance between the order statistics at the 16 % and 84 % quantiles of the Beta distribution
    that says where the quantile lies, as in ArviZ; that Beta quantile is approximated, which may shift an
    order statistic by one.
    """
    values = ordered(draws.ravel()).values
    (below,) = _below(draws, _quantiles(values, (prob,)))
    return _checked(draws, _quantile_error(values, _mixing(below)[1], prob))


def chain_figures(draws: Any, prob: tuple[float, ...] = TAILS) -> ChainFigures:
    """All of the above at once: draws are sorted once, and each step is compiled once for all series.

    Parameters
    ----------
    draws : array, shape (chains, draws)
        Draws of one quantity.
    prob : tuple of float
        Probabilities of the quantiles; ``ess_tail`` is the smallest over them.
    """
    halves = _halves(draws)
    inner = ordered(halves.ravel())
    values = inner.values if halves.size == draws.size else ordered(draws.ravel()).values
    quantile = _quantiles(values, prob)
    series = jnp.concatenate([_scores(halves, inner), halves[None], _below(draws, quantile)])
    rhat, (bulk, _, of_mean, *of_quantiles) = jax.vmap(_mixing)(series)
    sd = jnp.std(draws, ddof=1)
    figures = ChainFigures(
        rhat=_checked(draws, _larger(rhat[0], rhat[1]), chains=2),
        ess_bulk=bulk,
        ess_tail=jnp.min(jnp.stack(of_quantiles)),
        ess_mean=of_mean,
        mean=jnp.mean(draws),
        sd=sd,
        mcse_mean=sd / jnp.sqrt(of_mean),
        quantile=quantile,
        mcse_quantile=_quantile_error(values, jnp.stack(of_quantiles), np.array(prob)),
    )
    return ChainFigures(*(_checked(draws, figure) for figure in figures))


def _halves(draws: Any) -> Any:
    """Chains cut in two, (2 chains, draws // 2), each beside its other half; NaN where they are too short."""
    chains, count = draws.shape
    half = count // 2
    if count < FEWEST_DRAWS:
        return jnp.full((2 * chains, FEWEST_DRAWS // 2), jnp.nan, draws.dtype)
    even = jnp.concatenate([draws[:, :half], draws[:, half + 1 :]], axis=1) if count % 2 else draws
    return even.reshape(2 * chains, half)


def _checked(draws: Any, figure: Any, chains: int = 1) -> Any:
    """The figure, or NaN where the draws cannot have one."""
    if draws.shape[0] < chains or draws.shape[1] < FEWEST_DRAWS:
        return jnp.full_like(figure, jnp.nan)
    return jnp.where(jnp.isfinite(jnp.mean(draws)), figure, jnp.nan)


def _scores(halves: Any, series: Ordered | None = None) -> Any:
    """Normal scores of split chains and of their distances to the median, (2, chains, draws)."""
    inner = ordered(halves.ravel()) if series is None else series
    middle = halves.size // 2
    median = (inner.values[middle - 1] + inner.values[middle]) / 2  # two halves: an even number of draws
    folded = ordered(jnp.abs(halves - median).ravel())
    both = jax.tree.map(lambda *leaves: jnp.stack(leaves), inner, folded)
    return jax.vmap(normal_scores)(both).reshape(2, *halves.shape)


def _larger(bulk: Any, tail: Any) -> Any:
    """Larger R-hat of the two kinds of scores; the bulk's where that of the distances is undefined."""
    return jnp.where(tail > bulk, tail, bulk)


def _quantiles(values: Any, prob: tuple[float, ...]) -> Any:
    return jnp.stack([quantile_of_sorted(values, p) for p in prob])


def _below(draws: Any, quantile: Any) -> Any:
    """Split chains of 1 where a draw is not above a quantile and 0 elsewhere, (quantiles, chains, draws)."""
    return jax.vmap(lambda q: _halves((draws <= q).astype(draws.dtype)))(quantile)


def _mixing(chains: Any) -> tuple[Any, Any]:
    """R-hat (Gelman and Rubin, 1992) and effective sample size of split chains, (chains, draws).

    Sums of neighbouring autocorrelations P_k = ρ_2k + ρ_2k+1 are positive and decrease for a reversible
    chain, so the sum stops where they turn negative and uses their running minimum. As in ArviZ, the even
    term of the pair where it stops is kept where positive, and the time is at least 1 / log10 of all draws.
    """
    count, draws = chains.shape
    means = jnp.mean(chains, axis=1)
    covariance = _autocovariance(chains - means[:, None])
    within = covariance[0] * draws / (draws - 1)
    between = jnp.var(means, ddof=1)
    total = covariance[0] + between
    longest = max((draws - 3) // 2 if draws % 2 else draws // 2 - 2, 0)
    rho = (1 - (within - covariance[: 2 * longest + 2]) / total).at[0].set(1.0)
    even, odd = rho.reshape(longest + 1, 2).T
    smallest = jax.lax.cummin(even + odd)
    positive, pair = smallest > 0, jnp.arange(longest + 1)
    before = (pair == 0) | jnp.roll(positive, 1)
    here = before & (~positive | (pair == longest))  # the pair where the sum stops
    kept = jnp.where(here & ((even > 0) | (even + odd >= 0)), even, 0.0)
    time = -1 + jnp.sum(jnp.where(positive & (pair < longest), 2 * smallest, kept))
    ess = count * draws / jnp.maximum(time, 1 / np.log10(count * draws))
    equal = jnp.all(jnp.abs(chains - chains[0, 0]) < EQUAL)
    rhat = jnp.sqrt(between / within + (draws - 1) / draws)
    return rhat, jnp.where(equal, float(count * draws), ess)


def _autocovariance(centred: Any) -> Any:
    """Autocovariance at every lag, averaged over (chains, draws); by FFT, padded so that nothing wraps."""
    count, draws = centred.shape
    length = 1 << (2 * draws - 1).bit_length()
    spectrum = jnp.fft.rfft(centred, length)
    power = jnp.sum(spectrum * spectrum.conj(), axis=0)  # one inverse transform for all chains
    return jnp.fft.irfft(power, length)[:draws] / (count * draws)


def _quantile_error(values: Any, ess: Any, prob: Any) -> Any:
    """Half the width that a quantile's order statistics span in one standard error either way."""
    size = values.shape[0]
    low, high = (beta_quantile(z, ess * prob + 1, ess * (1 - prob) + 1) * size - 1 for z in (-1.0, 1.0))
    first = jnp.floor(jnp.clip(low, 0, size - 1)).astype(jnp.int32)
    after = jnp.ceil(jnp.clip(high, 0, size - 1)).astype(jnp.int32)
    return (values[after] - values[first]) / 2
