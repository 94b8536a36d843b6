"""Chinchilla: irreducible loss plus one power law in parameters and one in tokens (arXiv:2203.15556)."""

from __future__ import annotations

import math

from scalaw.laws.law import law
from scalaw.laws.records import Published, amplitude, exponent, irreducible
from scalaw.laws.spec import alias

FAMILY = "Parameters and tokens"


@law(
    source="arXiv:2203.15556 eq. 2",
    decreasing=("N", "D"),
    published=(
        Published(
            "besiroglu_2024",
            {"E": 1.81686, "A": 482.00572, "B": 2085.43420, "alpha": 0.34781, "beta": 0.36585},
            "arXiv:2404.10102",
            se={"E": 0.02566, "A": 124.52232, "B": 1293.28410, "alpha": 0.01540, "beta": 0.02060},
            note="bootstrap standard errors; least-absolute-deviation optimum on 240 digitised runs",
            counts="total",
            tokenizer="MassiveText",
        ),
        Published(
            "hoffmann_2022",
            {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28},
            "arXiv:2203.15556 eq. 10",
            note="as printed; the optimiser stopped early (arXiv:2404.10102)",
            counts="total",
            tokenizer="MassiveText",
        ),
        Published(
            "hoffmann_2022_unrounded",
            {
                "E": math.exp(0.5267228),
                "A": math.exp(6.0073404),
                "B": math.exp(6.0179186),
                "alpha": 0.33917084,
                "beta": 0.2849083,
            },
            "TeX source of arXiv:2203.15556",
            note="as fitted, before rounding; E, A and B are given as logarithms there",
            counts="total",
            tokenizer="MassiveText",
        ),
    ),
    pitfalls=(
        "A and alpha, B and beta, and E with both are strongly correlated: never quote A or B alone.",
        "Runs along one path, such as D = 20 N, cannot tell the two terms apart.",
        "Losses from the middle of a learning-rate schedule are too high: take those at its end.",
    ),
)
def chinchilla(
    N,
    D,
    *,
    E=irreducible(),
    A=amplitude("loss * N**alpha", meaning="size of the term in parameters"),
    B=amplitude("loss * D**beta", meaning="size of the term in tokens"),
    alpha=exponent(meaning="how fast the term in parameters falls"),
    beta=exponent(meaning="how fast the term in tokens falls"),
):
    """Irreducible loss plus one power law in parameters and one in tokens."""
    return E + A / N**alpha + B / D**beta


kaplan_additive = alias(
    "kaplan_additive",
    chinchilla,
    "What summaries print as Kaplan's law, which it is not: the form of Rosenfeld and of Chinchilla.",
    source="arXiv:1909.12673 (the form)",
    pitfalls=(
        "This is not Kaplan's law: that of arXiv:2001.08361 is kaplan_l_nd, with one power around both terms.",
        "Kaplan's constants mean something else here: 4.49 at N = 1e9, D = 2e10, where his laws give 2.37 to 2.44.",
        "It is chinchilla under another name: fit that one.",
    ),
)
