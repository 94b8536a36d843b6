"""How many parameters the embedding should have: the three approaches of arXiv:2407.13623, from its repository."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

_OUTSIDE = (np.exp(-2.4846510161625193), 0.5)
_INSIDE = (np.exp(-1.589031299255507), 0.4163622634135234)


def vocabulary_of_compute(C: Any) -> tuple[Any, Any]:
    """Parameters outside and inside the embedding that are best at compute C, FLOP, by IsoFLOP curves."""
    C = np.asarray(C, float)
    return _OUTSIDE[0] * C ** _OUTSIDE[1], _INSIDE[0] * C ** _INSIDE[1]


def compute_of_outside(N_nv: Any) -> Any:
    """Compute, FLOP, at which so many parameters outside the embedding are best: the inverse of the above."""
    return (np.asarray(N_nv, float) / _OUTSIDE[0]) ** (1.0 / _OUTSIDE[1])


def vocabulary_by_derivative(N_nv: Any) -> Any:
    """Best parameters of the embedding beside so many outside it, by the derivative of the FLOP in the vocabulary."""
    return 3145728.0 * (np.asarray(N_nv, float) / 33e6) ** 0.8353974035228025


def best_vocabulary(loss: Callable[[float, float], float], N_nv: float, width: float, C: float) -> float:
    """Vocabulary of the least loss at fixed parameters outside the embedding and fixed compute.

    Parameters
    ----------
    loss : callable
        ``loss(N_v, D)``, such as ``vocabulary_tao`` at its coefficients and this ``N_nv``.
    N_nv, width : float
        Parameters outside the embedding; width of the model, so that ``N_v = width V``.
    C : float
        FLOP; tokens follow from ``C = 6 (N_nv + width V) D``.

    Returns
    -------
    float
        Entries V of the vocabulary, between 100 and 1e8.
    """

    def at(log_v: float) -> float:
        N_v = width * np.exp(log_v)
        return float(loss(N_v, C / (6.0 * (N_nv + N_v))))

    found = minimize_scalar(at, bounds=(np.log(1e2), np.log(1e8)), method="bounded", options={"xatol": 1e-10})
    return float(np.exp(np.asarray(found.x)))
