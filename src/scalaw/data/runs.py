"""The table of runs: what comes in, under canonical names, with everything that was done to it.

:class:`Runs` holds one row per training run. Columns with a role carry the field's own names:

========  =====================================================
``N``     parameters
``D``     training tokens
``C``     training compute, FLOP
``U``     unique training tokens
``loss``  the response, of the kind that ``loss_kind`` says
========  =====================================================

Every other column keeps its name and can be a covariate, a label or a group. Columns ``r[github]``, ``r[web]``, …
are the components of one vector ``r``, in the order of the table; a column ``schedule`` holds learning-rate
schedules (:mod:`scalaw.data.schedules`). One-dimensional curves bind ``x`` to a column: ``runs.along("C")``. A
``Runs`` never changes; :meth:`Runs.select`, :meth:`Runs.convert` and :meth:`Runs.along` return new ones, the first
two with a line more in ``conversions``. Rows are numbered from 1, the header not counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from scalaw.data.loss_kinds import convert_loss, convert_width
from scalaw.data.units import format_quantity
from scalaw.data.wording import names_text, quoted
from scalaw.errors import Problem, ScalawError

#: Roles that reading finds by itself.
ROLES = ("N", "D", "C", "U", "loss")
Convention = Literal["total", "non-embedding", "active", "unknown"]


def component_columns(names: Iterable[object], vector: str) -> list[str]:
    """Columns ``vector[…]`` among some names, in their order."""
    return [str(name) for name in names if str(name).startswith(f"{vector}[") and str(name).endswith("]")]


@dataclass(frozen=True, eq=False)
class Runs:
    """A checked table of runs; made by :func:`scalaw.data.read_runs`.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per run, canonical column names; role columns are float64 in base units.
    columns : mapping
        Role → name of the column in the source; ``x`` → canonical name of the bound column.
    convention : {"total", "non-embedding", "active", "unknown"}
        What N counts.
    loss_kind : str
        A key of :mod:`scalaw.data.loss_kinds`.
    source : str
        File or table name, never a full path.
    conversions : tuple of str
        Every conversion made, in order.
    problems : tuple of Problem
        Warnings and notes met on reading.
    citation : str
        Where published figures come from.
    caveats : tuple of str
        What a reader of the results must know about the figures.
    refusal : str
        Empty when a law may be fitted to the rows, otherwise the reason why ``fit`` refuses them (D062).
    flops : str
        How C was counted, when it was said.
    groups : tuple of str
        Columns whose labels group the runs.
    schedules : mapping
        Cell of the column ``schedule`` that names a file → learning rate of every step, as the file was read.
    """

    frame: pd.DataFrame = field(repr=False)
    columns: Mapping[str, str] = field(default_factory=dict)
    convention: Convention = "unknown"
    loss_kind: str = "nats"
    source: str = "table"
    conversions: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    citation: str = ""
    caveats: tuple[str, ...] = ()
    refusal: str = ""
    flops: str = ""
    groups: tuple[str, ...] = ()
    schedules: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def n_runs(self) -> int:
        """Number of rows."""
        return len(self.frame)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Numeric columns other than the loss, and ``x`` where it is bound."""
        numeric = self.frame.select_dtypes("number").columns
        names = [str(name) for name in numeric if name != "loss"]
        return tuple(names + ["x"] * ("x" in self.columns and "x" not in names))

    def values(self, name: str) -> np.ndarray:
        """One numeric column, or a vector of them.

        Parameters
        ----------
        name : str
            A canonical column name, ``"x"`` where it is bound, or the name of a vector, ``"r"``.

        Returns
        -------
        float64 array, shape (runs,) or, for a vector, (runs, columns)

        Raises
        ------
        ScalawError
            D012 when there is no such column, D025 when it holds no numbers.
        """
        column = self.columns.get("x", "x") if name == "x" else name
        if column not in self.frame:
            if parts := component_columns(self.frame.columns, column):
                return np.stack([self.values(part) for part in parts], axis=-1)
            found = names_text(self.frame.columns)
            fix = (
                "bind it with x='C' or another column"
                if name == "x"
                else f"map it: columns={{'{name}': '…'}}"
            )
            raise ScalawError("D012", f"no column {quoted(name)}; found {found}", self.source, fix=fix)
        if not pd.api.types.is_numeric_dtype(self.frame[column]):
            text = next((cell for cell in self.frame[column] if isinstance(cell, str)), None)
            what = f"column {quoted(column)} holds no numbers" + (f", but {quoted(text)}" if text else "")
            raise ScalawError("D025", what, self.source)
        return self.frame[column].to_numpy(np.float64)

    def select(self, mask: Any) -> Runs:
        """Keep some of the runs.

        Parameters
        ----------
        mask : bool array, shape (runs,), or int array
            Which rows to keep, or their positions from 0 in the wanted order.

        Raises
        ------
        ScalawError
            D063 when the mask does not fit the runs.
        """
        index = np.asarray(mask)
        if index.dtype == bool and index.shape == (len(self),):
            index = np.flatnonzero(index)
        fits = index.ndim == 1 and (index.dtype.kind in "iu" or index.size == 0)
        if not fits or np.any((index < 0) | (index >= len(self))):
            what = f"a selection of type {index.dtype} and shape {index.shape} does not fit {len(self)} runs"
            raise ScalawError(
                "D063", what, self.source, fix="pass one True or False per run, or positions from 0"
            )
        frame = self.frame.iloc[index.astype(int)].reset_index(drop=True)
        kept = f"kept {len(frame)} of {len(self)} runs"
        return replace(self, frame=frame, conversions=(*self.conversions, kept))

    def along(self, name: str) -> Runs:
        """Bind ``x``, the covariate of one-dimensional laws, to a numeric column."""
        if self.values(name).ndim > 1:
            what = f"{quoted(name)} is a vector of {names_text(component_columns(self.frame.columns, name))}"
            raise ScalawError(
                "D025", what, self.source, "x is one number per run", "choose one of its columns"
            )
        return replace(self, columns={**self.columns, "x": name})

    def convert(self, to: str, bytes_per_token: float | None = None) -> Runs:
        """Loss as another kind, see :mod:`scalaw.data.loss_kinds`; its ``loss_se`` and ``loss_half_width`` too."""
        loss, text = convert_loss(self.values("loss"), self.loss_kind, to, bytes_per_token)
        if not text:
            return self
        before = self.values("loss")
        widths = {
            name: convert_width(self.values(name), before, self.loss_kind, to, bytes_per_token)
            for name in ("loss_se", "loss_half_width")
            if name in self.frame
        }
        text += f"; {' and '.join(widths)} with it" if widths else ""
        frame = self.frame.assign(loss=loss, **widths)
        return replace(self, frame=frame, loss_kind=to, conversions=(*self.conversions, text))

    @property
    def digest(self) -> str:
        """Hash of the content: 16 hexadecimal digits; the order of columns and the binding of x do not count."""
        state = hashlib.sha256(repr((self.convention, self.loss_kind)).encode())
        for name in sorted(map(str, self.frame.columns)):
            column = self.frame[name]
            state.update(repr((name, len(column))).encode())
            if pd.api.types.is_numeric_dtype(column):
                # Adding zero makes -0.0 and 0.0 one value.
                state.update((column.to_numpy(np.float64) + 0.0).astype("<f8").tobytes())
            else:
                cells = [None if pd.isna(cell) else str(cell) for cell in column]
                state.update(repr(cells).encode())
                for cell in sorted(self.schedules.keys() & cells):
                    state.update(np.asarray(self.schedules[cell], "<f8").tobytes())
        return state.hexdigest()[:16]

    def check(self, law: Any = None) -> list[Problem]:
        """Everything there is to know about these runs, for a law if one is given."""
        from scalaw.data.checks import check_runs

        return check_runs(self, law)

    def to_frame(self) -> pd.DataFrame:
        """Copy of the table."""
        return self.frame.copy()

    def describe(self) -> str:
        """A few lines of text: size, ranges, conventions, conversions, citation."""
        lines = [f"{len(self)} runs from {self.source}"]
        for name in ROLES:
            if name in self.frame:
                values = self.values(name)
                finite = values[np.isfinite(values)]
                kind = "C" if name == "C" else None
                low, high = (
                    (format_quantity(v, kind, 4) for v in (finite.min(), finite.max()))
                    if finite.size
                    else "??"
                )
                source = self.columns.get(name, name)
                note = "" if source == name else f"  (column {quoted(source)})"
                lines.append(f"  {name:<5}{low} to {high}{note}")
        vectors = [str(name).partition("[")[0] for name in self.frame.columns if str(name).endswith("]")]
        for name in dict.fromkeys(vectors):
            parts = component_columns(self.frame.columns, name)
            if len(parts) > 1:
                lines.append(f"  {quoted(name)[1:-1]:<5}{len(parts)} columns: {names_text(parts)}")
        kind = f"; loss kind: {self.loss_kind}" if "loss" in self.frame else ""
        lines.append(f"  N counts: {self.convention}{kind}")
        lines += [f"  conversion: {text}" for text in self.conversions]
        lines += [f"  cited from: {self.citation}"] * bool(self.citation)
        lines += [f"  caveat: {text}" for text in self.caveats]
        return "\n".join(lines)
