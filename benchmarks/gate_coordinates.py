"""Coordinates in which references of broken power laws are sampled: level and slope at the centre of the runs.

A break outside the runs changes which amplitude and which first exponent give the same curve inside them: the posterior
is a sheet bent along ``change × distance``, which no mixture follows far. So references walk in coordinates ``u``, in
which the amplitude is replaced by the level at the centre and the first exponent by the slope there, and all others are
sampling coordinates as they are. Any bijection with its Jacobian gives the same posterior; this one gives it sooner.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from scalaw.model.program import log_density, natural, own_evaluated, start_near, values_at
from scalaw.model.structure import Arrays, Structure

#: Slopes this close to zero are bent away from it, so that the first exponent stays positive.
SHARPNESS = 0.05


def breaks(structure: Structure) -> bool:
    """Whether the law is one that these coordinates are for."""
    return structure.parts.law.name.startswith("bnsl")


def position_of(structure: Structure, arrays: Arrays, u: Any) -> tuple[Any, Any]:
    """Sampling coordinates of ``u`` (d,) and the log of the Jacobian."""
    if not breaks(structure):
        return u, 0.0
    amplitude, exponent = _places(structure)
    level, slope = _at_centre(structure, arrays, u)
    v = (u[exponent] - slope) / SHARPNESS
    first = jnp.log(SHARPNESS) + jnp.log(jax.nn.softplus(v))
    c = u.at[exponent].set(first).at[amplitude].add(level + first)
    return c, jax.nn.log_sigmoid(v) - first


def from_position(structure: Structure, arrays: Arrays, c: Any) -> Any:
    """Inverse of :func:`position_of`."""
    if not breaks(structure):
        return c
    amplitude, exponent = _places(structure)
    level, slope = _at_centre(structure, arrays, c)
    first = jnp.exp(c[exponent]) / SHARPNESS
    v = first + jnp.log(-jnp.expm1(-first))
    return c.at[exponent].set(SHARPNESS * v + slope).at[amplitude].add(-level - c[exponent])


def from_own(structure: Structure, arrays: Arrays, z: Any) -> Any:
    """``u`` of a point in the parameters' own coordinates."""
    return from_position(structure, arrays, start_near(structure, arrays, z))


def own(structure: Structure, arrays: Arrays, u: Any) -> Any:
    """The parameters' own coordinates of ``u`` (d,)."""
    return natural(structure, arrays, position_of(structure, arrays, u)[0])[0]


def own_height(structure: Structure, arrays: Arrays, z: Any) -> Any:
    """Log density of a point in own coordinates, whatever the sampling coordinates are."""
    return own_evaluated(structure, arrays, z)[1]


def density(structure: Structure, arrays: Arrays, u: Any) -> tuple[Any, Any]:
    """Log prior and weighted log likelihood of ``u``, with the Jacobian in the former."""
    c, log_jacobian = position_of(structure, arrays, u)

    def weighted(weight: Any) -> Any:
        return log_density(structure, arrays._replace(row_weight=weight * arrays.row_weight), c)

    # affine in the weight: its value at zero is the prior, its slope the likelihood
    log_prior, log_likelihood = jax.jvp(weighted, (0.0,), (1.0,))
    return log_prior + log_jacobian, log_likelihood


def height(structure: Structure, arrays: Arrays, u: Any) -> Any:
    """Log density of ``u``."""
    c, log_jacobian = position_of(structure, arrays, u)
    return log_density(structure, arrays, c) + log_jacobian


def _places(structure: Structure) -> tuple[int, int]:
    """Coordinates of the amplitude and of the first exponent."""
    sizes = [n or 1 for n in structure.sizes]
    return tuple(sum(sizes[: structure.names.index(name)]) for name in ("b", "c0"))  # pyright: ignore


def _at_centre(structure: Structure, arrays: Arrays, c: Any) -> tuple[Any, Any]:
    """What all breaks add to the log of the level and to the slope at the centre of the runs."""
    values = values_at(structure, arrays, c)  # of breaks alone, whose coordinates are their own
    change, width = values["c"], values["f"]
    beyond = -jnp.log(values["d"]) / width
    return jnp.sum(change * width * jnp.logaddexp(beyond, 0.0)), jnp.sum(change * jax.nn.sigmoid(beyond))
