"""A learned reward pursued too far: the true reward against the distance from the start (arXiv:2210.10760).

``kl`` is the divergence of the optimised policy from the one it began as, in nats, and ``d`` its square root. The true
reward first rises with d and then falls: for best of n at ``d = alpha / (2 beta)``, for reinforcement learning at ``d =
exp(alpha / beta - 1)``. Rewards are measured from that of the start and may have any sign: fit them with noise
``additive``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scalaw.laws.law import Values, law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Response, parameter
from scalaw.lazy import jnp

FAMILY = "Rewards"

KL = Covariate("kl", "kl", meaning="divergence from the start, nats")
REWARD = Response("reward", "absolute", "real")
_PITFALLS = (
    "A peak beyond the runs is not identified: alpha is learned from the rise alone, beta only near the turn.",
    "Rewards of two reward models or two scales cannot be fitted together.",
)


def _rise() -> Any:
    return parameter(
        "slope", Prior("LogNormal", (1.0, 0.7)), "1 / kl**0.5", meaning="reward per root nat at the start"
    )


@law(
    source="arXiv:2210.10760, best of n",
    covariates={"kl": KL},
    response=REWARD,
    pitfalls=_PITFALLS,
)
def overoptimised_best_of_n(
    kl,
    *,
    alpha=_rise(),
    beta=parameter("bend", Prior("LogNormal", (0.3, 0.7)), "1 / kl", meaning="how soon the reward turns"),
):
    """True reward when the best of n by a learned reward is taken.

    reward = d (alpha - beta d), d = kl^(1/2)
    """
    d = jnp.sqrt(kl)
    return d * (alpha - beta * d)


def _to_paper(values: Values, refs: Values) -> dict[str, Any]:
    """Paper units from reference units (NumPy): a unit of distance leaks from beta into alpha."""
    root = np.sqrt(refs["kl"])
    return {"alpha": (values["alpha"] + values["beta"] * np.log(root)) / root, "beta": values["beta"] / root}


@law(
    source="arXiv:2210.10760, reinforcement learning",
    covariates={"kl": KL},
    response=REWARD,
    to_paper=_to_paper,
    pitfalls=_PITFALLS,
)
def overoptimised_rl(
    kl,
    *,
    alpha=_rise(),
    beta=parameter(
        "bend", Prior("LogNormal", (0.3, 0.7)), "1 / kl**0.5", meaning="how soon the reward turns"
    ),
):
    """True reward when a learned one is pursued by reinforcement learning.

    reward = d (alpha - beta ln d), d = kl^(1/2)
    """
    d = jnp.sqrt(kl)
    return d * (alpha - beta * jnp.log(d))
