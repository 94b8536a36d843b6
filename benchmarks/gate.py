"""Can an accepted importance posterior be trusted? Measured against long NUTS runs: part of ``make calibrate``.

Every simulated table of :mod:`benchmarks.gate_cases` is sampled by importance, and every posterior that passes the gate
is compared with a reference (made by :mod:`benchmarks.gate_reference`, kept by :mod:`benchmarks.gate_store`): the mean
and the 5 and 95 % quantile of each parameter, in its own unconstrained coordinate, as z = (estimate − reference) /
√(mcse² + mcse_ref²). A case passes when any |z| exceeds 4 in at most 1 % of its accepted posteriors, and when the worst
of them, run again with four times the draws on both sides, are off by less than 0.1 posterior standard deviations in
means and 0.2 in quantiles.

Posteriors that are passed on to NUTS need no reference. A reference that did not come out well is counted and told,
and its posterior is not judged. References are kept from one run to the next (they take hours, importance sampling
takes seconds), so an interrupted run goes on where it stopped. ``python -m benchmarks.gate --case bnsl_1 --tables 10``
tries the first tables of a case, without more draws of the worst, and stores no row.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.digests import code_digest
from benchmarks.gate_cases import CASES, Case, scenarios_of
from benchmarks.gate_figures import Estimate, errors, estimate, free_of, of_weighted, z_scores
from benchmarks.gate_reference import ESS, Reference, part_of
from benchmarks.gate_store import stored_references
from scalaw.infer.assemble import versions
from scalaw.infer.batch import grouped, sample
from scalaw.infer.devices import computing
from scalaw.infer.fit import model_of
from scalaw.infer.importance import EFFORT, Effort
from scalaw.infer.nuts import Settings
from scalaw.infer.routes import Group, accepted
from scalaw.infer.scenarios import Scenario

SEED = 40707
LARGE_Z, SHARE = 4.0, 0.01
#: How many of the worst are run again, with how many times the draws, and how far off they may be.
WORST, MORE = 20, 4
OFF_MEAN, OFF_QUANTILE = 0.1, 0.2
TOGETHER = 20
#: Posteriors per case: tables are sampled again, each time with a seed of its own, since one in a hundred is a small
#: share to measure.
POSTERIORS = 800
RESULTS = Path(__file__).parent / "results"
MODULES = tuple(
    f"scalaw.infer.{name}"
    for name in (
        "bent",
        "executables",
        "importance",
        "pareto",
        "point",
        "routes",
        "screen",
        "search",
        "weighted_stats",
    )
) + tuple(f"scalaw.model.{name}" for name in ("coordinates", "distributions", "noise_log", "program"))

OURS = (
    "gate",
    *(
        f"gate_{part}"
        for part in ("cases", "coordinates", "figures", "jumps", "mixture", "reference", "tempering")
    ),
)


def modules_of(case: Case) -> tuple[str, ...]:
    """Modules that the result of a case depends on."""
    return (*MODULES, model_of(case.law).law.function.__module__, *(f"benchmarks.{name}" for name in OURS))


def measured(case: Case, chosen: Sequence[Scenario], more: int = 1, repeats: int = 1) -> list[dict[str, Any]]:
    """One record per scenario and repeat, with ``more`` times the draws on both sides; a reference where accepted."""
    records = []
    for first in range(0, len(chosen), TOGETHER):
        part = list(chosen[first : first + TOGETHER])
        ((_, group),) = grouped(part)
        free = free_of(group.structure, {p.name for p in part[0].model.free})
        tries = [_tried(group, free, more, repeat) for repeat in range(repeats)]
        passed = np.flatnonzero(np.any([[one["accepted"] for one, _ in tried] for tried in tries], axis=0))
        made = stored_references(case, part_of(group, passed), free, more * ESS) if len(passed) else []
        references = dict(zip(passed.tolist(), made, strict=True))
        for tried in tries:
            for i, (record, ours) in enumerate(tried):
                records.append(record | (_compared(ours, references[i]) if record["accepted"] else {}))
    return records


def _tried(group: Group, free: np.ndarray, more: int, repeat: int) -> list[tuple[dict[str, Any], Estimate]]:
    """Every scenario of a group sampled by importance once."""
    effort = Effort(EFFORT.rounds, more * EFFORT.adapting, more * EFFORT.draws)
    seed, start = SEED + 1000 * more + repeat, time.perf_counter()
    sampled = sample(group.scenarios, Settings(), seed, method="importance", effort=effort, evaluated=False)
    seconds = (time.perf_counter() - start) / len(sampled)
    weighted = [one.weighted for one in sampled if one.weighted]
    figures = of_weighted(group.structure, group.arrays, weighted)
    return [
        (
            {
                "name": one.scenario.name,
                "repeat": repeat,
                "accepted": accepted(draws),
                "why": one.why,
                "pareto_k": _rounded(draws.pareto_k),
                "kish": _rounded(draws.kish),
                "seconds": _rounded(seconds),
            },
            estimate(jax.tree.map(lambda leaf, i=i: leaf[i], figures), free),
        )
        for i, (one, draws) in enumerate(zip(sampled, weighted, strict=True))
    ]


def _compared(ours: Estimate, reference: Reference) -> dict[str, Any]:
    """How far an estimate is from its reference, and how good this is."""
    z, off = z_scores(ours, reference.estimate), errors(ours, reference.estimate)
    return {
        "worst_z": _rounded(np.max(np.abs(z))),
        "off_mean": _rounded(np.max(np.abs(off[0]))),
        "off_quantile": _rounded(np.max(np.abs(off[1:]))),
        "reference": {
            "good": reference.good,
            "chains": reference.chains,
            "ess_bulk": _rounded(reference.ess_bulk),
            "ess_tail": _rounded(reference.ess_tail),
            "rhat": _rounded(reference.rhat),
            "divergences": reference.divergences,
            "jumps": _rounded(reference.jumps),
        },
    }


def _rounded(value: Any) -> float:
    return float(f"{float(value):.4g}")


def judged(records: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Accepted posteriors that have a reference."""
    return [one for one in records if one["accepted"] and one["reference"]["good"]]


