"""Vocabulary as an axis of scale (arXiv:2407.13623).

A larger vocabulary packs more text into a token, and its loss per token cannot be compared with another's. So the loss
is measured against that of a unigram model of the same tokens: ``loss - unigram loss`` is below zero, and comparable
between vocabularies. ``N_nv`` counts parameters outside the embedding and ``N_v = V d`` those inside, for a vocabulary
of V and a width of d. A response of any sign has no logarithm: fit it with noise ``additive``.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, Response, amplitude, exponent, parameter

FAMILY = "Vocabulary"

FALLS = Prior("LogNormal", (0.4, 0.5))
#: Powers of the first term and of tokens, and of the second term, in the authors' code (arXiv:2407.13623, repository).
_ALPHA, _VOCABULARY = 0.44660634152009615, 0.6707374679896795


@law(
    source="arXiv:2407.13623",
    decreasing=("N_nv", "N_v", "D"),
    covariates={
        "N_nv": Covariate("N_nv", "N", meaning="parameters outside the embedding"),
        "N_v": Covariate("N_v", "N_v", meaning="parameters of the embedding: vocabulary times width"),
    },
    response=Response("unigram-normalised loss", "absolute", "real"),
    published=(
        Published(
            "tao_2024",
            {
                "E": 5.5327846803337435,
                "A_1": 1.8313851559554126 * 1e6**_ALPHA,
                "alpha_1": _ALPHA,
                "A_2": 0.19584238398665638 * 1e6**_VOCABULARY,
                "alpha_2": _VOCABULARY,
                "B": 2.1241123120064955 * 1e9**_ALPHA,
                "beta": _ALPHA,
            },
            "the repository of arXiv:2407.13623",
            note="printed in millions of parameters and billions of tokens",
            counts="non-embedding",
        ),
    ),
    pitfalls=(
        "Losses must be those of a unigram model subtracted: plain losses of different tokenizers do not compare.",
        "With one vocabulary size, or one that grows in step with the model, the term in N_v is not identified.",
    ),
)
def vocabulary_tao(
    N_nv,
    N_v,
    D,
    *,
    E=parameter(
        "offset", Prior("LogNormal", (4.0, 0.5)), meaning="gain over a unigram model at endless scale"
    ),
    A_1=amplitude(
        "N**alpha_1",
        Prior("LogNormal", (0.2, 1.2)),
        meaning="size of the term in parameters outside the embedding",
    ),
    alpha_1=exponent(FALLS, meaning="how fast that term falls"),
    A_2=amplitude(
        "N_v**alpha_2", Prior("LogNormal", (0.03, 1.2)), meaning="size of the term in the embedding"
    ),
    alpha_2=exponent(FALLS, meaning="how fast that term falls"),
    B=amplitude("D**beta", Prior("LogNormal", (0.4, 1.0)), meaning="size of the term in tokens"),
    beta=exponent(FALLS, meaning="how fast the term in tokens falls"),
):
    """Loss over that of a unigram model: terms in other parameters, in the embedding and in tokens.

    loss - unigram loss = -E + A_1/N_nv^alpha_1 + A_2/N_v^alpha_2 + B/D^beta
    """
    return -E + A_1 / N_nv**alpha_1 + A_2 / N_v**alpha_2 + B / D**beta
