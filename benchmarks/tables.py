"""Simulated tables of runs that all rows use: 245 Chinchilla runs and 30-point curves with one break."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

#: Near the coefficients of arXiv:2404.10102, with the noise of digitised runs.
CHINCHILLA = {"E": 1.82, "A": 482.0, "B": 2085.0, "alpha": 0.348, "beta": 0.366}
CURVE = {"a": 1.5, "b": 60.0, "c0": 0.25, "c": -0.15, "d": 1e8, "f": 0.4}
SIGMA, NU = 0.005, 5.0
RUNS, OUTLIERS, OUTLYING = 245, 5, 1.08
POINTS = 30


class Table(NamedTuple):
    """A law's name, its covariates and the losses, shape (runs,) each."""

    law: str
    at: dict[str, np.ndarray]
    loss: np.ndarray


def chinchilla_runs(seed: int = 0, runs: int = RUNS) -> Table:
    """Chinchilla runs of 6e18 to 3e21 FLOP, within a factor of four of D = 20 N, five of them 8 % too high."""
    rng = np.random.default_rng([2022, seed])
    compute = np.exp(rng.uniform(*np.log([6e18, 3e21]), runs))
    n = np.sqrt(compute / 120.0) * 4.0 ** rng.uniform(-1.0, 1.0, runs)
    d = compute / (6.0 * n)
    p = CHINCHILLA
    loss = p["E"] + p["A"] / n ** p["alpha"] + p["B"] / d ** p["beta"]
    loss = loss * np.exp(SIGMA * rng.standard_t(NU, runs))
    if runs >= RUNS:
        loss[rng.choice(runs, OUTLIERS, replace=False)] *= OUTLYING
    return Table("chinchilla", {"N": n, "D": d}, loss)


def curve(seed: int = 0, runs: int = POINTS) -> Table:
    """A curve over four decades whose exponent changes once in the middle (arXiv:2210.14891 eq. 1)."""
    rng = np.random.default_rng([2023, seed])
    x, p = np.logspace(6, 10, runs), CURVE
    bend = p["c"] * p["f"] * np.logaddexp(np.log(x / p["d"]) / p["f"], 0.0)
    loss = p["a"] + p["b"] * np.exp(-p["c0"] * np.log(x) - bend)
    return Table("bnsl", {"x": x}, loss * np.exp(SIGMA * rng.standard_t(NU, runs)))
