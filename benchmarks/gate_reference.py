"""Reference posteriors: NUTS chains from spread starts, as many as it takes, kept while the posterior is the same.

Chains start from twice a standard normal around the mode, and every other one from somewhere else: a candidate that the
mode search screened, whatever its rank. Where the effective sample size falls short, as many chains again are run with
keys and starts of their own, and so on up to a limit. A reference counts when R-hat is low and the bulk effective
sample size of every coordinate is large enough; one that does not is kept and called failed.

A reference speaks of a posterior and not of code: beside it lie a few points in the parameters' own coordinates with
their log densities there, and it is used again wherever the code of the day finds the same densities.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from numpyro.infer.util import potential_energy

from benchmarks.gate_cases import Case
from benchmarks.gate_figures import Estimate, estimate, of_chains, own
from scalaw.infer.executables import dynamic_map, key_data, take
from scalaw.infer.lanes import run_batch
from scalaw.infer.nuts import Settings
from scalaw.infer.point import Mode
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock, Program
from scalaw.infer.routes import Group, nuts_program
from scalaw.infer.search import CANDIDATES, screening, search
from scalaw.model.program import log_density, program, start_near
from scalaw.model.structure import Structure

SEED = 40704
SETTINGS = Settings(chains=4, warmup=1000, draws=1500, target_accept=0.95)
ESS, RHAT = 4000.0, 1.01
#: Most chains of one reference.
CHAINS = 64
SPREAD = 2.0
#: Points at which a stored reference is recognised, and how closely (nats).
PROBES, SAME = 4, 1e-6
FOLDER = Path(__file__).parent.parent / ".benchmarks" / "gate"


class Reference(NamedTuple):
    """A reference posterior over the free coordinates.

    ``estimate`` of it; ``ess_bulk``, ``ess_tail`` and ``rhat`` of the worst coordinate; how many ``chains`` and
    ``divergences``; ``good``: whether it counts; ``probes`` (PROBES, coordinates) in own coordinates and their log densities ``heights``.
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


def start_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, z), count) -> (position, log density)`` of starts given in own coordinates."""

    def one(batch: Any, i: Any) -> Any:
        arrays, z = take(batch, i)
        position = jax.vmap(partial(start_near, structure, arrays))(z)
        return position, jax.vmap(partial(log_density, structure, arrays))(position)

    return jax.jit(lambda batch, count: dynamic_map(partial(one, batch), count, places))


def own_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, position), count) -> z``: positions in the parameters' own coordinates."""

    def one(batch: Any, i: Any) -> Any:
        return own(structure, *take(batch, i))

    return jax.jit(lambda batch, count: dynamic_map(partial(one, batch), count, places))


