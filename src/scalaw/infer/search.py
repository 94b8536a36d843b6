"""Modes of many scenarios: screened starts, one search each, and how many of them agree.

Every scenario gets draws of its prior; after screening (:mod:`scalaw.infer.screen`) the best of them, every other
one with heavy tails, and one untouched draw are climbed from, all in one program whose rows are scenarios. Ends that
lie within one posterior standard deviation of each other are one mode; equal heights say nothing, since two terms that
can change places have modes of the same height.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from scalaw.infer.devices import setting
from scalaw.infer.executables import dynamic_map, key_data, take
from scalaw.infer.importance import MODES
from scalaw.infer.lanes import bytes_of_row, chunk_arguments, places_for, run_batch
from scalaw.infer.point import Mode, find_mode
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock, Program
from scalaw.infer.scenarios import Scenario
from scalaw.infer.screen import SCREENED, heavy_tailed, screen
from scalaw.model.structure import Arrays, Structure

#: Candidates and searches per scenario, of a single fit and in batches. Laws with breaks have many modes, and narrow
#: ones: of 200 simulated curves of 30 runs with one break, 32 searches miss the best mode of one.
CANDIDATES, STARTS, FEW_STARTS = 64, 16, 4
#: Searches in batches where there are at most so many runs: of 200 tables of ten runs, four miss the best mode of one
#: to three, eight of none to two.
SMALL_TABLE, SMALL_STARTS = 16, 8
MANY_CANDIDATES, MANY_STARTS = 256, 32
#: Starts are chosen among this many candidates each, the best ones. Of 128 searches for two modes that mirror each
#: other, four starts miss one in 2; the four best candidates do in 14.
POOL = 2
#: Climbs that one lane runs before another is fed.
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
    each, drawn = starts_of(structure, arrays, thorough), candidates(structure)
    z = np.stack([prior_draws(s, drawn, key_data(seed, "starts", s.name)).z for s in scenarios])
    program, places = searching(structure, arrays, each)
    shared = np.int64(each), np.bool_(True)
    ends = run_batch(program, (arrays, z), places=places, clock=clock, shared=shared)
    return [found_modes(jax.tree.map(lambda leaf, i=i: leaf[i, :each], ends)) for i in range(len(scenarios))]


def climb(
    structure: Structure, arrays: Arrays, starts: np.ndarray, clock: Clock, exact: bool | None = None
) -> Mode:
    """Climb from every start ``z`` (n, coordinates), each with its own row of ``arrays``."""
    program, places = searching(structure, arrays, 1, exact)
    z = np.broadcast_to(starts[:, None], (len(starts), candidates(structure), starts.shape[1]))
    shared = np.int64(1), np.bool_(False)
    ends = run_batch(program, (arrays, z), places=places, clock=clock, shared=shared, least=TOGETHER)
    return jax.tree.map(lambda leaf: leaf[:, 0], ends)


def search_executable(structure: Structure, exact: bool, most: int, places: int) -> Any:
    """Program ``(starts, screened, (arrays, candidates), count) -> Mode`` with leading axes (places, most).

    Of each row so many starts, chosen among screened candidates; or the first candidates as they are.
    """

    def run(starts: Any, screened: Any, batch: tuple[Arrays, Any], count: Any) -> Mode:
        def one(i: Any) -> Mode:
            arrays, drawn = take(batch, i)

            def choose() -> Any:
                best = apart(screen(structure, arrays, drawn), starts - 1, most)
                best = heavy_tailed(structure, best, np.arange(most) % 2 == 1)
                # screening prefers one kind of start; the last one is as the prior drew it
                return best.at[starts - 1].set(drawn[0])

            chosen = jax.lax.cond(screened, choose, lambda: drawn[:most])
            return dynamic_map(lambda j: find_mode(structure, exact, arrays, chosen[j]), starts, most)

        return dynamic_map(one, count, places)

    return jax.jit(run)


def apart(screened: Any, count: Any, most: int) -> Any:
    """Starts far from each other, among the best candidates.

    The highest ones are often close together, and all searches from there find the same mode.

    Parameters
    ----------
    screened : array, shape (candidates, coordinates)
        Best first.
    count : integer
        How many are wanted: the pool they are chosen from is :data:`POOL` times as many.
    most : int

    Returns
    -------
    array, shape (most, coordinates)
        The best one, then again and again the one whose nearest neighbour among those chosen is the farthest; what
        comes after ``count`` is of no use.
    """
    pool = screened[: POOL * most]
    within = (jnp.arange(len(pool)) < POOL * count)[:, None]
    pool = jnp.where(within, pool, pool[0])  # no farther than the best one is from itself: chosen last
    scaled = jnp.nan_to_num(pool / jnp.std(pool, axis=0, where=within), posinf=0.0, neginf=0.0)

    def choose(nearest: Any, _: None) -> tuple[Any, Any]:
        last = jnp.argmax(nearest)
        return jnp.minimum(nearest, jnp.sum((scaled - scaled[last]) ** 2, axis=-1)), last

    return pool[jax.lax.scan(choose, jnp.full(len(pool), jnp.inf), length=most)[1]]


def candidates(structure: Structure) -> int:
    """Draws of the prior that are screened per scenario."""
    return MANY_CANDIDATES if _breaks(structure) else CANDIDATES


def starts_of(structure: Structure, arrays: Arrays, thorough: bool) -> int:
    """Searches per scenario; ``arrays`` has a leading scenario axis."""
    if _breaks(structure):
        return MANY_STARTS
    few = SMALL_STARTS if arrays.y.shape[1] <= SMALL_TABLE else FEW_STARTS
    return STARTS if thorough else few


def _breaks(structure: Structure) -> bool:
    """Whether the law has parameters with an index."""
    return any(size is not None for size in structure.sizes)


def searching(
    structure: Structure, arrays: Arrays, starts: int, exact: bool | None = None
) -> tuple[Program, int]:
    """The program that searches, and its places; by exact steps by default where the noise has no kinks.

    On a processor it is one for any number of starts; an accelerator computes every place.
    """
    exact = not structure.parts.noise.kinked if exact is None else exact
    most, side_by_side = starts_of(structure, arrays, thorough=True), 1
    if setting().platform != "cpu":
        most, side_by_side = starts, max(SCREENED, starts * structure.n_coordinates)
    drawn = 8 * candidates(structure) * structure.n_coordinates
    places = places_for(side_by_side * bytes_of_row(arrays) + drawn)
    return Program(search_executable, (structure, exact, most, places)), places


def use(
    structure: Structure, arrays: Arrays, starts: int, exact: bool | None = None
) -> tuple[Program, tuple[Any, ...]]:
    """The program of a search with the shapes of its arguments, for compiling it beforehand."""
    one = jax.tree.map(lambda leaf: leaf[:1], arrays)
    program, places = searching(structure, arrays, starts, exact)
    z = np.zeros((1, candidates(structure), structure.n_coordinates))
    return program, chunk_arguments((one, z), places, (np.int64(0), np.bool_(False)))


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
