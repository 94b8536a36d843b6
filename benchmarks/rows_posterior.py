"""Posteriors: effective draws per CPU second of one and the same posterior, from several samplers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks import ours
from benchmarks.effective import QUANTILE, Worth, disagreement, of_chains, of_weighted
from benchmarks.harness import ROUNDS, Row, Task, Timing, compare, installed, interleave, missing, version
from benchmarks.posteriors import (
    CHAINS,
    DRAWS,
    WARMUP,
    Blackjax,
    NumPyro,
    Nutpie,
    as_printed,
    centred,
    curve_centred,
    quantities,
)
from benchmarks.tables import Table, chinchilla_runs, curve

SAID = (
    "ESS is Kish's for weighted draws and the least bulk ESS for chains, warm-up included in the seconds",
    "ours are turned from positions into parameters outside the clock",
)
#: Posteriors in one call of ours.
BATCH = 64
#: What a peer is, and how it is run: None where it is not installed.
Peer = tuple[str, Callable[[int], Any] | None]
NUTS = f"{version('numpyro')} MCMC(NUTS)"
LENGTH = f"{CHAINS} × ({WARMUP} + {DRAWS})"


def rows(quick: bool) -> Iterator[Row]:
    """Rows of posteriors."""
    for table, peers in ((chinchilla_runs(), of_chinchilla), (curve(), of_curve)):
        yield from one_table(table, peers(table, quick), quick)


def one_table(table: Table, peers: dict[str, Peer], quick: bool) -> Iterator[Row]:
    """Ours, many in one call and one alone, and every peer, in turns."""
    rounds = 1 if quick else ROUNDS
    batch = [ours.scenario(table, f"{table.law}/{i}") for i in range(2 if quick else BATCH)]
    tasks = {
        "ours": Task(f"{len(batch)} posteriors", lambda turn: ours.posterior(batch, turn), rounds),
        "one": Task("one posterior", lambda turn: ours.posterior(batch[:1], turn), rounds),
    }
    if any(map(single, peers)):
        what = f"{len(batch)} posteriors in float32"
        run = lambda turn: ours.posterior(batch, turn, precision="float32")  # noqa: E731
        tasks["ours_32"] = Task(what, run, rounds)
    tasks |= {name: Task(what, run, rounds) for name, (what, run) in peers.items() if run}
    times = interleave(tasks)
    mine = {
        name: [merged(table, turn) for turn in times[name].values]
        for name in ("ours", "one", "ours_32")
        if name in times
    }
    title = f"Posterior of {table.law}, {len(table.loss)} runs"
    for name, (what, _) in peers.items():
        row = f"posterior_{table.law}_{name}"
        yield against(row, title, times, name, mine) if name in times else missing(row, title, what)


def single(name: str) -> bool:
    """Whether a row's peer runs in single precision: ours of the same precision is what it is compared with."""
    return name.endswith("_32")


def of_chinchilla(table: Table, quick: bool) -> dict[str, Peer]:
    """Name of a row → the peer."""
    found: dict[str, Peer] = {}
    for name, model in (("as printed", as_printed), ("centred", centred)):
        for bits in (64,) if quick else (64, 32):
            run = NumPyro(model, table, x64=bits == 64)
            found[f"numpyro_{name.replace(' ', '_')}_{bits}"] = (
                f"{NUTS}, law {name}, float{bits}, {LENGTH}",
                run,
            )
    there = installed("nutpie") and installed("pymc")
    what = f"{version('nutpie')} on {version('pymc')}, centred, {LENGTH}" if there else "nutpie or pymc"
    found["nutpie"] = what, Nutpie(table) if there else None
    there = installed("blackjax")
    what = f"{version('blackjax')} NUTS, centred, {LENGTH}" if there else "blackjax"
    found["blackjax"] = what, Blackjax(table) if there else None
    return found


def of_curve(table: Table, _: bool) -> dict[str, Peer]:
    """Name of a row → the peer."""
    return {
        "numpyro_centred_64": (f"{NUTS}, centred, float64, {LENGTH}", NumPyro(curve_centred, table, x64=True))
    }


def merged(table: Table, found: Sequence[Any]) -> list[Worth]:
    """Worth of every posterior of a call."""
    return [worth(table, one) for one in found]


def worth(table: Table, one: Any) -> Worth:
    """Worth of one of our posteriors, which are chains or weighted draws."""
    values, log_weight = ours.draws_of(one)
    draws = quantities(table, values)
    return of_chains(draws) if log_weight is None else of_weighted(draws[0], log_weight)


def against(
    row: str, title: str, times: dict[str, Timing], name: str, mine: dict[str, list[list[Worth]]]
) -> Row:
    """Row of one peer: Kish's effective draws of ours, in the same precision, against the peer's least bulk ESS."""
    theirs, own = [of_chains(draws) for draws in times[name].values], "ours_32" if single(name) else "ours"
    done = {
        measure: ([sum(map(of, turn)) for turn in mine[own]], [of(w) for w in theirs])
        for measure, of in MEASURES.items()
    }
    one = [turn[0].kish for turn in mine["one"]]
    apart = disagreement([turn[0] for turn in mine["one"]], theirs)
    per_second = times[name].median("cpu", done["kish"][1])
    check = {
        "methods": sorted({p.method for turn in times[own].values for p in turn}),
        "ess_ours_median": float(np.median([w.kish for turn in mine[own] for w in turn])),
        "ess_peer_median": float(np.median(done["kish"][1])),
        "ratio_cpu_ours_one_at_a_time": per_second / times["one"].median("cpu", one),
        "ratio_cpu_ess_of_mean": _ratio(times, name, own, done["mean"]),
        f"ratio_cpu_ess_of_{QUANTILE:.0%}_quantile": _ratio(times, name, own, done["quantile"]),
        "means_apart_in_standard_errors": float(apart.max()),
    }
    return compare(
        row,
        title,
        times[own],
        times[name],
        work=done["kish"],
        unit="ESS",
        check=check,
        notes=SAID,
    )


MEASURES: dict[str, Callable[[Worth], float]] = {
    "kish": lambda w: w.kish,
    "mean": lambda w: float(w.mean_ess.min()),
    "quantile": lambda w: float(w.quantile_ess.min()),
}


def _ratio(times: dict[str, Timing], name: str, own: str, done: tuple[list[float], list[float]]) -> float:
    return times[name].median("cpu", done[1]) / times[own].median("cpu", done[0])
