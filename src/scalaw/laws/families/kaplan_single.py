"""Kaplan's laws in one quantity, in parameters and steps, and of the critical batch (arXiv:2001.08361).

N leaves the embedding out, and so does compute. ``kaplan_l_c`` is the loss against the
compute that was spent at one fixed batch; ``kaplan_l_cmin`` against ``C_min = C / (1 + B / B_crit(L))``, what would
have been enough at a batch far below the critical one; the two have different exponents and are often confused.
Kaplan counts compute in PF-days of 8.64e19 FLOP; here all compute is in FLOP.
"""

from __future__ import annotations

from scalaw.data.units import FLOP_PER_PF_DAY as PF_DAY
from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, Response, amplitude, exponent, parameter, scale
from scalaw.lazy import jnp

FAMILY = "Kaplan's laws"

SOURCE = "arXiv:2001.08361"
#: Tokenizer and data of all its runs.
WEBTEXT = "BPE 50257, WebText2"


def _published(table: str, note: str, counts: str = "", **values: float) -> tuple[Published]:
    """What the paper printed; ``counts`` says what its N, or the N of its compute, leaves out."""
    source = f"{SOURCE} Table {table}"
    return (Published("kaplan_2020", values, source, note=note, counts=counts, tokenizer=WEBTEXT),)


def _fall(constant, x, power):
    return jnp.exp(power * (jnp.log(constant) - jnp.log(x)))


@law(
    source=f"{SOURCE} Table 5",
    decreasing=("N",),
    published=_published("5", "trained to convergence", "non-embedding", N_c=8.8e13, alpha_N=0.076),
    pitfalls=(
        "N_c moves with the tokenizer and with alpha_N, and has no meaning of its own.",
        "It has no irreducible loss: far beyond the runs it falls below what any model can reach.",
        "It holds for models trained to convergence on more data than they need.",
    ),
)
def kaplan_l_n(
    N,
    *,
    N_c=scale("N * loss**(1/alpha_N)", meaning="parameters at which the loss is one unit"),
    alpha_N=exponent(meaning="how fast loss falls with parameters"),
):
    """Parameters alone, with endless data, down to zero.

    loss = (N_c/N)^alpha_N
    """
    return _fall(N_c, N, alpha_N)


@law(
    source=f"{SOURCE} Table 5",
    decreasing=("D",),
    published=_published("5", "early stopping, a large model", D_c=5.4e13, alpha_D=0.095),
    pitfalls=(
        "It holds for one large model that is stopped early; runs limited by parameters do not follow it.",
        "It has no irreducible loss: far beyond the runs it falls below what any model can reach.",
    ),
)
def kaplan_l_d(
    D,
    *,
    D_c=scale("D * loss**(1/alpha_D)", meaning="tokens at which the loss is one unit"),
    alpha_D=exponent(meaning="how fast loss falls with tokens"),
):
    """Tokens alone, with a large model stopped early, down to zero.

    loss = (D_c/D)^alpha_D
    """
    return _fall(D_c, D, alpha_D)


@law(
    source=f"{SOURCE} Table 5, naive",
    decreasing=("C",),
    published=_published(
        "5",
        "a batch of 2**19 tokens; printed as 1.6e7 PF-days",
        "non-embedding",
        C_c=1.6e7 * PF_DAY,
        alpha_C=0.057,
    ),
    pitfalls=(
        "It is for one fixed batch; the popular power 0.050 belongs to kaplan_l_cmin.",
        "C is in FLOP without embeddings; the paper counts in PF-days of 8.64e19 FLOP.",
        "It has no irreducible loss: far beyond the runs it falls below what any model can reach.",
    ),
)
def kaplan_l_c(
    C,
    *,
    C_c=scale("C * loss**(1/alpha_C)", meaning="compute at which the loss is one unit"),
    alpha_C=exponent(meaning="how fast loss falls with compute"),
):
    """Compute spent at one fixed batch, down to zero.

    loss = (C_c/C)^alpha_C
    """
    return _fall(C_c, C, alpha_C)


@law(
    source=f"{SOURCE} Table 5",
    decreasing=("C_min",),
    covariates={"C_min": Covariate("C_min", "C", meaning="compute at a batch far below the critical, FLOP")},
    published=_published("5", "printed as 3.1e8 PF-days", "non-embedding", C_c=3.1e8 * PF_DAY, alpha_C=0.050),
    pitfalls=(
        "C_min is less than the compute that was spent, C_min = C / (1 + B/B_crit); for that see kaplan_l_c.",
        "C_min is in FLOP without embeddings; the paper counts in PF-days of 8.64e19 FLOP.",
        "It has no irreducible loss: far beyond the runs it falls below what any model can reach.",
    ),
)
def kaplan_l_cmin(
    C_min,
    *,
    C_c=scale("C * loss**(1/alpha_C)", meaning="compute at which the loss is one unit"),
    alpha_C=exponent(meaning="how fast loss falls with compute"),
):
    """Least compute, as at a small batch, down to zero.

    loss = (C_c/C_min)^alpha_C
    """
    return _fall(C_c, C_min, alpha_C)


@law(
    source=f"{SOURCE} Table 3",
    decreasing=("N", "S_min"),
    covariates={"S_min": Covariate("S_min", "S", meaning="steps at a batch far above the critical")},
    published=_published(
        "3", "all steps after warm-up", "non-embedding", N_c=6.5e13, alpha_N=0.077, S_c=2.1e3, alpha_S=0.76
    ),
    pitfalls=(
        "It is poor at few steps: leave the warm-up out.",
        "S_min = S / (1 + B_crit(L)/B) depends on the loss itself: take the observed loss.",
        "It has no irreducible loss: far beyond the runs it falls below what any model can reach.",
    ),
)
def kaplan_l_ns(
    N,
    S_min,
    *,
    N_c=scale("N * loss**(1/alpha_N)", meaning="parameters at which endless training gives one unit of loss"),
    alpha_N=exponent(meaning="how fast loss falls with parameters"),
    S_c=scale(
        "S * loss**(1/alpha_S)",
        Prior("LogNormal", (0.07, 1.0)),
        meaning="steps at which the term in steps is one unit of loss",
    ),
    alpha_S=exponent(Prior("LogNormal", (0.7, 0.3)), meaning="how fast loss falls with steps"),
):
    """Parameters and training steps, one term each, down to zero.

    loss = (N_c/N)^alpha_N + (S_c/S_min)^alpha_S
    """
    return _fall(N_c, N, alpha_N) + _fall(S_c, S_min, alpha_S)


@law(
    source=f"{SOURCE} Table 5",
    decreasing=("L",),
    covariates={"L": Covariate("L", "L", meaning="loss at which the batch is asked for")},
    response=Response("B_crit"),
    published=_published("5", "B_crit in tokens", B_star=2.1e8, alpha_B=0.21),
    pitfalls=(
        "It diverges as the loss falls to zero, and not as it nears the loss that cannot be removed.",
        "Loss per token moves with the tokenizer, and B_star with it.",
    ),
)
def kaplan_b_crit(
    L,
    *,
    B_star=amplitude("loss * L**(1/alpha_B)", meaning="critical batch at a loss of one"),
    alpha_B=parameter("inverse exponent", Prior("LogNormal", (0.21, 0.3)), meaning="1/alpha_B is its power"),
):
    """Critical batch in tokens against the loss; endless as the loss falls to zero."""
    return B_star / L ** (1 / alpha_B)
