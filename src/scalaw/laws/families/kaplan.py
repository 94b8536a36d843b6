"""Kaplan's joint law in parameters and tokens (arXiv:2001.08361); N leaves the embedding out there.

The law is not additive and has no irreducible loss: it falls to ``(N_c/N)**alpha_N`` with endless data and to
``(D_c/D)**alpha_D`` with endless parameters. ``N_c`` and ``D_c`` are where either limit reaches one unit of
loss; in reference units, a loss at the centre of the runs.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.records import Published, exponent, scale
from scalaw.lazy import jnp

FAMILY = "Kaplan's laws"


@law(
    source="arXiv:2001.08361 eq. 1.5",
    decreasing=("N", "D"),
    published=(
        Published(
            "kaplan_2020",
            {"N_c": 6.4e13, "D_c": 1.8e13, "alpha_N": 0.076, "alpha_D": 0.103},
            "arXiv:2001.08361 Table 2",
            note="early-stopped test loss with 10 % dropout",
            counts="non-embedding",
            tokenizer="BPE 50257, WebText2",
        ),
    ),
    pitfalls=(
        "Without runs on few or repeated tokens D_c and alpha_D stay near their priors.",
        "It has no irreducible loss: far beyond the runs it falls below what any model can reach.",
        "Constants fitted jointly differ from those of kaplan_l_n and kaplan_l_d: do not exchange them.",
    ),
)
def kaplan_l_nd(
    N,
    D,
    *,
    N_c=scale("N * loss**(1/alpha_N)", meaning="parameters at which endless data gives one unit of loss"),
    D_c=scale("D * loss**(1/alpha_D)", meaning="tokens at which endless parameters give one unit of loss"),
    alpha_N=exponent(meaning="how fast loss falls with parameters"),
    alpha_D=exponent(meaning="how fast loss falls with tokens"),
):
    """Parameters and tokens as one joint bottleneck, down to zero.

    loss = ((N_c/N)^(alpha_N/alpha_D) + D_c/D)^alpha_D
    """
    size = alpha_N / alpha_D * (jnp.log(N_c) - jnp.log(N))
    data = jnp.log(D_c) - jnp.log(D)
    return jnp.exp(alpha_D * jnp.logaddexp(size, data))
