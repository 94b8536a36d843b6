"""Positive controls of the calibration: five planted bugs that it must find, and the correct model that it must pass.

A method that calls everything calibrated would pass ``benchmarks/calibrate.py`` too. So models with a bug go through
the same public function, :func:`scalaw.infer.calibrate.calibrate`, fitted to runs of the correct model:

====================  =======================================================================================
missing Jacobian      the density in ln alpha lacks the Jacobian of alpha = exp(ln alpha): it is the density
                      of alpha itself, 1/alpha times the right one
swapped exponents     the fitted law is E + A / N^beta + B / D^alpha
sd for variance       the noise's scale is sigma² where sigma belongs
prior twice as wide   alpha's prior has twice the standard deviation, in ln alpha, of the one that made the runs
dropped weight        the first run's weight is lost: its loss enters no posterior
====================  =======================================================================================

Chinchilla with 12 runs (few, so that priors matter), 1000 simulations and 10 seeds; a bug is caught in a seed when
the ranks of any quantity are not uniform at a level of 1 % shared over all nine. The bugs of law and noise are other
laws and noises: a noise sees the parameters and the rows, so a term that is missing from the density can be taken out
there.

The last bug is why the log likelihood is ranked. A posterior without the first run is a proper posterior of the
others: all parameters are ranked uniformly, and only what looks at that run again can tell.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from benchmarks.calibrate import MODULES, RESULTS
from benchmarks.digests import code_digest
from scalaw.infer.assemble import versions
from scalaw.infer.calibrate import LEVEL, calibrate
from scalaw.infer.fit import model_of
from scalaw.laws.prior import Prior
from scalaw.model.scaling_model import ScalingModel

SIMULATIONS = 1000
SEEDS = tuple(range(10))
#: Of all seeds, how many must tell a bug, and how many must pass the correct model.
ENOUGH = 9
METHOD = "importance"
CORRECT = "correct"
FILE = RESULTS / "planted.json"
_N, _D = np.meshgrid(np.geomspace(1e8, 1e9, 4), np.geomspace(4e9, 4e10, 3))
#: A decade in N and one in D.
DESIGN = {"N": _N.ravel(), "D": _D.ravel()}


def models() -> dict[str, ScalingModel]:
    """The correct model and those with a bug, by name."""
    right = model_of("chinchilla")
    density = right.noise.log_prob

    def without_jacobian(y: Any, location: Any, v: Any, rows: Any) -> Any:
        # once per table, in the first run
        return density(y, location, v, rows).at[..., 0].add(-jnp.log(v["alpha"]))

    def squared_scale(y: Any, location: Any, v: Any, rows: Any) -> Any:
        return density(y, location, {**v, "sigma": v["sigma"] ** 2}, rows)

    def without_first_run(y: Any, location: Any, v: Any, rows: Any) -> Any:
        return density(y, location, v, rows).at[..., 0].set(0.0)

    def swapped(N: Any, D: Any, *, E: Any, A: Any, B: Any, alpha: Any, beta: Any) -> Any:
        return E + A / N**beta + B / D**alpha

    def with_noise(name: str, log_prob: Any) -> ScalingModel:
        return replace(right, noise=replace(right.noise, name=name, log_prob=log_prob))

    prior = next(right.law.prior(p) for p in right.law.parameters if p.name == "alpha")
    median, log_sd = (float(number) for number in prior.numbers)
    return {
        CORRECT: right,
        "missing Jacobian": with_noise("without_jacobian", without_jacobian),
        "swapped exponents": replace(right, law=replace(right.law, name="swapped", function=swapped)),
        "sd for variance": with_noise("squared_scale", squared_scale),
        "prior twice as wide": replace(right, priors=(("alpha", Prior("LogNormal", (median, 2 * log_sd))),)),
        "dropped weight": with_noise("without_first_run", without_first_run),
    }


def digest() -> str:
    """Digest of the code that the results speak of."""
    modules = (*MODULES, model_of("chinchilla").law.function.__module__)
    return code_digest((*modules, "benchmarks.calibrate", "benchmarks.planted"))


def row_of(model: ScalingModel, right: ScalingModel) -> dict[str, Any]:
    """A model fitted to runs of the correct one, with every seed."""
    start = time.perf_counter()
    found = [calibrate(model, DESIGN, SIMULATIONS, seed, truth=right, method=METHOD) for seed in SEEDS]
    least = [min(f.p_value, key=f.p_value.__getitem__) for f in found]
    return {
        "told": sum(bool(f.faults) for f in found),
        "least_p": [f.p_value[name] for f, name in zip(found, least, strict=True)],
        "of": least,
        "median_p": {q: sorted(f.p_value[q] for f in found)[len(found) // 2] for q in found[0].quantities},
        "verdicts": {level: sum(f.verdicts.count(level) for f in found) for level in ("OK", "LOOK", "BAD")},
        "seconds": time.perf_counter() - start,
    }


def stored() -> dict[str, Any] | None:
    """What is stored."""
    return json.loads(FILE.read_text()) if FILE.is_file() else None


def faults(result: dict[str, Any]) -> list[str]:
    """What is wrong with stored results, in words; empty when they pass."""
    found = ["stale: the code has changed since; run make calibrate"] * (result["digest"] != digest())
    for name in models():
        row = result["rows"].get(name)
        if row is None:
            found.append(f"{name}: not measured")
        elif name == CORRECT and row["told"] > len(SEEDS) - ENOUGH:
            found.append(f"the correct model fails in {row['told']} of {len(SEEDS)} seeds")
        elif name != CORRECT and row["told"] < ENOUGH:
            found.append(f"{name}: caught in {row['told']} of {len(SEEDS)} seeds")
    return found


def main() -> None:
    """Measure what is missing or stale, store it and print the table."""
    result = stored()
    if result is None or result["digest"] != digest():
        result = {"law": "chinchilla", "runs": len(DESIGN["N"]), "simulations": SIMULATIONS}
        result |= {"seeds": SEEDS, "method": METHOD, "level": LEVEL, "versions": versions(), "rows": {}}
        result["digest"] = digest()
    every = models()
    for name, model in every.items():
        if name not in result["rows"]:
            result["rows"][name] = row_of(model, every[CORRECT])
            FILE.write_text(json.dumps(result) + "\n")
        row = result["rows"][name]
        worst = max(row["least_p"]) if name != CORRECT else min(row["least_p"])
        print(
            f"{name:20} told in {row['told']:2} of {len(SEEDS)} seeds; the least clear p = {worst:.1g}; "
            f"mostly by {max(row['of'], key=row['of'].count)}; {row['seconds']:.0f} s",
            flush=True,
        )
    print("; ".join(faults(result)) or "passes", flush=True)


if __name__ == "__main__":
    main()
