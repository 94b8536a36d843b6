"""How speed is measured here: in turns, as a ratio, by medians, with compilation put aside and stated.

Contestants of a row are :class:`Task` objects on the same data. Each is first called once with nothing compiled, and
then they are called in turns (ours, peer, ours, peer, …), so that whatever else the machine does falls on all alike.
:func:`interleave` returns a :class:`Timing` per contestant and :func:`compare` makes the :class:`Row`: the ratio of the
medians of wall seconds and of CPU seconds. CPU seconds are those of all threads of this process and of the child
processes that it has waited for.

Where a practice takes too long to be run in whole, a random part of it is run and :attr:`Task.scale` says how many
times longer the whole is; the row then says so. Where a contestant can tell compiling from running it returns
:class:`Measured`, whose figures replace the ones taken from outside.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

ROUNDS = 5


class Seconds(NamedTuple):
    """Wall and CPU seconds."""

    wall: float
    cpu: float

    def __add__(self, other: Seconds) -> Seconds:  # pyright: ignore[reportIncompatibleMethodOverride]
        return Seconds(self.wall + other.wall, self.cpu + other.cpu)

    def times(self, factor: float) -> Seconds:
        """Both multiplied."""
        return Seconds(self.wall * factor, self.cpu * factor)


class Measured(NamedTuple):
    """What a contestant returns that has told compiling from running by itself."""

    value: Any
    run: Seconds
    compile: Seconds


def _cpu() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in (resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN))
    )


def measure(run: Callable[[], Any]) -> tuple[Any, Seconds]:
    """Value of a call and the seconds that it took."""
    wall, cpu = time.perf_counter(), _cpu()
    value = run()
    return value, Seconds(time.perf_counter() - wall, _cpu() - cpu)


@dataclass(frozen=True)
class Task:
    """A contestant.

    Parameters
    ----------
    what : str
        In words, with its settings.
    run : callable
        Takes the number of the round (0 for the first call), returns a value.
    rounds : int
        Turns after the first call.
    scale : float
        The whole practice takes this many times what ``run`` takes.
    first : bool
        Whether a call is made beforehand, which compiles; False for what compiles nothing.
    """

    what: str
    run: Callable[[int], Any]
    rounds: int = ROUNDS
    scale: float = 1.0
    first: bool = True


@dataclass(frozen=True)
class Timing:
    """Seconds of every round and what each returned; ``compile`` is None where nothing is compiled."""

    what: str
    seconds: list[Seconds]
    compile: Seconds | None
    scale: float
    values: list[Any] = field(repr=False)

    def median(self, clock: str, work: Sequence[float] | None = None) -> float:
        """Median seconds by ``"wall"`` or ``"cpu"``, per unit of work where work is given per round."""
        work = work or [1.0] * len(self.seconds)
        return statistics.median(getattr(s, clock) / w for s, w in zip(self.seconds, work, strict=True))

    def without_compilation(self) -> Timing:
        """The same where the first call only filled a cache."""
        return replace(self, compile=None)


def interleave(tasks: Mapping[str, Task]) -> dict[str, Timing]:
    """Time contestants in turns, after a first call of each in which it finds nothing compiled."""
    firsts = _first_calls(tasks)
    turns: dict[str, list[Measured]] = {name: [] for name in tasks}
    for i in range(1, 1 + max(task.rounds for task in tasks.values())):
        for name, task in tasks.items():
            if i <= task.rounds:
                turns[name].append(_turn(task, i))
    return {name: _timing(task, firsts.get(name), turns[name]) for name, task in tasks.items()}


def _first_calls(tasks: Mapping[str, Task]) -> dict[str, Measured]:
    chosen = {name: task for name, task in tasks.items() if task.first}
    if not chosen:
        return {}
    from benchmarks.compilations import (
        forget,  # imports JAX, which a process that only measures itself does not
    )

    firsts = {}
    for name, task in chosen.items():
        forget()
        firsts[name] = _turn(task, 0)
    if len(chosen) > 1:  # all but the last have been forgotten
        for task in chosen.values():
            task.run(0)
    return firsts


def _turn(task: Task, number: int) -> Measured:
    value, seconds = measure(lambda: task.run(number))
    return value if isinstance(value, Measured) else Measured(value, seconds, Seconds(0.0, 0.0))


def _timing(task: Task, first: Measured | None, turns: list[Measured]) -> Timing:
    seconds = [turn.run.times(task.scale) for turn in turns]
    median = Seconds(*(statistics.median(clock) for clock in zip(*(turn.run for turn in turns), strict=True)))
    compiled = None
    if first is not None:
        whole = first.run + first.compile
        compiled = Seconds(max(whole.wall - median.wall, 0.0), max(whole.cpu - median.cpu, 0.0))
    return Timing(task.what, seconds, compiled, task.scale, [turn.value for turn in turns])


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``status`` is ``"measured"``, or says why there are no figures; ``ratio`` holds how many times faster ours
    is (or, for a row without a peer, nothing); ``check`` what shows that both did the job; ``table`` the
    lines of a row that is a table of its own.
    """

    name: str
    title: str
    status: str = "measured"
    ours: dict[str, Any] | None = None
    peer: dict[str, Any] | None = None
    ratio: dict[str, float] = field(default_factory=dict)
    check: dict[str, Any] = field(default_factory=dict)
    table: list[dict[str, Any]] = field(default_factory=list)
    notes: tuple[str, ...] = ()

    def record(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def compare(
    name: str,
    title: str,
    ours: Timing,
    peer: Timing,
    *,
    work: tuple[Sequence[float], Sequence[float]] | None = None,
    unit: str = "",
    check: dict[str, Any] | None = None,
    notes: Sequence[str] = (),
) -> Row:
    """Row of two timings.

    Parameters
    ----------
    work : two sequences of float, optional
        What ours and the peer's got done per round (effective draws, say); the ratio is then of work per second.
    unit : str
        What work is counted in.
    """
    mine, theirs = work or (None, None)
    ratio = {clock: peer.median(clock, theirs) / ours.median(clock, mine) for clock in ("wall", "cpu")}
    if ours.compile or peer.compile:
        for clock in ("wall", "cpu"):
            ratio[f"{clock}_with_compilation"] = _whole(peer, clock, theirs) / _whole(ours, clock, mine)
    sides = (_side(ours, mine, unit), _side(peer, theirs, unit))
    said = [
        f"extrapolated: a random {1 / t.scale:.3g} of {t.what} was run per round"
        for t in (ours, peer)
        if t.scale != 1
    ]
    rounds = sorted({len(ours.seconds), len(peer.seconds)})
    if rounds[0] < ROUNDS:
        said.append(f"medians of {' and '.join(map(str, rounds))} rounds, not {ROUNDS}")
    return Row(name, title, "measured", *sides, ratio, check or {}, [], (*notes, *said))


def _whole(timing: Timing, clock: str, work: Sequence[float] | None) -> float:
    """Seconds of a first call, compilation included, per unit of work."""
    extra = getattr(timing.compile, clock) if timing.compile else 0.0
    return timing.median(clock, work) + extra / (statistics.median(work) if work else 1.0)


def _side(timing: Timing, work: Sequence[float] | None, unit: str) -> dict[str, Any]:
    side = {
        "what": timing.what,
        "rounds": len(timing.seconds),
        "scale": timing.scale,
        "wall": timing.median("wall"),
        "cpu": timing.median("cpu"),
        "wall_rounds": [s.wall for s in timing.seconds],
        "cpu_rounds": [s.cpu for s in timing.seconds],
        "compile": timing.compile._asdict() if timing.compile else None,
    }
    if work:
        side |= {"work": list(work), "unit": unit, "work_per_cpu_second": 1 / timing.median("cpu", work)}
    return side


def installed(module: str) -> bool:
    """Whether a module can be imported."""
    return importlib.util.find_spec(module) is not None


def version(package: str) -> str:
    """Name and version of an installed package."""
    return f"{package} {importlib.metadata.version(package)}"


def missing(name: str, title: str, package: str, note: str = "") -> Row:
    """Row of a peer that is not there."""
    return Row(name, title, f"{package} is not installed", notes=(note,) if note else ())
