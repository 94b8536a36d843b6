"""Sparse autoencoders: reconstruction loss in latents and active latents (arXiv:2406.04093).

``n`` counts latents and ``k`` those active at a time. The first term falls with both, faster the more there are of
the other; the second is what k active latents cannot say however many there are. All coefficients are of logarithms,
in the paper's units: a change of units mixes them.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, parameter
from scalaw.lazy import jnp

FAMILY = "Sparse autoencoders"

SOURCE = "arXiv:2406.04093"


@law(
    source=SOURCE,
    units="as in paper",
    covariates={
        "n": Covariate("n", "latents", meaning="latents"),
        "k": Covariate("k", "latents", meaning="latents that are active at a time"),
    },
    published=(
        Published(
            "gao_2024",
            {"alpha": -0.50, "beta_k": 0.26, "beta_n": -0.017, "gamma": -0.042, "zeta": -1.32, "eta": -0.085},
            SOURCE,
            status="unverified",
            note="GPT-4 activations",
        ),
    ),
    pitfalls=(
        "Runs at one k cannot tell the second term from the first: it takes a grid in n and k.",
        "It is for autoencoders trained to convergence.",
    ),
)
def sae_scaling(
    n,
    k,
    *,
    alpha=parameter("log level", Prior("Normal", (-0.5, 0.7)), meaning="log of the first term at n = k = 1"),
    beta_k=parameter("slope", Prior("Normal", (0.2, 0.2)), meaning="power of k in the first term at n = 1"),
    beta_n=parameter("slope", Prior("Normal", (0.0, 0.1)), meaning="power of n in the first term at k = 1"),
    gamma=parameter("slope", Prior("Normal", (-0.04, 0.03)), meaning="change of either power with the other"),
    zeta=parameter("log level", Prior("Normal", (-1.3, 0.7)), meaning="log of the second term at k = 1"),
    eta=parameter("slope", Prior("Normal", (-0.1, 0.1)), meaning="power of k in the second term"),
):
    """Two terms in log latents and log active latents, the first with an interaction.

    loss = exp(alpha + beta_k ln k + beta_n ln n + gamma ln k ln n) + exp(zeta + eta ln k)
    """
    log_n, log_k = jnp.log(n), jnp.log(k)
    first = alpha + beta_k * log_k + beta_n * log_n + gamma * log_k * log_n
    return jnp.exp(first) + jnp.exp(zeta + eta * log_k)
