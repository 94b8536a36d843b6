"""Tables and sentences about many fits: a row per fit, as wide as the terminal, and reasons told once.

Reasons that differ only in their numbers are one kind: they are shown with one example and counted, so that thousands
of fits give a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from scalaw.show.commands_shared import WIDEST, console
from scalaw.show.commands_wording import in_shell
from scalaw.show.tables import COLOURS, number, sentence, span, table

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from scalaw.infer import Fits

#: Rows of fits and kinds of reasons that are printed; files and ``--json`` hold all.
MOST_ROWS, MOST_REASONS = 100, 12
#: Names of data sets that are given as examples.
EXAMPLES = 3


@dataclass(frozen=True)
class Kind:
    """Reasons that differ only in their numbers: an example, the verdict, and the fits that have one."""

    level: str
    example: str
    fits: tuple[str, ...]

    def __str__(self) -> str:
        if len(self.fits) == 1:
            return f"{self.fits[0]}: {self.example}"
        told = ", ".join(self.fits[:EXAMPLES]) + (", …" if len(self.fits) > EXAMPLES else "")
        return f"{len(self.fits)} fits ({told}), e.g. {self.example}"


def kinds(fits: Fits) -> list[Kind]:
    """Why fits are not OK, gravest first, then by how many fits."""
    found: dict[tuple[str, str], tuple[str, list[str]]] = {}
    for plan, told in zip(fits.planned, fits.told, strict=True):
        name = f"{plan.model.label} on {plan.name}"
        own = re.compile("|".join(map(re.escape, (plan.runs.source, plan.name, plan.model.label))))
        for reason in told["reasons"]:
            bare = own.sub("", reason)  # a refusal names its table and its law
            key = told["verdict"], re.sub(r"[-\d.,]*\d", "#", bare)
            found.setdefault(key, (reason, []))[1].append(name)
    all_kinds = [Kind(level, example, tuple(names)) for (level, _), (example, names) in found.items()]
    return sorted(all_kinds, key=lambda kind: (kind.level != "BAD", -len(kind.fits)))


def reason_lines(fits: Fits) -> list[RenderableType]:
    """A line per kind of reason."""
    found = kinds(fits)
    lines: list[RenderableType] = []
    for level in ("BAD", "LOOK"):
        these = [kind for kind in found if kind.level == level]
        if these:
            lines.append(Text(f"why {level}", style=f"bold {COLOURS[level]}"))
            lines += [sentence(f"- {in_shell(str(kind))}", 2) for kind in these[:MOST_REASONS]]
            if len(these) > MOST_REASONS:
                lines.append(sentence(f"- and {len(these) - MOST_REASONS} further kinds, see --json", 2))
    return lines


def fits_tables(fits: Fits, width: int | None = None) -> list[RenderableType]:
    """A table per law with a row per fit, and as many of its parameters as the terminal is wide."""
    from scalaw.infer.interval import PROB

    laws: dict[str, list[int]] = {}
    for i in range(len(fits))[:MOST_ROWS]:
        laws.setdefault(fits.planned[i].model.label, []).append(i)
    lines: list[RenderableType] = []
    for law, rows in laws.items():
        title = f"{law}: medians with {100 * PROB:g} % intervals (equal-tailed)"
        lines += [_widest(fits, rows, title, console(width=width)), ""]
    if len(fits) > MOST_ROWS:
        left = len(fits) - MOST_ROWS
        lines += [
            sentence(f"… and {left} more fits: -o fits.csv writes a row for each, --json all figures"),
            "",
        ]
    return lines


def _widest(fits: Fits, rows: Sequence[int], title: str, out: Console) -> Table:
    """The table with the most parameters that fit; the noise's come last and are the first to go."""
    names = [p.name for p in fits.planned[rows[0]].model.free]
    for count in range(len(names), 0, -1):
        made = _table(fits, rows, title, names[:count])
        if Measurement.get(out, out.options.update(width=WIDEST), made).maximum <= out.width:
            return made
    return _table(fits, rows, title, [])


def _table(fits: Fits, rows: Sequence[int], title: str, names: Sequence[str]) -> Table:
    cells = {i: dict(_cells(fits, i, names)) for i in rows}
    columns = list(dict.fromkeys(label for one in cells.values() for label in one))
    out = table("data", "verdict", "method", "runs", "Pareto k", *columns, title=title, left=3)
    for column in out.columns[1:]:
        column.no_wrap = True
    for i in rows:
        told, plan = fits.told[i], fits.planned[i]
        level = told["verdict"]
        known = (
            plan.name,
            Text(level, style=COLOURS[level]),
            told["method"] or "refused",
            str(len(plan.runs)),
        )
        out.add_row(*known, number(told["pareto_k"], 2), *(cells[i].get(label, "–") for label in columns))
    return out


def _cells(fits: Fits, i: int, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    for row in fits.rows(i):
        if row["name"] in names:
            label = row["name"] + "".join(f"[{k}]" for k in row["index"].values())
            yield label, f"{number(row['median'], 3)} ({span(row['lower'], row['upper'], 3)})"


def summary_line(fits: Fits) -> str:
    """How many fits of which verdict, by which method, at which cost."""
    seconds: Any = fits.recipe["seconds"]
    compiled = fits.recipe["compilations"]
    return (
        f"{fits}; {compiled} program{'' if compiled == 1 else 's'} made ready in {seconds['compile']:.1f} s, "
        f"run in {seconds['run']:.1f} s"
    )
