"""The scaling model: law × noise (× discrepancy × pooling), and the NumPyro program made of them.

A :class:`ScalingModel` is a record. :func:`program` is the NumPyro model; it is a function of
:class:`Arrays` alone, so everything that differs between data sets, folds, priors or nested laws is data
and one compiled program serves all:

- rows are padded, and selected or repeated by ``row_weight`` (never a measurement precision);
- prior *numbers* are inputs (families are structure);
- a fixed parameter is replaced by its value after it was drawn, a tied one by its partner. The unused coordinate keeps
  its own proper prior, which integrates to one, so evidence and all other draws are unchanged.

All parameters are in reference units; ``y`` is the log of the loss over the reference loss.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from numpyro.distributions import biject_to
from numpyro.infer.util import potential_energy

from scalaw.errors import ScalawError
from scalaw.laws.law import Law, Parameter
from scalaw.laws.prior import Prior
from scalaw.model.coordinates import Places, join_sum, share_of_level, split_sum
from scalaw.model.distributions import distribution
from scalaw.model.noise import Noise


class Arrays(NamedTuple):
    """One scenario, all float64 (in a batch every leaf has a leading scenario axis).

    ``covariates``: dict of (rows,) or (rows, size); ``y``, ``row_weight``: (rows,);
    ``prior``: (parameters, 4); ``fixed``, ``fixed_value``, ``tie``: (coordinates,); ``refs``: dict of scalars.
    """

    covariates: dict[str, Any]
    y: Any
    row_weight: Any
    prior: Any
    fixed: Any
    fixed_value: Any
    tie: Any
    refs: dict[str, Any]


@dataclass(frozen=True)
class ScalingModel:
    """What is believed about a table of runs.

    Parameters
    ----------
    law : Law
        A law or a variant of one.
    noise : Noise
        Observation model of the log loss.
    priors : tuple of (str, Prior)
        Overrides by parameter name (see :func:`scalaw.infer.references.reference_prior`).
    discrepancy, pooling : None
        Their place in the signature; not built yet.
    """

    law: Law
    noise: Noise
    priors: tuple[tuple[str, Prior], ...] = ()
    discrepancy: None = None
    pooling: None = None

    def __post_init__(self) -> None:
        known = {p.name for p in self.parameters}
        for name, _ in (*self.priors, *self.fixed):
            if name not in known:
                fix = f"use one of {', '.join(sorted(known))}"
                raise ScalawError("M009", f"model {self.label} has no parameter '{name}'", fix=fix)

    @property
    def label(self) -> str:
        """Name shown to people, e.g. ``chinchilla[alpha=beta]``."""
        return self.law.name

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters of the law, then of the noise."""
        return (*self.law.parameters, *self.noise.parameters)

    @property
    def fixed(self) -> tuple[tuple[str, float], ...]:
        """Held parameters and their values in the paper's units."""
        return (*self.law.fixed, *self.noise.fixed)

    @property
    def free(self) -> tuple[Parameter, ...]:
        """Parameters that are learned."""
        held = {name for name, _ in self.noise.fixed}
        return (*self.law.free, *(p for p in self.noise.parameters if p.name not in held))

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """Length of each indexed parameter, None for scalars."""
        return tuple(self.law.size(p) for p in self.parameters)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Parameter name of every coordinate of the flat vector of values."""
        return tuple(p.name for p, n in zip(self.parameters, self.sizes, strict=True) for _ in range(n or 1))

    def prior(self, p: Parameter) -> Prior:
        """The prior in force; its numbers may still be names of statistics."""
        return dict(self.priors).get(p.name) or self.law.prior(p)

    def structure(self) -> Structure:
        """What a compiled program depends on."""
        families = tuple(self.prior(p).family for p in self.parameters)
        return Structure(
            self.law.structure, self.noise.structure, families, self.sizes, _Parts(self.law, self.noise)
        )


class _Parts:
    """Law and noise carried along without taking part in equality: the structure's key already says it all."""

    def __init__(self, law: Law, noise: Noise):
        self.law, self.noise = law, noise

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Parts)

    def __hash__(self) -> int:
        return 0


