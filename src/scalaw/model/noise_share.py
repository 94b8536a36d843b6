"""Noises of a share: an accuracy, an error rate, a coverage; for laws whose response is a share or a count.

==============  ==========  ======================================================================================
name            parameters  use
==============  ==========  ======================================================================================
binomial        none        counts of independent trials; needs the column ``trials``
beta_binomial   sigma       the same, and runs differ: a run's own chance of success is Beta around the law
beta            sigma       shares strictly between 0 and 1 without their counts
==============  ==========  ======================================================================================

``sigma`` is how far the chances of two like runs lie apart, as the standard deviation where one half succeeds (for
small values): the beta distribution has concentration ``1 / (4 sigma²)``, and its variance at a share p is
``4 sigma² p (1 - p) / (1 + 4 sigma²)``. At ``sigma = 0`` beta_binomial is binomial.
Its prior, LogNormal(0.02, 1), is a choice: 90 % of it lies between 0.4 and 10 points of accuracy, so that both runs
that differ in their seed alone and runs of several recipes are expected.

The log likelihood of a count is a log probability and that of a share a log density: scores of ``beta`` do not
compare with those of the other two.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln

from scalaw.laws.prior import Prior
from scalaw.laws.records import Parameter
from scalaw.model.noise_record import Noise, Values
from scalaw.model.row_data import TRIALS
from scalaw.model.special import LOG_ROOT_2PI, log_rise, stirling

SPREAD = Parameter(
    "sigma",
    "noise",
    prior=Prior("LogNormal", (0.02, 1.0)),
    meaning="sd between runs of a share near one half",
)
#: Where a deviation is this small a part of the shares, its logarithm is taken from the deviation itself.
_NEAR = 0.1


def _inside(location: Any) -> Any:
    """The law's share, kept off 1 by a rounding error and off 0 by the square of one."""
    rounding = jnp.finfo(jnp.result_type(location, 0.0)).epsneg
    return jnp.clip(location, rounding**2, 1.0 - rounding)


def _ways(successes: Any, trials: Any) -> Any:
    """Log of the number of ways to place the successes."""
    return gammaln(trials + 1.0) - gammaln(successes + 1.0) - gammaln(trials - successes + 1.0)


def _binomial_log_prob(y: Any, location: Any, v: Values, rows: Values) -> Any:
    p, trials = _inside(location), rows["trials"]
    successes = y * trials
    return _ways(successes, trials) + successes * jnp.log(p) + (trials - successes) * jnp.log1p(-p)


def _counted(rng: np.random.Generator, share: np.ndarray, trials: Any) -> np.ndarray:
    """Observed share of successes; endlessly many trials show the share itself."""
    trials = np.broadcast_to(trials, share.shape)
    endless = np.isinf(trials)
    number = np.where(endless, 1, trials).astype(np.int64)
    return np.where(endless, share, rng.binomial(number, share) / number)


def _beta_draw(rng: np.random.Generator, location: Any, v: Values) -> np.ndarray:
    """Shares of runs: Beta around the location, or the location where ``sigma`` is 0."""
    share = np.clip(location, 0.0, 1.0)
    step = np.broadcast_to(4.0 * np.square(v["sigma"]), share.shape)
    free = (step > 0) & (share > 0) & (share < 1)
    size, p = np.where(free, step, 1.0), np.where(free, share, 0.5)
    return np.where(free, rng.beta(p / size, (1.0 - p) / size), share)


def _binomial_scale(location: Any, v: Values, rows: Values) -> Any:
    p = _inside(location)
    return jnp.sqrt(p * (1.0 - p) / rows["trials"])


BINOMIAL = Noise(
    "binomial",
    (),
    _binomial_log_prob,
    lambda rng, location, v, rows: _counted(rng, np.clip(location, 0.0, 1.0), rows["trials"]),
    _binomial_scale,
    scatters="count",
    reads=(TRIALS,),
    about="counts of independent trials, column trials",
)


def _beta_binomial_log_prob(y: Any, location: Any, v: Values, rows: Values) -> Any:
    p, trials, step = _inside(location), rows["trials"], 4.0 * v["sigma"] ** 2
    successes = y * trials
    failures = trials - successes
    rises = log_rise(p, successes, step) + log_rise(1.0 - p, failures, step) - log_rise(1.0, trials, step)
    return _ways(successes, trials) + rises


def _beta_binomial_scale(location: Any, v: Values, rows: Values) -> Any:
    p, trials, step = _inside(location), rows["trials"], 4.0 * v["sigma"] ** 2
    return jnp.sqrt(p * (1.0 - p) * (1.0 / trials + step) / (1.0 + step))


BETA_BINOMIAL = Noise(
    "beta_binomial",
    (SPREAD,),
    _beta_binomial_log_prob,
    lambda rng, location, v, rows: _counted(rng, _beta_draw(rng, location, v), rows["trials"]),
    _beta_binomial_scale,
    scatters="count",
    reads=(TRIALS,),
    may_be_zero=("sigma",),
    about="counts, and runs differ beyond them",
)


def _divergence(p: Any, y: Any) -> Any:
    """Kullback–Leibler divergence of one coin from another, exact also where they are nearly alike."""
    q, rest, step = 1.0 - p, 1.0 - y, y - p
    near = jnp.abs(step) < _NEAR * jnp.minimum(p, q)
    close = jnp.where(near, step, 0.0)
    by_step = -p * jnp.log1p(close / p) - q * jnp.log1p(-close / q)
    by_ratio = p * (jnp.log(p) - jnp.log(y)) + q * (jnp.log(q) - jnp.log(rest))
    return jnp.where(near, by_step, by_ratio)


def _beta_log_prob(y: Any, location: Any, v: Values, rows: Values) -> Any:
    p, step = _inside(location), 4.0 * v["sigma"] ** 2
    q = 1.0 - p
    main = -_divergence(p, y) / step + 0.5 * jnp.log(p * q / step) - LOG_ROOT_2PI
    rest = stirling(1.0 / step) - stirling(p / step) - stirling(q / step)
    return main + rest - jnp.log(y) - jnp.log1p(-y)


def _beta_scale(location: Any, v: Values, rows: Values) -> Any:
    p, step = _inside(location), 4.0 * v["sigma"] ** 2
    return jnp.sqrt(p * (1.0 - p) * step / (1.0 + step))


BETA = Noise(
    "beta",
    (SPREAD,),
    _beta_log_prob,
    lambda rng, location, v, rows: _beta_draw(rng, location, v),
    _beta_scale,
    scatters="share",
    about="shares without their counts",
)

SHARE_NOISES = (BINOMIAL, BETA_BINOMIAL, BETA)
