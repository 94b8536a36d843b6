"""Noises of the log of a positive response such as a loss: ``ln loss`` around ``ln law``.

============  ==========================  =====================================================================
name          parameters                  use
============  ==========================  =====================================================================
student_t     sigma, nu                   default; resists odd runs
normal        sigma                       clean, replicated runs
laplace       sigma (b; sd is b·√2)       Bayesian twin of the field's Huber fit with δ = 1e-3
growing       sigma, nu, rate             small runs scatter more: scale is sigma · (size / centre)^-rate
one_sided     sigma, excess               under-tuned runs lie above the law: normal plus exponential of mean
                                          ``excess``; the law is then what a tuned run reaches
known_se      sigma                       column ``loss_se``: sd is √(sigma² + (loss_se / loss)²)
rounded       sigma                       losses printed with few digits: a normal, averaged over the interval that
                                          rounds to the printed loss (half of it: ``loss_half_width``)
============  ==========================  =====================================================================

Where the numbers of the priors come from:

- ``sigma`` ~ LogNormal(0.005, 1): digitised Chinchilla runs (median residual 0.003) and seed-to-seed noise of 0.02
  nats (arXiv:2001.08361 §4.2). ``nu`` is 1 plus Gamma(2, 0.1).
- ``rate`` ~ HalfNormal(0.15): a Student-t with such a scale around Chinchilla's law, fitted by maximum likelihood to
  ten sweeps of arXiv:2406.19146, gives rates of 0.04 to 0.21 (standard errors near 0.04); on the runs of
  arXiv:2203.15556 figure 4 and arXiv:2407.21783 figure 2 it is not above 0.
- ``excess`` ~ HalfNormal(0.03): over whole grids of learning rate and batch size the final losses of
  arXiv:2503.04715 (1743 runs, 17 settings of N and D) lie in the median 0.029 and in the mean 0.042 nats of log loss
  above the best of their grid; runs tuned with care lie within 0.0025 (what arXiv:2401.02954 §3.1 calls near-optimal).

``rounded`` reports a *mean density* over the rounding interval, which is the probability of the printed loss over
the interval's length, so its log scores compare with those of the other noises. As a density of ``y`` given the
interval's length it is what a printed loss has when the grid of printable losses lies anywhere with equal chance,
and so it is drawn.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from scalaw.laws.prior import Prior
from scalaw.laws.records import Parameter
from scalaw.model.noise_record import Noise, Values
from scalaw.model.row_data import HALF_WIDTH, LOG_SIZE, LOSS_SE
from scalaw.model.special import LOG_ROOT_2PI, log_exp_normal, log_half_step, log_mean_normal

SIGMA = Parameter(
    "sigma", "noise", prior=Prior("LogNormal", (0.005, 1.0)), meaning="scale of the log residuals"
)
NU = Parameter("nu", "noise", prior=Prior("Gamma", (2.0, 0.1), low=1.0), meaning="degrees of freedom")
RATE = Parameter(
    "rate", "noise", prior=Prior("HalfNormal", (0.15,)), meaning="how fast the scale falls with {size}"
)
EXCESS = Parameter(
    "excess",
    "noise",
    prior=Prior("HalfNormal", (0.03,)),
    meaning="mean of what under-tuning adds to a log loss",
)


def _normal(y: Any, location: Any, sd: Any) -> Any:
    return -0.5 * ((y - location) * (1.0 / sd)) ** 2 - jnp.log(sd) - LOG_ROOT_2PI


def student_log_prob(y: Any, location: Any, sigma: Any, nu: Any) -> Any:
    """Student-t log density; NumPyro's own works the log gamma functions out anew for every row.

    Nothing is divided by within a row, which costs as much as an exponential.
    """
    constant = log_half_step(0.5 * nu) - 0.5 * jnp.log(jnp.pi * nu) - jnp.log(sigma)
    return constant - (0.5 * nu + 0.5) * jnp.log1p(((y - location) * (1.0 / sigma)) ** 2 * (1.0 / nu))


def sigma_everywhere(location: Any, v: Values, rows: Values) -> Any:
    """The scale ``sigma``, the same in every row."""
    return v["sigma"] + jnp.zeros_like(location)


def _standard_normal(rng: np.random.Generator, location: Any) -> np.ndarray:
    return rng.standard_normal(np.shape(location))


STUDENT_T = Noise(
    "student_t",
    (SIGMA, NU),
    lambda y, location, v, rows: student_log_prob(y, location, v["sigma"], v["nu"]),
    lambda rng, location, v, rows: location + v["sigma"] * rng.standard_t(v["nu"], np.shape(location)),
    sigma_everywhere,
    has_mean=False,
    about="resists odd runs (the default)",
)

NORMAL = Noise(
    "normal",
    (SIGMA,),
    lambda y, location, v, rows: _normal(y, location, v["sigma"]),
    lambda rng, location, v, rows: location + v["sigma"] * _standard_normal(rng, location),
    sigma_everywhere,
    about="clean, replicated runs",
)

LAPLACE = Noise(
    "laplace",
    (SIGMA,),
    lambda y, location, v, rows: -jnp.abs(y - location) / v["sigma"] - jnp.log(2.0 * v["sigma"]),
    lambda rng, location, v, rows: location + v["sigma"] * rng.laplace(size=np.shape(location)),
    sigma_everywhere,
    kinked=True,
    about="the Bayesian twin of a Huber fit",
)


def _grown(location: Any, v: Values, rows: Values) -> Any:
    return v["sigma"] * jnp.exp(-v["rate"] * rows["log_size"]) + jnp.zeros_like(location)


def _growing_log_prob(y: Any, location: Any, v: Values, rows: Values) -> Any:
    # the scale apart from its row's share, so that the log gamma functions are worked out once per draw
    shrink = v["rate"] * rows["log_size"]
    return student_log_prob((y - location) * jnp.exp(shrink), 0.0, v["sigma"], v["nu"]) + shrink


GROWING = Noise(
    "growing",
    (SIGMA, NU, RATE),
    _growing_log_prob,
    lambda rng, location, v, rows: (
        location
        + v["sigma"] * np.exp(-v["rate"] * rows["log_size"]) * rng.standard_t(v["nu"], np.shape(location))
    ),
    _grown,
    reads=(LOG_SIZE,),
    has_mean=False,
    may_be_zero=("rate",),
    about="small runs scatter more",
)


ONE_SIDED = Noise(
    "one_sided",
    (SIGMA, EXCESS),
    lambda y, location, v, rows: log_exp_normal(y - location, v["sigma"], v["excess"]),
    lambda rng, location, v, rows: (
        location
        + v["sigma"] * _standard_normal(rng, location)
        + v["excess"] * rng.standard_exponential(np.shape(location))
    ),
    lambda location, v, rows: jnp.hypot(v["sigma"], v["excess"]) + jnp.zeros_like(location),
    may_be_zero=("excess",),
    anchors=("sigma", "excess"),
    about="under-tuned runs lie above the law",
)


def _with_se(location: Any, v: Values, rows: Values) -> Any:
    return jnp.sqrt(v["sigma"] ** 2 + rows["loss_se"] ** 2) + jnp.zeros_like(location)


KNOWN_SE = Noise(
    "known_se",
    (SIGMA,),
    lambda y, location, v, rows: _normal(y, location, _with_se(location, v, rows)),
    lambda rng, location, v, rows: (
        location + np.hypot(v["sigma"], rows["loss_se"]) * _standard_normal(rng, location)
    ),
    _with_se,
    reads=(LOSS_SE,),
    may_be_zero=("sigma",),
    about="each loss has its own standard error, column loss_se",
)


def _rounded_log_prob(y: Any, location: Any, v: Values, rows: Values) -> Any:
    # what rounds to a loss L lies between L (1 - r) and L (1 + r): in logs not quite symmetric around ln L
    r, sigma = rows["half_width"], v["sigma"]
    middle = y - location + 0.5 * jnp.log1p(-(r**2))
    return log_mean_normal(middle / sigma, jnp.arctanh(r) / sigma) - jnp.log(sigma)


def _rounded_draw(rng: np.random.Generator, location: Any, v: Values, rows: Values) -> np.ndarray:
    r = rows["half_width"]
    low, high = np.log1p(-r), np.log1p(r)
    exact = location + v["sigma"] * _standard_normal(rng, location)
    return exact - low - (high - low) * rng.random(np.shape(location))


ROUNDED = Noise(
    "rounded",
    (SIGMA,),
    _rounded_log_prob,
    _rounded_draw,
    lambda location, v, rows: (
        jnp.sqrt(v["sigma"] ** 2 + jnp.arctanh(rows["half_width"]) ** 2 / 3.0) + jnp.zeros_like(location)
    ),
    reads=(HALF_WIDTH,),
    about="losses printed with few digits",
)

LOG_NOISES = (STUDENT_T, NORMAL, LAPLACE, GROWING, ONE_SIDED, KNOWN_SE, ROUNDED)
