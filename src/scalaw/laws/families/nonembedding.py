"""Chinchilla for tables whose N leaves the embedding out (arXiv:2406.12907).

All parameters are about ``N + gamma * N**(1/3)`` where N counts those outside the embedding: the embedding's width
grows like the cube root of N. ``gamma`` follows from the architecture (vocabulary and aspect ratio), and is held or
has a narrow prior. Small models are mostly embedding, which is why the same truth shows Kaplan's exponent there.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import amplitude, exponent, irreducible, parameter

FAMILY = "Parameters and tokens"


@law(source="arXiv:2406.12907", decreasing=("N", "D"))
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
