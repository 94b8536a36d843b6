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
``step`` and ``lr``. Steps that such a file leaves out are filled in on a straight line between their neighbours, and
the reader says so. Cells are read by the small grammar of this module: a name, brackets, names and plain numbers.
Nothing in them is ever run.

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

import csv
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scalaw.data.cells import MISSING, PLAIN
from scalaw.data.files import load_text
from scalaw.data.wording import quoted, rows_text
from scalaw.errors import Problem, ScalawError

#: Longer schedules are refused: no run takes so many steps, and an array of them is 80 MB.
MOST_STEPS = 10_000_000
_MOST_CHARACTERS = 200
_CELL = re.compile(r"([a-z]+)\s*\(([^()]*)\)", re.ASCII)
_ARGUMENT = re.compile(rf"\s*([a-z]+)\s*=\s*({PLAIN.pattern})\s*", re.ASCII)
_FILE = re.compile(r"[^()=]+\.(?:csv|tsv)(?:\.gz)?", re.IGNORECASE)
_STEP_NAMES = {"step", "steps", "iteration", "iter"}
_RATE_NAMES = {"lr", "learning_rate", "rate", "eta"}

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
            raise _refused(f"there is no builder {quoted(self.builder)[1:-1]}")
        wanted, given = BUILDERS[self.builder], [name for name, _ in self.arguments]
        for name in given:
            if given.count(name) > 1 or name not in (*wanted, "warmup"):
                raise _refused(
                    f"{name} is {'given twice' if name in wanted else 'no argument'}", self.builder
                )
        if missing := [name for name in wanted if name not in given]:
            raise _refused(f"{', '.join(missing)} missing", self.builder)
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
            raise _refused("its rate falls to 0", self.builder)
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


def _refused(what: str, builder: str = "") -> ScalawError:
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
            raise _refused(what, builder)


def parse_schedule(text: str) -> Schedule:
    """Read a builder such as ``wsd(peak=3e-4, end=0, steps=20000, decay=4000, warmup=500)``.

    Raises
    ------
    ScalawError
        D070 for anything else.
    """
    stripped = text.strip()
    if len(stripped) > _MOST_CHARACTERS:
        raise _refused(f"{len(stripped)} characters are no schedule")
    match = _CELL.fullmatch(stripped)
    if match is None:
        raise _refused(
            "an empty cell is no schedule" if not stripped else f"{quoted(stripped, 40)} is no schedule"
        )
    name, inside = match[1], match[2]
    arguments = []
    for part in inside.split(",") if inside.strip() else ():
        argument = _ARGUMENT.fullmatch(part)
        if argument is None:
            raise _refused(f"cannot read {quoted(part.strip())}", name if name in BUILDERS else "")
        arguments.append((argument[1], float(argument[2])))
    return Schedule(name, tuple(arguments))


def after_warmup(rates: np.ndarray) -> np.ndarray:
    """The schedule from the end of its warm-up on: without the steps at its start that the rate rises after."""
    steady = np.flatnonzero(np.diff(rates) <= 0)
    return rates[steady[0] if len(steady) else len(rates) - 1 :]


def is_file(cell: str) -> bool:
    """Whether a cell names a file."""
    return _FILE.fullmatch(cell.strip()) is not None


def looks_like_schedules(cells: Sequence[object]) -> bool:
    """Whether any cell is written as a builder or names a file: a column of mere labels is left alone."""
    texts = [str(cell).strip() for cell in cells if cell is not None]
    return any("(" in text or is_file(text) for text in texts)


def rates_of(cell: object, files: Mapping[str, np.ndarray]) -> np.ndarray:
    """Learning rate of every step of a cell: a file that was read, or a builder (D070)."""
    text = "" if cell is None or cell != cell else str(cell).strip()
    if text in files:
        return np.asarray(files[text], np.float64)
    if is_file(text):
        raise ScalawError("D070", f"{quoted(text, 40)} was not read", fix="put it in a column named schedule")
    return parse_schedule("" if text.lower() in MISSING else text).rates


