"""Learning-rate schedules as people write them: ``cosine(peak=3e-4, end=3e-5, steps=10000)``, or one rate per step.

A table of runs names each run's schedule in a column ``schedule`` (another one: ``columns={"schedule": "…"}``). A
cell is one of the builders

====================================  ==================================================================
``constant(peak, steps)``             the same rate at every step
``cosine(peak, end, steps)``          half a cosine from ``peak`` towards ``end``
``linear(peak, end, steps)``          a straight line from ``peak`` towards ``end``
``wsd(peak, end, steps, decay)``      ``peak`` (stable), then a straight line in the last ``decay`` steps
``step(peak, steps, every, factor)``  times ``factor`` after every ``every`` steps
====================================  ==================================================================

with all arguments by name, or the name of a CSV file beside the table with one learning rate per step, or with columns
``step`` and ``lr`` (:mod:`scalaw.data.schedule_files`). Cells are read by the small grammar of this module: a name,
brackets, names and plain numbers. Nothing in them is ever run.

Falls follow one convention: step i of T, counted from 1, has gone ``(i - 1) / T`` of the way from peak to end, so that
``cosine`` is ``end + (peak - end) / 2 * (1 + cos(pi * (i - 1) / T))``. The first step is at the peak, and the last one
stays a T-th of the way above the end.

**Warm-up.** Every builder takes ``warmup``, a number of steps: ``steps`` counts all steps of the run, the first
``warmup`` of them rise in equal parts to below the peak, and the fall has the others to itself. Laws get a schedule
from the end of its warm-up on (:func:`after_warmup`), whether it was built or read. They speak of such schedules: both
begin at ``eta_0 = eta_1``, a rate that has not risen; ``lr_multipower`` (arXiv:2503.12811) has the area under the
warm-up as a parameter of its own, ``S_W``, and would count it twice; and a rise would enter ``lr_annealing_tissue``
(arXiv:2408.11029) as an annealing of the opposite sign. What is left out of its area is half the warm-up's steps at
peak rate, so keep to one warm-up in runs that are compared. Rises later in a schedule stay in.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from scalaw.data.cells import PLAIN
from scalaw.data.wording import quoted
from scalaw.errors import ScalawError

#: Longer schedules are refused: no run takes so many steps, and an array of them is 80 MB.
MOST_STEPS = 10_000_000
_MOST_CHARACTERS = 200
_CELL = re.compile(r"([a-z]+)\s*\(([^()]*)\)", re.ASCII)
_ARGUMENT = re.compile(rf"\s*([a-z]+)\s*=\s*({PLAIN.pattern})\s*", re.ASCII)

#: Builder → its arguments; every one also takes ``warmup``.
BUILDERS: dict[str, tuple[str, ...]] = {
    "constant": ("peak", "steps"),
    "cosine": ("peak", "end", "steps"),
    "linear": ("peak", "end", "steps"),
    "wsd": ("peak", "end", "steps", "decay"),
    "step": ("peak", "steps", "every", "factor"),
}
_WHOLE = ("steps", "warmup", "decay", "every")
EXAMPLE = "cosine(peak=3e-4, end=3e-5, steps=10000)"


@dataclass(frozen=True)
class Schedule:
    """A builder and its arguments, in the order of :data:`BUILDERS`; its text reads back as the same record.

    Raises
    ------
    ScalawError
        D070 for arguments that are missing, unknown or out of range.
    """

    builder: str
    arguments: tuple[tuple[str, float], ...]

    def __post_init__(self) -> None:
        if self.builder not in BUILDERS:
            raise refused_schedule(f"there is no builder {quoted(self.builder)[1:-1]}")
        wanted, given = BUILDERS[self.builder], [name for name, _ in self.arguments]
        for name in given:
            if given.count(name) > 1 or name not in (*wanted, "warmup"):
                raise refused_schedule(
                    f"{name} is {'given twice' if name in wanted else 'no argument'}", self.builder
                )
        if missing := [name for name in wanted if name not in given]:
            raise refused_schedule(f"{', '.join(missing)} missing", self.builder)
        order = (*wanted, "warmup")
        object.__setattr__(self, "arguments", tuple(sorted(self.arguments, key=lambda a: order.index(a[0]))))
        _check_ranges(self.builder, dict(self.arguments))

    def __str__(self) -> str:
        inside = ", ".join(
            f"{name}={int(value)}" if name in _WHOLE else f"{name}={value!r}"
            for name, value in self.arguments
        )
        return f"{self.builder}({inside})"

    @property
    def rates(self) -> np.ndarray:
        """Learning rate of every step, warm-up first, shape ``(steps,)`` (D070 for one that vanishes)."""
        a = {"warmup": 0.0, **dict(self.arguments)}
        rising, falling = int(a["warmup"]), int(a["steps"] - a["warmup"])
        warm = a["peak"] * np.arange(1, rising + 1) / (rising + 1)
        rates = np.concatenate([warm, _FALLS[self.builder](np.arange(float(falling)), falling, a)])
        if not rates.min() > 0:
            raise refused_schedule("its rate falls to 0", self.builder)
        return rates


def _cosine(i: np.ndarray, steps: int, a: Mapping[str, float]) -> np.ndarray:
    return a["end"] + 0.5 * (a["peak"] - a["end"]) * (1.0 + np.cos(np.pi * i / steps))


def _linear(i: np.ndarray, steps: int, a: Mapping[str, float]) -> np.ndarray:
    return a["peak"] + (a["end"] - a["peak"]) * i / steps


def _wsd(i: np.ndarray, steps: int, a: Mapping[str, float]) -> np.ndarray:
    return _linear(np.maximum(i - (steps - a["decay"]), 0.0), int(a["decay"]), a)


def _step(i: np.ndarray, steps: int, a: Mapping[str, float]) -> np.ndarray:
    return a["peak"] * a["factor"] ** (i // a["every"])


#: Builder → rates after the warm-up at steps counted from 0, their number, and the arguments.
_FALLS: dict[str, Callable[[np.ndarray, int, Mapping[str, float]], np.ndarray]] = {
    "constant": lambda i, steps, a: np.full(len(i), a["peak"]),
    "cosine": _cosine,
    "linear": _linear,
    "wsd": _wsd,
    "step": _step,
}


def refused_schedule(what: str, builder: str = "") -> ScalawError:
    """D070 with how the builder, or any, is written."""
    arguments = "".join(f", {name}=…" for name in BUILDERS.get(builder, ()))[2:]
    fix = f"write {builder}({arguments})" if arguments else f"write e.g. {EXAMPLE}, or name a CSV file"
    return ScalawError("D070", f"{builder}: {what}" if builder else what, fix=fix)


def _check_ranges(builder: str, a: Mapping[str, float]) -> None:
    """Every argument makes sense beside the others."""
    left = a["steps"] - a.get("warmup", 0.0)
    whole = [
        name
        for name in _WHOLE
        if name in a and (a[name] != round(a[name]) if math.isfinite(a[name]) else True)
    ]
    tests = (
        (not whole, f"{', '.join(whole)} must be a whole number of steps"),
        (0 < a["peak"] < math.inf, "peak must be above 0"),
        (1 <= a["steps"] <= MOST_STEPS, f"steps must lie between 1 and {MOST_STEPS:,}"),
        (0 <= a.get("warmup", 0.0) < a["steps"], "warmup must be 0 or more, and fewer than all steps"),
        (0 <= a.get("end", 0.0) <= a["peak"], "end must lie between 0 and peak"),
        (
            1 <= a.get("decay", 1.0) <= left,
            "decay must be a number of steps, at most those after the warm-up",
        ),
        (a.get("every", 1.0) >= 1, "every must be 1 or more"),
        (0 < a.get("factor", 0.5) < 1, "factor must lie between 0 and 1"),
    )
    for holds, what in tests:
        if not holds:
            raise refused_schedule(what, builder)


def parse_schedule(text: str) -> Schedule:
    """Read a builder such as ``wsd(peak=3e-4, end=0, steps=20000, decay=4000, warmup=500)``.

    Raises
    ------
    ScalawError
        D070 for anything else.
    """
    stripped = text.strip()
    if len(stripped) > _MOST_CHARACTERS:
        raise refused_schedule(f"{len(stripped)} characters are no schedule")
    match = _CELL.fullmatch(stripped)
    if match is None:
        raise refused_schedule(
            "an empty cell is no schedule" if not stripped else f"{quoted(stripped, 40)} is no schedule"
        )
    name, inside = match[1], match[2]
    arguments = []
    for part in inside.split(",") if inside.strip() else ():
        argument = _ARGUMENT.fullmatch(part)
        if argument is None:
            raise refused_schedule(f"cannot read {quoted(part.strip())}", name if name in BUILDERS else "")
        arguments.append((argument[1], float(argument[2])))
    return Schedule(name, tuple(arguments))


def after_warmup(rates: np.ndarray) -> np.ndarray:
    """The schedule from the end of its warm-up on: without the steps at its start that the rate rises after."""
    steady = np.flatnonzero(np.diff(rates) <= 0)
    return rates[steady[0] if len(steady) else len(rates) - 1 :]
