"""Coverage by repeated sampling: the share of problems solved within k tries (arXiv:2502.17578, arXiv:2407.21787).

``coverage_power`` is the curve ``exp(-a k**-b)`` that was fitted first. ``coverage_betabinomial`` says why such a
curve arises. If a problem's chance of success in one try is Beta(a, b) over problems, k tries fail with probability
``B(a, b + k) / B(a, b)``, which falls like ``k**-a``. The law is written in the mean ``a / (a + b)``, which is pass@1,
and the concentration ``a + b``. Data are counts: problems solved among those tried.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Response, parameter
from scalaw.lazy import jnp

FAMILY = "Repeated sampling"

SHIFT = 10


TRIES = Covariate("k", "tries", "integer", "absolute", meaning="tries per problem")


@law(
    source="arXiv:2407.21787",
    increasing=("k",),
    covariates={"k": TRIES},
    response=Response("coverage", "absolute", "share"),
    pitfalls=(
        "Points of one curve share their samples: fit counts with coverage_betabinomial.",
        "It tends to one, so problems that are never solved are outside the law.",
    ),
)
def coverage_power(
    k,
    *,
    a=parameter("level", Prior("LogNormal", (1.0, 1.0)), meaning="minus the log of coverage by one try"),
    b=parameter("exponent", Prior("LogNormal", (0.3, 0.6)), meaning="how fast tries pay"),
):
    """Share of problems solved within k tries, as an exponentiated power law."""
    return jnp.exp(-a / k**b)


@law(
    source="arXiv:2502.17578, beta distribution of success",
    increasing=("k",),
    covariates={"k": TRIES},
    response=Response("coverage", "absolute", "count"),
    pitfalls=(
        "One try per problem tells the mean alone: the concentration needs more.",
        "It tends to one, so problems that are never solved are outside the law.",
    ),
)
def coverage_betabinomial(
    k,
    *,
    mean=parameter("mean", Prior("Beta", (1.0, 1.0)), meaning="share solved by one try"),
    concentration=parameter(
        "concentration", Prior("LogNormal", (2.0, 1.0)), meaning="a + b: how alike the problems are"
    ),
):
    """Share of problems solved within k tries.

    coverage = 1 - B(a, b + k) / B(a, b)
    where a = mean concentration, b = (1 - mean) concentration, and B is the beta function
    """
    a, b = mean * concentration, (1 - mean) * concentration
    return -jnp.expm1(_log_rise(b, a) - _log_rise(b + k, a))


def _log_rise(z, a):
    """Stable ``ln Gamma(z + a) - ln Gamma(z)`` for positive z and a, also for large z in float32.

    The recurrence moves z beyond :data:`SHIFT`, where Stirling's series is exact to rounding.
    """
    low = sum(jnp.log1p(a / (z + i)) for i in range(SHIFT))
    z = z + SHIFT
    main = (z - 0.5) * jnp.log1p(a / z) + a * jnp.log(z + a) - a
    return main + _stirling(z + a) - _stirling(z) - low


def _stirling(z):
    return (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * z * z)) / (z * z)) / (z * z)) / z
