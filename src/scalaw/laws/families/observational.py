"""Observational laws: downstream measures of many public models from a few capabilities (arXiv:2405.10938).

Scores of many models on many benchmarks lie close to a few directions, the principal components of the table
(:func:`scalaw.laws.relations.principal_components`). Within a family of models each component is about linear in the
log of compute (``log_linear``), and a downstream measure is a sigmoid of the components (``observational_sigmoid``).
Components come from a table of scores, not from a budget, so families of different efficiency share one law.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scalaw.laws.families.downstream import ACCURACY, logistic
from scalaw.laws.law import Values, law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Response, parameter
from scalaw.lazy import jnp

FAMILY = "Observational laws"


@law(
    source="arXiv:2405.10938",
    covariates={
        "S": Covariate("S", "component", "real", "absolute", "components", "principal components of scores")
    },
    options={"components": 3},
    response=ACCURACY,
    pitfalls=(
        "Components are of one table of scores: a new model's must be taken with the same loadings and centre.",
        "The sign and scale of a component are free until fixed: unit loadings, the first above zero.",
    ),
)
def observational_sigmoid(
    S,
    *,
    h=parameter("ceiling", Prior("Beta", (20.0, 1.0)), meaning="measure at endless capability"),
    alpha=parameter("level", Prior("Normal", (0.0, 1.5)), meaning="log odds at the centre of the table"),
    beta=parameter(
        "slope", Prior("Normal", (0.0, 1.0)), size="components", meaning="log odds per unit of a component"
    ),
):
    """Downstream measure as a sigmoid of a few principal components of benchmark scores.

    measure = h / (1 + exp(-(alpha + sum_k beta_k S_k)))
    """
    return h * logistic(alpha + jnp.sum(beta * S, axis=-1))


def _to_paper(values: Values, refs: Values) -> dict[str, Any]:
    """Paper units from reference units (NumPy): a unit of x shifts the level."""
    return {**values, "a": values["a"] - values["b"] * np.log10(refs["x"])}


@law(
    source="arXiv:2407.21783 §3.2.1, first stage; arXiv:2405.10938",
    response=Response("measure", "absolute", "real"),
    to_paper=_to_paper,
    pitfalls=(
        "A line in log compute has no floor: it holds over the decades fitted and not far beyond.",
        "As the first stage of a forecast its error must reach the second: chain the two fits' draws.",
    ),
)
def log_linear(
    x,
    *,
    a=parameter("level", Prior("Normal", (0.0, 3.0)), meaning="measure at x = 1"),
    b=parameter("slope", Prior("Normal", (0.0, 1.0)), meaning="change per decade of x"),
):
    """A measure of any sign that is a line in the logarithm of one quantity.

    y = a + b log10 x
    """
    return a + b * jnp.log10(x)
