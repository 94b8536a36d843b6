"""Point fits: the mode search against what the field does to fit the same 245 runs."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import minimize

from benchmarks import ours
from benchmarks.elsewhere import probe
from benchmarks.gate_cases import CASES, scenarios_of
from benchmarks.harness import (
    ROUNDS,
    Measured,
    Row,
    Seconds,
    Task,
    Timing,
    compare,
    installed,
    interleave,
    measure,
    missing,
    version,
)
from benchmarks.practice import DELTA, GRID, Huber, descend, optimum
from benchmarks.tables import Table, chinchilla_runs, curve
from scalaw.infer.devices import computing
from scalaw.infer.point import Mode

#: Starts of the grid that are run per round.
SAMPLED = 40
#: An end counts as at the optimum when it lies no further above it than this part of it.
NEAR = 1e-3
#: Point fits per round, one call each; the starts of a practice are fitted one after the other, too.
IN_A_ROW = 20
OURS = f"mode of the posterior, each of {IN_A_ROW} tables in a call of its own"
#: Simulated tables whose best mode is looked for, of which kinds, and when it is found (nats).
TABLES, OPTIMA, NATS = 1000, ("chinchilla_245", "bnsl_1"), 1e-3


class Round(NamedTuple):
    """A round of ours: the mode of the table, and the seconds of the first call, which finds no cache warm."""

    mode: Mode
    first_call: float


def rows(quick: bool) -> Iterator[Row]:
    """Rows of point fits."""
    yield from against_practice(quick)
    for table in (chinchilla_runs(), curve()):
        yield same_objective(table, quick)
    yield best_modes(quick)


def best_modes(quick: bool) -> Row:
    """How many simulated tables' best modes the starts of a batch find; the best are of 64 starts with other seeds."""
    table = []
    for name in OPTIMA:
        (case,) = (case for case in CASES if case.name == name)
        tables = 8 if quick else TABLES
        pool = scenarios_of(case._replace(tables=tables))
        found, seconds = measure(lambda pool=pool: heights(pool, 0, thorough=False))
        again, seconds = measure(lambda pool=pool: heights(pool, 1, thorough=False))
        best = np.max([heights(pool, 2 + i, thorough=True) for i in range(4)], axis=0)
        best = np.maximum(best, np.maximum(found, again))
        table.append(
            {
                "law": case.law,
                "runs": case.runs,
                "tables": tables,
                "at the best mode": int(np.sum(found > best - NATS)),
                "with another seed": int(np.sum(again > best - NATS)),
                "CPU ms per table": 1e3 * seconds.cpu / tables,
            }
        )
    return Row(
        "point_reached", "Best modes that the starts of a batch find, truths from the priors", table=table
    )


def heights(pool: list[Any], seed: int, thorough: bool) -> np.ndarray:
    """Log density of the best mode that was found, per table."""
    with computing():
        return np.array([float(mode.log_density) for mode in ours.modes(pool, seed, thorough)])


def in_a_row(table: Table) -> Callable[[int], Measured]:
    """Our point fits: of the table and of others like it, one call each; seconds are those of the median call."""
    like = chinchilla_runs if table.law == "chinchilla" else curve
    one, others = ours.scenario(table), [ours.scenario(like(1 + i)) for i in range(IN_A_ROW)]

    def run(turn: int) -> Measured:
        found, first = measure(lambda: ours.modes([one], seed=turn)[0])
        each = [measure(lambda other=other: ours.modes([other], seed=turn))[1] for other in others]
        usual = Seconds(*map(statistics.median, zip(*each, strict=True)))
        return Measured(Round(found, first.wall), usual, first + usual.times(-1.0))

    return run


