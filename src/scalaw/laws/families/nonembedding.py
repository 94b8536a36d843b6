"""Chinchilla for tables whose N leaves the embedding out (arXiv:2406.12907).

All parameters are about ``N + gamma * N**(1/3)`` where N counts those outside the embedding: the embedding's width
grows like the cube root of N. ``gamma`` follows from the architecture (vocabulary and aspect ratio), and is held or
has a narrow prior. Small models are mostly embedding, which is why the same truth shows Kaplan's exponent there.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Published, amplitude, exponent, irreducible, parameter

FAMILY = "Parameters and tokens"


@law(
    source="arXiv:2406.12907",
    decreasing=("N", "D"),
    published=(
        Published(
            "pearce_2024",
            {"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658, "gamma": 47491.0},
            "the authors' code for arXiv:2406.12907 (gamma); arXiv:2404.10102 (the others)",
            note="gamma is for 32,000 tokens and an aspect ratio of 39.2",
            counts="non-embedding",
            tokenizer="MassiveText",
        ),
    ),
    pitfalls=(
        "gamma follows from vocabulary and shape: hold it, or it trades with A and alpha.",
        "Exponents of a law in N alone, fitted at small N, are those of the embedding's share as well.",
    ),
)
def chinchilla_nonembedding(
    N,
    D,
    *,
    E=irreducible(),
    A=amplitude("loss * N**alpha", meaning="size of the term in parameters"),
    B=amplitude("loss * D**beta", meaning="size of the term in tokens"),
    alpha=exponent(meaning="how fast the term in all parameters falls"),
    beta=exponent(meaning="how fast the term in tokens falls"),
    gamma=parameter(
        "embedding",
        Prior("LogNormal", (47491.0, 0.3), unit="paper"),
        "N**(2/3)",
        meaning="parameters of the embedding over the cube root of N",
    ),
):
    """Chinchilla in all parameters, from N without the embedding."""
    return E + A / (N + gamma * N ** (1 / 3)) ** alpha + B / D**beta
