"""References that are kept from one run to the next, one line each.

A reference speaks of a posterior and not of code: beside it lie a few points in the parameters' own coordinates with
their log densities there, and it is used again wherever the code of the day finds the same densities.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gate_cases import Case
from benchmarks.gate_figures import Estimate
from benchmarks.gate_reference import ESS, SEED, Reference, heights_of, part_of, references
from scalaw.infer.routes import Group

#: How closely a stored reference is recognised (nats).
SAME = 1e-6
FOLDER = Path(__file__).parent.parent / ".benchmarks" / "gate"


def stored_references(
    case: Case, group: Group, free: np.ndarray, ess: float = ESS, seed: int = SEED
) -> list[Reference]:
    """References of scenarios of a case: those that are stored and still speak of the same posterior, the rest anew."""
    path = FOLDER / f"{case.name}_{ess:.0f}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []
    known = {line["name"]: _read(line) for line in lines}
    have = np.array([i for i, s in enumerate(group.scenarios) if s.name in known], int)
    if len(have):
        stored = [known[group.scenarios[i].name] for i in have]
        now = heights_of(part_of(group, have), np.stack([one.probes for one in stored]))
        then = np.stack([one.heights for one in stored])
        have = have[np.all(np.abs(now - then) < SAME, axis=1)]
    missing = np.setdiff1d(np.arange(len(group.scenarios)), have)
    if len(missing):
        part = part_of(group, missing)
        made = references(part, free, ess, seed)
        with path.open("a") as file:
            for s, one in zip(part.scenarios, made, strict=True):
                known[s.name] = one
                file.write(json.dumps({"name": s.name, **_written(one)}) + "\n")
    return [known[s.name] for s in group.scenarios]


def _written(one: Reference) -> dict[str, Any]:
    plain = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in one._asdict().items()}
    return plain | {"estimate": {k: v.tolist() for k, v in one.estimate._asdict().items()}}


def _read(line: dict[str, Any]) -> Reference:
    of = {k: np.array(v) if isinstance(v, list) else v for k, v in line.items() if k != "name"}
    return Reference(**of | {"estimate": Estimate(**{k: np.array(v) for k, v in line["estimate"].items()})})
