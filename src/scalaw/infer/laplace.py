"""Laplace's approximation: draws of a normal at the best mode, with the covariance that its search hands on.

The cheapest posterior there is, and one without a promise: it is taken for what it is, so all draws weigh the same
(none where there is no posterior) and the verdict is LOOK at best. What importance weights would say is kept: their
Pareto k tells how far the normal is from the posterior in the tails, and their mean is the marginal likelihood where k
allows one. The normal is one of the sampling coordinates (:mod:`scalaw.model.coordinates`), in which posteriors are
less bent than in their parameters.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from scalaw.infer.bent import Bent, n_features
from scalaw.infer.executables import dynamic_map, take
from scalaw.infer.importance import Weighted, evaluated, weigh
from scalaw.infer.lanes import bytes_of_row, places_for
from scalaw.infer.pareto import kish
from scalaw.infer.programs import Program
from scalaw.model.structure import Arrays, Structure


def laplace_draws(
    structure: Structure, draws: int, arrays: Arrays, mode: Any, top: Any, whiten: Any, key: Any
) -> Weighted:
    """Draws of one scenario.

    Parameters
    ----------
    structure, arrays
        The scenario.
    draws : int
    mode : array, shape (coordinates,)
        Position of the best mode.
    top : scalar
        Its log density.
    whiten : array, shape (coordinates, coordinates)
        ``whiten @ whiten.T`` is the covariance.
    key : array, shape (2,)
    """
    d = structure.n_coordinates
    e = jax.random.normal(key, (d, draws))
    position = mode[:, None] + whiten @ e
    log_det = jnp.linalg.slogdet(whiten)[1]
    log_proposal = -0.5 * (jnp.sum(e**2, axis=0) + d * np.log(2 * np.pi)) - log_det
    values, height = evaluated(structure, arrays, position)
    straight = jnp.zeros((d, n_features(d))), jnp.zeros((d, 1 + d))
    proposal = Bent(mode, whiten, jnp.linalg.inv(whiten), log_det, *straight)
    found = weigh(position.T, values.T, height, log_proposal, top, proposal)
    even = jax.nn.log_softmax(jnp.where(jnp.isfinite(height), 0.0, -jnp.inf))
    return found._replace(log_importance=even, kish=kish(even))


def laplace_executable(structure: Structure, draws: int, places: int) -> Any:
    """Program ``((arrays, mode, top, whiten, key), count) -> Weighted`` of ``places`` scenarios."""

    def run(batch: tuple[Arrays, Any, Any, Any, Any], count: Any) -> Weighted:
        return dynamic_map(lambda i: laplace_draws(structure, draws, *take(batch, i)), count, places)

    return jax.jit(run)


def laplace_program(structure: Structure, draws: int, arrays: Arrays) -> tuple[Program, int]:
    """The approximation and its places."""
    places = places_for(bytes_of_row(arrays) + 8 * draws * (2 * structure.n_coordinates + 3))
    return Program(laplace_executable, (structure, draws, places)), places