def against_practice(quick: bool) -> Iterator[Row]:
    """Ours, SciPy over Hoffmann's grid, the package chinchilla and the package vpnls, in one run."""
    table, rounds = chinchilla_runs(), 2 if quick else ROUNDS
    one, huber = ours.scenario(table), Huber(table)
    order = np.random.default_rng(0).permutation(len(GRID))
    sampled = 4 if quick else SAMPLED

    def over_grid(exact: bool, turn: int) -> list[Any]:
        return [descend(huber, GRID[i], exact) for i in order[turn * sampled : (turn + 1) * sampled]]

    scale = len(GRID) / sampled
    tasks = {"ours": Task(OURS, in_a_row(table), rounds)}
    for exact in (False, True):
        kind = "exact" if exact else "numeric"
        what = f"{version('scipy')} L-BFGS-B from {len(GRID)} starts, {kind} gradients"
        run = lambda turn, exact=exact: over_grid(exact, turn)  # noqa: E731
        tasks[kind] = Task(what, run, rounds, scale, first=False)
    if installed("chinchilla"):
        what = f"{version('chinchilla')}, Huber δ = 1e-3, the 3125 starts of its README, all cores"
        tasks["chinchilla"] = Task(
            what, lambda turn: probe("chinchilla", turn), 1 if quick else 3, first=False
        )
    if installed("vpnls"):
        tasks["vpnls"] = Task(version("vpnls"), lambda _: vpnls(table), rounds)
    times = interleave(tasks)

    mine = ours.mode_in_paper_units(one, times["ours"].values[-1].mode)
    least, _ = optimum(table, logs(mine))
    reached = {
        "huber_at_our_mode": huber.value(logs(mine)),
        "huber_least": least,
        "seconds_of_our_first_call_after_the_peers": first_call(times["ours"]),
    }
    title = "Point fit, 245 runs"
    for kind in ("numeric", "exact"):
        ends = [end.fun for turn in times[kind].values for end in turn]
        least = min(least, *ends)
        share = float(np.mean(np.array(ends) < least * (1 + NEAR)))
        check = {
            **reached,
            "huber_least": least,
            "starts_run": len(ends),
            "share_of_starts_at_optimum": share,
        }
        yield compare(f"point_{kind}", title, times["ours"], times[kind], check=check)
    for name in ("chinchilla", "vpnls"):
        if name in times:
            yield against_package(name, title, times, huber, {**reached, "huber_least": least})
        else:
            yield missing(f"point_{name}", title, name)


def first_call(timing: Timing) -> float:
    """Median wall seconds of the rounds' first calls."""
    return statistics.median(turn.first_call for turn in timing.values)


def against_package(
    name: str, title: str, times: dict[str, Timing], huber: Huber, reached: dict[str, float]
) -> Row:
    """Row of a peer that returns parameters in the paper's units."""
    found = [huber.value(logs(value)) for value in times[name].values]
    return compare(
        f"point_{name}",
        title,
        times["ours"],
        times[name],
        check={**reached, "huber_at_peers_fit": min(found)},
    )


def logs(values: dict[str, float]) -> np.ndarray:
    """(a, b, e, α, β) from the paper's parameters."""
    return np.array([*np.log([values["A"], values["B"], values["E"]]), values["alpha"], values["beta"]])


def vpnls(table: Table) -> dict[str, float]:
    """Fit by the package vpnls with its SciPy method (arXiv:2603.22339)."""
    from vpnls.api import fit_vpnls, huber

    # Its compiled core takes writable arrays only.
    n, d, loss = table.at["N"].copy(), table.at["D"].copy(), table.loss.copy()
    found = fit_vpnls(n, d, loss, method="scipy", loss=huber(DELTA))
    return {name: float(getattr(found, name)) for name in ("E", "A", "B", "alpha", "beta")}


def same_objective(table: Table, quick: bool) -> Row:
    """Ours against L-BFGS-B on our own objective from draws of its prior, with our exact compiled gradient."""
    given = ours.objective(ours.scenario(table))

    def peer(_: int) -> float:
        ends = [minimize(given.value_and_gradient, c, jac=True, method="L-BFGS-B") for c in given.starts]
        return -min(end.fun for end in ends if np.isfinite(end.fun))

    rounds = 2 if quick else ROUNDS
    what = (
        f"{version('scipy')} L-BFGS-B, same objective, {len(given.starts)} draws of the prior, exact gradient"
    )
    times = interleave(
        {
            "ours": Task(OURS, in_a_row(table), rounds),
            "peer": Task(what, peer, rounds),
        }
    )
    check = {
        "log_posterior_ours": float(times["ours"].values[-1].mode.log_density),
        "log_posterior_peer": float(times["peer"].values[-1]),
        "seconds_of_our_first_call_after_the_peers": first_call(times["ours"]),
    }
    title = f"Mode of {table.law}, {len(table.loss)} runs"
    return compare(f"point_same_objective_{table.law}", title, times["ours"], times["peer"], check=check)
