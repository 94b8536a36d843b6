"""NUTS and importance sampling against a posterior that a grid knows exactly, and against themselves."""

from dataclasses import replace

import numpy as np
import pytest
from arviz_stats.base import array_stats
from conftest import SHORT
from helpers import TRUTHS, design, scenario
from scipy import stats

import scalaw as sl
from scalaw.infer.batch import sample
from scalaw.infer.batch_stats import weighted_batch
from scalaw.infer.nuts import Settings
from scalaw.infer.programs import Clock

pytestmark = pytest.mark.compiles

ALPHA, NU = 0.05, 5.0


@pytest.fixture(scope="module")
def runs():
    at = {"x": design("power_law")["x"][:10]}
    return sl.simulate(
        "power_law", {**TRUTHS["power_law"], "sigma": 0.01}, at=at, noise="student_t[nu=5]", seed=4
    )


def fitted(runs, seed, method="nuts"):
    """A power law with known exponent and tails: k and sigma are left."""
    options = {"fixed": {"alpha": ALPHA}, "noise": "student_t[nu=5]", "bootstrap": 0}
    return sl.fit(runs, "power_law", method=method, seed=seed, **options, **SHORT)


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
    cell = (ln_k[1, 0] - ln_k[0, 0]) * (ln_sigma[0, 1] - ln_sigma[0, 0])
    return {
        "k": (in_paper_units, weight.sum(axis=1) / weight.sum()),
        "sigma": (ln_sigma[0], weight.sum(axis=0) / weight.sum()),
        "log_evidence": float(np.log(weight.sum() * cell) + log_p.max()),
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


#: So many posteriors that differ in their keys alone are sampled by importance.
REPEATS = 64


@pytest.fixture(scope="module")
def weighted(runs):
    s = scenario(runs, f"power_law[alpha={ALPHA}]", "student_t[nu=5]")
    return sample([replace(s, name=f"key {i}") for i in range(REPEATS)], Settings(), method="importance")


def scores(estimates, errors, exact):
    """Errors of many estimates in their own standard errors: their mean, and their root mean square."""
    z = (np.asarray(estimates) - exact) / np.asarray(errors)
    assert np.abs(z).max() < 5
    return z.mean(), np.sqrt(np.mean(z**2))


#: Of a mean of so many standard normal numbers, and of their root mean square: four standard errors.
MEAN, SPREAD = 4 / np.sqrt(REPEATS), 4 / np.sqrt(2 * REPEATS)


@pytest.mark.parametrize("name", ["k", "sigma"])
def test_importance_equals_quadrature_within_its_own_errors(runs, weighted, name):
    """Means and quantiles are unbiased, and scatter as their Monte Carlo errors say."""
    at, weight = on_a_grid(runs)[name]
    found = []
    for w in weighted:
        law, structure = w.scenario.model.law, w.scenario.model.structure()
        values = structure.split(np.asarray(w.weighted.values))
        found.append(np.log(({**values, **law.paper_values(values, w.scenario.refs.units)})[name]))
    log_weights = np.stack([w.weighted.log_importance for w in weighted])
    probs = (0.05, 0.5, 0.95)
    out = weighted_batch(np.stack(found)[..., None], log_weights, Clock(), probs)
    mean = np.sum(weight * at)
    checked = [scores(out.mean[:, 0], out.mcse_mean[:, 0], mean)]
    below = np.cumsum(weight) - weight / 2
    for i, prob in enumerate(probs):
        exact = np.interp(prob, below, at)
        checked.append(scores(out.quantile[:, 0, i], out.mcse_quantile[:, 0, i], exact))
    for bias, spread in checked:
        assert abs(bias) < MEAN
        assert abs(spread - 1.0) < SPREAD
    assert np.mean(out.sd) == pytest.approx(np.sqrt(np.sum(weight * (at - mean) ** 2)), rel=0.01)


def test_the_evidence_equals_quadrature_within_its_own_errors(runs, weighted):
    """Coordinates that are held have proper priors, which integrate to one."""
    log_evidence, error = np.array([w.evidence[:2] for w in weighted]).T
    bias, spread = scores(log_evidence, error, on_a_grid(runs)["log_evidence"])
    assert abs(bias) < MEAN
    assert abs(spread - 1.0) < SPREAD
    assert np.all(error < 0.02)


def test_draws_by_importance_are_resampled_to_the_same_posterior(runs, weighted):
    """Resampling adds no more than one draw's weight to any quantile."""
    at, weight = on_a_grid(runs)["sigma"]
    for one in weighted[:4]:
        column = one.scenario.model.structure().names.index("sigma")
        draws = np.log(one.values[0, :, column])
        kish = one.weighted.kish
        for prob in (0.05, 0.5, 0.95):
            share = np.interp(np.quantile(draws, prob), at, np.cumsum(weight))
            assert abs(share - prob) < 4.5 * np.sqrt(prob * (1 - prob) / kish)


def mcse(draws, method, **of):
    return float(array_stats.mcse(draws, chain_axis=0, draw_axis=1, method=method, **of))


def test_what_is_held_is_not_in_the_posterior(fit):
    assert set(fit.tree["posterior"].data_vars) == {"k", "sigma"}
    assert [row["name"] for row in fit.parameters] == ["k", "sigma"]
    assert fit.label == "power_law[alpha=0.05]"
    assert fit.verdict.level == "OK"


@pytest.mark.parametrize("method", ["nuts", "importance"])
def test_one_seed_gives_the_same_draws_to_the_last_bit(runs, method):
    fit, again = (fitted(runs, 0, method) for _ in range(2))
    assert fit.recipe["method"] == method
    for group in set(fit.tree.children) - {"observed_data", "constant_data"}:
        for name, values in fit.tree[group].data_vars.items():
            np.testing.assert_array_equal(values, again.tree[group][name])
    np.testing.assert_equal(fit.parameters, again.parameters)


def test_another_seed_gives_other_draws_of_the_same_posterior(runs, fit):
    other = fitted(runs, 1)
    for name in ("k", "sigma"):
        one, two = (np.log(np.asarray(f.tree["posterior"][name])) for f in (fit, other))
        assert not np.any(one == two)
        assert abs(one.mean() - two.mean()) < 4 * np.hypot(mcse(one, "mean"), mcse(two, "mean"))


@pytest.mark.parametrize("method", ["nuts", "importance"])
def test_a_held_out_loss_changes_no_draw(runs, method):
    """Ten times the loss of a run that is held out: every draw is the same to the last bit."""
    weight = np.where(np.arange(len(runs)) == 4, 0.0, 1.0)
    frame = runs.to_frame()
    frame.loc[4, "loss"] *= 10
    one, two = (
        sl.fit(table, "power_law", row_weight=weight, method=method, **SHORT)
        for table in (runs, replace(runs, frame=frame))
    )
    for group in {"posterior", "sample_stats", "sampling", "importance"} & set(one.tree.children):
        for name, values in one.tree[group].data_vars.items():
            np.testing.assert_array_equal(values, two.tree[group][name])
    np.testing.assert_equal(one.parameters, two.parameters)
    changed = np.any(
        np.asarray(one.tree["log_likelihood"]["loss"] != two.tree["log_likelihood"]["loss"]), (0, 1)
    )
    assert changed.tolist() == (weight == 0).tolist()


def test_the_pointwise_log_likelihood_is_that_of_the_draws(runs, fit):
    x, loss = runs.values("x"), runs.values("loss")
    k, sigma = (np.asarray(fit.tree["posterior"][name])[..., None] for name in ("k", "sigma"))
    expected = stats.t(NU, np.log(k / x**ALPHA), sigma).logpdf(np.log(loss))
    np.testing.assert_allclose(fit.tree["log_likelihood"]["loss"], expected, rtol=1e-9, atol=1e-9)
