"""Loss on one validation set as a function of the training mixture (arXiv:2403.16952).

``r`` holds the shares of the training domains and sums to one. The loss on several sets is a weighted sum of
such laws. Adding one number to every ``t`` only rescales ``k``; the priors hold that freedom, and holding
``k`` (``data_mixing_ye[k=1]``) removes it.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, amplitude, irreducible, parameter
from scalaw.lazy import jnp


@law(
    source="arXiv:2403.16952 eq. 1",
    covariates={"r": Covariate("r", "share", "simplex", "absolute", "domains", "shares of the domains")},
    options={"domains": 2},
)
def data_mixing_ye(
    r,
    *,
    c=irreducible(meaning="loss that no mixture removes"),
    k=amplitude("loss", meaning="size of the term in the mixture"),
    t=parameter("effect", Prior("Normal", (0.0, 1.0)), size="domains", meaning="effect of a domain's share"),
):
    """Irreducible loss plus the exponential of a weighted mixture."""
    return c + k * jnp.exp(jnp.sum(t * r, axis=-1))
