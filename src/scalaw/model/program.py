"""The NumPyro program of a scaling model, and the densities that inference needs.

:func:`program` is the NumPyro model of one scenario, a function of a :class:`~scalaw.model.structure.Structure` and of
:class:`~scalaw.model.structure.Arrays` alone. All parameters are in reference units; ``y`` is the log of the loss over
the reference loss. A fixed parameter is replaced by its value after it was drawn, a tied one by its partner: the
unused coordinate keeps its own proper prior, which integrates to one, so evidence and all other draws are
unchanged.

Inference works on a flat vector ``c`` of sampling coordinates (:mod:`scalaw.model.coordinates`). :func:`natural` and
:func:`evaluated` are inlined jitted functions, so that a program that uses them several times traces them once.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from numpyro.distributions import biject_to
from numpyro.infer.util import log_density as log_joint

from scalaw.data.covariates import is_number
from scalaw.laws.expression import names, parse
from scalaw.laws.records import Parameter
from scalaw.model.coordinates import Places, join_sum, share_of_level, split_sum
from scalaw.model.distributions import distribution
from scalaw.model.powers import with_exponentials
from scalaw.model.structure import Arrays, Structure

#: Site of the values in reference units; no parameter can be called so.
VALUES = "reference values"


class Evaluated(NamedTuple):
    """At one position: own coordinates ``z``, ``values`` in reference units, both (coordinates,), and the density."""

    z: Any
    values: Any
    log_density: Any


def _distributions(structure: Structure, arrays: Arrays) -> dict[str, Any]:
    """Priors by block of coordinates, see :attr:`~scalaw.model.structure.Structure.blocks`."""
    return {
        name: distribution(family, arrays.prior[at : at + size])
        for name, (family, at, size) in structure.blocks.items()
    }


def _assemble(structure: Structure, arrays: Arrays, draws: dict[str, Any]) -> Any:
    """Values in reference units, a flat vector, from raw draws: shift and stretch, then fix, then tie."""
    drawn = arrays.prior[:, 2] + arrays.prior[:, 3] * jnp.concatenate(list(draws.values()))
    given = arrays.fixed_value
    if structure.floating:
        given = given * _units(structure, arrays, structure.split(_chosen(arrays, given, drawn)))
    return _chosen(arrays, given, drawn)


def _chosen(arrays: Arrays, given: Any, drawn: Any) -> Any:
    """Every coordinate's value: given or drawn, its own or its partner's."""
    values = jnp.where(arrays.fixed, given, drawn)
    # a sum, since a gather compiles to more kernels and its derivative to a scatter
    own = arrays.tie[:, None] == jnp.arange(len(values))
    return jnp.sum(jnp.where(own, values, 0.0), axis=1)


def _units(structure: Structure, arrays: Arrays, values: dict[str, Any]) -> Any:
    """What turns given values in paper units into reference units where that depends on learned parameters.

    Units contain dimensionless parameters only, and those are the same in either unit.
    """
    law = structure.parts.law
    one = {name: jnp.ones_like(value) for name, value in values.items()}
    factors = {
        p.name: one[p.name] / law.factor(p, values, arrays.refs, jnp)
        for p in law.parameters
        if p.name in structure.floating
    }
    return structure.join({**one, **factors})


def places_of(structure: Structure) -> Places:
    """Which coordinates :mod:`scalaw.model.coordinates` changes."""
    law = structure.parts.law
    starts = np.cumsum([0, *[n or 1 for n in structure.sizes]])
    scalars = {
        p.name: (p, family, int(start))
        for p, family, start, n in zip(
            law.parameters, structure.families, starts, structure.sizes, strict=False
        )
        if n is None
    }

    def of(role: str, family: str) -> list[tuple[Parameter, int]]:
        return [(p, at) for p, its, at in scalars.values() if (p.role, its) == (role, family)]

    amplitudes, level = of("amplitude", "LogNormal"), of("irreducible", "Beta")
    powers = {p.name: at for p, at in of("exponent", "LogNormal")}
    exponents = [
        [powers[name] for name in names(parse(p.dimension)) if name in powers] for p, _ in amplitudes
    ]
    # the centre of a vector is no number that every program knows
    centred = law.units == "reference" and all(
        is_number(c) and c.scaling != "absolute" for c in law.covariates
    )
    return Places(
        tuple(at for _, at in amplitudes),
        tuple(found[0] if len(found) == 1 else None for found in exponents),
        level[0][1] if len(level) == 1 and centred else None,
    )


def _rest(structure: Structure, arrays: Arrays, z: Any) -> Any:
    """The law at the centre of the runs without its irreducible loss."""
    law = structure.parts.law
    values = values_at(structure, arrays, z)
    values |= {p.name: 0.0 for p in law.parameters if p.role == "irreducible"}
    centre = [0.0 if c.scaling == "interval" else 1.0 for c in law.covariates]
    return with_exponentials(law.function)(*centre, **{p.name: values[p.name] for p in law.parameters})


@partial(jax.jit, static_argnums=0, inline=True)
def natural(structure: Structure, arrays: Arrays, c: Any) -> tuple[Any, Any]:
    """The parameters' own unconstrained coordinates ``z`` and the log Jacobian determinant."""
    places = places_of(structure)
    if places.amplitudes:
        c = split_sum(c, places, arrays.fixed, arrays.tie)
    if places.irreducible is None:
        return c, 0.0
    width = arrays.prior[places.irreducible, 3]
    return share_of_level(c, places, arrays.fixed, width, partial(_rest, structure, arrays))


