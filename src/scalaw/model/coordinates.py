"""Coordinates in which posteriors of scaling laws are nearly normal.

Runs pin the loss at their centre to a fraction of a per cent, and say much less about how it splits into an
irreducible loss and amplitudes. In the parameters' own coordinates (logit of E, log of each amplitude) the
surface ``E + A + B = level`` is a thin bent sheet that no linear whitening flattens. So samplers and
searches walk in other coordinates ``c``, related to the parameters' own unconstrained coordinates ``z`` by
a bijection of known Jacobian:

- amplitudes: the log of their sum, and the log of each over the first (determinant one);
- irreducible loss: the level at the centre of the runs, ``level = v + law(centre, E = 0)`` with ``E =
  clip(v)``, where ``clip`` is the identity inside the prior's range and bends smoothly (over a width of 0.01 of
  the reference loss) at its ends.

Laws without such parameters keep ``c = z``; so do parameters that are held fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

SHARPNESS = 0.01
#: Version of the bijection. Saved draws are positions: raise it whenever the same position means another ``z``.
COORDINATES = 1


class Places(NamedTuple):
    """Coordinates that are changed: positions of the amplitudes and of the irreducible loss (or None)."""

    amplitudes: tuple[int, ...]
    irreducible: int | None


def split_sum(c: Any, places: Places, fixed: Any) -> Any:
    """Log amplitudes from (log sum, log ratios to the first); the Jacobian determinant is one."""
    at = jnp.array(places.amplitudes)
    total, ratio = c[at[0]], c[at[1:]]
    first = total - jnp.log1p(jnp.sum(jnp.exp(ratio)))
    moved = c.at[at].set(jnp.concatenate([first[None], first + ratio]))
    return jnp.where(jnp.any(fixed[at]), c, moved)


def join_sum(z: Any, places: Places, fixed: Any) -> Any:
    """Inverse of :func:`split_sum`."""
    at = jnp.array(places.amplitudes)
    moved = z.at[at].set(jnp.concatenate([jax.nn.logsumexp(z[at])[None], z[at[1:]] - z[at[0]]]))
    return jnp.where(jnp.any(fixed[at]), z, moved)


def share_of_level(
    c: Any, places: Places, fixed: Any, width: Any, rest: Callable[[Any], Any]
) -> tuple[Any, Any]:
    """Replace the level by the logit of E over its range; returns ``z`` and the log of the Jacobian.

    Parameters
    ----------
    c : array, shape (coordinates,)
    fixed : array of bool, shape (coordinates,)
    width : scalar
        Length of E's range in reference units.
    rest : callable
        ``rest(z)``: the law at the centre of the runs without its irreducible loss; does not depend on E.
    """
    at = places.irreducible
    v = c[at] - jnp.where(fixed[at], 0.0, rest(c))
    low, high = v / SHARPNESS, (width - v) / SHARPNESS
    # E = s·(softplus(v/s) − softplus((v − width)/s)), and width − E is its mirror image
    below = SHARPNESS * (jax.nn.softplus(low) - jax.nn.softplus(-high))
    above = SHARPNESS * (jax.nn.softplus(high) - jax.nn.softplus(-low))
    log_slope = jax.nn.log_sigmoid(low) + jax.nn.log_sigmoid(high) + jnp.log1p(-jnp.exp(-width / SHARPNESS))
    log_jacobian = log_slope + jnp.log(width) - jnp.log(below) - jnp.log(above)
    return c.at[at].set(jnp.log(below) - jnp.log(above)), log_jacobian
