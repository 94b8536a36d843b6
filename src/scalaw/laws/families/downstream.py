"""Downstream measures: accuracy against loss, compute or thinking, and what makes it look sudden.

``downstream_sigmoid`` is the second stage of a two-stage forecast: accuracy between chance ``lo`` and a ceiling ``hi``
as the loss of the right answers falls through ``mid`` (arXiv:2407.21783, arXiv:2412.04403, where ``b = lo``, ``a = hi -
lo`` and ``k = -kappa``). ``rl_sigmoid`` is reward or accuracy against the compute of reinforcement learning.
``exact_match`` is why abilities seem to emerge: if all ``length`` tokens of an answer have to be right, a loss that
falls smoothly makes a sharp step (arXiv:2304.15004). ``log_linear_accuracy`` is a logistic line in the logarithm of
thinking tokens. ``loss_to_error_gadre`` is an exponential line from loss to average error, which leaves 0 to 1 if
followed far enough, so its response is a number of any sign. ``emergence_threshold`` is the sigmoid in log compute
that an ability which seems to emerge would follow.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scalaw.laws.law import Values, law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, Response, amplitude, exponent, parameter, scale
from scalaw.laws.spec import alias
from scalaw.lazy import jnp

FAMILY = "Downstream measures"

ACCURACY = Response("accuracy", "absolute", "share")


def _shifted(values: Values, refs: Values) -> dict[str, Any]:
    return {**values, "mid": values["mid"] + refs["L"]}


@law(
    source="arXiv:2407.21783; arXiv:2412.04403",
    covariates={"L": Covariate("L", "L", scaling="interval", meaning="loss of the right answers")},
    response=ACCURACY,
    to_paper=_shifted,
    pitfalls=(
        "The ceiling hi is not identified while accuracy is far below it.",
        "Hold lo where chance is known, e.g. downstream_sigmoid[lo=0.25] for four options.",
        "Where L is itself a forecast, its uncertainty belongs in the interval of the accuracy.",
    ),
)
def downstream_sigmoid(
    L,
    *,
    lo=parameter("chance", Prior("Beta", (2.0, 6.0)), meaning="accuracy by chance"),
    hi=parameter("ceiling", Prior("Beta", (20.0, 1.0)), meaning="accuracy at zero loss or what labels allow"),
    kappa=parameter("steepness", Prior("LogNormal", (5.0, 1.0)), "1", meaning="steepness in 1/loss"),
    mid=parameter(
        "midpoint", Prior("Normal", (0.0, 0.5)), meaning="loss half way between chance and ceiling"
    ),
):
    """Accuracy between chance and a ceiling as a loss falls.

    accuracy = lo + (hi - lo) / (1 + exp(kappa (L - mid)))
    """
    return lo + (hi - lo) * logistic(kappa * (mid - L))


@law(
    source="arXiv:2510.13786",
    response=Response("reward", "absolute", "share"),
    pitfalls=(
        "The ceiling A is not identified before the curve bends, at about C_mid.",
        "Steepness B and start R_0 trade where no run has little compute.",
    ),
)
def rl_sigmoid(
    C,
    *,
    R_0=parameter("level", Prior("Beta", (2.0, 6.0)), meaning="reward before reinforcement learning"),
    A=parameter("ceiling", Prior("Beta", (4.0, 2.0)), meaning="reward at endless compute"),
    B=parameter("steepness", Prior("LogNormal", (1.0, 0.5)), meaning="power of compute"),
    C_mid=scale("C", Prior("LogNormal", (1.0, 2.0)), meaning="compute half way to the ceiling"),
):
    """Reward against the compute of reinforcement learning, from a start to a ceiling.

    reward = R_0 + (A - R_0) / (1 + (C_mid/C)^B)
    """
    return R_0 + (A - R_0) * logistic(B * (jnp.log(C) - jnp.log(C_mid)))


emergence_threshold = alias(
    "emergence_threshold",
    rl_sigmoid,
    "Sigmoid in log compute: where an ability that seems to emerge appears.",
    source="arXiv:2206.07682",
    pitfalls=(
        "Accuracy below one over the number of test items looks like no ability: compare with exact_match first.",
    ),
)


@law(
    source="arXiv:2304.15004",
    increasing=("N",),
    decreasing=("length",),
    covariates={
        "length": Covariate("length", "tokens", "integer", "absolute", meaning="tokens of an answer")
    },
    response=ACCURACY,
    pitfalls=(
        "Accuracy below one over the number of test items is seen as zero: the jump may be the metric's.",
        "Answers of mixed lengths do not follow the curve of their mean length.",
    ),
)
def exact_match(
    N,
    length,
    *,
    c=scale("N", Prior("LogNormal", (0.1, 2.0)), meaning="parameters at which a token has one nat of loss"),
    alpha=exponent(Prior("LogNormal", (0.3, 0.5)), meaning="how fast the loss of a token falls"),
):
    """Share of answers all of whose tokens are right.

    accuracy = exp(-length (c/N)^alpha)
    """
    return jnp.exp(-length * jnp.exp(alpha * (jnp.log(c) - jnp.log(N))))


def _unlogged(values: Values, refs: Values) -> dict[str, Any]:
    return {**values, "u": values["u"] - values["v"] * np.log(refs["t"])}


@law(
    source="logistic in log tokens; no law was published for arXiv:2412.16720",
    increasing=("t",),
    covariates={"t": Covariate("t", "t", meaning="thinking tokens, or compute at test time")},
    response=ACCURACY,
    to_paper=_unlogged,
    pitfalls=(
        "Nobody published such a law: three printed points leave a wide interval and no test of the form.",
        "It has no ceiling below one.",
    ),
)
def log_linear_accuracy(
    t,
    *,
    u=parameter("level", Prior("Normal", (0.0, 1.5)), meaning="log odds at one token"),
    v=parameter("slope", Prior("HalfNormal", (0.5,)), meaning="log odds gained when tokens grow e-fold"),
):
    """Accuracy whose log odds grow with the logarithm of thinking.

    accuracy = 1 / (1 + exp(-(u + v ln t)))
    """
    return logistic(u + v * jnp.log(t))


def _shared(values: Values, refs: Values) -> dict[str, Any]:
    """Paper units from reference units (NumPy): k is what is gained at a loss of zero."""
    return {**values, "k": values["k"] * np.exp(values["gamma"] * refs["L"])}


def _gadre(data: str, *numbers: float) -> Published:
    values: dict[str, float] = dict(zip(("eps", "k", "gamma"), numbers, strict=True))
    return Published(f"gadre_2024_{data}", values, "arXiv:2403.08540", status="unverified")


@law(
    source="arXiv:2403.08540 §5",
    covariates={"L": Covariate("L", "L", scaling="interval", meaning="loss on a validation set")},
    response=Response("error", "absolute", "real"),
    increasing=("L",),
    to_paper=_shared,
    published=(
        _gadre("c4", 0.850, 2.08, 0.756),
        _gadre("redpajama", 0.857, 2.21, 0.715),
        _gadre("refinedweb", 0.865, 2.21, 0.707),
    ),
    pitfalls=(
        "It is of an average over many tasks: single tasks missed by 25 to 80 % in the paper.",
        "k and gamma trade off against each other unless losses span most of a nat.",
    ),
)
def loss_to_error_gadre(
    L,
    *,
    eps=parameter("chance", Prior("Beta", (8.0, 2.0)), meaning="error at endless loss"),
    k=amplitude("1", Prior("LogNormal", (0.3, 0.7)), meaning="error that is gained at zero loss"),
    gamma=parameter("steepness", Prior("LogNormal", (0.7, 0.5)), meaning="gain in log per unit of loss"),
):
    """Average error on downstream tasks against a loss.

    error = eps - k exp(-gamma L)
    """
    return eps - k * jnp.exp(-gamma * L)


def logistic(z):
    """Share between 0 and 1 of log odds."""
    return 0.5 * (1 + jnp.tanh(0.5 * z))
