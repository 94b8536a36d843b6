"""What a posterior costs as data sets, runs and laws grow: time, compilations and peak memory of ours."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from benchmarks import ours
from benchmarks.compilations import compilations, forget
from benchmarks.elsewhere import start
from benchmarks.harness import ROUNDS, Row, Task, interleave, measure
from benchmarks.tables import RUNS, Table, chinchilla_runs, curve

#: Data sets per call; the largest take fewer rounds.
DATA_SETS = (1, 8, 64, 512, 2048, 8192)
RUN_COUNTS = (8, 16, 64, 256, 1024, 4096)
LARGE, ROUNDS_OF_LARGE = 2048, 3


class Law(NamedTuple):
    """A law and a maker of its tables."""

    name: str
    make: Callable[[int], Table]


def _named(law: str, make: Callable[[int], Table]) -> Law:
    return Law(law, lambda seed: make(seed)._replace(law=law))


LAWS = (
    _named("chinchilla", chinchilla_runs),
    _named("kaplan_l_nd", chinchilla_runs),
    _named("power_law_offset", curve),
    _named("bnsl[breaks=1]", curve),
)


def rows(quick: bool) -> Iterator[Row]:
    """Tables of costs."""
    yield data_sets((1, 2) if quick else DATA_SETS, quick)
    yield runs((8, 16) if quick else RUN_COUNTS, quick)
    yield laws(quick)
    yield memory((1, 2) if quick else DATA_SETS)


def _scenarios(count: int, make: Callable[[int], Table]) -> list[Any]:
    return [ours.scenario(make(seed), str(seed)) for seed in range(count)]


def data_sets(counts: Sequence[int], quick: bool) -> Row:
    """Modes and posteriors of many data sets in one call each."""
    pools = {count: _scenarios(count, chinchilla_runs) for count in counts}
    tasks = {}
    for count, pool in pools.items():
        rounds = 1 if quick else ROUNDS_OF_LARGE if count >= LARGE else ROUNDS
        for what, run in (("modes", ours.modes), ("posteriors", ours.posterior)):
            call = lambda turn, pool=pool, run=run: run(pool, turn)  # noqa: E731
            tasks[f"{what} {count}"] = Task(what, call, rounds, first=False)
    _warm([pool for count, pool in pools.items() if count < LARGE])
    with compilations() as seen:
        times = interleave(tasks)
    table = []
    for count in counts:
        line: dict[str, Any] = {"data sets": count}
        for what in ("modes", "posteriors"):
            t = times[f"{what} {count}"]
            line |= {
                f"{what}: wall s": t.median("wall"),
                f"{what}: CPU s": t.median("cpu"),
                f"{what}: CPU ms per data set": 1e3 * t.median("cpu") / count,
            }
        found = times[f"posteriors {count}"].values[-1]
        kish = float(np.median([one.weighted.kish for one in found if one.weighted]))
        table.append(line | {"Kish, median": kish, "methods": methods(found), "rounds": len(t.seconds)})
    check = {"programs_compiled_while_timing": seen.programs}
    title = f"Cost against the number of data sets ({RUNS} runs each)"
    return Row("cost_data_sets", title, check=check, table=table)


def runs(counts: Sequence[int], quick: bool) -> Row:
    """Posteriors of data sets of different size, eight per call."""
    many, rounds = 1 if quick else 8, 1 if quick else ROUNDS
    pools = {n: _scenarios(many, lambda seed, n=n: chinchilla_runs(seed, n)) for n in counts}
    run = lambda turn, pool: ours.posterior(pool, turn)  # noqa: E731
    tasks = {
        str(n): Task("posteriors", partial(run, pool=pool), rounds, first=False) for n, pool in pools.items()
    }
    _warm(pools.values())
    with compilations() as seen:
        times = interleave(tasks)
    table = [
        {
            "runs": n,
            "CPU ms per data set": 1e3 * times[str(n)].median("cpu") / many,
            "CPU µs per data set and run": 1e6 * times[str(n)].median("cpu") / many / n,
            "methods": methods(times[str(n)].values[-1]),
        }
        for n in counts
    ]
    check = {"programs_compiled_while_timing": seen.programs}
    title = f"Cost against the number of runs ({many} data sets per call)"
    return Row("cost_runs", title, check=check, table=table)


def _warm(pools: Iterable[Sequence[Any]]) -> None:
    """Compile what posteriors of these scenarios need."""
    for pool in pools:
        ours.posterior(pool)


def laws(quick: bool) -> Row:
    """Posteriors of each law on its own, with what it compiles; a second call compiles nothing."""
    table, many = [], 1 if quick else 64
    for law in LAWS:
        pool = _scenarios(many, law.make)
        forget()
        with compilations() as first:
            _, cold = measure(lambda pool=pool: ours.posterior(pool))
        with compilations() as second:
            found, warm = measure(lambda pool=pool: ours.posterior(pool, 1))
        table.append(
            {
                "law": law.name,
                "runs": pool[0].rows,
                "coordinates": ours.coordinates(pool[0]),
                "programs compiled": first.programs,
                "again": second.programs,
                "first call: CPU s": cold.cpu,
                "CPU ms per data set": 1e3 * warm.cpu / many,
                "methods": methods(found),
            }
        )
    return Row("cost_laws", f"Cost against the law ({many} data sets per call)", table=table)


def memory(counts: Sequence[int]) -> Row:
    """Peak memory of a fresh process that makes so many posteriors."""
    table = [{"data sets": count, "peak memory, MB": start("memory", count)["mb"]} for count in counts]
    return Row("cost_memory", f"Peak memory of a process ({RUNS} runs per data set)", table=table)


def methods(found: Sequence[Any]) -> str:
    """How many posteriors each method served."""
    names = [p.method for p in found]
    return ", ".join(f"{name} {names.count(name)}" for name in sorted(set(names)))
