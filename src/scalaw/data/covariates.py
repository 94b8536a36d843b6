"""Values of a law's covariate in a table of runs: a number, a vector or a reduced schedule per run.

This is the one place that knows which columns a covariate is made of:

- a number per run is the column of its name (or the one bound to ``x``);
- a vector of length ``size`` is the columns ``name[…]`` (``r[github]``, ``r[web]``, …), in the order of the table;
- a schedule is a column of texts (:mod:`scalaw.data.schedules`), of the covariate's name or, where the law has one
  schedule, called ``schedule``; the law gets what its ``reduction`` makes of each one after its warm-up.

A covariate is any record with ``name`` and ``domain``, and perhaps ``size`` and ``reduction``; a law has ``name``,
``covariates`` and ``size(covariate)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from scalaw.data.columns import NAMES, plain_name
from scalaw.data.runs import Runs, component_columns
from scalaw.data.schedule_files import rates_of
from scalaw.data.schedules import after_warmup
from scalaw.data.wording import names_text, near_name
from scalaw.errors import Problem, ScalawError

#: The column that serves any law with one schedule.
SCHEDULE = "schedule"


def size_of(law: Any, covariate: Any) -> int | None:
    """Length of a vector-valued covariate, None for a number or a schedule."""
    if covariate.domain == "schedule" or getattr(covariate, "size", None) is None:
        return None
    return law.size(covariate)


def is_number(covariate: Any) -> bool:
    """Whether a covariate is one number per run."""
    return getattr(covariate, "size", None) is None and covariate.domain != "schedule"


def column_words(covariate: Any) -> str:
    """The columns of a covariate as a person is told of them: ``N``, ``r[…]`` or ``schedule``."""
    if covariate.domain == "schedule":
        return SCHEDULE
    return covariate.name if is_number(covariate) else f"{covariate.name}[…]"


def covariate_columns(law: Any, covariate: Any, names: Iterable[str]) -> list[str]:
    """Those of some columns that hold a covariate; none where it is not there."""
    names = list(names)
    if covariate.domain == "schedule":
        alone = sum(c.domain == "schedule" for c in law.covariates) == 1
        wanted = [covariate.name, *([SCHEDULE] if alone else [])]
        return [name for name in wanted if name in names][:1]
    if is_number(covariate):
        return [covariate.name] if covariate.name in names else []
    return component_columns(names, covariate.name)


def column_problem(runs: Runs, law: Any, covariate: Any) -> Problem | None:
    """What is wrong with the columns of a covariate: D012 for none, D071 for another number than the law takes."""
    if covariate.name == "x" and "x" in runs.columns:
        return None
    names = [str(name) for name in runs.frame.columns]
    found, size = covariate_columns(law, covariate, names), size_of(law, covariate)
    if not found:
        shown = "" if size is None else f"{size} columns "
        what = f"law {law.name} needs {shown}{column_words(covariate)}; found {names_text(names)}"
        return Problem("D012", "E", what, runs.source, fix=_mapping(covariate, names))
    if size is None or len(found) == size:
        return None
    what = f"law {law.name} takes {size} columns {covariate.name}[…]; found {len(found)}: {names_text(found)}"
    if isinstance(covariate.size, str):
        fix = f"ask for {with_option(law.name, covariate.size, len(found))}, which takes these columns"
    else:
        fix = f"give {size} of them"
    return Problem("D071", "E", what, runs.source, fix=fix)


def _mapping(covariate: Any, found: list[str]) -> str:
    name = covariate.name
    if name == "x":
        return "bind it to a column: x='C'"
    if covariate.domain == "schedule":
        return f"name the column of schedules: columns={{'{SCHEDULE}': '…'}}"
    if not is_number(covariate):
        return f"name them so, or map them: columns={{'{name}[web]': 'web', …}}"
    alias = [column for column in found if plain_name(column) in NAMES.get(name, ())]
    return f"map it: columns={{'{name}': '{(alias or [near_name(name, found) or '…'])[0]}'}}"


def with_option(label: str, option: str, value: int) -> str:
    """A law's printed name with a structural option: ``law[k=1]`` → ``law[domains=3,k=1]``."""
    base, _, inside = label.rstrip("]").partition("[")
    kept = [item for item in inside.split(",") if item and item.partition("=")[0].strip() != option]
    return f"{base}[{','.join([f'{option}={value}', *kept])}]"


def covariate_values(runs: Runs, law: Any, covariate: Any) -> np.ndarray:
    """What a law gets of every run, in base units.

    Returns
    -------
    float64 array, shape (runs,), (runs, size), or (runs, …) as the covariate's ``reduction`` gives it

    Raises
    ------
    ScalawError
        D012 for a missing column and D071 for another number of them, D025 for a column that holds no numbers, D070 for
        a cell that is no schedule.
    """
    if covariate.domain == "schedule" or size_of(law, covariate) is not None:
        problem = column_problem(runs, law, covariate)
        if problem is not None:
            raise ScalawError.of([problem])
    if covariate.domain == "schedule":
        column = covariate_columns(law, covariate, runs.frame.columns)[0]
        return _reduced(runs, column, getattr(covariate, "reduction", None))
    return runs.values(covariate.name)


@lru_cache(maxsize=16)
def _reduced(runs: Runs, column: str, reduction: Callable[[Any], np.ndarray] | None) -> np.ndarray:
    """Schedules of a column after their warm-up, each distinct one reduced once; runs never change."""
    cells = runs.frame[column].tolist()
    made = {}
    for cell in dict.fromkeys(cells):
        rates = after_warmup(rates_of(cell, runs.schedules))
        made[cell] = rates if reduction is None else np.asarray(reduction(rates), np.float64)
    if len(shapes := {values.shape for values in made.values()}) > 1:
        lengths = ", ".join(str(shape[0]) for shape in sorted(shapes))
        what = f"schedules of different lengths ({lengths}) in a law without a reduction"
        raise ScalawError(
            "D070", what, f"{runs.source}, column {column}", fix="give the covariate a reduction"
        )
    out = np.stack([made[cell] for cell in cells])
    out.flags.writeable = False
    return out


def component_notes(runs: Runs, law: Any) -> list[str]:
    """Which column an index of the law's parameters belongs to, in words, for every vector that sets their number."""
    notes = []
    for covariate in law.covariates:
        if size_of(law, covariate) is not None and isinstance(covariate.size, str):
            columns = covariate_columns(law, covariate, runs.frame.columns)
            places = ", ".join(f"{i} is {name}" for i, name in enumerate(columns, 1))
            notes.append(f"indices of the {covariate.size}: {places}")
    return notes


def table_of(
    given: Mapping[str, Any], schedules: Mapping[str, np.ndarray] | None = None, source: str = "points"
) -> Runs:
    """A table from columns by name: numbers, texts or arrays, repeated to one length.

    An array of shape (rows, size) under a vector's name stands for its columns ``name[1]``, ``name[2]``, ….

    Raises
    ------
    ValueError
        For columns of different lengths.
    """
    columns: dict[str, np.ndarray] = {}
    for name, value in given.items():
        array = np.asarray(value)
        if array.ndim == 2:
            columns |= {f"{name}[{i + 1}]": array[:, i] for i in range(array.shape[1])}
        else:
            columns[name] = np.atleast_1d(array)
    arrays = np.broadcast_arrays(*columns.values()) if columns else []
    frame = pd.DataFrame(
        {
            name: a.astype(object if a.dtype.kind in "OUS" else np.float64)
            for name, a in zip(columns, arrays, strict=True)
        }
    )
    return Runs(frame, source=source, schedules=schedules or {})
