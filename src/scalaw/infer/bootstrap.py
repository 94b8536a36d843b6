"""The run bootstrap of the mode: how much the fit would move with other runs.

A posterior believes its noise: independent runs of constant scatter around the law. The bootstrap does not,
so their ratio is a check. Rows are drawn with replacement (as multiplicities, so nothing is copied) and the
mode is searched anew from the mode of all runs; replicates are jobs of the mode search's compiled program.
"""

from __future__ import annotations

import jax
import numpy as np

from scalaw.infer.batch import Sampled
from scalaw.infer.executables import key_data
from scalaw.infer.programs import Clock
from scalaw.infer.scenarios import arrays_of, padded_rows
from scalaw.infer.search import climb


def bootstrap_modes(
    sampled: Sampled, replicates: int, seed: int = 0, clock: Clock | None = None
) -> np.ndarray:
    """Bootstrapped modes in the parameters' own unconstrained coordinates, shape (replicates, coordinates).

    Parameters
    ----------
    sampled : Sampled
        Its mode is where every search starts.
    replicates : int
        200 give the standard deviation to 5 %.
    seed : int
    """
    scenario = sampled.scenario
    rng = np.random.default_rng(key_data(seed, "bootstrap", scenario.name))
    rows = padded_rows([scenario])
    used = np.flatnonzero(scenario.row_weight)
    counts = rng.multinomial(len(used), np.full(len(used), 1 / len(used)), size=replicates)
    weight = np.zeros((replicates, rows))
    weight[:, used] = counts * scenario.row_weight[used]
    # views: nothing is copied until a chunk is cut out
    one = arrays_of(scenario, rows)
    arrays = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (replicates, *np.shape(leaf))), one)
    starts = np.broadcast_to(sampled.mode.z, (replicates, len(sampled.mode.z)))
    return climb(scenario.model.structure(), arrays._replace(row_weight=weight), starts, clock or Clock()).z
