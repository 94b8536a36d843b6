"""Chinchilla: irreducible loss plus one power law in parameters and one in tokens (arXiv:2203.15556)."""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.records import Published, amplitude, exponent, irreducible

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
        ),
        Published(
            "hoffmann_2022",
            {"E": 1.69, "A": 406.4, "B": 410.7, "alpha": 0.34, "beta": 0.28},
            "arXiv:2203.15556 eq. 10",
            note="as printed; the optimiser stopped early (arXiv:2404.10102)",
        ),
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
