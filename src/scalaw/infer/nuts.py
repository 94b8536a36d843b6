"""NumPyro's NUTS as one compiled function of arrays, over scenarios and chains.

The kernel walks in coordinates whitened by the mode and its curvature, ``position = mode + whiten @ w``,
and keeps dense adaptation on: whitening wins where the posterior is near normal, adaptation where it is
bent. Warm-up and sampling share one loop body, so the kernel is compiled once; every chain of every scenario is a row
of one batch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
from numpyro.infer import NUTS

from scalaw.infer.executables import dynamic_map, take
from scalaw.model.program import constrain, log_density
from scalaw.model.structure import Arrays, Structure


class Settings(NamedTuple):
    """How long and how carefully to sample."""

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    target_accept: float = 0.9


class Draws(NamedTuple):
    """Output of one chain.

    ``position`` and ``values`` (draws, coordinates), the rest (draws,). ``log_density`` is of the position.
    """

    position: Any
    values: Any
    log_density: Any
    energy: Any
    diverging: Any
    n_steps: Any
    acceptance_rate: Any
    step_size: Any


MAX_TREE_DEPTH = 10


def _chain(
    structure: Structure, settings: Settings, arrays: Arrays, mode: Any, whiten: Any, start: Any, key: Any
) -> Draws:
    kernel = NUTS(
        potential_fn=lambda w: -log_density(structure, arrays, mode + whiten @ w),
        dense_mass=True,
        target_accept_prob=settings.target_accept,
        max_tree_depth=MAX_TREE_DEPTH,
    )
    state = kernel.init(key, settings.warmup, start, (), {})

    def step(state: Any, _: Any) -> tuple[Any, Any]:
        state = kernel.sample(state, (), {})
        kept = (state.z, -state.potential_energy, state.energy, state.diverging, state.num_steps)
        return state, (*kept, state.accept_prob, state.adapt_state.step_size)

    _, out = jax.lax.scan(step, state, None, length=settings.warmup + settings.draws)
    w, *stats = jax.tree.map(lambda leaf: leaf[settings.warmup :], out)
    position = mode + w @ whiten.T
    values = jax.vmap(lambda c: structure.join(constrain(structure, arrays, c)))(position)
    return Draws(position, values, *stats)


def nuts_executable(structure: Structure, settings: Settings, places: int) -> Any:
    """Program ``((arrays, mode, whiten, start, key), count) -> Draws`` of ``places`` chains.

    ``mode`` (places, coordinates), ``whiten`` (places, coordinates, coordinates), ``start`` (places, coordinates) in
    whitened coordinates, ``key`` (places, 2).
    """

    def run(batch: tuple[Arrays, Any, Any, Any, Any], count: Any) -> Draws:
        return dynamic_map(lambda i: _chain(structure, settings, *take(batch, i)), count, places)

    return jax.jit(run)
