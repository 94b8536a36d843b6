"""What tests share: real runs, and one comparison that is compiled once."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from acceptance_page import Marked, marked
from helpers import STAGES

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


@pytest.fixture(scope="session")
def stages():
    """Fits of a loss in compute and of an accuracy in that loss, 16 runs each."""
    line, step = STAGES
    at = {"x": np.geomspace(1e19, 1e22, 16)}
    loss = sl.simulate("log_linear", {**line, "sigma": 0.01, "nu": 6.0}, at=at, seed=1)
    at = {"L": np.linspace(0.3, 1.3, 16), "trials": np.full(16, 1000.0)}
    accuracy = sl.simulate("downstream_sigmoid", {**step, "sigma": 0.02}, at=at, seed=2)
    pairs = (loss, "log_linear"), (accuracy, "downstream_sigmoid")
    return tuple(sl.fit(runs, law, method="importance") for runs, law in pairs)
