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
from scalaw.infer.assemble import GRAVE, learned, of_law, paper_columns, shown, told_of
from scalaw.infer.batch import Sampled, resampled
from scalaw.infer.batch_stats import Use, chain_batch, chain_use, weighted_batch, weighted_use
from scalaw.infer.diagnose import Stats, diagnose, figures, weighted_stats_of
from scalaw.infer.importance import EFFORT, Weighted
from scalaw.infer.interval import PROB, known
from scalaw.infer.loo import LeftOut, left_out
from scalaw.infer.nuts import Settings
from scalaw.infer.prior_draws import prior_sd, unconstrained
from scalaw.infer.programs import Clock
from scalaw.infer.routes import Method
from scalaw.infer.store import write_aside

#: Ends and middle of an interval.
PROBS = (0.5 - PROB / 2, 0.5, 0.5 + PROB / 2)
#: Columns of a summary's table: the interval, moments and their error in the paper's units; then diagnostics.
FIGURES = (
    *("lower", "median", "upper", "mean", "sd", "mcse_mean"),
    *("rhat", "ess_bulk", "ess_tail", "contraction"),
)
#: Names of what leave-one-out finds, in the order of :class:`~scalaw.infer.loo.LeftOut`.
SCORES = ("elpd_loo", "elpd_loo_se", "loo_pareto_k")


@dataclass(frozen=True)
class Summary:
    """One posterior of a batch, in arrays and plain data.

    ``table`` (learned coordinates, figures): :data:`FIGURES`, where ``contraction`` is posterior over prior sd;
    ``position`` and ``values`` (draws, coordinates) and ``log_density`` (draws,): the draws kept; ``mode``
    (3, coordinates): its position, ``z`` and values; ``whiten`` (coordinates, coordinates). ``told`` is plain data:
    method, why, verdict, reasons, notes, numbers of the search and of the weights, the evidence or why there is none,
    leave-one-out (None where it was not asked for).
    """

    table: np.ndarray
    position: np.ndarray
    values: np.ndarray
    log_density: np.ndarray
    mode: np.ndarray
    whiten: np.ndarray
    told: dict[str, Any]


_ARRAYS = tuple(f.name for f in fields(Summary) if f.name != "told")


def uses(method: Method, settings: Settings) -> list[Use]:
    """Programs that summaries surely need, with arguments of their shapes; no law is in them."""
    if method == "nuts":
        return [chain_use(settings.chains, settings.draws, PROBS)]
    return [weighted_use(EFFORT.draws, PROBS)]


def summarise(
    sampled: Sequence[Sampled],
    warned: Sequence[Sequence[Problem]],
    keep: int,
    clock: Clock,
    loo: bool = False,
) -> list[Summary]:
    """Summaries of posteriors of one structure and bucket.

    Parameters
    ----------
    sampled : sequence of Sampled
    warned : sequence of sequences of Problem
        Warnings about each one's table.
    keep : int
        Draws kept of each, at most.
    clock : Clock
    loo : bool
        Whether to work out leave-one-out.
    """
    chains = [i for i, s in enumerate(sampled) if s.weighted is None]
    weighted = [(i, s.weighted) for i, s in enumerate(sampled) if s.weighted is not None]
    measured: dict[int, tuple[np.ndarray, Stats]] = {}
    if weighted:
        found = _weighted([(sampled[i], w) for i, w in weighted], clock)
        measured |= zip((i for i, _ in weighted), found, strict=True)
    if chains:
        measured |= zip(chains, _chains([sampled[i] for i in chains], clock), strict=True)
    scores = left_out(sampled, clock) if loo else [None] * len(sampled)
    return [_summary(s, *measured[i], warned[i], keep, scores[i]) for i, s in enumerate(sampled)]


def _weighted(these: Sequence[tuple[Sampled, Weighted]], clock: Clock) -> list[tuple[np.ndarray, Stats]]:
    """Intervals and stats of weighted draws, of the coordinates that are learned."""
    log_weight = np.stack([w.log_importance for _, w in these])
    paper = np.stack([_paper(s, w.values) for s, w in these])
    found = weighted_batch(paper, log_weight, clock, PROBS)
    out = []
    for i, (s, w) in enumerate(these):
        free = learned(s.scenario.model)[1]
        out.append((_interval(found, i)[free], weighted_stats_of(_own(s, w.values)[:, free], w)))
    return out


