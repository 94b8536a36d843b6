"""Training and inference in low precision (arXiv:2411.04330).

Fewer bits for weights, activations and the KV cache act like fewer parameters: each leaves a share ``1 - exp(-P /
gamma)`` of them. Bits are those of training. Quantising afterwards to ``P_post`` bits adds a loss that *grows* with
tokens (``delta_ptq``); the published form has a further factor for trained precision whose constants are not known
here, so it stands for models trained in full precision.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, amplitude, exponent, irreducible, parameter
from scalaw.lazy import jnp

FAMILY = "Precision"

GAMMAS = {"gamma_w": 2.6745, "gamma_a": 2.2102, "gamma_kv": 0.9578}
BITS = {
    name: Covariate(name, "bits", "integer", "absolute", meaning=f"bits of {what} in training")
    for name, what in (("P_w", "weights"), ("P_a", "activations"), ("P_kv", "the KV cache"))
}


def _softness(what: str):
    return parameter("bits", Prior("LogNormal", (2.0, 0.5)), meaning=f"bits of {what} until 1 - 1/e is left")


def effective_parameters(N, P_w, P_a, P_kv, *, gamma_w, gamma_a, gamma_kv):
    """Parameters in full precision that are worth as much."""
    return N * jnp.expm1(-P_w / gamma_w) * jnp.expm1(-P_a / gamma_a) * -jnp.expm1(-P_kv / gamma_kv)


@law(
    source="arXiv:2411.04330",
    decreasing=("N", "D", "P_w", "P_a", "P_kv"),
    covariates=BITS,
    published=(
        Published(
            "kumar_2024",
            {**GAMMAS, "A": 4.299e3, "alpha": 0.4965, "B": 1.806e4, "E": 2.7648},
            "arXiv:2411.04330",
            status="unverified",
            note="gammas second-hand, A, alpha, B and E unverified, beta unknown",
        ),
    ),
    pitfalls=(
        "A gamma is identified only where its bits were varied well below 16.",
        "Bits are those of training; quantising afterwards is delta_ptq.",
    ),
)
def precision_kumar(
    N,
    D,
    P_w,
    P_a,
    P_kv,
    *,
    E=irreducible(),
    A=amplitude("loss * N**alpha", meaning="size of the term in effective parameters"),
    B=amplitude("loss * D**beta", meaning="size of the term in tokens"),
    alpha=exponent(meaning="how fast the term in effective parameters falls"),
    beta=exponent(meaning="how fast the term in tokens falls"),
    gamma_w=_softness("weights"),
    gamma_a=_softness("activations"),
    gamma_kv=_softness("the KV cache"),
):
    """Chinchilla in the parameters that low precision leaves.

    loss = E + A/N_eff^alpha + B/D^beta
    where N_eff = N (1 - exp(-P_w/gamma_w)) (1 - exp(-P_a/gamma_a)) (1 - exp(-P_kv/gamma_kv))
    """
    size = effective_parameters(N, P_w, P_a, P_kv, gamma_w=gamma_w, gamma_a=gamma_a, gamma_kv=gamma_kv)
    return E + A / size**alpha + B / D**beta


@law(
    source="arXiv:2411.04330",
    increasing=("D",),
    decreasing=("N", "P_post"),
    units="as in paper",
    covariates={
        "P_post": Covariate("P_post", "bits", "integer", "absolute", meaning="bits after quantisation")
    },
    published=(
        Published(
            "kumar_2024",
            {"C_T": 0.0598, "gamma_D": 0.5068, "gamma_N": 0.3439, "gamma_post": 0.5907},
            "arXiv:2411.04330",
            status="second-hand",
        ),
    ),
    pitfalls=(
        "It stands for models trained in full precision: the paper's factor for trained precision is missing.",
        "It is a difference of losses, to be added to that of the model as trained.",
    ),
)
def delta_ptq(
    N,
    D,
    P_post,
    *,
    C_T=amplitude("1", Prior("LogNormal", (0.06, 1.5)), meaning="size of the loss that quantising adds"),
    gamma_D=exponent(Prior("LogNormal", (0.5, 0.5)), meaning="how fast it grows with tokens"),
    gamma_N=exponent(Prior("LogNormal", (0.35, 0.5)), meaning="how fast it falls with parameters"),
    gamma_post=parameter("bits", Prior("LogNormal", (0.6, 0.5)), meaning="bits that divide it by e"),
):
    """Loss added by quantising a model after training in full precision.

    added loss = C_T exp(-P_post/gamma_post) D^gamma_D / N^gamma_N
    """
    return C_T * jnp.exp(-P_post / gamma_post) * D**gamma_D / N**gamma_N
