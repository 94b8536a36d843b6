"""Every call of the benchmarks into scalaw, so that only this file changes when scalaw does."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax
import numpy as np
import pandas as pd

from benchmarks.tables import Table
from scalaw.data import Runs
from scalaw.infer import bootstrap as resampled, point_fit
from scalaw.infer.batch import Sampled, grouped, sample
from scalaw.infer.devices import Precision, computing
from scalaw.infer.executables import key_data
from scalaw.infer.fit import model_of
from scalaw.infer.nuts import Settings
from scalaw.infer.point import Mode
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock, _function, executable
from scalaw.infer.resample import bootstrap_modes
from scalaw.infer.routes import Method
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows, scenario_of
from scalaw.infer.search import search
from scalaw.model.program import constrain, log_density, start_near, values_at


class Objective(NamedTuple):
    """Our log posterior for a peer's optimiser: a compiled function, and draws of the prior to start from."""

    value_and_gradient: Any
    starts: list[np.ndarray]


def scenario(table: Table, name: str | None = None) -> Scenario:
    """A fit to be made of a table."""
    return scenario_of(Runs(pd.DataFrame({**table.at, "loss": table.loss})), model_of(table.law), name=name)


def modes(scenarios: Sequence[Scenario], seed: int = 0, thorough: bool = False) -> list[Mode]:
    """Best mode of every scenario, in any order; thorough is from as many starts as a single fit takes."""
    found = []
    for _, group in grouped(scenarios):
        found += search(group.structure, group.scenarios, group.arrays, seed, Clock(), thorough)
    return [one.mode for one in found]


def bootstrap(one: Scenario, mode: Mode, replicates: int, seed: int) -> np.ndarray:
    """Bootstrapped modes in their own coordinates, shape (replicates, coordinates)."""
    found: Any = SimpleNamespace(scenario=one, mode=mode)
    return bootstrap_modes(found, replicates, seed)


def replicates(table: Table, noise: str, count: int, seed: int) -> dict[str, np.ndarray]:
    """Point fit of a table and its bootstrap, as a user calls them: parameters in the paper's units, (count,)."""
    found = resampled(
        point_fit(Runs(pd.DataFrame({**table.at, "loss": table.loss})), noise=noise), count, seed=seed
    )
    return dict(zip(found.names, found.values.T, strict=True))


def posterior(
    scenarios: Sequence[Scenario], seed: int = 0, method: Method = "auto", precision: Precision = "float64"
) -> list[Sampled]:
    """Posterior of every scenario, by default by the method that routes itself."""
    return sample(scenarios, Settings(), seed, method=method, precision=precision, evaluated=False)


def draws_of(one: Sampled) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Parameters in the paper's units, shape (chains, draws), and log weights of the draws (None for chains)."""
    scenario = one.scenario
    structure, arrays = scenario.model.structure(), arrays_of(scenario, padded_rows([scenario]))
    weighted = one.weighted
    position = one.positions if weighted is None else weighted.position[None]
    with computing():
        each = jax.jit(jax.vmap(jax.vmap(partial(constrain, structure), (None, 0)), (None, 0)))
        values = {name: np.asarray(value) for name, value in each(arrays, position).items()}
    paper = scenario.model.law.paper_values(values, scenario.refs.units)
    return {**values, **paper}, None if weighted is None else np.asarray(weighted.log_importance)


def coordinates(one: Scenario) -> int:
    """How many numbers a posterior is over."""
    return one.model.structure().n_coordinates


def in_paper_units(one: Scenario, z: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters by name from positions in their own coordinates, shape (n, coordinates)."""
    structure, arrays = one.model.structure(), arrays_of(one, padded_rows([one]))
    with computing():
        values = jax.jit(jax.vmap(partial(values_at, structure), (None, 0)))(arrays, z)
    values = {name: np.asarray(value) for name, value in values.items()}
    return {**values, **one.model.law.paper_values(values, one.refs.units)}


def mode_in_paper_units(one: Scenario, mode: Mode) -> dict[str, float]:
    """A mode's parameters by name; scalars only."""
    values = one.model.structure().split(np.asarray(mode.values))
    paper = {**values, **one.model.law.paper_values(values, one.refs.units)}
    return {name: float(value) for name, value in paper.items() if np.ndim(value) == 0}


def objective(one: Scenario, seed: int = 0, starts: int = 16) -> Objective:
    """Our negative log posterior with its exact gradient, and draws of the prior."""
    structure, arrays = one.model.structure(), arrays_of(one, padded_rows([one]))
    z = prior_draws(one, starts, key_data(seed, "starts", one.name)).z
    with computing():
        arrays = jax.tree.map(jax.numpy.asarray, arrays)
        near = jax.jit(jax.vmap(partial(start_near, structure), (None, 0)))(arrays, z)
        compiled = jax.jit(jax.value_and_grad(lambda c, a: -log_density(structure, a, c)))

    def value_and_gradient(c: np.ndarray) -> tuple[float, np.ndarray]:
        with computing():
            value, gradient = compiled(c, arrays)
            return float(value), np.asarray(gradient)

    return Objective(value_and_gradient, list(np.asarray(near)))


def forget() -> None:
    """Forget the programs that this process has compiled."""
    executable.cache_clear()
    _function.cache_clear()
