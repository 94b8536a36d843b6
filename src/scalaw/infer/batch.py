"""Many fits at once: group scenarios by program, find their modes, sample them.

``sample`` takes any list of scenarios. Those that share a structure and a bucket are one group and go through the
same compiled programs, in chunks of one shape; nothing is compiled or run one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, NamedTuple

import jax
import numpy as np

from scalaw.infer import routes, search
from scalaw.infer.devices import Precision, computing, host_computing
from scalaw.infer.evaluate import evaluate_program
from scalaw.infer.evidence import NOT_ASKED, Bridged, Reported, evidence_of_chains, evidence_of_weights
from scalaw.infer.importance import EFFORT, Effort, Weighted
from scalaw.infer.nuts import Draws, Settings
from scalaw.infer.point import Mode
from scalaw.infer.programs import Clock, Key, compile_keys, key_of
from scalaw.infer.routes import Group, Method, serve, with_evidence
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows

Progress = Callable[[str], None]


class Kept(NamedTuple):
    """What a large batch keeps of the draws of one posterior: equal weights, leading axes (1, draws)."""

    position: Any
    values: Any
    log_density: Any


@dataclass(frozen=True)
class Sampled:
    """A sampled posterior, NumPy.

    ``method`` served it, ``why`` in words; ``draws`` (NUTS) has leading axes (chains, draws), ``weighted``
    (importance sampling and Laplace's approximation) one axis of draws, and the other is None. ``mode`` is the best
    mode; ``starts`` and ``agreed`` count searches; ``rival`` is how far (nats) the best *other* mode lies below, inf
    when there is none.
    ``bridged`` is the evidence of chains, None where it was not asked for.
    """

    scenario: Scenario
    method: Literal["importance", "nuts", "laplace"]
    why: str
    draws: Draws | Kept | None
    weighted: Weighted | None
    mode: Mode
    starts: int
    agreed: int
    rival: float
    clock: Clock = field(compare=False)
    bridged: Bridged | None = None

    @property
    def positions(self) -> np.ndarray:
        """Draws of equal weight in sampling coordinates, (chains, draws, coordinates); weighted ones are resampled."""
        return self._equal("position")

    @property
    def values(self) -> np.ndarray:
        """The same draws in reference units."""
        return self._equal("values")

    @property
    def log_density(self) -> np.ndarray:
        """Log density of the same draws, (chains, draws)."""
        return self._equal("log_density")

    @property
    def evidence(self) -> Reported:
        """Log marginal likelihood and its Monte Carlo error, or why there is none."""
        row_weight = self.scenario.row_weight
        if self.weighted is not None:
            return evidence_of_weights(self.weighted, row_weight)
        return NOT_ASKED if self.bridged is None else evidence_of_chains(self.bridged, row_weight)

    def _equal(self, name: str) -> np.ndarray:
        if self.weighted is None:
            return np.asarray(getattr(self.draws, name))
        return getattr(self.weighted, name)[None, resampled(self.weighted.log_importance)]


def resampled(log_importance: np.ndarray, draws: int | None = None) -> np.ndarray:
    """Indices of draws of equal weight (as many by default), by systematic resampling in the order of the draws."""
    n = len(log_importance) if draws is None else draws
    weight = np.exp(log_importance - np.max(log_importance))
    edges = np.cumsum(weight) / np.sum(weight)
    return np.minimum(np.searchsorted(edges, (np.arange(n) + 0.5) / n), len(edges) - 1)


def sample(
    scenarios: Sequence[Scenario],
    settings: Settings,
    seed: int = 0,
    progress: Progress = lambda _: None,
    method: Method = "nuts",
    effort: Effort = EFFORT,
    precision: Precision | None = None,
    evaluated: bool = True,
    thorough: bool = False,
    evidence: bool = False,
) -> list[Sampled]:
    """Sample every scenario's posterior.

    Parameters
    ----------
    scenarios : sequence of Scenario
        Any mixture of models and tables; their names fold the random keys.
    settings : Settings
        Of NUTS.
    seed : int
    progress : callable
        Told in words what happens next.
    method : {"nuts", "importance", "auto", "laplace"}
        See :mod:`scalaw.infer.routes`.
    effort : Effort
        Of importance sampling.
    precision : {"float64", "float32"}, optional
        Of the draws, by default that in force. Modes are searched in float64 always, on the host's processor where
        draws are float32.
    evaluated : bool
        Whether all draws of each will be evaluated: that program is then compiled beside the others.
    thorough : bool
        Whether each is searched from as many starts as a single fit.
    evidence : bool
        Whether chains get an evidence, by a bridge; weighted draws have one anyway.

    Returns
    -------
    list of Sampled
        In the order of ``scenarios``.
    """
    groups = list(grouped(scenarios))
    clock = Clock()
    laws = dict.fromkeys(s.model.label for s in scenarios)
    progress(f"compiling for {', '.join(laws)}")
    wanted = method, settings, effort, precision, evidence, thorough
    keys = [key for _, g in groups for key in sampling_keys(g, *wanted)]
    with computing():
        keys += [evaluation_key(g, method, settings, effort) for _, g in groups if evaluated]
    compile_keys(keys, clock)
    done: dict[int, Sampled] = {}
    for members, group in groups:
        progress(f"sampling {', '.join(dict.fromkeys(s.model.label for s in group.scenarios))}")
        clock = replace(clock, run=0.0)
        with _searching(precision):
            found = search.search(group.structure, group.scenarios, group.arrays, seed, clock, thorough)
        with computing(precision):
            group = replace(group, found=found)
            served = serve(group, method, settings, effort, seed, clock, progress)
            served = with_evidence(group, served, seed, clock) if evidence else served
        for i, s, f, got in zip(members, group.scenarios, found, served, strict=True):
            kinds = (got.method, got.why, got.draws, got.weighted)
            done[i] = Sampled(s, *kinds, f.mode, f.starts, f.agreed, f.rival, clock, got.bridged)
    return [done[i] for i in range(len(scenarios))]


def sampling_keys(
    group: Group,
    method: Method,
    settings: Settings,
    effort: Effort,
    precision: Precision | None,
    evidence: bool,
    thorough: bool = False,
) -> list[Key]:
    """Programs that a group surely needs; those that take longest to compile first, so that all cores end together."""
    with computing(precision):
        keys = [key_of(*use) for use in routes.uses(group, method, settings, effort, evidence)]
    with _searching(precision):
        starts = search.starts_of(group.structure, group.arrays, thorough)
        return [*keys, key_of(*search.use(group.structure, group.arrays, starts))]


def _searching(precision: Precision | None) -> AbstractContextManager[None]:
    """Where modes are searched: in float64, which an accelerator may not have where draws are float32."""
    return host_computing() if precision == "float32" else computing()


def grouped(scenarios: Sequence[Scenario]) -> Iterator[tuple[list[int], Group]]:
    """Scenarios by structure and bucket, with their places in the list."""
    groups: dict[Any, list[int]] = {}
    for i, scenario in enumerate(scenarios):
        groups.setdefault((scenario.model.structure(), padded_rows([scenario])), []).append(i)
    for (structure, rows), members in groups.items():
        chosen = [scenarios[i] for i in members]
        arrays = jax.tree.map(lambda *leaves: np.stack(leaves), *[arrays_of(s, rows) for s in chosen])
        yield members, Group(structure, chosen, arrays)


def evaluation_key(group: Group, method: Method, settings: Settings, effort: Effort) -> Key:
    """The program that evaluates all draws of a fit."""
    draws = settings.chains * settings.draws if method == "nuts" else effort.draws
    one = jax.tree.map(lambda leaf: leaf[0], group.arrays)
    return key_of(evaluate_program(group.structure), (one, np.zeros((draws, group.structure.n_coordinates))))
