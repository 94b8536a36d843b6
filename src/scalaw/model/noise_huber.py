"""The Huber loss of log residuals: what most papers minimise to fit a scaling law, and no noise at all.

Approach 3 of arXiv:2203.15556 (§3.3) minimises the sum over runs of a Huber loss with δ = 1e-3 of
``ln loss − ln law``: half the square of a residual up to δ, and beyond it δ times what the residual exceeds δ / 2 by.
It has no scale, so it is the logarithm of no density: there is no posterior, no evidence and no score. It can be
minimised (:func:`scalaw.point_fit`) and the minimum bootstrapped (:func:`scalaw.bootstrap`). Its Bayesian twin is
``laplace``: most residuals are larger than δ.

The search of a mode adds the log priors to what a noise gives. Here the loss is multiplied by a number so large that
priors decide only what the runs leave open: on 240 digitised runs of arXiv:2203.15556 they move no parameter by more
than 2e-6 of itself. Parameters stay inside the range of their prior all the same (exponents are positive, an
irreducible loss lies below the smallest loss).
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from scalaw.errors import ScalawError
from scalaw.laws.prior import Prior
from scalaw.laws.records import Parameter
from scalaw.model.noise_record import Noise, Values

#: Where squares end, in arXiv:2203.15556 §3.3.
DELTA = 1e-3
#: Factor of the loss, over δ. Residuals of size b have a likelihood near the loss over δ·b, so that with residuals
#: of a per cent this is ten thousand times as sharp as one.
SHARPNESS = 1e6


def _minus_loss(y: Any, location: Any, v: Values, rows: Values) -> Any:
    residual, delta = y - location, v["huber_delta"]
    slope = jnp.clip(residual, -delta, delta)
    return -SHARPNESS / jnp.minimum(delta, DELTA) * slope * (residual - 0.5 * slope)


def _no_draws(rng: np.random.Generator, location: Any, v: Values, rows: Values) -> np.ndarray:
    raise not_a_density("huber", "simulate")


def not_a_density(name: str, where: str) -> ScalawError:
    """The refusal of an objective where a density is needed (M020)."""
    what = (
        f"noise '{name}' is an objective to minimise, no density: it has no posterior, no draws and no score"
    )
    fix = "use noise='laplace', its Bayesian twin; point_fit and bootstrap take it as it is"
    return ScalawError("M020", what, where, fix=fix)


HUBER = Noise(
    "huber",
    (
        Parameter(
            "huber_delta",
            "noise",
            prior=Prior("LogNormal", (DELTA, 1.0)),
            meaning="size where squares end; held",
        ),
    ),
    _minus_loss,
    _no_draws,
    fixed=(("huber_delta", DELTA),),
    kinked=True,
    is_density=False,
    about="the objective of most papers, for point fits and their bootstrap",
)

OBJECTIVES = (HUBER,)
