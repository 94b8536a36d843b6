"""The wording of problems: rows, cells and names as text, short and safe to print."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


def plural(count: int, noun: str) -> str:
    """``1 run``, ``3 runs``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def rows_text(rows: Sequence[int], total: int | None = None) -> str:
    """Rows counted from 1, at most five of them: ``rows 4, 9 (2 of 60)``.

    Parameters
    ----------
    rows : sequence of int
        Positions from 0.
    total : int, optional
        Number of runs, to say how many of how many.
    """
    shown = ", ".join(str(row + 1) for row in rows[:5]) + (", …" if len(rows) > 5 else "")
    text = f"{'row' if len(rows) == 1 else 'rows'} {shown}"
    return text if total is None else f"{text} ({len(rows)} of {total})"


def quoted(text: object, limit: int = 24) -> str:
    """A cell or a name between quotes, with control characters escaped, cut to ``limit`` characters."""
    shown = repr(str(text))
    shown = shown if len(shown) <= limit + 2 else shown[: limit + 1] + "…" + shown[0]
    return shown.encode("utf-8", "backslashreplace").decode("utf-8")


def cells_text(cells: Sequence[tuple[int, object]]) -> str:
    """First three cells with their rows: ``'-' in row 3, 'TBD' in row 7 (2 cells)``."""
    shown = ", ".join(f"{quoted(cell)} in row {row + 1}" for row, cell in cells[:3])
    return shown if len(cells) == 1 else f"{shown} ({len(cells)} cells)"


def names_text(names: Iterable[object], limit: int = 100) -> str:
    """Comma-separated names, cut to ``limit`` characters."""
    text = ", ".join(quoted(name)[1:-1] for name in names)
    return text if len(text) <= limit else text[:limit].rsplit(",", 1)[0] + ", …"


def near_name(name: str, found: Sequence[str], cutoff: float = 0.5) -> str:
    """The one of some names that looks most like ``name``; empty where none does."""
    return next(iter(difflib.get_close_matches(name, found, 1, cutoff)), "")
