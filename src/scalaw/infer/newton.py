"""Newton's method near a mode: where curvature is known exactly, five steps do what twenty of a majoriser do.

The search of a mode (:mod:`scalaw.infer.point`) must arrive from anywhere, so its steps use a curvature that is never
too small; near the mode it closes in by a constant factor. A replicate of a bootstrap starts near its mode: here
every step solves with the exact second derivatives of the log density, damped where a step fails or where they
are not positive definite. An end has **arrived** where the curvature is positive definite and promises no more than
the search's tolerance; what does not arrive (a density with kinks has no second derivative to use) ends at the best
place that was met and is left to the search.

On 245 chinchilla runs a replicate takes 0.14 ms instead of 0.55 under Student-t noise, and 0.22 instead of 1.5 for
Huber's loss, on one core. It is a program of its own, which a single fit need not wait for.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_factor, cho_solve

from scalaw.infer.executables import dynamic_map, take
from scalaw.infer.lanes import chunk_arguments, run_batch
from scalaw.infer.point import FLATTEST, LONGEST_STEP, TOLERANCE
from scalaw.infer.programs import Clock, Program, compile_all
from scalaw.infer.search import searching
from scalaw.model.program import log_density, natural, start_near, values_at
from scalaw.model.structure import Arrays, Structure

ITERATIONS = 30
#: Damping up to which a promise can be believed, and at which no step is left to try.
LIGHT, STUCK = 1e-2, 1e6
#: Two heights are told apart from this share of them on.
ROUNDING = 1e-14


class Ends(NamedTuple):
    """Where it ended, in sampling and own coordinates and in reference units, how high, and whether at a mode."""

    position: Any
    z: Any
    values: Any
    log_density: Any
    arrived: Any


class _Search(NamedTuple):
    candidate: Any
    position: Any
    log_density: Any
    gradient: Any
    curvature: Any
    damping: Any
    promise: Any
    iteration: Any


def approach(structure: Structure, arrays: Arrays, start: Any) -> Ends:
    """The mode near a start in the parameters' own coordinates, or the best place met on the way."""

    def slope(c: Any) -> tuple[Any, Any]:
        value, gradient = jax.value_and_grad(partial(log_density, structure, arrays))(c)
        return gradient, (value, gradient)

    def step(search: _Search) -> _Search:
        hessian, (value, gradient) = jax.jacfwd(slope, has_aux=True)(search.candidate)
        better = value >= search.log_density - ROUNDING * jnp.abs(search.log_density)  # False for NaN
        better = (better | (search.iteration == 0)) & jnp.all(jnp.isfinite(gradient))
        found = (search.candidate, value, gradient, -0.5 * (hessian + hessian.T))
        position, value, gradient, curvature = (
            jnp.where(better, new, old) for new, old in zip(found, search[1:5], strict=True)
        )
        damping = jnp.where(better, search.damping * 0.1, search.damping * 10.0 + 1e-3)
        scale = jnp.abs(jnp.diag(curvature)) + FLATTEST
        move = cho_solve(cho_factor(curvature + damping * jnp.diag(scale), lower=True), gradient)
        definite = jnp.all(jnp.isfinite(move))
        move = jnp.where(definite, move, 0.0)
        promise = jnp.where(definite & (damping <= LIGHT), gradient @ move, jnp.inf)
        move = move * jnp.minimum(1.0, LONGEST_STEP / jnp.maximum(jnp.max(jnp.abs(move)), 1e-300))
        # standing still succeeds and shrinks the damping by ten: what follows must grow it by more
        damping = jnp.where(definite, damping, damping * 100.0 + 0.1)
        return _Search(
            position + move, position, value, gradient, curvature, damping, promise, search.iteration + 1
        )

    def going(search: _Search) -> Any:
        return (search.iteration < ITERATIONS) & (search.promise > TOLERANCE) & (search.damping < STUCK)

    start = start_near(structure, arrays, start)
    nothing, one = jnp.zeros_like(start), jnp.eye(start.size)
    first = _Search(start, start, -jnp.inf, nothing, one, 1e-3, jnp.inf, 0)
    end = jax.lax.while_loop(going, step, first)
    z = natural(structure, arrays, end.position)[0]
    values = structure.join(values_at(structure, arrays, z))
    return Ends(end.position, z, values, end.log_density, end.promise <= TOLERANCE)


def approach_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, starts), count) -> Ends`` of ``places`` searches, each with arrays of its own."""

    def run(batch: tuple[Arrays, Any], count: Any) -> Ends:
        return dynamic_map(lambda i: approach(structure, *take(batch, i)), count, places)

    return jax.jit(run)


def approached(structure: Structure, arrays: Arrays, starts: np.ndarray, clock: Clock) -> Ends:
    """Ends near starts (n, coordinates), each with its own row of ``arrays``."""
    program, places = _approaching(structure, arrays)
    return run_batch(program, (arrays, starts), places=places, clock=clock)


def compile_beside(structure: Structure, one: Arrays, clock: Clock) -> None:
    """Compile this program and the search for arrays like those of one scenario, side by side."""
    arrays = jax.tree.map(lambda leaf: np.asarray(leaf)[None], one)
    start = np.zeros((1, structure.n_coordinates))
    programs = searching(structure, arrays), _approaching(structure, arrays)
    compile_all([(p, chunk_arguments((arrays, start), places)) for p, places in programs], clock)


def _approaching(structure: Structure, arrays: Arrays) -> tuple[Program, int]:
    places = searching(structure, arrays)[1]
    return Program(approach_executable, (structure, places)), places
