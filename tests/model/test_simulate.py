"""Simulated runs are what a law and a noise would produce, and can be fitted as they are."""

import numpy as np
import pytest

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.model import simulate

POWER = {"k": 30.0, "alpha": 0.05}
AT = {"x": np.geomspace(1e18, 1e21, 400)}


def residuals(noise, values, **columns):
    runs = simulate("power_law", POWER | values, at=AT | columns, noise=noise, seed=5)
    return runs, np.log(runs.values("loss")) - np.log(30.0 * AT["x"] ** -0.05)


def test_a_held_noise_parameter_need_not_be_given():
    values = POWER | {"sigma": 0.01}
    held = simulate("power_law", values, at={"x": ["1e18", "1e19"]}, noise="student_t[nu=5]", seed=3)
    given = simulate("power_law", values | {"nu": 5.0}, at={"x": ["1e18", "1e19"]}, seed=3)
    np.testing.assert_array_equal(held.values("loss"), given.values("loss"))


def test_scatter_grows_at_small_compute():
    _, scatter = residuals("growing", {"sigma": 0.01, "nu": 30.0, "rate": 0.3})
    ratio = np.std(scatter[:100]) / np.std(scatter[-100:])
    assert (
        2.5 < ratio < 9.0
    )  # at the quarters' centres the sizes differ by 1e3 ** 0.75, to the power 0.3 that is 4.7


def test_an_excess_lies_above_the_law():
    _, scatter = residuals("one_sided", {"sigma": 1e-4, "excess": 0.05})
    assert scatter.min() > -1e-3
    assert scatter.mean() == pytest.approx(0.05, rel=4 / np.sqrt(400))


def test_known_standard_errors_add_to_sigma():
    runs, scatter = residuals("known_se", {"sigma": 0.003}, loss_se=np.repeat([0.0, 0.1], 200))
    assert np.std(scatter[:200]) == pytest.approx(0.003, rel=4 / np.sqrt(400))
    expected = np.sqrt(np.mean((0.1 / runs.values("loss")[200:]) ** 2))
    assert np.std(scatter[200:]) == pytest.approx(expected, rel=4 / np.sqrt(400))


def test_rounded_losses_carry_the_digits_that_can_be_printed():
    runs, scatter = residuals("rounded", {"sigma": 1e-9}, loss_half_width=0.005)
    assert all(f"{loss:.2f}" == f"{loss:.4f}".rstrip("0").ljust(4, "0") for loss in runs.values("loss"))
    assert np.abs(scatter * runs.values("loss")).max() < 0.0051


def test_shares_come_with_their_counts_and_their_kind():
    values = {"mean": 0.1, "concentration": 1.0}
    runs = simulate(
        "coverage_betabinomial", values, at={"k": [1.0, 10.0, 100.0], "trials": 50}, noise="binomial", seed=1
    )
    np.testing.assert_array_equal(runs.values("successes"), runs.values("loss") * 50)
    assert runs.loss_kind == "accuracy" and "C" not in runs.frame
    spread = simulate("coverage_betabinomial", values | {"sigma": 0.0}, at={"k": 2.0, "trials": 10**6},
                      noise="beta_binomial", seed=1)  # fmt: skip
    assert spread.values("loss")[0] == pytest.approx(
        sl.get_law("coverage_betabinomial")(k=2.0, **values), abs=2e-3
    )


@pytest.mark.parametrize(
    ("noise", "values", "columns", "code"),
    [
        ("one_sided", {"sigma": 0.01}, {}, "M006"),
        ("known_se", {"sigma": 0.01}, {}, "D012"),
        ("known_se", {"sigma": 0.01}, {"loss_se": -1.0}, "D067"),
        ("rounded", {"sigma": 0.01}, {}, "D012"),
        ("beta", {"sigma": 0.01}, {}, "M015"),
        ("normal", {"sigma": 0.01}, {"loss_se": 0.1}, "M006"),
    ],
)
def test_what_cannot_be_simulated_is_refused(noise, values, columns, code):
    with pytest.raises(ScalawError) as caught:
        residuals(noise, values, **columns)
    assert caught.value.code == code


MIXED = {"c": 1.5, "k": 1.0, "t": np.array([-1.0, 0.5]), "sigma": 1e-6, "nu": 5.0}


def test_mixtures_and_schedules_are_columns():
    shares = np.array([[0.2, 0.8], [0.7, 0.3]])
    columns = simulate("data_mixing_ye", MIXED, at={"r[a]": shares[:, 0], "r[b]": shares[:, 1]})
    array = simulate("data_mixing_ye", MIXED, at={"r": shares})
    expected = 1.5 + np.exp(shares @ MIXED["t"])
    for runs in (columns, array):
        np.testing.assert_allclose(runs.values("r"), shares)
        np.testing.assert_allclose(runs.values("loss"), expected, rtol=1e-4)
    truth = {"L_0": 2.6, "A": 0.4, "alpha": 0.5, "C": 0.4, "sigma": 1e-6, "nu": 5.0}
    cells = ["constant(peak=3e-4, steps=10000)", "cosine(peak=3e-4, end=3e-5, steps=10000)"]
    runs = simulate("lr_annealing_tissue", truth, at={"schedule": cells})
    assert runs.frame["schedule"].tolist() == cells
    np.testing.assert_allclose(runs.values("loss"), [2.83094011, 2.80823590], rtol=1e-4)


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ({"r": [[0.2, 0.7]]}, "D072"),
        ({"r": [[0.2, 0.7, 0.1]]}, "D071"),
        ({"N": 1e9}, "M006"),
        ({"r": [[0.2, 0.8]], "N": 1e9}, "M006"),
    ],
)
def test_what_is_no_mixture_is_refused(at, code):
    with pytest.raises(ScalawError) as caught:
        simulate("data_mixing_ye", MIXED, at=at)
    assert caught.value.code == code
