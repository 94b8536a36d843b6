"""The noise of a response of any sign: a difference of losses, a reward, an error that a law follows below zero.

==============  ============  ====================================================================================
name            parameters    use
==============  ============  ====================================================================================
additive        sigma, nu     Student-t around the law on the response's own scale, resists odd runs
==============  ============  ====================================================================================

``sigma`` is in the unit of the response, for which nothing stands in: its prior, LogNormal(0.02, 1.5), has 90 % between
0.002 and 0.24 and suits differences of losses in nats, errors and rewards near one. A response on another scale
needs a prior of its own. ``nu`` is 1 plus Gamma(2, 0.1), as for losses.
"""

from __future__ import annotations

import numpy as np

from scalaw.laws.prior import Prior
from scalaw.laws.records import Parameter
from scalaw.model.noise_log import NU, sigma_everywhere, student_log_prob
from scalaw.model.noise_record import Noise

SCALE = Parameter(
    "sigma",
    "noise",
    prior=Prior("LogNormal", (0.02, 1.5)),
    meaning="scale of the residuals, in the unit of the response",
)

ADDITIVE = Noise(
    "additive",
    (SCALE, NU),
    lambda y, location, v, rows: student_log_prob(y, location, v["sigma"], v["nu"]),
    lambda rng, location, v, rows: location + v["sigma"] * rng.standard_t(v["nu"], np.shape(location)),
    sigma_everywhere,
    scatters="value",
    has_mean=True,
    about="responses of any sign, on their own scale",
)

VALUE_NOISES = (ADDITIVE,)
