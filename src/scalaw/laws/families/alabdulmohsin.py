"""Four laws for one learning curve, each with one idea more (arXiv:2209.06640); x is often examples seen.

``m1`` falls to zero, ``m2`` to ``eps_inf``. ``m3`` stops falling once x passes ``1/gamma``. ``m4`` is a
whole sigmoid from a chance level ``eps0`` down to ``eps_inf``, given implicitly by::

    (eps - eps_inf) / (eps0 - eps)**alpha = beta * x**(-c)

With ``eps = eps_inf + W logistic(u)`` and ``W = eps0 - eps_inf`` it reads ``alpha softplus(u) - softplus(-u)
= s``, where ``s = ln beta - c ln x - (1 - alpha) ln W``. The left side rises in u, is concave for alpha < 1
and convex for alpha > 1, and stays on one side of the broken line ``min(u, 0) + alpha max(u, 0)``; from that
line's own root Newton's method converges without any bracket. Gradients come from the implicit function
theorem.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import amplitude, exponent, irreducible, parameter
from scalaw.laws.spec import alias
from scalaw.lazy import jnp

FAMILY = "Learning curves M1 to M4"

SOURCE = "arXiv:2209.06640"
MAX_STEPS = 60


@law(
    source=f"{SOURCE} M2",
    decreasing=("x",),
    pitfalls=("eps_inf and c are strongly correlated unless the curve comes close to its limit.",),
)
def m2(
    x,
    *,
    eps_inf=irreducible(meaning="error or loss at endless x"),
    beta=amplitude("loss * x**c", meaning="size of the term in x"),
    c=exponent(meaning="how fast the term falls"),
):
    """Power law above a limit."""
    return eps_inf + beta * x ** (-c)


m1 = alias(
    "m1",
    m2,
    "Power law down to zero.",
    source=f"{SOURCE} M1",
    pitfalls=("Where a curve has a limit, c comes out too small and the forecast too low.",),
    eps_inf=0.0,
)


@law(
    source=f"{SOURCE} M3",
    decreasing=("x",),
    pitfalls=(
        "gamma is not identified before the curve levels off.",
        "The level beta gamma^c is tied to the slope: a limit of another kind needs m2 or m4.",
    ),
)
def m3(
    x,
    *,
    beta=amplitude("loss * x**c", meaning="size of the term in x"),
    gamma=parameter(
        "saturation", Prior("LogNormal", (0.1, 2.0)), "1 / x", meaning="1/gamma is where it levels off"
    ),
    c=exponent(Prior("LogNormal", (0.3, 0.5)), meaning="how fast it falls before it levels off"),
):
    """Power law that levels off."""
    return beta * (1 / x + gamma) ** c


@law(
    source=f"{SOURCE} M4",
    decreasing=("x",),
    pitfalls=(
        "alpha and eps0 are not identified without points near chance.",
        "Hold eps0 where chance is known, e.g. m4[eps0=0.9].",
    ),
)
def m4(
    x,
    *,
    eps_inf=irreducible(meaning="error or loss at endless x"),
    eps0=parameter(
        "chance", Prior("LogNormal", (1.0, 1.0), low=1.0), "loss", meaning="error or loss before any learning"
    ),
    beta=amplitude("loss**(1 - alpha) * x**c", meaning="size of the term in x"),
    alpha=parameter("bend", Prior("HalfNormal", (1.0,)), meaning="how slowly it leaves chance; 0 gives m2"),
    c=exponent(meaning="how fast it falls"),
):
    """Sigmoid from chance down to a limit, given implicitly.

    (loss - eps_inf) / (eps0 - loss)^alpha = beta x^-c, solved for the loss
    """
    width = eps0 - eps_inf
    s = jnp.log(beta) - c * jnp.log(x) - (1 - alpha) * jnp.log(width)
    u = _logit_solver()(*jnp.broadcast_arrays(alpha, s))
    return eps_inf + width * 0.5 * (1 + jnp.tanh(0.5 * u))


@functools.cache
def _logit_solver() -> Callable[[Any, Any], Any]:
    """Differentiable ``u(alpha, s)``; made on first use because JAX is not imported before."""
    import jax

    solve = jax.custom_jvp(_newton)

    @solve.defjvp
    def _(primals: tuple[Any, Any], tangents: tuple[Any, Any]) -> tuple[Any, Any]:
        alpha, s = primals
        u = solve(alpha, s)
        d_alpha, d_s = tangents
        return u, (d_s - jnp.logaddexp(u, 0.0) * d_alpha) / _slope(alpha, u)

    return solve


def _slope(alpha: Any, u: Any) -> Any:
    """Derivative of ``alpha softplus(u) - softplus(-u)`` in u."""
    alpha = _floored(alpha)
    return jnp.exp(-jnp.logaddexp(u, 0.0)) + alpha * jnp.exp(-jnp.logaddexp(-u, 0.0))


def _floored(alpha: Any) -> Any:
    """``alpha`` above a number so small that it changes nothing and so large that its square has an inverse."""
    return jnp.maximum(alpha, jnp.finfo(jnp.result_type(alpha)).tiny ** 0.25)


def _newton(alpha: Any, s: Any) -> Any:
    """Root u of ``alpha softplus(u) - softplus(-u) = s``, elementwise over equal shapes."""
    import jax

    alpha = _floored(alpha)
    precision = 4 * jnp.finfo(alpha.dtype).eps

    def unfinished(state: tuple[Any, Any, Any]) -> Any:
        count, u, step = state
        return (count < MAX_STEPS) & jnp.any(jnp.abs(step) > precision * (1 + jnp.abs(u)))

    def advance(state: tuple[Any, Any, Any]) -> tuple[Any, Any, Any]:
        count, u, _ = state
        left = alpha * jnp.logaddexp(u, 0.0) - jnp.logaddexp(-u, 0.0)
        step = (s - left) / _slope(alpha, u)
        return count + 1, u + step, step

    start = jnp.where(s < 0, s, s / alpha)
    return jax.lax.while_loop(unfinished, advance, (0, start, jnp.full_like(start, jnp.inf)))[1]
