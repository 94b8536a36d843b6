"""Over-training: loss in compute and tokens per parameter (arXiv:2403.08540).

``M = D / N`` is the number of tokens per parameter. With one exponent for parameters and tokens, Chinchilla's law
becomes parallel lines in ln C, one for every M: over-trained models lose a constant factor of reducible loss. The
best M is ``(b / a)**(1 / (2 * eta))``. For ``alpha == beta`` it is Chinchilla itself, with ``eta = alpha / 2``,
``a = A * 6**eta`` and ``b = B * 6**eta``.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, amplitude, exponent, irreducible

FAMILY = "Parameters and tokens"


def _published(data: str, *numbers: float) -> Published:
    values: dict[str, float] = dict(zip(("E", "a", "b", "eta"), numbers, strict=True))
    key = f"gadre_2024_{data.lower()}"
    return Published(key, values, "arXiv:2403.08540", status="unverified", tokenizer=data)


@law(
    source="arXiv:2403.08540 App. B",
    decreasing=("C",),
    covariates={"M": Covariate("M", "M", meaning="training tokens per parameter")},
    published=(
        _published("C4", 1.51, 141.0, 190.0, 0.121),
        _published("RedPajama", 1.84, 212.0, 367.0, 0.136),
        _published("RefinedWeb", 1.73, 157.0, 246.0, 0.127),
    ),
    pitfalls=(
        "It assumes one exponent for parameters and tokens, alpha = beta in chinchilla.",
        "C must be 6 N D with the N of M = D/N.",
        "The paper's runs at M = 5 lie off the trend.",
    ),
)
def overtraining_gadre(
    C,
    M,
    *,
    E=irreducible(),
    a=amplitude("loss * C**eta / M**eta", meaning="size of the term that grows with tokens per parameter"),
    b=amplitude("loss * C**eta * M**eta", meaning="size of the term that falls with tokens per parameter"),
    eta=exponent(Prior("LogNormal", (0.15, 0.5)), meaning="how fast reducible loss falls with compute"),
):
    """Irreducible loss plus a power law in compute whose size depends on tokens per parameter."""
    return E + (a * M**eta + b / M**eta) / C**eta
