"""Importance sampling and NUTS on a group of scenarios, and the rule that sends a scenario from one to the other.

``auto`` samples every scenario of a group by importance. A scenario is served when its weights pass the gate
below; those that do not are gone on with together, from where they stopped, and what still does not pass goes to
NUTS together. Nothing is decided or compiled one by one, and every scenario keeps the reason why it was served
as it was.

The gate is measured, not assumed: ``benchmarks/results`` holds the comparison with long NUTS runs on simulated runs
of six kinds, with the share of accepted posteriors that were off by more than their Monte Carlo errors allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import jax
import numpy as np

from scalaw.infer.bent import Bent, n_features
from scalaw.infer.evidence import Bridged, bridge, bridge_program
from scalaw.infer.executables import key_data
from scalaw.infer.importance import COMPONENTS, Effort, Start, Weighted, importance_executable
from scalaw.infer.lanes import bytes_of_row, chunk_arguments, places_for, run_batch
from scalaw.infer.laplace import laplace_program
from scalaw.infer.nuts import Draws, Settings, nuts_executable
from scalaw.infer.programs import Clock, Program
from scalaw.infer.scenarios import Scenario
from scalaw.infer.search import Found
from scalaw.model.structure import Arrays, Structure

Method = Literal["auto", "importance", "nuts", "laplace"]
METHODS: tuple[Method, ...] = ("auto", "importance", "nuts", "laplace")

#: The gate: accepted below this Pareto k and above this effective sample size, a share of the draws. A bent proposal
#: that has a posterior's shape reaches 0.6; where it does not, as between several modes, weights have tails that their
#: k does not show: of 80 posteriors of curves with a break 45 had k < 0.4, 7 of them were off, and all of these
#: had less than half of the draws' worth. The share grows with k: of 800 posteriors of 30 runs one was off by
#: 0.3 standard deviations, at k = 0.34 with a share of 0.54,
ACCEPTED_K, ACCEPTED_SHARE, SHARE_PER_K = 0.4, 0.5, 0.25
#: and with a draw that comes this near the highest mode (nats, and nats per coordinate): weights look even where no
#: proposal came near the mass. Of 2,700 posteriors of three laws the largest shortfall, in seven dimensions, was 0.9.
SHORT, SHORT_EACH = 2.0, 0.25
#: After a first pass k must be lower, since its proposals were fitted to draws of a poorer one.
FIRST_K = 0.25
#: Attempts per scenario; a scenario whose k stays above the second number after one is not tried again.
PASSES, HOPELESS_K = 4, 0.9
#: Share of the last proposal when a scenario is gone on with; the modes share the rest.
ONWARD = 0.8


@dataclass(frozen=True)
class Group:
    """Scenarios of one structure and bucket; ``arrays`` has a leading scenario axis, ``found`` their modes."""

    structure: Structure
    scenarios: Sequence[Scenario]
    arrays: Arrays
    found: Sequence[Found] = ()


@dataclass(frozen=True)
class Served:
    """How one scenario was served: ``method``, in words ``why``, and its draws of either kind (chains first).

    ``bridged`` is the evidence of chains, see :func:`with_evidence`.
    """

    method: Literal["importance", "nuts", "laplace"]
    why: str
    draws: Draws | None = None
    weighted: Weighted | None = None
    clock: Clock = field(default_factory=Clock, compare=False)
    bridged: Bridged | None = None


def serve(
    group: Group,
    method: Method,
    settings: Settings,
    effort: Effort,
    seed: int,
    clock: Clock,
    told: Callable[[str], None],
) -> list[Served]:
    """Draws for every scenario of a group, whose modes are known."""
    everyone = np.arange(len(group.scenarios))
    if method == "nuts":
        return _by_nuts(group, everyone, settings, seed, clock, ["as asked for"] * len(everyone))
    if method == "laplace":
        return _by_laplace(group, effort, seed, clock)
    told(f"importance sampling {len(everyone)} posteriors")
    tries = _by_importance(group, effort, seed, clock)
    served = [Served("importance", _words(w, n), None, w, clock) for w, n in tries]
    left = [i for i, (weighted, _) in enumerate(tries) if not accepted(weighted)]
    if method == "importance" or not left:
        return served
    told(f"sampling {len(left)} of {len(everyone)} posteriors by NUTS")
    reasons = [f"importance sampling was not accepted: {served[i].why}" for i in left]
    by_nuts = _by_nuts(group, np.array(left), settings, seed, clock, reasons)
    instead = dict(zip(left, by_nuts, strict=True))
    return [instead.get(i, by_importance) for i, by_importance in enumerate(served)]


def accepted(weighted: Weighted, below: float | None = None) -> bool:
    """Whether weighted draws pass the gate, or a stricter one."""
    k = ACCEPTED_K if below is None else below
    share = ACCEPTED_SHARE + SHARE_PER_K * max(float(weighted.pareto_k), 0.0)
    even = bool(weighted.pareto_k < k) and bool(weighted.kish >= share * len(weighted.log_density))
    return even and bool(weighted.short < _nearest(weighted))


def _nearest(weighted: Weighted) -> float:
    return SHORT + SHORT_EACH * weighted.position.shape[-1]


def _words(weighted: Weighted, passes: int) -> str:
    after = f" after {passes} passes" if passes > 1 else ""
    short = f", all {weighted.short:.1f} nats below the mode" if weighted.short >= _nearest(weighted) else ""
    return f"Pareto k {weighted.pareto_k:.2f}, {weighted.kish:.0f} effective draws{short}{after}"


def _by_importance(group: Group, effort: Effort, seed: int, clock: Clock) -> list[tuple[Weighted, int]]:
    """Weighted draws of every scenario, from the last of its passes, and how many passes there were.

    A scenario is gone on with until it is accepted, at first by a stricter rule, or hopeless. To keep the pass of
    the smallest k would keep those in which no draw happened to land far out.
    """
    starts = _stacked([start_of(found) for found in group.found])
    kept: list[tuple[Weighted, int]] = []
    pending = np.arange(len(group.scenarios))
    for turn in range(PASSES):
        keys = np.stack([key_data(seed, "importance", group.scenarios[int(i)].name, turn) for i in pending])
        batch = (_rows(group.arrays, pending), _rows(starts, pending), keys)
        program, places = importance_program(group.structure, effort, group.arrays)
        out = run_batch(program, batch, places=places, clock=clock)
        one = [jax.tree.map(lambda leaf, j=j: leaf[j], out) for j in range(len(pending))]
        if turn == 0:
            kept = [(weighted, 1) for weighted in one]
        else:
            for i, weighted in zip(pending, one, strict=True):
                kept[i] = (weighted, turn + 1)
        enough = ACCEPTED_K if turn else FIRST_K
        hopeful = [not accepted(w, enough) and bool(w.pareto_k < HOPELESS_K) for w in one]
        starts = _onward(starts, pending, out.proposal)
        pending = pending[hopeful]
        if not len(pending):
            break
    return kept


def start_of(found: Found) -> Start:
    """Multivariate t at every mode, weighted by their approximate masses but none left out."""
    modes = found.modes
    mass = np.array([m.log_density + np.linalg.slogdet(m.whiten)[1] for m in modes])
    share = np.exp(mass - mass.max())
    share = 0.8 * share / share.sum() + 0.2 / len(modes)
    filled = [*modes, *[modes[0]] * (COMPONENTS - len(modes))]
    log_share = np.full(COMPONENTS, -np.inf)
    log_share[: len(modes)] = np.log(share)
    d = len(modes[0].position)
    basis = np.stack([m.whiten for m in filled])
    with np.errstate(all="ignore"):
        inverse = np.stack([_inverse(b) for b in basis])
        log_det = np.array([np.linalg.slogdet(b)[1] for b in basis])
    bare = np.zeros((COMPONENTS, d, n_features(d))), np.zeros((COMPONENTS, d, 1 + d))
    proposal = Bent(np.stack([m.position for m in filled]), basis, inverse, log_det, *bare)
    return Start(log_share, proposal, np.asarray(found.mode.log_density))


def _inverse(matrix: np.ndarray) -> np.ndarray:
    """Inverse, or NaN where a mode has no curvature: its draws then have no weight."""
    try:
        return np.linalg.inv(matrix)
    except np.linalg.LinAlgError:
        return np.full_like(matrix, np.nan)


def _onward(starts: Start, pending: np.ndarray, last: Bent) -> Start:
    """Starts in which the last proposal of each pending scenario has most of the mixture, and its modes the rest."""

    def put(old: np.ndarray, new: np.ndarray) -> np.ndarray:
        out = old.copy()
        out[pending, -1] = new
        return out

    log_share = starts.log_share.copy()
    modes = np.exp(log_share[pending, :-1])
    with np.errstate(divide="ignore"):
        log_share[pending, :-1] = np.log((1.0 - ONWARD) * modes / modes.sum(axis=1, keepdims=True))
    log_share[pending, -1] = np.log(ONWARD)
    return Start(log_share, jax.tree.map(put, starts.proposal, last), starts.height)


def _by_nuts(
    group: Group, chosen: np.ndarray, settings: Settings, seed: int, clock: Clock, reasons: Sequence[str]
) -> list[Served]:
    """Chains of chosen scenarios, every chain a row of one batch."""
    chains = settings.chains
    mode = np.stack([group.found[int(i)].mode.position for i in chosen])
    whiten = np.stack([group.found[int(i)].mode.whiten for i in chosen])
    keys = np.stack(
        [key_data(seed, "nuts", group.scenarios[i].name, chain) for i in chosen for chain in range(chains)]
    )
    rows = np.repeat(chosen, chains)
    # spread around the mode by one standard deviation in every direction
    start = np.stack([np.random.default_rng(key).standard_normal(mode.shape[1]) for key in keys])
    batch = (_rows(group.arrays, rows), np.repeat(mode, chains, 0), np.repeat(whiten, chains, 0), start, keys)
    program, places = nuts_program(group.structure, settings, group.arrays)
    out = run_batch(program, batch, places=places, clock=clock)
    return [
        Served(
            "nuts", why, jax.tree.map(lambda leaf, j=j: leaf[j * chains : (j + 1) * chains], out), None, clock
        )
        for j, why in enumerate(reasons)
    ]


def _by_laplace(group: Group, effort: Effort, seed: int, clock: Clock) -> list[Served]:
    """A normal at the best mode of every scenario."""
    keys = np.stack([key_data(seed, "laplace", scenario.name) for scenario in group.scenarios])
    modes = _stacked([found.mode for found in group.found])
    batch = (group.arrays, modes.position, modes.log_density, modes.whiten, keys)
    program, places = laplace_program(group.structure, effort.draws, group.arrays)
    out = run_batch(program, batch, places=places, clock=clock)
    one = [jax.tree.map(lambda leaf, i=i: leaf[i], out) for i in range(len(keys))]
    return [Served("laplace", f"as asked for: {_words(w, 1)}", None, w, clock) for w in one]


def with_evidence(group: Group, served: Sequence[Served], seed: int, clock: Clock) -> list[Served]:
    """The same, with a bridge for every scenario that has chains, all in one batch."""
    chosen = np.array([i for i, one in enumerate(served) if one.draws is not None], int)
    if not len(chosen):
        return list(served)
    starts = _stacked([start_of(group.found[int(i)]) for i in chosen])
    draws = _stacked([served[int(i)].draws for i in chosen])
    keys = np.stack([key_data(seed, "bridge", group.scenarios[int(i)].name) for i in chosen])
    arrays = _rows(group.arrays, chosen)
    out = bridge(group.structure, arrays, starts, draws.position, draws.log_density, keys, clock)
    found = {int(i): jax.tree.map(lambda leaf, j=j: leaf[j], out) for j, i in enumerate(chosen)}
    return [replace(one, bridged=found.get(i)) for i, one in enumerate(served)]


def _rows(tree: Any, rows: np.ndarray) -> Any:
    return jax.tree.map(lambda leaf: leaf[rows], tree)


def _stacked(trees: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)


def importance_program(structure: Structure, effort: Effort, arrays: Arrays) -> tuple[Program, int]:
    """The importance sampler and its places."""
    draws = 8 * (effort.rounds * effort.adapting + effort.draws) * (2 * structure.n_coordinates + 3)
    places = places_for(bytes_of_row(arrays) + draws)
    return Program(importance_executable, (structure, effort, places)), places


def nuts_program(structure: Structure, settings: Settings, arrays: Arrays) -> tuple[Program, int]:
    """NUTS and its places."""
    draws = 8 * settings.draws * (2 * structure.n_coordinates + 6)
    places = places_for(bytes_of_row(arrays) + draws)
    return Program(nuts_executable, (structure, settings, places)), places


def uses(
    group: Group, method: Method, settings: Settings, effort: Effort, evidence: bool = False
) -> Iterator[tuple[Program, tuple[Any, ...]]]:
    """Programs that a method surely needs, with the shapes of their arguments; of chains the bridge where asked."""
    structure, arrays = group.structure, group.arrays
    one, n = _rows(arrays, np.zeros(1, int)), structure.n_coordinates
    key = np.zeros((1, 2), np.uint32)
    bent = Bent(*(np.zeros((1, COMPONENTS, *shape)) for shape in _bent_shapes(n)))
    start = Start(np.zeros((1, COMPONENTS)), bent, np.zeros(1))
    mode = np.zeros((1, n)), np.zeros((1, n, n))
    if method == "laplace":
        program, places = laplace_program(structure, effort.draws, arrays)
        yield program, chunk_arguments((one, mode[0], np.zeros(1), mode[1], key), places)
        return
    if method != "nuts":
        program, places = importance_program(structure, effort, arrays)
        yield program, chunk_arguments((one, start, key), places)
        return
    program, places = nuts_program(structure, settings, arrays)
    yield program, chunk_arguments((one, *mode, np.zeros((1, n)), key), places)
    if evidence:
        size = settings.chains, settings.draws
        program, places = bridge_program(structure, arrays, *size)
        yield (
            program,
            chunk_arguments((one, start, np.zeros((1, *size, n)), np.zeros((1, *size)), key), places),
        )


def _bent_shapes(n: int) -> tuple[tuple[int, ...], ...]:
    return (n,), (n, n), (n, n), (), (n, n_features(n)), (n, 1 + n)
