"""Many fits at once: group scenarios by program, find their modes, sample them.

``sample`` takes any list of scenarios. Those that share a structure and a bucket go through one compiled
program, in chunks of :data:`~scalaw.infer.executables.SCENARIOS`; nothing is compiled or run one by one.
The mode search climbs from several draws of the prior; how many of them end at the best mode is part of the
result.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from scalaw.infer.devices import computing
from scalaw.infer.executables import SCENARIOS, key_data
from scalaw.infer.nuts import Draws, Settings, nuts_executable
from scalaw.infer.point import Mode, mode_executable
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows, stack
from scalaw.model.scaling_model import Arrays, Structure

#: Searches in one compiled call, and starts per scenario.
JOBS = 256
STARTS = 16
#: Two searches agree when they end within this log density of each other.
AGREE = 0.05

Progress = Callable[[str], None]


@dataclass
class Clock:
    """Seconds spent compiling and running."""

    compile: float = 0.0
    run: float = 0.0


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


@lru_cache(maxsize=128)
def _compiled(build: Callable[[], Any], shapes: Any, treedef: Any) -> Any:
    abstract = jax.tree.unflatten(treedef, [jax.ShapeDtypeStruct(s, d) for s, d in shapes])
    return build().lower(*abstract).compile()


def call(build: Callable[[], Any], clock: Clock, *arguments: Any) -> Any:
    """Run a program on NumPy arrays, compiling it first where these shapes are new; returns NumPy arrays.

    ``build`` makes the jitted function; it must be hashable by what it builds (a ``functools.partial`` is not:
    use :class:`Build`).
    """
    arguments = jax.tree.map(np.asarray, arguments)
    leaves, treedef = jax.tree.flatten(arguments)
    start = time.perf_counter()
    program = _compiled(build, tuple((leaf.shape, leaf.dtype) for leaf in leaves), treedef)
    middle = time.perf_counter()
    out = jax.tree.map(np.asarray, program(*arguments))
    clock.compile += middle - start
    clock.run += time.perf_counter() - middle
    return out


@dataclass(frozen=True)
class Build:
    """A program's maker and its arguments, hashable."""

    maker: Callable[..., Any]
    arguments: tuple[Any, ...]

    def __call__(self) -> Any:
        """Make the program."""
        return self.maker(*self.arguments)


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
    done: dict[int, Sampled] = {}
    with computing():
        for structure, members in _groups(scenarios):
            for chunk in _chunks(members, SCENARIOS):
                progress(", ".join(dict.fromkeys(scenarios[i].model.label for i in chunk)))
                batch = _sample_chunk(structure, [scenarios[i] for i in chunk], settings, seed)
                done |= dict(zip(chunk, batch, strict=True))
    return [done[i] for i in range(len(scenarios))]


def _groups(scenarios: Sequence[Scenario]) -> Iterator[tuple[Structure, list[int]]]:
    groups: dict[Any, tuple[Structure, list[int]]] = {}
    for i, scenario in enumerate(scenarios):
        structure = scenario.model.structure()
        groups.setdefault((structure, padded_rows([scenario])), (structure, []))[1].append(i)
    yield from groups.values()


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _sample_chunk(
    structure: Structure, scenarios: Sequence[Scenario], settings: Settings, seed: int
) -> list[Sampled]:
    clock = Clock()
    arrays = stack([arrays_of(s, padded_rows(scenarios)) for s in scenarios], SCENARIOS)
    found = search(structure, scenarios, arrays, seed, clock)
    best = [found_modes(modes) for modes in found]
    count = len(scenarios)
    fill = [*range(count), *[0] * (SCENARIOS - count)]
    mode = np.stack([best[i][0].position for i in fill])
    whiten = np.stack([best[i][0].whiten for i in fill])
    keys = np.stack(
        [[key_data(seed, "nuts", scenarios[i].name, chain) for chain in range(settings.chains)] for i in fill]
    )
    build = Build(nuts_executable, (structure, settings))
    out = call(build, clock, arrays, mode, whiten, keys, np.int64(count))
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
    build, ends = Build(mode_executable, (structure, JOBS)), []
    for jobs in _chunks(np.arange(len(starts)), JOBS):
        fill = np.concatenate([jobs, np.zeros(JOBS - len(jobs), int)])
        count = np.int64(len(jobs))
        out = call(build, clock, arrays, which[fill], starts[fill], row_weight[fill], count)
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
