"""Mixtures of multivariate t fitted to points, as proposals that know every mode: part of the gate's references.

Fitted by expectation and maximisation (the scale mixture form of a t: Peel and McLachlan, Statistics and Computing
10, 2000) from centres that are chosen far apart (k-means++: Arthur and Vassilvitskii, 2007, in coordinates whitened
by the covariance of all points). Every covariance is that of its own points and, with the weight of a few of them, the
mean of all components' covariances at its own size, so that a component of few points stays a proposal.

Written with nothing from ``scalaw``, since it helps to judge what ``scalaw`` samples.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import solve_triangular
from jax.scipy.special import gammaln

#: Degrees of freedom of every component; even, since draws sum squares of normals.
NU = 8
#: Weight of the mean covariance in a component's own, in points.
SHRINK = 5.0
#: The same whatever the component's size: keeps one that has come down to a single point from becoming a spike.
FLOOR = 1e-3


class Mixture(NamedTuple):
    """``log_share`` (k,), −inf for a component that is not used, ``mean`` (k, d), ``root`` (k, d, d) lower triangular.

    ``root @ root.T`` is the scale of a component, ``inverse`` (k, d, d) that of the root.
    """

    log_share: Any
    mean: Any
    root: Any
    inverse: Any


def log_prob(mixture: Mixture, points: Any) -> Any:
    """Log density of points (n, d), shape (n,)."""

    def add(total: Any, part: Mixture) -> tuple[Any, None]:
        return jnp.logaddexp(total, part.log_share + _log_t(part, points)[0]), None

    return jax.lax.scan(add, jnp.full(len(points), -jnp.inf), mixture)[0]


def draws(mixture: Mixture, key: Any, n: int) -> Any:
    """Independent draws, shape (n, d)."""
    which, normal, chi = jax.random.split(key, 3)
    at = jax.random.categorical(which, mixture.log_share, shape=(n,))
    spread = jnp.sum(jax.random.normal(chi, (n, NU)) ** 2, axis=1) / NU
    e = jax.random.normal(normal, (n, mixture.mean.shape[1])) / jnp.sqrt(spread)[:, None]
    return mixture.mean[at] + jnp.einsum("nij,nj->ni", mixture.root[at], e)


def fit(points: Any, key: Any, components: int, iterations: int) -> Mixture:
    """Mixture of some components fitted to points (n, d) of equal weight."""
    whole = jnp.linalg.cholesky(_jittered(jnp.cov(points.T)))
    centres = _far_apart(points @ _inverse(whole).T, key, components)
    root = jnp.broadcast_to(whole / components ** (1 / points.shape[1]), (components, *whole.shape))
    start = Mixture(jnp.full(components, -jnp.log(components)), points[centres], root, _inverse(root))
    return jax.lax.fori_loop(0, iterations, lambda _, mixture: _improved(mixture, points), start)


def around(points: Any, size: float = 1.0) -> Mixture:
    """One component with the mean and ``size`` times the spread of points (n, d)."""
    root = size * jnp.linalg.cholesky(_jittered(jnp.cov(points.T)))
    return Mixture(jnp.zeros(1), jnp.mean(points, axis=0)[None], root[None], _inverse(root)[None])


def joined(parts: tuple[Mixture, ...], shares: tuple[float, ...]) -> Mixture:
    """A mixture of mixtures."""
    log_share = [part.log_share + np.log(share) for part, share in zip(parts, shares, strict=True)]
    rest = (jnp.concatenate(leaves) for leaves in zip(*(part[1:] for part in parts), strict=True))
    return Mixture(jnp.concatenate(log_share), *rest)


def _log_t(part: Mixture, points: Any) -> tuple[Any, Any]:
    """Log density of one component and squared distances, both (n,)."""
    d = points.shape[1]
    squared = jnp.sum(((points - part.mean) @ part.inverse.T) ** 2, axis=1)
    constant = gammaln((NU + d) / 2) - gammaln(NU / 2) - d / 2 * jnp.log(NU * jnp.pi)
    log_det = jnp.sum(jnp.log(jnp.diag(part.root)))
    return constant - log_det - 0.5 * (NU + d) * jnp.log1p(squared / NU), squared


def _improved(mixture: Mixture, points: Any) -> Mixture:
    """One step of expectation and maximisation."""
    n, d = points.shape
    log_part, squared = jax.lax.map(lambda part: _log_t(part, points), mixture)
    belongs = jax.nn.softmax(mixture.log_share[:, None] + log_part, axis=0)
    near = (NU + d) / (NU + squared)

    def moments(args: Any) -> tuple[Any, Any]:
        belongs, weight = args
        total = jnp.maximum(jnp.sum(weight), 1e-12)
        mean = weight @ points / total
        centred = points - mean
        return mean, (centred * weight[:, None]).T @ centred

    mean, scatter = jax.lax.map(moments, (belongs, belongs * near))
    count = jnp.sum(belongs, axis=1)
    within = _jittered(jnp.sum(scatter, axis=0) / n)
    # the mean covariance gives the shape, and a component's own points its size
    size = jnp.einsum("ij,kji->k", jnp.linalg.inv(within), scatter) / (d * jnp.maximum(count, 1e-12))
    shape = (SHRINK * size + FLOOR)[:, None, None] * within
    scale = (scatter + shape) / (count + SHRINK)[:, None, None]
    root = jnp.linalg.cholesky(jax.vmap(_jittered)(scale))
    return Mixture(jnp.log((count + 1.0) / jnp.sum(count + 1.0)), mean, root, _inverse(root))


def _inverse(root: Any) -> Any:
    """Inverse of lower triangular matrices (…, d, d)."""
    return solve_triangular(root, jnp.broadcast_to(jnp.eye(root.shape[-1]), root.shape), lower=True)


def _jittered(covariance: Any) -> Any:
    """A covariance that surely has a root."""
    return covariance + 1e-10 * jnp.diag(jnp.diag(covariance) + 1e-300)


def _far_apart(points: Any, key: Any, count: int) -> Any:
    """Indices of points, each drawn in proportion to its squared distance from those before it, (count,)."""
    keys = jax.random.split(key, count)
    first = jax.random.randint(keys[0], (), 0, len(points))

    def choose(distance: Any, key: Any) -> tuple[Any, Any]:
        chosen = jax.random.categorical(key, jnp.log(distance))
        return jnp.minimum(distance, jnp.sum((points - points[chosen]) ** 2, axis=1)), chosen

    distance = jnp.sum((points - points[first]) ** 2, axis=1)
    chosen = jax.lax.scan(choose, distance, keys[1:])[1]
    return jnp.concatenate([first[None], chosen])
