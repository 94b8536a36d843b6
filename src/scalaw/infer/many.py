"""``fit_many``: laws × data sets in compiled batches, with every verdict.

::

    fits = scalaw.fit_many(runs, laws=["chinchilla", "power_law_offset"], by="dataset")
    fits.to_frame()              # a row per fit: law, data set, method, verdict, intervals
    fits[3].tree                 # one of them as a Fit

Scenarios are cut into slices of one structure. A slice is summarised as soon as it is sampled, so memory does not grow
with the number of draws; with ``resume`` it is also written to a folder, from which an interrupted call goes on.
A data set that a law cannot be fitted to is no reason to stop: its verdict is BAD and says why.

With several processes (:func:`scalaw.infer.hosts.join`) every one makes the same call, draws its share and gets
all results.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from scalaw.data import Runs
from scalaw.errors import Problem, ScalawError
from scalaw.infer.assemble import versions
from scalaw.infer.batch import Progress, sample
from scalaw.infer.devices import Precision
from scalaw.infer.executables import bucket
from scalaw.infer.fit import checked_method, checked_settings, model_of
from scalaw.infer.fits import Fits, Planned
from scalaw.infer.nuts import Settings
from scalaw.infer.programs import Clock, executable
from scalaw.infer.references import bind, prior_digest
from scalaw.infer.routes import Method
from scalaw.infer.scenarios import scenario_of, table_problems
from scalaw.infer.summaries import Summary, read, summarise, write
from scalaw.laws.law import Law
from scalaw.laws.prior import Prior
from scalaw.model.noise import Noise
from scalaw.model.scaling_model import ScalingModel

#: Scenarios that are sampled, summarised and written together.
SLICE = 256


@dataclass(frozen=True)
class _Options:
    """What all slices are sampled with."""

    method: Method
    settings: Settings
    seed: int
    keep: int
    precision: Precision | None


def fit_many(
    runs: Runs | Sequence[Runs] | Mapping[str, Runs],
    laws: str | Law | Sequence[str | Law] = "chinchilla",
    *,
    by: str | Sequence[str] | None = None,
    noise: str | Noise = "student_t",
    x: str | None = None,
    priors: Mapping[str, str | Prior] | None = None,
    method: str = "auto",
    seed: int = 0,
    draws: int = 1000,
    warmup: int = 1000,
    chains: int = 4,
    target_accept: float = 0.9,
    keep: int = 1000,
    precision: Precision | None = None,
    resume: str | Path | None = None,
    allow_prior_dominated: bool = False,
    progress: Progress = lambda _: None,
) -> Fits:
    """Fit every law to every data set.

    Parameters
    ----------
    runs : Runs, or a sequence or mapping of them
        Data sets; a mapping names them, others are named by their source.
    laws : str, Law or a sequence of them
        Names, variants or laws of your own.
    by : str or sequence of str, optional
        Columns whose labels cut every table into data sets.
    noise, x, priors
        As for :func:`scalaw.fit`, for all.
    method : {"auto", "importance", "nuts"}
        ``auto`` sends each posterior that importance sampling does not reach to NUTS.
    seed : int
        Keys are folded from the names of law and data set: adding one changes no other's draws.
    draws, warmup, chains, target_accept
        Of NUTS.
    keep : int
        Draws of equal weight kept of every posterior, for forecasts and plots; intervals are of all draws.
    precision : {"float64", "float32"}, optional
        Of the draws. Modes are always searched in float64.
    resume : path, optional
        Folder that finished slices are written to and read from.
    allow_prior_dominated : bool
        Fit even with no more runs than parameters.
    progress : callable
        Told in words what happens.

    Returns
    -------
    Fits

    Raises
    ------
    ScalawError
        D012 for an unknown ``by`` column, D069 for two data sets of one name, M013 for settings that make no sense.
    """
    if keep < 50:
        raise ScalawError("M013", f"keep={keep}", "fit_many", fix="at least 50 draws of each fit")
    settings = checked_settings(chains, warmup, draws, target_accept)
    options = _Options(checked_method(method), settings, seed, keep, precision)
    tables = {name: table.along(x) if x else table for name, table in data_sets(runs, by).items()}
    chosen = [laws] if isinstance(laws, str | Law) else list(laws)
    models = [model_of(law, noise=noise, priors=_of_law(law, noise, priors)) for law in chosen]
    planned = [_plan(m, n, table, allow_prior_dominated) for m in models for n, table in tables.items()]
    before, clock = executable.cache_info().misses, Clock()
    done = _sampled(planned, options, Path(resume) if resume else None, clock, progress)
    recipe = {
        "method": options.method,
        "seed": seed,
        "settings": settings._asdict(),
        "compilations": executable.cache_info().misses - before,
        "seconds": {"compile": clock.compile, "run": clock.run},
        "versions": versions(),
    }
    return Fits(tuple(planned), tuple(done.get(i) for i in range(len(planned))), recipe)


def data_sets(
    runs: Runs | Sequence[Runs] | Mapping[str, Runs], by: str | Sequence[str] | None
) -> dict[str, Runs]:
    """Tables by name, each cut by the labels in the columns ``by``; in the order of their first rows."""
    if isinstance(runs, Runs):
        named = [("", runs)]
    elif isinstance(runs, Mapping):
        named = list(runs.items())
    else:
        named = [(table.source, table) for table in runs]
    columns = [by] if isinstance(by, str) else list(by or [])
    found: dict[str, Runs] = {}
    for name, table in named:
        for label, part in _cut(table, columns):
            full = "/".join(filter(None, (name, label))) or table.source
            if full in found:
                fix = "name the data sets: a mapping of names to runs"
                raise ScalawError("D069", f"two data sets are called '{full}'", "fit_many", fix=fix)
            found[full] = part
    if not found:
        raise ScalawError("D040", "no data set", "fit_many", fix="give at least one table of runs")
    return found


def _cut(table: Runs, columns: Sequence[str]) -> Iterator[tuple[str, Runs]]:
    if not columns:
        yield "", table
        return
    for name in columns:
        if name not in table.frame.columns:
            known = ", ".join(map(str, table.frame.columns))
            raise ScalawError("D012", f"no column '{name}' to cut by", table.source, fix=f"one of {known}")
    missing = table.frame[list(columns)].isna().to_numpy().any(axis=1)
    if missing.any():
        what = f"{missing.sum()} runs have no label in {', '.join(columns)}"
        raise ScalawError("D012", what, table.source, fix="label them, or leave them out knowingly")
    labels = table.frame[list(columns)].astype(str).agg(", ".join, axis=1).to_numpy()
    for label in dict.fromkeys(labels):
        yield label, table.select(labels == label)


def _of_law(
    law: str | Law, noise: str | Noise, priors: Mapping[str, str | Prior] | None
) -> Mapping[str, str | Prior] | None:
    """Those of the priors that are about this law or its noise: laws of one batch have different parameters."""
    if not priors:
        return priors
    known = {p.name for p in model_of(law, noise=noise).free}
    return {name: prior for name, prior in priors.items() if name in known}


def _plan(model: ScalingModel, name: str, table: Runs, allowed: bool) -> Planned:
    """A scenario with what is to be known about its table, or the reason why it cannot be fitted."""
    try:
        bound = bind(model.law, table)
        found: list[Problem] = table_problems(bound, np.ones(len(table), bool), model, allowed)
        if any(problem.severity == "E" for problem in found):
            raise ScalawError.of(found)
        scenario = scenario_of(bound, model, name=f"{model.label}/{model.noise.name}/{name}")
    except ScalawError as error:
        return Planned(model, name, table, None, (), str(error))
    return Planned(model, name, bound, scenario, tuple(p for p in found if p.severity == "W"), "")


def _slices(planned: Sequence[Planned]) -> Iterator[list[int]]:
    """Places of scenarios that are sampled together: one structure, one bucket, at most :data:`SLICE`."""
    groups: dict[Any, list[int]] = {}
    for i, plan in enumerate(planned):
        if plan.scenario is not None:
            groups.setdefault((plan.model.structure(), bucket(plan.scenario.rows)), []).append(i)
    for members in groups.values():
        for start in range(0, len(members), SLICE):
            yield members[start : start + SLICE]


def _sampled(
    planned: Sequence[Planned], options: _Options, folder: Path | None, clock: Clock, progress: Progress
) -> dict[int, Summary]:
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
    done: dict[int, Summary] = {}
    total = sum(plan.scenario is not None for plan in planned)
    for members in _slices(planned):
        plans = [planned[i] for i in members]
        stored = None if folder is None else folder / f"{_digest(plans, options)}.npz"
        summaries = _read(stored, len(plans))
        if summaries is None:
            summaries = _slice(plans, options, clock, progress)
            if stored is not None:
                write(stored, summaries)
        done |= dict(zip(members, summaries, strict=True))
        progress(f"{len(done)} of {total} fits done")
    return done


def _slice(plans: Sequence[Planned], options: _Options, clock: Clock, progress: Progress) -> list[Summary]:
    scenarios = [plan.scenario for plan in plans if plan.scenario is not None]
    sampled = sample(
        scenarios,
        options.settings,
        options.seed,
        progress,
        options.method,
        precision=options.precision,
        evaluated=False,
    )
    clock.compile += sampled[0].clock.compile
    clock.run += sampled[0].clock.run
    return summarise(sampled, [plan.warned for plan in plans], options.keep, clock)


def _read(stored: Path | None, expected: int) -> list[Summary] | None:
    """A stored slice; one that cannot be read is made again."""
    if stored is None or not stored.is_file():
        return None
    try:
        found = read(stored)
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    return found if len(found) == expected else None


def _digest(plans: Sequence[Planned], options: _Options) -> str:
    """Names a slice by everything that its results depend on."""
    about: list[Any] = [options, versions()]
    for plan in plans:
        assert plan.scenario is not None  # slices hold nothing else
        priors = prior_digest(plan.model, plan.scenario.refs)
        about.append(
            (plan.scenario.name, plan.runs.digest, plan.runs.columns.get("x"), plan.model.law.digest, priors)
        )
    return hashlib.sha256(repr(about).encode()).hexdigest()[:24]
