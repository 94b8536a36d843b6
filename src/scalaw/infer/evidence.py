"""Marginal likelihoods of posteriors that were sampled by chains, and the rule that says which may be shown.

Bridge sampling (Meng and Wong, 1996; arXiv:1703.05984) lays the draws of chains beside draws of a proposal that is
close to the posterior. With ``w`` the ratio of the posterior's unnormalised density to the proposal's, the evidence
``Z`` solves

    share_2 · mean over the proposal of w / (share_1 w + share_2 Z)
        = share_2 · Z · mean over the chains of 1 / (share_1 w + share_2 Z),

where the shares are those of the effective draws of either kind. Both means are of bounded functions, so that no
single draw carries the answer, and the fewer draws the chains are worth the more the proposal decides. The
equation is monotone in ln Z and solved by bisection.

The proposal is a bent one (:mod:`scalaw.infer.bent`) fitted to one half of every chain, mixed with the start of
importance sampling, which has a component at every mode that was found. The other half enters the mean: a proposal
looks closer to the draws that it was fitted to than it is. Both ways round give two estimates, whose logs are
averaged.

The error is that of Frühwirth-Schnatter (2004): the relative variance of either mean, over the number of its
draws or over their effective sample size. Where the two ways round differ by more, half of their difference is
the error. (Importance sampling has an evidence of its own, the mean of its weights, with their standard error.
Most samples lack the rare large weights of a heavy tail, so that error is stretched by what the Pareto k says.)

What the error cannot see. Chains that never enter a part of the posterior give an evidence without it and a small
error. So none is reported where R-hat says that chains disagree about how the mass is shared out, nor where the
proposal's draws, weighted, put more mass near a mode than the chains have draws there. An example: a curve without a
break that is fitted with one. A break before the data holds a sixth of the posterior's mass, and of 16 fits by four
chains of a thousand draws none had the right share there. Their evidence was 0.13 nats too low on average, at
errors near 0.06; the smallest R-hat was 1.019.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from scalaw.infer.bent import base_draws, fit_bent, log_prob
from scalaw.infer.chain_stats import chain_figures, ess_mean
from scalaw.infer.executables import dynamic_map, take
from scalaw.infer.importance import COMPONENTS, Start, Weighted, log_densities, log_mixture, mixture_draws
from scalaw.infer.lanes import bytes_of_row, places_for, run_batch
from scalaw.infer.point import prior_curvature
from scalaw.infer.programs import Clock, Program
from scalaw.model.structure import Arrays, Structure

#: Draws of the proposal each way round, and the share of the start among them.
PROPOSED, OF_START = 4096, 0.2
#: Halvings of the interval that holds ln Z: hundreds of nats shrink below rounding.
BISECTIONS = 64
#: The evidence of a proposal whose draws lie mostly outside the posterior's support is this far below all ratios.
MARGIN = 40.0

#: Largest error (nats) of an evidence that is shown.
LARGEST_SE = 0.3
#: From this Pareto k on weights have no finite variance, so the error of their mean is unknown.
INFINITE_VARIANCE_K = 0.5
#: R-hat up to which chains agree.
AGREEING_RHAT = 1.01
#: Share of the mass that chains may have missed near one mode.
MISSED = 0.1


class Bridged(NamedTuple):
    """``log_evidence`` and its Monte Carlo error (nats); ``rhat``, the largest of all coordinates; ``missed``.

    ``missed`` is the largest share of the mass that the proposal finds near one mode and the chains do not.
    """

    log_evidence: Any
    log_evidence_se: Any
    rhat: Any
    missed: Any


class Reported(NamedTuple):
    """An evidence with its error (nats), or two None and ``no_evidence``, the reason why in words."""

    log_evidence: float | None
    log_evidence_se: float | None
    no_evidence: str | None


#: Of chains without a bridge: it is one more program, which a single fit seldom needs.
NOT_ASKED = Reported(
    None, None, "not asked for: fit with evidence=True (--evidence), which compiles one more program"
)


def bridged(
    structure: Structure, arrays: Arrays, start: Start, position: Any, log_density: Any, key: Any
) -> Bridged:
    """Evidence of one scenario.

    Parameters
    ----------
    structure, arrays
        The scenario.
    start : Start
        Mixture at the modes that were found.
    position : array, shape (chains, draws, coordinates)
        Draws of the posterior, in sampling coordinates.
    log_density : array, shape (chains, draws)
        Unnormalised, at these positions.
    key : array, shape (2,)
    """
    chains, draws, d = position.shape
    half = draws // 2
    of_fit = jnp.stack([position[:, :half], position[:, -half:]])
    kept, heights = of_fit[::-1], jnp.stack([log_density[:, -half:], log_density[:, :half]])
    e = jnp.moveaxis(base_draws(key, 2 * PROPOSED, d).reshape(d, 2, PROPOSED), 1, 0)
    vague = prior_curvature(structure, arrays)
    figures = jax.lax.map(chain_figures, jnp.moveaxis(position, -1, 0))
    worth = jnp.nan_to_num(jnp.minimum(figures.ess_bulk, figures.ess_tail))
    # never all, or the proposal, which alone sees what the chains did not, would have no say
    worth = jnp.clip(jnp.min(worth) / 2, 1.0, chains * half)
    of_start = jnp.exp(start.log_share) / jnp.sum(jnp.exp(start.log_share))
    share = jnp.concatenate([OF_START * of_start, jnp.array([1 - OF_START])])

    def one_way(i: Any) -> tuple[Any, Any, Any]:
        fitted = of_fit[i].reshape(chains * half, d).T
        bent = fit_bent(fitted, jnp.zeros(chains * half), vague, structure.n_law_coordinates)
        proposals = jax.tree.map(lambda all_, one: jnp.concatenate([all_, one[None]]), start.proposal, bent)
        flat = kept[i].reshape(chains * half, d).T
        of_chains = heights[i] - log_mixture(proposals, share, flat).reshape(chains, half)
        drawn = mixture_draws(proposals, share, e[i])
        of_proposal = log_densities(structure, arrays, drawn) - log_mixture(proposals, share, drawn)
        seen = _near(start, flat, jnp.full(flat.shape[1], 1 / flat.shape[1]))
        there = _near(start, drawn, _truncated(of_proposal))
        return *meng_wong(of_chains, of_proposal, worth), there - seen

    each, error, missed = jax.lax.map(one_way, jnp.arange(2))
    error = jnp.maximum(jnp.sqrt(jnp.sum(error**2)), jnp.abs(each[0] - each[1])) / 2
    return Bridged(jnp.mean(each), error, jnp.max(figures.rhat), jnp.max(jnp.mean(missed, axis=0)))


def meng_wong(of_chains: Any, of_proposal: Any, worth: Any) -> tuple[Any, Any]:
    """Log evidence and its error.

    Parameters
    ----------
    of_chains : array, shape (chains, draws)
        Log ratios of the unnormalised density to the proposal's, at draws of chains.
    of_proposal : array, shape (draws,)
        The same at independent draws of the proposal.
    worth : scalar
        Effective number of draws of the chains: it sets how much they count, not whether the answer is right.
    """
    count = of_proposal.size
    odds = jnp.log(worth) - jnp.log(count)

    def terms(log_z: Any) -> tuple[Any, Any]:
        """Chances that a draw is from the chains (at the proposal's) or from the proposal (at the chains')."""
        return jax.nn.sigmoid(of_proposal + odds - log_z), jax.nn.sigmoid(log_z - of_chains - odds)

    def halve(_: Any, ends: tuple[Any, Any]) -> tuple[Any, Any]:
        low, high = ends
        middle = (low + high) / 2
        of_first, of_second = terms(middle)
        higher = count * jnp.mean(of_first) > worth * jnp.mean(of_second)
        return jnp.where(higher, middle, low), jnp.where(higher, high, middle)

    inside = jnp.where(jnp.isfinite(of_proposal), of_proposal, of_chains[0, 0])
    low = jnp.minimum(jnp.min(of_chains), jnp.min(inside)) - MARGIN
    high = jnp.maximum(jnp.max(of_chains), jnp.max(inside))
    log_z = jnp.mean(jnp.stack(jax.lax.fori_loop(0, BISECTIONS, halve, (low, high))))
    of_first, of_second = terms(log_z)
    ess = jnp.clip(ess_mean(of_second), 1.0, of_second.size)
    relative = _relative_variance(of_first) / count + _relative_variance(of_second) / ess
    return log_z, jnp.sqrt(relative)


def _relative_variance(values: Any) -> Any:
    return jnp.var(values) / jnp.mean(values) ** 2


def _truncated(log_ratio: Any) -> Any:
    """Weights that sum to one, from which those above the root of their number times the mean are cut."""
    weight = jax.nn.softmax(log_ratio)
    weight = jnp.minimum(weight, 1 / jnp.sqrt(log_ratio.size))
    return weight / jnp.sum(weight)


def _near(start: Start, position: Any, weight: Any) -> Any:
    """Share of weighted positions (d, n) whose likeliest component of the start is each of its own, (COMPONENTS,)."""

    def height(i: Any) -> Any:
        log_height = log_prob(take(start.proposal, i), position)
        return jnp.where(jnp.isfinite(start.log_share[i]), log_height, -jnp.inf)

    nearest = jnp.argmax(jax.lax.map(height, jnp.arange(COMPONENTS)), axis=0)
    return jnp.zeros(COMPONENTS).at[nearest].add(weight)


def bridge_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, start, position, log_density, key), count) -> Bridged`` of ``places`` scenarios."""

    def run(batch: tuple[Arrays, Start, Any, Any, Any], count: Any) -> Bridged:
        return dynamic_map(lambda i: bridged(structure, *take(batch, i)), count, places)

    return jax.jit(run)


