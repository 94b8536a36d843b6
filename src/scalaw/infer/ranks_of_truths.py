"""Where a truth stands among the draws of its posterior, for a whole batch of simulations in one program.

If prior, likelihood and sampler agree, the truth is one more draw of the posterior, and the share of draws below it
is uniform over simulations (Talts et al., arXiv:1804.06788), for every quantity that is a function of parameters and
data. Three kinds are ranked:

- every coordinate of the parameters;
- the log likelihood of all runs *under the model that they came from*: a posterior that ignores a run is a proper
  posterior given the others and passes in every parameter, and only such a quantity, which looks at the run
  again, tells (Modrák et al., arXiv:2211.02383 §4);
- a forecast: the law at a point beyond the runs, of the fitted law at the draws and of the true law at the truth.

Draws may carry weights. The rank is then the weighted share below the truth, with the truth itself put in as a draw
of the average weight, split at random: for K draws of equal weight (draws below + U) / (K + 1), exactly uniform.
Resampling or thinning the weighted draws would add noise and gain nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from scalaw.infer.batch import Sampled
from scalaw.infer.executables import dynamic_map, key_data, take
from scalaw.infer.lanes import bytes_of_row, places_for, run_batch
from scalaw.infer.pareto import kish
from scalaw.infer.programs import Clock, Program
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows
from scalaw.model.program import location, log_likelihood
from scalaw.model.structure import Arrays, Structure

#: NUTS draws kept per posterior: they are correlated, and neighbours would not count as independent.
THINNED = 250
#: Draws evaluated side by side on a processor.
BLOCK = 32


class Posterior(NamedTuple):
    """One simulation's posterior and truth.

    ``given``: arrays of the model that the runs came from, with all of them; ``values`` (draws, coordinates) in
    reference units, ``log_importance`` (draws,), ``truth`` (coordinates,), ``split`` (coordinates + 2,), uniform random
    numbers.
    """

    given: Arrays
    values: Any
    log_importance: Any
    truth: Any
    split: Any


def ranks_of_truths(
    sampled: Sequence[Sampled],
    given: Sequence[Scenario],
    truths: np.ndarray,
    ahead: dict[str, np.ndarray],
    seed: int,
    clock: Clock,
) -> np.ndarray:
    """Ranks between 0 and 1, shape (simulations, coordinates + 2): parameters, log likelihood, forecast.

    Parameters
    ----------
    sampled : sequence of Sampled
        Posteriors of one structure and bucket.
    given : sequence of Scenario
        The same simulations as they were made, see :func:`~scalaw.infer.simulations.simulate_scenarios`.
    truths : array, shape (simulations, coordinates)
        Values in reference units.
    ahead : mapping of str to array, shape (1,)
        The covariates of the forecast.
    seed : int
    clock : Clock

    Notes
    -----
    A rank is 0 where the draws have no usable weights, which no uniform distribution forgives: nothing is left out.
    """
    out = np.empty((len(sampled), truths.shape[1] + 2))
    for kind in dict.fromkeys(s.method for s in sampled):  # draws of one kind have one shape
        chosen = [i for i, s in enumerate(sampled) if s.method == kind]
        rows = [_posterior(sampled[i], given[i], truths[i], seed) for i in chosen]
        batch = jax.tree.map(lambda *leaves: np.stack(leaves), *rows)
        pair = sampled[chosen[0]].scenario, given[chosen[0]]
        beyond = [arrays_of(s.at(ahead), 1, hide=False) for s in pair]
        places = places_for(bytes_of_row(batch))
        program = Program(rank_executable, (*(s.model.structure() for s in pair), places))
        out[chosen] = run_batch(program, batch, places=places, clock=clock, shared=beyond)
    return np.where(np.isfinite(out), out, 0.0)


def _posterior(sampled: Sampled, given: Scenario, truth: np.ndarray, seed: int) -> Posterior:
    if sampled.weighted is not None:
        draws = sampled.weighted.values, sampled.weighted.log_importance
    else:
        kept = sampled.values.reshape(-1, len(truth))
        kept = kept[:: max(1, len(kept) // THINNED)][:THINNED]
        draws = kept, np.full(len(kept), -np.log(len(kept)))
    split = np.random.default_rng(key_data(seed, "ranks", given.name)).random(len(truth) + 2)
    return Posterior(arrays_of(given, padded_rows([given]), hide=False), *draws, truth, split)


def rank_executable(fitted: Structure, given: Structure, places: int) -> Any:
    """Program ``(ahead, ahead, batch, count) -> ranks``; ``batch`` is a :class:`Posterior` of ``places`` rows.

    The first two arguments are arrays of one row, the forecast's, for the fitted model and for the one that the
    runs came from.
    """

    def run(fitted_ahead: Arrays, given_ahead: Arrays, batch: Posterior, count: Any) -> Any:
        def one(i: Any) -> Any:
            row: Posterior = take(batch, i)

            def quantities(flat: Any, structure: Structure, ahead: Arrays) -> Any:
                of_runs = log_likelihood(given, row.given, given.split(flat))
                of_runs = jnp.sum(row.given.row_weight * of_runs)
                forecast = location(structure, ahead, structure.split(flat))[0]
                return jnp.concatenate([flat, jnp.stack([of_runs, forecast])])

            truths = quantities(row.truth, given, given_ahead)
            draws = jax.lax.map(
                lambda flat: quantities(flat, fitted, fitted_ahead), row.values, batch_size=BLOCK
            )
            return weighted_ranks(draws, row.log_importance, truths, row.split)

        return dynamic_map(one, count, places)

    return jax.jit(run)


def weighted_ranks(draws: Any, log_importance: Any, truths: Any, split: Any) -> Any:
    """Ranks of truths (quantities,) among weighted draws (draws, quantities).

    With K effective draws, of which a share s of the weight lies below the truth and e is equal to it, the rank is
    (K s + split (K e + 1)) / (K + 1).
    """
    weight = jax.nn.softmax(log_importance)
    effective = kish(log_importance)
    below = weight @ (draws < truths)
    equal = weight @ (draws == truths)
    return (effective * below + split * (effective * equal + 1.0)) / (effective + 1.0)
