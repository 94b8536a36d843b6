"""What the tests of model, infer and decide share: small designs, densities as plain functions, counters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from unittest.mock import patch

import jax
import numpy as np

import scalaw as sl
from scalaw.infer import kept
from scalaw.infer.batch import grouped
from scalaw.infer.devices import computing
from scalaw.infer.fit import model_of
from scalaw.infer.programs import Clock
from scalaw.infer.references import References
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows, scenario_of
from scalaw.infer.search import Found, search
from scalaw.laws import list_laws
from scalaw.model.program import constrain, log_density, natural, start_near
from scalaw.model.structure import Structure

#: Parameters near those that papers print, for simulated runs.
TRUTHS: dict[str, dict[str, float]] = {
    "chinchilla": {"E": 1.8, "A": 480.0, "B": 2090.0, "alpha": 0.35, "beta": 0.37},
    "power_law_offset": {"E": 1.7, "k": 2500.0, "alpha": 0.18},
    "power_law": {"k": 30.0, "alpha": 0.05},
    "kaplan_l_nd": {"N_c": 6.4e13, "D_c": 1.8e13, "alpha_N": 0.076, "alpha_D": 0.103},
}
#: A loss that falls with the log of compute, and an accuracy that follows from it.
STAGES = ({"a": 6.0, "b": -0.25}, {"lo": 0.25, "hi": 0.9, "kappa": 8.0, "mid": 0.8})
SIZES = np.array([7e7, 2e8, 6e8, 2e9])
TOKENS = np.array([2e9, 1e10, 6e10, 3e11])


def built_in() -> list[sl.Law]:
    """Laws of the package itself: tests and benchmarks register some of their own."""
    return [law for law in list_laws() if law.function.__module__.startswith("scalaw.laws.families.")]


def published(law: str, key: str) -> dict[str, float]:
    """Coefficients of a law by the key of the paper that printed them."""
    return dict(next(p.values for p in sl.get_law(law).published if p.key == key))


def value(law: str, key: str | None = None, **arguments: Any) -> np.ndarray:
    """What a law gives, at published coefficients where a key is given, in the paper's units."""
    return np.asarray(sl.get_law(law)(**{**(published(law, key) if key else {}), **arguments}))


def design(law: str) -> dict[str, np.ndarray]:
    """Covariates of 16 runs: a grid in N and D, or 16 budgets."""
    if law.startswith("power_law"):
        return {"x": np.geomspace(1e18, 1e22, 16)}
    N, D = np.meshgrid(SIZES, TOKENS)
    return {"N": N.ravel(), "D": D.ravel()}


def simulated(law: str, sigma: float = 0.01, seed: int = 0, at: Mapping[str, Any] | None = None) -> sl.Runs:
    """Sixteen runs of a law at :data:`TRUTHS`, with Student-t noise of 5 degrees of freedom."""
    values = {**TRUTHS[law], "sigma": sigma, "nu": 5.0}
    return sl.simulate(law, values, at=at or design(law), seed=seed)


def two_terms_alike(sigma: float) -> sl.Runs:
    """Sixteen runs with D = 20 N and no irreducible loss: the two terms of chinchilla can change places."""
    N = np.geomspace(1e7, 1e11, 16)
    values = {"E": 1e-9, "A": 3000.0, "B": 60.0, "alpha": 0.5, "beta": 0.15, "sigma": sigma, "nu": 5.0}
    return sl.simulate("chinchilla", values, at={"N": N, "D": 20 * N}, seed=1)


def scenario(
    runs: sl.Runs,
    law: str | sl.Law,
    noise: str = "student_t",
    priors: Mapping[str, str] | None = None,
    row_weight: np.ndarray | None = None,
    refs: References | None = None,
    name: str | None = None,
) -> Scenario:
    """What ``fit`` would fit."""
    model = model_of(law, noise=noise, priors=priors)
    return scenario_of(runs, model, row_weight=row_weight, refs=refs, name=name)


def density(s: Scenario, positions: np.ndarray, rows: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Log density (positions,) and gradient (positions, coordinates) at sampling coordinates."""
    with computing():
        out = _density(s.model.structure())(arrays_of(s, rows or padded_rows([s])), positions)
        return np.asarray(out[0]), np.asarray(out[1])


@lru_cache(maxsize=64)
def _density(structure: Structure) -> Any:
    def at(arrays: Any, positions: Any) -> Any:
        return jax.vmap(jax.value_and_grad(lambda c: log_density(structure, arrays, c)))(positions)

    return jax.jit(at)


def modes_of(scenarios: Sequence[Scenario], seed: int = 0, thorough: bool = True) -> list[Found]:
    """Modes of scenarios that share a structure and a bucket."""
    ((_, group),) = grouped(scenarios)
    return search(group.structure, group.scenarios, group.arrays, seed, Clock(), thorough)


def sampling(s: Scenario, z: np.ndarray) -> np.ndarray:
    """Sampling coordinates (positions, coordinates) from the parameters' own."""
    return _mapped(s, z, "start_near")


def own(s: Scenario, positions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The parameters' own coordinates (positions, coordinates) and the log Jacobian determinant."""
    z, log_jacobian = _mapped(s, positions, "natural")
    return z, np.broadcast_to(log_jacobian, len(positions))


def paper_values(s: Scenario, positions: np.ndarray) -> dict[str, np.ndarray]:
    """Parameters in the paper's units, each (positions,) or (positions, size)."""
    return s.model.law.paper_values(_mapped(s, positions, "constrain"), s.refs.units)


def _mapped(s: Scenario, positions: np.ndarray, what: str) -> Any:
    with computing():
        out = _map(s.model.structure(), what)(arrays_of(s, padded_rows([s])), positions)
        return jax.tree.map(np.asarray, out)


@lru_cache(maxsize=64)
def _map(structure: Structure, what: str) -> Any:
    function = {"start_near": start_near, "natural": natural, "constrain": constrain}[what]
    return jax.jit(lambda arrays, rows: jax.vmap(lambda row: function(structure, arrays, row))(rows))


@contextmanager
def counting_compilations() -> Iterator[list[str]]:
    """Programs that are compiled or come from a cache on disk meanwhile, one entry each."""
    seen: list[str] = []
    load = kept.load

    def loading(key: Any) -> Any:
        found = load(key)
        seen.extend(["loaded"] * (found is not None))
        return found

    def listen(event: str, duration: float, **_: Any) -> None:
        if event == "/jax/core/compile/backend_compile_duration":
            seen.append(event)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        with patch.object(kept, "load", loading):
            yield seen
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