def _chains(these: Sequence[Sampled], clock: Clock) -> list[tuple[np.ndarray, Stats]]:
    """Intervals and stats of chains, of the coordinates that are learned."""
    own = chain_batch(np.stack([_own(s, s.values) for s in these]), clock, PROBS)
    paper = chain_batch(np.stack([_paper(s, s.values) for s in these]), clock, PROBS)
    out = []
    for i, s in enumerate(these):
        free = learned(s.scenario.model)[1]
        stats = Stats(*(values[i, free] for values in (own.rhat, own.ess_bulk, own.ess_tail, own.sd)))
        out.append((_interval(paper, i)[free], stats))
    return out


def _interval(found: Any, i: int) -> np.ndarray:
    return np.column_stack([found.quantile[i], found.mean[i], found.sd[i], found.mcse_mean[i]])


def _own(s: Sampled, values: np.ndarray) -> np.ndarray:
    """Draws on the parameters' own scale, all coordinates: models of one batch learn different ones of them."""
    return unconstrained(s.scenario, s.scenario.model.structure().split(values))


def _paper(s: Sampled, values: np.ndarray) -> np.ndarray:
    """Draws in the paper's units, all coordinates."""
    with np.errstate(over="ignore", invalid="ignore"):  # a draw far out, whose weight is next to nothing
        return paper_columns(s.scenario.model, s.scenario.refs, values)


def _summary(
    s: Sampled,
    interval: np.ndarray,
    stats: Stats,
    warned: Sequence[Problem],
    keep: int,
    score: LeftOut | None,
) -> Summary:
    scenario, model, weighted = s.scenario, s.scenario.model, s.weighted
    labels, free = learned(model)
    measured = figures(s, stats, shown(labels), prior_sd(scenario)[free])
    position, values, log_density = (_thinned(s, n, keep) for n in ("position", "values", "log_density"))
    told = told_of(s, warned, model.structure().split(values))
    verdict = diagnose(s, measured, of_law(model, labels), told)
    plain = {
        "method": s.method,
        "why": s.why,
        "verdict": verdict.level,
        "reasons": list(verdict.reasons),
        "notes": [*verdict.notes, *(str(p) for p in warned if p.code not in GRAVE)],
        "pareto_k": None if weighted is None else float(weighted.pareto_k),
        "kish": None if weighted is None else float(weighted.kish),
        **s.evidence._asdict(),
        **dict(zip(SCORES, known(score or [None] * len(SCORES)), strict=True)),
        "log_density": float(s.mode.log_density),
        "starts": s.starts,
        "agreed": s.agreed,
        "rival": s.rival,
        "divergent": measured.divergent,
    }
    diagnostics = np.column_stack([*stats[:3], measured.contraction])
    table = np.concatenate([interval, diagnostics], axis=1)
    mode = np.stack([s.mode.position, s.mode.z, s.mode.values])
    return Summary(table, position, values, log_density, mode, np.asarray(s.mode.whiten), plain)


def _thinned(s: Sampled, name: str, keep: int) -> np.ndarray:
    """At most ``keep`` draws of equal weight, evenly spread over the chains or the weighted draws; float64."""
    if s.weighted is not None:
        n = len(s.weighted.log_importance)
        draws = np.asarray(getattr(s.weighted, name), np.float64)
        return draws[resampled(s.weighted.log_importance, min(keep, n))]
    draws = np.asarray(getattr(s.draws, name), np.float64)
    flat = draws.reshape(-1, *draws.shape[2:])
    return flat[np.linspace(0, len(flat) - 1, min(keep, len(flat))).astype(int)]


def write(path: Path, summaries: Sequence[Summary]) -> None:
    """Write a slice; the file appears whole or not at all (S004 where it cannot be written)."""
    arrays = {f"{name}_{i}": getattr(s, name) for i, s in enumerate(summaries) for name in _ARRAYS}
    told = np.array(json.dumps([s.told for s in summaries]))

    def save(aside: Path) -> None:
        with aside.open("wb") as file:  # given a name, NumPy would change it
            np.savez(file, told=told, **arrays)

    write_aside(path, save)


def read(path: Path) -> list[Summary]:
    """Read a slice back; nothing in the file is executed, and a damaged one raises."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        told = json.loads(str(stored["told"]))
        return [
            Summary(**{name: stored[f"{name}_{i}"] for name in _ARRAYS}, told=plain)
            for i, plain in enumerate(told)
        ]
