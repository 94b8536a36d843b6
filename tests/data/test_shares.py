"""Tables of shares and of counts, and losses that carry a width."""

import numpy as np
import pandas as pd
import pytest

from scalaw.data import Runs, check_runs, read_runs
from scalaw.errors import ScalawError
from scalaw.laws import get_law

COUNTS = {"k": [1.0, 10.0, 100.0], "successes": [3, 20, 61], "trials": [128, 128, 128]}


def test_counts_are_read_as_an_accuracy_and_it_is_said():
    runs = read_runs(COUNTS)
    np.testing.assert_array_equal(runs.values("loss"), np.array([3, 20, 61]) / 128)
    assert runs.loss_kind == "accuracy"
    assert "loss computed as successes / trials, an accuracy" in runs.conversions
    errors = read_runs(COUNTS, loss_kind="error")
    np.testing.assert_array_equal(errors.values("loss"), 1 - runs.values("loss"))
    assert errors.loss_kind == "error"
    mapped = read_runs(
        {"k": [1.0], "solved": [3], "n": [12]}, columns={"successes": "solved", "trials": "n", "N": None}
    )
    assert mapped.values("loss")[0] == 0.25


def test_a_loss_of_its_own_is_kept_beside_counts():
    runs = read_runs({**COUNTS, "loss": [2.0, 1.5, 1.2]})
    assert runs.loss_kind == "nats" and runs.values("loss")[0] == 2.0
    without = read_runs({**COUNTS, "loss": [2.0, 1.5, 1.2]}, columns={"loss": None})
    assert without.loss_kind == "accuracy"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"successes": [3, 20, 129]}, "D033"),
        ({"trials": [128, 128, 0]}, "D020"),
        ({"successes": [3, None, 4]}, "D021"),
        ({"trials": ["128", "many", "128"]}, "D019"),
    ],
)
def test_counts_that_cannot_be_are_refused(change, code):
    with pytest.raises(ScalawError) as caught:
        read_runs({**COUNTS, **change})
    assert code in [problem.code for problem in caught.value.problems]
    assert all(len(str(problem)) <= 300 for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("kind", "law", "codes"),
    [
        ("accuracy", "coverage_betabinomial", []),
        ("error", "coverage_betabinomial", []),
        ("nats", "coverage_betabinomial", ["D066"]),
        ("accuracy", "power_law", ["D066"]),
        ("error", "power_law", []),
    ],
)
def test_runs_must_hold_what_the_law_predicts(kind, law, codes):
    frame = pd.DataFrame({"k": np.arange(1.0, 9.0), "loss": np.linspace(0.3, 0.7, 8)})
    runs = Runs(frame, loss_kind=kind, columns={"x": "k"})
    found = check_runs(runs, get_law(law))
    assert [p.code for p in found if p.severity == "E"] == codes


@pytest.mark.parametrize("kind", ["nats", "bits", "bits_per_byte", "perplexity"])
@pytest.mark.parametrize("to", ["nats", "bits", "bits_per_byte", "perplexity"])
def test_widths_are_converted_with_their_losses(kind, to):
    loss, width = np.array([2.0, 3.5]), np.array([1e-6, 2e-6])
    frame = pd.DataFrame({"loss": loss, "loss_se": width, "loss_half_width": width})
    got = Runs(frame, loss_kind=kind).convert(to, 4.3)
    ends = [Runs(frame.assign(loss=loss + sign * width), loss_kind=kind).convert(to, 4.3) for sign in (1, -1)]
    wanted = 0.5 * (ends[0].values("loss") - ends[1].values("loss"))
    for name in ("loss_se", "loss_half_width"):
        np.testing.assert_allclose(got.values(name), wanted, rtol=1e-5)


def test_the_width_of_an_accuracy_is_that_of_the_error():
    frame = pd.DataFrame({"loss": [0.3], "loss_se": [0.01]})
    runs = Runs(frame, loss_kind="accuracy").convert("error")
    assert runs.values("loss_se")[0] == 0.01 and "loss_se with it" in runs.conversions[-1]
