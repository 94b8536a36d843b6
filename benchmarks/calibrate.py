"""Simulation-based calibration of the samplers: ``make calibrate`` (``ARGS="--law chinchilla"`` for one law).

Truths are drawn from the priors, losses from the law and the noise at these truths, and each simulated
table is fitted with the same priors (:mod:`scalaw.infer.calibrate`). If prior, likelihood and sampler agree, 90 %
intervals hold 90 % of the truths and the ranks of the truths are uniform. Four laws are calibrated, each with NUTS (100
simulations) and as ``fit_many`` would serve them (1000 simulations). References are fixed before any loss is
drawn, one seed is fixed beforehand, no simulation is dropped whatever its verdict, and all simulations of a row are one
batch: the number of compilations is stored and checked.

A result is written to ``benchmarks/results`` with seed, versions and the digest of the code it speaks of; a
row that is fresh is skipped, so an interrupted run goes on where it stopped. ``benchmarks/planted.py`` shows
that the same function finds what is wrong.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binom

from benchmarks.compilations import compilations
from benchmarks.digests import code_digest
from scalaw.infer.assemble import versions
from scalaw.infer.calibrate import LEVEL, calibrate
from scalaw.infer.fit import model_of
from scalaw.infer.importance import EFFORT
from scalaw.infer.nuts import Settings
from scalaw.infer.routes import Method

LAWS = ("power_law", "power_law_offset", "chinchilla", "kaplan_l_nd")
SEED = 20260
PROB = 0.9
#: A calibrated method's count of intervals that hold their truth falls outside once in so many times.
ONCE_IN = 10_000
RESULTS = Path(__file__).parent / "results"


class Plan(NamedTuple):
    """How many simulations a method gets, and how many programs may be compiled for all of them."""

    simulations: int
    programs: int


#: Programs: the law at the truths, searching, sampling, ranks. ``auto`` has two samplers, and ranks draws of
#: two shapes.
PLANS: dict[Method, Plan] = {"nuts": Plan(100, 4), "auto": Plan(1000, 6)}
ROWS = tuple((law, method) for law in LAWS for method in PLANS)

MODULES = (
    *(
        f"scalaw.infer.{name}"
        for name in ("batch", "bent", "calibrate", "diagnose", "evaluate", "executables")
    ),
    *(f"scalaw.infer.{name}" for name in ("importance", "lanes", "nuts", "pareto", "point", "prior_draws")),
    *(
        f"scalaw.infer.{name}"
        for name in ("programs", "ranks_of_truths", "references", "routes", "scenarios")
    ),
    *(f"scalaw.infer.{name}" for name in ("screen", "search", "simulations", "uniformity")),
    "scalaw.data.covariates",
    *(f"scalaw.laws.{name}" for name in ("expression", "law", "prior", "records", "sample", "spec")),
    *(f"scalaw.model.{name}" for name in ("coordinates", "distributions", "noise", "noise_log")),
    *(f"scalaw.model.{name}" for name in ("noise_record", "noise_share", "noise_value", "powers")),
    *(f"scalaw.model.{name}" for name in ("program", "row_data")),
    *(f"scalaw.model.{name}" for name in ("scaling_model", "special", "structure")),
)


def modules_of(law: str) -> tuple[str, ...]:
    """Modules that a law's result depends on."""
    return (*MODULES, model_of(law).law.function.__module__, "benchmarks.calibrate")


def design() -> dict[str, np.ndarray]:
    """Covariates of every simulated table: five budgets, five sizes each, a factor of 4 around D = 20 N."""
    budgets, offsets = np.logspace(18, 21, 5), np.linspace(-1.0, 1.0, 5)
    centre = np.sqrt(budgets[:, None] / 120.0)
    n = (centre * np.exp(offsets * np.log(4.0))).ravel()
    c = np.repeat(budgets, 5)
    return {"N": n, "D": c / (6.0 * n), "x": c}


def row_of(law: str, method: Method) -> dict[str, Any]:
    """Simulate, fit and rank one law."""
    start, settings = time.perf_counter(), Settings()
    with compilations() as compiled:
        found = calibrate(
            model_of(law),
            design(),
            PLANS[method].simulations,
            SEED,
            method=method,
            prob=PROB,
            settings=settings,
        )
    told = found.to_dict()
    return {
        "law": law,
        "noise": model_of(law).noise.name,
        **told,
        "asked": told["digest"],
        "digest": code_digest(modules_of(law)),
        "versions": versions(),
        "settings": {"nuts": settings._asdict(), "importance": EFFORT._asdict()},
        "compilations": compiled.programs,
        "seconds": {**told["seconds"], "all": time.perf_counter() - start},
    }


def faults(row: dict[str, Any]) -> list[str]:
    """What is wrong with a stored row, in words; empty when it passes."""
    found, plan, n = [], PLANS[row["method"]], row["simulations"]
    if row["digest"] != code_digest(modules_of(row["law"])):
        found.append("stale: the code has changed since; run make calibrate")
    if row["compilations"] > plan.programs:
        found.append(f"{row['compilations']} programs compiled instead of {plan.programs}")
    fewest, most = binom.ppf([0.5 / ONCE_IN, 1.0 - 0.5 / ONCE_IN], n, PROB)
    for name, count in row["covered"].items():
        if not fewest <= count <= most:
            found.append(f"{name}: {count} of {n} intervals hold the truth")
    limit = LEVEL / len(row["p_value"])
    found += [f"{name}: ranks not uniform, p = {p:.2g}" for name, p in row["p_value"].items() if p < limit]
    return found


def path_of(law: str, method: str) -> Path:
    """File of a row."""
    return RESULTS / f"calibrate_{law}_{method}.json"


def stored(law: str, method: str) -> dict[str, Any] | None:
    """The stored row of a law and a method."""
    path = path_of(law, method)
    return json.loads(path.read_text()) if path.is_file() else None


def main() -> None:
    """Calibrate the laws whose stored rows are missing or stale, or the one that is asked for."""
    parser = argparse.ArgumentParser(description="simulation-based calibration")
    parser.add_argument("--law", choices=LAWS, help="only this law, even where its rows are fresh")
    asked = parser.parse_args().law
    RESULTS.mkdir(exist_ok=True)
    for law, method in ROWS:
        row = stored(law, method)
        if law == asked or (asked is None and (row is None or row["digest"] != code_digest(modules_of(law)))):
            row = row_of(law, method)
            path_of(law, method).write_text(json.dumps(row) + "\n")
        if row is not None and asked in (None, law):
            served = ", ".join(f"{count} by {kind}" for kind, count in row["served"].items())
            print(f"{law}, {method} ({served}): covered {row['covered']}", flush=True)
            print(f"  {row['seconds']['all']:.0f} s; {'; '.join(faults(row)) or 'passes'}", flush=True)


if __name__ == "__main__":
    main()
