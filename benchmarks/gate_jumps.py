"""NUTS that changes modes: every transition is followed by jumps proposed from a mixture that knows all modes.

A jump is independence Metropolis–Hastings (Tierney, 1994): a draw ``y`` of the mixture ``q`` replaces ``x`` with
probability ``min(1, π(y) q(x) / (π(x) q(y)))``. Both kernels leave the posterior ``π`` as it is, whatever the mixture,
so what the mixture misses is still sampled, only slowly: the chain stays there for long, which R-hat and the effective
sample size tell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from numpyro.infer import NUTS

from benchmarks import gate_mixture as mixture
from benchmarks.gate_tempering import Known
from scalaw.infer.nuts import Settings

#: Jumps tried after every transition.
JUMPS = 48
#: Jumps go far, so transitions need not.
MAX_TREE_DEPTH = 6


class Chain(NamedTuple):
    """``position`` (draws, d), ``diverging`` (draws,) and ``accepted`` (draws,), the share of jumps."""

    position: Any
    diverging: Any
    accepted: Any


def chain(height: Callable[[Any], Any], known: Known, start: Any, key: Any, settings: Settings) -> Chain:
    """One chain of NUTS with jumps.

    Parameters
    ----------
    height : callable
        Log density of a position (d,), not normalised.
    known : Known
        Its mixture proposes jumps; NUTS walks in coordinates whitened by its centre and root.
    start : array, shape (d,)
    key : array, shape (2,)
    """

    def position_of(w: Any) -> Any:
        return known.centre + known.root @ w

    def whitened(position: Any) -> Any:
        return jnp.linalg.solve(known.root, position - known.centre)

    def potential(w: Any) -> Any:
        return -height(position_of(w))

    kernel = NUTS(
        potential_fn=potential,
        dense_mass=True,
        target_accept_prob=settings.target_accept,
        max_tree_depth=MAX_TREE_DEPTH,
    )
    first, jumping = jax.random.split(key)
    state = kernel.init(first, settings.warmup, whitened(start), (), {})

    def step(state: Any, key: Any) -> tuple[Any, Chain]:
        state = kernel.sample(state, (), {})
        position, accepted = _jumped(height, known.mixture, position_of(state.z), key)
        w = jnp.where(accepted > 0, whitened(position), state.z)
        energy, slope = jax.value_and_grad(potential)(w)
        moved = state._replace(z=w, potential_energy=energy, z_grad=slope)
        return moved, Chain(position_of(w), state.diverging, accepted)

    keys = jax.random.split(jumping, settings.warmup + settings.draws)
    _, out = jax.lax.scan(step, state, keys)
    return jax.tree.map(lambda leaf: leaf[settings.warmup :], out)


def _jumped(
    height: Callable[[Any], Any], proposal: mixture.Mixture, position: Any, key: Any
) -> tuple[Any, Any]:
    """Position after all jumps, and the share of them that were accepted."""
    drawing, accepting = jax.random.split(key)
    at = jnp.concatenate([position[None], mixture.draws(proposal, drawing, JUMPS)])
    ratio = jax.vmap(height)(at) - mixture.log_prob(proposal, at)
    ratio = jnp.where(jnp.isnan(ratio), -jnp.inf, ratio)

    def jump(here: Any, trial: tuple[Any, Any]) -> tuple[Any, Any]:
        there, log_u = trial
        better = log_u < ratio[there] - ratio[here]
        return jnp.where(better, there, here), better

    log_u = jnp.log(jax.random.uniform(accepting, (JUMPS,)))
    here, accepted = jax.lax.scan(jump, 0, (jnp.arange(1, JUMPS + 1), log_u))
    return at[here], jnp.mean(accepted)
