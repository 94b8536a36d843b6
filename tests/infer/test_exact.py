"""NUTS against a posterior that a grid knows exactly, and against itself."""

from dataclasses import replace

import numpy as np
import pytest
from arviz_stats.base import array_stats
from conftest import SHORT
from helpers import TRUTHS, design
from scipy import stats

import scalaw as sl

pytestmark = pytest.mark.compiles

ALPHA, NU = 0.05, 5.0


@pytest.fixture(scope="module")
def runs():
    at = {"x": design("power_law")["x"][:10]}
    return sl.simulate(
        "power_law", {**TRUTHS["power_law"], "sigma": 0.01}, at=at, noise="student_t[nu=5]", seed=4
    )


def fitted(runs, seed):
    """A power law with known exponent and tails: k and sigma are left."""
    return sl.fit(
        runs, "power_law", fixed={"alpha": ALPHA}, noise="student_t[nu=5]", seed=seed, bootstrap=0, **SHORT
    )


@pytest.fixture(scope="module")
def fit(runs):
    return fitted(runs, 0)


def on_a_grid(runs):
    """ln k (paper units) and ln sigma with their posterior weights, on a fine grid."""
    x, loss = runs.values("x"), runs.values("loss")
    x_ref, loss_ref = stats.gmean(x), np.median(loss)
    ln_k = np.linspace(-0.1, 0.1, 1601)[:, None]
    ln_sigma = np.linspace(-8.0, -2.0, 601)[None, :]
    y = np.log(loss / loss_ref) + ALPHA * np.log(x / x_ref)
    log_p = stats.norm(0.0, 0.5).logpdf(ln_k) + stats.norm(np.log(0.005), 1.0).logpdf(ln_sigma)
    for row in y:
        log_p = log_p + stats.t(NU).logpdf((row - ln_k) / np.exp(ln_sigma)) - ln_sigma
    weight = np.exp(log_p - log_p.max())
    assert max(weight[[0, -1]].max(), weight[:, [0, -1]].max()) < 1e-6  # the grid holds all of it
    in_paper_units = ln_k[:, 0] + np.log(loss_ref) + ALPHA * np.log(x_ref)
    return {
        "k": (in_paper_units, weight.sum(axis=1) / weight.sum()),
        "sigma": (ln_sigma[0], weight.sum(axis=0) / weight.sum()),
    }


@pytest.mark.parametrize("name", ["k", "sigma"])
def test_nuts_equals_quadrature(runs, fit, name):
    at, weight = on_a_grid(runs)[name]
    draws = np.log(np.asarray(fit.tree["posterior"][name]))
    mean = np.sum(weight * at)
    assert abs(draws.mean() - mean) < 4 * mcse(draws, "mean")
    assert abs(draws.std() - np.sqrt(np.sum(weight * (at - mean) ** 2))) < 4 * mcse(draws, "sd")
    for prob in (0.05, 0.5, 0.95):
        exact = np.interp(prob, np.cumsum(weight), at)
        assert abs(np.quantile(draws, prob) - exact) < 4 * mcse(draws, "quantile", prob=prob)


def mcse(draws, method, **of):
    return float(array_stats.mcse(draws, chain_axis=0, draw_axis=1, method=method, **of))


def test_what_is_held_is_not_in_the_posterior(fit):
    assert set(fit.tree["posterior"].data_vars) == {"k", "sigma"}
    assert [row["name"] for row in fit.parameters] == ["k", "sigma"]
    assert fit.label == "power_law[alpha=0.05]"
    assert fit.verdict.level == "OK"


def test_one_seed_gives_the_same_draws_to_the_last_bit(runs, fit):
    again = fitted(runs, 0)
    for group in ("posterior", "sample_stats", "log_likelihood", "log_prior", "sampling"):
        for name, values in fit.tree[group].data_vars.items():
            np.testing.assert_array_equal(values, again.tree[group][name])
    assert fit.parameters == again.parameters


def test_another_seed_gives_other_draws_of_the_same_posterior(runs, fit):
    other = fitted(runs, 1)
    for name in ("k", "sigma"):
        one, two = (np.log(np.asarray(f.tree["posterior"][name])) for f in (fit, other))
        assert not np.any(one == two)
        assert abs(one.mean() - two.mean()) < 4 * np.hypot(mcse(one, "mean"), mcse(two, "mean"))


def test_a_held_out_loss_changes_no_draw(runs):
    """Ten times the loss of a run that is held out: every draw is the same to the last bit."""
    weight = np.where(np.arange(len(runs)) == 4, 0.0, 1.0)
    frame = runs.to_frame()
    frame.loc[4, "loss"] *= 10
    one, two = (
        sl.fit(table, "power_law", row_weight=weight, **SHORT) for table in (runs, replace(runs, frame=frame))
    )
    for group in ("posterior", "sample_stats", "sampling"):
        for name, values in one.tree[group].data_vars.items():
            np.testing.assert_array_equal(values, two.tree[group][name])
    assert one.parameters == two.parameters
    changed = np.any(
        np.asarray(one.tree["log_likelihood"]["loss"] != two.tree["log_likelihood"]["loss"]), (0, 1)
    )
    assert changed.tolist() == (weight == 0).tolist()


def test_the_pointwise_log_likelihood_is_that_of_the_draws(runs, fit):
    x, loss = runs.values("x"), runs.values("loss")
    k, sigma = (np.asarray(fit.tree["posterior"][name])[..., None] for name in ("k", "sigma"))
    expected = stats.t(NU, np.log(k / x**ALPHA), sigma).logpdf(np.log(loss))
    np.testing.assert_allclose(fit.tree["log_likelihood"]["loss"], expected, rtol=1e-9, atol=1e-9)
