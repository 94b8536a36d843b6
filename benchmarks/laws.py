"""Simulation-based calibration of every law: ``python -m benchmarks.laws`` (``--law NAME …`` for some of them).

For every registered law 200 truths are drawn from its priors, a table of 24 runs is made at each, and each is fitted as
``fit_many`` would (:mod:`scalaw.infer.calibrate`). The noise is the usual one of the law's response. Ranks of all
parameters, of the log likelihood and of a forecast at ten times the largest run must be uniform, at a level of 1 % over
all laws and quantities together (Holm). Beside it stands coverage at three fixed plausible truths, 50 tables each,
and for every parameter how far the runs narrow it: posterior over prior standard deviation, *identified* below a half.

Laws of :data:`POOR` are also given runs that cannot tell what they ask, and must say so.

A law's result is stored in a file of its own with the digest of the law (what it computes, its units and priors), and a
fresh one is skipped, so an interrupted run goes on where it stopped. The sampler itself is calibrated, with more
simulations, by :mod:`benchmarks.calibrate`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibrate import LEVEL, PROB, RESULTS
from scalaw.infer.assemble import versions
from scalaw.infer.calibrate import Calibration, calibrate
from scalaw.infer.fit import model_of
from scalaw.infer.nuts import Settings
from scalaw.laws import get_law, list_laws
from scalaw.laws.law import Law
from scalaw.laws.sample import sample_covariates

SEED = 20261
SIMULATIONS, RUNS = 200, 24
TRUTHS = 3
#: Trials behind every share that is observed.
TRIALS = 200
#: A parameter is identified where its posterior is narrower than this share of its prior.
IDENTIFIED = 0.5
SETTINGS = Settings(warmup=500, draws=500)
#: Posteriors that NUTS crosses in very small steps get shorter chains: ranks need few draws.
SHORT = Settings(chains=2, warmup=250, draws=150)
SLOW = (
    "data_mixing_shukor",
    "distillation_busbridge",
    "farseer",
    "lr_multipower",
    "mixed_modal",
    "moe_comprehensive",
    "moe_sparsity_abnar",
)
#: Where two breaks trade places, posteriors have several modes: more chains, begun at different ones.
MANY = Settings(chains=8, warmup=250, draws=125)
#: Laws with settings of their own; they have fewer tables at the fixed truths, too.
OTHERS = {**dict.fromkeys(SLOW, SHORT), "double_descent": MANY}
#: Typical sizes by unit, in the middle of three decades of runs; other units have 1.
CENTRES = {"N": 1e9, "D": 2e10, "C": 1e20, "x": 1e6, "year": 2020.0, "L": 2.5, "n": 1e8, "latents": 1e4}

Design = dict[str, np.ndarray]
Limit = Callable[[Design, np.random.Generator], Design]


def _within(part: str, whole: str, most: float) -> Limit:
    """``part`` becomes ``whole`` over a factor from 1 to ``most``."""

    def limit(at: Design, rng: np.random.Generator) -> Design:
        return at | {part: at[whole] / np.exp(rng.uniform(0.0, np.log(most), len(at[whole])))}

    return limit


def _one_of(name: str) -> Limit:
    """Every run is of one kind: a share of 1, in turn."""

    def limit(at: Design, rng: np.random.Generator) -> Design:
        kinds = at[name].shape[1]
        return at | {name: np.eye(kinds)[np.arange(len(at[name])) % kinds]}

    return limit


def _schedules(at: Design, rng: np.random.Generator) -> Design:
    """Schedules of all shapes, as a table holds them."""
    cells = []
    for i in range(RUNS):
        peak, steps = 10.0 ** rng.uniform(-3.7, -3.0), round(10.0 ** rng.uniform(3.5, 4.5))
        end = f"end={peak * rng.uniform(0.01, 0.5):.3g}"
        shape = ("cosine", "linear", "wsd", "constant")[i % 4]
        more = {"constant": "", "wsd": f", {end}, decay={steps // 5}"}.get(shape, f", {end}")
        cells.append(f"{shape}(peak={peak:.3g}, steps={steps}{more})")
    return {"schedule": np.array(cells)}


#: Designs that are no independent draws: parts of a whole, kinds of runs, schedules.
LIMITS: dict[str, Limit] = {
    "data_constrained": _within("U", "D", 40.0),
    "data_filtering_utility": _within("n_1", "n", 40.0),
    "moe_comprehensive": _within("N_a", "N", 30.0),
    "architecture_shift": _one_of("arch"),
    "observational_sigmoid": lambda at, rng: {"S": rng.standard_normal(at["S"].shape)},
    "lr_annealing_tissue": _schedules,
    "lr_multipower": _schedules,
}
#: Runs that cannot tell: law → (what is done to its design, parameters that must not be identified).
POOR: dict[str, tuple[Limit, tuple[str, ...]]] = {
    "data_constrained": (_within("U", "D", 1.05), ("R_N", "R_D")),
    "bnsl": (lambda at, rng: at | {"x": at["x"] ** 0.1 * 1e5}, ("c", "f")),
}


def design(law: Law) -> Design:
    """Covariates of every simulated table of a law, in its paper's units, from a fixed seed."""
    rng = np.random.default_rng([SEED, *law.name.encode()])
    refs = {c.unit: CENTRES.get(c.unit, 1.0) for c in law.covariates}
    at = sample_covariates(law, rng, RUNS, refs)
    return LIMITS.get(law.name, lambda at, rng: at)(at, rng)


