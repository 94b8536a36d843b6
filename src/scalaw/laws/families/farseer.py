"""Farseer: Chinchilla whose level and whose exponent of tokens move with N (arXiv:2506.10972).

``N`` leaves the embedding out. The exponent of D depends on N, so a change of the unit of D is no change of
parameters: D and the loss stay in the paper's units, and N alone is taken over its centre. With all powers at zero it
is a power law in D above a constant.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Response, parameter
from scalaw.lazy import jnp

FAMILY = "Parameters and tokens"


def _power(what: str):
    return parameter("power", Prior("Normal", (-0.1, 0.07)), meaning=f"power of N in {what}")


def _slope(what: str, power: str):
    prior = Prior("Normal", (0.0, 1.0))
    return parameter("slope", prior, f"1 / N**{power}", meaning=f"factor of N's power in {what}")


@law(
    source="arXiv:2506.10972",
    decreasing=("D",),
    covariates={"D": Covariate("D", "D", scaling="absolute", meaning="training tokens")},
    response=Response(scaling="absolute"),
    pitfalls=(
        "Nine parameters want many sizes, each at many token counts.",
        "In each part the factor a and the power of N trade over less than two decades of N.",
    ),
)
def farseer(
    N,
    D,
    *,
    a_1=_slope("the log exponent of D", "alpha"),
    alpha=_power("the log exponent of D"),
    b_1=parameter("log level", Prior("Normal", (-1.2, 0.5)), meaning="log exponent of D without N's part"),
    a_2=_slope("the log size of the term in D", "beta"),
    beta=_power("the log size of the term in D"),
    b_2=parameter("log level", Prior("Normal", (5.0, 2.0)), meaning="log size of that term without N's part"),
    a_3=_slope("the log loss at endless D", "gamma"),
    gamma=_power("the log loss at endless D"),
    b_3=parameter("log level", Prior("Normal", (0.5, 0.5)), meaning="log loss at endless D without N's part"),
):
    """Loss at endless tokens and a power law in tokens, both moving with parameters.

    loss = exp(a_3 N^gamma + b_3) + exp(a_2 N^beta + b_2) D^-exp(a_1 N^alpha + b_1)
    """
    log_n = jnp.log(N)
    falls = jnp.exp(a_1 * jnp.exp(alpha * log_n) + b_1)
    size = a_2 * jnp.exp(beta * log_n) + b_2
    return jnp.exp(a_3 * jnp.exp(gamma * log_n) + b_3) + jnp.exp(size - falls * jnp.log(D))
