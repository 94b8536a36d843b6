"""What tests share: real runs, and one comparison that is compiled once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from acceptance_page import Marked, marked

import scalaw as sl

#: Short chains in all tests, so that they share compiled samplers.
SHORT = {"draws": 500, "warmup": 500}
#: Laws of the comparison.
LAWS = ["power_law", "power_law_offset", "chinchilla"]
ROOT = Path(__file__).parent.parent
#: Which rows of :mod:`acceptance` the collected tests show.
MARKED = pytest.StashKey[Marked]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the marks of all tests, before ``-k`` and ``-m`` leave some out."""
    config.stash[MARKED] = marked(items)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """Folder of real run tables: the environment variable SCALAW_DATA, or beside the repository."""
    folder = Path(os.environ.get("SCALAW_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no folder of real run tables at {folder}; set SCALAW_DATA to one")
    return folder


@pytest.fixture(scope="session")
def demo_runs():
    """The ten Cerebras-GPT runs up to 2.7B."""
    runs = sl.published("cerebras_gpt")
    return runs.select(runs.values("N") < 3e9)


@pytest.fixture(scope="session")
def demo_comparison(demo_runs):
    """Two power laws in compute and Chinchilla on the ten runs."""
    return sl.compare(demo_runs, LAWS, x="C", **SHORT)


@pytest.fixture(scope="session")
def demo_weighted(demo_runs):
    """The same by importance sampling: weighted draws, no chains."""
    return sl.compare_fits([sl.fit(demo_runs, law, x="C", method="importance") for law in LAWS])
