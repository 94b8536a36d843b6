"""Several architectures in one table: whether one is better by a factor, or scales otherwise.

``arch`` holds one column per architecture, 1 for the run's own and 0 for the others. ``delta`` shifts the log of the
term in parameters, ``epsilon`` its exponent; both are zero on average in their priors. Three variants ask the three
questions: ``architecture_shift`` (exponents differ), ``architecture_shift[epsilon=0]`` (a factor alone) and
``architecture_shift[delta=0,epsilon=0]`` (no difference); compare them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from scalaw.laws.law import Values, law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, amplitude, exponent, irreducible, parameter
from scalaw.lazy import jnp

FAMILY = "Architectures"


def _to_paper(values: Values, refs: Values) -> dict[str, Any]:
    """Paper units from reference units (NumPy): a shift of an exponent leaks into that of the level."""
    log_n = np.log(refs["N"])
    return {
        **values,
        "E": values["E"] * refs["loss"],
        "A": values["A"] * refs["loss"] * np.exp(values["alpha"] * log_n),
        "B": values["B"] * refs["loss"] * refs["D"] ** values["beta"],
        "delta": values["delta"] + values["epsilon"] * log_n,
    }


@law(
    source="arXiv:2203.15556 eq. 2 with a term per architecture",
    decreasing=("D",),
    covariates={
        "arch": Covariate(
            "arch", "share", "simplex", "absolute", "architectures", "1 for the run's architecture, else 0"
        )
    },
    options={"architectures": 2},
    to_paper=_to_paper,
    pitfalls=(
        "Adding one number to every delta only rescales A: the priors hold that freedom, so read differences.",
        "Two architectures trained on different data or tokenizers differ in every term, not in this one alone.",
    ),
)
def architecture_shift(
    N,
    D,
    arch,
    *,
    E=irreducible(),
    A=amplitude("loss * N**alpha", meaning="size of the term in parameters, typical architecture"),
    B=amplitude("loss * D**beta", meaning="size of the term in tokens"),
    alpha=exponent(meaning="how fast the term in parameters falls, typical architecture"),
    beta=exponent(meaning="how fast the term in tokens falls"),
    delta=parameter(
        "shift", Prior("Normal", (0.0, 0.3)), size="architectures", meaning="log factor of an architecture"
    ),
    epsilon=parameter(
        "shift",
        Prior("Normal", (0.0, 0.03)),
        size="architectures",
        meaning="what an architecture adds to alpha",
    ),
):
    """Chinchilla whose term in parameters has a factor and an exponent of each architecture.

    loss = E + A exp(delta_i) / N^(alpha + epsilon_i) + B/D^beta, where arch_i is 1
    """
    power = alpha + jnp.sum(epsilon * arch, axis=-1)
    return E + A * jnp.exp(jnp.sum(delta * arch, axis=-1) - power * jnp.log(N)) + B / D**beta
