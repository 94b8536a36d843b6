"""A law of a share fitted to counts: the posterior that a grid knows exactly, and what is made of it."""

import json

import numpy as np
import pytest
from arviz_stats.base import array_stats
from conftest import SHORT
from scipy import special, stats

import scalaw as sl
from scalaw.show.plots import plot_residuals

pytestmark = pytest.mark.compiles

TRUTH = {"mean": 0.08, "concentration": 1.5}


@pytest.fixture(scope="module")
def fit():
    at = {"k": 2.0 ** np.arange(10), "trials": 200}
    runs = sl.simulate("coverage_betabinomial", TRUTH, at=at, noise="binomial", seed=3)
    return sl.fit(runs, "coverage_betabinomial", noise="binomial", bootstrap=0, **SHORT)


def on_a_grid(runs):
    """Logit of the mean and log of the concentration with their posterior weights, by SciPy alone."""
    logit, log = np.linspace(-4.0, -1.0, 301), np.linspace(-2.0, 4.0, 301)
    mean, concentration = special.expit(logit)[:, None], np.exp(log)[None, :]
    a, b = mean * concentration, (1 - mean) * concentration
    log_p = stats.norm(np.log(2.0), 1.0).logpdf(log)[None, :] + np.log(mean * (1 - mean))
    for k, successes, trials in zip(
        *(runs.values(name) for name in ("k", "successes", "trials")), strict=True
    ):
        share = -np.expm1(special.betaln(a, b + k) - special.betaln(a, b))
        log_p = log_p + stats.binom(trials, share).logpmf(successes)
    weight = np.exp(log_p - log_p.max())
    return {"mean": (logit, weight.sum(axis=1)), "concentration": (log, weight.sum(axis=0))}


@pytest.mark.parametrize("name", ["mean", "concentration"])
def test_nuts_equals_quadrature(fit, name):
    at, weight = on_a_grid(fit.runs)[name]
    weight = weight / weight.sum()
    exact = float(weight @ at)
    sd = float(np.sqrt(weight @ (at - exact) ** 2))
    draws = np.asarray(fit.tree["posterior"][name])
    z = special.logit(draws) if name == "mean" else np.log(draws)
    mcse = sd / np.sqrt(float(array_stats.ess(z, chain_axis=0, draw_axis=1, method="mean")))
    assert abs(z.mean() - exact) < 4 * mcse
    assert z.std() == pytest.approx(sd, rel=0.15)


def test_what_the_noise_reads_is_in_the_tree(fit):
    np.testing.assert_array_equal(fit.tree["constant_data"]["trials"], fit.runs.values("trials"))


def test_a_forecast_is_a_share_and_counts_scatter_it(fit):
    got = sl.forecast(fit, k=[4.0, 4096.0])
    assert np.all((got.curve > 0) & (got.curve < 1))
    np.testing.assert_array_equal(got.predictive, got.curve)  # endlessly many trials
    few = sl.forecast(fit, k=[4.0], trials=[20.0])
    np.testing.assert_allclose(few.predictive * 20, np.round(few.predictive * 20))
    assert few.predictive.std() > 3 * few.curve.std()


def test_it_is_told_drawn_and_saved(fit, tmp_path):
    assert {row["name"] for row in json.loads(json.dumps(fit.to_json()))["parameters"]} == set(TRUTH)
    assert fit.verdict.level == "OK" and fit.elpd_loo is not None
    assert "coverage" in plot_residuals(fit).get_supylabel()
    fit.save(tmp_path / "fit.nc")
    back = sl.load(tmp_path / "fit.nc")
    np.testing.assert_array_equal(sl.forecast(back, k=[9.0]).curve, sl.forecast(fit, k=[9.0]).curve)
    assert sl.report(fit, tmp_path / "report.html").stat().st_size > 10_000
