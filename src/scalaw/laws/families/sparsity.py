"""Sparse weights and sparse activation: laws in which not all parameters take part.

``sparse_frantar`` is for pruned dense models, N counting the weights that are left. ``moe_sparsity_abnar`` is for
mixtures of experts, N counting all parameters and S the share that rests. ``moe_comprehensive`` has total and active
parameters, the number G of active experts and the share S of shared experts.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, amplitude, exponent, irreducible, parameter, scale
from scalaw.lazy import jnp

FAMILY = "Sparsity"

SHARE = Covariate("S", "share", "share", "absolute", meaning="share of parameters that rest")


@law(
    source="arXiv:2309.08520",
    decreasing=("N", "D"),
    covariates={"S": Covariate("S", "share", "share", "absolute", meaning="share of weights pruned away")},
    published=(
        Published(
            "frantar_2023_t5",
            {"a_S": 16.8, "b_S": 0.722, "c_S": 45.0, "b_N": 0.245, "a_D": 6.90e8, "b_D": 0.203, "c": 0.651},
            "arXiv:2309.08520",
            status="second-hand",
            note="T5 models",
            counts="non-zero",
            tokenizer="C4",
        ),
    ),
    pitfalls=(
        "N counts the weights that are left, not those of the dense model.",
        "Runs at one sparsity identify only the sum of a_S's and c_S's parts.",
    ),
)
def sparse_frantar(
    N,
    D,
    S,
    *,
    a_S=amplitude("loss * N**b_N", meaning="part of the term in parameters that pruning removes"),
    b_S=exponent(Prior("LogNormal", (0.7, 0.5)), meaning="power of the share that is left"),
    c_S=amplitude("loss * N**b_N", meaning="part of the term in parameters that stays"),
    b_N=exponent(meaning="how fast the term in parameters falls"),
    a_D=scale(
        "D * loss**(1/b_D)", Prior("LogNormal", (0.001, 1.5)), meaning="tokens at which their term is one"
    ),
    b_D=exponent(Prior("LogNormal", (0.3, 0.2)), meaning="how fast the term in tokens falls"),
    c=irreducible(),
):
    """Irreducible loss plus a term in non-zero parameters, smaller the more were pruned, and one in tokens.

    loss = (a_S (1 - S)^b_S + c_S) / N^b_N + (a_D/D)^b_D + c
    """
    size = (a_S * (1 - S) ** b_S + c_S) / N**b_N
    return size + jnp.exp(b_D * (jnp.log(a_D) - jnp.log(D))) + c


@law(
    source="arXiv:2501.12370",
    decreasing=("N", "D"),
    covariates={"S": SHARE},
    published=(
        Published(
            "abnar_2025",
            {
                "a": 16612.5,
                "alpha": 0.5962,
                "b": 5455.67,
                "beta": 0.3954,
                "c": 0.4598,
                "lam": -0.1666,
                "d": 17.26,
                "delta": 0.1603,
                "gamma": 0.1595,
                "e": 0.94,
            },
            "arXiv:2501.12370",
            status="unverified",
            counts="total",
        ),
    ),
    pitfalls=(
        "Where S hardly varies c and e cannot be told apart.",
        "N counts all parameters, not the active ones.",
    ),
)
def moe_sparsity_abnar(
    N,
    D,
    S,
    *,
    a=amplitude("loss * N**alpha", meaning="size of the term in parameters"),
    alpha=exponent(meaning="how fast the term in parameters falls"),
    b=amplitude("loss * D**beta", meaning="size of the term in tokens"),
    beta=exponent(meaning="how fast the term in tokens falls"),
    c=amplitude("loss", meaning="size of the term in sparsity alone"),
    lam=parameter(
        "sparsity", Prior("Normal", (0.0, 0.2)), meaning="power of 1/(1-S) in the term in sparsity"
    ),
    d=amplitude("loss * N**gamma", meaning="size of the term in sparsity and parameters"),
    delta=parameter("sparsity", Prior("Normal", (0.0, 0.2)), meaning="power of 1/(1-S) in that term"),
    gamma=exponent(meaning="how fast that term falls with parameters"),
    e=irreducible(),
):
    """Chinchilla in all parameters with two terms in the share of them that rests.

    loss = a/N^alpha + b/D^beta + c/(1 - S)^lam + d/((1 - S)^delta N^gamma) + e
    """
    active = jnp.log1p(-S)
    rest = c * jnp.exp(-lam * active) + d * jnp.exp(-delta * active) / N**gamma
    return a / N**alpha + b / D**beta + rest + e


@law(
    source="arXiv:2509.23678",
    decreasing=("D",),
    covariates={
        "N_a": Covariate("N_a", "N", meaning="active parameters"),
        "G": Covariate("G", "experts", "integer", "absolute", meaning="number of active experts"),
        "S": Covariate("S", "share", "share", "absolute", meaning="share of shared experts"),
    },
    published=(
        Published(
            "zhao_2025",
            {
                "e": 0.1577,
                "f": 7.2446,
                "m": 5.1395,
                "n": -3.2363,
                "k": 0.0013,
                "h": 0.0450,
                "a": 38.051,
                "alpha": 0.2383,
                "b": 27129.05,
                "beta": 0.4694,
                "c": 31.096,
                "eps": 1.8182,
            },
            "arXiv:2509.23678",
            status="second-hand",
            note="446 runs; its best S of 0.31 is that of the paper",
            counts="total",
        ),
    ),
    pitfalls=(
        "By its form the best G, sqrt(f/e), and the best S, -n/(2 m), depend on neither N nor D.",
        "Twelve parameters: what the runs do not vary on its own (G, S, N_a/N) stays at its prior.",
    ),
)
def moe_comprehensive(
    N,
    D,
    N_a,
    G,
    S,
    *,
    e=amplitude("loss * N**alpha", Prior("LogNormal", (0.0005, 1.0)), meaning="cost of every active expert"),
    f=amplitude("loss * N**alpha", Prior("LogNormal", (0.02, 1.0)), meaning="cost of few active experts"),
    m=amplitude(
        "loss * N**alpha", Prior("LogNormal", (0.1, 1.0)), meaning="cost of the squared shared share"
    ),
    n=parameter(
        "slope", Prior("Normal", (-0.01, 0.008)), "loss * N**alpha", meaning="gain of the shared share"
    ),
    k=parameter("weight", Prior("LogNormal", (0.003, 2.0)), meaning="weight of active parameters there"),
    h=parameter(
        "weight", Prior("LogNormal", (5.0, 1.0)), "1 / N**alpha", meaning="weight of the active share there"
    ),
    a=amplitude("loss * N**alpha", meaning="size of the term in all parameters"),
    alpha=exponent(meaning="how fast the terms in parameters fall"),
    b=amplitude("loss * D**beta", meaning="size of the term in tokens"),
    beta=exponent(meaning="how fast the term in tokens falls"),
    c=amplitude("loss * N**alpha", meaning="size of the term in active parameters"),
    eps=irreducible(),
):
    """Total and active parameters and tokens, with the number of active and the share of shared experts.

    loss = T (N^-alpha + k N_a^-alpha + h N_a/N) + a/N^alpha + b/D^beta + c/N_a^alpha + eps
    where T = e G + f/G + m S^2 + n S
    """
    routed = (e * G + f / G + m * S**2 + n * S) * (N**-alpha + k * N_a**-alpha + h * N_a / N)
    return routed + a / N**alpha + b / D**beta + c / N_a**alpha + eps