def height_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, z), count) -> log density`` in own coordinates, of a few ``z`` per scenario."""

    def one(batch: Any, i: Any) -> Any:
        arrays, z = take(batch, i)
        return jax.vmap(
            lambda one: -potential_energy(program, (structure, arrays), {}, structure.split(one))
        )(z)

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


def references(group: Group, free: np.ndarray, ess: float = ESS, seed: int = SEED) -> list[Reference]:
    """A reference posterior for every scenario of a group."""
    found = search(group.structure, group.scenarios, group.arrays, seed, Clock())
    modes = [one.mode for one in found]
    n, kept = len(group.scenarios), [np.empty(0)] * len(group.scenarios)
    diverged = np.zeros(n, int)
    out: dict[int, Reference] = {}
    pending, more, turn = np.arange(n), SETTINGS.chains, 0
    while len(pending):
        part = Group(group.structure, [group.scenarios[i] for i in pending], rows_of(group.arrays, pending))
        draws = _chains(part, [modes[i] for i in pending], more, f"{seed}/{turn}")
        for j, i in enumerate(pending):
            kept[i] = np.concatenate([kept[i], draws.position[j]]) if turn else draws.position[j]
            diverged[i] += int(np.sum(draws.diverging[j]))
        figures = of_chains(group.structure, part.arrays, np.stack([kept[i] for i in pending]))
        chains, left = len(kept[pending[0]]), []
        probes = np.stack([kept[i][:PROBES, 0] for i in pending])
        own_program = Program(own_executable, (group.structure, 2))
        probes = run_batch(own_program, (part.arrays, probes), places=2, clock=Clock())
        heights = heights_of(part, probes)
        for j, i in enumerate(pending):
            one = jax.tree.map(lambda leaf, j=j: leaf[j], figures)
            bulk, tail = float(np.min(one.ess_bulk[free])), float(np.min(one.ess_tail[free]))
            rhat = float(np.max(one.rhat[free]))
            good = bulk >= ess and rhat < RHAT
            of_chain = (chains, int(diverged[i]), good, probes[j], heights[j])
            out[int(i)] = Reference(estimate(one, free), bulk, tail, rhat, *of_chain)
            if not good and 2 * chains <= CHAINS * max(1.0, ess / ESS):
                left.append(i)
        pending, more, turn = np.array(left, int), chains, turn + 1
    return [out[i] for i in range(n)]


def heights_of(group: Group, z: np.ndarray) -> np.ndarray:
    """Log densities in own coordinates (scenarios, any number, coordinates)."""
    heights = Program(height_executable, (group.structure, 2))
    return run_batch(heights, (group.arrays, z), places=2, clock=Clock())


def _chains(group: Group, modes: list[Mode], chains: int, seed: str) -> Any:
    """Draws with leading axes (scenarios, chains, draws)."""
    n = len(group.scenarios)
    start = starts_of(group, modes, chains, seed)
    keys = np.stack([key_data(seed, s.name, chain) for s in group.scenarios for chain in range(chains)])
    rows = np.repeat(np.arange(n), chains)
    mode, whiten = np.stack([m.position for m in modes])[rows], np.stack([m.whiten for m in modes])[rows]
    batch = (rows_of(group.arrays, rows), mode, whiten, start.reshape(n * chains, -1), keys)
    program, places = nuts_program(group.structure, SETTINGS, group.arrays)
    out = run_batch(program, batch, places=places, clock=Clock())
    return jax.tree.map(lambda leaf: leaf.reshape(n, chains, *leaf.shape[1:]), out)


def rows_of(tree: Any, rows: np.ndarray) -> Any:
    """Some rows of every leaf."""
    return jax.tree.map(lambda leaf: leaf[rows], tree)


def stored_references(
    case: Case, group: Group, free: np.ndarray, ess: float = ESS, seed: int = SEED
) -> list[Reference]:
    """References of scenarios of a case: those that are stored and still speak of the same posterior, the rest anew."""
    path = FOLDER / f"{case.name}_{ess:.0f}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    known = {line["name"]: _read(line) for line in lines}
    have = [i for i, s in enumerate(group.scenarios) if s.name in known]
    if have:
        part = Group(
            group.structure, [group.scenarios[i] for i in have], rows_of(group.arrays, np.array(have))
        )
        stored = [known[s.name] for s in part.scenarios]
        now = heights_of(part, np.stack([one.probes for one in stored]))
        then = np.stack([one.heights for one in stored])
        have = [i for i, same in zip(have, np.all(np.abs(now - then) < SAME, axis=1), strict=True) if same]
    missing = [i for i in range(len(group.scenarios)) if i not in have]
    if missing:
        part = Group(
            group.structure, [group.scenarios[i] for i in missing], rows_of(group.arrays, np.array(missing))
        )
        made = references(part, free, ess, seed)
        with path.open("a") as file:
            for s, one in zip(part.scenarios, made, strict=True):
                known[s.name] = one
                file.write(json.dumps({"name": s.name, **_written(one)}) + "\n")
    return [known[s.name] for s in group.scenarios]


def _written(one: Reference) -> dict[str, Any]:
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in one._asdict().items()}
    return plain | {"estimate": {k: v.tolist() for k, v in one.estimate._asdict().items()}}


def _read(line: dict[str, Any]) -> Reference:
    of = {k: np.array(v) if isinstance(v, list) else v for k, v in line.items() if k != "name"}
    return Reference(**of | {"estimate": Estimate(**{k: np.array(v) for k, v in line["estimate"].items()})})
