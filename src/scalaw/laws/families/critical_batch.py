"""Steps against examples at a finite batch (arXiv:1812.06162).

To reach a loss takes ``S`` steps, at least ``S_min`` with a huge batch, and ``E = B S`` examples, at least ``E_min``
with a tiny one, where ``(S / S_min - 1) (E / E_min - 1) = 1``. The batch at which both are twice their least is the
critical one, ``E_min / S_min``.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Response, amplitude, parameter

FAMILY = "Batch size"

BATCH = Covariate("B", "B", meaning="batch, in tokens or examples")


@law(
    source="arXiv:1812.06162",
    decreasing=("B",),
    covariates={"B": BATCH},
    response=Response("steps"),
    pitfalls=(
        "Small batches show only the product S_min B_crit and large ones only S_min: the runs must have both.",
        "B_crit grows as the loss falls, so all rows must be of one target loss.",
    ),
)
def steps_to_loss(
    B,
    *,
    S_min=amplitude("loss", Prior("LogNormal", (0.5, 0.7)), meaning="least steps, with a huge batch"),
    B_crit=parameter("scale", Prior("LogNormal", (1.0, 1.0)), "B", meaning="critical batch, E_min / S_min"),
):
    """Steps to reach a loss at a batch."""
    return S_min * (1 + B_crit / B)
