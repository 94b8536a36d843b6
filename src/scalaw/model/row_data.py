"""Numbers of a run that a noise reads beside the loss: what they are, where they come from, what stands in for them.

==============  =========================================  =======================================================
in ``rows``     made of                                    meaning
==============  =========================================  =======================================================
log_size        the law's covariates                       log of a run's size over the centre of the runs. Size
                                                           is C where the law has it, N·D where it has both, else
                                                           the law's first covariate
loss_se         column ``loss_se``                         standard error of the loss, as a share of the loss
half_width      column ``loss_half_width``, or the digits  half a step of the loss's last digit, as a share of the
                of the losses                              loss
trials          column ``trials``                          how many trials a share was counted over
==============  =========================================  =======================================================

Rows that are padding or held out carry ``neutral``; a run to come, of which the number is not known, ``new``: it
is measured exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from scalaw.data import Runs
from scalaw.data.covariates import is_number
from scalaw.data.wording import rows_text
from scalaw.errors import ScalawError
from scalaw.laws.law import Law

#: Losses that carry more decimals than this were not rounded for print.
MOST_DECIMALS = 6

Covariates = Mapping[str, Any]


@dataclass(frozen=True)
class RowData:
    """One number per run.

    Parameters
    ----------
    name : str
        Its key in ``rows``.
    meaning : str
        One phrase.
    neutral, new : float
        What stands in on padded and held-out rows, and at a run to come.
    columns : tuple of str
        Columns of the table that it is made of; empty for what follows from the covariates.
    read : callable, optional
        ``read(runs, used)``: its values, shape (runs,), where ``used`` marks the runs that are not held out, whose
        losses alone may decide for other rows; raises :class:`ScalawError` for a column that is missing (D012) or
        holds what cannot be (D067).
    derive : callable, optional
        ``derive(law, covariates, refs)``: its values from covariates in base units and references by unit.
    """

    name: str
    meaning: str
    neutral: float
    new: float
    columns: tuple[str, ...] = ()
    read: Callable[[Runs, np.ndarray], np.ndarray] | None = field(default=None, repr=False)
    derive: Callable[[Law, Covariates, Mapping[str, float]], np.ndarray] | None = field(
        default=None, repr=False
    )


def size_covariates(law: Law) -> tuple[str, ...]:
    """Covariates whose product is the size of a run; empty where the law scales no positive quantity."""
    known = {c.name: c for c in law.covariates}
    if "C" in known:
        return ("C",)
    if {"N", "D"} <= known.keys():
        return ("N", "D")
    first = law.covariates[0]
    sized = is_number(first) and first.scaling == "ratio" and first.domain in ("positive", "integer")
    return (first.name,) if sized else ()


def _log_size(law: Law, covariates: Covariates, refs: Mapping[str, float]) -> np.ndarray:
    unit = {c.name: c.unit for c in law.covariates}
    parts = [np.log(covariates[name] / refs[unit[name]]) for name in size_covariates(law)]
    return np.sum(parts, axis=0)


def _column(runs: Runs, name: str, fix: str) -> np.ndarray:
    if name not in runs.frame:
        raise ScalawError("D012", f"the noise needs a column {name}", runs.source, fix=fix)
    values = runs.values(name)
    if bad := np.flatnonzero(~np.isfinite(values)).tolist():
        what = f"{name} is missing or infinite in {rows_text(bad, len(values))}"
        raise _refused(runs, name, what, "complete it, or leave these runs out")
    return values


def _refused(runs: Runs, name: str, what: str, fix: str) -> ScalawError:
    return ScalawError("D067", what, f"{runs.source}, column {name}", fix=fix)


def _within_loss(runs: Runs, name: str, values: np.ndarray) -> np.ndarray:
    """The column as a share of the loss, which it must be below."""
    share = values / runs.values("loss")
    if bad := np.flatnonzero((values < 0) | (share >= 1)).tolist():
        what = f"{name} is {values[bad[0]]:.6g} in {rows_text(bad, len(values))}"
        raise _refused(runs, name, what, "give it in the unit of the loss: 0 or more, and below the loss")
    return share


def _loss_se(runs: Runs, used: np.ndarray) -> np.ndarray:
    fix = "map it, columns={'loss_se': '…'}, or choose another noise"
    return _within_loss(runs, "loss_se", _column(runs, "loss_se", fix))


def printed_decimals(runs: Runs, used: np.ndarray) -> int | None:
    """Decimals that the losses are printed with, None where they were converted or carry too many to be printed."""
    if any(text.startswith("loss: ") for text in runs.conversions):
        return None
    texts = [np.format_float_positional(v, trim="-") for v in runs.values("loss")[used]]
    most = max(len(text.partition(".")[2]) for text in texts)
    return most if most <= MOST_DECIMALS else None


def _half_width(runs: Runs, used: np.ndarray) -> np.ndarray:
    """From its column, else half a step of the last decimal that any loss has (told by D068)."""
    decimals = None if "loss_half_width" in runs.frame else printed_decimals(runs, used)
    if decimals is not None:
        return _within_loss(runs, "loss", np.full(len(runs), 0.5 * 10.0**-decimals))
    fix = "add it, 0.005 for losses with 2 decimals: these losses were converted or not rounded"
    return _within_loss(runs, "loss_half_width", _column(runs, "loss_half_width", fix))


def _trials(runs: Runs, used: np.ndarray) -> np.ndarray:
    fix = "map it, columns={'trials': '…'}, or use noise='beta' for shares without counts"
    values = _column(runs, "trials", fix)
    if bad := np.flatnonzero((values < 1) | (values != np.round(values))).tolist():
        what = f"trials is {values[bad[0]]:.6g} in {rows_text(bad, len(values))}"
        raise _refused(runs, "trials", what, "it is a whole number from 1")
    return values


LOG_SIZE = RowData("log_size", "log of a run's size over the centre of the runs", 0.0, 0.0, derive=_log_size)
LOSS_SE = RowData("loss_se", "standard error over loss", 1.0, 0.0, ("loss_se",), _loss_se)
HALF_WIDTH = RowData(
    "half_width", "half a rounding step over loss", 0.0, 0.0, ("loss_half_width",), _half_width
)
TRIALS = RowData("trials", "trials that a share was counted over", 1.0, np.inf, ("trials",), _trials)


def read_rows(reads: tuple[RowData, ...], runs: Runs, used: np.ndarray) -> dict[str, np.ndarray]:
    """What a noise reads from the columns of a table, each of shape (runs,); ``used`` as in :class:`RowData`."""
    return {data.name: data.read(runs, used) for data in reads if data.read is not None}


def row_values(
    reads: tuple[RowData, ...],
    law: Law,
    covariates: Covariates,
    refs: Mapping[str, float],
    known: Mapping[str, Any],
) -> dict[str, np.ndarray]:
    """Everything a noise reads at some rows: derived from covariates, else ``known``, else that of a run to come.

    Parameters
    ----------
    covariates : mapping of str to array, shape (rows,)
        By the law's covariate names, in base units.
    refs : mapping
        References by unit.
    known : mapping of str to array, shape (rows,)
        By name, as :func:`read_rows` gives it.
    """
    rows = len(next(iter(covariates.values())))
    out = {}
    for data in reads:
        if data.derive is not None:
            out[data.name] = data.derive(law, covariates, refs)
        else:
            out[data.name] = np.asarray(known.get(data.name, np.full(rows, data.new)), np.float64)
    return out
