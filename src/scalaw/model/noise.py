"""How an observed loss scatters around a law: observation models on the log loss.

A noise is a record: its parameters with their priors, a log density and a sampler. Laws never see noises
and noises never see laws. All of these are location–scale families of ``ln loss`` around ``ln law``:

=============  ==================================================  ===========================
name           parameters                                          use
=============  ==================================================  ===========================
``student_t``  sigma, nu (degrees of freedom, above 1)             default; resists odd runs
``normal``     sigma                                               clean, replicated runs
``laplace``    sigma (the scale b; sd is b·√2)                     Bayesian twin of the field's Huber fit with δ = 1e-3
=============  ==================================================  ===========================

The prior of sigma, LogNormal(0.005, 1), comes from digitised Chinchilla runs (median residual 0.003) and from
seed-to-seed noise of 0.02 nats (arXiv:2001.08361 §4.2). ``nu`` is 1 plus Gamma(2, 0.1).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln
from numpyro import distributions as dist  # "import numpyro.distributions" trips over ArviZ's lazy numpyro

from scalaw.errors import ScalawError
from scalaw.laws.prior import Prior
from scalaw.laws.records import Parameter

Values = dict[str, Any]


@dataclass(frozen=True)
class Noise:
    """An observation model of the log loss.

    Parameters
    ----------
    name : str
        Registered name.
    parameters : tuple of Parameter
        Their role is ``"noise"``; all carry priors.
    log_prob : callable
        ``log_prob(y, location, values, rows)``: log density of ``y = ln loss``, elementwise.
    draw : callable
        ``draw(rng, location, values, rows)``: NumPy draws of ``y``, shape of ``location``.
    has_mean : bool
        Whether the *loss* (not its log) has a mean.
    fixed : tuple of (str, float)
        Parameters that are held, as in ``"student_t[nu=5]"``.
    """

    name: str
    parameters: tuple[Parameter, ...]
    log_prob: Callable[[Any, Any, Values, Values], Any] = field(repr=False)
    draw: Callable[[np.random.Generator, Any, Values, Values], np.ndarray] = field(repr=False)
    has_mean: bool = True
    fixed: tuple[tuple[str, float], ...] = ()

    @property
    def structure(self) -> tuple[Any, ...]:
        """What a compiled program depends on."""
        return (self.log_prob,)


SIGMA = Parameter(
    "sigma", "noise", prior=Prior("LogNormal", (0.005, 1.0)), meaning="scale of the log residuals"
)
NU = Parameter("nu", "noise", prior=Prior("Gamma", (2.0, 0.1), low=1.0), meaning="degrees of freedom")


def _student_t(y: Any, location: Any, v: Values, rows: Any) -> Any:
    """Student-t log density; NumPyro's own works the log gamma functions out anew for every row."""
    nu, sigma = v["nu"], v["sigma"]
    constant = gammaln(0.5 * nu + 0.5) - gammaln(0.5 * nu) - 0.5 * jnp.log(jnp.pi * nu) - jnp.log(sigma)
    return constant - (0.5 * nu + 0.5) * jnp.log1p(((y - location) / sigma) ** 2 / nu)


_NOISES = {
    noise.name: noise
    for noise in (
        Noise(
            "student_t",
            (SIGMA, NU),
            _student_t,
            lambda rng, location, v, rows: (
                location + v["sigma"] * rng.standard_t(v["nu"], np.shape(location))
            ),
            has_mean=False,
        ),
        Noise(
            "normal",
            (SIGMA,),
            lambda y, location, v, rows: dist.Normal(location, v["sigma"]).log_prob(y),
            lambda rng, location, v, rows: location + v["sigma"] * rng.standard_normal(np.shape(location)),
        ),
        Noise(
            "laplace",
            (SIGMA,),
            lambda y, location, v, rows: -jnp.abs(y - location) / v["sigma"] - jnp.log(2.0 * v["sigma"]),
            lambda rng, location, v, rows: location + v["sigma"] * rng.laplace(size=np.shape(location)),
        ),
    )
}


def get_noise(noise: str | Noise) -> Noise:
    """Noise by name, with parameters held where the name says so: ``"student_t[nu=5]"``.

    Raises
    ------
    ScalawError
        M002 for an unknown name, M009 for a variant that the noise does not have.
    """
    if isinstance(noise, Noise):
        return noise
    match = re.fullmatch(r"(\w+)(?:\[(\w+)=([^\]]+)\])?", noise.strip())
    if match is None or match[1] not in _NOISES:
        raise ScalawError("M002", f"unknown noise '{noise}'", fix=f"use one of {', '.join(_NOISES)}")
    found = _NOISES[match[1]]
    if match[2] is None:
        return found
    try:
        value = float(match[3])
    except ValueError:
        value = math.nan
    if match[2] not in {p.name for p in found.parameters} or not 0 < value < math.inf:
        names = ", ".join(p.name for p in found.parameters)
        raise ScalawError(
            "M009", f"noise '{noise}'", fix=f"hold {names} at a finite number > 0, e.g. student_t[nu=5]"
        )
    return replace(
        found, name=f"{found.name}[{match[2]}={repr(value).removesuffix('.0')}]", fixed=((match[2], value),)
    )


def noises() -> tuple[Noise, ...]:
    """Every noise there is."""
    return tuple(_NOISES.values())
