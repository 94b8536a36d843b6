"""Latency, lifetime cost, stocks of data and rates of progress."""

from __future__ import annotations

from typing import Any

import numpy as np


def token_latency(
    N: Any, bandwidth: Any, N_0: float = 1.0, bandwidth_0: float = 1.0, latency_0: float = 1.0
) -> Any:
    """Seconds per token at a fixed cost: grows like the root of N, falls like the cube root of memory bandwidth.

    arXiv:2506.04645, abstract; relative to a model and a machine whose latency is known.
    """
    size = np.sqrt(np.asarray(N, float) / N_0)
    return latency_0 * size * np.cbrt(bandwidth_0 / np.asarray(bandwidth, float))


def break_even_tokens(D: Any) -> Any:
    """Served tokens whose inference costs as many FLOP as training on D tokens: ``6 N D = 2 N (3 D)``."""
    return 3.0 * np.asarray(D, float)


def lifetime_tokens(first: float, growth: float, years: float) -> float:
    """Tokens served in so many years, at ``first`` per year to begin with and ``growth`` times that a year on."""
    return first * years if growth == 1.0 else first * (growth**years - 1.0) / np.log(growth)


def exhaustion_year(stock: Any, largest: Any, growth: Any, year: float) -> Any:
    """When the largest training set reaches the stock of text (arXiv:2211.04325).

    ``largest`` tokens are used in ``year``, ``growth`` times more every year.
    """
    return year + np.log(np.asarray(stock, float) / largest) / np.log(growth)


def doubling_time(exponent: Any, per_year: Any) -> Any:
    """Years in which progress halves what a law's quantity has to be (arXiv:2403.05812).

    A law falls by ``exponent`` per e-fold of its quantity and by ``per_year`` a year. Times of several quantities
    combine like resistances in parallel.
    """
    return np.log(2.0) * np.asarray(exponent, float) / np.asarray(per_year, float)
