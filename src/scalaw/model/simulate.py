"""Runs that a law would produce: for trying designs, testing, and checking an inference against known truths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from scalaw.data import Runs, compute_6nd, parse_quantity
from scalaw.data.checks_vectors import checked_values
from scalaw.data.covariates import SCHEDULE, covariate_columns, is_number, table_of
from scalaw.data.loss_kinds import LOSS_KINDS, SIGNED
from scalaw.errors import ScalawError
from scalaw.laws import get_law
from scalaw.laws.law import Law
from scalaw.laws.records import Covariate
from scalaw.model.noise import Noise, noise_of
from scalaw.model.row_data import read_rows, row_values
from scalaw.model.scaling_model import ScalingModel


def simulate(
    law: str | Law,
    values: Mapping[str, float],
    *,
    at: Mapping[str, Any],
    noise: str | Noise = "auto",
    seed: int = 0,
) -> Runs:
    """Draw a table of runs from a law at known parameters.

    Parameters
    ----------
    law : str or Law
    values : mapping
        The law's parameters in the paper's units and the noise's (``sigma``, ``nu``).
    at : mapping
        Column → values, shape (runs,) or scalar; text such as ``"70B"`` is read. A vector is a column per component,
        ``{"r[web]": …, "r[code]": …}``, or an array of shape (runs, size) under its name; a schedule is a builder such
        as ``"constant(peak=3e-4, steps=10000)"``. Columns that the noise reads (``loss_se``, ``loss_half_width``,
        ``trials``) are given here too.
    noise : str or Noise
    seed : int

    Returns
    -------
    Runs
        With the law's covariates, what the noise reads and a ``loss``, rounded where the noise is of rounded losses;
        C = 6·N·D where N and D are given. For a law of a share the losses are accuracies (errors, if its response is
        the error), with ``successes`` beside ``trials``.

    Raises
    ------
    ScalawError
        M006 when a parameter or covariate is missing or unknown, M015 for a noise that is not one of the law's
        response, D012 and D067 for a column that the noise needs, D070 to D072 for schedules and vectors.

    Examples
    --------
    >>> from scalaw import simulate
    >>> truth = {"E": 1.8, "A": 480, "B": 2090, "alpha": 0.35, "beta": 0.37, "sigma": 0.005, "nu": 5}
    >>> len(simulate("chinchilla", truth, at={"N": ["1B", "2B"], "D": "20B"}, seed=1))
    2
    """
    found = get_law(law)
    model = ScalingModel(found, noise_of(found, noise))
    observed = model.noise
    of_noise = {p.name for p in observed.parameters}
    values = {**dict(observed.fixed), **values}
    if missing := [name for name in of_noise if name not in values]:
        raise ScalawError("M006", f"noise {observed.name} needs {', '.join(sorted(missing))}")
    table = _table(found, at)
    columns = {str(name): column.to_numpy() for name, column in table.frame.items()}
    read = {name for data in observed.reads for name in data.columns}
    covariates = {
        c.name: checked_values(table, found, c) for c in found.covariates if _there(table, found, c)
    }
    taken = {name for c in found.covariates for name in covariate_columns(found, c, columns)}
    covariates |= {name: value for name, value in columns.items() if name not in read | taken}
    parameters = {name: value for name, value in values.items() if name not in of_noise}
    prediction = np.asarray(found(**covariates, **parameters), np.float64)
    response = found.response
    kind = {"positive": "nats", "real": SIGNED}.get(response.domain, response.name)
    kind = kind if kind in LOSS_KINDS else "accuracy"
    source = f"simulated from {found.name} (seed {seed})"
    exact = Runs(pd.DataFrame({**columns, "loss": prediction}), loss_kind=kind, source=source)
    rows = _rows(model, exact, covariates)
    of_noise = {name: values[name] for name in of_noise}
    loss = _draw(observed, exact, of_noise, rows, np.random.default_rng(seed))
    if observed.scatters == "count":
        columns["successes"] = np.round(loss * rows["trials"])
    if {"N", "D"} <= columns.keys():
        columns.setdefault("C", compute_6nd(columns["N"], columns["D"]))
    return replace(exact, frame=pd.DataFrame({**columns, "loss": loss}))


def _draw(
    noise: Noise,
    exact: Runs,
    values: dict[str, Any],
    rows: dict[str, np.ndarray],
    rng: np.random.Generator,
) -> np.ndarray:
    """Responses that scatter around exact ones; losses of few digits on the grid of those that can be printed."""
    location = noise.observed(exact.values("loss"))
    if "half_width" not in rows:
        return noise.response(noise.draw(rng, location, values, rows))
    unrounded = {**rows, "half_width": np.zeros(len(exact))}
    loss = noise.response(noise.draw(rng, location, values, unrounded))
    step = 2.0 * exact.values("loss_half_width")
    on_grid = np.round(loss / np.where(step > 0, step, 1.0)) * step
    # the grid's own rounding errors, 2.3000000000000003, would look like digits
    return np.where(step > 0, np.array([float(f"{value:.12g}") for value in on_grid]), loss)


def _rows(model: ScalingModel, exact: Runs, covariates: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """What the noise reads, in reference to the centre of the runs."""
    refs: dict[str, float] = {}
    for c in model.law.covariates:
        scaled = c.scaling == "ratio" and is_number(c)
        refs.setdefault(c.unit, float(np.exp(np.mean(np.log(covariates[c.name])))) if scaled else 1.0)
    reads = model.noise.reads
    known = read_rows(reads, exact, np.ones(len(exact), bool))
    return row_values(reads, model.law, covariates, refs, known)


def _table(law: Law, at: Mapping[str, Any]) -> Runs:
    """The columns, with quantities read and schedules left as they are written."""
    schedules = {name for c in law.covariates if c.domain == "schedule" for name in (c.name, SCHEDULE)}
    return table_of(
        {name: value if name in schedules else _numbers(value) for name, value in at.items()}, source="at"
    )


def _there(table: Runs, law: Law, c: Covariate) -> bool:
    """Whether a covariate was given; the law says which is missing (vectors of another length are refused, D071)."""
    return bool(covariate_columns(law, c, table.frame.columns))


def _numbers(value: Any) -> np.ndarray:
    cells = np.atleast_1d(np.asarray(value, dtype=object))
    read = [parse_quantity(c)[0] if isinstance(c, str) else float(c) for c in cells.ravel()]
    return np.array(read).reshape(cells.shape)
