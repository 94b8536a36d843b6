"""Compute-optimal allocations as they were printed or follow from a law, all in FLOP, parameters and tokens."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scalaw.laws.relations.compute import pf_days


class Allocation(NamedTuple):
    """Parameters and tokens."""

    N: Any
    D: Any


class KaplanAllocation(NamedTuple):
    """Parameters, tokens, batch in tokens, and steps."""

    N: Any
    D: Any
    batch: Any
    steps: Any


class Settings(NamedTuple):
    """Learning rate, and batch in tokens."""

    lr: Any
    batch: Any


def fixed_ratio(C: Any, tokens_per_parameter: float = 20.0, per_parameter: float = 6.0) -> Allocation:
    """Parameters and tokens at a fixed number of tokens per parameter."""
    N = np.sqrt(np.asarray(C, float) / (per_parameter * tokens_per_parameter))
    return Allocation(N, tokens_per_parameter * N)


def chinchilla_allocation(
    C: Any, *, A: Any, B: Any, alpha: Any, beta: Any, per_parameter: float = 6.0
) -> Allocation:
    """Least loss of ``E + A / N**alpha + B / D**beta`` at ``C = per_parameter N D``, in closed form.

    ``N = G (C / 6)**a`` with ``G = (alpha A / (beta B))**(1 / (alpha + beta))`` and ``a = beta / (alpha + beta)``
    (arXiv:2203.15556); arrays broadcast, so that draws of a posterior give draws of the optimum.
    """
    total = np.asarray(C, float) / per_parameter
    balance = (alpha * np.asarray(A, float) / (beta * np.asarray(B, float))) ** (1.0 / (alpha + beta))
    N = balance * total ** (beta / (alpha + beta))
    return Allocation(N, total / N)


def kaplan_allocation(C_min: Any) -> KaplanAllocation:
    """Compute-efficient training by arXiv:2001.08361 Table 6.

    Parameters
    ----------
    C_min : array
        FLOP at a batch far below the critical one. The tokens are for a batch near it, where about twice as much is
        spent: ``6 N D`` is 1.8 times ``C_min``.
    """
    c = pf_days(C_min)
    return KaplanAllocation(1.3e9 * c**0.73, 2e10 * c**0.27, 2.0e6 * c**0.24, 5.4e3 * c**0.03)


def nonembedding_frontier(
    N: Any, *, A: float, B: float, alpha: float, beta: float, gamma: float = 47491.0
) -> Any:
    """Compute outside the embedding, FLOP, at which N parameters outside it are optimal (arXiv:2406.12907).

    The law is Chinchilla's in all parameters, ``N + gamma N**(1/3)``.
    """
    N = np.asarray(N, float)
    whole, third = N + gamma * np.cbrt(N), N + gamma / 3.0 * np.cbrt(N)
    return (
        6.0
        * N
        * third ** (-1.0 / beta)
        * whole ** ((1.0 + alpha) / beta)
        * (beta * B / (alpha * A)) ** (1.0 / beta)
    )


def step_law(N: Any, D: Any) -> Settings:
    """Best learning rate and batch of arXiv:2503.04715, second-hand."""
    N, D = np.asarray(N, float), np.asarray(D, float)
    return Settings(1.79 * N**-0.713 * D**0.307, 0.58 * D**0.571)
