"""Reference posteriors: NUTS chains from spread starts, as many as it takes.

Chains start from twice a standard normal around the mode, and every other one from somewhere else: a candidate that the
mode search screened, whatever its rank. Where the effective sample size falls short, as many chains again are run with
keys and starts of their own, and so on up to a limit. A reference counts when R-hat is low and the bulk effective sample
size of every coordinate is large enough; one that does not is kept and called failed.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from benchmarks.gate_figures import of_chains
from scalaw.infer.chain_stats import ChainFigures
from scalaw.infer.executables import dynamic_map, key_data, take
from scalaw.infer.lanes import run_batch
from scalaw.infer.nuts import Settings
from scalaw.infer.point import Mode
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock, Program
from scalaw.infer.routes import Group, nuts_program
from scalaw.infer.search import CANDIDATES, screening
from scalaw.model.program import log_density, start_near
from scalaw.model.structure import Structure

SETTINGS = Settings(chains=4, warmup=1000, draws=1500, target_accept=0.95)
ESS, RHAT = 4000.0, 1.01
#: Most chains of one reference.
CHAINS = 64
SPREAD = 2.0


class Reference(NamedTuple):
    """Figures per coordinate; number of chains; divergences; whether it counts."""

    figures: ChainFigures
    chains: int
    divergences: int
    good: bool


def start_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, z), count) -> (position, log density)`` of starts given in own coordinates."""

    def one(batch: Any, i: Any) -> Any:
        arrays, z = take(batch, i)
        position = jax.vmap(partial(start_near, structure, arrays))(z)
        return position, jax.vmap(partial(log_density, structure, arrays))(position)

    return jax.jit(lambda batch, count: dynamic_map(partial(one, batch), count, places))


def starts_of(group: Group, modes: list[Mode], chains: int, seed: object) -> np.ndarray:
    """Starts in whitened coordinates, (scenarios, chains, coordinates)."""
    structure, arrays = group.structure, group.arrays
    keys = [key_data(seed, "elsewhere", s.name) for s in group.scenarios]
    z = np.stack([prior_draws(s, CANDIDATES, key).z for s, key in zip(group.scenarios, keys, strict=True)])
    program, places = screening(structure, arrays)
    z = run_batch(program, (arrays, z), places=places, clock=Clock())
    program = Program(start_executable, (structure, 2))
    position, height = run_batch(program, (arrays, z), places=2, clock=Clock())
    starts = []
    for i, (mode, key) in enumerate(zip(modes, keys, strict=True)):
        rng = np.random.default_rng(key)
        start = SPREAD * rng.standard_normal((chains, structure.n_coordinates))
        finite = np.flatnonzero(np.isfinite(height[i]) & np.all(np.isfinite(position[i]), axis=1))
        if len(finite):
            far = position[i][rng.choice(finite, chains // 2)]
            start[1::2] = np.linalg.solve(mode.whiten, (far - mode.position).T).T
        starts.append(start)
    return np.stack(starts)


def references(group: Group, modes: list[Mode], seed: int, ess: float = ESS) -> list[Reference]:
    """A reference posterior for every scenario of a group."""
    n, kept = len(group.scenarios), [np.empty(0)] * len(group.scenarios)
    diverged = np.zeros(n, int)
    found: dict[int, Reference] = {}
    pending, more, turn = np.arange(n), SETTINGS.chains, 0
    while len(pending):
        part = Group(group.structure, [group.scenarios[i] for i in pending], _rows(group.arrays, pending))
        draws = _chains(part, [modes[i] for i in pending], more, f"{seed}/{turn}")
        for j, i in enumerate(pending):
            kept[i] = np.concatenate([kept[i], draws.position[j]]) if turn else draws.position[j]
            diverged[i] += int(np.sum(draws.diverging[j]))
        figures = of_chains(group.structure, part.arrays, np.stack([kept[i] for i in pending]))
        chains, left = len(kept[pending[0]]), []
        for j, i in enumerate(pending):
            one = jax.tree.map(lambda leaf, j=j: leaf[j], figures)
            good = bool(np.min(one.ess_bulk) >= ess and np.max(one.rhat) < RHAT)
            found[int(i)] = Reference(one, chains, int(diverged[i]), good)
            if not good and 2 * chains <= CHAINS * ess / ESS:
                left.append(i)
        pending, more, turn = np.array(left, int), chains, turn + 1
    return [found[i] for i in range(n)]


def _chains(group: Group, modes: list[Mode], chains: int, seed: str) -> Any:
    """Draws with leading axes (scenarios, chains, draws)."""
    n = len(group.scenarios)
    start = starts_of(group, modes, chains, seed)
    keys = np.stack([key_data(seed, s.name, chain) for s in group.scenarios for chain in range(chains)])
    rows = np.repeat(np.arange(n), chains)
    mode, whiten = np.stack([m.position for m in modes])[rows], np.stack([m.whiten for m in modes])[rows]
    batch = (_rows(group.arrays, rows), mode, whiten, start.reshape(n * chains, -1), keys)
    program, places = nuts_program(group.structure, SETTINGS, group.arrays)
    out = run_batch(program, batch, places=places, clock=Clock())
    return jax.tree.map(lambda leaf: leaf.reshape(n, chains, *leaf.shape[1:]), out)


def _rows(tree: Any, rows: np.ndarray) -> Any:
    return jax.tree.map(lambda leaf: leaf[rows], tree)
