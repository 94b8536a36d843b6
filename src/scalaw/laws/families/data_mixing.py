"""Loss on one validation set as a function of the training mixture (arXiv:2403.16952, arXiv:2507.09404).

``r`` and ``h`` hold the shares of the training domains and sum to one. In ``data_mixing_ye`` the loss on several sets
is a weighted sum of such laws. The priors hold the freedom between ``t`` and ``k``. ``data_mixing_shukor`` adds the
mixture's part to Chinchilla's, so that the best mixture is the same at every scale.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, amplitude, exponent, irreducible, parameter
from scalaw.lazy import jnp

FAMILY = "Data mixtures"


@law(
    source="arXiv:2403.16952 eq. 1",
    covariates={"r": Covariate("r", "share", "simplex", "absolute", "domains", "shares of the domains")},
    options={"domains": 2},
    pitfalls=(
        "Adding one number to every t_j only rescales k; data_mixing_ye[k=1] removes that freedom.",
        "A loss averaged over several validation sets is a sum of such laws and not one of them.",
    ),
)
def data_mixing_ye(
    r,
    *,
    c=irreducible(meaning="loss that no mixture removes"),
    k=amplitude("loss", meaning="size of the term in the mixture"),
    t=parameter("effect", Prior("Normal", (0.0, 1.0)), size="domains", meaning="effect of a domain's share"),
):
    """Irreducible loss plus the exponential of a weighted mixture.

    loss = c + k exp(sum_j t_j r_j)
    """
    return c + k * jnp.exp(jnp.sum(t * r, axis=-1))


@law(
    source="arXiv:2507.09404, additive law",
    decreasing=("N", "D"),
    covariates={"h": Covariate("h", "share", "simplex", "absolute", "domains", "shares of the domains")},
    options={"domains": 2},
    pitfalls=(
        "By its form the best mixture is the same at every scale, so it cannot show one that moves.",
        "Runs without a domain say nothing of its C and gamma.",
    ),
)
def data_mixing_shukor(
    N,
    D,
    h,
    *,
    E=irreducible(),
    A=amplitude("loss * N**alpha", meaning="size of the term in parameters"),
    B=amplitude("loss * D**beta", meaning="size of the term in tokens"),
    alpha=exponent(meaning="how fast the term in parameters falls"),
    beta=exponent(meaning="how fast the term in tokens falls"),
    C=parameter(
        "worth", Prior("LogNormal", (6.0, 0.7)), "1 / loss", size="domains", meaning="worth of a domain"
    ),
    gamma=parameter(
        "exponent", Prior("LogNormal", (0.5, 0.5)), size="domains", meaning="how fast more of a domain pays"
    ),
):
    """Chinchilla plus what a mixture of domains leaves out.

    loss = E + 1 / sum_i(C_i h_i^gamma_i) + A/N^alpha + B/D^beta
    """
    mixture = jnp.sum(C * h**gamma, axis=-1)
    return E + 1 / mixture + A / N**alpha + B / D**beta
