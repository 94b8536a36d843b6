"""What comes in: units, the table of runs and its readers, the checks, and published tables.

This floor imports nothing of the others and no JAX: ``scalaw check runs.csv`` answers at once.
"""

from scalaw.data.checks import check_runs
from scalaw.data.codes import CODES, explain
from scalaw.data.published import PublishedTable, published, published_tables
from scalaw.data.readers import read_runs
from scalaw.data.runs import Runs
from scalaw.data.units import compute_6nd, format_quantity, parse_quantity

__all__ = [
    "CODES",
    "PublishedTable",
    "Runs",
    "check_runs",
    "compute_6nd",
    "explain",
    "format_quantity",
    "parse_quantity",
    "published",
    "published_tables",
    "read_runs",
]
