"""Many fits at once: group scenarios by program, find their modes, sample them.

``sample`` takes any list of scenarios. Those that share a structure and a bucket go through one compiled
program, in chunks of :data:`~scalaw.infer.executables.SCENARIOS`; nothing is compiled or run one by one.
The mode search climbs from several draws of the prior; how many of them end at the best mode is part of the
result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import numpy as np

from scalaw.infer.evaluate import evaluate_program
from scalaw.infer.executables import SCENARIOS, key_data
from scalaw.infer.nuts import Draws, Settings, nuts_executable
from scalaw.infer.point import Mode, mode_executable
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock, Program, call, compile_all
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows, stack
from scalaw.model.structure import Arrays, Structure

#: Searches in one compiled call, and starts per scenario.
JOBS = 256
STARTS = 16
#: Two searches agree when they end within this log density of each other.
AGREE = 0.05

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Sampled:
    """Draws of one scenario, NumPy.

    ``draws`` has leading axes (chains, draws); ``mode`` is the best mode; ``starts`` and ``agreed`` count
    searches; ``rival`` is how far (nats) the best *other* mode lies below, inf when there is none.
    """

    scenario: Scenario
    draws: Draws
    mode: Mode
    starts: int
    agreed: int
    rival: float
    clock: Clock = field(compare=False)


class _Batch(NamedTuple):
    """Scenarios of one structure and bucket, at most SCENARIOS of them."""

    structure: Structure
    positions: Sequence[int]
    scenarios: Sequence[Scenario]
    arrays: Arrays


def sample(
    scenarios: Sequence[Scenario],
    settings: Settings,
    seed: int = 0,
    progress: Progress = lambda _: None,
) -> list[Sampled]:
    """Sample every scenario's posterior.

    Parameters
    ----------
    scenarios : sequence of Scenario
        Any mixture of models and tables; their names fold the random keys.
    settings : Settings
    seed : int
    progress : callable
        Told in words what happens next.

    Returns
    -------
    list of Sampled
        In the order of ``scenarios``.
    """
    batches = list(_batches(scenarios))
    clock = Clock()
    laws = dict.fromkeys(s.model.label for s in scenarios)
    progress(f"compiling for {', '.join(laws)}")
    compile_all([use for batch in batches for use in _programs(batch, settings)], clock)
    done: dict[int, Sampled] = {}
    for batch in batches:
        progress(f"sampling {', '.join(dict.fromkeys(s.model.label for s in batch.scenarios))}")
        clock = replace(clock, run=0.0)
        done |= dict(zip(batch.positions, _sample_batch(batch, settings, seed, clock), strict=True))
    return [done[i] for i in range(len(scenarios))]


def _batches(scenarios: Sequence[Scenario]) -> Iterator[_Batch]:
    groups: dict[Any, list[int]] = {}
    for i, scenario in enumerate(scenarios):
        groups.setdefault((scenario.model.structure(), padded_rows([scenario])), []).append(i)
    for (structure, rows), members in groups.items():
        for chunk in _chunks(members, SCENARIOS):
            chosen = [scenarios[i] for i in chunk]
            yield _Batch(structure, chunk, chosen, stack([arrays_of(s, rows) for s in chosen], SCENARIOS))


def _chunks(items: Any, size: int) -> Iterator[Any]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _programs(batch: _Batch, settings: Settings) -> Iterator[tuple[Program, tuple[Any, ...]]]:
    """The three programs that a fit needs, with arguments of their shapes."""
    structure, n = batch.structure, batch.structure.n_coordinates
    rows = batch.arrays.y.shape[1]
    which, count = np.zeros(JOBS, int), np.int64(0)
    starts, weight = np.zeros((JOBS, n)), np.zeros((JOBS, rows))
    yield search_program(structure), (batch.arrays, which, starts, weight, count)
    whiten, keys = np.zeros((SCENARIOS, n, n)), np.zeros((SCENARIOS, settings.chains, 2), np.uint32)
    yield sampler_program(structure, settings), (batch.arrays, whiten[:, 0], whiten, keys, count)
    positions = np.zeros((settings.chains * settings.draws, n))
    yield evaluate_program(structure), (jax.tree.map(lambda leaf: leaf[0], batch.arrays), positions)


def search_program(structure: Structure) -> Program:
    """The mode search."""
    return Program(mode_executable, (structure, JOBS))


def sampler_program(structure: Structure, settings: Settings) -> Program:
    """The sampler."""
    return Program(nuts_executable, (structure, settings))


def _sample_batch(batch: _Batch, settings: Settings, seed: int, clock: Clock) -> list[Sampled]:
    structure, _, scenarios, arrays = batch
    best = [found_modes(modes) for modes in search(structure, scenarios, arrays, seed, clock)]
    count = len(scenarios)
    fill = [*range(count), *[0] * (SCENARIOS - count)]
    mode = np.stack([best[i][0].position for i in fill])
    whiten = np.stack([best[i][0].whiten for i in fill])
    keys = np.stack(
        [[key_data(seed, "nuts", scenarios[i].name, chain) for chain in range(settings.chains)] for i in fill]
    )
    out = call(sampler_program(structure, settings), clock, arrays, mode, whiten, keys, np.int64(count))
    return [
        Sampled(s, jax.tree.map(lambda leaf, i=i: leaf[i].copy(), out), *best[i], clock)
        for i, s in enumerate(scenarios)
    ]


def search(
    structure: Structure, scenarios: Sequence[Scenario], arrays: Arrays, seed: int, clock: Clock
) -> list[Mode]:
    """All searches of every scenario, each a :class:`Mode` with a leading axis of starts."""
    starts = np.concatenate([prior_draws(s, STARTS, key_data(seed, "starts", s.name)).z for s in scenarios])
    which = np.repeat(np.arange(len(scenarios)), STARTS)
    ends = climb(structure, arrays, which, starts, arrays.row_weight[which], clock)
    return [
        jax.tree.map(lambda leaf, i=i: leaf[i * STARTS : (i + 1) * STARTS], ends)
        for i in range(len(scenarios))
    ]


def climb(
    structure: Structure,
    arrays: Arrays,
    which: np.ndarray,
    starts: np.ndarray,
    row_weight: np.ndarray,
    clock: Clock,
) -> Mode:
    """Run searches in chunks of :data:`JOBS`: ``which`` scenario, from where, with which row weights."""
    program, ends = search_program(structure), []
    for jobs in _chunks(np.arange(len(starts)), JOBS):
        fill = np.concatenate([jobs, np.zeros(JOBS - len(jobs), int)])
        count = np.int64(len(jobs))
        out = call(program, clock, arrays, which[fill], starts[fill], row_weight[fill], count)
        ends.append(out)
    joined = jax.tree.map(lambda *leaves: np.concatenate(leaves), *ends)
    return jax.tree.map(lambda leaf: leaf[: len(starts)], joined)


def found_modes(modes: Mode) -> tuple[Mode, int, int, float]:
    """Best mode of a scenario's searches, how many there were, how many agreed, and the gap to a rival mode."""
    value = np.where(np.isfinite(modes.log_density), modes.log_density, -np.inf)
    top = int(np.argmax(value))
    best = jax.tree.map(lambda leaf: leaf[top], modes)
    distance = np.linalg.solve(best.whiten, (modes.position - best.position).T)
    near = np.linalg.norm(distance, axis=0) < 1.0
    agreed = int(np.sum((value > value[top] - AGREE) | near))
    others = value[~near & (value < value[top] - AGREE)]
    rival = float(value[top] - others.max()) if others.size else np.inf
    return best, len(value), agreed, rival
