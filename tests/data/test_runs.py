"""Runs never change, say what was done to them, and refuse what they do not hold."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from scalaw.data import Runs, read_runs
from scalaw.errors import ScalawError


@pytest.fixture
def runs():
    frame = pd.DataFrame(
        {"N": [1e8, 2e8, 4e8], "D": [2e9, 8e9, 4e9], "loss": [3.0, 2.8, 2.7], "family": ["a", "b", "a"]}
    )
    return read_runs(frame)


def test_values_and_covariates(runs):
    assert runs.n_runs == len(runs) == 3
    assert runs.covariates == ("N", "D", "C")
    assert runs.values("C") == pytest.approx(6 * runs.values("N") * runs.values("D"))
    assert runs.values("loss").dtype == np.float64


@pytest.mark.parametrize(
    ("name", "code", "text"), [("U", "D012", "found N, D"), ("family", "D025", "family")]
)
def test_values_that_are_not_there(runs, name, code, text):
    with pytest.raises(ScalawError, match=text) as caught:
        runs.values(name)
    assert caught.value.code == code


def test_x_is_bound_and_not_copied(runs):
    with pytest.raises(ScalawError, match="x='C'"):
        runs.values("x")
    bound = runs.along("C")
    assert "x" in bound.covariates and "x" not in runs.covariates and "x" not in bound.to_frame()
    assert np.array_equal(bound.values("x"), runs.values("C"))


def test_select_by_mask_and_position(runs):
    kept = runs.select(runs.values("N") > 1e8)
    assert len(kept) == 2 and len(runs) == 3
    assert kept.conversions[-1] == "kept 2 of 3 runs"
    assert runs.select([2, 0]).values("N").tolist() == [4e8, 1e8]
    for wrong in ([True], [5], [-1], [0.5], np.ones((3, 1), bool)):
        with pytest.raises(ScalawError) as caught:
            runs.select(wrong)
        assert caught.value.code == "D063"


def test_the_digest_follows_the_content(runs):
    assert len(runs.digest) == 16
    columns = runs.to_frame()
    assert Runs(columns[columns.columns[::-1]]).digest == runs.digest
    assert runs.select([1, 0, 2]).digest != runs.digest
    assert Runs(columns.assign(N=columns.N * 2)).digest != runs.digest
    assert Runs(columns, convention="total").digest != runs.digest


def test_a_copy_of_the_table_is_given(runs):
    frame = runs.to_frame()
    frame.loc[0, "N"] = 0.0
    assert runs.values("N")[0] == 1e8


def test_description_says_what_is_there(runs):
    text = runs.describe()
    for fragment in ("3 runs from table", "N    100M to 400M", "loss kind: nats", "C computed as 6ND"):
        assert fragment in text


@pytest.mark.parametrize(
    ("kind", "loss", "to", "ratio", "wanted"),
    [
        ("bits", 2.0, "nats", None, 2 * np.log(2)),
        ("nats", np.log(2), "bits", None, 1.0),
        ("perplexity", np.e, "nats", None, 1.0),
        ("nats", 1.0, "perplexity", None, np.e),
        ("bits_per_byte", 0.5, "nats", 4.0, 2 * np.log(2)),
        ("nats", 2 * np.log(2), "bits_per_byte", 4.0, 0.5),
        ("accuracy", 0.3, "error", None, 0.7),
    ],
)
def test_losses_are_converted_and_it_is_recorded(kind, loss, to, ratio, wanted):
    runs = Runs(pd.DataFrame({"N": [1e9], "loss": [loss]}), loss_kind=kind)
    converted = runs.convert(to, ratio)
    assert converted.values("loss")[0] == pytest.approx(wanted, rel=1e-14)
    assert converted.loss_kind == to and to in converted.conversions[-1]
    assert converted.convert(to) is converted


@pytest.mark.parametrize(
    ("kind", "to", "fragment"),
    [
        ("bits_per_byte", "nats", "bytes_per_token"),
        ("accuracy", "nats", "cannot"),
        ("nats", "dB", "no loss kind"),
    ],
)
def test_conversions_that_do_not_exist(kind, to, fragment):
    runs = Runs(pd.DataFrame({"N": [1e9], "loss": [0.5]}), loss_kind=kind)
    with pytest.raises(ScalawError, match=fragment) as caught:
        runs.convert(to)
    assert caught.value.code == "D032"


def test_importing_data_imports_no_jax():
    program = "import sys, scalaw.data; print([m for m in ('jax', 'numpyro', 'arviz') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
