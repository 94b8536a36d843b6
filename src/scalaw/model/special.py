"""Densities that keep their digits: in far tails, for narrow intervals, near their limits.

All are elementwise ``jnp`` functions with finite gradients; a branch that is not taken is fed harmless values,
because a derivative passes through both sides of a ``where``.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax.scipy.special import gammaln, log_ndtr

LOG_ROOT_2PI = 0.5 * math.log(2.0 * math.pi)
#: Terms of the asymptotic series of log Φ below -20: the tenth is 6e-18 there.
_TERMS = 10
#: Mills' ratio beyond this is its asymptotic series, 1 - 1/z² + 3/z⁴ - …; the term left out is 5e-15.
_FAR = 20.0
_MILLS = (1.0, -1.0, 3.0, -15.0, 105.0, -945.0, 10395.0, -135135.0, 2027025.0)
#: Below this an interval's width times the slope of the log density is narrow: the term left out is 1e-15.
_NARROW = 0.05
#: Stirling's series: coefficients of 1/x, 1/x³, …; the term left out is 2e-14 at :data:`_LARGE`.
_STIRLING = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188)
_LARGE = 10
#: Coefficients of 1/x, 1/x³, … in the log of Gamma(x + 1/2) / (Gamma(x) √x); the term left out is 4e-14 there.
_HALF_STEP = (-1 / 8, 1 / 192, -1 / 640, 17 / 14336, -31 / 18432)


def _polynomial(coefficients: tuple[float, ...], x: Any) -> Any:
    """Sum of ``coefficients[i] * x**i``."""
    total = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        total = total * x + coefficient
    return total


def log_mean_normal(middle: Any, half: Any) -> Any:
    """Log of the mean of the standard normal density over ``middle ± half``.

    It is the log probability of the interval over its width, and the log density where ``half`` is 0.
    """
    m, width = jnp.abs(middle), 2.0 * half
    narrow = width * jnp.maximum(1.0, m) < _NARROW
    # a Taylor series in the width around the middle, in even Hermite polynomials
    a, b = jnp.where(narrow, (m * width) ** 2, 0.0), jnp.where(narrow, width**2, 0.0)
    second = (a - b) / 24.0
    fourth = (a**2 - 6.0 * a * b + 3.0 * b**2) / 1920.0
    sixth = (a**3 - 15.0 * a**2 * b + 45.0 * a * b**2 - 15.0 * b**3) / 322560.0
    near = -0.5 * m**2 - LOG_ROOT_2PI + jnp.log1p(second + fourth + sixth)
    # mirrored into the lower tail, where the two probabilities are small and their logs exact
    middle, half = jnp.where(narrow, 0.0, m), jnp.where(narrow, 1.0, half)
    top = log_ndtr(half - middle, _TERMS)
    gap = log_ndtr(-half - middle, _TERMS) - top
    return jnp.where(narrow, near, top + jnp.log(-jnp.expm1(gap)) - jnp.log(2.0 * half))


def log_exp_normal(residual: Any, sigma: Any, excess: Any) -> Any:
    """Log density of a normal of scale ``sigma`` plus an exponential of mean ``excess``, which may be 0.

    With z = sigma / excess - residual / sigma it is the normal density at the residual times Mills' ratio of z
    over ``excess``; where z is large that ratio is a series in 1/z and the ``excess`` cancels.
    """
    lift = residual / sigma
    gap = sigma - excess * lift
    far = gap > _FAR * excess
    safe_gap = jnp.where(far, gap, 1.0)
    series = _polynomial(_MILLS, jnp.where(far, excess / safe_gap, 0.0) ** 2)
    beyond = -0.5 * lift**2 - LOG_ROOT_2PI - jnp.log(safe_gap) + jnp.log(series)
    mean, at = jnp.where(far, 1.0, excess), jnp.where(far, 0.0, lift)
    ratio = jnp.where(far, 1.0, sigma) / mean
    direct = ratio * (0.5 * ratio - at) + log_ndtr(at - ratio, _TERMS) - jnp.log(mean)
    return jnp.where(far, beyond, direct)


def stirling(x: Any) -> Any:
    """``ln Gamma(x)`` minus Stirling's main part, for x > 0; 0 for an infinite x."""
    large = x >= _LARGE
    inverse = jnp.where(large, 1.0 / jnp.where(large, x, 1.0), 0.0)
    small = jnp.where(large, 1.0, x)
    rest = gammaln(small) - ((small - 0.5) * jnp.log(small) - small + LOG_ROOT_2PI)
    return jnp.where(large, inverse * _polynomial(_STIRLING, inverse**2), rest)


def log_half_step(x: Any) -> Any:
    """``ln Gamma(x + 1/2) - ln Gamma(x)`` for x > 0, to thirteen digits and with a short derivative.

    A series in 1/x (Tricomi and Erdélyi, 1951, of a ratio of gamma functions) after the recurrence has moved x up by
    ten steps.
    """
    # along an axis: ten factors and their derivatives take long to compile
    steps = jnp.asarray(x)[..., None] + jnp.arange(_LARGE)
    lower = jnp.sum(jnp.log(steps / (steps + 0.5)), axis=-1)
    inverse = 1.0 / (x + _LARGE)
    return lower - 0.5 * jnp.log(inverse) + inverse * _polynomial(_HALF_STEP, inverse**2)


def _log1p_over(u: Any) -> Any:
    """``log1p(u) / u`` for u ≥ 0, which is 1 at 0; a series keeps the derivative exact near 0."""
    small = u < 0.02
    series = _polynomial(tuple((-1.0) ** i / (i + 1) for i in range(10)), jnp.where(small, u, 0.0))
    safe = jnp.where(small, 1.0, u)
    return jnp.where(small, series, jnp.log1p(safe) / safe)


def log_rise(p: Any, k: Any, step: Any) -> Any:
    """``sum of log(p + j * step) for j < k``, for p > 0, k ≥ 0 and step ≥ 0; k need not be whole.

    It is ``k log(step) + ln Gamma(p/step + k) - ln Gamma(p/step)``, by Stirling's series after the recurrence has
    moved p up by ten steps, written so that a step of 0 gives ``k log(p)``.
    """
    # one logarithm for three factors: their product does not overflow in single precision either
    first = jnp.log1p(k * step / p)
    for i in range(1, _LARGE, 3):
        first += jnp.log(math.prod(1.0 + k * step / (p + j * step) for j in range(i, i + 3)))
    p = p + _LARGE * step
    end = p + k * step
    u = k * step / p

    def rest(at: Any) -> Any:
        inverse = step / at
        return inverse * _polynomial(_STIRLING, inverse**2)

    main = k * (jnp.log(end) + _log1p_over(u) - 1.0) - 0.5 * jnp.log1p(u)
    return main + rest(end) - rest(p) - first
