"""Chinchilla with repeated data: repetition and excess parameters lose their value (arXiv:2305.16264).

``D`` counts all tokens seen and ``U`` the unique ones, in one unit. Repeated tokens count less and less, as
``D' = U + U * R_D * (1 - exp(-repeats / R_D))``; parameters beyond what ``U`` tokens would call for
likewise. Up to about four passes little is lost. Unique tokens beyond those seen (``U > D``) change nothing.
"""

from __future__ import annotations

import math

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Published, amplitude, exponent, irreducible, parameter
from scalaw.lazy import jnp

FAMILY = "Repeated data"


@law(
    source="arXiv:2305.16264 sec. 4",
    decreasing=("N", "D", "U"),
    published=(
        Published(
            "muennighoff_2023",
            {
                "E": math.exp(0.6254804),
                "A": math.exp(6.255414),
                "B": math.exp(7.3049974),
                "alpha": 0.3526596,
                "beta": 0.3526596,
                "R_D": 15.387756,
                "R_N": 5.309743,
            },
            "the authors' repository datablations",
            note="alpha and beta tied; E, A and B are given as logarithms there",
            tokenizer="C4",
        ),
    ),
    pitfalls=(
        "The form saturates: it cannot show that repetition harms.",
        "Runs with few repeats leave R_D to its prior, and R_N likewise without large models on few tokens.",
        "What repeated tokens are worth depends on weight decay.",
    ),
)
def data_constrained(
    N,
    D,
    U,
    *,
    E=irreducible(),
    A=amplitude("loss * N**alpha", meaning="size of the term in parameters"),
    B=amplitude("loss * D**beta", meaning="size of the term in tokens"),
    alpha=exponent(meaning="how fast the term in parameters falls"),
    beta=exponent(meaning="how fast the term in tokens falls"),
    R_D=parameter("repeats", Prior("LogNormal", (10.0, 1.0)), meaning="repeats until tokens lose 1 - 1/e"),
    R_N=parameter("repeats", Prior("LogNormal", (5.0, 1.0)), meaning="the same for excess parameters"),
):
    """Chinchilla with repeated tokens that count less and less.

    loss = E + A/N'^alpha + B/D'^beta
    where D' = U (1 + R_D (1 - exp(-(D/U - 1)/R_D))), and U is D where there are more,
    N' = U_N (1 + R_N (1 - exp(-(N/U_N - 1)/R_N))), U_N = min(N, (U G)^(beta/alpha) G),
    G = (alpha A/(beta B))^(1/(alpha + beta))
    """
    unique = jnp.minimum(U, D)
    balance = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    needed = jnp.minimum(N, (unique * balance) ** (beta / alpha) * balance)
    data = _worth(D, unique, R_D)
    size = _worth(N, needed, R_N)
    return E + A / size**alpha + B / data**beta


def _worth(total, unique, half):
    """Amount of unique stuff that ``total`` is worth, of which only ``unique`` is unique."""
    repeats = total / unique - 1
    return unique * (1 - half * jnp.expm1(-repeats / half))