class Structure(NamedTuple):
    """Hashable key of a compiled program: law and options, noise, prior families, sizes."""

    law: tuple[Any, ...]
    noise: tuple[Any, ...]
    families: tuple[str, ...]
    sizes: tuple[int | None, ...]
    parts: _Parts

    @property
    def names(self) -> tuple[str, ...]:
        """Parameter names."""
        return tuple(p.name for p in (*self.parts.law.parameters, *self.parts.noise.parameters))

    @property
    def n_coordinates(self) -> int:
        """Length of the flat vector."""
        return sum(n or 1 for n in self.sizes)

    @property
    def n_law_coordinates(self) -> int:
        """How many coordinates, at the start of the flat vector, belong to the law."""
        return sum(n or 1 for n in self.sizes[: len(self.parts.law.parameters)])

    def owner(self, coordinate: int) -> int:
        """Index of the parameter that a coordinate belongs to."""
        return int(np.searchsorted(np.cumsum([n or 1 for n in self.sizes]), coordinate, side="right"))

    def split(self, flat: Any) -> dict[str, Any]:
        """Flat vector → dictionary by parameter; the last axis is split."""
        values, start = {}, 0
        for name, n in zip(self.names, self.sizes, strict=True):
            values[name] = flat[..., start] if n is None else flat[..., start : start + n]
            start += n or 1
        return values

    def join(self, values: dict[str, Any]) -> Any:
        """Inverse of :meth:`split` for one draw."""
        return jnp.concatenate([jnp.atleast_1d(values[name]) for name in self.names])


def _distributions(structure: Structure, arrays: Arrays) -> dict[str, Any]:
    return {
        name: distribution(family, arrays.prior[i], n)
        for i, (name, family, n) in enumerate(
            zip(structure.names, structure.families, structure.sizes, strict=True)
        )
    }


def _assemble(structure: Structure, arrays: Arrays, draws: dict[str, Any]) -> dict[str, Any]:
    """Values in reference units from raw draws: shift and stretch, then fix, then tie."""
    law = structure.parts.law
    low, stretch = arrays.prior[:, 2], arrays.prior[:, 3]
    values = {name: low[i] + stretch[i] * draws[name] for i, name in enumerate(structure.names)}
    tied = structure.split(structure.join(values)[arrays.tie])
    factors = {p.name: law.factor(p, tied, arrays.refs, jnp) for p in law.parameters}
    held = structure.split(arrays.fixed_value)
    held = {name: value / factors.get(name, 1.0) for name, value in held.items()}
    flat = jnp.where(arrays.fixed, structure.join(held), structure.join(values))
    return structure.split(flat[arrays.tie])


def places_of(structure: Structure) -> Places:
    """Which coordinates :mod:`scalaw.model.coordinates` changes."""
    law = structure.parts.law
    starts = np.cumsum([0, *[n or 1 for n in structure.sizes]])
    scalar = {
        name: (int(start), family)
        for name, start, family, n in zip(
            structure.names, starts, structure.families, structure.sizes, strict=False
        )
        if n is None
    }
    roles = [(p.role, *scalar.get(p.name, (None, ""))) for p in law.parameters]
    amplitudes = tuple(at for role, at, family in roles if role == "amplitude" and family == "LogNormal")
    level = [at for role, at, family in roles if role == "irreducible" and family == "Beta"]
    centred = law.units == "reference" and all(c.scaling != "absolute" for c in law.covariates)
    irreducible = level[0] if len(level) == 1 and centred else None
    return Places(amplitudes if len(amplitudes) > 1 else (), irreducible)


