"""Run tables printed in papers, each with its citation and caveats.

The figures are facts quoted from the cited works (see NOTICE); only the columns that a fit needs are
carried. The tables lie beside this module as CSV, what is known about them in ``index.json``. A table with
several metrics holds its figures in ``value``, as printed; naming the metric makes a response of them::

    published("cerebras_gpt")
    published("gopher", metric="Wikitext103 0-shot").convert("nats")
"""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import pandas as pd

from scalaw.data.runs import Runs
from scalaw.errors import ScalawError

#: Printed unit → loss kind and divisor: percentages become shares.
_UNITS = {
    "perplexity": ("perplexity", 1.0),
    "bits_per_byte": ("bits_per_byte", 1.0),
    "accuracy_percent": ("accuracy", 100.0),
    "error_percent": ("error", 100.0),
}


@dataclass(frozen=True)
class PublishedTable:
    """What is known about a published table.

    Parameters
    ----------
    name : str
        For :func:`published`.
    citation, arxiv, table : str
        The work, its arXiv id, and the table in it.
    rows : int
        Number of rows carried.
    fitted_as : str
        What the table may be fitted as.
    caveats : tuple of str
        What to know before believing a fit.
    metrics : tuple of str
        Metrics to choose from; empty when the table holds one loss.
    """

    name: str
    citation: str
    arxiv: str
    table: str
    rows: int
    fitted_as: str
    caveats: tuple[str, ...]
    metrics: tuple[str, ...]


@cache
def _index() -> dict[str, dict[str, Any]]:
    text = resources.files(__name__).joinpath("index.json").read_text(encoding="utf-8")
    return json.loads(text)


@cache
def _table(name: str) -> pd.DataFrame:
    with resources.files(__name__).joinpath(f"{name}.csv").open(encoding="utf-8") as file:
        frame = pd.read_csv(file)
    numeric = frame.select_dtypes("number").columns
    return frame.astype(dict.fromkeys(numeric, "float64"))


def _metrics(frame: pd.DataFrame) -> tuple[str, ...]:
    return tuple(frame["metric"].unique()) if "metric" in frame else ()


def published_tables() -> list[PublishedTable]:
    """Every table carried, with its citation and what it may be fitted as."""
    return [
        PublishedTable(
            name=name,
            citation=entry["citation"],
            arxiv=entry["arxiv"],
            table=entry["table"],
            rows=len(_table(name)),
            fitted_as=entry["fitted_as"],
            caveats=tuple(entry["caveats"]),
            metrics=_metrics(_table(name)),
        )
        for name, entry in _index().items()
    ]


def published(name: str, *, metric: str | None = None) -> Runs:
    """Runs of a published table.

    Parameters
    ----------
    name : str
        One of :func:`published_tables`.
    metric : str, optional
        For a table with several metrics: the one that becomes the response. Without it all rows are
        returned, with the figures in ``value`` as printed, and ``fit`` refuses them.

    Raises
    ------
    ScalawError
        D064 for an unknown table or metric.
    """
    entry = _entry(name)
    frame = _table(name).copy()
    kind, conversions = "nats", ()
    refusal = entry.get("refusal", "")
    metrics = _metrics(frame)
    if metric is not None and metric not in metrics:
        fix = f"choose from {', '.join(metrics)}"[:200] if metrics else "leave metric out"
        raise ScalawError("D064", f"no metric '{metric}'", f"table {name}", fix=fix)
    if metric is not None:
        frame, kind, conversions, refusal = _choose(frame, metric)
    elif metrics:
        refusal = f"it holds {len(metrics)} metrics: choose one, e.g. metric='{metrics[0]}'"
    columns = {role: role for role in ("N", "D", "C", "loss") if role in frame}
    if "hours" in frame:
        columns["x"] = "hours"
    return Runs(
        frame=frame,
        columns=columns,
        convention=entry["convention"],
        loss_kind=kind,
        source=name,
        conversions=conversions,
        citation=f"{entry['citation']}, {entry['table']}",
        caveats=tuple(entry["caveats"]),
        refusal=refusal,
        flops=entry["flops"],
    )


def _entry(name: str) -> dict[str, Any]:
    index = _index()
    if name in index:
        return index[name]
    near = difflib.get_close_matches(name, index, 1)
    hint = f"; the nearest is '{near[0]}'" if near else ""
    raise ScalawError("D064", f"no published table '{name}'{hint}", fix=f"choose from {', '.join(index)}")


def _choose(frame: pd.DataFrame, metric: str) -> tuple[pd.DataFrame, str, tuple[str, ...], str]:
    """Rows of one metric with a ``loss`` column, its kind, what was done, and why it may not be fitted."""
    frame = frame.loc[frame["metric"] == metric].reset_index(drop=True)
    unit = frame["unit"].iloc[0]
    if unit not in _UNITS:
        return frame, "nats", (), f"{metric} is no loss"
    kind, divisor = _UNITS[unit]
    conversions = (f"loss: share = percent / {divisor:g}",) if divisor != 1.0 else ()
    # 42.7 / 100 is not the float that prints as 0.427; rounding gives it.
    loss = frame["value"] if divisor == 1.0 else (frame["value"] / divisor).round(12)
    return frame.drop(columns=["value", "unit"]).assign(loss=loss), kind, conversions, ""
