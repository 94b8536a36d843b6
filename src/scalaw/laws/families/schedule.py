"""Loss at the end of a learning-rate schedule: two laws whose covariate is a run's whole schedule.

A schedule is one learning rate per step. ``lr_annealing_tissue`` (arXiv:2408.11029) needs two numbers of it, the area
under it and what momentum has of its falls. The multi-power law ``lr_multipower`` (arXiv:2503.12811) adds a gain for
every step at which the rate falls, so its cost grows with the square of the steps; :func:`reduce_schedule` therefore
gathers falls of like remaining area into at most 255 groups in NumPy, once, before any fit (the loss changes by less
than 1e-6 for cosine and warm-up–stable–decay schedules of 10,000 steps). Row 0 of the result carries the whole area.
"""

from __future__ import annotations

import numpy as np

from scalaw.errors import ScalawError
from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Covariate, Published, amplitude, exponent, irreducible, parameter
from scalaw.lazy import jnp

FAMILY = "Learning-rate schedules"

ROWS = 256
#: What falls of the rate gain can take a loss below it, so it is not bounded by the smallest loss seen.
LEVEL = irreducible(
    Prior("LogNormal", (0.8, 0.25)), meaning="loss at an endless area, before what falls of the rate gain"
)


def schedule_rows(rate: np.ndarray) -> np.ndarray:
    """Every step of a schedule as (fall, rate, remaining area), shape ``(steps, 3)``.

    Parameters
    ----------
    rate : array, shape (steps,)
        Learning rate of each step, positive.

    Raises
    ------
    ScalawError
        D024 for a rate that is not a positive finite number, or no rate at all.
    """
    rate = np.asarray(rate, float)
    if rate.ndim != 1 or rate.size == 0 or not (np.isfinite(rate).all() and (rate > 0).all()):
        raise ScalawError(
            "D024", "a schedule needs one positive learning rate per step", fix="drop zero rates"
        )
    area = np.cumsum(rate[::-1])[::-1]
    fall = -np.diff(rate, prepend=rate[0])
    return np.stack([fall, rate, area], axis=-1)


def reduce_schedule(rate: np.ndarray) -> np.ndarray:
    """Gathered rows of :func:`schedule_rows`, padded with rows that fall by nothing, shape ``(256, 3)``."""
    rows = schedule_rows(rate)
    first, rest = rows[:1], rows[1:][rows[1:, 0] != 0]
    groups = (ROWS - 1) // (2 if (rest[:, 0] < 0).any() else 1)
    if len(rest) > ROWS - 1:
        log_area = np.log(rest[:, 2])
        place = (log_area[0] - log_area) / (log_area[0] - log_area[-1])
        group = np.minimum((place * groups).astype(int), groups - 1) + groups * (rest[:, 0] < 0)
        weight = np.bincount(group, np.abs(rest[:, 0]))
        sums = [np.bincount(group, np.abs(rest[:, 0]) * rest[:, column]) for column in (1, 2)]
        fall = np.bincount(group, rest[:, 0])
        kept = weight > 0
        rest = np.stack([fall[kept], *(total[kept] / weight[kept] for total in sums)], axis=-1)
    empty = np.tile([0.0, rows[0, 1], rows[0, 2]], (ROWS - 1 - len(rest), 1))
    return np.concatenate([first, rest, empty])


#: Momentum with which the annealing law remembers falls of the rate; part of the law, not fitted (arXiv:2408.11029).
DECAY = 0.999


def annealed(rate: np.ndarray) -> np.ndarray:
    """Area under a schedule and its annealing area, shape ``(2,)``.

    The second is the sum over steps of ``m_i = DECAY * m_{i-1} + fall_i``: a fall counts more the longer ago it was.
    """
    fall, _, area = schedule_rows(rate).T
    left = np.arange(len(fall), 0, -1)
    return np.array([area[0], np.sum(fall * -np.expm1(left * np.log(DECAY))) / (1 - DECAY)])


