"""One way to sum up draws: median, equal-tailed interval, mean and standard deviation."""

from __future__ import annotations

from typing import TypedDict

import numpy as np

#: Probability of every interval unless told otherwise.
PROB = 0.9


class Interval(TypedDict):
    """``lower`` and ``upper`` are equal-tailed at ``prob``; ``mean`` and ``sd`` are None where none exist."""

    median: float
    lower: float
    upper: float
    prob: float
    mean: float | None
    sd: float | None


def interval(draws: np.ndarray, prob: float = PROB, moments: bool = True) -> Interval:
    """Sum up draws of any shape.

    Parameters
    ----------
    draws : array
    prob : float
        Probability inside the interval, in (0, 1).
    moments : bool
        False where the quantity has no mean.
    """
    lower, median, upper = np.quantile(draws, [0.5 - prob / 2, 0.5, 0.5 + prob / 2])
    return {
        "median": float(median),
        "lower": float(lower),
        "upper": float(upper),
        "prob": prob,
        "mean": float(np.mean(draws)) if moments else None,
        "sd": float(np.std(draws)) if moments else None,
    }
