"""Point fits: the mode search against what the field does to fit the same 245 runs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.optimize import minimize

from benchmarks import ours
from benchmarks.elsewhere import probe
from benchmarks.gate_cases import CASES, scenarios_of
from benchmarks.harness import (
    ROUNDS,
    Row,
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

#: Starts of the grid that are run per round.
SAMPLED = 40
#: An end counts as at the optimum when it lies no further above it than this part of it.
NEAR = 1e-3
#: Simulated tables whose best mode is looked for, of which kinds, and when it is found (nats).
TABLES, OPTIMA, NATS = 1000, ("chinchilla_245", "bnsl_1"), 1e-3


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


def against_practice(quick: bool) -> Iterator[Row]:
    """Ours, SciPy over Hoffmann's grid, the package chinchilla and the package vpnls, in one run."""
    table, rounds = chinchilla_runs(), 2 if quick else ROUNDS
    one, huber = ours.scenario(table), Huber(table)
    order = np.random.default_rng(0).permutation(len(GRID))
    sampled = 4 if quick else SAMPLED

    def over_grid(exact: bool, turn: int) -> list[Any]:
        return [descend(huber, GRID[i], exact) for i in order[turn * sampled : (turn + 1) * sampled]]

    scale = len(GRID) / sampled
    tasks = {"ours": Task("mode of the posterior", lambda turn: ours.modes([one], seed=turn)[0], rounds)}
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

    mine = ours.mode_in_paper_units(one, times["ours"].values[-1])
    least, best = optimum(table, logs(mine))
    reached = {"huber_at_our_mode": huber.value(logs(mine)), "huber_least": least}
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
    one = ours.scenario(table)
    given = ours.objective(one)

    def peer(_: int) -> float:
        ends = [minimize(given.value_and_gradient, c, jac=True, method="L-BFGS-B") for c in given.starts]
        return -min(end.fun for end in ends if np.isfinite(end.fun))

    rounds = 2 if quick else ROUNDS
    what = (
        f"{version('scipy')} L-BFGS-B, same objective, {len(given.starts)} draws of the prior, exact gradient"
    )
    times = interleave(
        {
            "ours": Task("mode of the posterior", lambda _: ours.modes([one])[0], rounds),
            "peer": Task(what, peer, rounds),
        }
    )
    check = {
        "log_posterior_ours": float(times["ours"].values[-1].log_density),
        "log_posterior_peer": float(times["peer"].values[-1]),
    }
    title = f"Mode of {table.law}, {len(table.loss)} runs"
    return compare(f"point_same_objective_{table.law}", title, times["ours"], times["peer"], check=check)