def _rest(structure: Structure, arrays: Arrays, z: Any) -> Any:
    """The law at the centre of the runs without its irreducible loss."""
    law = structure.parts.law
    values = _values(structure, arrays, z)
    values |= {p.name: 0.0 for p in law.parameters if p.role == "irreducible"}
    centre = [0.0 if c.scaling == "interval" else 1.0 for c in law.covariates]
    return law.function(*centre, **{p.name: values[p.name] for p in law.parameters})


def natural(structure: Structure, arrays: Arrays, c: Any) -> tuple[Any, Any]:
    """The parameters' own unconstrained coordinates ``z`` and the log Jacobian determinant."""
    places = places_of(structure)
    if places.amplitudes:
        c = split_sum(c, places, arrays.fixed)
    if places.irreducible is None:
        return c, 0.0
    width = arrays.prior[structure.owner(places.irreducible), 3]
    return share_of_level(c, places, arrays.fixed, width, partial(_rest, structure, arrays))


def start_near(structure: Structure, arrays: Arrays, z: Any) -> Any:
    """Sampling coordinates of ``z``, exact but for an irreducible loss at the edge of its range."""
    places = places_of(structure)
    at = places.irreducible
    if at is not None:
        width = arrays.prior[structure.owner(at), 3]
        rest = jnp.where(arrays.fixed[at], 0.0, _rest(structure, arrays, z))
        z = z.at[at].set(width * jax.nn.sigmoid(z[at]) + rest)
    return join_sum(z, places, arrays.fixed) if places.amplitudes else z


def program(structure: Structure, arrays: Arrays, likelihood: bool = True) -> None:
    """The NumPyro model of one scenario; ``likelihood=False`` leaves the prior alone."""
    draws = {name: numpyro.sample(name, d) for name, d in _distributions(structure, arrays).items()}
    if likelihood:
        values = _assemble(structure, arrays, draws)
        rows = structure.parts.noise.log_prob(arrays.y, location(structure, arrays, values), values)
        numpyro.factor("log_likelihood", jnp.sum(arrays.row_weight * rows))


def location(structure: Structure, arrays: Arrays, values: dict[str, Any]) -> Any:
    """Log of the law's prediction over the reference loss, shape (rows,)."""
    law = structure.parts.law
    covariates = [arrays.covariates[c.name] for c in law.covariates]
    return jnp.log(law.function(*covariates, **{p.name: values[p.name] for p in law.parameters}))


def _values(structure: Structure, arrays: Arrays, z: Any) -> dict[str, Any]:
    raw = structure.split(z)
    distributions = _distributions(structure, arrays)
    return _assemble(
        structure, arrays, {name: biject_to(d.support)(raw[name]) for name, d in distributions.items()}
    )


def constrain(structure: Structure, arrays: Arrays, c: Any) -> dict[str, Any]:
    """Values in reference units from a flat vector of sampling coordinates, shape (coordinates,)."""
    return _values(structure, arrays, natural(structure, arrays, c)[0])


def log_density(structure: Structure, arrays: Arrays, c: Any, likelihood: bool = True) -> Any:
    """Log prior (with the Jacobian of the sampling coordinates) plus weighted log likelihood."""
    z, log_jacobian = natural(structure, arrays, c)
    potential = potential_energy(program, (structure, arrays, likelihood), {}, structure.split(z))
    return log_jacobian - potential


def log_likelihood(structure: Structure, arrays: Arrays, values: dict[str, Any]) -> Any:
    """Log density of each row's log loss, unweighted, shape (rows,)."""
    return structure.parts.noise.log_prob(arrays.y, location(structure, arrays, values), values)


def log_prior(structure: Structure, arrays: Arrays, c: Any) -> Any:
    """Log prior density of the raw draws without any Jacobian, one value per parameter."""
    raw = structure.split(natural(structure, arrays, c)[0])
    terms = []
    for name, d in _distributions(structure, arrays).items():
        terms.append(d.log_prob(biject_to(d.support)(raw[name])))
    return jnp.stack(terms)
