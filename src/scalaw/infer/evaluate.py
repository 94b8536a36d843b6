"""A law at points, and the log likelihood and prior of draws: one small program per structure and bucket.

The same program serves the pointwise log likelihood of a fit and the curve of a forecast; new points are
padded to a bucket like runs are, so a forecast after a fit usually compiles nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import numpy as np

from scalaw.infer.programs import Clock, Program, call
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows
from scalaw.model.program import constrain, location, log_likelihood, log_prior
from scalaw.model.structure import Arrays, Structure


class Pointwise(NamedTuple):
    """What a law says at points, per draw.

    ``location`` (draws, rows): log of the law over the reference loss; ``log_likelihood`` (draws, rows) of the
    log loss, unweighted; ``log_prior`` (draws, parameters).
    """

    location: Any
    log_likelihood: Any
    log_prior: Any


def evaluate_executable(structure: Structure) -> Any:
    """Program ``(arrays, positions) -> Pointwise`` for draws (draws, coordinates) of one scenario."""

    def one(arrays: Arrays, c: Any) -> Pointwise:
        values = constrain(structure, arrays, c)
        return Pointwise(
            location(structure, arrays, values),
            log_likelihood(structure, arrays, values),
            log_prior(structure, arrays, c),
        )

    return jax.jit(lambda arrays, positions: jax.lax.map(partial(one, arrays), positions))


def evaluate_program(structure: Structure) -> Program:
    """The program that :func:`evaluate` calls."""
    return Program(evaluate_executable, (structure,))


def evaluate(scenario: Scenario, positions: np.ndarray, clock: Clock | None = None) -> Pointwise:
    """Evaluate draws at a scenario's rows.

    Parameters
    ----------
    scenario : Scenario
        Held-out rows are evaluated like all others.
    positions : array, shape (draws, coordinates)
        Draws in the sampling coordinates of the scenario's model.
    """
    arrays = arrays_of(scenario, padded_rows([scenario]), hide=False)
    out = call(evaluate_program(scenario.model.structure()), clock or Clock(), arrays, positions)
    return Pointwise(out.location[:, : scenario.rows], out.log_likelihood[:, : scenario.rows], out.log_prior)
