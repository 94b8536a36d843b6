"""Mode search and curvature: a guarded Newton's method on any law and any noise.

One job is one start of one scenario; jobs run one after the other inside one compiled call, so many starts,
a bootstrap of the mode and a batch of data sets are the same program. A step solves with the exact second derivatives
of the log density, directions in which it bends upwards turned round (the absolute values of the eigenvalues), so
that steps leave saddles and climb; it is no longer than what was found to work, a length that a failure quarters and
a success doubles. From the starts of a batch it takes eight steps to arrive on 245 chinchilla runs.

A density with kinks (Laplace noise, Huber's loss) has no second derivative to go by where it matters. Its steps take
iteratively reweighted least squares: rows enter by their score over their residual, which is never negative and
majorises the density, noise parameters by their outer product of scores, the prior by a rough curvature. The
covariance handed on replaces the row weights by the mean squared score (the empirical Fisher information of the
location), row by row where rows scatter differently.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.scipy.linalg import solve_triangular

from scalaw.model.program import Evaluated, constrain, evaluated, location, natural, start_near, values_at
from scalaw.model.structure import Arrays, Structure

ITERATIONS = 100
TOLERANCE = 1e-10  # predicted gain in log density at which a search has arrived
LONGEST_STEP, SHORTEST_STEP = 2.0, 1e-12  # in sampling coordinates: nats of a positive parameter
SHRINK, GROW = 0.25, 2.0  # of the longest step, after one that failed and one that did not
FLATTEST = 1e-2  # least curvature in any direction
ROUNDING = 1e-14  # two heights are told apart from this share of them on


class Mode(NamedTuple):
    """End of one search.

    ``position`` (coordinates,) in sampling coordinates and ``z`` in the parameters' own,
    ``log_density``, ``whiten`` with ``whiten @ whiten.T`` the covariance of the position, ``values`` in reference
    units, and whether the search ``arrived`` where no step promises anything.
    """

    position: Any
    z: Any
    log_density: Any
    whiten: Any
    values: Any
    arrived: Any


class _Place(NamedTuple):
    """What a search knows of one position.

    Steps go by ``bends`` (d,), positive, along ``directions`` (d, d), the columns; whitening by ``information``, where
    it is not the same.
    """

    position: Any
    found: Evaluated
    gradient: Any
    bends: Any
    directions: Any
    information: Any | None


class _Search(NamedTuple):
    candidate: Any
    best: _Place
    longest: Any
    promise: Any
    iteration: Any


def find_mode(structure: Structure, exact: bool, arrays: Arrays, start: Any) -> Mode:
    """Climb from one start, shape (coordinates,), given in the parameters' own unconstrained coordinates.

    ``exact`` steps use second derivatives, others the scores. A start without a finite log density is returned as it
    is, with values NaN.
    """

    def step(search: _Search) -> _Search:
        new, best = _place(structure, exact, arrays, search.candidate), search.best
        tried = jnp.max(jnp.abs(search.candidate - best.position))
        height, known = new.found.log_density, best.found.log_density
        better = height >= known - ROUNDING * jnp.abs(known)  # False for NaN
        better &= jnp.all(jnp.isfinite(new.gradient)) & jnp.all(jnp.isfinite(new.bends))
        best = jax.tree.map(lambda new, old: jnp.where(better, new, old), new, best)
        longest = jnp.where(better, jnp.minimum(GROW * search.longest, LONGEST_STEP), SHRINK * tried)
        along = best.gradient @ best.directions
        move = best.directions @ (along / best.bends)
        promise = best.gradient @ move
        move = move * jnp.minimum(1.0, longest / jnp.maximum(jnp.max(jnp.abs(move)), 1e-300))
        return _Search(best.position + move, best, longest, promise, search.iteration + 1)

    def going(search: _Search) -> Any:
        may_move = search.longest > SHORTEST_STEP
        return (search.iteration < ITERATIONS) & (search.promise > TOLERANCE) & may_move

    near, one = start_near(structure, arrays, start), jnp.eye(start.size)
    nothing = Evaluated(start, jnp.full_like(near, jnp.nan), -jnp.inf)
    nowhere = _Place(near, nothing, jnp.zeros_like(near), jnp.ones_like(near), one, None if exact else one)
    end = jax.lax.while_loop(going, step, _Search(near, nowhere, LONGEST_STEP, jnp.inf, 0))
    position, (z, values, height), _, bends, directions, information = end.best
    root = jnp.linalg.cholesky((directions * bends) @ directions.T if exact else information)
    whiten = solve_triangular(root, one, lower=True).T
    return Mode(position, z, height, whiten, values, end.promise <= TOLERANCE)


def _place(structure: Structure, exact: bool, arrays: Arrays, c: Any) -> _Place:
    """Everything at one position, worked out in one place so that it is compiled once."""

    def height(c: Any) -> tuple[Any, Evaluated]:
        found = evaluated(structure, arrays, c)
        return found.log_density, found

    def slope(c: Any) -> tuple[Any, tuple[Evaluated, Any]]:
        gradient, found = jax.grad(height, has_aux=True)(c)
        return gradient, (found, gradient)

    if exact:
        hessian, (found, gradient) = jax.jacfwd(slope, has_aux=True)(c)
        curvature, information = -hessian, None
    else:
        _, (found, gradient) = slope(c)
        curvature, information = _of_scores(structure, arrays, c)
    directions, bends = jax.lax.linalg.eigh(curvature, symmetrize_input=False)
    return _Place(c, found, gradient, jnp.maximum(jnp.abs(bends), FLATTEST), directions, information)


def _of_scores(structure: Structure, arrays: Arrays, c: Any) -> tuple[Any, Any]:
    """Curvature for steps and curvature for covariances, both positive definite."""
    w, noise = arrays.row_weight, structure.parts.noise
    log_prob, rows = noise.log_prob, jnp.maximum(jnp.sum(w), 1.0)

    def at(c: Any) -> tuple[Any, Any]:
        z = natural(structure, arrays, c)[0]
        values = values_at(structure, arrays, z)
        where = location(structure, arrays, values)
        return (where, z), (where, values)

    (jacobian, to_z), (center, values) = jax.jacfwd(at, has_aux=True)(c)
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
    return newton, jacobian.T @ ((w * information)[:, None] * jacobian) + rest


def prior_curvature(structure: Structure, arrays: Arrays) -> Any:
    """Rough curvature of the prior per own coordinate: it shapes steps and whitening, never the answer."""
    rough = {
        "Normal": lambda a, b: b**2,
        "LogNormal": lambda a, b: b**2,
        "OrderedLogNormal": lambda a, b: b**2,
        "Gamma": lambda a, b: a + 1.0,
        "Beta": lambda a, b: (a + 1.0) * (b + 1.0) / (a + b + 3.0),
        "HalfNormal": lambda a, b: 2.0 + 0.0 * a,
    }
    per_block = [
        rough[family](arrays.prior[at : at + n, 0], arrays.prior[at : at + n, 1])
        for family, at, n in structure.blocks.values()
    ]
    return jnp.concatenate(per_block)
