"""How well marginal likelihoods are known: ``python -m benchmarks.evidence``, part of ``make calibrate``.

Every table is fitted with 16 seeds, by importance sampling and by NUTS with a bridge, and what either would report is
kept: a value with its error, or why there is none. ``auto`` is importance where its gate accepts, and else the bridge.

=============  ====================================================================================
conjugate      a straight line on log-log axes with normal priors and known noise: the evidence is exact
chinchilla     245 runs
break          30 points of a curve with one break, fitted with ``bnsl[breaks=1]``
no_break       the same curve without its break: where a break could be is vague, and so is the evidence
=============  ====================================================================================

What is demanded: the exact evidence to 0.02 nats (root mean square over the seeds), importance within 0.1 nats of the
bridge on chinchilla, importance and ``auto`` within three combined errors of the bridge of the same seed, and a spread
over the seeds of at most 1.5 times the mean error. The first two tables must have an evidence for every seed; on the
last two there may be none, with a reason.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import multivariate_normal

from benchmarks import tables
from benchmarks.digests import code_digest
from scalaw.infer.assemble import versions
from scalaw.infer.batch import sample
from scalaw.infer.evidence import Reported
from scalaw.infer.fit import model_of
from scalaw.infer.nuts import Settings
from scalaw.infer.references import References
from scalaw.infer.routes import accepted
from scalaw.infer.scenarios import Scenario
from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import parameter
from scalaw.lazy import jnp

SEED, SEEDS = 3, 16
METHODS = ("importance", "bridge", "auto")
#: Nats: of the exact evidence, and between importance and the bridge on chinchilla.
OF_EXACT, OF_BRIDGE = 0.02, 0.1
COMBINED, SPREAD = 3.0, 1.5
#: A spread of fewer values is not judged.
FEWEST = 8
#: Tables that must have an evidence for every seed.
SURE = ("conjugate", "chinchilla")
RESULT = Path(__file__).parent / "results" / "evidence.json"
MODULES = (
    "benchmarks.evidence",
    "benchmarks.tables",
    *(f"scalaw.infer.{name}" for name in ("bent", "chain_stats", "evidence", "importance", "nuts", "pareto")),
    *(f"scalaw.infer.{name}" for name in ("point", "prior_draws", "ranks", "routes", "screen", "search")),
    *(f"scalaw.laws.{name}" for name in ("families.bnsl", "families.chinchilla", "prior")),
    *(f"scalaw.model.{name}" for name in ("coordinates", "distributions", "noise_log", "program")),
)

LEVEL, SLOPE = (1.0, 0.5), (-0.1, 0.1)
LINE_SIGMA = 0.03


@law(source="a line on log-log axes, whose evidence is exact", units="as in paper")
def evidence_line(
    x,
    *,
    level=parameter("level", Prior("Normal", LEVEL), meaning="log of the loss at x = 1"),
    slope=parameter("slope", Prior("Normal", SLOPE), meaning="slope of the log of the loss"),
):
    """Straight line on log-log axes."""
    return jnp.exp(level + slope * jnp.log(x))


def conjugate() -> tuple[Scenario, float]:
    """Twenty points on a line, and their log evidence."""
    rng = np.random.default_rng(SEED)
    x = np.geomspace(0.05, 20.0, 20)
    features = np.stack([np.ones(20), np.log(x)], axis=1)
    y = features @ [1.1, -0.2] + LINE_SIGMA * rng.standard_normal(20)
    (level, level_sd), (slope, slope_sd) = LEVEL, SLOPE
    covariance = features @ np.diag([level_sd**2, slope_sd**2]) @ features.T + LINE_SIGMA**2 * np.eye(20)
    exact = multivariate_normal(features @ [level, slope], covariance).logpdf(y)
    model = model_of(evidence_line, noise=f"normal[sigma={LINE_SIGMA}]")
    refs = References({"x": 1.0, "loss": 1.0}, {"loss_min": 1.0, "x_mid": 1.0, "x_log_sd": 3.0})
    return Scenario("conjugate", model, {"x": x}, np.exp(y), np.ones(20), refs), float(exact)


def scenario_of_table(table: tables.Table, name: str) -> Scenario:
    """A simulated table with the references that its runs give."""
    model = model_of(table.law)
    units = {unit: float(np.exp(np.mean(np.log(values)))) for unit, values in table.at.items()}
    units |= {"loss": float(np.median(table.loss))} | (
        {"C": 6 * units["N"] * units["D"]} if "N" in units else {}
    )
    first = model.law.covariates[0]
    log_x = np.log(table.at[first.name] / units[first.unit])
    statistics = {
        "loss_min": float(table.loss.min() / units["loss"]),
        "x_mid": float(np.exp(0.5 * (log_x.min() + log_x.max()))),
        "x_log_sd": float(0.5 * np.ptp(log_x)),
    }
    return Scenario(
        name, model, table.at, table.loss, np.ones(len(table.loss)), References(units, statistics)
    )


def without_break(table: tables.Table) -> tables.Table:
    """The same curve and noise, its exponent unchanged at the break."""
    x, p = table.at["x"], tables.CURVE
    bend = p["c"] * p["f"] * np.logaddexp(np.log(x / p["d"]) / p["f"], 0.0)
    straight, bent = (p["a"] + p["b"] * x ** -p["c0"] * np.exp(-b) for b in (0.0, bend))
    return table._replace(loss=table.loss * straight / bent)


def cases() -> dict[str, tuple[Scenario, float | None]]:
    """Scenarios by name, with the exact log evidence where it is known."""
    curve = tables.curve()
    return {
        "conjugate": conjugate(),
        "chinchilla": (scenario_of_table(tables.chinchilla_runs(), "chinchilla"), None),
        "break": (scenario_of_table(curve, "break"), None),
        "no_break": (scenario_of_table(without_break(curve), "no_break"), None),
    }


def measured(name: str, scenario: Scenario, exact: float | None) -> dict[str, Any]:
    """One table with all seeds."""
    start = time.perf_counter()
    seeds = [replace(scenario, name=f"{name}/{i}") for i in range(SEEDS)]
    weighted = sample(seeds, Settings(), SEED, method="importance")
    importance = [s.evidence for s in weighted]
    bridged = [s.evidence for s in sample(seeds, Settings(), SEED, method="nuts", evidence=True)]
    gate = [s.weighted is not None and accepted(s.weighted) for s in weighted]
    auto = [i if ok else b for i, b, ok in zip(importance, bridged, gate, strict=True)]
    rows = {"importance": importance, "bridge": bridged, "auto": auto}
    return {
        "exact": exact,
        **{method: [list(one) for one in rows[method]] for method in METHODS},
        "figures": {method: _figures(rows[method]) for method in METHODS},
        "seconds": time.perf_counter() - start,
    }


def _figures(reported: Sequence[Reported]) -> dict[str, Any]:
    """Number of values, their mean and spread over the seeds, and their mean error."""
    value, se = _values(reported)
    n = int(np.sum(np.isfinite(value)))
    if n < 2:
        return {"n": n, "mean": None, "spread": None, "se": None}
    spread, error = float(np.nanstd(value, ddof=1)), float(np.nanmean(se))
    return {"n": n, "mean": float(np.nanmean(value)), "spread": spread, "se": error}


def _values(reported: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Values and errors (seeds,), NaN where there are none."""
    numbers = np.array([[np.nan if v is None else v for v in one[:2]] for one in reported], float)
    return numbers[:, 0], numbers[:, 1]


