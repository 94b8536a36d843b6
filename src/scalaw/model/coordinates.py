"""Coordinates in which posteriors of scaling laws are nearly normal.

Runs pin the loss at their centre to a fraction of a per cent, and say much less about how it splits into an
irreducible loss and amplitudes. In the parameters' own coordinates (logit of E, log of each amplitude) the
surface ``E + A + B = level`` is a thin bent sheet that no linear whitening flattens. So samplers and
searches walk in other coordinates ``c``, related to the parameters' own unconstrained coordinates ``z`` by
a bijection of known Jacobian:

- amplitudes: each is multiplied by its exponent, which gives the slope of its term in the log of the covariate.
  Runs pin slopes down as they do the level, while an amplitude and its exponent trade against each other: a flat term
  of a large amplitude looks like a steep one of a small amplitude. Where there are several, the log of the sum
  of the slopes, and the log of each over the first (both maps have determinant one);
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
COORDINATES = 2


class Places(NamedTuple):
    """Coordinates that are changed: positions of the amplitudes and of the irreducible loss (or None).

    ``exponents`` are those of the amplitudes, None for an amplitude that has no exponent of its own.
    """

    amplitudes: tuple[int, ...]
    exponents: tuple[int | None, ...]
    irreducible: int | None


def split_sum(c: Any, places: Places, fixed: Any, tie: Any) -> Any:
    """Log amplitudes from (log sum of slopes, log ratios to the first slope); the Jacobian determinant is one."""
    own = _picked(c, places)
    first = own[0] - jnp.log1p(jnp.sum(jnp.exp(own[1:])))
    moved = jnp.concatenate([first[None], first + own[1:]])
    slopes = jnp.where(_any_fixed(places, fixed), own, moved)
    return _replaced(
        c, dict(zip(places.amplitudes, _entries(slopes - _log_exponents(c, places, fixed, tie)), strict=True))
    )


def join_sum(z: Any, places: Places, fixed: Any, tie: Any) -> Any:
    """Inverse of :func:`split_sum`."""
    slopes = _picked(z, places) + _log_exponents(z, places, fixed, tie)
    joined = jnp.concatenate([jax.nn.logsumexp(slopes)[None], slopes[1:] - slopes[0]])
    moved = _entries(jnp.where(_any_fixed(places, fixed), slopes, joined))
    return _replaced(z, dict(zip(places.amplitudes, moved, strict=True)))


def _picked(c: Any, places: Places) -> Any:
    every = _entries(c)
    return jnp.stack([every[at] for at in places.amplitudes])


def _any_fixed(places: Places, fixed: Any) -> Any:
    return jnp.any(jnp.stack([fixed[at] for at in places.amplitudes]))


def _entries(c: Any) -> list[Any]:
    """The entries of a vector."""
    return [entry[0] for entry in jax.lax.split(c, [1] * len(c))]


def _replaced(c: Any, new: dict[Any, Any]) -> Any:
    """A vector with some entries replaced; indexed updates compile to many small kernels, derivatives to more."""
    return jnp.stack([new.get(at, entry) for at, entry in enumerate(_entries(c))])


def _log_exponents(z: Any, places: Places, fixed: Any, tie: Any) -> Any:
    """Log of each amplitude's exponent, zero where either is given or the amplitude follows another."""

    def one(amplitude: int, exponent: int | None) -> Any:
        if exponent is None:
            return 0.0
        here = jnp.arange(len(z)) == tie[exponent]
        learned = ~fixed[amplitude] & (tie[amplitude] == amplitude)
        return jnp.sum(jnp.where(here & learned & ~fixed, z, 0.0))

    return jnp.stack([one(*pair) for pair in zip(places.amplitudes, places.exponents, strict=True)])


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
    # E = s·(softplus(v/s) − softplus((v − width)/s)), and width − E is its mirror image; a log sigmoid is minus a
    # softplus of the other sign. All four in one operation, since the derivatives of each are many.
    low, high = v * (1.0 / SHARPNESS), (width - v) * (1.0 / SHARPNESS)
    up, down, mirrored_up, mirrored_down = jax.nn.softplus(jnp.stack([low, -low, high, -high]))
    below, above = SHARPNESS * (up - mirrored_down), SHARPNESS * (mirrored_up - down)
    log_below, log_above = jnp.log(jnp.stack([below, above]))
    constant = jnp.log1p(-jnp.exp(-width / SHARPNESS)) + jnp.log(width)
    log_jacobian = constant - down - mirrored_down - log_below - log_above
    return _replaced(c, {at: log_below - log_above}), log_jacobian
