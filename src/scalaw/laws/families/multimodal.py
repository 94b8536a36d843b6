"""Two modalities in one model (arXiv:2301.03728).

The mean of two Chinchilla laws, less what the modalities gain from each other (``C``), plus what they compete for. They
help each other once ``C`` exceeds the last two terms. Of their irreducible losses only the mean ``E`` can be told.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, amplitude, exponent, irreducible

FAMILY = "Data mixtures"

#: What one modality does to another is a small part of the loss.
SMALL = Prior("LogNormal", (0.05, 1.0))


@law(
    source="arXiv:2301.03728",
    covariates={
        "D_i": Covariate("D_i", "D", meaning="tokens of one modality"),
        "D_j": Covariate("D_j", "D", meaning="tokens of the other modality"),
    },
    pitfalls=(
        "E and C enter as a difference: only runs of each modality alone, fitted with chinchilla, part them.",
        "Coefficients that surveys quote for it give losses near 25 nats per token; none are listed here.",
    ),
)
def mixed_modal(
    N,
    D_i,
    D_j,
    *,
    E=irreducible(meaning="mean of both modalities' irreducible losses"),
    A_i=amplitude("loss * N**alpha_i", meaning="size of the first modality's term in parameters"),
    alpha_i=exponent(meaning="how fast that term falls"),
    B_i=amplitude("loss * D**beta_i", meaning="size of the first modality's term in tokens"),
    beta_i=exponent(meaning="how fast that term falls"),
    A_j=amplitude("loss * N**alpha_j", meaning="size of the second modality's term in parameters"),
    alpha_j=exponent(meaning="how fast that term falls"),
    B_j=amplitude("loss * D**beta_j", meaning="size of the second modality's term in tokens"),
    beta_j=exponent(meaning="how fast that term falls"),
    C=amplitude("loss", SMALL, meaning="most that the modalities gain from each other"),
    A_ij=amplitude("loss * N**alpha_ij", SMALL, meaning="competition for parameters"),
    alpha_ij=exponent(meaning="how fast it falls with parameters"),
    B_ij=amplitude("loss * D**beta_ij", SMALL, meaning="competition for tokens"),
    beta_ij=exponent(meaning="how fast it falls with tokens"),
):
    """Mean of two modalities' laws, less their synergy, plus their competition.

    loss = E + (T_i + T_j)/2 - C + A_ij/N^alpha_ij + B_ij/(D_i + D_j)^beta_ij
    where T_i = A_i/N^alpha_i + B_i/D_i^beta_i and T_j = A_j/N^alpha_j + B_j/D_j^beta_j
    """
    alone = A_i / N**alpha_i + B_i / D_i**beta_i + A_j / N**alpha_j + B_j / D_j**beta_j
    return E + alone / 2 - C + A_ij / N**alpha_ij + B_ij / (D_i + D_j) ** beta_ij
