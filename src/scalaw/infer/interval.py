"""One way to sum up draws: median, equal-tailed interval, mean and standard deviation."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, TypedDict

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


def known(value: Any) -> Any:
    """The same plain data with None for every NaN and infinity, which JSON has not."""
    if isinstance(value, Mapping):
        return {name: known(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [known(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


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
