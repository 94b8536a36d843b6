"""Values that are refused on reading (D020–D024, D026, D033, D050, D058), all of them at once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from scalaw.data.loss_kinds import SHARES, SIGNED
from scalaw.data.wording import rows_text
from scalaw.errors import Problem

#: Largest value taken for parameters, tokens or FLOP; 64-bit integers that wrapped lie above 1e18.
LARGEST = {"N": 1e18, "D": 1e18, "U": 1e18, "C": 1e50, "loss": 1e12}
SMALLEST = 1e-12


def refused_values(
    frame: pd.DataFrame, numeric: Sequence[str], groups: Sequence[str], loss_kind: str, source: str
) -> list[Problem]:
    """Problems of severity E in the values of a table.

    Parameters
    ----------
    frame : pandas.DataFrame
        With canonical names.
    numeric : sequence of str
        Columns with a role, float64.
    groups : sequence of str
        Columns of labels.
    loss_kind : str
        What the losses are.
    source : str
        Table name for messages.
    """
    problems: list[Problem] = []
    for name in numeric:
        values = frame[name].to_numpy(np.float64)
        where = f"{source}, column {name}"
        problems += _holes(name, values, where)
        problems += _signs(name, values, where, loss_kind)
    for name in groups:
        if name in frame:
            problems += _labels(frame[name].tolist(), f"{source}, column {name}")
    return problems


def _rows(mask: np.ndarray) -> list[int]:
    return np.flatnonzero(mask).tolist()


def _holes(name: str, values: np.ndarray, where: str) -> list[Problem]:
    problems = []
    missing = _rows(np.isnan(values))
    if missing:
        code = "D020" if name == "loss" else "D021"
        what = f"{name} is missing in {rows_text(missing, len(values))}"
        why = "a run that diverged is information" if name == "loss" else ""
        problems.append(
            Problem(code, "E", what, where, why, "pass missing='drop' to leave them out, knowingly")
        )
    infinite = _rows(np.isinf(values))
    if infinite:
        what = f"{name} is infinite in {rows_text(infinite, len(values))}"
        fix = "na_values=['inf'] with missing='drop' leaves them out, knowingly"
        problems.append(
            Problem("D022", "E", what, where, "the run may have diverged" if name == "loss" else "", fix)
        )
    return problems


def _signs(name: str, values: np.ndarray, where: str, loss_kind: str) -> list[Problem]:
    """Zero, negative and absurd values."""
    finite = np.where(np.isfinite(values), values, 1.0)
    if name == "loss" and loss_kind in SHARES:
        outside = _rows(np.isfinite(values) & ((values < 0) | (values > 1)))
        if not outside:
            return []
        what = f"{loss_kind} outside 0 to 1 in {rows_text(outside)} ({values[outside[0]]:.6g})"
        return [Problem("D033", "E", what, where, fix="for percent pass units={'loss': '%'}")]
    if name not in LARGEST or (name == "loss" and loss_kind == SIGNED):
        return []
    problems = []
    floor = 1.0 if name == "loss" and loss_kind == "perplexity" else 0.0
    low = _rows(finite <= floor)
    wrapped = _rows((finite < -1e6) & (finite >= -(2.0**31)) & (finite == np.round(finite)))
    if low and wrapped and name != "loss":
        what = f"{name} is {values[wrapped[0]]:.0f} in {rows_text(wrapped)}"
        fix = "export it as a float"
        problems.append(
            Problem("D026", "E", what, where, "this looks like a 32-bit integer that overflowed", fix)
        )
    elif low and name == "loss":
        what = f"loss is {values[low[0]]:.6g} in {rows_text(low, len(values))}"
        why = "a perplexity is above 1" if floor else "a cross-entropy is above 0"
        fix = "map the loss itself, not its logarithm, a reward or a difference"
        problems.append(Problem("D023", "E", what, where, why, fix))
    elif low:
        what = f"{name} is {values[low[0]]:.6g} in {rows_text(low, len(values))}"
        problems.append(
            Problem("D024", "E", what, where, "power laws need values above 0", "correct or leave out")
        )
    extreme = _rows((finite > LARGEST[name]) | ((finite > 0) & (finite < SMALLEST)))
    if extreme:
        what = f"{name} = {values[extreme[0]]:.3g} in {rows_text(extreme)}"
        problems.append(
            Problem("D058", "E", what, where, "no run is of this size", "check the unit and the export")
        )
    return problems


def _labels(column: Sequence[object], where: str) -> list[Problem]:
    empty = [row for row, label in enumerate(column) if label is None or not str(label).strip()]
    if not empty:
        return []
    fix = "call them 'unknown' if that is meant"
    return [Problem("D050", "E", f"no group label in {rows_text(empty, len(column))}", where, fix=fix)]
