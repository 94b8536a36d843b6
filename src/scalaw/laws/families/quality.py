"""Quality of data as a multiplier of tokens: a token of a better source counts as several.

``r`` holds the share of every source but one, the reference, whose tokens count once: with q of a source above one its
tokens are worth more. ``D (1 + sum (q_i - 1) r_i)`` tokens of the reference would do as much. That a trillion curated
tokens beat two of web text means ``q > 2``. Without runs on the reference alone, or of a second mixture, q and B
cannot be told apart.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, amplitude, exponent, irreducible, parameter
from scalaw.lazy import jnp

FAMILY = "Data mixtures"


@law(
    source="arXiv:2203.15556 eq. 2 with tokens weighted by source",
    decreasing=("N", "D"),
    covariates={
        "r": Covariate("r", "share", "share", "absolute", "sources", "shares of sources but the reference")
    },
    options={"sources": 1},
    pitfalls=(
        "Quality is one number per source here: it neither fades with repetition nor depends on the mixture.",
        "Runs of one mixture cannot tell q from B: vary the shares at equal size.",
    ),
)
def quality_multiplier(
    N,
    D,
    r,
    *,
    E=irreducible(),
    A=amplitude("loss * N**alpha", meaning="size of the term in parameters"),
    B=amplitude("loss * D**beta", meaning="size of the term in tokens of the reference"),
    alpha=exponent(meaning="how fast the term in parameters falls"),
    beta=exponent(meaning="how fast the term in tokens falls"),
    q=parameter(
        "worth", Prior("LogNormal", (1.0, 0.7)), size="sources", meaning="reference tokens a token is worth"
    ),
):
    """Chinchilla in tokens that count by the quality of their source.

    loss = E + A/N^alpha + B/(D (1 + sum_i (q_i - 1) r_i))^beta
    """
    return E + A / N**alpha + B / (D * (1.0 + jnp.sum((q - 1.0) * r, axis=-1))) ** beta
