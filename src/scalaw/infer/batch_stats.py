"""Diagnostics of a whole batch: chains, weighted draws, importance weights and leave-one-out, compiled once.

Scenarios and quantities are cut into blocks of series, so that a program's shapes know the number of draws and
nothing of laws, scenarios or runs. The last block is filled up with its last series. In what follows ``block``
is how many series one call takes: a processor likes few (its cache is small), an accelerator thousands.

======================  =========================================  ============================
function                shapes of its program                      compiled anew for each
======================  =========================================  ============================
``chain_batch``         (block, chains, draws)                     chains, draws, block, prob
``psis_batch``          (block, draws)                             draws, block, reff
``weighted_batch``      (block, draws) twice                       draws, block, prob
``loo_batch``           (draws, block), with log importance also   draws, block, reff, whether
                        (draws,)                                   there is log importance
======================  =========================================  ============================

Each has a ``…_use``, which gives the program with arguments of its shapes for
:func:`~scalaw.infer.programs.compile_all`. Everything is NumPy and float64 outside, and computed in
:mod:`~scalaw.infer.chain_stats`, :mod:`~scalaw.infer.weighted_stats` and :mod:`~scalaw.infer.pareto`, whose
functions can be mapped inside any other program too.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import numpy as np

from scalaw.infer.chain_stats import TAILS, ChainFigures, chain_figures
from scalaw.infer.pareto import Loo, psis, psis_loo
from scalaw.infer.programs import Clock, Program, call
from scalaw.infer.weighted_stats import WeightedFigures, weighted_figures

#: Series in one call. Rows are padded to a power of two and at least 16, so blocks of 16 waste none of them.
SERIES = 16
ROWS = 16

Use = tuple[Program, tuple[Any, ...]]


def chain_executable(prob: tuple[float, ...]) -> Any:
    """Program ``(draws) -> ChainFigures`` for series (block, chains, draws)."""
    return jax.jit(jax.vmap(partial(chain_figures, prob=prob)))


def psis_executable(reff: float) -> Any:
    """Program ``(log_weights) -> (smoothed, k)`` for series (block, draws)."""
    return jax.jit(jax.vmap(partial(psis, reff=reff)))


def weighted_executable(prob: tuple[float, ...]) -> Any:
    """Program ``(values, log_weights) -> WeightedFigures`` for series (block, draws)."""
    return jax.jit(jax.vmap(partial(weighted_figures, prob=prob)))


def loo_executable(reff: float) -> Any:
    """Program ``(log_likelihood[, log_importance]) -> Loo`` for rows (draws, block) of one scenario."""
    return jax.jit(partial(psis_loo, reff=reff))


def chain_use(chains: int, draws: int, prob: tuple[float, ...] = TAILS, block: int = SERIES) -> Use:
    """What :func:`chain_batch` will compile."""
    return Program(chain_executable, (prob,)), (np.zeros((block, chains, draws)),)


def psis_use(draws: int, reff: float = 1.0, block: int = SERIES) -> Use:
    """What :func:`psis_batch` will compile."""
    return Program(psis_executable, (reff,)), (np.zeros((block, draws)),)


def weighted_use(draws: int, prob: tuple[float, ...] = TAILS, block: int = SERIES) -> Use:
    """What :func:`weighted_batch` will compile."""
    return Program(weighted_executable, (prob,)), (np.zeros((block, draws)),) * 2


def loo_use(draws: int, importance: bool = False, reff: float = 1.0, block: int = ROWS) -> Use:
    """What :func:`loo_batch` will compile, with ``importance`` where it is given log importance weights."""
    weights = (np.zeros(draws),) * importance
    return Program(loo_executable, (reff,)), (np.zeros((draws, block)), *weights)


def chain_batch(
    draws: np.ndarray, clock: Clock, prob: tuple[float, ...] = TAILS, block: int = SERIES
) -> ChainFigures:
    """R-hat, effective sample sizes, means, quantiles and their errors of many posteriors.

    Parameters
    ----------
    draws : array, shape (scenarios, chains, draws, quantities)
    prob : tuple of float
        Probabilities of the quantiles.

    Returns
    -------
    ChainFigures
        Each of shape (scenarios, quantities), ``quantile`` and ``mcse_quantile`` with a last axis (probs,).
    """
    scenarios, chains, length, quantities = draws.shape

    def series(index: np.ndarray) -> tuple[np.ndarray, ...]:
        return (draws[index // quantities, :, :, index % quantities],)

    program, _ = chain_use(chains, length, prob, block)
    out = _in_blocks(program, clock, scenarios * quantities, block, series)
    return _unflattened(out, (scenarios, quantities))


def psis_batch(
    log_weights: np.ndarray, clock: Clock, reff: float = 1.0, block: int = SERIES
) -> tuple[np.ndarray, np.ndarray]:
    """Pareto-smoothed log weights (scenarios, draws), normalised, and Pareto k (scenarios,).

    Parameters
    ----------
    log_weights : array, shape (scenarios, draws)
        Raw log importance weights.
    reff : float
        Relative efficiency, see :func:`~scalaw.infer.pareto.psis`.
    """
    program, _ = psis_use(log_weights.shape[1], reff, block)
    return _in_blocks(program, clock, len(log_weights), block, lambda index: (log_weights[index],))


def weighted_batch(
    values: np.ndarray,
    log_weights: np.ndarray,
    clock: Clock,
    prob: tuple[float, ...] = TAILS,
    block: int = SERIES,
) -> WeightedFigures:
    """Weighted means and quantiles of many importance-sampled posteriors, with their errors.

    Parameters
    ----------
    values : array, shape (scenarios, draws, quantities)
    log_weights : array, shape (scenarios, draws)
        Log weights of the draws, best smoothed by :func:`psis_batch`.
    prob : tuple of float
        Probabilities of the quantiles.

    Returns
    -------
    WeightedFigures
        Each of shape (scenarios, quantities), ``quantile`` and ``mcse_quantile`` with a last axis (probs,).
    """
    scenarios, draws, quantities = values.shape

    def series(index: np.ndarray) -> tuple[np.ndarray, ...]:
        which = index // quantities
        return values[which, :, index % quantities], log_weights[which]

    program, _ = weighted_use(draws, prob, block)
    out = _in_blocks(program, clock, scenarios * quantities, block, series)
    return _unflattened(out, (scenarios, quantities))


def loo_batch(
    log_likelihood: np.ndarray,
    log_importance: np.ndarray | None,
    clock: Clock,
    reff: float = 1.0,
    block: int = ROWS,
) -> Loo:
    """Leave-one-out of every row of every scenario.

    Parameters
    ----------
    log_likelihood : array, shape (scenarios, draws, rows)
        Pointwise, unweighted, in nats; padded rows may hold any number.
    log_importance : array, shape (scenarios, draws), or None
        Raw log importance weights of the draws; None for draws from the posterior.

    Returns
    -------
    Loo
        Each of shape (scenarios, rows).
    """
    scenarios, draws, rows = log_likelihood.shape
    program, _ = loo_use(draws, log_importance is not None, reff, block)

    def of(scenario: int) -> Loo:
        weights = () if log_importance is None else (log_importance[scenario],)
        likelihood = log_likelihood[scenario]
        return _in_blocks(program, clock, rows, block, lambda index: (likelihood[:, index], *weights))

    return jax.tree.map(lambda *leaves: np.stack(leaves), *map(of, range(scenarios)))


def _in_blocks(
    program: Program,
    clock: Clock,
    count: int,
    block: int,
    series: Callable[[np.ndarray], tuple[np.ndarray, ...]],
) -> Any:
    """Outputs for series 0 … count − 1 on a first axis, from calls that take the arguments of ``block`` series."""
    out = []
    for start in range(0, count, block):
        index = np.minimum(np.arange(start, start + block), count - 1)
        arguments = (np.asarray(part, np.float64) for part in series(index))
        out.append(call(program, clock, *arguments))
    return jax.tree.map(lambda *leaves: np.concatenate(leaves)[:count], *out)


def _unflattened(figures: Any, shape: tuple[int, ...]) -> Any:
    return jax.tree.map(lambda leaf: leaf.reshape(*shape, *leaf.shape[1:]), figures)
