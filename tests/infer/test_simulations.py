"""Simulated truths and their ranks: what is drawn, what a rank is, which ranks are uniform, and a calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from helpers import counting_compilations, design
from scipy import stats

from scalaw.errors import ScalawError
from scalaw.infer.calibrate import beyond, calibrate
from scalaw.infer.devices import computing
from scalaw.infer.fit import model_of
from scalaw.infer.nuts import Settings
from scalaw.infer.ranks_of_truths import weighted_ranks
from scalaw.infer.simulations import simulate_scenarios
from scalaw.infer.uniformity import POINTS, p_uniform
from scalaw.laws.prior import Prior

RUNS = design("power_law")


# -- are ranks uniform? ------------------------------------------------------------------------------
def least_tails(ranks):
    """The figure of the test for many sets of ranks (sets, n), with SciPy's binomial."""
    n = ranks.shape[1]
    at = np.arange(1, POINTS) / POINTS
    counts = np.sum(ranks[:, :, None] <= at, axis=1)
    at_most, at_least = stats.binom.cdf(counts, n, at), stats.binom.sf(counts - 1, n, at)
    return np.min(2 * np.minimum(at_most, at_least), axis=1)


@pytest.mark.parametrize("n", [20, 60])
def test_the_p_value_is_how_often_uniform_ranks_look_worse(n):
    rng = np.random.default_rng(n)
    null = least_tails(rng.random((4000, n)))
    for power in (1.0, 1.3, 2.0):  # uniform ranks, and ranks that lean
        ranks = rng.random(n) ** power
        share = np.mean(null <= least_tails(ranks[None])[0] * (1 + 1e-9))
        assert abs(p_uniform(ranks) - share) < 4 * np.sqrt(0.25 / 4000)


@pytest.mark.parametrize(
    ("what", "sd", "mean"), [("biased", 1.0, 0.4), ("too narrow", 1.5, 0.0), ("too wide", 0.65, 0.0)]
)
def test_bias_and_a_wrong_spread_show(what, sd, mean):
    deviates = np.random.default_rng(5).standard_normal(400)
    assert p_uniform(stats.norm.cdf(mean + sd * deviates)) < 1e-4
    assert p_uniform(stats.norm.cdf(deviates)) > 0.01


@pytest.mark.parametrize("ranks", [np.zeros(50), np.ones(50), np.full(50, 0.5), np.repeat([0.0, 1.0], 25)])
def test_ranks_in_one_place_are_as_far_from_uniform_as_can_be(ranks):
    assert p_uniform(ranks) < 1e-6


# -- what a rank is ----------------------------------------------------------------------------------
def rank(draws, weights, truth, split):
    with computing(), np.errstate(divide="ignore"):
        args = (np.asarray(draws, float)[:, None], np.log(weights), np.array([truth]), np.array([split]))
        return float(weighted_ranks(*args)[0])


def test_the_rank_among_equal_draws_counts_them():
    draws = [3.0, 1.0, 2.0, 4.0]
    assert rank(draws, np.ones(4), 2.5, 0.25) == pytest.approx((2 + 0.25) / 5)
    assert rank(draws, np.ones(4), 0.0, 0.5) == pytest.approx(0.5 / 5)
    assert rank(draws, np.ones(4), 2.0, 0.5) == pytest.approx((1 + 0.5 * 2) / 5)


def test_weights_need_no_normalisation_and_a_draw_without_weight_is_not_there():
    expected = rank([1.0, 2.0, 3.0], [1.0, 2.0, 1.0], 2.5, 0.5)
    assert rank([1.0, 2.0, 3.0, 9.0], [3.0, 6.0, 3.0, 0.0], 2.5, 0.5) == pytest.approx(expected)
    assert expected == pytest.approx((16 / 6 * 0.75 + 0.5) / (16 / 6 + 1))


def test_truths_among_weighted_draws_of_a_wrong_proposal_have_uniform_ranks():
    rng = np.random.default_rng(3)
    truths, draws = rng.standard_normal(1000), 1.5 * rng.standard_normal((400, 1000))
    with computing():
        ranks = [
            float(weighted_ranks(d[:, None], -0.5 * d**2 * (1 - 1.5**-2), np.array([t]), rng.random(1))[0])
            for t, d in zip(truths, draws.T, strict=True)
        ]
    assert p_uniform(np.array(ranks)) > 0.01


# -- what is simulated -------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def simulated():
    return simulate_scenarios(model_of("power_law_offset"), RUNS, 400, seed=1)


def test_losses_scatter_around_the_law_at_the_truth(simulated):
    scenarios, truths = simulated
    model, refs = scenarios[0].model, scenarios[0].refs.units
    values = model.structure().split(truths)
    law = {name: v[:, None] for name, v in model.law.paper_values(values, refs).items()}
    exact = model.law(x=RUNS["x"], **law)
    loss = np.stack([s.loss for s in scenarios])
    shares = stats.t.cdf(np.log(loss / exact) / values["sigma"][:, None], values["nu"][:, None])
    assert stats.kstest(shares.ravel(), "uniform").pvalue > 1e-3


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("E", stats.beta(4.0, 2.0, scale=0.8)),
        ("k", stats.lognorm(1.0, scale=0.3)),
        ("alpha", stats.lognorm(0.5, scale=0.3)),
        ("sigma", stats.lognorm(1.0, scale=0.005)),
        ("nu", stats.gamma(2.0, loc=1.0, scale=10.0)),
    ],
)
def test_truths_are_draws_of_the_priors(simulated, name, distribution):
    truths = simulated.scenarios[0].model.structure().split(simulated.truths)
    assert stats.kstest(truths[name], distribution.cdf).pvalue > 1e-3


