"""Two devices against one: posteriors of many data sets on two host devices, and on one device pinned to one core.

Every call is a process of its own, because the number of devices is fixed when JAX starts; starting, tracing and
compiling are not counted. Draws must be the same to the bit.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from benchmarks.elsewhere import probe
from benchmarks.harness import ROUNDS, Measured, Row, Task, compare, interleave

CORES = 2
#: Data sets per call and method.
DATA_SETS = {"importance": 256, "nuts": 16}


def rows(quick: bool) -> Iterator[Row]:
    """A row per method."""
    for method, count in DATA_SETS.items():
        name, count = f"devices_{method}", 4 if quick else count
        title = (
            f"{count} posteriors by {method} on {CORES} host devices, against one device pinned to one core"
        )
        if (os.cpu_count() or 1) < CORES:
            yield Row(name, title, f"this machine has fewer than {CORES} cores")
            continue
        rounds = 1 if quick else ROUNDS
        tasks = {
            cores: Task(
                f"{cores} device{'s' * (cores > 1)}",
                partial(_turn, cores, method, count),
                rounds,
                first=False,
            )
            for cores in (1, CORES)
        }
        times = interleave({str(cores): task for cores, task in tasks.items()})
        digests = {value for timing in times.values() for value in timing.values}
        row = compare(
            name, title, times[str(CORES)], times["1"], check={"equal_to_the_bit": len(digests) == 1}
        )
        yield replace(row, notes=(*row.notes, "CPU seconds are of both devices together"))


def _turn(cores: int, method: str, count: int, _: int) -> Measured:
    return probe("on_cores", cores, method, count)
