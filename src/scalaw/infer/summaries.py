"""What a large batch keeps of every posterior: figures, a verdict, the mode and some draws of equal weight.

Summaries are made for many scenarios of one structure at once, by the compiled batch diagnostics; intervals come
from all draws, with their weights, before the draws are thinned. They are plain arrays and plain data, so a slice
of a batch can be written to a file and read back.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from scalaw.errors import Problem
from scalaw.infer.assemble import GRAVE, learned, of_law, shown, told_of
from scalaw.infer.batch import Sampled, resampled
from scalaw.infer.batch_stats import chain_batch, weighted_batch
from scalaw.infer.diagnose import Stats, diagnose, figures, weighted_stats_of
from scalaw.infer.prior_draws import prior_sd, unconstrained
from scalaw.infer.programs import Clock

#: Numbers of an interval, in this order along the last axis.
PROBS = (0.05, 0.5, 0.95)


@dataclass(frozen=True)
class Summary:
    """One posterior of a batch, in plain data and arrays.

    ``interval`` (learned coordinates, 5): lower, median, upper at 90 %, mean, sd in the paper's units; ``stats``
    (learned coordinates, 5): R-hat, bulk and tail effective sample size, posterior over prior sd, Monte Carlo error of
    the mean; ``position`` and ``values`` (draws, coordinates) and ``log_density`` (draws,): the draws kept; ``mode``
    (2, coordinates): its position and ``z``. ``told`` is plain data: method, why, verdict, reasons, notes, numbers.
    """

    interval: np.ndarray
    stats: np.ndarray
    position: np.ndarray
    values: np.ndarray
    log_density: np.ndarray
    mode: np.ndarray
    whiten: np.ndarray
    told: dict[str, Any]


def summarise(
    sampled: Sequence[Sampled], warned: Sequence[Sequence[Problem]], keep: int, clock: Clock
) -> list[Summary]:
    """Summaries of posteriors of one structure; ``warned`` are the warnings about each one's table."""
    out: list[Summary | None] = [None] * len(sampled)
    for weighted in (True, False):
        chosen = [i for i, s in enumerate(sampled) if (s.weighted is not None) == weighted]
        if not chosen:
            continue
        these = [sampled[i] for i in chosen]
        measure = _weighted if weighted else _chains
        for i, s, (interval, stats) in zip(chosen, these, measure(these, clock), strict=True):
            out[i] = _summary(s, interval, stats, warned[i], keep)
    return [s for s in out if s is not None]


def _weighted(these: Sequence[Sampled], clock: Clock) -> list[tuple[np.ndarray, Stats]]:
    """Intervals and stats of weighted draws."""
    log_weight = np.stack([s.weighted.log_importance for s in these if s.weighted is not None])
    paper = np.stack([_paper(s, s.weighted.values) for s in these if s.weighted is not None])
    found = weighted_batch(paper, log_weight, clock, PROBS)
    out = []
    for i, s in enumerate(these):
        assert s.weighted is not None  # these were chosen so
        stats = weighted_stats_of(_own(s, s.weighted.values), s.weighted)
        out.append((_interval(found, i), stats))
    return out


def _chains(these: Sequence[Sampled], clock: Clock) -> list[tuple[np.ndarray, Stats]]:
    """Intervals and stats of chains."""
    own = np.stack([_own(s, s.values) for s in these])
    paper = np.stack([_paper(s, s.values) for s in these])
    of_own, of_paper = chain_batch(own, clock, PROBS), chain_batch(paper, clock, PROBS)
    return [
        (_interval(of_paper, i), Stats(of_own.rhat[i], of_own.ess_bulk[i], of_own.ess_tail[i], of_own.sd[i]))
        for i in range(len(these))
    ]


def _interval(found: Any, i: int) -> np.ndarray:
    return np.column_stack([found.quantile[i], found.mean[i], found.sd[i], found.mcse_mean[i]])


def _own(s: Sampled, values: np.ndarray) -> np.ndarray:
    """Learned coordinates on the parameters' own scale."""
    return unconstrained(s.scenario, s.scenario.model.structure().split(values))[
        ..., learned(s.scenario.model)[1]
    ]


def _paper(s: Sampled, values: np.ndarray) -> np.ndarray:
    """Learned coordinates in the paper's units."""
    model = s.scenario.model
    split = model.structure().split(values)
    paper = {**split, **model.law.paper_values(split, s.scenario.refs.units)}
    columns = [np.asarray(paper[name]) for name in model.structure().names]
    joined = np.concatenate([c if c.ndim == values.ndim else c[..., None] for c in columns], axis=-1)
    return joined[..., learned(model)[1]]


def _summary(s: Sampled, interval: np.ndarray, stats: Stats, warned: Sequence[Problem], keep: int) -> Summary:
    scenario, model = s.scenario, s.scenario.model
    labels, free = learned(model)
    measured = figures(s, stats, shown(labels), prior_sd(scenario)[free])
    position, values, log_density = (_thinned(s, n, keep) for n in ("position", "values", "log_density"))
    told = told_of(s, warned, model.structure().split(values))
    verdict = diagnose(s, measured, of_law(model, labels), told)
    notes = [*verdict.notes, *(str(p) for p in warned if p.code not in GRAVE)]
    evidence, error = s.log_evidence
    plain = {
        "method": s.method,
        "why": s.why,
        "verdict": verdict.level,
        "reasons": list(verdict.reasons),
        "notes": notes,
        "pareto_k": None if s.weighted is None else float(s.weighted.pareto_k),
        "kish": None if s.weighted is None else float(s.weighted.kish),
        "log_evidence": evidence,
        "log_evidence_se": error,
        "log_density": float(s.mode.log_density),
        "starts": s.starts,
        "agreed": s.agreed,
        "rival": s.rival,
        "divergent": measured.divergent,
    }
    table = np.column_stack(
        [stats.rhat, stats.ess_bulk, stats.ess_tail, measured.contraction, interval[:, 5]]
    )
    mode = np.stack([s.mode.position, s.mode.z])
    drawn = (position, values, log_density)
    return Summary(interval[:, :5], table, *drawn, mode, np.asarray(s.mode.whiten), plain)


def _thinned(s: Sampled, name: str, keep: int) -> np.ndarray:
    """At most ``keep`` draws of equal weight, evenly spread over the chains or the weighted draws."""
    if s.weighted is not None:
        n = len(s.weighted.log_importance)
        return np.asarray(getattr(s.weighted, name))[resampled(s.weighted.log_importance, min(keep, n))]
    draws = np.asarray(getattr(s.draws, name))
    flat = draws.reshape(-1, *draws.shape[2:])
    return flat[np.unique(np.linspace(0, len(flat) - 1, min(keep, len(flat))).astype(int))]


def write(path: Path, summaries: Sequence[Summary]) -> None:
    """Write a slice; the file appears whole or not at all."""
    arrays = {
        f"{f.name}_{i}": getattr(s, f.name)
        for i, s in enumerate(summaries)
        for f in fields(Summary)
        if f.name != "told"
    }
    aside = path.with_suffix(".part.npz")
    np.savez(aside, told=np.array(json.dumps([s.told for s in summaries])), **arrays)
    aside.replace(path)


def read(path: Path) -> list[Summary]:
    """Read a slice back; nothing in the file is executed."""
    with np.load(path, allow_pickle=False) as stored:
        told = json.loads(str(stored["told"]))
        names = [f.name for f in fields(Summary) if f.name != "told"]
        return [
            Summary(**{name: stored[f"{name}_{i}"] for name in names}, told=plain)
            for i, plain in enumerate(told)
        ]
