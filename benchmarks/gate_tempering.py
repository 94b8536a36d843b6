"""From the prior to the posterior by temperatures: where the mass of a posterior of many modes lies.

Particles start as draws of the prior, so that every mode is found by as many as lead to it, and walk through the
tempered densities ``prior × likelihood^β`` (Del Moral, Doucet and Jasra, 2006). Each β is as far as the effective
number of particles allows. At each, particles are resampled and moved: by independence Metropolis–Hastings with a
mixture fitted to all of them (:mod:`benchmarks.gate_mixture`), which lets them change modes, and by random walks whose
steps have the covariance of one of its components.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from benchmarks import gate_mixture as mixture

#: Share of the particles that a step to the next temperature leaves effective.
EFFECTIVE = 0.6
COMPONENTS = 24
#: Sweeps of moves end when a particle has jumped this often on average, or after so many.
JUMPED, SWEEPS = 2.0, 20
#: Fits with sweeps at the posterior itself, and then sweeps that each leave a generation behind.
ROUNDS, LAST = 6, 18
#: Generations that are handed on, components of the mixture that is fitted to them, and iterations of either fit.
KEPT, FINAL = 6, 64
ITERATIONS, THOROUGH = 12, 30
#: Shares in it of the fit, of a wide component around the particles (of so many standard deviations), and of the prior.
SHARES, WIDE = (0.92, 0.05, 0.03), 1.5
#: Random walks per round, in units of 2.38 / √d component standard deviations (Gelman, Roberts and Gilks, 1996).
WALKS = (1.0, 0.4)
LONGEST = 200
#: Log densities worked out side by side: more leave the cache.
BLOCK = 32

#: Log prior and log likelihood of a position (d,).
Density = Callable[[Any], tuple[Any, Any]]


class Particles(NamedTuple):
    """``position`` (n, d), ``log_prior`` and ``log_likelihood`` (n,)."""

    position: Any
    log_prior: Any
    log_likelihood: Any


class Known(NamedTuple):
    """What chains take from a pilot: a ``mixture``, and ``centre`` (d,) and ``root`` (d, d) of the covariance."""

    mixture: mixture.Mixture
    centre: Any
    root: Any


class Pilot(NamedTuple):
    """What is known of a posterior before chains are run.

    ``known``; ``prior``, one component; ``position`` (KEPT × n, d) of some generations; ``log_evidence``, rough;
    ``steps`` of temperature; ``accepted``, the share of jumps in the last sweeps.
    """

    known: Known
    prior: mixture.Mixture
    position: Any
    log_evidence: Any
    steps: Any
    accepted: Any


class _State(NamedTuple):
    particles: Particles
    beta: Any
    log_evidence: Any
    step: Any
    rounds: Any
    key: Any


def evaluated(density: Density, position: Any) -> Particles:
    """Particles at positions (n, d); where there is no density its log is −inf."""
    log_prior, log_likelihood = jax.lax.map(density, position, batch_size=BLOCK)
    whole = jnp.isnan(log_prior + log_likelihood)
    return Particles(position, *(jnp.where(whole, -jnp.inf, part) for part in (log_prior, log_likelihood)))


def pilot(density: Density, start: Any, key: Any) -> Pilot:
    """Move draws of the prior (n, d) to the posterior and fit a mixture to where they end."""

    def going(state: _State) -> Any:
        return (state.rounds < ROUNDS) & (state.step < LONGEST)

    def step(state: _State) -> _State:
        key, resampling, fitting, moving = jax.random.split(state.key, 4)
        beta = _next(state.particles.log_likelihood, state.beta)
        log_weight = _powered(state.particles.log_likelihood, beta - state.beta)
        gained = jax.nn.logsumexp(log_weight) - jnp.log(len(log_weight))
        particles = _resampled(state.particles, log_weight, resampling)
        proposal = mixture.fit(particles.position, fitting, COMPONENTS, ITERATIONS)
        particles = _moved(partial(_sweep, density, proposal, beta), particles, moving)
        rounds = state.rounds + (state.beta == 1.0)
        return _State(particles, beta, state.log_evidence + gained, state.step + 1, rounds, key)

    first = _State(evaluated(density, start), 0.0, 0.0, 0, 0, key)
    state = jax.lax.while_loop(going, step, first)
    fitting, moving, again = jax.random.split(state.key, 3)
    proposal = mixture.fit(state.particles.position, fitting, COMPONENTS, ITERATIONS)

    def last(particles: Particles, key: Any) -> tuple[Particles, Any]:
        particles, jumped = _sweep(density, proposal, 1.0, particles, key)
        return particles, (particles.position, jumped)

    _, (position, jumped) = jax.lax.scan(last, state.particles, jax.random.split(moving, LAST))
    points, prior = position[:: LAST // KEPT].reshape(-1, start.shape[1]), mixture.around(start)
    evidence, steps = state.log_evidence, state.step - ROUNDS
    return Pilot(known(points, prior, again), prior, points, evidence, steps, jnp.mean(jumped))


def known(points: Any, prior: mixture.Mixture, key: Any) -> Known:
    """Mixture fitted to points (n, d) of a posterior.

    The component of the prior lets a chain leave any mode whose mass is negligible: there the posterior over the
    mixture is at most a likelihood over its share.
    """
    fitted, wide = mixture.fit(points, key, FINAL, THOROUGH), mixture.around(points, WIDE)
    whole = mixture.joined((fitted, wide, prior), SHARES)
    return Known(whole, wide.mean[0], wide.root[0] / WIDE)


def _powered(log_likelihood: Any, beta: Any) -> Any:
    """β times a log likelihood that may be −inf."""
    return jnp.where(log_likelihood == -jnp.inf, -jnp.inf, beta * log_likelihood)


def _next(log_likelihood: Any, beta: Any) -> Any:
    """The largest next temperature that leaves enough particles effective, by bisection."""

    def effective(end: Any) -> Any:
        weight = jax.nn.softmax(_powered(log_likelihood, end - beta))
        return 1.0 / jnp.sum(weight**2) / jnp.sum(log_likelihood > -jnp.inf)

    def halve(_: Any, ends: tuple[Any, Any]) -> tuple[Any, Any]:
        low, high = ends
        middle = 0.5 * (low + high)
        enough = effective(middle) >= EFFECTIVE
        return jnp.where(enough, middle, low), jnp.where(enough, high, middle)

    low, _ = jax.lax.fori_loop(0, 50, halve, (beta, 1.0))
    return jnp.where(effective(1.0) >= EFFECTIVE, 1.0, jnp.maximum(low, beta + 1e-12))


def _resampled(particles: Particles, log_weight: Any, key: Any) -> Particles:
    """Particles in proportion to their weights, systematically."""
    n = len(log_weight)
    at = jnp.cumsum(jax.nn.softmax(log_weight))
    chosen = jnp.searchsorted(at, (jnp.arange(n) + jax.random.uniform(key)) / n)
    return jax.tree.map(lambda leaf: leaf[jnp.minimum(chosen, n - 1)], particles)


def _moved(
    sweep: Callable[[Particles, Any], tuple[Particles, Any]], particles: Particles, key: Any
) -> Particles:
    """Particles after as many sweeps as let them jump often enough."""

    def going(state: tuple[Particles, Any, Any]) -> Any:
        return (state[1] < JUMPED) & (state[2] < SWEEPS)

    def again(state: tuple[Particles, Any, Any]) -> tuple[Particles, Any, Any]:
        particles, jumped = sweep(state[0], jax.random.fold_in(key, state[2]))
        return particles, state[1] + jumped, state[2] + 1

    return jax.lax.while_loop(going, again, (particles, 0.0, 0))[0]


def _sweep(
    density: Density, proposal: mixture.Mixture, beta: Any, particles: Particles, key: Any
) -> tuple[Particles, Any]:
    """A jump and random walks of every particle, and the share of accepted jumps."""
    n, d = particles.position.shape
    jump, accept, *walks = jax.random.split(key, 2 + len(WALKS))
    new = evaluated(density, mixture.draws(proposal, jump, n))
    log_ratio = mixture.log_prob(proposal, particles.position) - mixture.log_prob(proposal, new.position)
    particles, jumped = _chosen(particles, new, beta, log_ratio, accept)
    for size, walk in zip(WALKS, walks, strict=True):
        which, normal, accept = jax.random.split(walk, 3)
        at = jax.random.categorical(which, proposal.log_share, shape=(n,))
        e = size * 2.38 / jnp.sqrt(d) * jax.random.normal(normal, (n, d))
        new = evaluated(density, particles.position + jnp.einsum("nij,nj->ni", proposal.root[at], e))
        particles, _ = _chosen(particles, new, beta, 0.0, accept)
    return particles, jnp.mean(jumped)


def _chosen(old: Particles, new: Particles, beta: Any, log_ratio: Any, key: Any) -> tuple[Particles, Any]:
    """New particles where they are accepted, and where that is; ``log_ratio`` is that of the proposals."""
    before, after = (p.log_prior + _powered(p.log_likelihood, beta) for p in (old, new))
    better = jnp.log(jax.random.uniform(key, after.shape)) < after - before + log_ratio

    def pick(a: Any, b: Any) -> Any:
        return jnp.where(better.reshape(-1, *[1] * (a.ndim - 1)), a, b)

    return jax.tree.map(pick, new, old), better
