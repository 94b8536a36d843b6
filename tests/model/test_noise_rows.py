"""What a noise reads of each run: where it comes from, what stands in for it, and what is refused."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.infer.devices import computing
from scalaw.infer.scenarios import arrays_of, scenario_of, table_problems
from scalaw.laws import Response, get_law
from scalaw.laws.law import Law
from scalaw.laws.prior import Prior
from scalaw.laws.records import COVARIATES, Parameter
from scalaw.model import ScalingModel, get_noise, noises
from scalaw.model.row_data import size_covariates

NAMES = [noise.name for noise in noises()]
TRUTH = {"E": 1.8, "A": 480.0, "B": 2090.0, "alpha": 0.35, "beta": 0.37}
OF_NOISE = {"sigma": 0.01, "nu": 5.0, "rate": 0.3, "excess": 0.03}
COVERAGE = {"mean": 0.05, "concentration": 1.0}


def table(name, rows=9):
    """Runs that a noise can be fitted to."""
    noise = get_noise(name)
    of_noise = {p.name: OF_NOISE[p.name] for p in noise.parameters}
    if noise.scatters == "value":
        at = {"x": np.geomspace(1e18, 1e22, rows)}
        return sl.simulate("log_linear", {"a": 2.0, "b": -0.11} | of_noise, at=at, noise=name, seed=2)
    if noise.scatters != "log":
        at = {"k": 2.0 ** np.arange(rows)} | ({"trials": np.arange(60.0, 60 + rows)} if noise.reads else {})
        return sl.simulate("coverage_betabinomial", COVERAGE | of_noise, at=at, noise=name, seed=2)
    at = {"N": np.geomspace(1e8, 1e10, rows), "D": np.geomspace(1e11, 1e10, rows)}
    at |= {data.columns[0]: np.full(rows, 0.01) for data in noise.reads if data.columns}
    return sl.simulate("chinchilla", TRUTH | of_noise, at=at, noise=name, seed=2)


def model(name, law=None):
    noise = get_noise(name)
    usual = {"log": "chinchilla", "value": "log_linear"}.get(noise.scatters, "coverage_betabinomial")
    return ScalingModel(get_law(law or usual), noise)


def row_log_prob(arrays, noise):
    location = np.full(arrays.y.shape, 0.01 if noise.unbounded else 0.3)
    with computing():
        return arrays.row_weight * np.asarray(noise.log_prob(arrays.y, location, OF_NOISE, arrays.rows))


@pytest.mark.parametrize("name", NAMES)
def test_padded_and_held_out_rows_give_nothing(name):
    runs, noise = table(name), get_noise(name)
    weight = np.array([1.0] * 7 + [0.0] * 2)
    scenario = scenario_of(runs, model(name), row_weight=weight)
    small, large = (row_log_prob(arrays_of(scenario, n), noise) for n in (9, 32))
    assert np.all(large[7:] == 0.0)
    np.testing.assert_allclose(large[:7], small[:7], rtol=1e-14)
    assert np.all(np.isfinite(small)) and np.all(small[:7] != 0.0)


@pytest.mark.parametrize("name", NAMES)
def test_what_a_held_out_run_shows_enters_nothing(name):
    runs = table(name)
    frame, weight = runs.to_frame(), np.array([0.0] + [1.0] * 8)
    for column in ("loss", "loss_se", "loss_half_width"):
        if column in frame:
            frame.loc[0, column] *= 0.5
    if "trials" in frame:
        frame.loc[0, "trials"] = 17.0
    other = sl.Runs(frame, loss_kind=runs.loss_kind)
    first, second = (arrays_of(scenario_of(r, model(name), row_weight=weight), 16) for r in (runs, other))
    for a, b in zip(first, second, strict=True):
        for x, y in zip(*((v.values() if isinstance(v, dict) else [v]) for v in (a, b)), strict=True):
            np.testing.assert_array_equal(x, y)


def test_digits_of_held_out_losses_say_nothing_about_the_rounding():
    frame = pd.DataFrame({"x": [1.0, 2.0, 4.0, 8.0], "loss": [3.1, 2.9, 2.5, 2.1234]})
    weight = np.array([1.0, 1.0, 1.0, 0.0])
    rows = scenario_of(sl.Runs(frame), model("rounded", "power_law"), row_weight=weight).row_data
    np.testing.assert_allclose(rows["half_width"], 0.05 / frame["loss"])


@pytest.mark.parametrize(
    ("law", "product"),
    [
        ("chinchilla", ("N", "D")),
        ("power_law", ("x",)),
        ("coverage_betabinomial", ()),
    ],
)
def test_the_size_of_a_run_follows_from_the_covariates_of_the_law(law, product):
    assert size_covariates(get_law(law)) == product


def test_the_size_that_a_growing_noise_uses_is_said_and_centred():
    told = {p.name: p.meaning for p in model("growing").parameters}
    assert told["rate"] == "how fast the scale falls with N·D"
    rows = scenario_of(table("growing"), model("growing")).noise_rows()
    assert rows["log_size"].mean() == pytest.approx(0.0, abs=1e-12)
    np.testing.assert_allclose(np.diff(rows["log_size"]), np.log(100 / 10) / 8)


def test_a_run_to_come_is_measured_exactly():
    for name, wanted in {"known_se": 0.0, "rounded": 0.0, "binomial": np.inf}.items():
        scenario = scenario_of(table(name), model(name))
        covariates = {key: value[:2] for key, value in scenario.covariates.items()}
        new = scenario.at(covariates)
        (found,) = new.noise_rows().values()
        np.testing.assert_array_equal(found, [wanted, wanted])
        assert np.all(np.isfinite(arrays_of(new, 16, hide=False).rows[next(iter(new.noise_rows()))]))
    given = new.noise_rows({"trials": np.array([10.0, 20.0])})
    np.testing.assert_array_equal(given["trials"], [10.0, 20.0])
    many = get_noise("binomial").draw(np.random.default_rng(0), np.full((3, 2), 0.3), {}, new.noise_rows())
    np.testing.assert_array_equal(many, 0.3)


@pytest.mark.parametrize(
    ("name", "change", "code", "says"),
    [
        ("known_se", {"loss_se": None}, "D012", "loss_se"),
        ("known_se", {"loss_se": -0.1}, "D067", "0 or more"),
        ("known_se", {"loss_se": 5.0}, "D067", "below the loss"),
        ("known_se", {"loss_se": np.nan}, "D067", "missing"),
        ("known_se[sigma=0]", {"loss_se": 0.0}, "D067", "could not scatter"),
        ("rounded", {"loss_half_width": None, "loss": 2.123456789}, "D012", "loss_half_width"),
        ("rounded", {"loss_half_width": 9.0}, "D067", "below the loss"),
        ("binomial", {"trials": None}, "D012", "trials"),
        ("binomial", {"trials": 0.0}, "D067", "whole number from 1"),
        ("beta_binomial", {"trials": 10.5}, "D067", "whole number from 1"),
        ("beta_binomial", {"loss": 0.123}, "D067", "successes and trials"),
        ("beta", {"loss": 0.0}, "D067", "beta_binomial"),
        ("beta", {"loss": 1.0}, "D067", "beta_binomial"),
    ],
)
def test_columns_that_a_noise_cannot_use_are_refused(name, change, code, says):
    runs = table(name.split("[")[0])
    frame = runs.to_frame()
    for column, value in change.items():
        if value is None:
            del frame[column]
        else:
            frame.loc[frame.index[3], column] = value
    changed = sl.Runs(frame, loss_kind=runs.loss_kind)
    with pytest.raises(ScalawError, match=says) as caught:
        sl.fit(changed, model(name).law, noise=name)
    assert caught.value.code == code
    assert all(len(str(problem)) <= 300 for problem in caught.value.problems)


def test_rounding_read_off_the_digits_is_told():
    runs = table("rounded")
    bare = sl.Runs(runs.to_frame().drop(columns="loss_half_width"))
    used = np.ones(len(runs), bool)
    told = [p for p in table_problems(bare, used, model("rounded"), False) if p.code == "D068"]
    assert len(told) == 1 and told[0].severity == "W" and "2 decimals" in told[0].what
    assert not [p for p in table_problems(runs, used, model("rounded"), False) if p.code == "D068"]
    converted = sl.Runs(bare.to_frame(), conversions=("loss: nats = ln(perplexity)",))
    with pytest.raises(ScalawError, match="converted"):
        scenario_of(converted, model("rounded"))


@pytest.mark.parametrize(
    ("law", "noise", "told"),
    [
        ("chinchilla", "one_sided", True),
        ("chinchilla[E=0]", "one_sided", True),
        ("power_law", "one_sided", True),
        ("chinchilla[E=1.7]", "one_sided", False),
        ("chinchilla", "one_sided[excess=0.03]", False),
        ("chinchilla", "one_sided[sigma=0.01]", False),
        ("chinchilla", "student_t", False),
    ],
)
def test_an_excess_that_nothing_anchors_is_said_to_be_unidentified(law, noise, told):
    runs = table("one_sided").along("C")
    found = table_problems(runs, np.ones(len(runs), bool), model(noise, law), True)
    assert ("M016" in [p.code for p in found]) == told
    assert all(len(str(problem)) <= 300 for problem in found)


#: A law of an accuracy that is not registered.
RISING = Law(
    "rising_share",
    lambda D, rate: D**rate / (1 + D**rate),
    covariates=(COVARIATES["D"],),
    parameters=(Parameter("rate", "exponent", prior=Prior("LogNormal", (1.0, 1.0))),),
    response=Response("accuracy", "absolute", "share"),
)


@pytest.mark.parametrize(
    ("law", "noise", "code"),
    [
        ("chinchilla", "binomial", "M015"),
        ("chinchilla", "beta", "M015"),
        ("coverage_betabinomial", "student_t", "M015"),
        ("coverage_betabinomial", "growing", "M015"),
        ("coverage_betabinomial", "additive", "M015"),
        ("chinchilla", "additive", "M015"),
        ("log_linear", "student_t", "M015"),
        ("log_linear", "beta", "M015"),
        (RISING, "normal", "M015"),
    ],
)
def test_a_noise_of_something_else_than_the_law_predicts_is_refused(law, noise, code):
    with pytest.raises(ScalawError) as caught:
        ScalingModel(get_law(law), get_noise(noise))
    assert caught.value.code == code
    assert len(str(caught.value)) <= 300


@pytest.mark.parametrize("noise", ["beta", "binomial", "beta_binomial"])
@pytest.mark.parametrize("law", ["coverage_betabinomial", RISING], ids=["count", "share"])
def test_laws_of_a_share_take_every_noise_of_a_share(law, noise):
    assert ScalingModel(get_law(law), get_noise(noise)).noise.name == noise


def test_law_and_noise_must_not_share_a_parameter_name():
    theirs = Parameter("rate", "noise", prior=Prior("HalfNormal", (1.0,)))
    clash = replace(get_noise("beta"), name="mine", parameters=(theirs,))
    with pytest.raises(ScalawError, match="both have a parameter 'rate'") as caught:
        ScalingModel(RISING, clash)
    assert caught.value.code == "M004"
