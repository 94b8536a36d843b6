"""The mode search arrives, from everywhere, at what the runs say."""

import numpy as np
import pytest
from helpers import TRUTHS, design, paper_values, scenario, simulated

import scalaw as sl
from scalaw.infer.batch import Clock, Sampled, found_modes, search
from scalaw.infer.bootstrap import bootstrap_modes
from scalaw.infer.devices import computing
from scalaw.infer.executables import SCENARIOS
from scalaw.infer.scenarios import arrays_of, padded_rows, stack

pytestmark = pytest.mark.compiles


def best_of(scenarios, seed=0):
    """Best mode of every scenario of one structure, with how many searches agree."""
    structure = scenarios[0].model.structure()
    with computing():
        arrays = stack([arrays_of(s, padded_rows(scenarios)) for s in scenarios], SCENARIOS)
        return [found_modes(modes) for modes in search(structure, scenarios, arrays, seed, Clock())]


def in_paper_units(s, mode):
    return {name: float(values[0]) for name, values in paper_values(s, mode.position[None]).items()}


@pytest.mark.parametrize("law", ["chinchilla", "power_law_offset", "power_law", "kaplan_l_nd"])
def test_clean_runs_give_back_their_law(law):
    """Scatter of 1e-5 moves parameters by less than a per cent; the prior hardly moves them."""
    runs = simulated(law, sigma=1e-5)
    priors = {} if law == "kaplan_l_nd" else {"sigma": "LogNormal(1e-5, 1)"}
    ((mode, starts, agreed, rival),) = best_of([s := scenario(runs, law, priors=priors)])
    values = in_paper_units(s, mode)
    for name, truth in TRUTHS[law].items():
        assert np.log(values[name]) == pytest.approx(np.log(truth), abs=0.02), name
    assert agreed >= starts / 2
    assert rival > 7


def test_every_seed_finds_the_same_mode():
    s = scenario(simulated("chinchilla"), "chinchilla")
    (one,), (other,) = best_of([s], seed=0), best_of([s], seed=1)
    np.testing.assert_allclose(one[0].log_density, other[0].log_density, atol=1e-6)
    np.testing.assert_allclose(one[0].position, other[0].position, atol=1e-3)


def test_a_row_of_weight_two_is_two_rows():
    runs = simulated("chinchilla").select(np.arange(8))
    weighted = scenario(runs, "chinchilla", row_weight=np.full(8, 2.0), name="a")
    repeated = scenario(runs.select(np.repeat(np.arange(8), 2)), "chinchilla", name="a")
    (one,), (other,) = best_of([weighted]), best_of([repeated])
    np.testing.assert_allclose(one[0].log_density, other[0].log_density, atol=1e-8)
    np.testing.assert_allclose(one[0].position, other[0].position, atol=1e-4)


def test_the_bootstrap_agrees_with_the_curvature_on_independent_runs():
    """Sixteen tables of independent runs: 32 replicates each give sds to a few per cent on average."""
    at = design("power_law")
    scenarios = [
        scenario(
            sl.simulate(
                "power_law", {**TRUTHS["power_law"], "sigma": 0.01}, at=at, noise="student_t[nu=30]", seed=i
            ),
            "power_law",
            name=f"table {i}",
        )
        for i in range(16)
    ]
    ratios = []
    for s, (mode, starts, agreed, rival) in zip(scenarios, best_of(scenarios), strict=True):
        sampled = Sampled(s, None, mode, starts, agreed, rival, Clock())
        z = bootstrap_modes(sampled, 32, seed=1)
        law_level = z[:, 1]  # ln k: the loss at the centre of the runs
        curvature = np.linalg.norm(mode.whiten[1])
        ratios.append(law_level.std(ddof=1) / curvature)
    # sd of one ratio is about 1/sqrt(2·31) for 32 replicates, and that of 16 runs about 1/sqrt(2·15)
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.hypot(0.13, 0.18) / np.sqrt(16) + 0.05)


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
    values = in_paper_units(s, best_of([s])[0][0])
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
