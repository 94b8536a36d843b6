"""Points are read as a person writes them, completed by C = 6ND, and measured against the runs."""

import numpy as np
import pandas as pd
import pytest

import scalaw as sl
from scalaw.data import Runs
from scalaw.decide.points import other_count, reach_decades, read_points, wanted
from scalaw.errors import ScalawError


def table(**columns):
    return Runs(pd.DataFrame(columns, dtype=float))


N, D = np.array([1e8, 1e9, 1e10]), np.array([2e9, 2e10, 2e11])
RUNS = table(N=N, D=D, C=6 * N * D, share=[0.1, 0.2, 0.3], loss=[3.0, 2.5, 2.0])


def read(runs=RUNS, **given):
    return {name: values.tolist() for name, values in read_points(given, runs).items()}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"N": "70B", "D": "1.4T"}, {"N": [7e10], "D": [1.4e12], "C": [6 * 7e10 * 1.4e12]}),
        ({"N": 70e9, "D": np.float32(2.0**40)}, {"N": [7e10], "D": [2.0**40], "C": [6 * 7e10 * 2.0**40]}),
        ({"N": "1B params", "C": "6e21 FLOP"}, {"N": [1e9], "C": [6e21], "D": [1e12]}),
        ({"D": "1T tokens", "C": 6e21}, {"D": [1e12], "C": [6e21], "N": [1e9]}),
        ({"N": "1B", "D": "2T", "C": "5e21"}, {"N": [1e9], "D": [2e12], "C": [5e21]}),
        ({"C": "1e21", "N": None}, {"C": [1e21]}),
        ({"share": 0.5}, {"share": [0.5]}),
    ],
)
def test_points_are_read_and_completed(given, expected):
    got = read(**given)
    assert got.keys() == expected.keys()
    for name, values in expected.items():
        assert got[name] == pytest.approx(values, rel=1e-14)


def test_single_values_are_repeated():
    got = read(N=["1B", 2e9, "3B"], D="20B")
    assert got["D"] == [2e10] * 3
    assert got["C"] == pytest.approx([1.2e20, 2.4e20, 3.6e20])
    assert read(N=np.array([1e9, 2e9]), D=pd.Series([1e10, 2e10]))["D"] == [1e10, 2e10]


def test_x_is_the_column_it_is_bound_to():
    bound = RUNS.along("C")
    assert read(bound, N="1B", D="20B")["x"] == [1.2e20]
    assert read(bound, x="1e20") == {"x": [1e20], "C": [1e20]}
    assert read(bound, C="1e20")["x"] == [1e20]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"N": None},
        {"N": []},
        {"N": 0},
        {"N": -1e9},
        {"N": float("nan")},
        {"N": float("inf")},
        {"N": "seventy"},
        {"N": "70X"},
        {"N": ""},
        {"N": ["1B", None], "D": "1T"},
        {"N": True},
        {"N": {"a": 1}},
        {"N": [[1e9]]},
        {"N": [1e9, [2e9]]},
        {"N": np.ones((2, 2))},
        {"N": object()},
        {"N": "20B tokens"},
        {"D": "1e21 FLOP"},
        {"C": "7B params"},
        {"N": ["1B", "2B"], "D": ["1B", "2B", "3B"]},
        {"N": "1B", "tokens": "20B"},
        {"n": "1B", "D": "20B"},
    ],
    ids=repr,
)
def test_points_that_make_no_sense_are_refused(given):
    with pytest.raises(ScalawError) as caught:
        read_points(given, RUNS)
    assert caught.value.code == "P001"
    assert all(len(line) < 300 for line in str(caught.value).splitlines())


def test_a_law_says_what_it_misses():
    assert wanted(sl.get_law("chinchilla"), read_points({"N": "1B", "C": "1e21"}, RUNS)).keys() == {"N", "D"}
    with pytest.raises(ScalawError, match="chinchilla needs D") as caught:
        wanted(sl.get_law("chinchilla"), read_points({"N": "1B"}, RUNS))
    assert caught.value.code == "P001"


# -- reach --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "decades"),
    [
        ({"N": 1e9, "D": 2e10}, 0.0),  # inside
        ({"N": 1e10, "D": 2e11}, 0.0),  # the last run itself
        ({"N": 1e12, "D": 2e11}, 2.0),  # N by two, C by two
        ({"N": 1e11, "D": 2e13}, 3.0),  # N by one, D by two, C by three
        ({"N": 1e7, "D": 2e9}, 1.0),  # below the smallest
        ({"N": 1e10, "D": 2e9}, 0.0),  # an unseen corner of the range
        ({"share": 3.0}, 0.0),  # no quantity that is scaled up
    ],
)
def test_reach_is_counted_in_decades_beyond_the_runs(given, decades):
    assert reach_decades(read_points(given, RUNS), RUNS) == pytest.approx([decades], abs=1e-12)


def test_reach_is_told_per_point_and_along_x():
    bound = RUNS.along("C")
    points = read_points({"C": 6 * N[-1] * D[-1] * np.array([0.1, 1, 10, 1000])}, bound)
    assert reach_decades(points, bound) == pytest.approx([0.0, 0.0, 1.0, 3.0], abs=1e-12)


def test_a_different_count_of_compute_is_said():
    assert other_count({"N": 1e9, "D": 2e10}, RUNS) == []
    other = table(N=N, D=D, C=8 * N * D, loss=[3.0, 2.5, 2.0])
    assert "1.3 times" in other_count({"N": 1e9, "D": 2e10}, other)[0]
    assert other_count({"C": 1e21}, other) == []
