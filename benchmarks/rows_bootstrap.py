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
SAME = (
    "both minimise Huber's loss of the same resampled runs; ours includes the point fit and checks every end"
)
UNLIKE = "noises differ: ours learns the tails of a Student-t, the Huber loss is nearly absolute"


def rows(quick: bool) -> Iterator[Row]:
    """Rows of the bootstrap."""
    table, rounds = chinchilla_runs(), 2 if quick else ROUNDS
    replicates, sampled, pairs = (200, 10, 4) if quick else (REPLICATES, SAMPLED, PAIRS)
    one = ours.scenario(table)
    best = optimum(table, logs(ours.mode_in_paper_units(one, ours.modes([one])[0])))[1]
    tasks = {}
    for noise in ("huber", "student_t"):
        run = lambda turn, noise=noise: ours.replicates(table, noise, replicates, turn)  # noqa: E731
        tasks[noise] = Task(f"point fit and {replicates} replicates, {noise}", run, rounds)
    for name, (what, fit) in peers(best).items():
        count, starts = (pairs, len(GRID)) if name == "full" else (sampled, 1)
        run = lambda turn, fit=fit, count=count: resampled(table, count, fit, turn)  # noqa: E731
        tasks[name] = Task(f"{replicates} × {what}", run, rounds, starts * replicates / count, first=False)

    times = interleave(tasks)
    title = f"Bootstrap of the point fit, {replicates} replicates, {len(table.loss)} runs"
    for name in [name for name in tasks if name not in ("huber", "student_t")]:
        check = _spread("ours", *_exponents(times["huber"].values[-1]))
        if name != "full":  # whose single starts mostly do not end at the best fit
            check |= _spread("peer", *np.concatenate(times[name].values).T[3:])
        yield compare(f"bootstrap_{name}", title, times["huber"], times[name], check=check, notes=(SAME,))
    mine, check = times["student_t"], _spread("ours", *_exponents(times["student_t"].values[-1]))
    yield compare("bootstrap_student_t", title, mine, times["full"], check=check, notes=(UNLIKE,))
    if "notebook" not in tasks:
        yield missing("bootstrap_notebook", title, "autograd")


def _exponents(found: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    return found["alpha"], found["beta"]


def _spread(whose: str, alpha: np.ndarray, beta: np.ndarray) -> dict[str, float]:
    """Standard deviations of the exponents over replicates."""
    return {f"sd_of_alpha_{whose}": float(np.std(alpha)), f"sd_of_beta_{whose}": float(np.std(beta))}


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
