"""Leave-one-out of a whole batch: how well every fit predicts each of its runs from the others.

The expected log predictive density of runs left out (PSIS-LOO, arXiv:1507.04544) of every scenario, from all draws of
its posterior, weighted or not. A scenario's log likelihood, a number per draw and run, lives inside the program
only: what comes out is one density and one Pareto k per run. The work grows with runs × draws, and with hundreds
of runs it takes longer than importance sampling itself, so a batch does it only where it is asked to.

ArviZ does the same for a single fit (:attr:`scalaw.infer.fitted.Fit.elpd_loo`), with tails as long as the effective
number of draws says; here that number is taken for the number of draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from scalaw.infer.batch import Sampled, grouped
from scalaw.infer.executables import dynamic_map, take
from scalaw.infer.importance import BLOCK, EFFORT
from scalaw.infer.lanes import bytes_of_row, chunk_arguments, places_for, run_batch
from scalaw.infer.nuts import Settings
from scalaw.infer.pareto import Loo, psis_loo
from scalaw.infer.programs import Clock, Program
from scalaw.infer.routes import Group, Method
from scalaw.model.program import constrain, log_likelihood
from scalaw.model.structure import Arrays, Structure

#: Rows that are left out side by side; a bucket of rows is a multiple of it.
ROWS = 16


class LeftOut(NamedTuple):
    """Sum over the runs (nats) with its standard error, and the largest Pareto k of all runs."""

    elpd: float
    se: float
    pareto_k: float


def loo_of(structure: Structure, arrays: Arrays, position: Any, log_importance: Any = None) -> Loo:
    """Leave-one-out of one scenario, leaves of shape (rows,); those of padding say nothing.

    Parameters
    ----------
    structure, arrays
        The scenario; its real rows come first and have a weight.
    position : array, shape (draws, coordinates)
    log_importance : array, shape (draws,), optional
        Raw log weights of the draws, None for draws from the posterior.
    """

    def of_draw(c: Any) -> Any:
        return log_likelihood(structure, arrays, constrain(structure, arrays, c))

    likelihood = jax.lax.map(of_draw, position, batch_size=BLOCK)
    rows = likelihood.shape[1]

    def of_block(b: Any) -> Loo:
        return psis_loo(jax.lax.dynamic_slice_in_dim(likelihood, b * ROWS, ROWS, axis=1), log_importance)

    used = jnp.sum(arrays.row_weight > 0)
    out = dynamic_map(of_block, -(-used // ROWS), rows // ROWS)
    return jax.tree.map(lambda leaf: leaf.reshape(rows), out)


def loo_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, position[, log_importance]), count) -> Loo`` of ``places`` scenarios."""

    def run(batch: tuple[Any, ...], count: Any) -> Loo:
        return dynamic_map(lambda i: loo_of(structure, *take(batch, i)), count, places)

    return jax.jit(run)


def loo_program(structure: Structure, arrays: Arrays, draws: int) -> tuple[Program, int]:
    """Leave-one-out by ``draws``, and its places."""
    rows = arrays.y.shape[-1]
    places = places_for(bytes_of_row(arrays) + 8 * draws * (structure.n_coordinates + 4 * rows))
    return Program(loo_executable, (structure, places)), places


def loo_use(group: Group, method: Method, settings: Settings) -> tuple[Program, tuple[Any, ...]]:
    """The program that a method surely needs, with the shapes of its arguments."""
    draws = settings.chains * settings.draws if method == "nuts" else EFFORT.draws
    program, places = loo_program(group.structure, group.arrays, draws)
    one = jax.tree.map(lambda leaf: leaf[:1], group.arrays)
    position = np.zeros((1, draws, group.structure.n_coordinates))
    weights = () if method in ("nuts", "laplace") else (np.zeros((1, draws)),)
    return program, chunk_arguments((one, position, *weights), places)


def left_out(sampled: Sequence[Sampled], clock: Clock) -> list[LeftOut]:
    """Leave-one-out of posteriors of one structure and bucket, in compiled batches of each kind of draws."""
    kinds = [_is_weighted(one) for one in sampled]
    done: dict[int, LeftOut] = {}
    for kind in set(kinds):
        chosen = [i for i, own in enumerate(kinds) if own == kind]
        ((_, group),) = grouped([sampled[i].scenario for i in chosen])
        drawn = [_draws(sampled[i]) for i in chosen]
        position, *weights = (np.stack(parts) for parts in zip(*drawn, strict=True))
        program, places = loo_program(group.structure, group.arrays, position.shape[1])
        out = run_batch(program, (group.arrays, position, *weights), places=places, clock=clock)
        done |= {i: _summed(out, j, sampled[i].scenario.rows) for j, i in enumerate(chosen)}
    return [done[i] for i in range(len(sampled))]


def _is_weighted(one: Sampled) -> bool:
    """Whether weights are to be used: Laplace's approximation is taken for the posterior."""
    return one.method == "importance"


def _draws(one: Sampled) -> tuple[np.ndarray, ...]:
    """Positions (draws, coordinates), and the raw log weights where there are any."""
    w = one.weighted
    if w is None or not _is_weighted(one):
        position = one.positions
        return (np.asarray(position.reshape(-1, position.shape[-1]), np.float64),)
    return np.asarray(w.position, np.float64), np.asarray(w.log_density - w.log_proposal, np.float64)


def _summed(out: Loo, j: int, rows: int) -> LeftOut:
    elpd, k = out.elpd[j, :rows], out.pareto_k[j, :rows]
    return LeftOut(float(elpd.sum()), float(np.sqrt(rows * elpd.var(ddof=1))), float(k.max()))
