"""Reference posteriors: NUTS with jumps between modes from spread starts, as many chains as it takes.

Posteriors of laws with breaks have several modes, and NUTS alone shares the mass between them wrongly. So
particles first walk from the prior to the posterior (:mod:`benchmarks.gate_tempering`), a mixture is fitted to where
they end, and chains of NUTS take it for jumps (:mod:`benchmarks.gate_jumps`). Half of the chains start at particles,
the other half at the modes that searches found and at candidates that they did not choose. A chain that starts in a
mode which the mixture does not know stays there, and R-hat tells.

Where the effective sample size falls short, the mixture is fitted again to particles and all draws so far, twice as
many chains are run with it, and so on up to a limit; only the last ones are kept, which no mixture was fitted to. A
reference counts when R-hat is low and the bulk effective sample size of every coordinate is large enough; one that
does not is kept and called failed.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import gate_coordinates as coordinates
from benchmarks.gate_figures import Estimate, estimate, of_chains
from benchmarks.gate_jumps import Chain, chain
from benchmarks.gate_tempering import Known, Pilot, known, pilot
from scalaw.infer.executables import dynamic_map, key_data, take
from scalaw.infer.lanes import run_batch
from scalaw.infer.nuts import Settings
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock, Program
from scalaw.infer.routes import Group
from scalaw.infer.screen import screen
from scalaw.infer.search import CANDIDATES, MODES, search
from scalaw.model.structure import Structure

SEED = 40706
#: Particles, of laws with breaks and of others.
MANY_PARTICLES, PARTICLES = 4096, 1024
SETTINGS = Settings(chains=8, warmup=300, draws=1000, target_accept=0.8)
ESS, RHAT = 4000.0, 1.01
#: Most chains of one reference.
CHAINS = 64
#: Points at which a stored reference is recognised.
PROBES = 4
#: Particles and draws of chains that a mixture is fitted to again.
OF_PARTICLES, OF_CHAINS = 8192, 16384
PILOT_PLACES, CHAIN_PLACES = 2, 32


class Reference(NamedTuple):
    """A reference posterior over the free coordinates.

    ``estimate`` of it; ``ess_bulk``, ``ess_tail`` and ``rhat`` of the worst coordinate; how many ``chains`` and
    ``divergences``; ``good``: whether it counts; ``probes`` (PROBES, coordinates), a few of its draws in the
    parameters' own coordinates, and their log densities there, ``heights``; ``jumps``, the share of jumps that were
    accepted (0 where NUTS was alone).
    """

    estimate: Estimate
    ess_bulk: float
    ess_tail: float
    rhat: float
    chains: int
    divergences: int
    good: bool
    probes: np.ndarray
    heights: np.ndarray
    jumps: float = 0.0


def pilot_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, z, key), count) -> Pilot``, from draws of the prior in own coordinates."""

    def one(batch: Any, i: Any) -> Pilot:
        arrays, z, key = take(batch, i)
        start = jax.vmap(partial(coordinates.from_own, structure, arrays))(z)
        return pilot(partial(coordinates.density, structure, arrays), start, key)

    return jax.jit(lambda batch, count: dynamic_map(partial(one, batch), count, places))