def bridge_program(structure: Structure, arrays: Arrays, chains: int, draws: int) -> tuple[Program, int]:
    """The bridge between ``chains`` of ``draws`` and a proposal, and its places."""
    rows = 8 * (3 * chains * draws + 4 * PROPOSED) * (structure.n_coordinates + 2)
    places = places_for(bytes_of_row(arrays) + rows)
    return Program(bridge_executable, (structure, places)), places


def bridge(
    structure: Structure,
    arrays: Arrays,
    starts: Start,
    position: np.ndarray,
    log_density: np.ndarray,
    keys: np.ndarray,
    clock: Clock,
) -> Bridged:
    """Evidence of scenarios that share a structure and a bucket, each argument with a leading scenario axis.

    Parameters are those of :func:`bridged`; ``clock`` is told the seconds. Returns arrays of shape (scenarios,).
    """
    program, places = bridge_program(structure, arrays, *log_density.shape[1:])
    return run_batch(program, (arrays, starts, position, log_density, keys), places=places, clock=clock)


def evidence_of_weights(weighted: Weighted, row_weight: np.ndarray) -> Reported:
    """What importance sampling may report for one scenario, whose rows have these weights."""
    k, doubt = float(weighted.pareto_k), None
    if not k < INFINITE_VARIANCE_K:
        doubt = f"Pareto k is {k:.2f}: weights without a finite variance have a mean of unknown error"
    se = float(weighted.log_evidence_se) * _stretch(k, len(weighted.log_density))
    return reported_evidence(float(weighted.log_evidence), se, row_weight, doubt)


