"""Laws of what to choose: the best learning rate and batch, and the compute-optimal size, as powers.

``best_setting`` is a product of powers of parameters and tokens with signs that are learned, such as arXiv:2503.04715
fits to the best learning rate and the best batch of a sweep. ``optimal_allocation`` is one rising power of compute: the
parameters or tokens that are best at each budget, such as the minima of IsoFLOP curves. What is fitted is the optimum
of every sweep; the response is whatever was optimal.
"""

from __future__ import annotations

from scalaw.data.units import FLOP_PER_PF_DAY as PF_DAY
from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Published, Response, amplitude, exponent, parameter

FAMILY = "Settings and allocations"

_STEP = "arXiv:2503.04715"


@law(
    source=_STEP,
    response=Response("setting"),
    published=(
        Published(
            "steplaw_2025_learning_rate",
            {"k": 1.79, "a": -0.713, "b": 0.307},
            _STEP,
            status="second-hand",
            note="peak learning rate",
            counts="non-embedding",
        ),
        Published(
            "steplaw_2025_batch",
            {"k": 0.58, "a": 0.0, "b": 0.571},
            _STEP,
            status="second-hand",
            note="batch in tokens",
        ),
    ),
    pitfalls=(
        "The optimum of a sweep is as coarse as its grid, and flat: near-optimal settings span a factor of two.",
        "It holds for one optimiser, one schedule and one way of counting parameters.",
    ),
)
def best_setting(
    N,
    D,
    *,
    k=amplitude("loss / (N**a * D**b)", Prior("LogNormal", (1.0, 0.5)), meaning="sets the level"),
    a=parameter("power", Prior("Normal", (0.0, 0.7)), meaning="power of parameters"),
    b=parameter("power", Prior("Normal", (0.0, 0.7)), meaning="power of tokens"),
):
    """Best learning rate or batch as a product of powers of parameters and tokens."""
    return k * N**a * D**b


def _allocation(
    key: str, source: str, k: float, a: float, status: str, note: str, counts: str = ""
) -> Published:
    return Published(key, {"k": k, "a": a}, source, status=status, note=note, counts=counts)  # pyright: ignore


@law(
    source="arXiv:2001.08361 Table 6; arXiv:2203.15556 approaches 1 and 2",
    increasing=("C",),
    response=Response("optimum"),
    published=(
        _allocation(
            "kaplan_2020_parameters",
            "arXiv:2001.08361 Table 6",
            1.3e9 / PF_DAY**0.73,
            0.73,
            "checked",
            "C is C_min; printed in PF-days",
            "non-embedding",
        ),
        _allocation(
            "kaplan_2020_tokens",
            "arXiv:2001.08361 Table 6",
            2e10 / PF_DAY**0.27,
            0.27,
            "checked",
            "C is C_min; for a batch near the critical one, where 6 N D is 1.8 times C_min",
        ),
        _allocation(
            "deepseek_2024_tokens",
            "arXiv:2401.02954",
            5.8316,
            0.4757,
            "second-hand",
            "C = M D with M the FLOP per token outside the embedding",
        ),
        _allocation(
            "deepseek_2024_flops_per_token",
            "arXiv:2401.02954",
            0.1715,
            0.5243,
            "unverified",
            "the optimum is M, FLOP per token outside the embedding",
        ),
        _allocation(
            "llama3_2024_tokens_figure",
            "arXiv:2407.21783 figure 3, legend",
            0.299,
            0.537,
            "second-hand",
            "gives the 16.5T tokens that the text states at 3.8e25 FLOP",
        ),
        _allocation(
            "llama3_2024_tokens_text",
            "arXiv:2407.21783 §3.2.1",
            0.29,
            0.53,
            "second-hand",
            "as printed in the text; gives 10.5T where the text states 16.55T",
        ),
    ),
    pitfalls=(
        "An exponent depends on how N and FLOP are counted: Kaplan's .73 becomes .5 with the head counted.",
        "Minima of IsoFLOP parabolas are biased when the grid is off centre; errors of minima are not equal.",
    ),
)
def optimal_allocation(
    C,
    *,
    k=amplitude("loss / C**a", Prior("LogNormal", (1.0, 0.5)), meaning="sets the level"),
    a=exponent(Prior("LogNormal", (0.5, 0.3)), meaning="power of compute"),
):
    """Compute-optimal parameters or tokens as one power of compute."""
    return k * C**a