def test_references_do_not_know_the_losses(simulated):
    one = simulated.scenarios[0].refs
    assert all(s.refs is one for s in simulated.scenarios)
    assert one.units["loss"] == 1.0
    assert one.units["x"] == pytest.approx(stats.gmean(RUNS["x"]))
    assert one == simulate_scenarios(model_of("power_law_offset"), RUNS, 20, seed=9).scenarios[0].refs


def test_what_is_held_is_held_in_every_truth():
    model = model_of("power_law", noise="student_t[nu=5]")
    truths = model.structure().split(simulate_scenarios(model, RUNS, 20, seed=1).truths)
    assert np.all(truths["E"] == 0.0)
    np.testing.assert_allclose(truths["nu"], 5.0)


def test_one_seed_gives_the_same_tables_and_another_gives_others(simulated):
    again = simulate_scenarios(model_of("power_law_offset"), RUNS, 400, seed=1)
    other = simulate_scenarios(model_of("power_law_offset"), RUNS, 400, seed=2)
    np.testing.assert_array_equal(again.truths, simulated.truths)
    np.testing.assert_array_equal(again.scenarios[7].loss, simulated.scenarios[7].loss)
    assert not np.any(other.truths == simulated.truths)
    assert len({s.name for s in simulated.scenarios}) == 400


def test_runs_that_the_law_cannot_reach_are_refused():
    wild = model_of("power_law", priors={"alpha": "LogNormal(1e4, 1)"})
    with pytest.raises(ScalawError, match="M003"):
        simulate_scenarios(wild, RUNS, 50)


# -- a calibration -----------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def found():
    return calibrate(model_of("power_law"), RUNS, 60, 3, method="importance")


@pytest.mark.compiles
def test_a_correct_model_is_calibrated(found):
    assert found.quantities == ("k", "alpha", "sigma", "nu", "log_likelihood", "forecast")
    assert found.ranks.shape == (60, 6)
    assert np.all((found.ranks > 0) & (found.ranks < 1))
    assert found.faults == ()
    assert str(found).endswith("calibrated")
    assert set(found.methods) == {"importance"}
    assert len(found.verdicts) == 60
    assert all(40 <= count <= 60 for count in found.covered.values())


@pytest.mark.compiles
def test_another_prior_or_seed_compiles_nothing(found):
    with counting_compilations() as compiled:
        other = calibrate(
            model_of("power_law", priors={"k": "share LogNormal(1, 1)"}), RUNS, 60, 4, method="importance"
        )
    assert len(compiled) == 0
    assert other.digest != found.digest
    assert not np.any(other.ranks == found.ranks)


@pytest.mark.compiles
def test_the_same_again_is_the_same(found):
    again = calibrate(model_of("power_law"), RUNS, 60, 3, method="importance")
    np.testing.assert_array_equal(again.ranks, found.ranks)
    assert again.digest == found.digest
    assert again.to_dict()["p_value"] == found.p_value


@pytest.mark.compiles
def test_runs_of_a_model_that_is_not_the_fitted_one_are_told(found):
    """Fitted with a prior that puts alpha elsewhere: the ranks of alpha say so, and what the runs pin does not."""
    model = model_of("power_law")
    elsewhere = replace(model, priors=(("alpha", Prior("LogNormal", (0.5, 0.1))),))
    wrong = calibrate(elsewhere, RUNS, 60, 3, method="importance", truth=model)
    assert any(fault.startswith("alpha: ranks are not uniform") for fault in wrong.faults)
    assert "- alpha" in str(wrong)
    assert wrong.truth == "power_law"


@pytest.mark.compiles
def test_draws_of_nuts_are_ranked_too(found):
    by_nuts = calibrate(
        model_of("power_law"), RUNS, 20, 3, method="nuts", settings=Settings(warmup=500, draws=500)
    )
    assert set(by_nuts.methods) == {"nuts"}
    assert by_nuts.faults == ()
    assert by_nuts.ranks.shape == (20, 6)


def test_the_default_forecast_lies_a_decade_beyond():
    assert beyond(model_of("power_law").law, RUNS) == {"x": pytest.approx(10 * RUNS["x"].max())}


@pytest.mark.parametrize(
    ("arguments", "code", "what"),
    [
        ({"n": 5}, "M019", "5 simulations"),
        ({"at": {"N": [1e9]}}, "M006", "needs x"),
        ({"truth": model_of("chinchilla")}, "M019", "the same parameters"),
        ({"forecast_at": {"x": np.array([1e23, 1e24])}}, "M019", "several points"),
    ],
)
def test_what_cannot_be_calibrated_is_refused(arguments, code, what):
    with pytest.raises(ScalawError, match=f"{code}.*{what}"):
        calibrate(model_of("power_law"), **{"at": RUNS, "n": 20, **arguments})
