"""Writing what was measured: one JSON object per row and one Markdown table."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PACKAGES = ("scalaw", "jax", "jaxlib", "numpyro", "numpy", "scipy")
Records = dict[str, dict[str, Any]]

HEAD = """# Speed against named peers

Measured by `make bench`. Each row is a ratio within one run: ours and the peer took turns on the same data, and
medians are compared. Ratios above 1 mean that ours is faster. CPU seconds are those of all threads. "With compilation"
is a first call, its compilation included and nothing read from a cache; the other columns leave compilation out. Where
a row speaks of ESS, the ratio is of effective draws per second.
"""


def stamp(group: str) -> dict[str, Any]:
    """When, where and with what a row was measured."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "group": group,
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "cores": cores,
        "processor": _processor(),
        "load_average": os.getloadavg()[0],
        "python": platform.python_version(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


def read(folder: Path) -> Records:
    """Rows measured before, by name."""
    path = folder / "bench.json"
    return {row["name"]: row for row in json.loads(path.read_text())} if path.is_file() else {}


def write(folder: Path, rows: Records) -> None:
    """Write ``bench.json`` and ``bench.md``."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows.values())
    (folder / "bench.json").write_text(f"[\n{lines}\n]\n")
    (folder / "bench.md").write_text(markdown(rows))


def markdown(rows: Records) -> str:
    """The table, then the rows that are tables of their own, then the notes."""
    lines = [
        HEAD,
        "| row | what | ours | peer | × wall | × CPU | × CPU with compilation | rounds |",
        "|---|---|---|---|---|---|---|---|",
        *(_line(row) for row in rows.values() if not row["table"]),
        "",
    ]
    for row in rows.values():
        if row["table"]:
            lines += [f"## {row['title']}", "", *_table(row["table"]), ""]
    lines += ["## What each row says", ""]
    lines += [
        f"- **{row['name']}**: {'; '.join(said)}." for row in rows.values() if (said := _sentences(row))
    ]
    return "\n".join([*lines, "", "## Where and when", "", *_places(rows)]) + "\n"


def _places(rows: Records) -> list[str]:
    """Which rows were measured on which day, machine and versions."""
    found: dict[str, list[str]] = {}
    for row in rows.values():
        with_what = ", ".join(f"{name} {number}" for name, number in row["versions"].items())
        machine = f"{row['cores']} cores ({row['processor']}), Python {row['python']}, {with_what}"
        found.setdefault(f"{row['date'][:10]}, {machine}", []).append(
            f"{row['name']} ({row['load_average']:.1f})"
        )
    return [f"- {where}; load average in brackets: {', '.join(names)}." for where, names in found.items()]


def _line(row: Mapping[str, Any]) -> str:
    if row["status"] != "measured":
        return f"| {row['name']} | {row['title']} | | {row['status']} | | | | |"
    ratio = row["ratio"]
    faster = [_short(ratio.get(clock)) for clock in ("wall", "cpu", "cpu_with_compilation")]
    rounds = " / ".join(str(row[side]["rounds"]) for side in ("ours", "peer"))
    sides = [_side(row[side]) for side in ("ours", "peer")]
    return f"| {' | '.join([row['name'], row['title'], *sides, *faster, rounds])} |"


def _side(side: Mapping[str, Any]) -> str:
    said = f"{side['what']}: {_seconds(side['wall'])} wall, {_seconds(side['cpu'])} CPU"
    if "unit" in side:
        said += f", {_short(side['work_per_cpu_second'])} {side['unit']} per CPU s"
    return said


def _table(table: list[dict[str, Any]]) -> list[str]:
    names = list(table[0])
    lines = [f"| {' | '.join(names)} |", "|" + "---|" * len(names)]
    return lines + [f"| {' | '.join(_short(line[name]) for name in names)} |" for line in table]


def _sentences(row: Mapping[str, Any]) -> list[str]:
    sides = [row[side] for side in ("ours", "peer") if row[side] and row[side]["compile"]]
    said = [f"compilation of {side['what']}: {_seconds(side['compile']['cpu'])} CPU" for side in sides]
    said += [f"{name.replace('_', ' ')} {_short(value)}" for name, value in row["check"].items()]
    return [*said, *row["notes"]]


def _short(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_short, value)) + "]"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_short(inner)}" for name, inner in value.items())
    return str(value)


def _seconds(seconds: float) -> str:
    for size, unit in ((3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms")):
        if seconds >= 2 * size or unit == "s" and seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds * 1e6:.3g} µs"
