"""Mixture of experts: one joint law in active parameters, tokens and number of experts (arXiv:2502.05172).

``N`` counts active parameters with embedding and unembedding, ``E`` is the number of experts; its effect
saturates between ``E_start`` and ``E_max``. All exponents are negative as written, as in the paper. A change
of units mixes parameters: ``N**(alpha + gamma ln E)`` turns a unit of N into a power of the number of
experts, so ``delta`` and ``omega`` are, in reference units, the effect of experts at the centre of the runs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scalaw.laws.law import Values, law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, amplitude, irreducible, parameter
from scalaw.lazy import jnp


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
    covariates={"E": Covariate("E", "experts", "integer", "absolute", meaning="number of experts")},
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
        ),
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
    """Chinchilla whose two terms change with the number of experts."""
    effective = 1 / (1 / (E - 1 + 1 / (1 / E_start - 1 / E_max)) + 1 / E_max)
    log_e = jnp.log(effective)
    size = a * jnp.exp(delta * log_e + (alpha + gamma * log_e) * jnp.log(N))
    data = b * jnp.exp(omega * log_e + (beta + zeta * log_e) * jnp.log(D))
    return size + data + c
