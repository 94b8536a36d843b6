"""Cells of a schedule column as learning rates: builders, and CSV files beside the table.

A file holds one learning rate per line, with or without a name above, or columns ``step`` and ``lr``. Its steps begin
at 0 or 1 and rise; those that are left out are filled in on a straight line between their neighbours, and reading says
so, as it says how many steps at the start rise and count as warm-up. Only files in the folder of the table, or inside
it, are read.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from scalaw.data.cells import MISSING, PLAIN
from scalaw.data.files import load_text
from scalaw.data.schedules import MOST_STEPS, after_warmup, parse_schedule, refused_schedule
from scalaw.data.wording import quoted, rows_text
from scalaw.errors import Problem, ScalawError

#: So many wrong cells are told of.
MOST_TOLD = 5
_FILE = re.compile(r"[^()=]+\.(?:csv|tsv)(?:\.gz)?", re.IGNORECASE)
_STEP_NAMES = {"step", "steps", "iteration", "iter"}
_RATE_NAMES = {"lr", "learning_rate", "rate", "eta"}


def is_file(cell: str) -> bool:
    """Whether a cell names a file."""
    return _FILE.fullmatch(cell.strip()) is not None


def _looks_like_schedules(cells: Sequence[object]) -> bool:
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
            wrong.setdefault("" if cell is None or cell != cell else str(cell), (error.problems[0], []))[
                1
            ].append(row)
    return [
        Problem(
            "D070",
            "E",
            f"{quoted(cell, 40)} in {rows_text(rows, len(cells))}",
            where,
            problem.what,
            problem.fix,
        )
        for cell, (problem, rows) in list(wrong.items())[:MOST_TOLD]
    ]


def schedules_of(
    frame: pd.DataFrame, folder: Path, given: bool, source: str
) -> tuple[dict[str, np.ndarray], list[Problem], list[str]]:
    """Schedules in files that the column ``schedule`` of a table names.

    Parameters
    ----------
    frame : pandas.DataFrame
    folder : Path
        Where the table lies; files elsewhere are not read.
    given : bool
        Whether the column was mapped: one of mere labels is refused only then.
    source : str
        Table name for messages.

    Returns
    -------
    rates by cell, problems D070 of all cells, and what was done to files
    """
    if "schedule" not in frame:
        return {}, [], []
    column = frame["schedule"]
    cells = [None if pd.isna(cell) else cell for cell in column.tolist()]
    if not given and (pd.api.types.is_numeric_dtype(column) or not _looks_like_schedules(cells)):
        return {}, [], []
    where = f"{source}, column schedule"
    found: dict[str, np.ndarray] = {}
    wrong: dict[str, np.ndarray] = {}
    problems, told = [], []
    for name in dict.fromkeys(str(cell) for cell in cells if cell is not None and is_file(str(cell))):
        try:
            found[name], text = read_schedule(_beside(folder, name))
            told += [f"schedule {quoted(name, 40)[1:-1]}: {text}"] if text else []
        except ScalawError as error:
            wrong[name] = np.ones(1)
            rows = [row for row, cell in enumerate(cells) if cell == name]
            what = f"{quoted(name, 40)} in {rows_text(rows, len(cells))}: {error.problems[0].what}"
            fix = "one learning rate per line, or columns step and lr, in a file beside the table"
            problems.append(Problem("D070", "E", what, where, fix=fix))
    return found, problems[:MOST_TOLD] + schedule_problems(cells, {**found, **wrong}, where), told


def _beside(folder: Path, name: str) -> Path:
    """The file of a name in a folder, or in one inside it."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise refused_schedule("lies outside the folder of the table")
    return path


def read_schedule(path: Path) -> tuple[np.ndarray, str]:
    """Learning rates of a file, shape ``(steps,)``, and what was done to get them.

    Raises
    ------
    ScalawError
        D070 with the line that cannot be read, and what opening a text file raises.
    """
    text, _ = load_text(path)
    try:
        lines = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if "\t" in text else ",")
        rows = [row for row in lines if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise refused_schedule(f"it cannot be read: {quoted(error, 60)[1:-1]}") from error
    if not rows:
        raise refused_schedule("it holds no learning rate")
    header = [name.strip().lower() for name in rows[0]]
    named = not all(PLAIN.fullmatch(name) for name in header)
    places = _places(header, named)
    table = np.array(
        [_numbers(row, places, line) for line, row in enumerate(rows, 1) if not (named and line == 1)]
    )
    if len(table) == 0:
        raise refused_schedule("it holds no learning rate")
    rates, told = (table[:, 0], "") if len(places) == 1 else _filled(table)
    if len(rates) > MOST_STEPS:
        raise refused_schedule(f"{len(rates):,} steps are too many")
    kept = after_warmup(rates)
    if len(rates) > 1 and len(kept) == 1:
        raise refused_schedule("its rate only rises")
    if rates.min() < 0 or kept.min() <= 0:
        raise refused_schedule("its rate is 0 or less after the warm-up: leave such steps out")
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
    raise refused_schedule("it needs one column of rates, or columns step and lr")


def _numbers(row: list[str], places: tuple[int, ...], line: int) -> list[float]:
    cells = [row[i].strip() if i < len(row) else "" for i in places]
    numbers = [float(cell) if PLAIN.fullmatch(cell) else math.nan for cell in cells]
    if not all(map(math.isfinite, numbers)):
        raise refused_schedule(f"its line {line} is no number")
    return numbers


def _filled(table: np.ndarray) -> tuple[np.ndarray, str]:
    """One rate per step from steps and rates; steps in between lie on straight lines."""
    steps, rates = table.T
    if steps[0] not in (0.0, 1.0) or np.any(np.diff(steps) <= 0) or np.any(steps != np.round(steps)):
        raise refused_schedule("its steps must be whole, rise, and begin at 0 or 1")
    if steps[-1] > MOST_STEPS:
        raise refused_schedule(f"{steps[-1]:,.0f} steps are too many")
    every = np.arange(steps[0], steps[-1] + 1)
    missing = len(every) - len(steps)
    return np.interp(
        every, steps, rates
    ), f"{missing} of {len(every)} steps filled in on straight lines" if missing else ""
