"""Distillation: a student's loss from its teacher's (arXiv:2502.08606).

``supervised_busbridge`` is what the student would reach alone: parameters and tokens in one joint bottleneck with a
common exponent. ``distillation_busbridge`` starts at the teacher's loss ``L_T``; ``L_S`` is the student's supervised
loss. A teacher that is much better than the student helps less (``d_1`` is where).
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, amplitude, exponent, irreducible, parameter, scale
from scalaw.lazy import jnp

FAMILY = "Distillation"

SOURCE = "arXiv:2502.08606"


@law(
    source=SOURCE,
    decreasing=("N", "D"),
    published=(
        Published(
            "busbridge_2025",
            {"E": 1.220, "A": 3355.0, "alpha": 0.408, "B": 18186.0, "beta": 0.431, "gamma": 0.452},
            SOURCE,
            status="second-hand",
        ),
    ),
    pitfalls=(
        "gamma trades with alpha and beta: runs along one path, such as D = 20 N, identify products only.",
        "A and B stand inside a power and are not those of chinchilla.",
    ),
)
def supervised_busbridge(
    N,
    D,
    *,
    E=irreducible(),
    A=amplitude("loss**(1/gamma) * N**alpha", meaning="size of the part in parameters"),
    B=amplitude("loss**(1/gamma) * D**beta", meaning="size of the part in tokens"),
    alpha=exponent(meaning="how fast the part in parameters falls"),
    beta=exponent(meaning="how fast the part in tokens falls"),
    gamma=exponent(Prior("LogNormal", (0.6, 0.4)), meaning="power of both parts together"),
):
    """Irreducible loss plus a power of two power laws."""
    return E + (A / N**alpha + B / D**beta) ** gamma


@law(
    source=SOURCE,
    decreasing=("N", "D"),
    units="as in paper",
    covariates={
        "L_T": Covariate("L_T", "loss", meaning="loss of the teacher"),
        "L_S": Covariate("L_S", "loss", meaning="loss of the student trained without a teacher"),
    },
    published=(
        Published(
            "busbridge_2025",
            {
                "c_0": 2.549,
                "c_1": 522.61,
                "d_1": 1.315,
                "f_1": 0.090,
                "A": 2243.0,
                "alpha": 0.321,
                "B": 24181.0,
                "beta": 0.637,
                "gamma": 0.764,
            },
            SOURCE,
            status="unverified",
        ),
    ),
    pitfalls=(
        "Of c_1 and f_1 only the product is identified well.",
        "It never goes below the teacher's loss: a student that beats its teacher is outside the law.",
    ),
)
def distillation_busbridge(
    N,
    D,
    L_T,
    L_S,
    *,
    c_0=exponent(Prior("LogNormal", (2.5, 0.5)), meaning="power of the teacher's loss"),
    c_1=exponent(Prior("LogNormal", (500.0, 1.0)), meaning="how much too good a teacher costs"),
    d_1=scale("1", Prior("LogNormal", (1.3, 0.2)), meaning="ratio of losses where a teacher is too good"),
    f_1=parameter("width", Prior("LogNormal", (0.1, 0.7)), meaning="width of that change"),
    A=amplitude("1", Prior("LogNormal", (2000.0, 1.0)), meaning="size of the part in parameters"),
    alpha=exponent(meaning="how fast the part in parameters falls"),
    B=amplitude("1", Prior("LogNormal", (20000.0, 1.0)), meaning="size of the part in tokens"),
    beta=exponent(Prior("LogNormal", (0.6, 0.3)), meaning="how fast the part in tokens falls"),
    gamma=exponent(Prior("LogNormal", (0.7, 0.3)), meaning="power of both parts together"),
):
    """A student's loss from its teacher's, its size and its tokens.

    loss = L_T + L_T^-c_0 (1 + (L_T/(L_S d_1))^(1/f_1))^(-c_1 f_1) (A/N^alpha + B/D^beta)^gamma
    """
    ratio = (jnp.log(L_T) - jnp.log(L_S) - jnp.log(d_1)) / f_1
    teacher = jnp.exp(-c_0 * jnp.log(L_T) - c_1 * f_1 * jnp.logaddexp(ratio, 0.0))
    return L_T + teacher * (A / N**alpha + B / D**beta) ** gamma