def evidence_of_chains(bridged: Bridged, row_weight: np.ndarray) -> Reported:
    """What chains may report for one scenario, whose rows have these weights."""
    rhat, missed, doubt = float(bridged.rhat), float(bridged.missed), None
    if not rhat <= AGREEING_RHAT:
        doubt = f"R-hat is {rhat:.3f}: chains disagree about where the mass of the posterior lies"
    elif not missed <= MISSED:
        doubt = f"chains miss about {missed:.0%} of the posterior's mass, near a mode that they are not at"
    return reported_evidence(float(bridged.log_evidence), float(bridged.log_evidence_se), row_weight, doubt)


def reported_evidence(
    log_evidence: float, se: float, row_weight: np.ndarray, doubt: str | None = None
) -> Reported:
    """An evidence, or why there is none.

    Parameters
    ----------
    log_evidence, se : float
        Estimate and Monte Carlo error, nats.
    row_weight : array, shape (rows,)
    doubt : str, optional
        Why the estimate or its error cannot be trusted.
    """
    reason = doubt
    if not np.all(np.isin(row_weight, (0.0, 1.0))):
        reason = "with row weights other than 0 and 1 the likelihood is not the probability of any runs"
    elif not (np.isfinite(log_evidence) and np.isfinite(se)):
        reason = doubt or "the estimate is not finite"
    elif doubt is None and se > LARGEST_SE:
        reason = f"its Monte Carlo error is {se:.2f} nats, more than {LARGEST_SE:g}"
    return Reported(None, None, reason) if reason else Reported(log_evidence, se, None)


def _stretch(k: float, draws: int) -> float:
    """Factor on the error of a mean of weights whose tail has shape k < 1/2.

    The mean converges more slowly than by the root of the number of draws, at a rate that arXiv:1507.02646 (appendix
    B) gives for Pareto tails.
    """
    if not 0.0 < k < INFINITE_VARIANCE_K:
        return 1.0
    s, heavy = float(draws), float(draws) ** (2 * k)
    rate = (s**2 - (2 - 2 * k) * s * heavy + (1 - 2 * k) * heavy) / ((s - 1) * (s - heavy))
    return s ** (0.5 * (1 - max(rate, 0.0)))
