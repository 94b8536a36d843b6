"""Mixtures of experts, in active parameters, tokens, and the number or the granularity of experts.

``moe_clark`` (arXiv:2202.01169) has a fixed number of tokens. ``moe_finegrained`` (arXiv:2402.07871) has 64 experts
cut into ``G`` finer ones each. ``moe_joint`` (arXiv:2502.05172) joins parameters, tokens and experts: ``N`` counts
active parameters with embedding and unembedding, ``E`` is the number of experts; its effect saturates between
``E_start`` and ``E_max``. A change of units mixes parameters: ``N**(alpha + gamma ln E)`` turns a unit of N into a
power of the number of experts, so ``delta`` and ``omega`` are, in reference units, the effect of experts at the centre
of the runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scalaw.laws.law import Values, law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, amplitude, exponent, irreducible, parameter
from scalaw.lazy import jnp

FAMILY = "Mixtures of experts"


def effective_experts(E: Any, E_start: Any, E_max: Any) -> Any:
    """Number of experts that count, between ``E_start`` for one and ``E_max`` for endless ones."""
    return 1 / (1 / (E - 1 + 1 / (1 / E_start - 1 / E_max)) + 1 / E_max)


def _clark_to_paper(values: Values, refs: Values) -> dict[str, Any]:
    """Paper units from reference units (NumPy): a and c leak into d and b."""
    log_n = np.log10(refs["N"])
    paper = dict(values)
    paper["b"] = values["b"] - values["c"] * log_n
    paper["d"] = values["d"] + np.log10(refs["loss"]) - values["a"] * log_n
    return paper


def _clark(router: str, *numbers: float) -> Published:
    values: dict[str, float] = dict(zip(("a", "b", "c", "d", "E_start", "E_max"), numbers, strict=True))
    return Published(
        f"clark_2022_{router}",
        values,
        "arXiv:2202.01169",
        status="second-hand",
        note="all runs on 130B tokens",
        counts="dense, per token",
    )


EXPERTS = Covariate("E", "experts", "integer", "absolute", meaning="number of experts")


@law(
    source="arXiv:2202.01169",
    covariates={"E": EXPERTS},
    to_paper=_clark_to_paper,
    published=(
        _clark("s_base", -0.082, -0.108, 0.009, 1.104, 1.847, 314.478),
        _clark("rl_r", -0.083, -0.126, 0.012, 1.111, 1.880, 470.0),
        _clark("hash", -0.087, -0.136, 0.012, 1.157, 4.175, 477.7),
    ),
    pitfalls=(
        "Its runs all have one number of tokens: that routing pays less for large N may be due to that.",
        "It has no irreducible loss: far beyond the runs it falls below what any model can reach.",
    ),
)
def moe_clark(
    N,
    E,
    *,
    a=parameter("slope", Prior("Normal", (-0.08, 0.04)), meaning="power of parameters, one effective expert"),
    b=parameter("experts", Prior("Normal", (-0.03, 0.05)), meaning="power of experts at one parameter"),
    c=parameter(
        "experts", Prior("Normal", (0.0, 0.02)), meaning="change of either power with log10 of the other"
    ),
    d=parameter("log level", Prior("Normal", (0.05, 0.1)), meaning="log10 of the loss at one parameter"),
    E_start=parameter(
        "experts", Prior("LogNormal", (2.0, 0.3)), meaning="effective experts of a dense model"
    ),
    E_max=parameter("experts", Prior("LogNormal", (300.0, 0.7)), meaning="effective experts of endless ones"),
):
    """Log loss bilinear in log parameters and log effective experts.

    log10 loss = a log10 N + b log10 E' + c log10 N log10 E' + d
    where 1/E' = 1/(E - 1 + 1/(1/E_start - 1/E_max)) + 1/E_max
    """
    log_e, log_n = jnp.log10(effective_experts(E, E_start, E_max)), jnp.log10(N)
    return 10 ** (a * log_n + b * log_e + c * log_n * log_e + d)


@law(
    source="arXiv:2402.07871",
    decreasing=("N", "D", "G"),
    covariates={
        "G": Covariate("G", "granularity", "positive", "absolute", meaning="finer experts per expert")
    },
    published=(
        Published(
            "krajewski_2024_moe",
            {"a": 18.1, "alpha": 0.115, "b": 30.8, "beta": 0.147, "g": 2.1, "gamma": 0.58, "c": 0.47},
            "arXiv:2402.07871",
            status="second-hand",
            note="64 experts; N counts active parameters",
            counts="non-embedding",
        ),
    ),
    pitfalls=(
        "c is small (0.47 in print), far beyond the runs, and weakly identified.",
        "It is for 64 experts; other numbers of experts need moe_joint.",
    ),
)
def moe_finegrained(
    N,
    D,
    G,
    *,
    g=amplitude("loss * N**alpha", Prior("LogNormal", (0.03, 1.0)), meaning="part that granularity removes"),
    gamma=exponent(Prior("LogNormal", (0.5, 0.5)), meaning="how fast granularity pays"),
    a=amplitude("loss * N**alpha", meaning="size of the term in parameters"),
    alpha=exponent(meaning="how fast the term in parameters falls"),
    b=amplitude("loss * D**beta", meaning="size of the term in tokens"),
    beta=exponent(meaning="how fast the term in tokens falls"),
    c=irreducible(),
):
    """Chinchilla with a term in parameters that falls with the granularity of experts."""
    return c + (g / G**gamma + a) / N**alpha + b / D**beta


def _to_paper(values: Values, refs: Values) -> dict[str, Any]:
    """Paper units from reference units (NumPy): gamma and zeta leak into delta and omega."""
    paper = dict(values)
    paper["a"] = values["a"] * refs["loss"] * refs["N"] ** -values["alpha"]
    paper["b"] = values["b"] * refs["loss"] * refs["D"] ** -values["beta"]
    paper["c"] = values["c"] * refs["loss"]
    paper["delta"] = values["delta"] - values["gamma"] * np.log(refs["N"])
    paper["omega"] = values["omega"] - values["zeta"] * np.log(refs["D"])
    return paper


@law(
    source="arXiv:2502.05172 eq. 6",
    covariates={"E": EXPERTS},
    to_paper=_to_paper,
    published=(
        Published(
            "ludziejewski_2025",
            {
                "a": 35.91,
                "alpha": -0.1889,
                "delta": -0.2285,
                "gamma": 0.0098,
                "b": 35.98,
                "beta": -0.1775,
                "omega": 0.5529,
                "zeta": -0.0259,
                "E_start": 2.0732,
                "E_max": 290.4521,
                "c": 1.3637,
            },
            "arXiv:2502.05172 Table 3",
            note="N includes embedding and unembedding",
            counts="active",
        ),
    ),
    pitfalls=(
        "Exponents are below zero as written: texts that print them positive have turned the sign.",
        "gamma and zeta need the number of experts varied at several sizes and token counts.",
    ),
)
def moe_joint(
    N,
    D,
    E,
    *,
    a=amplitude("loss / N**alpha", meaning="size of the term in parameters"),
    alpha=parameter("slope", Prior("Normal", (-0.2, 0.06)), meaning="power of active parameters, one expert"),
    delta=parameter("experts", Prior("Normal", (0.0, 0.1)), meaning="power of experts in the parameter term"),
    gamma=parameter("experts", Prior("Normal", (0.0, 0.02)), meaning="change of alpha with ln experts"),
    b=amplitude("loss / D**beta", meaning="size of the term in tokens"),
    beta=parameter("slope", Prior("Normal", (-0.2, 0.06)), meaning="power of tokens, one expert"),
    omega=parameter("experts", Prior("Normal", (0.0, 0.1)), meaning="power of experts in the token term"),
    zeta=parameter("experts", Prior("Normal", (0.0, 0.02)), meaning="change of beta with ln experts"),
    E_start=parameter(
        "experts", Prior("LogNormal", (2.0, 0.3)), meaning="effective experts of a dense model"
    ),
    E_max=parameter("experts", Prior("LogNormal", (300.0, 0.7)), meaning="effective experts of endless ones"),
    c=irreducible(),
):
    """Chinchilla whose two terms change with the number of experts.

    loss = a E'^delta N^(alpha + gamma ln E') + b E'^omega D^(beta + zeta ln E') + c
    where 1/E' = 1/(E - 1 + 1/(1/E_start - 1/E_max)) + 1/E_max
    """
    log_e = jnp.log(effective_experts(E, E_start, E_max))
    size = a * jnp.exp(delta * log_e + (alpha + gamma * log_e) * jnp.log(N))
    data = b * jnp.exp(omega * log_e + (beta + zeta * log_e) * jnp.log(D))
    return size + data + c
