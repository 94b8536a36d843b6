"""Reading runs: from a file or a data frame to a checked :class:`~scalaw.data.runs.Runs`.

The order is fixed: the table is loaded; roles are found or given; role columns become float64; rows are
left out only where asked for; values are checked; the third of N, D and C follows from C = 6 N D; the loss
is converted only where asked for. Schedules that a column ``schedule`` names as files are read with the table. A table
without a loss but with columns ``successes`` and ``trials`` is one of
accuracies. Every problem of severity E is collected and raised in one
:class:`~scalaw.errors.ScalawError`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from scalaw.data.cells import MISSING, PLAIN, Cells, read_numbers
from scalaw.data.checks_values import refused_values
from scalaw.data.columns import Assignment, assign_roles
from scalaw.data.files import RawTable, load_file, load_frame
from scalaw.data.loss_kinds import check_kind
from scalaw.data.runs import ROLES, Convention, Runs, component_columns
from scalaw.data.schedule_files import schedules_of
from scalaw.data.units import compute_6nd
from scalaw.data.wording import names_text, plural, quoted, rows_text
from scalaw.errors import Problem, ScalawError

#: Columns of counts that stand for a share.
COUNTS = ("successes", "trials")


@dataclass
class _Log:
    """What is met and done while reading."""

    problems: list[Problem]
    conversions: list[str]

    def refuse(self) -> None:
        """Raise all problems of severity E, if there are any."""
        if any(problem.severity == "E" for problem in self.problems):
            raise ScalawError.of(self.problems)


def read_runs(
    path_or_frame: Any,
    *,
    columns: Mapping[str, str | None] | None = None,
    units: Mapping[str, str | float] | str | None = None,
    sep: str | None = None,
    decimal: Literal[".", ","] = ".",
    encoding: str = "utf-8",
    na_values: Sequence[object] | str = (),
    missing: Literal["refuse", "drop"] = "refuse",
    dedupe: bool = False,
    loss_kind: str | None = None,
    convert_to: str | None = None,
    bytes_per_token: float | None = None,
    convention: Convention = "unknown",
    flops: str | None = None,
    x: str | None = None,
    groups: Sequence[str] = (),
    require: Sequence[str] = ("loss",),
) -> Runs:
    """Read a table of runs.

    Parameters
    ----------
    path_or_frame : str, Path, data frame or mapping
        CSV, TSV, JSON, JSONL or Parquet file (``.gz`` too), pandas or polars frame, or a mapping of columns.
    columns : mapping, optional
        Role or covariate → column, e.g. ``{"N": "size", "r[web]": "web", "schedule": "lr"}``; other roles are found by
        name. None says that no column plays the role.
    units : mapping or "si", optional
        Role → unit of its plain numbers, e.g. ``{"N": "B", "C": "PF-days"}``; the name of a vector speaks of all of
        its columns, ``{"r": "%"}``; ``"si"`` reads SI prefixes everywhere.
    sep, decimal, encoding : str
        Of text files; the delimiter is found from the header line by default.
    na_values : sequence or str
        Further cells that mean missing.
    missing : {"refuse", "drop"}
        What to do with rows that lack a number in a role.
    dedupe : bool
        Leave out exact duplicates of earlier rows.
    loss_kind, convert_to : str, optional
        Kind of the losses (nats by default) and the kind wanted, see :mod:`scalaw.data.loss_kinds`.
    bytes_per_token : float, optional
        For bits per byte.
    convention : {"total", "non-embedding", "active", "unknown"}
        What N counts.
    flops : str, optional
        How C was counted, in words; ``"6ND"`` allows the third of N, D and C to follow for any convention.
    x : str, optional
        Numeric column bound to ``x``, the covariate of one-dimensional laws.
    groups : sequence of str
        Columns of labels that group the runs; every row needs one.
    require : sequence of str
        Roles that must be there; ``()`` for candidates that have no loss yet.

    Returns
    -------
    Runs

    Raises
    ------
    ScalawError
        Every problem of severity E found, each with its code (see :mod:`scalaw.data.codes`).
    """
    _check_choices(decimal, missing, convention, loss_kind, convert_to)
    is_file = isinstance(path_or_frame, str | Path)
    table = load_file(path_or_frame, sep, encoding) if is_file else load_frame(path_or_frame)
    given = dict(columns or {})
    units = _of_vectors(units, given, table.header)
    x = given.pop("x", None) or x
    groups = (groups,) if isinstance(groups, str) else tuple(groups)
    # x may be the third of N, D and C, which is there only once it is computed
    late = x if x in ("N", "D", "C") and x not in [name.strip() for name in table.header] else None
    roles = assign_roles(table.header, given, None if late else x, groups, table.source)
    counted = "loss" not in roles.positions and {*COUNTS} <= {
        *given,
        *(name.strip() for name in table.header),
    }
    if counted:
        given |= {name: given.get(name, name) for name in COUNTS}
        roles = assign_roles(table.header, given, None if late else x, groups, table.source)
    kind = loss_kind or roles.loss_kind or "nats"
    if roles.loss_kind and not loss_kind:
        roles.conversions.append(f"loss kind {kind}, from the name of its column")
    log = _Log([*table.problems, *roles.problems], roles.conversions)
    _require([role for role in require if role != "loss" or not counted], roles, table, log)
    absent = (na_values,) if isinstance(na_values, str) else tuple(na_values)
    frame, numeric = _frame(table, roles, _units(units, roles, table, log), decimal, absent, log)
    if counted:
        frame, numeric, kind = _share(frame, numeric, loss_kind, log)
    frame = _leave_out(frame, numeric, missing, dedupe, table.source, log)
    folder = Path(path_or_frame).parent if is_file else Path()
    schedules, problems, told = schedules_of(frame, folder, "schedule" in given, table.source)
    log.problems += problems
    log.conversions += told
    log.problems += refused_values(frame, numeric, groups, kind, table.source)
    log.refuse()
    frame = _third(frame, convention, flops, table.source, log)
    runs = Runs(
        frame=frame,
        columns=roles.sources(table.header),
        convention=convention,
        loss_kind=kind,
        source=table.source,
        conversions=tuple(log.conversions),
        problems=tuple(log.problems),
        flops=flops or "",
        groups=groups,
        schedules=schedules,
    )
    runs = runs.along(late) if late else runs
    return runs.convert(convert_to, bytes_per_token) if convert_to else runs


def _check_choices(decimal: str, missing: str, convention: str, *kinds: str | None) -> None:
    choices = (
        ("decimal", decimal, (".", ",")),
        ("missing", missing, ("refuse", "drop")),
        ("convention", convention, get_args(Convention)),
    )
    for name, value, allowed in choices:
        if value not in allowed:
            fix = f"use {' or '.join(map(repr, allowed))}"
            raise ScalawError("D065", f"{name}={value!r} is not known", "read_runs", fix=fix)
    for kind in kinds:
        if kind is not None:
            check_kind(kind)


def _require(require: Sequence[str], roles: Assignment, table: RawTable, log: _Log) -> None:
    unclear = {problem.code for problem in roles.problems if problem.severity == "E"}
    for role in require:
        if role not in roles.positions and not unclear & {"D012", "D013"}:
            what = f"no column for {role}; found {names_text(table.header)}"
            fix = f"map it: columns={{'{role}': '…'}}"
            log.problems.append(Problem("D012", "E", what, table.source, fix=fix))


def _of_vectors(
    units: Mapping[str, str | float] | str | None, given: dict[str, str | None], header: Sequence[str]
) -> dict[str, str | float] | str | None:
    """Units with those of a vector said of each of its columns, which then play a role of their own."""
    if units is None or isinstance(units, str):
        return units
    names = [name.strip() for name in header]
    spread: dict[str, str | float] = {}
    for name, unit in units.items():
        alone = name in (*names, *given)
        parts = ([name] if "[" in name else []) if alone else component_columns((*names, *given), name)
        for part in parts:
            given.setdefault(part, part)
        spread |= dict.fromkeys(parts or [name], unit)
    return spread


def _units(
    units: Mapping[str, str | float] | str | None, roles: Assignment, table: RawTable, log: _Log
) -> dict[str, str | float]:
    """Unit of each role; keys may be roles or column names."""
    if units is None:
        return {}
    if isinstance(units, str):
        return dict.fromkeys(roles.positions, units)
    names = {table.header[place]: role for role, place in roles.positions.items()}
    result = {}
    for name, unit in units.items():
        role = name if name in roles.positions else names.get(name)
        if role is None:
            what = f"units for {quoted(name)}, which is no column with a role"
            log.problems.append(
                Problem("D012", "E", what, table.source, fix=f"use {', '.join(roles.positions)}")
            )
        else:
            result[role] = unit
    return result


def _frame(
    table: RawTable,
    roles: Assignment,
    units: Mapping[str, str | float],
    decimal: str,
    absent: tuple[object, ...],
    log: _Log,
) -> tuple[pd.DataFrame, list[str]]:
    """Table with canonical names, and the columns that must hold numbers and do."""
    role_at = {place: role for role, place in roles.positions.items()}
    canonical = {*ROLES, *role_at.values()}
    columns: dict[str, Any] = {}
    numeric = []
    for place, (name, cells) in enumerate(zip(table.header, table.cells, strict=True)):
        role, key = role_at.get(place), name.strip()
        if role is None and place != roles.x and key in canonical:
            # A column that only looks like a role stays, under a name that cannot be taken for it.
            key = f"{key} (not used)"
            log.conversions.append(f"column {quoted(name)} kept as {quoted(key)}")
        if role is None and place != roles.x:
            columns[key] = _other(cells)
            continue
        if role == "schedule":
            columns[role] = _other(cells)
            continue
        where = f"{table.source}, column {quoted(name)[1:-1]}"
        reading = read_numbers(
            role or "x", cells, where, unit=units.get(role or "x"), decimal=decimal, na_values=absent
        )
        columns[role or key] = reading.values
        log.problems += reading.problems
        log.conversions += reading.conversions
        if not any(problem.severity == "E" for problem in reading.problems):
            numeric.append(role or key)
    if roles.duplicates:
        log.refuse()
    return pd.DataFrame(columns), numeric


def _other(cells: Cells) -> Any:
    """A column without a role: numbers where every cell is a plain number or missing, else as it is."""
    if isinstance(cells, np.ndarray):
        return cells
    texts = [text.strip() for text in cells]
    present = [text for text in texts if text.lower() not in MISSING]
    if present and all(PLAIN.fullmatch(text) for text in present):
        return np.array([float(text) if text.lower() not in MISSING else np.nan for text in texts])
    return pd.Series([text or None for text in texts], dtype=object)


def _share(
    frame: pd.DataFrame, numeric: Sequence[str], kind: str | None, log: _Log
) -> tuple[pd.DataFrame, list[str], str]:
    """Add the accuracy (or the error, where that kind was asked for) that counts make."""
    log.refuse()
    trials = frame["trials"].where(frame["trials"] > 0)  # none of none is a missing share
    share = frame["successes"] / trials
    text = "loss computed as successes / trials, an accuracy"
    if kind == "error":
        share, text = 1.0 - share, "loss computed as 1 - successes / trials, an error"
    log.conversions.append(text)
    return frame.assign(loss=share), [*numeric, "loss"], kind or "accuracy"


def _leave_out(
    frame: pd.DataFrame, numeric: Sequence[str], missing: str, dedupe: bool, source: str, log: _Log
) -> pd.DataFrame:
    """Leave out rows where the user asked for it, and say which."""
    keep = np.ones(len(frame), bool)
    if missing == "drop":
        keep &= ~np.isnan(frame[list(numeric)].to_numpy(np.float64)).any(axis=1)
        if not keep.all():
            rows = rows_text(np.flatnonzero(~keep).tolist(), len(frame))
            log.conversions.append(f"left out {rows}: a number is missing")
    if dedupe:
        repeated = frame.duplicated().to_numpy(bool) & keep
        keep &= ~repeated
        if repeated.any():
            rows = rows_text(np.flatnonzero(repeated).tolist(), len(frame))
            log.conversions.append(f"left out {rows}: exact duplicates")
    if not keep.any():
        what = f"none of {plural(len(frame), 'run')} is left"
        raise ScalawError(
            "D003", what, source, log.conversions[-1][:150], "give runs with numbers in every role"
        )
    return frame.loc[keep].reset_index(drop=True)


def _third(frame: pd.DataFrame, convention: str, flops: str | None, source: str, log: _Log) -> pd.DataFrame:
    """Add the third of N, D and C, where two are there and the accounting is clear."""
    absent = [role for role in ("N", "D", "C") if role not in frame]
    if len(absent) != 1:
        return frame
    role = absent[0]
    other_rule = flops not in (None, "6ND")
    if role != "C" and (other_rule or (convention == "non-embedding" and flops is None)):
        why = "C was counted in another way" if other_rule else "C may count the embeddings that N leaves out"
        what = f"{role} was not computed from C = 6ND"
        log.problems.append(Problem("D035", "I", what, source, why, "pass flops='6ND' if C is 6ND"))
        return frame
    if role == "C":
        third = compute_6nd(frame["N"], frame["D"])
        text = "C computed as 6ND" + (f", with {convention} N" if convention != "unknown" else "")
    else:
        other = "D" if role == "N" else "N"
        third = frame["C"] / (6.0 * frame[other])
        text = f"{role} computed as C / (6{other})"
    log.problems.append(Problem("D035", "I", text, source))
    log.conversions.append(text)
    return frame.assign(**{role: third})
