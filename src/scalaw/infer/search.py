"""Modes of many scenarios: screened starts, one search each, and how many of them agree.

Every scenario gets draws of its prior; after screening (:mod:`scalaw.infer.screen`) the best of them and one
untouched draw are climbed from. All searches of all scenarios are rows of one batch. Ends that lie within
one posterior standard deviation of each other are one mode; equal heights say nothing, since two terms that can change
places have modes of the same height.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from scalaw.infer.executables import key_data
from scalaw.infer.importance import MODES
from scalaw.infer.lanes import bytes_of_row, chunk_arguments, places_for, run_batch
from scalaw.infer.point import Mode, mode_executable
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock, Program
from scalaw.infer.scenarios import Scenario
from scalaw.infer.screen import screen_executable
from scalaw.model.structure import Arrays, Structure

#: Candidates and searches per scenario, of a single fit and in batches. Laws with breaks have many modes, and narrow
#: ones: of 200 simulated curves of 30 runs with one break, 32 searches miss the best mode of one.
CANDIDATES, STARTS, FEW_STARTS = 64, 16, 4
MANY_CANDIDATES, MANY_STARTS = 256, 32
#: Starts are chosen among this many candidates each, the best ones. Of 128 searches for two modes that mirror each
#: other, four starts miss one in 2; the four best candidates do in 14.
POOL = 2
#: Searches that one lane runs before another is fed.
TOGETHER = 4
#: A mode further than this below the best (nats) has no mass worth proposing draws from.
NEGLIGIBLE = 12.0


class Found(NamedTuple):
    """Modes of one scenario.

    ``mode`` is the best and ``modes`` all that matter, best first, at most :data:`~scalaw.infer.importance.MODES`;
    ``starts`` and ``agreed`` count searches; ``rival`` is how far (nats) the best *other* mode lies below, inf when
    there is none.
    """

    mode: Mode
    modes: tuple[Mode, ...]
    starts: int
    agreed: int
    rival: float


def search(
    structure: Structure,
    scenarios: Sequence[Scenario],
    arrays: Arrays,
    seed: int,
    clock: Clock,
    thorough: bool = False,
) -> list[Found]:
    """Modes of scenarios that share a structure and a bucket; ``arrays`` has a leading scenario axis.

    How many searches each gets does not depend on how many scenarios there are, so that adding one changes no other.
    """
    each = _starts(structure, thorough)
    drawn = candidates(structure)
    z = np.stack([prior_draws(s, drawn, key_data(seed, "starts", s.name)).z for s in scenarios])
    program, places = screening(structure, arrays)
    screened = run_batch(program, (arrays, z), places=places, clock=clock, least=TOGETHER)
    # Screening prefers one kind of start; the last one is as the prior drew it.
    chosen = np.concatenate([apart(screened, each - 1), z[:, :1]], axis=1)
    repeated = jax.tree.map(lambda leaf: np.repeat(leaf, each, axis=0), arrays)
    ends = climb(structure, repeated, chosen.reshape(-1, z.shape[-1]), clock)
    return [
        found_modes(jax.tree.map(lambda leaf, i=i: leaf[i * each : (i + 1) * each], ends))
        for i in range(len(scenarios))
    ]


def apart(screened: np.ndarray, count: int) -> np.ndarray:
    """Starts far from each other, among the best candidates.

    The highest ones are often close together, and all searches from there find the same mode.

    Parameters
    ----------
    screened : array, shape (scenarios, candidates, coordinates)
        Best first.
    count : int

    Returns
    -------
    array, shape (scenarios, count, coordinates)
        The best one, then again and again the one whose nearest neighbour among those chosen is the farthest.
    """
    pool = screened[:, : POOL * count]
    with np.errstate(all="ignore"):
        scaled = pool / np.std(pool, axis=1, keepdims=True)
    scaled = np.nan_to_num(scaled, posinf=0.0, neginf=0.0)
    rows, best = np.arange(len(pool)), np.zeros(len(pool), int)
    nearest, chosen = np.full(pool.shape[:2], np.inf), [best]
    while len(chosen) < count:
        nearest = np.minimum(nearest, np.sum((scaled - scaled[rows, chosen[-1]][:, None]) ** 2, axis=-1))
        chosen.append(np.argmax(nearest, axis=1))
    return pool[rows[:, None], np.stack(chosen, axis=1)]


def candidates(structure: Structure) -> int:
    """Draws of the prior that are screened per scenario."""
    return MANY_CANDIDATES if _breaks(structure) else CANDIDATES


def _starts(structure: Structure, thorough: bool) -> int:
    if _breaks(structure):
        return MANY_STARTS
    return STARTS if thorough else FEW_STARTS


def _breaks(structure: Structure) -> bool:
    """Whether the law has parameters with an index."""
    return any(size is not None for size in structure.sizes)


def climb(
    structure: Structure, arrays: Arrays, starts: np.ndarray, clock: Clock, exact: bool | None = None
) -> Mode:
    """Search from every start ``z`` (n, coordinates), each with its own row of ``arrays``."""
    program, places = searching(structure, arrays, exact)
    return run_batch(program, (arrays, starts), places=places, clock=clock, least=TOGETHER)


def screening(structure: Structure, arrays: Arrays) -> tuple[Program, int]:
    """The program that ranks candidates, and its places."""
    places = places_for(bytes_of_row(arrays) * 16)
    return Program(screen_executable, (structure, places)), places


def searching(structure: Structure, arrays: Arrays, exact: bool | None = None) -> tuple[Program, int]:
    """The program that climbs, and its places; by exact steps by default where the noise has no kinks."""
    exact = not structure.parts.noise.kinked if exact is None else exact
    places = places_for(bytes_of_row(arrays) * structure.n_coordinates)
    return Program(mode_executable, (structure, exact, places)), places


def uses(structure: Structure, arrays: Arrays) -> Iterator[tuple[Program, tuple[Any, ...]]]:
    """Programs of a search with the shapes of their arguments, for compiling them beforehand."""
    one, n = jax.tree.map(lambda leaf: leaf[:1], arrays), structure.n_coordinates
    program, places = searching(structure, arrays)
    yield program, chunk_arguments((one, np.zeros((1, n))), places)
    program, places = screening(structure, arrays)
    yield program, chunk_arguments((one, np.zeros((1, candidates(structure), n))), places)


def found_modes(ends: Mode) -> Found:
    """What a scenario's searches found; ``ends`` has a leading axis of starts."""
    value = np.where(np.isfinite(ends.log_density), ends.log_density, -np.inf)
    left = np.ones(len(value), bool)
    modes: list[Mode] = []
    agreed, rival = 0, np.inf
    while left.any() and len(modes) < MODES:
        remaining = np.where(left, value, -np.inf)
        top = int(np.argmax(remaining))
        if modes and not remaining[top] > modes[0].log_density - NEGLIGIBLE:
            if len(modes) == 1 and np.isfinite(remaining[top]):
                rival = float(modes[0].log_density - remaining[top])
            break
        found: Mode = jax.tree.map(lambda leaf, top=top: leaf[top], ends)
        same = left & _same(found, ends, value)
        if not modes:
            agreed = int(np.sum(same))
        elif len(modes) == 1:
            rival = float(modes[0].log_density - found.log_density)
        modes.append(found)
        left &= ~same
        left[top] = False
    return Found(modes[0], tuple(modes), len(value), agreed, rival)


def _same(mode: Mode, ends: Mode, value: np.ndarray) -> np.ndarray:
    """Which searches ended at a mode."""
    try:
        distance = np.linalg.solve(mode.whiten, (ends.position - mode.position).T)
    except np.linalg.LinAlgError:
        return value >= mode.log_density
    return np.linalg.norm(distance, axis=0) < 1.0
