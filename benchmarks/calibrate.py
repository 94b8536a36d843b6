"""Simulation-based calibration of the sampler: ``make calibrate`` (``ARGS="--law chinchilla"`` for one law).

Truths are drawn from the priors, losses from the law and the noise at these truths, and each simulated
table is fitted with the same priors. If prior, likelihood and sampler agree, 90 % intervals cover 90 % of
the truths and the rank of a truth among its posterior draws is uniform (Talts et al., arXiv:1804.06788; the
log likelihood is ranked too, as it finds errors that parameters alone miss). References are fixed before
any loss is drawn, one seed is fixed beforehand, no simulation is dropped whatever its verdict, and all
simulations of a law are one batch of one compiled program.

A result is written to ``benchmarks/results`` with seed, versions and the digest of the code it speaks of; a
law whose stored result is fresh is skipped, so an interrupted run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import jax
import jax.monitoring
import numpy as np
from scipy.stats import kstest

from benchmarks.digests import code_digest
from scalaw.infer.assemble import versions
from scalaw.infer.batch import Sampled, sample
from scalaw.infer.devices import computing
from scalaw.infer.diagnose import diagnose, figures
from scalaw.infer.evaluate import evaluate
from scalaw.infer.executables import key_data
from scalaw.infer.fit import model_of
from scalaw.infer.nuts import Settings
from scalaw.infer.prior_draws import PriorDraws, prior_draws, unconstrained
from scalaw.infer.references import References
from scalaw.infer.scenarios import Scenario
from scalaw.model.scaling_model import ScalingModel

LAWS = ("power_law", "power_law_offset", "chinchilla", "kaplan_l_nd")
SIMULATIONS = 100
SEED = 20260
PROB = 0.9
#: How many 90 % intervals of 100 may cover; a calibrated one falls outside once in 900 times.
COVERED = (80, 98)
#: Level of the uniformity test, shared over the quantities of a law.
LEVEL = 0.01
THINNED = 250
#: The mode search, the sampler and the evaluation of draws: each is compiled once for all simulations.
PROGRAMS = 3
RESULTS = Path(__file__).parent / "results"
MODULES = (
    "scalaw.infer.batch",
    "scalaw.infer.evaluate",
    "scalaw.infer.executables",
    "scalaw.infer.nuts",
    "scalaw.infer.point",
    "scalaw.infer.prior_draws",
    "scalaw.infer.programs",
    "scalaw.infer.references",
    "scalaw.infer.scenarios",
    "scalaw.infer.diagnose",
    "scalaw.laws.expression",
    "scalaw.laws.law",
    "scalaw.laws.prior",
    "scalaw.laws.records",
    "scalaw.laws.sample",
    "scalaw.laws.spec",
    "scalaw.model.coordinates",
    "scalaw.model.distributions",
    "scalaw.model.noise",
    "scalaw.model.noise_log",
    "scalaw.model.noise_record",
    "scalaw.model.noise_share",
    "scalaw.model.program",
    "scalaw.model.row_data",
    "scalaw.model.scaling_model",
    "scalaw.model.special",
    "scalaw.model.structure",
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


def scenarios_of(law: str) -> tuple[list[Scenario], PriorDraws]:
    """Simulated scenarios, and the truths behind them in reference units."""
    model, at = model_of(law), design()
    units = {name: float(np.exp(np.mean(np.log(values)))) for name, values in at.items()} | {"loss": 1.0}
    log_x = np.log(at[model.law.covariates[0].name] / units[model.law.covariates[0].unit])
    statistics = {"loss_min": 0.8, "x_mid": 1.0, "x_log_sd": float(0.5 * np.ptp(log_x))}
    rows = len(at["N"])
    covariates = {c.name: at[c.name] for c in model.law.covariates}
    empty = Scenario(law, model, covariates, np.ones(rows), np.ones(rows), References(units, statistics))
    truths = prior_draws(empty, SIMULATIONS, key_data(SEED, "truths", law))
    return [_simulated(empty, truths, i) for i in range(SIMULATIONS)], truths


def _simulated(empty: Scenario, truths: PriorDraws, i: int) -> Scenario:
    model, refs = empty.model, empty.refs.units
    values = {name: draws[i] for name, draws in truths.values.items()} | dict(model.fixed)
    reduced = model.law.reduce(empty.covariates, refs)
    parameters = {p.name: values[p.name] for p in model.law.parameters}
    with computing():
        location = np.log(np.asarray(model.law.function(*reduced.values(), **parameters)))
    rng = np.random.default_rng(key_data(SEED, "losses", model.label, i))
    loss = np.exp(model.noise.draw(rng, location, values, {}))
    return Scenario(f"{model.label}/{i}", model, empty.covariates, loss, empty.row_weight, empty.refs)


def ranks_of(
    sampled: Sampled, truth: np.ndarray, truth_log_likelihood: float
) -> tuple[list[int], list[bool]]:
    """Rank of each quantity's truth among thinned draws, and whether its 90 % interval covers it."""
    model = sampled.scenario.model
    free = {p.name for p in model.free}
    keep = [i for i, name in enumerate(model.coordinates) if name in free]
    values = np.asarray(sampled.draws.values).reshape(-1, len(model.coordinates))
    positions = np.asarray(sampled.draws.position).reshape(-1, len(model.coordinates))
    log_likelihood = evaluate(sampled.scenario, positions).log_likelihood.sum(axis=1)
    draws = np.column_stack([values[:, keep], log_likelihood])
    truths = np.append(truth[keep], truth_log_likelihood)
    thin = draws[:: len(draws) // THINNED][:THINNED]
    low, high = np.quantile(draws, [0.5 - PROB / 2, 0.5 + PROB / 2], axis=0)
    return [int(r) for r in np.sum(thin < truths, axis=0)], [
        bool(b) for b in (low <= truths) & (truths <= high)
    ]


def count_compilations() -> list[float]:
    """A list that grows by one with every program that is compiled from now on."""
    seen: list[float] = []

    def listen(event: str, seconds: float, **_: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            seen.append(seconds)

    jax.monitoring.register_event_duration_secs_listener(listen)
    return seen


def verdict_of(sampled: Sampled, prior_sd: np.ndarray) -> str:
    """Verdict that a user would see (without a bootstrap)."""
    model = sampled.scenario.model
    free = np.isin(model.coordinates, [p.name for p in model.free])
    names = [name for name, keep in zip(model.coordinates, free, strict=True) if keep]
    values = model.structure().split(np.asarray(sampled.draws.values))
    measured = figures(
        sampled, unconstrained(sampled.scenario, values)[..., free], names, prior_sd[free], None
    )
    return diagnose(sampled, measured, [p.name for p in model.law.parameters]).level


def calibrate(law: str) -> dict[str, Any]:
    """Simulate, fit and rank one law."""
    start = time.perf_counter()
    scenarios, truths = scenarios_of(law)
    model: ScalingModel = scenarios[0].model
    compilations = count_compilations()
    sampled = sample(scenarios, Settings(), SEED)
    compiled = len(compilations)
    structure, ranks, covered = model.structure(), [], []
    for i, s in enumerate(sampled):
        values = {name: draws[i] for name, draws in truths.values.items()}
        flat = np.concatenate([np.atleast_1d(values[name]) for name in structure.names])
        log_likelihood = _log_likelihood(s.scenario, values | dict(model.fixed))
        rank, cover = ranks_of(s, flat, log_likelihood)
        ranks.append(rank)
        covered.append(cover)
    free = {p.name for p in model.free}
    quantities = [name for name in model.coordinates if name in free] + ["log_likelihood"]
    uniform = (np.array(ranks) + 0.5) / (THINNED + 1)
    verdicts = [verdict_of(s, truths.z.std(axis=0)) for s in sampled]
    return {
        "law": law,
        "noise": model.noise.name,
        "digest": code_digest(modules_of(law)),
        "versions": versions(),
        "seed": SEED,
        "simulations": SIMULATIONS,
        "runs_per_simulation": len(scenarios[0].loss),
        "settings": Settings()._asdict(),
        "compilations": compiled,
        "seconds": time.perf_counter() - start,
        "verdicts": {level: verdicts.count(level) for level in ("OK", "LOOK", "BAD")},
        "covered": {q: int(np.sum(c)) for q, c in zip(quantities, np.array(covered).T, strict=True)},
        "p_uniform": {
            q: float(kstest(u, "uniform").pvalue) for q, u in zip(quantities, uniform.T, strict=True)
        },
        "thinned_draws": THINNED,
        "ranks": {q: r.tolist() for q, r in zip(quantities, np.array(ranks).T, strict=True)},
    }


def _log_likelihood(scenario: Scenario, values: dict[str, Any]) -> float:
    model = scenario.model
    reduced = model.law.reduce(scenario.covariates, scenario.refs.units)
    parameters = {p.name: values[p.name] for p in model.law.parameters}
    with computing():
        location = np.log(np.asarray(model.law.function(*reduced.values(), **parameters)))
        return float(np.sum(np.asarray(model.noise.log_prob(np.log(scenario.loss), location, values, {}))))


def faults(row: dict[str, Any]) -> list[str]:
    """What is wrong with a stored row, in words; empty when it passes."""
    found = []
    if row["digest"] != code_digest(modules_of(row["law"])):
        found.append("stale: the code has changed since; run make calibrate")
    if row["compilations"] > PROGRAMS:
        found.append(f"{row['compilations']} programs compiled instead of {PROGRAMS}")
    for name, count in row["covered"].items():
        if not COVERED[0] <= count <= COVERED[1]:
            found.append(f"{name}: {count} of {row['simulations']} intervals cover")
    limit = LEVEL / len(row["p_uniform"])
    found += [f"{name}: ranks not uniform, p = {p:.2g}" for name, p in row["p_uniform"].items() if p < limit]
    return found


def stored(law: str) -> dict[str, Any] | None:
    """The stored row of a law."""
    path = RESULTS / f"calibrate_{law}.json"
    return json.loads(path.read_text()) if path.is_file() else None


def main() -> None:
    """Calibrate the laws whose stored row is missing or stale, or the one that is asked for."""
    parser = argparse.ArgumentParser(description="simulation-based calibration")
    parser.add_argument("--law", choices=LAWS, help="only this law, even where its row is fresh")
    asked = parser.parse_args().law
    RESULTS.mkdir(exist_ok=True)
    for law in [asked] if asked else LAWS:
        row = None if asked else stored(law)
        if row is None or row["digest"] != code_digest(modules_of(law)):
            row = calibrate(law)
            (RESULTS / f"calibrate_{law}.json").write_text(json.dumps(row) + "\n")
        print(
            law,
            row["verdicts"],
            row["covered"],
            f"{row['seconds']:.0f} s",
            faults(row) or "passes",
            flush=True,
        )


if __name__ == "__main__":
    main()