def gate(case: Case, tables: int | None = None) -> dict[str, Any]:
    """Measure one case, or its first tables and these but once."""
    start = time.perf_counter()
    with computing():
        scenarios = scenarios_of(case, tables)
        records = measured(case, scenarios, repeats=POSTERIORS // case.tables)
        worst = sorted(judged(records), key=lambda one: -one["worst_z"])
        named = list(dict.fromkeys(one["name"] for one in worst))[:WORST]
        again = [] if tables else measured(case, [s for s in scenarios if s.name in named], MORE, 1)
    return {
        "case": case._asdict(),
        "digest": code_digest(modules_of(case)),
        "versions": versions(),
        "seed": SEED,
        "effort": EFFORT._asdict(),
        "seconds": time.perf_counter() - start,
        "records": records,
        "again": again,
    }


def summary(row: dict[str, Any]) -> str:
    """What a person wants to know of a row."""
    records, n = row["records"], len(row["records"])
    good = judged(records)
    passed_on = sum(not one["accepted"] for one in records)
    failed = n - passed_on - len(good)
    large = sum(one["worst_z"] > LARGE_Z for one in good)
    return (
        f"{row['case']['name']}: {passed_on} of {n} passed on to NUTS, {large} of {len(good)} with |z| > {LARGE_Z:g}, "
        f"{failed} without a reference, {row['seconds']:.0f} s"
    )


def faults(row: dict[str, Any]) -> list[str]:
    """What is wrong with a stored row, in words; empty when it passes."""
    case = Case(**row["case"])
    found = []
    if row["digest"] != code_digest(modules_of(case)):
        found.append("stale: the code has changed since; run make calibrate")
    good = judged(row["records"])
    large = [one["name"] for one in good if one["worst_z"] > LARGE_Z]
    if len(large) > SHARE * len(good):
        found.append(f"{len(large)} of {len(good)} accepted posteriors are off: {', '.join(large)}")
    for one in judged(row["again"]):
        if one["off_mean"] > OFF_MEAN or one["off_quantile"] > OFF_QUANTILE:
            off = f"{one['off_mean']:.2f} in a mean and {one['off_quantile']:.2f} in a quantile"
            found.append(f"{one['name']} is off by {off} with {MORE} times the draws")
    return found


def stored(case: Case) -> dict[str, Any] | None:
    """The stored row of a case."""
    path = RESULTS / f"gate_{case.name}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def main() -> None:
    """Measure the cases whose stored row is missing or stale, or the one that is asked for."""
    names = [case.name for case in CASES]
    parser = argparse.ArgumentParser(description="importance sampling against long NUTS runs")
    parser.add_argument("--case", choices=names, help="only this case, even where its row is fresh")
    parser.add_argument("--tables", type=int, help="only the first tables of the case; stores nothing")
    asked = parser.parse_args()
    if asked.tables and not asked.case:
        parser.error("--tables needs --case")
    for case in [CASES[names.index(asked.case)]] if asked.case else CASES:
        row = None if asked.case else stored(case)
        if row is None or row["digest"] != code_digest(modules_of(case)):
            row = gate(case, asked.tables)
            if not asked.tables:
                RESULTS.mkdir(exist_ok=True)
                (RESULTS / f"gate_{case.name}.json").write_text(json.dumps(row) + "\n")
        print(summary(row), faults(row) or "passes", flush=True)


if __name__ == "__main__":
    main()
