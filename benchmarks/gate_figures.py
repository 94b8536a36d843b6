"""Means and 5 / 95 % quantiles of importance draws and of chains, with Monte Carlo errors, and how far they differ.

All in the parameters' own unconstrained coordinates, so that errors are in the units that the sampler has to get
right, and both in compiled batches.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from scalaw.infer.chain_stats import ChainFigures, chain_figures
from scalaw.infer.executables import dynamic_map, take
from scalaw.infer.importance import Weighted
from scalaw.infer.lanes import run_batch
from scalaw.infer.programs import Clock, Program
from scalaw.infer.weighted_stats import WeightedFigures, weighted_figures
from scalaw.model.program import natural
from scalaw.model.structure import Arrays, Structure

PLACES = 2


class Estimate(NamedTuple):
    """Mean, 5 % and 95 % quantile (rows) of every free coordinate (columns), their errors, and sds (coordinates,)."""

    value: np.ndarray
    error: np.ndarray
    sd: np.ndarray


def own(structure: Structure, arrays: Arrays, position: Any) -> Any:
    """The parameters' own coordinates of positions (…, coordinates)."""
    flat = position.reshape(-1, position.shape[-1])
    return jax.vmap(lambda c: natural(structure, arrays, c)[0])(flat).reshape(position.shape)


def weighted_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, position, log_importance), count) -> WeightedFigures``, one per coordinate."""

    def one(batch: Any, i: Any) -> Any:
        arrays, position, log_importance = take(batch, i)
        z = own(structure, arrays, position)
        return jax.lax.map(partial(weighted_figures, log_weights=log_importance), z.T)

    return jax.jit(lambda batch, count: dynamic_map(partial(one, batch), count, places))


def chain_executable(places: int) -> Any:
    """Program ``(z, count) -> ChainFigures``, one per coordinate."""

    def one(batch: Any, i: Any) -> Any:
        return jax.lax.map(chain_figures, jnp.moveaxis(batch[i], -1, 0))

    return jax.jit(lambda batch, count: dynamic_map(partial(one, batch), count, places))


def of_weighted(structure: Structure, arrays: Arrays, weighted: list[Weighted]) -> WeightedFigures:
    """Figures of importance draws; leading axes (scenarios, coordinates)."""
    position = np.stack([w.position for w in weighted])
    log_importance = np.stack([w.log_importance for w in weighted])
    program = Program(weighted_executable, (structure, PLACES))
    return run_batch(program, (arrays, position, log_importance), places=PLACES, clock=Clock())


def of_chains(z: np.ndarray) -> ChainFigures:
    """Figures of chains (scenarios, chains, draws, coordinates); leading axes (scenarios, coordinates)."""
    return run_batch(Program(chain_executable, (PLACES,)), z, places=PLACES, clock=Clock())


def estimate(figures: WeightedFigures | ChainFigures, free: np.ndarray) -> Estimate:
    """What is compared, from the figures of one scenario."""
    value = np.vstack([figures.mean, np.transpose(figures.quantile)])
    error = np.vstack([figures.mcse_mean, np.transpose(figures.mcse_quantile)])
    return Estimate(value[:, free], error[:, free], np.asarray(figures.sd)[free])


def z_scores(ours: Estimate, reference: Estimate) -> np.ndarray:
    """Differences in combined Monte Carlo errors, (3, coordinates)."""
    return (ours.value - reference.value) / np.hypot(ours.error, reference.error)


def errors(ours: Estimate, reference: Estimate) -> np.ndarray:
    """Differences in standard deviations of the reference posterior, (3, coordinates)."""
    return (ours.value - reference.value) / reference.sd


def free_of(structure: Structure, learned: set[str]) -> np.ndarray:
    """Mask of the coordinates of learned parameters."""
    sizes = [n or 1 for n in structure.sizes]
    return np.repeat([name in learned for name in structure.names], sizes)
