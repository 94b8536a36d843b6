"""A law at points, and the log likelihood and prior of draws: one small program per structure and bucket.

The same program serves the pointwise log likelihood of a fit and the curve of a forecast; new points are padded to a bucket like
runs are, so a forecast after a fit usually compiles nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import numpy as np

from scalaw.infer.batch import Build, Clock, call
from scalaw.infer.devices import computing
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows
from scalaw.model.scaling_model import Arrays, Structure, constrain, location, log_likelihood, log_prior


class Evaluated(NamedTuple):
    """``location`` (draws, rows): log of the law over the reference loss; ``log_likelihood`` (draws, rows) of the
    log loss, unweighted; ``log_prior`` (draws, parameters).
    """

    location: Any
    log_likelihood: Any
    log_prior: Any


def evaluate_executable(structure: Structure) -> Any:
    """Program ``(arrays, z) -> Evaluated`` for draws ``z`` (draws, coordinates) of one scenario."""

    def one(arrays: Arrays, z: Any) -> Evaluated:
        values = constrain(structure, arrays, z)
        return Evaluated(
            location(structure, arrays, values),
            log_likelihood(structure, arrays, values),
            log_prior(structure, arrays, z),
        )

    return jax.jit(lambda arrays, z: jax.lax.map(lambda draw: one(arrays, draw), z, batch_size=64))


def evaluate(scenario: Scenario, z: np.ndarray, clock: Clock | None = None) -> Evaluated:
    """Evaluate draws at a scenario's rows.

    Parameters
    ----------
    scenario : Scenario
        Held-out rows are evaluated like all others.
    z : array, shape (draws, coordinates)
        Unconstrained draws of the scenario's model.
    """
    arrays = arrays_of(scenario, padded_rows([scenario]), hide=False)
    build = Build(evaluate_executable, (scenario.model.structure(),))
    with computing():
        out = call(build, clock or Clock(), arrays, z)
    return Evaluated(out.location[:, : scenario.rows], out.log_likelihood[:, : scenario.rows], out.log_prior)