def schedule_problems(cells: Sequence[object], files: Mapping[str, np.ndarray], where: str) -> list[Problem]:
    """A problem D070 for every kind of cell that is no schedule, with its rows."""
    wrong: dict[str, tuple[Problem, list[int]]] = {}
    known: dict[object, ScalawError | None] = {}
    for row, cell in enumerate(cells):
        if cell not in known:
            try:
                rates_of(cell, files)
                known[cell] = None
            except ScalawError as error:
                known[cell] = error
        if (error := known[cell]) is not None:
            wrong.setdefault(str(cell), (error.problems[0], []))[1].append(row)
    return [
        Problem(
            "D070",
            "E",
            f"{quoted(cell, 40)} in {rows_text(rows, len(cells))}",
            where,
            problem.what,
            problem.fix,
        )
        for cell, (problem, rows) in list(wrong.items())[:5]
    ]


def read_schedule_files(
    cells: Sequence[object], folder: Path
) -> tuple[dict[str, np.ndarray], dict[str, str], list[str]]:
    """Schedules that cells name as files in a folder: rates by cell, what is wrong by cell, and what was done."""
    found: dict[str, np.ndarray] = {}
    wrong: dict[str, str] = {}
    told: list[str] = []
    for name in dict.fromkeys(str(cell).strip() for cell in cells if cell is not None):
        if not is_file(name):
            continue
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            wrong[name] = "lies outside the folder of the table"
            continue
        try:
            found[name], text = read_schedule(path)
        except ScalawError as error:
            wrong[name] = error.problems[0].what
        else:
            told += [f"schedule {quoted(name, 40)[1:-1]}: {text}"] if text else []
    return found, wrong, told


def read_schedule(path: Path) -> tuple[np.ndarray, str]:
    """Learning rates of a file, shape ``(steps,)``, and what was done to get them.

    Raises
    ------
    ScalawError
        D070 with the line that cannot be read, and what opening a text file raises.
    """
    text, _ = load_text(path)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter="\t" if "\t" in text else ",") if any(row)]
    header = [name.strip().lower() for name in rows[0]]
    named = not all(PLAIN.fullmatch(name) for name in header)
    places = _places(header, named)
    table = np.array(
        [_numbers(row, places, line) for line, row in enumerate(rows, 1) if not (named and line == 1)]
    )
    if len(table) == 0:
        raise _refused("it holds no learning rate")
    rates, told = (table[:, 0], "") if len(places) == 1 else _filled(table)
    if len(rates) > MOST_STEPS:
        raise _refused(f"{len(rates):,} steps are too many")
    kept = after_warmup(rates)
    if len(rates) > 1 and len(kept) == 1:
        raise _refused("its rate only rises")
    if rates.min() < 0 or kept.min() <= 0:
        raise _refused("its rate is 0 or less after the warm-up: leave such steps out")
    warm = len(rates) - len(kept)
    parts = [told, f"the first {warm} of {len(rates)} steps rise and count as warm-up" if warm else ""]
    return rates, "; ".join(part for part in parts if part)


def _places(header: list[str], named: bool) -> tuple[int, ...]:
    """Where the rate stands, or the step and the rate."""
    step = [i for i, name in enumerate(header) if name in _STEP_NAMES]
    rate = [i for i, name in enumerate(header) if name in _RATE_NAMES]
    if named and len(rate) == 1 and len(step) <= 1 and (step or len(header) == 1):
        return (*step, *rate)
    if len(header) == 1 or (not named and len(header) == 2):
        return tuple(range(len(header)))
    raise _refused("it needs one column of rates, or columns step and lr")


def _numbers(row: list[str], places: tuple[int, ...], line: int) -> list[float]:
    cells = [row[i].strip() if i < len(row) else "" for i in places]
    numbers = [float(cell) if PLAIN.fullmatch(cell) else math.nan for cell in cells]
    if not all(map(math.isfinite, numbers)):
        raise _refused(f"its line {line} is no number")
    return numbers


def _filled(table: np.ndarray) -> tuple[np.ndarray, str]:
    """One rate per step from steps and rates; steps in between lie on straight lines."""
    steps, rates = table.T
    if steps[0] not in (0.0, 1.0) or np.any(np.diff(steps) <= 0) or np.any(steps != np.round(steps)):
        raise _refused("its steps must be whole, rise, and begin at 0 or 1")
    if steps[-1] > MOST_STEPS:
        raise _refused(f"{steps[-1]:,.0f} steps are too many")
    every = np.arange(steps[0], steps[-1] + 1)
    missing = len(every) - len(steps)
    return np.interp(
        every, steps, rates
    ), f"{missing} of {len(every)} steps filled in on straight lines" if missing else ""
