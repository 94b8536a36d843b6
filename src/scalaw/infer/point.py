"""Mode search and curvature: Levenberg–Marquardt on any law and any noise.

One job is one start of one scenario; jobs run one after the other inside one compiled call, so many starts,
a bootstrap of the mode and a batch of data sets are the same program. Each step solves a damped
Gauss–Newton system with the exact gradient: rows enter by the iteratively reweighted least-squares weight
of their noise (score over residual, which is never negative and majorises Student-t, Laplace and normal
alike), noise parameters by their outer product of scores, the prior by a rough curvature. The covariance
handed on replaces the row weights by the mean squared score (the empirical Fisher information of the
location), which is finite for a Laplace noise too, row by row where rows scatter differently. Noises whose density
is skewed or flat at its top use the Hessian with the absolute values of its eigenvalues.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import cho_factor, cho_solve, solve_triangular

from scalaw.infer.executables import dynamic_map, take
from scalaw.model.program import (
    constrain,
    location,
    log_density,
    natural,
    start_near,
    values_at,
)
from scalaw.model.structure import Arrays, Structure

ITERATIONS = 100
TOLERANCE = 1e-10  # predicted gain in log density at which a search has arrived
LONGEST_STEP = 3.0  # in sampling coordinates: nats of a positive parameter
FLATTEST = 1e-2  # least curvature in any direction


class Mode(NamedTuple):
    """End of one search.

    ``position`` (coordinates,) in sampling coordinates and ``z`` in the parameters' own,
    ``log_density``, ``whiten`` with ``whiten @ whiten.T`` the covariance of the position, and
    ``values`` in reference units.
    """

    position: Any
    z: Any
    log_density: Any
    whiten: Any
    values: Any


class _Place(NamedTuple):
    """What a search knows of one position; ``newton`` is its curvature for steps, ``information`` for whitening."""

    position: Any
    z: Any
    values: Any
    log_density: Any
    gradient: Any
    newton: Any
    information: Any


class _Search(NamedTuple):
    candidate: Any
    best: _Place
    damping: Any
    promise: Any
    iteration: Any


def find_mode(structure: Structure, arrays: Arrays, start: Any) -> Mode:
    """Climb from one start, shape (coordinates,), given in the parameters' own unconstrained coordinates.

    A start without a finite log density is returned as it is, with values NaN.
    """

    def step(search: _Search) -> _Search:
        new, best = _place(structure, arrays, search.candidate), search.best
        better = (new.log_density > best.log_density) & jnp.all(jnp.isfinite(new.gradient))  # False for NaN
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), new, best)
        damping = jnp.where(better, search.damping * 0.2, search.damping * 5.0 + 1e-6)
        damped = best.newton + damping * jnp.diag(jnp.diag(best.newton))
        move = cho_solve(cho_factor(damped, lower=True), best.gradient)
        move = move * jnp.minimum(1.0, LONGEST_STEP / jnp.maximum(jnp.max(jnp.abs(move)), 1e-300))
        promise = best.gradient @ cho_solve(cho_factor(best.newton, lower=True), best.gradient)
        return _Search(best.position + move, best, damping, promise, search.iteration + 1)

    def going(search: _Search) -> Any:
        return (search.iteration < ITERATIONS) & (search.promise > TOLERANCE) & (search.damping < 1e10)

    near, one = start_near(structure, arrays, start), jnp.eye(start.size)
    nowhere = _Place(near, start, jnp.full_like(near, jnp.nan), -jnp.inf, jnp.zeros_like(near), one, one)
    best = jax.lax.while_loop(going, step, _Search(near, nowhere, 0.05, jnp.inf, 0)).best
    root = jnp.linalg.cholesky(best.information)
    whiten = solve_triangular(root, jnp.eye(start.size), lower=True).T
    return Mode(best.position, best.z, best.log_density, whiten, best.values)


def _place(structure: Structure, arrays: Arrays, c: Any) -> _Place:
    """Everything at one position, worked out in one place so that it is compiled once."""
    density = partial(log_density, structure, arrays)
    value, gradient = jax.value_and_grad(density)(c)
    if structure.parts.noise.peaked:
        z, values, *curvatures = _of_scores(structure, arrays, c)
        return _Place(c, z, structure.join(values), value, gradient, *curvatures)
    # a skewed or flat-topped density is not majorised by its scores: the bent Hessian, made positive
    heights, vectors = jnp.linalg.eigh(-jax.hessian(density)(c))
    newton = (vectors * jnp.maximum(jnp.abs(heights), FLATTEST)) @ vectors.T
    z = natural(structure, arrays, c)[0]
    return _Place(c, z, structure.join(values_at(structure, arrays, z)), value, gradient, newton, newton)


def _of_scores(structure: Structure, arrays: Arrays, c: Any) -> tuple[Any, Any, Any, Any]:
    """Own coordinates, values, curvature for steps and curvature for covariances, both positive definite."""
    w, noise = arrays.row_weight, structure.parts.noise
    log_prob, rows = noise.log_prob, jnp.maximum(jnp.sum(w), 1.0)

    def at(c: Any) -> tuple[Any, Any]:
        z = natural(structure, arrays, c)[0]
        values = values_at(structure, arrays, z)
        where = location(structure, arrays, values)
        return (where, z), (where, z, values)

    (jacobian, to_z), (center, z, values) = jax.jacfwd(at, has_aux=True)(c)
    score = jax.grad(lambda where: jnp.sum(log_prob(arrays.y, where, values, arrays.rows)))(center)
    residual = arrays.y - center
    tiny = 1e-12 + 1e-6 * jnp.sqrt(jnp.sum(w * residual**2) / rows)
    weight = jnp.abs(score) / jnp.maximum(jnp.abs(residual), tiny)
    scale = 1.0 if noise.scale is None else noise.scale(center, values, arrays.rows)
    information = jnp.sum(w * (score * scale) ** 2) / rows / scale**2
    n_law = structure.n_law_coordinates

    def noisy(tail: Any) -> Any:
        moved = constrain(structure, arrays, jnp.concatenate([c[:n_law], tail]))
        return log_prob(arrays.y, center, moved, arrays.rows)

    of_noise = jnp.pad(jax.jacfwd(noisy)(c[n_law:]), ((0, 0), (n_law, 0)))
    of_prior = to_z.T @ (prior_curvature(structure, arrays)[:, None] * to_z)
    rest = of_noise.T @ (w[:, None] * of_noise) + of_prior
    newton = jacobian.T @ ((w * weight)[:, None] * jacobian) + rest
    return z, values, newton, jacobian.T @ ((w * information)[:, None] * jacobian) + rest


def prior_curvature(structure: Structure, arrays: Arrays) -> Any:
    """Rough curvature of the prior per own coordinate: it shapes steps and whitening, never the answer."""
    rough = {
        "Normal": lambda a, b: b**-2,
        "LogNormal": lambda a, b: b**-2,
        "OrderedLogNormal": lambda a, b: b**-2,
        "Gamma": lambda a, b: a,
        "Beta": lambda a, b: a * b / (a + b + 1.0),
        "HalfNormal": lambda a, b: 2.0 + 0.0 * a,
    }
    per_parameter = [
        jnp.full(n or 1, rough[family](arrays.prior[i, 0], arrays.prior[i, 1]))
        for i, (family, n) in enumerate(zip(structure.families, structure.sizes, strict=True))
    ]
    return jnp.concatenate(per_parameter)


def mode_executable(structure: Structure, places: int) -> Any:
    """Program ``((arrays, starts), count) -> Mode`` of ``places`` searches, each with arrays of its own."""

    def run(batch: tuple[Arrays, Any], count: Any) -> Mode:
        return dynamic_map(lambda i: find_mode(structure, *take(batch, i)), count, places)

    return jax.jit(run)