def row() -> dict[str, Any]:
    """All tables."""
    return {
        "digest": code_digest(MODULES),
        "versions": versions(),
        "seed": SEED,
        "tables": {name: measured(name, *case) for name, case in cases().items()},
    }


def faults(result: dict[str, Any]) -> list[str]:
    """What is wrong with a stored result, in words; empty when it passes."""
    found = []
    if result["digest"] != code_digest(MODULES):
        found.append("stale: the code has changed since; run make calibrate")
    for name, table in result["tables"].items():
        found += [f"{name}, {fault}" for fault in _faults_of(name, table)]
    return found


def _faults_of(name: str, table: dict[str, Any]) -> list[str]:
    found = []
    bridged, bridged_se = _values(table["bridge"])
    for method in METHODS:
        value, se = _values(table[method])
        figures = table["figures"][method]
        if not all(one[0] is not None or one[2] for one in table[method]):
            found.append(f"{method}: an evidence is missing without a reason")
        if name in SURE and figures["n"] < SEEDS:
            found.append(f"{method}: only {figures['n']} of {SEEDS} seeds have an evidence")
        if figures["n"] >= FEWEST and figures["spread"] > SPREAD * figures["se"]:
            found.append(
                f"{method}: the spread is {figures['spread']:.3f} at an error of {figures['se']:.3f}"
            )
        if table["exact"] is not None and not np.sqrt(np.mean((value - table["exact"]) ** 2)) < OF_EXACT:
            found.append(f"{method}: off the exact evidence")
        apart = np.abs(value - bridged)
        if name == "chinchilla" and not np.max(apart) < OF_BRIDGE:
            found.append(f"{method}: {np.max(apart):.3f} nats from the bridge")
        if np.any(apart > COMBINED * np.hypot(se, bridged_se)):
            found.append(f"{method}: more than {COMBINED:g} combined errors from the bridge")
    return found


def stored() -> dict[str, Any] | None:
    """The stored result."""
    return json.loads(RESULT.read_text()) if RESULT.is_file() else None


def told(result: dict[str, Any]) -> list[str]:
    """A line per table and method."""
    lines = []
    for name, table in result["tables"].items():
        exact = "" if table["exact"] is None else f", exact {table['exact']:.3f}"
        for method in METHODS:
            n, mean, spread, se = table["figures"][method].values()
            about = (
                "no evidence" if mean is None else f"{mean:.3f}, spread {spread:.3f}, error {se:.3f}{exact}"
            )
            lines.append(f"{name}, {method} ({n} of {SEEDS} seeds): {about}")
    return lines


def main() -> None:
    """Measure if the stored result is missing or stale, or if asked to."""
    parser = argparse.ArgumentParser(description="marginal likelihoods")
    parser.add_argument("--again", action="store_true", help="even where the stored result is fresh")
    result = stored()
    if parser.parse_args().again or result is None or result["digest"] != code_digest(MODULES):
        result = row()
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(result) + "\n")
    print("\n".join([*told(result), "; ".join(faults(result)) or "passes"]), flush=True)


if __name__ == "__main__":
    main()
