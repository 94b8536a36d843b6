"""Algorithmic progress: what a year is worth in parameters and in data (arXiv:2403.05812).

The loss of language models falls with parameters, tokens and time. ``alpha_year / alpha_param`` is how many e-folds of
effective parameters a year brings, ``beta_year / beta_data`` of data. Parameters and tokens of published models grew
together, so the runs tell little of either rate alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scalaw.laws.law import Values, law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, exponent, parameter
from scalaw.lazy import jnp

FAMILY = "Progress over the years"


def _to_paper(values: Values, refs: Values) -> dict[str, Any]:
    """Paper units from reference units (NumPy): a year and a unit shift the log level of their term."""
    paper, level = dict(values), np.log(refs["loss"])
    for term, rate, unit in (("alpha", "alpha_param", "N"), ("beta", "beta_data", "D")):
        shift = values[f"{term}_year"] * refs["year"] + values[rate] * np.log(refs[unit])
        paper[f"{term}_const"] = values[f"{term}_const"] + level + shift
    return paper


def _rate(what: str) -> Any:
    return parameter("rate", Prior("Normal", (0.0, 0.05)), meaning=f"fall of the log term in {what} per year")


@law(
    source="arXiv:2403.05812",
    decreasing=("N", "D"),
    covariates={"Y": Covariate("Y", "year", "real", "interval", meaning="year of publication")},
    to_paper=_to_paper,
    published=(
        Published(
            "ho_2024",
            {"alpha_year": 0.004, "alpha_param": 0.068, "beta_year": 0.036, "beta_data": 0.040},
            "arXiv:2403.05812 Table 2",
            status="second-hand",
            note="the two constants belong to the paper's own units of N, D and Y, which are not known here",
        ),
    ),
    pitfalls=(
        "Only the two rates' sum is identified: alpha_year and beta_year trade, and either may be negative.",
        "Those who train choose N and D by what they expect of them, which biases the rates.",
        "It has no irreducible loss: far beyond the runs it falls below what any model can reach.",
    ),
)
def algorithmic_progress(
    N,
    D,
    Y,
    *,
    alpha_const=parameter("log level", Prior("Normal", (-0.7, 0.5)), meaning="log of the term in parameters"),
    alpha_year=_rate("parameters"),
    alpha_param=exponent(meaning="how fast the term in parameters falls"),
    beta_const=parameter("log level", Prior("Normal", (-0.7, 0.5)), meaning="log of the term in tokens"),
    beta_year=_rate("tokens"),
    beta_data=exponent(meaning="how fast the term in tokens falls"),
):
    """One power law in parameters and one in tokens, both falling with the years.

    loss = exp(alpha_const - alpha_year Y - alpha_param ln N) + exp(beta_const - beta_year Y - beta_data ln D)
    """
    size = alpha_const - alpha_year * Y - alpha_param * jnp.log(N)
    data = beta_const - beta_year * Y - beta_data * jnp.log(D)
    return jnp.exp(size) + jnp.exp(data)
