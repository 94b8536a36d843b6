"""What a bootstrap draws: multiplicities or weights of rows, or losses, for many replicates of one scenario.

Every kind replaces one leaf of a scenario's arrays by one with a leading axis of replicates, so nothing is copied and
all replicates are jobs of the program that searches the mode. Rows that are held out (weight 0) stay out; a row of
weight 2 is two rows. Replicates are drawn one after the other: asking for more keeps the first.

===========  =======================================================================================================
cases        rows, with replacement
clusters     whole groups of rows with one label, with replacement
dirichlet    weights of rows: exponential (a gamma of shape w for a row of weight w), scaled to sum to the number of
             rows: the Bayesian bootstrap
residual     losses: the law at the mode times exp of a residual drawn from all residuals, which are taken as they are:
             not centred, and not corrected for leverage. Where the noise says that rows scatter differently,
             residuals are drawn in units of its scale
===========  =======================================================================================================
"""

from __future__ import annotations

from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from scalaw.infer.batch import Sampled
from scalaw.infer.executables import key_data
from scalaw.infer.point import Mode
from scalaw.infer.programs import Clock, Program, call
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows
from scalaw.infer.search import climb
from scalaw.model.program import constrain, location
from scalaw.model.structure import Arrays, Structure

Kind = Literal["cases", "clusters", "dirichlet", "residual"]


def bootstrap_modes(
    sampled: Sampled, replicates: int, seed: int = 0, clock: Clock | None = None
) -> np.ndarray:
    """Modes with rows drawn again, in the parameters' own unconstrained coordinates, (replicates, coordinates).

    Parameters
    ----------
    sampled : Sampled
        Its mode is where every search starts.
    replicates : int
        200 give the standard deviation to 5 %.
    seed : int
    """
    scenario, clock = sampled.scenario, clock or Clock()
    arrays = redrawn(scenario, "cases", replicates, seed, clock)
    starts = np.broadcast_to(sampled.mode.z, (replicates, len(sampled.mode.z)))
    return climb(scenario.model.structure(), arrays, starts, clock).z


def redrawn(
    scenario: Scenario,
    kind: Kind,
    replicates: int,
    seed: int,
    clock: Clock,
    *,
    labels: np.ndarray | None = None,
    mode: Mode | None = None,
) -> Arrays:
    """Arrays of all replicates, every leaf with a leading axis of replicates.

    Parameters
    ----------
    scenario : Scenario
    kind : {"cases", "clusters", "dirichlet", "residual"}
    replicates, seed : int
    clock : Clock
    labels : array of int, shape (rows,), optional
        Of clusters, from 0 and none left out among the rows in use.
    mode : Mode, optional
        What residuals are of.
    """
    rng = np.random.default_rng(key_data(seed, "bootstrap", scenario.name))
    rows = padded_rows([scenario])
    one, used = arrays_of(scenario, rows), np.flatnonzero(scenario.row_weight)
    weight = scenario.row_weight[used]
    if kind == "residual":
        assert mode is not None
        return repeated(one, replicates, y=_losses(scenario, one, mode, replicates, rng, clock))
    if kind == "clusters":
        assert labels is not None
        drawn = _multiplicities(rng, np.ones(labels[used].max() + 1), replicates)[:, labels[used]] * weight
    elif kind == "dirichlet":
        drawn = rng.standard_gamma(weight, size=(replicates, len(used)))
        drawn *= weight.sum() / drawn.sum(axis=1, keepdims=True)
    else:
        drawn = _multiplicities(rng, weight, replicates)
    row_weight = np.zeros((replicates, rows))
    row_weight[:, used] = drawn
    return repeated(one, replicates, row_weight=row_weight)


def repeated(one: Arrays, replicates: int, **instead: np.ndarray) -> Arrays:
    """Arrays of one scenario for every replicate (views: nothing is copied until a chunk is cut out)."""
    arrays = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (replicates, *np.shape(leaf))), one)
    return arrays._replace(**instead)


def _multiplicities(rng: np.random.Generator, weight: np.ndarray, replicates: int) -> np.ndarray:
    """How often each is drawn, in as many draws as the weights sum to, shape (replicates, len(weight))."""
    shape, n = (replicates, round(weight.sum())), len(weight)
    alike = np.all(weight == weight[0])
    drawn = rng.integers(n, size=shape) if alike else rng.choice(n, size=shape, p=weight / weight.sum())
    drawn += n * np.arange(replicates)[:, None]
    return np.bincount(drawn.ravel(), minlength=replicates * n).reshape(replicates, n).astype(float)


def _losses(
    scenario: Scenario, one: Arrays, mode: Mode, replicates: int, rng: np.random.Generator, clock: Clock
) -> np.ndarray:
    """Log losses in reference units with residuals drawn again, shape (replicates, rows)."""
    program = Program(fitted_executable, (scenario.model.structure(),))
    where, scale = call(program, clock, one, np.asarray(mode.position))
    weight = np.asarray(one.row_weight)
    residual = (one.y - where) / scale
    drawn = rng.choice(len(weight), size=(replicates, len(weight)), p=weight / weight.sum())
    return np.where(weight > 0, where + scale * residual[drawn], one.y)


def fitted_executable(structure: Structure) -> Any:
    """Program ``(arrays, position) -> (location, scale)``, shape (rows,) each, at one position."""

    def run(arrays: Arrays, position: Any) -> tuple[Any, Any]:
        values, noise = constrain(structure, arrays, position), structure.parts.noise
        where = location(structure, arrays, values)
        scale = jnp.ones_like(where) if noise.scale is None else noise.scale(where, values, arrays.rows)
        return where, scale

    return jax.jit(run)
