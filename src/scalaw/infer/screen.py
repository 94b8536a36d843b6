"""Where searches start: many candidates, each with its best coefficients, ranked by log density.

Candidates are draws of the prior. In most laws the irreducible loss and the amplitudes enter linearly once the
exponents are given, so each candidate's coefficients are replaced by those of a weighted linear least-squares
problem on relative residuals (variable projection), and the scale of the noise by the size of what is left. Where
a law is not linear in them this is one Gauss–Newton step. A replacement that has no finite log density, or a
lower one than the candidate had, is not used, so screening needs to know nothing about a law. Log densities are those
of the parameters' own coordinates: a ranking needs no others.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.linalg import cho_factor, cho_solve

from scalaw.model.powers import with_exponentials
from scalaw.model.program import own_evaluated, values_at
from scalaw.model.structure import Arrays, Structure

#: Prior weight of a coefficient, in rows: decides between candidates' coefficients that the runs cannot.
RIDGE = 1e-3
#: Added to a normal matrix of unit diagonal, so that columns that agree to rounding can be solved for.
SINGULAR = 1e-12
#: Change of the log of sigma, and the log of nu's distance from its least value, in starts with heavy tails.
LOG_CLOSER, LOG_TAIL = -1.0, -1.0
#: Candidates that are worked out side by side.
SCREENED = 16
#: Coefficients end inside their range by this share of it or of the candidate's value.
MARGIN = 1e-3


def screen(structure: Structure, arrays: Arrays, candidates: Any) -> Any:
    """Candidates ``z`` (n, coordinates), improved and sorted by log density, best first."""

    def height(z: Any) -> Any:
        found = own_evaluated(structure, arrays, z)[1]
        return jnp.where(jnp.isnan(found), -jnp.inf, found)

    if structure.parts.noise.scatters != "log":
        heights = jax.lax.map(height, candidates, batch_size=SCREENED)
        return candidates[jnp.argsort(-heights)]
    moved = jax.lax.map(lambda z: _projected(structure, arrays, z), candidates, batch_size=SCREENED)
    heights = jax.lax.map(height, jnp.concatenate([candidates, moved]), batch_size=SCREENED)
    before, after = heights.reshape(2, -1)
    better = jnp.where((after > before)[:, None], moved, candidates)
    return better[jnp.argsort(-jnp.maximum(after, before))]


def _projected(structure: Structure, arrays: Arrays, z: Any) -> Any:
    """``z`` with its linear coefficients solved for, and the noise's scale set to what is left."""
    law, w = structure.parts.law, arrays.row_weight
    values = values_at(structure, arrays, z)
    linear = _linear(structure)
    covariates = [arrays.covariates[c.name] for c in law.covariates]
    parameters = {p.name: values[p.name] for p in law.parameters}

    def relative(coefficients: Any) -> Any:
        known = parameters | dict(zip(linear, coefficients, strict=True))
        return with_exponentials(law.function)(*covariates, **known) * jnp.exp(-arrays.y)

    given = moved = jnp.stack([parameters[name] for name in linear]) if linear else jnp.zeros(0)
    if linear:
        at = np.array([place for place, _ in linear.values()])
        # a tied coefficient moves with its partner
        partner = (arrays.tie[at][:, None] == at).astype(given.dtype)
        free = ~arrays.fixed[at] & (arrays.tie[at] == at)
        columns = jnp.where(free, (jax.jacfwd(relative)(given) * given) @ partner, 0.0)
        change = partner @ _least_squares(columns, w, 1.0 - relative(given))
        low, stretch = arrays.prior[at, 2], arrays.prior[at, 3]
        raw = (given * jnp.maximum(1.0 + change, MARGIN) - low) / stretch
        shares = np.array([family == "Beta" for _, family in linear.values()])
        raw = jnp.where(shares, jnp.clip(raw, MARGIN, 1.0 - MARGIN), jnp.maximum(raw, 1e-300))
        z = z.at[at].set(jnp.log(raw) - jnp.where(shares, jnp.log1p(-raw), 0.0))
        moved = jnp.where(arrays.fixed[at], given, low + stretch * raw)
    sigma = _coordinate(structure, "sigma", "LogNormal")
    if sigma is None:
        return z
    left = jnp.log(relative(moved))
    scale = jnp.sqrt(jnp.sum(w * left**2) / jnp.maximum(jnp.sum(w), 1.0)) + 1e-6
    return z.at[sigma].set(jnp.log(scale))


def heavy_tailed(structure: Structure, starts: Any, which: Any) -> Any:
    """Starts (n, coordinates), of some of which the noise, where it can, takes most runs to be close and a few far off.

    Few runs often have a narrow mode in which the law meets most of them. From starts of the scatter of all it is
    rarely found: of 200 tables of ten runs the best mode of 191 is, by three starts, and of 196 with such a noise.
    """
    sigma, nu = _coordinate(structure, "sigma", "LogNormal"), _coordinate(structure, "nu", "Gamma")
    if sigma is None or nu is None:
        return starts
    starts = starts.at[:, sigma].add(jnp.where(which, LOG_CLOSER, 0.0))
    return starts.at[:, nu].set(jnp.where(which, LOG_TAIL, starts[:, nu]))


def _least_squares(columns: Any, w: Any, residual: Any) -> Any:
    """Relative changes of the coefficients, (coefficients,), of columns (rows, coefficients)."""
    one = jnp.eye(columns.shape[1])
    gram = columns.T @ (w[:, None] * columns) + RIDGE * one
    size = jnp.sqrt(jnp.diag(gram))
    scaled = gram / (size * size[:, None]) + SINGULAR * one
    return cho_solve(cho_factor(scaled), columns.T @ (w * residual) / size) / size


def _linear(structure: Structure) -> dict[str, tuple[int, str]]:
    """Coordinate and prior family of every scalar coefficient."""
    roles = {"irreducible": "Beta", "amplitude": "LogNormal"}
    found = {}
    for p in structure.parts.law.parameters:
        place = _coordinate(structure, p.name, roles.get(p.role))
        if place is not None:
            found[p.name] = place, roles[p.role]
    return found


def _coordinate(structure: Structure, name: str, family: str | None) -> int | None:
    """Coordinate of a scalar parameter whose prior is of a family."""
    if name not in structure.names:
        return None
    i = structure.names.index(name)
    if structure.sizes[i] is not None or structure.families[i] != family:
        return None
    return sum(n or 1 for n in structure.sizes[:i])