def poor_design(law: Law) -> Design:
    """Runs that cannot tell some of the law's parameters."""
    return POOR[law.name][0](design(law), np.random.default_rng(SEED))


def row_of(law: Law) -> dict[str, Any]:
    """Simulate, fit and rank."""
    start = time.perf_counter()
    ranked = _calibrated(law, design(law), SIMULATIONS)
    fixed = _calibrated(law, design(law), TRUTHS * tables_of(law), truths=TRUTHS)
    row = {
        "law": law.name,
        "digest": law.digest,
        "noise": model_of(law).noise.name,
        "seed": SEED,
        "runs": RUNS,
        "simulations": len(ranked.ranks),
        "prob": PROB,
        "p_value": ranked.p_value,
        "covered": ranked.covered,
        "histogram": {
            name: np.histogram(ranks, 20, (0.0, 1.0))[0].tolist()
            for name, ranks in zip(ranked.quantities, ranked.ranks.T, strict=True)
        },
        "tables": tables_of(law),
        "at_truths": [_covered(fixed, i) for i in range(TRUTHS)],
        "identified": ranked.identified,
        "served": {kind: ranked.methods.count(kind) for kind in sorted(set(ranked.methods))},
        "verdicts": {level: ranked.verdicts.count(level) for level in ("OK", "LOOK", "BAD")},
        "settings": OTHERS.get(law.name, SETTINGS)._asdict(),
        "versions": versions(),
    }
    if law.name in POOR:
        row["poor"] = _calibrated(law, poor_design(law), tables_of(law)).identified
    return row | {"seconds": time.perf_counter() - start}


def _calibrated(law: Law, at: Design, n: int, truths: int | None = None) -> Calibration:
    model, settings = model_of(law), OTHERS.get(law.name, SETTINGS)
    trials = {data.name: np.full(RUNS, float(TRIALS)) for data in model.noise.reads}
    return calibrate(model, at, n, SEED, truths=truths, row_data=trials, prob=PROB, settings=settings)


def _covered(fixed: Calibration, i: int) -> dict[str, int]:
    """Quantity → intervals that hold the i-th fixed truth."""
    tables = len(fixed.ranks) // TRUTHS
    return replace(fixed, ranks=fixed.ranks[i * tables : (i + 1) * tables]).covered


def tables_of(law: Law) -> int:
    """Tables at each fixed truth."""
    return 20 if law.name in OTHERS else 50


def path_of(name: str) -> Path:
    """File of a law's row."""
    return RESULTS / "laws" / f"{name}.json"


def stored(name: str) -> dict[str, Any] | None:
    """The stored row of a law."""
    path = path_of(name)
    return json.loads(path.read_text()) if path.is_file() else None


def fresh(law: Law) -> bool:
    """Whether the stored row is there and speaks of the law as it is."""
    row = stored(law.name)
    return row is not None and row["digest"] == law.digest


def not_uniform(rows: list[dict[str, Any]]) -> list[str]:
    """Quantities whose ranks are not uniform, in words: Holm's rule over all of them together."""
    found = sorted((p, row["law"], name) for row in rows for name, p in row["p_value"].items())
    faults = []
    for i, (p, law, name) in enumerate(found):
        if p >= LEVEL / (len(found) - i):
            break
        faults.append(f"{law}, {name}: p = {p:.2g}")
    return faults


def told(row: dict[str, Any]) -> str:
    """A stored row in a few lines."""
    n = row["simulations"]
    parts = [f"{name} {100 * k / n:.0f}" for name, k in row["covered"].items()]
    vague = [name for name, ratio in row["identified"].items() if not ratio < IDENTIFIED]
    tables = row.get("tables", 50)
    at = [
        f"{100 * min(t.values()) / tables:.0f} to {100 * max(t.values()) / tables:.0f}"
        for t in row["at_truths"]
    ]
    lowest = min(row["p_value"], key=row["p_value"].__getitem__)
    served = ", ".join(f"{count} by {kind}" for kind, count in row["served"].items())
    verdicts = ", ".join(f"{count} {level}" for level, count in row["verdicts"].items())
    return "\n".join(
        [
            f"{row['law']} ({row['noise']}): {n} simulations, {served}; {verdicts}; {row['seconds']:.0f} s",
            f"  coverage of 90 %: {', '.join(parts)}; at fixed truths {', '.join(at)}",
            f"  smallest p {row['p_value'][lowest]:.2g} ({lowest}); not identified: {', '.join(vague) or 'none'}",
        ]
    )


def main() -> None:
    """Calibrate the laws whose stored rows are missing or stale, or the ones that are asked for."""
    parser = argparse.ArgumentParser(description="simulation-based calibration of every law")
    parser.add_argument("--law", nargs="*", default=(), help="only these, even where their rows are fresh")
    asked = parser.parse_args().law
    path_of("any").parent.mkdir(parents=True, exist_ok=True)
    for law in map(get_law, asked) if asked else list_laws():
        if asked or not fresh(law):
            path_of(law.name).write_text(json.dumps(row_of(law)) + "\n")
            print(told(stored(law.name) or {}), flush=True)
    rows = [row for law in list_laws() if (row := stored(law.name)) is not None]
    faults = not_uniform(rows)
    print(f"{len(rows)} of {len(list_laws())} laws; {'; '.join(faults) or 'all ranks are uniform'}")


if __name__ == "__main__":
    main()
