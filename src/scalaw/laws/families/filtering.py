"""Filtered data seen more than once: error of a model on a pool that loses its use epoch by epoch.

From the authors' code for "Scaling laws for data filtering" (CVPR 2024): after k epochs over a pool of ``n_1`` samples
the error is ``(a n_1 / 1e5)**-b`` times ``(n_j / n_(j-1))**-b_j`` for every later epoch j, plus a floor; ``n_j`` counts
samples seen after epoch j and ``b_j = b * 2**(-(j - 1) / tau)``: a sample has half its use after ``tau`` epochs. A
small pool of good samples wins at little compute, a larger one of lesser samples at much.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, Response, parameter
from scalaw.lazy import jnp

FAMILY = "Repeated data"

#: Epochs that are told apart; what later ones add is lost in the noise.
EPOCHS = 128
#: Samples that ``a`` counts by.
SAMPLES = 1e5


def _published(bucket: str, b: float, tau: float) -> Published:
    values = {"a": 0.025, "b": b, "tau": tau, "d": 0.1}
    note = f"ImageNet error of CLIP models on the {bucket} % that T-MARS ranks best; b is negative in print"
    return Published(f"goyal_2024_{bucket}", values, "the authors' repository", note=note)


@law(
    source="the authors' repository of Goyal et al., CVPR 2024",
    decreasing=("n",),
    covariates={
        "n": Covariate("n", "n", meaning="samples seen"),
        "n_1": Covariate("n_1", "n", meaning="samples in the pool"),
    },
    response=Response("error", "absolute"),
    published=(
        _published("0-10", 0.160, 6.727),
        _published("10-20", 0.125, 8.545),
        _published("20-30", 0.100, 5.273),
        _published("30-40", 0.085, 2.273),
    ),
    pitfalls=(
        "a multiplies samples inside the power: there is no amplitude of its own.",
        "tau is not identified without pools that were seen more than once.",
        "The authors' code multiplies the floor d along with the epochs' ratios; here it is added last.",
    ),
)
def data_filtering_utility(
    n,
    n_1,
    *,
    a=parameter("scale", Prior("LogNormal", (2.5e5, 1.0)), "1 / n", meaning="sets the error of one epoch"),
    b=parameter("exponent", Prior("LogNormal", (0.12, 0.5)), meaning="use of a sample seen once"),
    tau=parameter(
        "repeats", Prior("LogNormal", (4.0, 0.7)), meaning="epochs after which half its use is left"
    ),
    d=parameter("floor", Prior("Beta", (1.0, 9.0)), meaning="error that no data removes"),
):
    """Error after some epochs over a filtered pool whose use decays.

    error = (a n_1/1e5)^-b prod_(j=2..k) (n_j/n_(j-1))^-b_j + d
    where n_j = min(j n_1, n) were seen after epoch j of k, and b_j = b 2^(-(j - 1)/tau)
    """
    n, n_1 = jnp.broadcast_arrays(n, n_1)
    epoch = jnp.arange(1.0, EPOCHS + 1.0)
    seen = jnp.minimum(epoch * n_1[..., None], n[..., None])
    grown = jnp.log(seen[..., 1:]) - jnp.log(seen[..., :-1])
    use = jnp.exp(-jnp.log(2.0) * epoch[:-1] / jnp.expand_dims(tau, -1))
    gained = jnp.log(a * seen[..., 0] / SAMPLES) + jnp.sum(use * grown, axis=-1)
    return jnp.exp(-b * gained) + d
