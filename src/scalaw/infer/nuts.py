"""NumPyro's NUTS as one compiled function of arrays, over scenarios and chains.

The kernel walks in coordinates whitened by the mode and its curvature, ``position = mode + whiten @ w``,
and keeps dense adaptation on: whitening wins where the posterior is near normal, adaptation where it is
bent. Chains start spread by a standard normal in ``w``. Warm-up and sampling share one loop body, so the
kernel is compiled once; chains and scenarios are the iterations of one loop of dynamic length.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
from numpyro.infer import NUTS

from scalaw.infer.executables import SCENARIOS, dynamic_map, take
from scalaw.model.program import constrain, log_density
from scalaw.model.structure import Arrays, Structure


class Settings(NamedTuple):
    """How long and how carefully to sample."""

    chains: int = 4
    warmup: int = 1000
    draws: int = 1000
    target_accept: float = 0.9


class Draws(NamedTuple):
    """Output of one chain; after the call leading axes are scenario × chain.

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
    structure: Structure, settings: Settings, arrays: Arrays, mode: Any, whiten: Any, key: Any
) -> Draws:
    key_start, key_run = jax.random.split(key)
    start = jax.random.normal(key_start, mode.shape)
    kernel = NUTS(
        potential_fn=lambda w: -log_density(structure, arrays, mode + whiten @ w),
        dense_mass=True,
        target_accept_prob=settings.target_accept,
        max_tree_depth=MAX_TREE_DEPTH,
    )
    state = kernel.init(key_run, settings.warmup, start, (), {})

    def step(state: Any, _: Any) -> tuple[Any, Any]:
        state = kernel.sample(state, (), {})
        kept = (state.z, -state.potential_energy, state.energy, state.diverging, state.num_steps)
        return state, (*kept, state.accept_prob, state.adapt_state.step_size)

    _, out = jax.lax.scan(step, state, None, length=settings.warmup + settings.draws)
    w, *stats = jax.tree.map(lambda leaf: leaf[settings.warmup :], out)
    position = mode + w @ whiten.T
    values = jax.vmap(lambda c: structure.join(constrain(structure, arrays, c)))(position)
    return Draws(position, values, *stats)


def nuts_executable(structure: Structure, settings: Settings) -> Any:
    """Program ``(arrays, mode, whiten, keys, count) -> Draws`` for up to :data:`SCENARIOS` scenarios.

    ``mode`` (scenarios, coordinates), ``whiten`` (scenarios, coordinates, coordinates), ``keys`` (scenarios,
    chains, 2); the output's leading axes are (scenarios, chains).
    """

    def run(arrays: Arrays, mode: Any, whiten: Any, keys: Any, count: Any) -> Draws:
        def one(job: Any) -> Draws:
            s, chain = job // settings.chains, job % settings.chains
            return _chain(structure, settings, take(arrays, s), mode[s], whiten[s], keys[s, chain])

        flat = dynamic_map(one, count * settings.chains, SCENARIOS * settings.chains)
        return jax.tree.map(lambda leaf: leaf.reshape(SCENARIOS, settings.chains, *leaf.shape[1:]), flat)

    return jax.jit(run)
