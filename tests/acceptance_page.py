"""Writes ``docs/acceptance.md``: rows, what they claim, the laws they concern, and the tests that show them.

Run it by ``make acceptance``. Tests are found by collecting them, so whatever way a mark came to a test counts.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from acceptance import ROWS, Row

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "acceptance.md"
HEAD = """# Acceptance

What must work, a row per claim about scaling or system built on one, with the laws and relations that it concerns and
the tests that show it. `make acceptance` writes this page from the table `tests/acceptance.py` and from the marks
`acceptance(row)` of the tests; a test demands that it is up to date.
"""

Marked = Mapping[int, tuple[str, ...]]


def marked(items: Iterable[pytest.Item]) -> Marked:
    """Row → tests that are marked with it, as ``file::test``.

    Where only some parameters of a test are marked, each of them is listed as ``file::test[parameter]``.
    """
    wearing: dict[str, dict[str, set[int]]] = {}
    for item in items:
        rows = {row for mark in item.iter_markers("acceptance") for row in mark.args}
        wearing.setdefault(item.nodeid.split("[")[0], {})[item.nodeid] = rows
    found: dict[int, list[str]] = {}
    for test, parameters in wearing.items():
        for row in set().union(*parameters.values()):
            wear = [name for name, rows in parameters.items() if row in rows]
            found.setdefault(row, []).extend([test] if len(wear) == len(parameters) else wear)
    return {row: tuple(sorted(tests)) for row, tests in sorted(found.items())}


def page(shown: Marked) -> str:
    """The page, from what :func:`marked` found in all tests."""
    return "\n".join([HEAD, *(_section(number, row, shown.get(number, ())) for number, row in ROWS.items())])


def _section(number: int, row: Row, tests: tuple[str, ...]) -> str:
    lines = [f"## {number}. {row.claim}", ""]
    for title, names in (("Laws", row.laws), ("Relations", row.relations)):
        if names:
            lines.append(f"- {title}: " + ", ".join(f"`{name}`" for name in names))
    lines += [f"- Shown by `{test.removeprefix('tests/')}`" for test in tests]
    if row.waits:
        lines.append(f"- Not shown yet: {row.waits}.")
    return "\n".join([*lines, ""])


class Collector:
    """Plugin of pytest that keeps which tests are marked with which row."""

    marked: Marked = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Called once with all tests."""
        self.marked = marked(items)


def main() -> int:
    """Collect all tests and write the page; what pytest returned where they cannot be collected."""
    sys.path.insert(0, str(ROOT))  # tests import the benchmarks, as they do under `python -m pytest`
    collector = Collector()
    where = ["-c", str(ROOT / "pyproject.toml"), "--rootdir", str(ROOT), str(ROOT / "tests")]
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        code = pytest.main(["--collect-only", "-q", *where], plugins=[collector])
    if code != 0:
        print(told.getvalue())
    if code == 0:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page(collector.marked), encoding="utf-8")
    return int(code)


if __name__ == "__main__":
    sys.exit(main())