def start_near(structure: Structure, arrays: Arrays, z: Any) -> Any:
    """Sampling coordinates of ``z``, exact but for an irreducible loss at the edge of its range."""
    places = places_of(structure)
    at = places.irreducible
    if at is not None:
        width = arrays.prior[at, 3]
        rest = jnp.where(arrays.fixed[at], 0.0, _rest(structure, arrays, z))
        z = z.at[at].set(width * jax.nn.sigmoid(z[at]) + rest)
    return join_sum(z, places, arrays.fixed, arrays.tie) if places.amplitudes else z


def program(structure: Structure, arrays: Arrays) -> None:
    """The NumPyro model of one scenario."""
    draws = {name: numpyro.sample(name, d) for name, d in _distributions(structure, arrays).items()}
    values = numpyro.deterministic(VALUES, _assemble(structure, arrays, draws))
    rows = log_likelihood(structure, arrays, structure.split(values))
    numpyro.factor("log_likelihood", jnp.sum(arrays.row_weight * rows))


def location(structure: Structure, arrays: Arrays, values: dict[str, Any]) -> Any:
    """The law's prediction on the noise's scale, shape (rows,): log of it over the reference loss, or a share."""
    law = structure.parts.law
    covariates = [arrays.covariates[c.name] for c in law.covariates]
    parameters = {p.name: values[p.name] for p in law.parameters}
    predicted = with_exponentials(law.function)(*covariates, **parameters)
    return jnp.log(predicted) if structure.parts.noise.scatters == "log" else predicted


def values_at(structure: Structure, arrays: Arrays, z: Any) -> dict[str, Any]:
    """Values in reference units from the parameters' own unconstrained coordinates."""
    return structure.split(_assemble(structure, arrays, _raw(structure, arrays, z)))


def _raw(structure: Structure, arrays: Arrays, z: Any) -> dict[str, Any]:
    """Draws of the priors by block."""
    blocks = structure.cut(z)
    return {name: biject_to(d.support)(blocks[name]) for name, d in _distributions(structure, arrays).items()}


def constrain(structure: Structure, arrays: Arrays, c: Any) -> dict[str, Any]:
    """Values in reference units from a flat vector of sampling coordinates, shape (coordinates,)."""
    return values_at(structure, arrays, natural(structure, arrays, c)[0])


def log_density(structure: Structure, arrays: Arrays, c: Any) -> Any:
    """Log prior (with the Jacobian of the sampling coordinates) plus weighted log likelihood."""
    return evaluated(structure, arrays, c).log_density


@partial(jax.jit, static_argnums=0, inline=True)
def evaluated(structure: Structure, arrays: Arrays, c: Any) -> Evaluated:
    """Everything at a position in sampling coordinates, worked out once."""
    z, log_jacobian = natural(structure, arrays, c)
    values, height = own_evaluated(structure, arrays, z)
    return Evaluated(z, values, log_jacobian + height)


def own_evaluated(structure: Structure, arrays: Arrays, z: Any) -> tuple[Any, Any]:
    """Values (a flat vector) and log density in the parameters' own unconstrained coordinates."""
    blocks, raw = structure.cut(z), _raw(structure, arrays, z)
    height, trace = log_joint(program, (structure, arrays), {}, raw)
    for name, d in _distributions(structure, arrays).items():
        height += jnp.sum(biject_to(d.support).log_abs_det_jacobian(blocks[name], raw[name]))
    return trace[VALUES]["value"], height


def log_likelihood(structure: Structure, arrays: Arrays, values: dict[str, Any]) -> Any:
    """Log density of each row's ``y``, unweighted, shape (rows,)."""
    return structure.parts.noise.log_prob(arrays.y, location(structure, arrays, values), values, arrays.rows)


def log_prior(structure: Structure, arrays: Arrays, c: Any) -> Any:
    """Log prior density of the raw draws without any Jacobian, one value per parameter."""
    raw = _raw(structure, arrays, natural(structure, arrays, c)[0])
    each = []
    for name, d in _distributions(structure, arrays).items():
        found = jnp.atleast_1d(d.log_prob(raw[name]))
        each.append(jnp.pad(found, (0, len(raw[name]) - len(found))))  # a joint density: at its first entry
    by_name = structure.split(jnp.concatenate(each))
    return jnp.stack([jnp.sum(by_name[name]) for name in structure.names])