def start_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, modes, candidates), count) -> u``, all given in own coordinates.

    Modes come first, then candidates, screened; NaN where there is no density.
    """

    def one(batch: Any, i: Any) -> Any:
        arrays, modes, drawn = take(batch, i)
        z = jnp.concatenate([modes, screen(structure, arrays, drawn)])
        u = jax.vmap(partial(coordinates.from_own, structure, arrays))(z)
        height = jax.vmap(partial(coordinates.height, structure, arrays))(u)
        return jnp.where(jnp.isfinite(height)[:, None], u, jnp.nan)

    return jax.jit(lambda batch, count: dynamic_map(partial(one, batch), count, places))


def chain_executable(structure: Structure, settings: Settings, places: int) -> Any:
    """Program ``((arrays, known, start, key), count) -> (Chain, z)``, its positions in own coordinates too."""

    def one(batch: Any, i: Any) -> tuple[Chain, Any]:
        arrays, guide, start, key = take(batch, i)
        out = chain(partial(coordinates.height, structure, arrays), guide, start, key, settings)
        return out, jax.vmap(partial(coordinates.own, structure, arrays))(out.position)

    return jax.jit(lambda batch, count: dynamic_map(partial(one, batch), count, places))


def known_executable(places: int) -> Any:
    """Program ``((points, prior, key), count) -> Known``."""

    def one(batch: Any, i: Any) -> Known:
        return known(*take(batch, i))

    return jax.jit(lambda batch, count: dynamic_map(partial(one, batch), count, places))


def pilots_of(group: Group, seed: object) -> Pilot:
    """What is known of every posterior of a group beforehand."""
    keys = [key_data(seed, "pilot", s.name) for s in group.scenarios]
    particles = MANY_PARTICLES if coordinates.breaks(group.structure) else PARTICLES
    z = [prior_draws(s, particles, key).z for s, key in zip(group.scenarios, keys, strict=True)]
    program = Program(pilot_executable, (group.structure, PILOT_PLACES))
    batch = (group.arrays, np.stack(z), np.stack(keys))
    return run_batch(program, batch, places=PILOT_PLACES, clock=Clock())


def starts_of(group: Group, pilots: Pilot, chains: int, seed: object) -> np.ndarray:
    """Starts (scenarios, chains, coordinates): particles, and every other one a mode or somewhere else."""
    structure, arrays = group.structure, group.arrays
    keys = [key_data(seed, "elsewhere", s.name) for s in group.scenarios]
    z = np.stack([prior_draws(s, CANDIDATES, key).z for s, key in zip(group.scenarios, keys, strict=True)])
    modes = [one.modes for one in search(structure, group.scenarios, arrays, SEED, Clock())]
    of_modes = [np.stack([m.z for m in (*found, *[found[0]] * MODES)[:MODES]]) for found in modes]
    program = Program(start_executable, (structure, 2))
    elsewhere = run_batch(program, (arrays, np.stack(of_modes), z), places=2, clock=Clock())
    starts = []
    for i, key in enumerate(keys):
        rng = np.random.default_rng(key)
        start = rng.choice(pilots.position[i], chains)
        found = elsewhere[i][np.all(np.isfinite(elsewhere[i]), axis=1)]
        if len(found):
            # modes come first, each once
            start[1::2] = np.concatenate([found[:MODES], rng.choice(found, chains)])[: chains // 2]
        starts.append(start)
    return np.stack(starts)


def references(group: Group, free: np.ndarray, ess: float = ESS, seed: int = SEED) -> list[Reference]:
    """A reference posterior for every scenario of a group; those that need more chains get them together."""
    pilots = pilots_of(group, seed)
    guides = pilots.known
    n = len(group.scenarios)
    drawn = [np.empty((0, group.structure.n_coordinates))] * n
    out: dict[int, Reference] = {}
    pending, chains, turn = np.arange(n), SETTINGS.chains, 0
    while len(pending) and chains <= CHAINS * max(1.0, ess / ESS):
        part, some = part_of(group, pending), rows_of(pilots, pending)
        if turn:
            guides = _known_again(some, [drawn[i] for i in pending], [s.name for s in part.scenarios], turn)
        new, z = _chains(part, some, guides, chains, f"{seed}/{turn}")
        for j, (i, one) in enumerate(zip(pending, _references(part, free, new, z, ess), strict=True)):
            out[int(i)] = one
            drawn[i] = np.concatenate([drawn[i], new.position[j].reshape(-1, z.shape[-1])])
        pending = np.array([i for i in pending if not out[int(i)].good], int)
        chains, turn = 2 * chains, turn + 1
    return [out[i] for i in range(n)]


def _references(group: Group, free: np.ndarray, chains: Chain, z: np.ndarray, ess: float) -> list[Reference]:
    """What chains (leading axes scenarios, chains, draws) say."""
    figures = of_chains(z)
    probes = z[:, :PROBES, 0]
    heights = heights_of(group, probes)
    made = []
    for i in range(len(z)):
        found = take(figures, i)
        bulk, tail = float(np.min(found.ess_bulk[free])), float(np.min(found.ess_tail[free]))
        rhat, diverged = float(np.max(found.rhat[free])), int(np.sum(chains.diverging[i]))
        figure = (bulk, tail, rhat, z.shape[1], diverged, bulk >= ess and rhat < RHAT)
        jumps = float(np.mean(chains.accepted[i]))
        made.append(Reference(estimate(found, free), *figure, probes[i], heights[i], jumps))
    return made


def _known_again(pilots: Pilot, drawn: list[np.ndarray], names: list[str], turn: int) -> Known:
    """Mixtures fitted to particles and draws of chains."""
    keys = np.stack([key_data("again", name, turn) for name in names])
    points = []
    for key, position, draws in zip(keys, pilots.position, drawn, strict=True):
        rng = np.random.default_rng(key)
        points.append(np.concatenate([rng.choice(position, OF_PARTICLES), rng.choice(draws, OF_CHAINS)]))
    program = Program(known_executable, (PILOT_PLACES,))
    batch = (np.stack(points), pilots.prior, keys)
    return run_batch(program, batch, places=PILOT_PLACES, clock=Clock())


def _chains(group: Group, pilots: Pilot, guides: Known, chains: int, seed: str) -> tuple[Chain, np.ndarray]:
    """Draws with leading axes (scenarios, chains, draws), and their own coordinates."""
    n = len(group.scenarios)
    start = starts_of(group, pilots, chains, seed).reshape(n * chains, -1)
    keys = np.stack([key_data(seed, s.name, chain) for s in group.scenarios for chain in range(chains)])
    rows = np.repeat(np.arange(n), chains)
    batch = (rows_of(group.arrays, rows), rows_of(guides, rows), start, keys)
    program = Program(chain_executable, (group.structure, SETTINGS, CHAIN_PLACES))
    out = run_batch(program, batch, places=CHAIN_PLACES, clock=Clock())
    return jax.tree.map(lambda leaf: leaf.reshape(n, chains, *leaf.shape[1:]), out)


def height_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, z), count) -> log density`` in own coordinates, of a few ``z`` per scenario."""

    def one(batch: Any, i: Any) -> Any:
        arrays, z = take(batch, i)
        return jax.vmap(partial(coordinates.own_height, structure, arrays))(z)

    return jax.jit(lambda batch, count: dynamic_map(partial(one, batch), count, places))


def heights_of(group: Group, z: np.ndarray) -> np.ndarray:
    """Log densities in own coordinates (scenarios, any number, coordinates)."""
    heights = Program(height_executable, (group.structure, 2))
    return run_batch(heights, (group.arrays, z), places=2, clock=Clock())


def part_of(group: Group, rows: np.ndarray) -> Group:
    """Some scenarios of a group."""
    return Group(group.structure, [group.scenarios[i] for i in rows], rows_of(group.arrays, rows))


def rows_of(tree: Any, rows: np.ndarray) -> Any:
    """Some rows of every leaf."""
    return jax.tree.map(lambda leaf: leaf[rows], tree)
