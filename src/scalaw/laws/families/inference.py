"""Inference: latency per token against the size of a model and the bandwidth of memory (arXiv:2506.04645).

At a fixed cost per token, the time of a token grows about like the square root of parameters and falls like the cube
root of memory bandwidth. Both powers are learned around these values. What inference costs over a model's life is
arithmetic and no law: :func:`scalaw.laws.relations.inference_flops`, :func:`~scalaw.laws.relations.break_even_tokens`.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, Response, amplitude, parameter

FAMILY = "Inference"


@law(
    source="arXiv:2506.04645 abstract",
    covariates={
        "bandwidth": Covariate("bandwidth", "bandwidth", meaning="memory bandwidth, bytes per second")
    },
    response=Response("latency"),
    published=(
        Published(
            "erdil_2025",
            {"a": 0.5, "b": 1 / 3},
            "arXiv:2506.04645 abstract",
            note="the headline's powers alone",
        ),
    ),
    pitfalls=(
        "The powers hold along the best setting at each size and a fixed cost per token, not for one machine.",
        "Network latency and batch size set in at the ends: do not extrapolate far beyond the machines measured.",
    ),
)
def inference_latency(
    N,
    bandwidth,
    *,
    tau=amplitude("loss * bandwidth**b / N**a", Prior("LogNormal", (1.0, 0.5)), meaning="sets the level"),
    a=parameter("power", Prior("Normal", (0.5, 0.1)), meaning="power of parameters"),
    b=parameter("power", Prior("Normal", (1 / 3, 0.1)), meaning="power of one over bandwidth"),
):
    """Time of a token in parameters and memory bandwidth, at a fixed cost per token."""
    return tau * N**a / bandwidth**b
