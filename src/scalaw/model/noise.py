"""How an observed loss scatters around a law: observation models on the log loss.

A noise is a record: its parameters with their priors, a log density and a sampler. Laws never see noises and noises never see
laws. All of these are location–scale families of ``ln loss`` around ``ln law``:

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

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
import numpyro.distributions as dist

from scalaw.errors import ScalawError
from scalaw.laws.law import Parameter
from scalaw.laws.prior import Prior

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
        ``log_prob(y, location, values)``: log density of ``y = ln loss``, elementwise.
    draw : callable
        ``draw(rng, location, values)``: NumPy draws of ``y``, shape of ``location``.
    has_mean : callable
        ``has_mean(values)``: whether the *loss* (not its log) has a mean.
    """

    name: str
    parameters: tuple[Parameter, ...]
    log_prob: Callable[[Any, Any, Values], Any] = field(repr=False)
    draw: Callable[[np.random.Generator, Any, Values], np.ndarray] = field(repr=False)
    has_mean: bool = True

    @property
    def structure(self) -> tuple[Any, ...]:
        """What a compiled program depends on."""
        return (self.name, self.log_prob)


SIGMA = Parameter(
    "sigma", "noise", prior=Prior("LogNormal", (0.005, 1.0)), meaning="scale of the log residuals"
)
NU = Parameter("nu", "noise", prior=Prior("Gamma", (2.0, 0.1), low=1.0), meaning="degrees of freedom")

_NOISES = {
    noise.name: noise
    for noise in (
        Noise(
            "student_t",
            (SIGMA, NU),
            lambda y, location, v: dist.StudentT(v["nu"], location, v["sigma"]).log_prob(y),
            lambda rng, location, v: location + v["sigma"] * rng.standard_t(v["nu"], np.shape(location)),
            has_mean=False,
        ),
        Noise(
            "normal",
            (SIGMA,),
            lambda y, location, v: dist.Normal(location, v["sigma"]).log_prob(y),
            lambda rng, location, v: location + v["sigma"] * rng.standard_normal(np.shape(location)),
        ),
        Noise(
            "laplace",
            (SIGMA,),
            lambda y, location, v: -jnp.abs(y - location) / v["sigma"] - jnp.log(2.0 * v["sigma"]),
            lambda rng, location, v: location + v["sigma"] * rng.laplace(size=np.shape(location)),
        ),
    )
}


def get_noise(noise: str | Noise) -> Noise:
    """Noise by name.

    Raises
    ------
    ScalawError
        M002 for an unknown name.
    """
    if isinstance(noise, Noise):
        return noise
    if noise not in _NOISES:
        raise ScalawError("M002", f"unknown noise '{noise}'", fix=f"use one of {', '.join(_NOISES)}")
    return _NOISES[noise]


def noises() -> tuple[Noise, ...]:
    """Every noise there is."""
    return tuple(_NOISES.values())
