"""Adaptive importance sampling: a posterior in milliseconds, with diagnostics of its own.

The first proposal is a mixture of multivariate t at the modes that the searches found. Each later round fits a
bent proposal (:mod:`scalaw.infer.bent`) to all draws so far and draws from it. Every draw of every round is
kept and weighted against the mixture of all proposals that were used (the deterministic mixture of adaptive
multiple importance sampling, Cornuet et al., arXiv:0907.1254), so a poor first round costs efficiency and
nothing else. The largest weights are Pareto smoothed (arXiv:1507.02646), and their mean is the marginal
likelihood.

A posterior that is not reached well enough can be gone on with: the same program takes the last proposal as
the start of more rounds.

What the effective sample size cannot see. Kish's figure counts the draws that were made; where a proposal stops
short of the end of a bent ridge, or of the wide end of the funnel that a vague noise opens, the few draws
that get there carry weights of tens or hundreds and all others look even. A thousand effective draws may
then miss a tenth of the mass. The Pareto k of the weights does see it, which is why it is the gate.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from scalaw.infer.bent import Bent, base_draws, fit_bent, log_prob, push
from scalaw.infer.executables import dynamic_map, take
from scalaw.infer.pareto import kish, psis
from scalaw.infer.point import prior_curvature
from scalaw.model.program import constrain, log_density
from scalaw.model.structure import Arrays, Structure

#: Most modes that the first proposal covers.
MODES = 4
#: Log densities worked out side by side on a processor: more leave its cache.
BLOCK = 32


class Effort(NamedTuple):
    """``rounds`` of ``draws`` each; the first is from the given start."""

    rounds: int = 4
    draws: int = 1024


EFFORT = Effort()


class Start(NamedTuple):
    """Mixture of proposals with a leading axis of :data:`MODES`; ``log_share`` is -inf for unused ones, at the end."""

    log_share: Any
    proposal: Bent


class Weighted(NamedTuple):
    """Weighted draws of one posterior.

    ``position`` and ``values`` (in reference units), both (draws, coordinates); ``log_density`` and ``log_proposal``
    (draws,), whose difference is the raw log weight; ``log_importance`` (draws,) Pareto smoothed, weights summing to
    one; ``pareto_k``; ``kish``, the effective sample size of the smoothed weights; ``log_evidence`` with its Monte
    Carlo error ``log_evidence_se``, both from raw weights; ``proposal``, the last one.
    """

    position: Any
    values: Any
    log_density: Any
    log_proposal: Any
    log_importance: Any
    pareto_k: Any
    kish: Any
    log_evidence: Any
    log_evidence_se: Any
    proposal: Bent


class _Rounds(NamedTuple):
    position: Any  # (rounds, draws, d)
    log_density: Any  # (rounds, draws), -inf where not drawn yet
    log_total: Any  # log of the sum of all proposals used so far, (rounds, draws)
    proposals: Bent  # those fitted, leading axis rounds − 1


def weighted_draws(structure: Structure, effort: Effort, arrays: Arrays, start: Start, key: Any) -> Weighted:
    """Sample one scenario's posterior; ``key`` (2,) as from :func:`~scalaw.infer.executables.key_data`."""
    rounds, n = effort
    d = structure.n_coordinates
    e = base_draws(key, rounds * n, d).reshape(rounds, n, d)
    vague = prior_curvature(structure, arrays)

    def density(position: Any) -> Any:
        found = jax.lax.map(partial(log_density, structure, arrays), position, batch_size=BLOCK)
        return jnp.where(jnp.isnan(found), -jnp.inf, found)

    def step(state: _Rounds, r: Any) -> tuple[_Rounds, None]:
        flat = state.position.reshape(rounds * n, d)
        proposal = fit_bent(flat, (state.log_density - state.log_total).ravel(), vague)
        new = push(proposal, e[r])
        log_total = jnp.logaddexp(state.log_total, log_prob(proposal, flat).reshape(rounds, n))
        proposals = jax.tree.map(lambda all_, one: all_.at[r - 1].set(one), state.proposals, proposal)
        total = _sum_over(proposals, r, jnp.zeros(rounds - 1), new, _start_density(start, new))
        return _Rounds(
            state.position.at[r].set(new),
            state.log_density.at[r].set(density(new)),
            log_total.at[r].set(total),
            proposals,
        ), None

    first = _start_draws(start, e[0])
    state = _Rounds(
        jnp.zeros((rounds, n, d)).at[0].set(first),
        jnp.full((rounds, n), -jnp.inf).at[0].set(density(first)),
        jnp.zeros((rounds, n)).at[0].set(_start_density(start, first)),
        jax.tree.map(lambda leaf: jnp.broadcast_to(leaf[0], (rounds - 1, *leaf.shape[1:])), start.proposal),
    )
    state = jax.lax.scan(step, state, jnp.arange(1, rounds))[0]
    position = state.position.reshape(rounds * n, d)
    values = jax.lax.map(
        lambda c: structure.join(constrain(structure, arrays, c)), position, batch_size=BLOCK
    )
    return _weigh(state, position, values, effort)


def _weigh(state: _Rounds, position: Any, values: Any, effort: Effort) -> Weighted:
    rounds, n = effort
    log_density = state.log_density.ravel()
    log_proposal = state.log_total.ravel() - jnp.log(rounds)
    raw = log_density - log_proposal
    smoothed, k = psis(raw)
    evidence = jax.nn.logsumexp(raw) - jnp.log(rounds * n)
    relative = jnp.exp(raw - evidence)
    error = jnp.std(relative) / jnp.sqrt(rounds * n)
    last = jax.tree.map(lambda leaf: leaf[-1], state.proposals)
    drawn = (position, values, log_density, log_proposal)
    return Weighted(*drawn, smoothed, k, kish(smoothed), evidence, error, last)


def _sum_over(proposals: Bent, count: Any, log_share: Any, position: Any, initial: Any) -> Any:
    """Log of ``exp(initial)`` plus the first ``count`` proposals, each times its share, at positions (n, d)."""

    def add(i: Any, total: Any) -> Any:
        return jnp.logaddexp(total, log_share[i] + log_prob(take(proposals, i), position))

    return jax.lax.fori_loop(0, count, add, initial)


def _used(start: Start) -> Any:
    return jnp.sum(jnp.isfinite(start.log_share))


def _start_density(start: Start, position: Any) -> Any:
    nothing = jnp.full(len(position), -jnp.inf)
    return _sum_over(start.proposal, _used(start), start.log_share, position, nothing)


def _start_draws(start: Start, e: Any) -> Any:
    """Draws of the mixture, each component getting its share of the base draws."""
    edges = jnp.cumsum(jnp.exp(start.log_share))
    which = jnp.searchsorted(edges / edges[-1], (jnp.arange(len(e)) + 0.5) / len(e))

    def fill(i: Any, position: Any) -> Any:
        return jnp.where((which == i)[:, None], push(take(start.proposal, i), e), position)

    return jax.lax.fori_loop(0, _used(start), fill, jnp.zeros_like(e))


def importance_executable(structure: Structure, effort: Effort, places: int) -> Any:
    """Program ``((arrays, start, keys), count) -> Weighted`` of ``places`` scenarios."""

    def run(batch: tuple[Arrays, Start, Any], count: Any) -> Weighted:
        def one(i: Any) -> Weighted:
            arrays, start, key = take(batch, i)
            return weighted_draws(structure, effort, arrays, start, key)

        return dynamic_map(one, count, places)

    return jax.jit(run)
