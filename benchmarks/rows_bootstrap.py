"""The run bootstrap of the point fit: 4000 replicates against the practice of arXiv:2404.10102."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks import ours
from benchmarks.harness import ROUNDS, Row, Task, compare, installed, interleave, missing, version
from benchmarks.practice import GRID, Huber, descend, notebook, optimum
from benchmarks.rows_point import logs
from benchmarks.tables import Table, chinchilla_runs

REPLICATES = 4000
#: Replicates that a peer runs per round, and (replicate, start) pairs where every start of the grid is meant.
SAMPLED, PAIRS = 100, 40
ALIKE = "noises differ: ours learns the tails of a Student-t, the Huber loss is nearly absolute"


def rows(quick: bool) -> Iterator[Row]:
    """Rows of the bootstrap."""
    table, rounds = chinchilla_runs(), 2 if quick else ROUNDS
    replicates, sampled, pairs = (200, 10, 4) if quick else (REPLICATES, SAMPLED, PAIRS)
    one = ours.scenario(table)
    mode = ours.modes([one])[0]
    best = optimum(table, logs(ours.mode_in_paper_units(one, mode)))[1]
    run = lambda turn: ours.bootstrap(one, mode, replicates, turn)  # noqa: E731
    tasks = {"ours": Task(f"{replicates} replicates", run, rounds)}
    for name, (what, fit) in peers(best).items():
        count, starts = (pairs, len(GRID)) if name == "full" else (sampled, 1)
        run = lambda turn, fit=fit, count=count: resampled(table, count, fit, turn)  # noqa: E731
        tasks[name] = Task(f"{replicates} × {what}", run, rounds, starts * replicates / count, first=False)

    times = interleave(tasks)
    title = f"Bootstrap of the point fit, {replicates} replicates, {len(table.loss)} runs"
    found = ours.in_paper_units(one, times["ours"].values[-1])
    check = {f"sd_of_{name}_ours": float(np.std(found[name])) for name in ("alpha", "beta")}
    for name in [name for name in tasks if name not in ("ours", "full")]:
        sd = np.std(np.concatenate(times[name].values), axis=0)
        theirs = {"sd_of_alpha_peer": float(sd[3]), "sd_of_beta_peer": float(sd[4])}
        yield compare(
            f"bootstrap_{name}", title, times["ours"], times[name], check=check | theirs, notes=(ALIKE,)
        )
    yield compare("bootstrap_full", title, times["ours"], times["full"], check=check, notes=(ALIKE,))
    if "notebook" not in tasks:
        yield missing("bootstrap_notebook", title, "autograd")


def peers(best: np.ndarray) -> dict[str, tuple[str, Callable[[Huber, np.random.Generator], Any]]]:
    """Name of a row → what a replicate is, and how it is fitted."""
    scipy = version("scipy")
    found: dict[str, tuple[str, Callable[[Huber, np.random.Generator], Any]]] = {
        "numeric": (
            f"{scipy} L-BFGS-B at its defaults from the best fit, numeric gradients",
            lambda huber, _: descend(huber, best, exact=False),
        ),
        "exact": (
            f"{scipy} L-BFGS-B to 1e-15 from the best fit, exact gradients",
            lambda huber, _: descend(huber, best, exact=True, tight=True),
        ),
        "full": (
            f"{scipy} L-BFGS-B from {len(GRID)} starts, numeric gradients",
            lambda huber, rng: descend(huber, GRID[rng.integers(len(GRID))], exact=False),
        ),
    }
    if installed("autograd"):
        fit = notebook()
        what = (
            f"{scipy} BFGS from Hoffmann's values, {version('autograd')} (the notebook of arXiv:2404.10102)"
        )
        found["notebook"] = what, lambda huber, _: fit(huber)
    return found


def resampled(
    table: Table, count: int, fit: Callable[[Huber, np.random.Generator], Any], turn: int
) -> np.ndarray:
    """Fits of replicates, shape (count, 5)."""
    rng, size = np.random.default_rng([turn, count]), len(table.loss)
    return np.array([fit(Huber(table, rng.integers(0, size, size)), rng).x for _ in range(count)])
