"""The scenario axis: every repeated fit is one row of a batch of arrays.

A :class:`Scenario` is one fit to be made: a model, a table of losses and covariates, row weights and
references. Folds differ in weights, simulations in losses, nested laws in the fixed mask, prior sensitivity
in prior numbers, data sets in all of it; the compiled program is the same. Everything here is NumPy: an
eager JAX call on an unpadded array would compile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from scalaw.data import Runs, check_runs
from scalaw.data.covariates import covariate_values
from scalaw.errors import Problem, ScalawError
from scalaw.infer.executables import bucket
from scalaw.infer.references import References, bind, reference_prior, references
from scalaw.laws.law import Law
from scalaw.laws.prior import Prior
from scalaw.model.distributions import prior_numbers
from scalaw.model.noise_checks import noise_problems
from scalaw.model.row_data import read_rows, row_values
from scalaw.model.scaling_model import ScalingModel
from scalaw.model.structure import Arrays

#: Codes of problems that say a parameter cannot be learned, by what the runs are or whatever they are: they ask for
#: a look at the fit.
OF_THE_RUNS = ("D040", "D041", "D042")
NOT_LEARNED = (*OF_THE_RUNS, "M016")


@dataclass(frozen=True)
class Scenario:
    """One fit to be made.

    Parameters
    ----------
    name : str
        Names its random keys; unique within a batch.
    model : ScalingModel
    covariates : mapping of str to array, shape (rows,), or (rows, …) for a vector or a reduced schedule
        By the law's covariate names, in base units.
    loss, row_weight : array, shape (rows,)
        Weights select or repeat rows: 0 leaves a row out, 2 counts it twice.
    refs : References
    row_data : mapping of str to array, shape (rows,)
        What the noise reads from columns of the table, see :mod:`scalaw.model.row_data`.
    """

    name: str
    model: ScalingModel
    covariates: Mapping[str, np.ndarray]
    loss: np.ndarray
    row_weight: np.ndarray
    refs: References
    row_data: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Number of real rows."""
        return len(self.loss)

    @cached_property
    def priors(self) -> tuple[Prior, ...]:
        """Of all parameters, in reference units."""
        return tuple(reference_prior(self.model, p, self.refs) for p in self.model.parameters)

    def at(self, covariates: Mapping[str, np.ndarray]) -> Scenario:
        """Same model and references at other points, whose losses are unknown (weight 0)."""
        n = len(next(iter(covariates.values())))
        loss = np.full(n, self.refs.units["loss"])
        return replace(self, covariates=covariates, loss=loss, row_weight=np.zeros(n), row_data={})

    def noise_rows(self, known: Mapping[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
        """What the noise reads at every row; of what is not known, what a run to come has."""
        model = self.model
        known = {**self.row_data, **(known or {})}
        return row_values(model.noise.reads, model.law, self.covariates, self.refs.units, known)


def scenario_of(
    runs: Runs,
    model: ScalingModel,
    *,
    row_weight: np.ndarray | None = None,
    refs: References | None = None,
    name: str | None = None,
) -> Scenario:
    """A scenario from a table; rows of weight 0 are held out and give their loss to nothing."""
    weight = checked_weights(runs, row_weight)
    runs = bind(model.law, runs)
    refs = refs or references(runs, model.law, weight > 0)
    covariates = {c.name: covariate_values(runs, model.law, c) for c in model.law.covariates}
    row_data = read_rows(model.noise.reads, runs, weight > 0)
    return Scenario(name or model.label, model, covariates, runs.values("loss"), weight, refs, row_data)


def checked_weights(runs: Runs, row_weight: Any = None) -> np.ndarray:
    """Row weights of a table, shape (rows,), all one by default (D056 for what are no weights)."""
    try:
        weight = np.ones(len(runs)) if row_weight is None else np.asarray(row_weight, float)
    except (TypeError, ValueError):
        weight = np.empty(0)
    if weight.shape != (len(runs),) or not np.all(np.isfinite(weight) & (weight >= 0)) or not weight.any():
        fix = "one number per run, finite and ≥ 0, not all 0"
        raise ScalawError("D056", "these are no row weights", runs.source, fix=fix)
    return weight


def table_problems(runs: Runs, used: np.ndarray, model: ScalingModel, allowed: bool) -> list[Problem]:
    """What is to be known about all runs; what can be learned is judged by those that are not held out."""
    arguments = (model.law, len(model.free) - len(model.law.free), allowed)
    found = check_runs(runs, *arguments)
    if not any(problem.severity == "E" for problem in found):
        found += noise_problems(runs, model, used)
    if used.all():
        return found
    learned = [p for p in check_runs(runs.select(used), *arguments) if p.code in OF_THE_RUNS]
    return [*learned, *(p for p in found if p.code not in OF_THE_RUNS)]


def padded_rows(scenarios: Sequence[Scenario]) -> int:
    """Bucket that holds every scenario."""
    return max(bucket(s.rows) for s in scenarios)


def arrays_of(scenario: Scenario, rows: int, hide: bool = True) -> Arrays:
    """Arrays of one scenario padded to ``rows``.

    Padding carries weight 0, covariates at their reference (vectors at those of a run), the response and what the
    noise reads at neutral values; so do held-out rows unless ``hide`` is False (then their log likelihood can be
    computed, and nothing is learned from it).
    """
    model, law, refs = scenario.model, scenario.model.law, scenario.refs.units
    noise = model.noise
    weight = _pad(scenario.row_weight, rows, 0.0)
    seen = scenario.row_weight > 0 if hide else np.ones(scenario.rows, bool)
    observed = noise.observed(scenario.loss / law.loss_ref(refs))
    y = _pad(np.where(seen, observed, noise.neutral), rows, noise.neutral)
    known = scenario.noise_rows()
    read = {}
    for data in noise.reads:
        usable = seen & np.isfinite(known[data.name])
        read[data.name] = _pad(np.where(usable, known[data.name], data.neutral), rows, data.neutral)
    reduced = law.reduce(scenario.covariates, refs)
    neutral = {"ratio": 1.0, "interval": 0.0} if law.units == "reference" else {}
    covariates = {}
    for c in law.covariates:
        values = np.asarray(reduced[c.name])
        one = values[np.argmax(seen)]
        filler: Any = neutral.get(c.scaling, one) if values.ndim == 1 else one
        kept = seen.reshape(-1, *(1 for _ in values.shape[1:]))
        covariates[c.name] = _pad(np.where(kept, values, filler), rows, filler)
    numbers = [prior_numbers(prior) for prior in scenario.priors]
    prior = np.repeat(np.stack(numbers), [n or 1 for n in model.sizes], axis=0)
    units = _used(law, refs) if model.floating else {}
    return Arrays(covariates, y, weight, prior, *_held(model, refs), units, read)


def _pad(values: Any, rows: int, filler: Any) -> np.ndarray:
    values = np.asarray(values, np.float64)
    out = np.empty((rows, *values.shape[1:]))
    out[: len(values)], out[len(values) :] = values, filler
    return out


def _used(law: Law, refs: Mapping[str, float]) -> dict[str, np.float64]:
    """References of the law's own units: others would make another program."""
    return {unit: np.float64(refs[unit]) for unit in sorted({c.unit for c in law.covariates} | {"loss"})}


def _held(model: ScalingModel, refs: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fixed mask, fixed values and tie index over the flat coordinates.

    Values are in reference units, but for those of :attr:`~scalaw.model.structure.Structure.floating`.
    """
    coordinates = model.coordinates
    fixed, ties, floating = dict(model.fixed), dict(model.law.ties), model.floating
    given = dict(fixed)
    for p in model.law.parameters:
        if fixed.get(p.name) and p.name not in floating:
            given[p.name] = fixed[p.name] / model.law.factor(p, fixed, refs)
    mask = np.array([name in fixed for name in coordinates])
    value = np.array([float(given.get(name, 0.0)) for name in coordinates])
    tie = [coordinates.index(ties[name]) if name in ties else i for i, name in enumerate(coordinates)]
    return mask, value, np.array(tie, np.int64)
