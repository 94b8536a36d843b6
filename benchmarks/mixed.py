"""Many data sets of several sizes and several laws in few calls: what is compiled, and whether verdicts are honest.

2048 tables of each of four laws, of 10, 25 and 60 runs in turn, truths from the priors: 8192 posteriors by ``auto``, in
calls that mix laws and sizes. Two things are measured:

- programs compiled while sampling, or loaded from disk where they were before: no more than one per law, bucket of rows
  and step (a search, importance sampling, NUTS);
- coverage by verdict. Truths are draws of the posterior, whatever one looks at the runs first; so among posteriors
  that are told OK, and among those told LOOK, 90 % intervals must hold 90 % of the truths as they do among all. What
  is told BAD has no promise, and is counted.

Part of ``make calibrate``; stored as ``mixed.json`` with the digest of the code it speaks of. Nothing is dropped.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import binom

from benchmarks.calibrate import LAWS, ONCE_IN, PROB, RESULTS, modules_of
from benchmarks.digests import code_digest
from scalaw.infer.assemble import learned, shown, versions
from scalaw.infer.batch import Sampled, sample
from scalaw.infer.calibrate import beyond, diagnosed
from scalaw.infer.executables import bucket
from scalaw.infer.fit import model_of
from scalaw.infer.nuts import Settings
from scalaw.infer.programs import Clock, executable
from scalaw.infer.ranks_of_truths import ranks_of_truths
from scalaw.infer.scenarios import Scenario
from scalaw.infer.simulations import points, simulate_scenarios

SEED, TABLES, SIZES = 2048, 2048, (10, 25, 60)
#: Tables of each law in one call: draws of all are held at once.
TOGETHER = 256
#: What a law and a bucket compile at most: search, importance sampling, NUTS.
STEPS = 3
#: A verdict is judged where so many posteriors have it.
ENOUGH = 100
FILE = RESULTS / "mixed.json"


class Made(NamedTuple):
    """Tables of one law and size, their truths and the point of the forecast."""

    law: str
    scenarios: list[Scenario]
    truths: np.ndarray
    ahead: dict[str, np.ndarray]


def design(runs: int) -> dict[str, np.ndarray]:
    """Covariates of a table: budgets over three decades, a factor of 4 around D = 20 N."""
    rng = np.random.default_rng([SEED, runs])
    c = np.logspace(18, 21, runs)
    n = np.sqrt(c / 120.0) * 4.0 ** rng.uniform(-1.0, 1.0, runs)
    return {"N": n, "D": c / (6.0 * n), "x": c}


def made(tables: int) -> list[Made]:
    """Simulated tables of every law and size."""
    found = []
    for law in LAWS:
        model = model_of(law)
        for i, runs in enumerate(SIZES):
            count = len(range(i, tables, len(SIZES)))
            at = design(runs)
            scenarios, truths = simulate_scenarios(model, at, count, SEED + runs)
            ahead = points(model.law, beyond(model.law, at))
            found.append(Made(law, scenarios, truths, ahead))
    return found


def fitted(every: Sequence[Made], tables: int) -> tuple[dict[str, list[dict[str, Any]]], int]:
    """Per law one record per posterior (method, verdict, covered), and how many programs sampling compiled."""
    records: dict[str, list[dict[str, Any]]] = {law: [] for law in LAWS}
    compiled = 0
    each = -(-TOGETHER // len(SIZES))
    for first in range(0, -(-tables // len(SIZES)), each):
        parts = [m._replace(scenarios=m.scenarios[first : first + each]) for m in every]
        known, pool = executable.cache_info().misses, [s for m in parts for s in m.scenarios]
        sampled = sample(pool, Settings(), SEED, method="auto", evaluated=False)
        compiled += executable.cache_info().misses - known
        for part in parts:
            own, sampled = sampled[: len(part.scenarios)], sampled[len(part.scenarios) :]
            if own:
                records[part.law] += _records(part, own, part.truths[first : first + each])
    return records, compiled


def _records(part: Made, own: list[Sampled], truths: np.ndarray) -> list[dict[str, Any]]:
    ranks = ranks_of_truths(own, part.scenarios, truths, part.ahead, SEED, Clock())
    labels, free = learned(model_of(part.law))
    names, tail = (*shown(labels), "log_likelihood", "forecast"), 0.5 - PROB / 2
    inside = (ranks >= tail) & (ranks <= 1.0 - tail)
    return [
        {
            "method": one.method,
            "verdict": diagnosed(one)[0],
            "covered": dict(zip(names, held[[*free, True, True]].tolist(), strict=True)),
        }
        for one, held in zip(own, inside, strict=True)
    ]


def row_of(law: str, records: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Methods, verdicts, and per verdict how many intervals hold their truth."""
    verdicts = Counter(one["verdict"] for one in records)
    covered = {
        level: {
            name: sum(one["covered"][name] for one in records if one["verdict"] == level)
            for name in records[0]["covered"]
        }
        for level in verdicts
    }
    served = Counter(f"{one['method']}, {one['verdict']}" for one in records)
    return {"law": law, "tables": len(records), "served": served, "verdicts": verdicts, "covered": covered}


def digest() -> str:
    """Digest of the code that the result speaks of."""
    modules = {name for law in LAWS for name in modules_of(law)}
    return code_digest((*modules, "benchmarks.mixed"))


def stored() -> dict[str, Any] | None:
    """What is stored."""
    return json.loads(FILE.read_text()) if FILE.is_file() else None


def faults(result: dict[str, Any]) -> list[str]:
    """What is wrong with a stored result, in words; empty when it passes."""
    found = ["stale: the code has changed since; run make calibrate"] * (result["digest"] != digest())
    allowed = len(LAWS) * len(set(map(bucket, SIZES))) * STEPS
    if result["compilations"] > allowed:
        found.append(f"{result['compilations']} programs compiled where {allowed} do")
    for row in result["rows"]:
        for level, covered in row["covered"].items():
            n = row["verdicts"][level]
            fewest, most = binom.ppf([0.5 / ONCE_IN, 1.0 - 0.5 / ONCE_IN], n, PROB)
            found += [
                f"{row['law']}, {level}: {count} of {n} intervals of {name} hold the truth"
                for name, count in covered.items()
                if level != "BAD" and n >= ENOUGH and not fewest <= count <= most
            ]
    return found


def main() -> None:
    """Measure unless what is stored is fresh, and print it."""
    result = stored()
    if result is None or result["digest"] != digest():
        start = time.perf_counter()
        records, compiled = fitted(made(TABLES), TABLES)
        result = {
            "seed": SEED,
            "sizes": SIZES,
            "prob": PROB,
            "compilations": compiled,
            "seconds": time.perf_counter() - start,
            "rows": [row_of(law, records[law]) for law in LAWS],
            "digest": digest(),
            "versions": versions(),
        }
        FILE.write_text(json.dumps(result) + "\n")
    for row in result["rows"]:
        print(f"{row['law']}: {row['tables']} tables; {row['served']}; covered {row['covered']}", flush=True)
    print(
        f"{result['compilations']} programs, {result['seconds']:.0f} s; {'; '.join(faults(result)) or 'passes'}"
    )


if __name__ == "__main__":
    main()
