"""``fit_many``: laws × data sets in compiled batches, with every verdict.

::

    fits = scalaw.fit_many(runs, laws=["chinchilla", "power_law_offset"], by="dataset")
    fits.to_frame()              # a row per fit: law, data set, method, verdict, intervals
    fits[3].tree                 # one of them as a Fit

Scenarios are cut into slices of one structure. A slice is summarised as soon as it is sampled, so memory does not grow
with the number of draws; with ``resume`` it is also written to a folder, from which an interrupted call goes on.
A data set that a law cannot be fitted to is no reason to stop: its verdict is BAD and says why.

With several processes (:func:`scalaw.infer.hosts.join`) every one makes the same call, draws its share and gets
all results. A folder to resume from may be shared by them or be each one's own: a slice counts as done where
all of them can read it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args
from zipfile import BadZipFile

import jax
import numpy as np

from scalaw.data import Runs
from scalaw.errors import ScalawError
from scalaw.infer.assemble import versions
from scalaw.infer.batch import Progress, grouped, sample, sampling_keys
from scalaw.infer.devices import Precision, setting
from scalaw.infer.executables import bucket
from scalaw.infer.fit import checked_method, checked_scenario, checked_settings, model_of
from scalaw.infer.fits import Fits, Planned
from scalaw.infer.hosts import gathered
from scalaw.infer.importance import EFFORT
from scalaw.infer.lanes import ACCELERATOR_PLACES
from scalaw.infer.nuts import Settings
from scalaw.infer.programs import Clock, compile_keys, executable
from scalaw.infer.references import prior_digest
from scalaw.infer.routes import Method
from scalaw.infer.scenarios import Scenario
from scalaw.infer.summaries import Summary, read, summarise, write
from scalaw.infer.warmup import loo_key, summary_keys
from scalaw.laws.law import Law
from scalaw.laws.prior import Prior
from scalaw.model.noise import Noise
from scalaw.model.scaling_model import ScalingModel

#: Scenarios that are sampled, summarised and written together; an accelerator takes as many as a program has places.
SLICE = 256
#: What reading a slice that is damaged may raise.
UNREADABLE = (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile)
#: Fewer draws say little about the end of an interval.
FEWEST_KEPT = 50


@dataclass(frozen=True)
class _Options:
    """What all slices are sampled with."""

    method: Method
    settings: Settings
    seed: int
    keep: int
    precision: Precision | None
    loo: bool


@dataclass(frozen=True)
class _Slice:
    """Fits that are sampled together: their places in the plan, themselves, and the file that keeps them."""

    members: list[int]
    plans: list[Planned]
    stored: Path | None

    @property
    def scenarios(self) -> list[Scenario]:
        return [plan.scenario for plan in self.plans if plan.scenario is not None]


def fit_many(
    runs: Runs | Sequence[Runs] | Mapping[str, Runs],
    laws: str | Law | Sequence[str | Law] = "chinchilla",
    *,
    by: str | Sequence[str] | None = None,
    noise: str | Noise = "auto",
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
    loo: bool = False,
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
    noise, x
        As for :func:`scalaw.fit`, for all.
    priors : mapping, optional
        As for :func:`scalaw.fit`; each is for the laws that have its parameter.
    method : {"auto", "importance", "nuts", "laplace"}
        ``auto`` sends each posterior that importance sampling does not reach to NUTS.
    seed : int
        Keys are folded from the names of law and data set: adding one changes no other's draws.
    draws, warmup, chains, target_accept
        Of NUTS.
    keep : int
        Draws of equal weight kept of every posterior, for forecasts and plots; intervals are of all draws.
    precision : {"float64", "float32"}, optional
        Of the draws. Modes are always searched in float64.
    loo : bool
        Work out how well each fit predicts its runs when they are left out (:mod:`scalaw.infer.loo`), which may
        double the time that a large table takes.
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
        D012 for an unknown ``by`` column, D040 for no data set, D069 for two of one name, M013 for settings that make
        no sense, S004 for a folder that cannot be written; for laws, noises and priors as :func:`scalaw.fit`.
    """
    settings = checked_settings(chains, warmup, draws, target_accept)
    options = _Options(
        checked_method(method), settings, seed, _checked_keep(keep), _checked_precision(precision), loo
    )
    models = _models(laws, noise, priors)
    tables = data_sets(runs, by)
    planned = [
        _plan(m, name, table, x, allow_prior_dominated) for m in models for name, table in tables.items()
    ]
    before, clock = executable.cache_info().misses, Clock()
    done = _sampled(planned, options, _folder(resume), clock, progress)
    recipe = {
        "method": options.method,
        "seed": seed,
        "settings": settings._asdict(),
        "compilations": executable.cache_info().misses - before,
        "seconds": {"compile": clock.compile, "run": clock.run},
        "versions": versions(),
    }
    return Fits(tuple(planned), tuple(done.get(i) for i in range(len(planned))), recipe)


def _checked_keep(keep: int) -> int:
    if keep < FEWEST_KEPT:
        fix = f"at least {FEWEST_KEPT} draws of each fit"
        raise ScalawError("M013", f"keep={keep}", "fit_many", fix=fix)
    return keep


def _checked_precision(precision: Precision | None) -> Precision | None:
    known = get_args(Precision.__value__)
    if precision is not None and precision not in known:
        raise ScalawError("M013", f"precision={precision!r}", "fit_many", fix=f"one of {', '.join(known)}")
    return precision


def _folder(resume: str | Path | None) -> Path | None:
    if resume is None:
        return None
    folder = Path(resume)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScalawError("S004", f"cannot write there: {error.strerror}", str(folder)) from error
    return folder


