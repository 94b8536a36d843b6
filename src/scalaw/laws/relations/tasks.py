"""Where exponents come from: dimensions of the data, subtasks learned in order, and rewards over-optimised."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import zeta


def exponent_of_dimension(d: Any) -> Any:
    """About the exponent of a smooth target on a manifold of d dimensions, 4/d (arXiv:2102.06701)."""
    return 4.0 / np.asarray(d, float)


def regime(N: Any, D: Any, ratio: float = 10.0) -> Any:
    """Which of parameters and data limits a loss (arXiv:2102.06701): ``"parameters"``, ``"data"`` or ``"mixed"``.

    Exponents of one regime hold where one of the two is plentiful; ``mixed`` is where N and D are within a factor of
    ``ratio``, which is a convention of ours.
    """
    quotient = np.asarray(N, float) / np.asarray(D, float)
    found = np.where(quotient <= 1.0 / ratio, "parameters", np.where(quotient >= ratio, "data", "mixed"))
    return found if found.ndim else str(found)


def quanta_tail(n: Any, a: float) -> Any:
    """Loss left after learning the n most frequent subtasks, whose frequencies fall like ``i**-(1 + a)``.

    Falls like ``n**-a / (a zeta(1 + a))``: a power law from subtasks learned one after the other.
    """
    return zeta(1.0 + a, np.asarray(n, float) + 1.0) / zeta(1.0 + a)


def over_optimised(kl: Any, alpha: float, beta: float, by: str = "best_of_n") -> Any:
    """True reward when a learned one is optimised to a divergence of ``kl`` nats (arXiv:2210.10760).

    ``d (alpha - beta d)`` for best of n, ``d (alpha - beta ln d)`` for reinforcement learning (``by="rl"``), with
    ``d`` the root of the divergence.
    """
    d = np.sqrt(np.asarray(kl, float))
    return d * (alpha - beta * (np.log(d) if by == "rl" else d))
