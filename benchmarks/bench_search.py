"""Speed of the mode search against the field's practice: SciPy's L-BFGS-B from random starts.

Both minimise the same negative log posterior in the same coordinates from the same starts; the peer is
given the exact gradient by a compiled function, which is more than the field gives it. They run in turns
within one process, and the ratio of medians is what counts. Compilation is left out on both sides.
"""

from __future__ import annotations

import time
from functools import partial

import jax
import numpy as np
from scipy.optimize import minimize

from scalaw.infer.batch import STARTS, _batches, search
from scalaw.infer.devices import computing
from scalaw.infer.executables import key_data
from scalaw.infer.fit import model_of
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock
from scalaw.infer.scenarios import Scenario, scenario_of
from scalaw.model import simulate
from scalaw.model.program import log_density, start_near

ROUNDS = 7
TRUTH = {"E": 1.8, "A": 480.0, "B": 2090.0, "alpha": 0.35, "beta": 0.37, "sigma": 0.005, "nu": 5.0}


def scenario() -> Scenario:
    """A simulated table of 200 runs, Chinchilla with Student-t noise."""
    rng = np.random.default_rng(0)
    n = 10 ** rng.uniform(8, 10, 200)
    runs = simulate("chinchilla", TRUTH, at={"N": n, "D": n * 10 ** rng.uniform(0.5, 2.0, 200)}, seed=1)
    return scenario_of(runs, model_of("chinchilla"))


def test_mode_search_against_scipy(benchmark):
    one = scenario()
    batch = next(_batches([one]))
    with computing():
        arrays = jax.tree.map(lambda leaf: leaf[0], batch.arrays)
        z = prior_draws(one, STARTS, key_data(0, "starts", one.name)).z
        starts = [np.asarray(jax.jit(partial(start_near, batch.structure))(arrays, start)) for start in z]
        objective = jax.jit(jax.value_and_grad(lambda c, a: -log_density(batch.structure, a, c)))

    def ours() -> float:
        modes = search(batch.structure, batch.scenarios, batch.arrays, 0, Clock())[0]
        return float(np.max(modes.log_density))

    def peer() -> float:
        with computing():

            def value(c):
                found, gradient = objective(c, arrays)
                return float(found), np.asarray(gradient)

            ends = [minimize(value, start, jac=True, method="L-BFGS-B") for start in starts]
        return float(-min(end.fun for end in ends))

    reached = ours(), peer()  # compiles
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(ROUNDS):
        for name, run in (("ours", ours), ("peer", peer)):
            start = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - start)
    median = {name: float(np.median(values)) for name, values in seconds.items()}
    benchmark.extra_info |= {
        "peer": "SciPy L-BFGS-B, exact gradient",
        "starts": STARTS,
        "ratio_of_medians": median["peer"] / median["ours"],
        "seconds": median,
        "log_posterior": {"ours": reached[0], "peer": reached[1]},
    }
    print(f"\npeer / ours, medians of {ROUNDS}: {median['peer'] / median['ours']:.1f} ({median})")
    assert reached[0] >= reached[1] - 1e-3
    benchmark.pedantic(ours, rounds=3)
