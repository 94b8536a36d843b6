"""Compile what fits will need, and run nothing.

``warmup`` fills the compilation cache (:mod:`scalaw.infer.devices`): a fit in a later process finds its programs there
and starts in seconds. A program depends on the law, the noise, the method and the bucket of the number of runs
(:func:`scalaw.infer.executables.bucket`), so a stand-in for the runs is enough. Draws and chains of NUTS are part
of its program too: warm up with those that you will fit with.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np

from scalaw.errors import ScalawError
from scalaw.infer.batch import evaluation_key, grouped, sampling_keys
from scalaw.infer.devices import Precision, computing
from scalaw.infer.fit import checked_method, checked_settings, model_of
from scalaw.infer.importance import EFFORT
from scalaw.infer.loo import loo_use
from scalaw.infer.nuts import Settings
from scalaw.infer.programs import Clock, Key, compile_keys, key_of
from scalaw.infer.references import References
from scalaw.infer.routes import Group, Method
from scalaw.infer.scenarios import Scenario
from scalaw.infer.summaries import uses
from scalaw.laws.law import Law
from scalaw.laws.sample import STATISTICS, sample_covariates
from scalaw.model.noise import Noise
from scalaw.model.scaling_model import ScalingModel


@dataclass(frozen=True)
class Warmed:
    """How many ``programs`` there are, the ``seconds`` it took, and the ``folder`` of the cache (None: it is off)."""

    programs: int
    seconds: float
    folder: Path | None


def warmup(
    laws: str | Law | Sequence[str | Law] = "chinchilla",
    *,
    rows: int | Sequence[int] = 245,
    noise: str | Noise = "auto",
    method: str = "auto",
    draws: int = 1000,
    warmup: int = 1000,
    chains: int = 4,
    target_accept: float = 0.9,
    precision: Precision | None = None,
    loo: bool = False,
) -> Warmed:
    """Compile the programs of :func:`scalaw.fit` and :func:`scalaw.fit_many` for these laws, and run none of them.

    Parameters
    ----------
    laws : str, Law or a sequence of them
    rows : int or sequence of int
        Numbers of runs to be ready for; all with the same next power of two share their programs.
    noise, method, draws, warmup, chains, target_accept, precision, loo
        As they will be fitted with. For ``auto`` the programs of importance sampling and of NUTS.

    Returns
    -------
    Warmed

    Raises
    ------
    ScalawError
        For a law or settings that ``fit`` would refuse.
    """
    start = time.perf_counter()
    settings = checked_settings(chains, warmup, draws, target_accept)
    wanted = checked_method(method)
    methods: tuple[Method, ...] = ("importance", "nuts") if wanted == "auto" else (wanted,)
    chosen = [laws] if isinstance(laws, str | Law) else list(laws)
    sizes = [rows] if isinstance(rows, int) else list(rows)
    if not sizes or min(sizes) < 1:
        raise ScalawError("M013", f"rows={rows}", "warmup", fix="how many runs there will be, at least 1")
    stand_ins = [stand_in(model_of(law, noise=noise), n) for law in chosen for n in sizes]
    keys: list[Key] = []
    for _, group in grouped(stand_ins):
        for one in methods:
            for thorough in (False, True):  # batches and single fits; one program on a processor
                keys += sampling_keys(group, one, settings, EFFORT, precision, True, thorough)
            keys.append(evaluation_key(group, one, settings, EFFORT))
            keys += [loo_key(group, one, settings)] if loo else []
    keys += [summary for one in methods for summary in summary_keys(one, settings)]
    compile_keys(keys, Clock())
    folder = jax.config.jax_compilation_cache_dir
    seconds = time.perf_counter() - start
    return Warmed(len(set(keys)), seconds, Path(folder) if folder else None)


def summary_keys(method: Method, settings: Settings) -> list[Key]:
    """Programs that the summaries of a batch surely need."""
    with computing():
        return [key_of(*use) for use in uses(method, settings)]


def loo_key(group: Group, method: Method, settings: Settings) -> Key:
    """The program that leave-one-out of a batch surely needs."""
    with computing():
        return key_of(*loo_use(group, method, settings))


def stand_in(model: ScalingModel, rows: int) -> Scenario:
    """A scenario of a model with so many made-up runs: its arrays have the shapes of real ones."""
    law = model.law
    units = {**{c.unit: 1.0 for c in law.covariates}, "loss": 1.0}
    covariates = sample_covariates(law, np.random.default_rng(0), rows, units)
    refs = References(units, dict(STATISTICS))
    return Scenario(f"{model.label}, {rows} runs", model, covariates, np.full(rows, 0.5), np.ones(rows), refs)