@law(
    source="arXiv:2408.11029",
    covariates={
        "areas": Covariate(
            "areas", "lr", "schedule", size=2, meaning="learning rate of every step", reduction=annealed
        )
    },
    pitfalls=(
        "A warm-up counts as a negative fall of the rate: leave it out.",
        "The memory of 0.999 per step is held; steps of another size want another one.",
        "C belongs to the unit of the learning rate.",
    ),
)
def lr_annealing_tissue(
    areas,
    *,
    L_0=LEVEL,
    A=amplitude("loss * lr**alpha", meaning="size of the term in the area under the schedule"),
    alpha=exponent(meaning="how fast that term falls"),
    C=amplitude("loss / lr", Prior("LogNormal", (0.1, 1.0)), meaning="gain per annealing area"),
):
    """Power law in the area under a learning-rate schedule, less a gain for its annealing area.

    loss = L_0 + A S_1^-alpha - C S_2
    where S_1 = sum_i eta_i, S_2 = sum_i m_i and m_i = 0.999 m_(i-1) + eta_(i-1) - eta_i
    """
    return L_0 + A * areas[..., 0] ** -alpha - C * areas[..., 1]


SCHEDULE = Covariate(
    "schedule", "lr", "schedule", size=3, meaning="learning rate of every step", reduction=reduce_schedule
)


def _published(size: str, *numbers: float) -> Published:
    names = ("L_0", "A", "alpha", "B", "C", "beta", "gamma")
    values: dict[str, float] = dict(zip(names, numbers, strict=True))
    note = "S_W, the area under the warm-up, is known for each schedule"
    return Published(f"luo_2025_{size}", values, "arXiv:2503.12811", status="second-hand", note=note)


@law(
    source="arXiv:2503.12811 eq. 3",
    covariates={"schedule": SCHEDULE},
    published=(
        _published("25M", 3.040, 0.525, 0.508, 363.788, 2.066, 0.583, 0.641),
        _published("100M", 2.651, 0.601, 0.453, 437.946, 2.132, 0.598, 0.655),
        _published("400M", 2.375, 0.654, 0.429, 523.425, 2.025, 0.594, 0.635),
    ),
    pitfalls=(
        "C, beta and gamma need schedules of at least two shapes.",
        "S_W is known for each schedule and should be held, e.g. lr_multipower[S_W=0.3].",
    ),
)
def lr_multipower(
    schedule,
    *,
    L_0=LEVEL,
    A=amplitude("loss * lr**alpha", meaning="size of the term in the area under the schedule"),
    alpha=exponent(meaning="how fast that term falls"),
    S_W=parameter("area", Prior("LogNormal", (0.1, 0.7)), "lr", meaning="area under the warm-up"),
    B=amplitude("loss / lr", Prior("LogNormal", (20.0, 0.8)), meaning="gain per fall of the rate"),
    C=parameter("gain", Prior("LogNormal", (2.0, 0.7)), "lr**(gamma - 1)", meaning="how soon a fall pays"),
    beta=exponent(Prior("LogNormal", (0.6, 0.3)), meaning="how fast a fall's gain is reached"),
    gamma=exponent(Prior("LogNormal", (0.6, 0.3)), meaning="effect of the rate on how soon a fall pays"),
):
    """Power law in the area under a learning-rate schedule, less a gain for every fall of the rate.

    loss = L_0 + A (S_1 + S_W)^-alpha - B sum_k (eta_(k-1) - eta_k) (1 - (1 + C S_k eta_k^-gamma)^-beta)
    where S_k is the area under the rates eta of steps k and later, and S_W that of the warm-up
    """
    fall, rate, area = (schedule[..., i] for i in range(3))
    row = [jnp.expand_dims(jnp.asarray(p), -1) for p in (C, beta, gamma)]
    gain = -jnp.expm1(-row[1] * jnp.log1p(row[0] * area * rate ** -row[2]))
    return L_0 + A * (area[..., 0] + S_W) ** -alpha - B * jnp.sum(fall * gain, axis=-1)
