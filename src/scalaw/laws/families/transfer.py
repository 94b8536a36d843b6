"""Transfer and fine-tuning: what pre-training is worth on another task.

``hernandez_transfer`` gives the data that pre-training saves, in the unit of the fine-tuning data.
``barnett_transfer`` has a gap ``G`` that no pre-training closes. ``finetune_joint_zhang`` multiplies a power of any
pre-training quantity with one of the fine-tuning data. ``isik_downstream`` is a score such as BLEU after fine-tuning,
a power of the log of a power of the pre-training data.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, Response, amplitude, exponent, irreducible
from scalaw.lazy import jnp

FAMILY = "Transfer and fine-tuning"

D_F = Covariate("D_F", "D_F", meaning="fine-tuning data: tokens, characters or examples")


def _published(task: str, k: float, alpha: float, beta: float) -> Published:
    values = {"k": k, "alpha": alpha, "beta": beta}
    return Published(
        f"hernandez_2021_{task}",
        values,
        "arXiv:2102.01293 Table 1",
        status="second-hand",
        note=f"pre-trained on {task.replace('_', ' ')}; D_F and D_T in characters",
        counts="non-embedding",
        tokenizer="Python code",
    )


@law(
    source="arXiv:2102.01293",
    increasing=("D_F", "N"),
    covariates={"D_F": D_F},
    response=Response("D_T"),
    published=(_published("text", 1.9e4, 0.18, 0.38), _published("text_and_code", 2.1e5, 0.096, 0.38)),
    pitfalls=(
        "It holds while fine-tuning data are below a tenth of what the model calls for.",
        "It knows no harm: small models on much fine-tuning data can do better without pre-training.",
    ),
)
def hernandez_transfer(
    D_F,
    N,
    *,
    k=amplitude("loss / (D_F**alpha * N**beta)", meaning="data that pre-training is worth at the centre"),
    alpha=exponent(Prior("Beta", (2.0, 6.0)), meaning="how it grows with fine-tuning data"),
    beta=exponent(Prior("LogNormal", (0.4, 0.4)), meaning="how it grows with parameters"),
):
    """Fine-tuning data that pre-training saves."""
    return k * D_F**alpha * N**beta


@law(
    source="arXiv:2408.16947",
    decreasing=("D", "D_F"),
    covariates={"D_F": D_F},
    pitfalls=("G, E and a small beta can be told apart only if D and D_F both span two decades.",),
)
def barnett_transfer(
    D,
    D_F,
    *,
    E=irreducible(),
    A=amplitude("loss * D**alpha * D_F**beta", meaning="size of the term that pre-training removes"),
    G=amplitude("loss * D_F**beta", meaning="transfer gap: what no pre-training removes"),
    alpha=exponent(meaning="how fast pre-training pays"),
    beta=exponent(meaning="how fast fine-tuning pays"),
):
    """Pre-training and fine-tuning data, with a gap that pre-training does not close."""
    return E + (A / D**alpha + G) / D_F**beta


@law(
    source="arXiv:2402.17193",
    decreasing=("x", "D_F"),
    covariates={"D_F": D_F},
    pitfalls=(
        "beta belongs to a task and a way of tuning: do not fit several together.",
        "With tuned parameters as x alpha comes out near zero: more of them hardly help.",
    ),
)
def finetune_joint_zhang(
    x,
    D_F,
    *,
    E=irreducible(),
    A=amplitude("loss * x**alpha * D_F**beta", meaning="size of the term"),
    alpha=exponent(meaning="how fast x pays: parameters, pre-training tokens or tuned parameters"),
    beta=exponent(meaning="how fast fine-tuning data pay"),
):
    """Product of a power of a pre-training quantity and one of fine-tuning data, above an irreducible loss."""
    return E + A / (x**alpha * D_F**beta)


@law(
    source="arXiv:2402.04177 eq. 1",
    increasing=("D",),
    response=Response("score", "absolute"),
    pitfalls=(
        "Over less than two decades of D, A and alpha cannot be told apart.",
        "Where pre-training is of another kind the score can fall with D, which this law cannot.",
        "It has no value where A D^alpha is below one.",
    ),
)
def isik_downstream(
    D,
    *,
    A=amplitude("1 / D**alpha", Prior("LogNormal", (2e4, 1.5)), meaning="what the logarithm is taken of"),
    alpha=exponent(meaning="power of pre-training data within the logarithm"),
    beta=exponent(Prior("LogNormal", (1.0, 0.3)), meaning="power of the logarithm"),
):
    """Score after fine-tuning: a power of the logarithm of pre-training data.

    score = (ln A + alpha ln D)^beta
    """
    return (jnp.log(A) + alpha * jnp.log(D)) ** beta
