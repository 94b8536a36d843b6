"""Speed against named peers: ``make bench`` (``ARGS="--only point"`` for one group of rows).

Groups of rows live in ``benchmarks/rows_*.py``, each with a function ``rows(quick)`` that yields rows;
:data:`GROUPS` is their list. Rows are written as soon as they are measured, each with its date, machine and
versions, to ``bench.json`` in ``benchmarks/results``, and the table ``bench.md`` is made anew from that file.
``--quick`` tries every row with few rounds and small sizes: it prints, and writes only to the folder that ``--out``
names.

BLAS is held to one thread, because its threads would wait busily and be counted as the peers' CPU time.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
import traceback
from pathlib import Path

from benchmarks.report import markdown, read, stamp, write

GROUPS = ("point", "bootstrap", "posterior", "interval", "cost", "start", "devices", "real")
RESULTS = Path(__file__).parent / "results"
ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "SCALAW_CACHE": "0", "MPLBACKEND": "agg"}


def main() -> int:
    """Measure the groups asked for; 1 where one of them failed."""
    parser = argparse.ArgumentParser(description="speed against named peers")
    parser.add_argument(
        "--only", action="append", choices=GROUPS, help="only this group of rows (repeatable)"
    )
    parser.add_argument("--quick", action="store_true", help="try every row; the figures mean nothing")
    parser.add_argument("--out", type=Path, help="folder to write to")
    asked = parser.parse_args()
    os.environ.update(ENVIRONMENT)  # before NumPy is imported
    out = asked.out or (None if asked.quick else RESULTS)
    rows = read(out) if out else {}
    failed = []
    for group in asked.only or GROUPS:
        begun, measured = time.perf_counter(), set()
        try:
            for row in importlib.import_module(f"benchmarks.rows_{group}").rows(asked.quick):
                rows[row.name] = row.record() | stamp(group)
                measured.add(row.name)
                if out:
                    write(out, rows)
            rows = {name: row for name, row in rows.items() if row["group"] != group or name in measured}
            if out:
                write(out, rows)
        except Exception:  # the other groups are measured all the same
            failed.append(group)
            traceback.print_exc()
        print(f"{group}: {time.perf_counter() - begun:.0f} s", file=sys.stderr, flush=True)
    print(markdown(rows))
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
