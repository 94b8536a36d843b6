"""Mode search and curvature: Levenberg–Marquardt on any law and any noise.

One job is one start of one scenario; jobs run one after the other inside one compiled call, so many starts, a bootstrap of the
mode and a batch of data sets are the same program. Each step solves a damped Gauss–Newton system: rows enter by the
iteratively reweighted least-squares weight of their noise (score over residual, which is never negative and majorises
Student-t, Laplace and normal alike), noise parameters by their outer product of scores, the prior by its curvature.
The covariance handed on replaces the row weights by the mean squared score (the empirical Fisher information of the location),
which is finite for a Laplace noise too and always positive definite.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from scalaw.infer.executables import dynamic_map, take
from scalaw.model.scaling_model import Arrays, Structure, constrain, location, log_density

ITERATIONS = 100
TOLERANCE = 1e-10  # predicted gain in log density at which a search has arrived
LONGEST_STEP = 3.0  # in unconstrained coordinates: nats of a positive parameter


class Mode(NamedTuple):
    """End of one search: ``z`` (coordinates,), ``log_density``, lower-triangular ``whiten`` with
    ``whiten @ whiten.T`` the covariance, and ``values`` in reference units.
    """

    z: Any
    log_density: Any
    whiten: Any
    values: Any


class _Curvature(NamedTuple):
    gradient: Any
    newton: Any  # majorising curvature, for steps
    fisher: Any  # expected curvature, for covariances


def _rows(structure: Structure, arrays: Arrays, z: Any, fixed_location: Any) -> Any:
    values = constrain(structure, arrays, z)
    return structure.parts.noise.log_prob(arrays.y, fixed_location, values)


def _curvature(structure: Structure, arrays: Arrays, z: Any) -> _Curvature:
    w = arrays.row_weight
    where = lambda z: location(structure, arrays, constrain(structure, arrays, z))  # noqa: E731
    center = where(z)
    jacobian = jax.jacfwd(where)(z)
    score = jax.grad(lambda at: jnp.sum(_rows(structure, arrays, z, at)))(center)
    residual = arrays.y - center
    tiny = 1e-12 + 1e-6 * jnp.sqrt(jnp.sum(w * residual**2) / jnp.maximum(jnp.sum(w), 1.0))
    weight = jnp.abs(score) / jnp.maximum(jnp.abs(residual), tiny)
    information = jnp.sum(w * score**2) / jnp.maximum(jnp.sum(w), 1.0)
    noise_scores = jax.jacfwd(lambda z: _rows(structure, arrays, z, center))(z)
    noise = noise_scores.T @ (w[:, None] * noise_scores)
    prior = partial(log_density, structure, arrays, likelihood=False)
    prior_curvature = jnp.diag(jnp.maximum(-jnp.diag(jax.hessian(prior)(z)), 1e-2))
    gradient = jacobian.T @ (w * score) + noise_scores.T @ w + jax.grad(prior)(z)
    rest = noise + prior_curvature
    return _Curvature(
        gradient,
        jacobian.T @ ((w * weight)[:, None] * jacobian) + rest,
        information * (jacobian.T @ (w[:, None] * jacobian)) + rest,
    )


class _Search(NamedTuple):
    z: Any
    log_density: Any
    damping: Any
    promise: Any
    fisher: Any
    iteration: Any


def find_mode(structure: Structure, arrays: Arrays, start: Any) -> Mode:
    """Climb from one start, shape (coordinates,)."""
    objective = partial(log_density, structure, arrays)

    def step(search: _Search) -> _Search:
        curvature = _curvature(structure, arrays, search.z)
        damped = curvature.newton + search.damping * jnp.diag(jnp.diag(curvature.newton))
        move = jnp.linalg.solve(damped, curvature.gradient)
        move = move * jnp.minimum(1.0, LONGEST_STEP / jnp.maximum(jnp.max(jnp.abs(move)), 1e-300))
        proposal = search.z + move
        value = objective(proposal)
        better = value > search.log_density  # False for NaN
        promise = jnp.abs(curvature.gradient @ move)
        return _Search(
            jnp.where(better, proposal, search.z),
            jnp.where(better, value, search.log_density),
            jnp.where(better, search.damping * 0.2, search.damping * 5.0 + 1e-6),
            promise,
            curvature.fisher,
            search.iteration + 1,
        )

    def going(search: _Search) -> Any:
        return (search.iteration < ITERATIONS) & (search.promise > TOLERANCE) & (search.damping < 1e10)

    first = objective(start)
    first = jnp.where(jnp.isfinite(first), first, -jnp.inf)
    end = jax.lax.while_loop(going, step, _Search(start, first, 1e-2, jnp.inf, jnp.eye(start.size), 0))
    covariance = jnp.linalg.inv(end.fisher)
    whiten = jnp.linalg.cholesky(0.5 * (covariance + covariance.T))
    values = structure.join(constrain(structure, arrays, end.z))
    return Mode(end.z, end.log_density, whiten, values)


def mode_executable(structure: Structure, jobs: int) -> Any:
    """Program ``(arrays, scenario, starts, row_weight, count) -> Mode`` with ``jobs`` places.

    ``scenario`` (jobs,) says which scenario of the batch a start (jobs, coordinates) belongs to, ``row_weight``
    (jobs, rows) replaces its weights; only the first ``count`` jobs are run.
    """

    def run(arrays: Arrays, scenario: Any, starts: Any, row_weight: Any, count: Any) -> Mode:
        def one(i: Any) -> Mode:
            here = take(arrays, scenario[i])._replace(row_weight=row_weight[i])
            return find_mode(structure, here, starts[i])

        return dynamic_map(one, count, jobs)

    return jax.jit(run)