def _models(
    laws: str | Law | Sequence[str | Law], noise: str | Noise, priors: Mapping[str, str | Prior] | None
) -> list[ScalingModel]:
    """A model per law, each with those of the priors that are about its parameters or its noise's."""
    chosen = [laws] if isinstance(laws, str | Law) else list(laws)
    if not chosen:
        raise ScalawError("M013", "no law to fit", "fit_many", fix="give at least one, e.g. 'chinchilla'")
    given = dict(priors or {})
    known = [{p.name for p in model_of(law, noise=noise).free} for law in chosen]
    for name in set(given).difference(*known):
        model_of(chosen[0], noise=noise, priors={name: given[name]})  # raises: no law has this parameter
    return [
        model_of(law, noise=noise, priors={name: given[name] for name in given.keys() & names})
        for law, names in zip(chosen, known, strict=True)
    ]


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


def _plan(model: ScalingModel, name: str, table: Runs, x: str | None, allowed: bool) -> Planned:
    """A scenario with what is to be known about its table, or the reason why it cannot be fitted."""
    try:
        full = f"{model.label}/{model.noise.name}/{name}"
        along = table.along(x) if x else table
        bound, scenario, warned = checked_scenario(along, model, allow_prior_dominated=allowed, name=full)
    except ScalawError as error:
        return Planned(model, name, table, None, (), str(error))
    return Planned(model, name, bound, scenario, warned, "")


def _sampled(
    planned: Sequence[Planned], options: _Options, folder: Path | None, clock: Clock, progress: Progress
) -> dict[int, Summary]:
    """Summaries of all fits that can be made, by their places in the plan."""
    slices = list(_slices(planned, options, folder))
    found = _read_all(slices)
    missing = [one for one, summaries in zip(slices, found, strict=True) if summaries is None]
    _compile(missing, options, clock, progress)
    done: dict[int, Summary] = {}
    total = sum(len(one.members) for one in slices)
    for one, summaries in zip(slices, found, strict=True):
        if summaries is None:
            summaries = _sample_slice(one, options, clock, progress)
            if one.stored is not None:
                write(one.stored, summaries)
        done |= dict(zip(one.members, summaries, strict=True))
        progress(f"{len(done)} of {total} fits done")
    return done


def _slices(planned: Sequence[Planned], options: _Options, folder: Path | None) -> Iterator[_Slice]:
    """Fits of one structure and one bucket, at most :data:`SLICE` together."""
    length = SLICE if setting().platform == "cpu" else ACCELERATOR_PLACES[-1]
    groups: dict[Any, list[int]] = {}
    for i, plan in enumerate(planned):
        if plan.scenario is not None:
            groups.setdefault((plan.model.structure(), bucket(plan.scenario.rows)), []).append(i)
    for members in groups.values():
        for start in range(0, len(members), length):
            chosen = members[start : start + length]
            plans = [planned[i] for i in chosen]
            stored = None if folder is None else folder / f"{_digest(plans, options)}.npz"
            yield _Slice(chosen, plans, stored)


def _compile(slices: Sequence[_Slice], options: _Options, clock: Clock, progress: Progress) -> None:
    """Compile what the slices surely need side by side, rather than one law after the other."""
    if not slices:
        return
    progress(f"compiling for {', '.join(dict.fromkeys(one.plans[0].model.label for one in slices))}")
    method, settings = options.method, options.settings
    keys = []
    for _, group in grouped([one.scenarios[0] for one in slices]):
        keys += sampling_keys(group, method, settings, EFFORT, options.precision, evidence=True)
        keys += [loo_key(group, method, settings)] if options.loo else []
    # programs are traced one after the other: a small one compiles while the next is traced
    compile_keys([*summary_keys(method, settings), *keys], clock)


def _sample_slice(one: _Slice, options: _Options, clock: Clock, progress: Progress) -> list[Summary]:
    sampled = sample(
        one.scenarios,
        options.settings,
        options.seed,
        progress,
        options.method,
        precision=options.precision,
        evaluated=False,
        evidence=True,
    )
    clock.compile += sampled[0].clock.compile
    clock.run += sampled[0].clock.run
    return summarise(sampled, [plan.warned for plan in one.plans], options.keep, clock, options.loo)


def _read_all(slices: Sequence[_Slice]) -> list[list[Summary] | None]:
    """Slices that were finished before; with several processes, those that all of them can read."""
    found = [_read(one) for one in slices]
    if not any(one.stored for one in slices):
        return found
    mine = np.array([[summaries is not None for summaries in found]])
    everywhere = gathered(mine, jax.process_count()).all(axis=0)
    return [summaries if usable else None for summaries, usable in zip(found, everywhere, strict=True)]


def _read(one: _Slice) -> list[Summary] | None:
    """A stored slice; one that is damaged is made again."""
    if one.stored is None or not one.stored.is_file():
        return None
    try:
        found = read(one.stored)
    except UNREADABLE:
        return None
    return found if len(found) == len(one.plans) else None


def _digest(plans: Sequence[Planned], options: _Options) -> str:
    """Names a slice by everything that its results depend on."""
    about: list[Any] = [options, EFFORT, versions()]
    for plan in plans:
        if plan.scenario is not None:
            priors = prior_digest(plan.model, plan.scenario.refs)
            data = (plan.runs.digest, plan.runs.columns.get("x"))
            about.append((plan.scenario.name, *data, plan.model.law.digest, priors))
    return hashlib.sha256(repr(about).encode()).hexdigest()[:24]
