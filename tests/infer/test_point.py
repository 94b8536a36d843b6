"""The mode search arrives, from everywhere, at what the runs say."""

import numpy as np
import pytest
from helpers import TRUTHS, modes_of, paper_values, scenario, simulated

import scalaw as sl

pytestmark = pytest.mark.compiles


def in_paper_units(s, mode):
    return {name: float(values[0]) for name, values in paper_values(s, mode.position[None]).items()}


@pytest.mark.parametrize("law", ["chinchilla", "power_law_offset", "power_law", "kaplan_l_nd"])
def test_clean_runs_give_back_their_law(law):
    """Scatter of 1e-5 moves parameters by less than a per cent; the prior hardly moves them."""
    runs = simulated(law, sigma=1e-5)
    priors = {} if law == "kaplan_l_nd" else {"sigma": "LogNormal(1e-5, 1)"}
    (found,) = modes_of([s := scenario(runs, law, priors=priors)])
    values = in_paper_units(s, found.mode)
    for name, truth in TRUTHS[law].items():
        assert np.log(values[name]) == pytest.approx(np.log(truth), abs=0.02), name
    assert found.agreed >= found.starts / 2
    assert found.rival > 7


def test_every_seed_finds_the_same_mode():
    s = scenario(simulated("chinchilla"), "chinchilla")
    (one,), (other,) = modes_of([s], seed=0), modes_of([s], seed=1)
    np.testing.assert_allclose(one.mode.log_density, other.mode.log_density, atol=1e-6)
    np.testing.assert_allclose(one.mode.position, other.mode.position, atol=1e-3)


def test_a_row_of_weight_two_is_two_rows():
    runs = simulated("chinchilla").select(np.arange(8))
    weighted = scenario(runs, "chinchilla", row_weight=np.full(8, 2.0), name="a")
    repeated = scenario(runs.select(np.repeat(np.arange(8), 2)), "chinchilla", name="a")
    (one,), (other,) = modes_of([weighted]), modes_of([repeated])
    np.testing.assert_allclose(one.mode.log_density, other.mode.log_density, atol=1e-8)
    np.testing.assert_allclose(one.mode.position, other.mode.position, atol=1e-4)


@pytest.mark.acceptance(10)
@pytest.mark.data
def test_laplace_noise_and_flat_priors_reach_the_least_absolute_deviations(data_folder):
    """The optimum of the 240 digitised Chinchilla runs (data of arXiv:2404.10102)."""
    runs = chinchilla_240(data_folder)
    flat = {
        "E": sl.Prior("Beta", (1.0, 1.0), scale="loss_min"),
        **{name: "share LogNormal(0.15, 5)" for name in "AB"},
        **{name: "LogNormal(0.3, 5)" for name in ("alpha", "beta")},
        "sigma": "LogNormal(0.005, 5)",
    }
    s = scenario(runs, "chinchilla", "laplace", priors=flat)
    values = in_paper_units(s, modes_of([s])[0].mode)
    expected = {"A": 482.0061, "B": 2085.4362, "E": 1.816864, "alpha": 0.3478131, "beta": 0.3658542}

    def deviation(at):
        law = {name: at[name] for name in expected}
        prediction = sl.get_law("chinchilla")(N=runs.values("N"), D=runs.values("D"), **law)
        return np.abs(np.log(runs.values("loss") / prediction)).sum()

    assert deviation(values) <= deviation(expected)
    for name, value in expected.items():
        assert values[name] == pytest.approx(value, rel=2e-5), name


def chinchilla_240(folder):
    """All digitised runs but the five of largest loss; D = C/(6N)."""
    runs = sl.read_runs(folder / "chinchilla_fig4.csv")
    return runs.select(np.argsort(np.argsort(-runs.values("loss"))) >= 5)
