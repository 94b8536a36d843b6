"""Runs simulated from a model's own beliefs: the truths of simulation-based calibration, and tables drawn at them.

A truth is a draw of all parameters from their priors, and its table is what the law and the noise give there. The
centre of the runs and the statistics that priors refer to are fixed before any loss is drawn, since a prior that
moved with the losses would not be the prior that the truth came from. All tables are rows of one batch: the law is
evaluated at all truths by one compiled program.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import numpy as np

from scalaw.data import Runs
from scalaw.data.checks_vectors import checked_values
from scalaw.data.covariates import covariate_columns, table_of
from scalaw.errors import ScalawError
from scalaw.infer.executables import dynamic_map, key_data
from scalaw.infer.lanes import places_for, run_batch
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock, Program
from scalaw.infer.references import References, references
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows
from scalaw.laws.law import Law
from scalaw.laws.sample import STATISTICS
from scalaw.model.program import location, values_at
from scalaw.model.scaling_model import ScalingModel
from scalaw.model.structure import Arrays, Structure

#: A plausible truth is so far from the middle of its prior, as a share of a draw's distance.
PLAUSIBLE = 0.5


class Simulated(NamedTuple):
    """``scenarios`` and the ``truths`` behind them, (scenarios, coordinates), in reference units."""

    scenarios: list[Scenario]
    truths: np.ndarray


def simulate_scenarios(
    model: ScalingModel,
    covariates: Mapping[str, Any],
    n: int,
    seed: int = 0,
    *,
    row_data: Mapping[str, np.ndarray] | None = None,
    truths: int | None = None,
    clock: Clock | None = None,
) -> Simulated:
    """Tables of runs at truths that are drawn from the priors.

    Parameters
    ----------
    model : ScalingModel
        Held and tied parameters are held and tied in every truth.
    covariates : mapping of str to array, shape (rows,)
        Where the runs of every table lie, in base units: see :func:`points`.
    n : int
        How many tables.
    seed : int
    row_data : mapping of str to array, shape (rows,)
        What the noise reads from columns of a table, see :mod:`scalaw.model.row_data`.
    truths : int, optional
        So many plausible truths, each for an equal share of the tables, in order; by default every table has a
        truth of its own, a draw of the prior.
    clock : Clock, optional
        Is told the seconds of compiling and running.

    Returns
    -------
    Simulated
        The loss at the centre is of the order of 1: losses are in reference units.

    Raises
    ------
    ScalawError
        M006 for a covariate that is missing, M003 where the law is not finite at a truth.
    """
    empty = _without_losses(model, covariates, row_data or {})
    drawn = prior_draws(empty, n, key_data(seed, "truths", model.label)).z
    if truths is not None:
        drawn = _plausible(drawn, truths)
    structure, arrays = model.structure(), arrays_of(empty, padded_rows([empty]), hide=False)
    places = places_for(8 * (2 * structure.n_coordinates + len(arrays.y)))
    program = Program(truth_executable, (structure, places))
    made, where = run_batch(program, drawn, places=places, clock=clock or Clock(), shared=(arrays,))
    where = where[:, : empty.rows]
    if not np.all(np.isfinite(where)):
        bad = int(np.sum(~np.isfinite(where).all(axis=1)))
        what = f"law {model.label} is not finite at {bad} of {n} draws of its prior"
        raise ScalawError("M003", what, "simulation", fix="give narrower priors, or runs closer together")
    rng = np.random.default_rng(key_data(seed, "losses", model.label))
    by_name = structure.split(made)
    values = {p.name: by_name[p.name][:, None] for p in model.noise.parameters}
    loss = model.noise.response(model.noise.draw(rng, where, values, empty.noise_rows()))
    named = [replace(empty, name=f"{model.label}/{i}", loss=loss[i]) for i in range(n)]
    return Simulated(named, made)


def _plausible(drawn: np.ndarray, truths: int) -> np.ndarray:
    """The first draws (n, coordinates), drawn half-way to the prior's middle, each repeated for its tables."""
    middle = np.median(drawn, axis=0)
    few = middle + PLAUSIBLE * (drawn[:truths] - middle)
    return few[np.arange(len(drawn)) * truths // len(drawn)]


def _without_losses(
    model: ScalingModel, covariates: Mapping[str, Any], row_data: Mapping[str, np.ndarray]
) -> Scenario:
    """A scenario of runs whose losses are not known, all one."""
    table = _table(model.law, covariates)
    at, rows = points(model.law, covariates), len(table)
    refs = references(replace(table, frame=table.frame.assign(loss=1.0)), model.law)
    refs = References(refs.units, {**refs.statistics, "loss_min": STATISTICS["loss_min"]})
    return Scenario(model.label, model, at, np.ones(rows), np.ones(rows), refs, row_data)


def points(law: Law, covariates: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The law's covariates at some points, each of shape (points,), or (points, …) for vectors, from columns.

    A vector is a column per component, ``{"r[web]": …}``, or one array of shape (points, size); a schedule is a builder
    as text (:mod:`scalaw.data.schedules`).

    Raises
    ------
    ScalawError
        M006 for one that is missing, D070 to D072 for vectors and schedules that the law cannot take.
    """
    table = _table(law, covariates)
    return {c.name: checked_values(table, law, c) for c in law.covariates}


def _table(law: Law, covariates: Mapping[str, Any]) -> Runs:
    """The law's columns as a table."""
    names = {**covariates, **table_of({n: v for n, v in covariates.items() if np.ndim(v) == 2}).frame}
    columns = {c.name: covariate_columns(law, c, names) for c in law.covariates}
    if missing := [name for name, found in columns.items() if not found]:
        raise ScalawError("M006", f"law {law.name} needs {', '.join(missing)}", fix="give them by name")
    return table_of({name: names[name] for found in columns.values() for name in found})


def truth_executable(structure: Structure, places: int) -> Any:
    """Program ``(arrays, z, count) -> (values, location)`` for ``places`` truths and one table's rows.

    ``z`` (places, coordinates) in the parameters' own unconstrained coordinates; ``values`` (places, coordinates) in
    reference units, with what is held and tied; ``location`` (places, rows) on the noise's scale.
    """

    def run(arrays: Arrays, z: Any, count: Any) -> tuple[Any, Any]:
        def one(i: Any) -> tuple[Any, Any]:
            values = values_at(structure, arrays, z[i])
            return structure.join(values), location(structure, arrays, values)

        return dynamic_map(one, count, places)

    return jax.jit(run)
