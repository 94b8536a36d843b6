"""Runs that a law would produce: for trying designs, testing, and checking an inference against known truths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from scalaw.data import Runs, compute_6nd, parse_quantity
from scalaw.errors import ScalawError
from scalaw.laws import get_law
from scalaw.laws.law import Law
from scalaw.model.noise import Noise, get_noise


def simulate(
    law: str | Law,
    values: Mapping[str, float],
    *,
    at: Mapping[str, Any],
    noise: str | Noise = "student_t",
    seed: int = 0,
) -> Runs:
    """Draw a table of runs from a law at known parameters.

    Parameters
    ----------
    law : str or Law
    values : mapping
        The law's parameters in the paper's units and the noise's (``sigma``, ``nu``).
    at : mapping
        Covariate → values, shape (runs,) or scalar; text such as ``"70B"`` is read.
    noise : str or Noise
    seed : int

    Returns
    -------
    Runs
        With the law's covariates and a ``loss``; C = 6·N·D where N and D are given.

    Raises
    ------
    ScalawError
        M006 when a parameter or covariate is missing or unknown.

    Examples
    --------
    >>> from scalaw import simulate
    >>> truth = {"E": 1.8, "A": 480, "B": 2090, "alpha": 0.35, "beta": 0.37, "sigma": 0.005, "nu": 5}
    >>> len(simulate("chinchilla", truth, at={"N": ["1B", "2B"], "D": "20B"}, seed=1))
    2
    """
    found, observed = get_law(law), get_noise(noise)
    of_noise = {p.name for p in observed.parameters}
    values = {**dict(observed.fixed), **values}
    if missing := [name for name in of_noise if name not in values]:
        raise ScalawError("M006", f"noise {observed.name} needs {', '.join(sorted(missing))}")
    columns = {name: _numbers(value) for name, value in at.items()}
    columns = dict(zip(columns, np.broadcast_arrays(*columns.values()), strict=True))
    parameters = {name: value for name, value in values.items() if name not in of_noise}
    prediction = np.asarray(found(**columns, **parameters), np.float64)
    rng = np.random.default_rng(seed)
    log_loss = observed.draw(rng, np.log(prediction), {name: values[name] for name in of_noise}, {})
    if {"N", "D"} <= columns.keys():
        columns.setdefault("C", compute_6nd(columns["N"], columns["D"]))
    frame = pd.DataFrame({**columns, "loss": np.exp(log_loss)})
    return Runs(frame, source=f"simulated from {found.name} (seed {seed})")


def _numbers(value: Any) -> np.ndarray:
    cells = np.atleast_1d(np.asarray(value, dtype=object))
    return np.array([parse_quantity(c)[0] if isinstance(c, str) else float(c) for c in cells])
