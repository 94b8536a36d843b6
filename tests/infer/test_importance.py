"""Weighted draws are of the posterior, cover its modes, and say when the proposal missed it."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from helpers import density, modes_of, scenario, simulated, two_terms_alike

from scalaw.infer import routes
from scalaw.infer.batch import grouped, resampled, sample
from scalaw.infer.batch_stats import weighted_batch
from scalaw.infer.executables import key_data
from scalaw.infer.importance import EFFORT
from scalaw.infer.lanes import run_batch
from scalaw.infer.nuts import Settings
from scalaw.infer.programs import Clock
from scalaw.infer.routes import accepted, importance_program, start_of

pytestmark = pytest.mark.compiles

LAWS = ["chinchilla", "power_law_offset"]


def named(s, n):
    """The same posterior under so many keys."""
    return [replace(s, name=f"key {i}") for i in range(n)]


@pytest.fixture(scope="module")
def sampled():
    """Law → eight scenarios, sampled by importance."""
    return {
        law: sample(named(scenario(simulated(law), law), 8), Settings(), method="importance") for law in LAWS
    }


# -- what is in the record -----------------------------------------------------------------------------
@pytest.mark.parametrize("law", LAWS)
def test_weights_are_density_over_proposal(sampled, law):
    one = sampled[law][0]
    w = one.weighted
    weight = np.exp(w.log_importance)
    assert weight.sum() == pytest.approx(1.0, rel=1e-9)
    assert w.kish == pytest.approx(1 / np.sum(weight**2), rel=1e-9)
    some = np.argsort(w.log_density)[[-1, -400, -1000, -2000, -2900]]
    expected = density(one.scenario, w.position[some])[0]
    np.testing.assert_allclose(w.log_density[some], expected, rtol=1e-9, atol=1e-9)
    raw = w.log_density - w.log_proposal
    ordinary = np.argsort(raw)[np.sum(raw == -np.inf) : -500]  # the largest are smoothed
    shift = w.log_importance[ordinary] - raw[ordinary]
    np.testing.assert_allclose(shift, shift[0], rtol=1e-9)
    assert np.logaddexp.reduce(raw) - np.log(len(raw)) == pytest.approx(w.log_evidence, abs=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_draws_of_one_proposal_of_the_right_posterior_are_accepted(sampled, law):
    """Sixteen runs of the law itself: this is what importance sampling is for."""
    for one in sampled[law]:
        assert accepted(one.weighted)
        assert one.method == "importance" and one.draws is None
        assert "Pareto k" in one.why and "effective draws" in one.why


@pytest.mark.parametrize("law", LAWS)
def test_resampling_repeats_each_draw_as_often_as_its_weight_says(sampled, law):
    one = sampled[law][0]
    w = one.weighted
    index, n = resampled(w.log_importance), len(w.log_importance)
    assert len(index) == n and np.all(np.diff(index) >= 0)
    expected = n * np.exp(w.log_importance)
    assert np.abs(np.bincount(index, minlength=n) - expected).max() <= 1.0 + 1e-9
    few = resampled(w.log_importance, 100)
    assert np.abs(np.bincount(few, minlength=n) - expected * 100 / n).max() <= 1.0 + 1e-9
    assert one.positions.shape == (1, *w.position.shape)
    np.testing.assert_array_equal(one.positions[0], w.position[index])
    np.testing.assert_array_equal(one.values[0], w.values[index])
    np.testing.assert_array_equal(one.log_density[0], w.log_density[index])


# -- against chains --------------------------------------------------------------------------------------
@pytest.mark.parametrize("law", LAWS)
def test_importance_and_nuts_draw_the_same_posterior(sampled, law):
    """Means and quantiles of eight weighted samples together, and of eight times four chains."""
    names = sampled[law][0].scenario.model.structure().names
    settings = Settings(warmup=500, draws=500)
    chains = sample([one.scenario for one in sampled[law]], settings, method="nuts")
    z = [np.log(one.values[..., 1:]) for one in chains]  # all but the irreducible loss are positive
    weighted = np.log(np.stack([one.weighted.values[:, 1:] for one in sampled[law]]))
    log_weights = np.stack([one.weighted.log_importance for one in sampled[law]])
    found = weighted_batch(weighted, log_weights, Clock(), (0.05, 0.95))
    sd = np.mean([draws.std(axis=(0, 1)) for draws in z], axis=0)
    for i, name in enumerate(names[1:]):
        means = np.array([draws[..., i].mean() for draws in z])
        assert means.mean() == pytest.approx(found.mean[:, i].mean(), abs=0.06 * sd[i]), name
        for j, prob in enumerate((0.05, 0.95)):
            quantiles = np.array([np.quantile(draws[..., i], prob) for draws in z])
            assert quantiles.mean() == pytest.approx(found.quantile[:, i, j].mean(), abs=0.12 * sd[i]), name


# -- several modes -----------------------------------------------------------------------------------
def test_modes_that_mirror_each_other_share_the_mass():
    """Half of it each, to within the Monte Carlo error that the weights give."""
    s = scenario(two_terms_alike(0.05), "chinchilla[E=0]")
    alpha, beta = (s.model.coordinates.index(name) for name in ("alpha", "beta"))
    shares, errors = [], []
    for one in sample(named(s, 8), Settings(), method="importance", thorough=True):
        weight, values = np.exp(one.weighted.log_importance), one.weighted.values
        first = values[:, alpha] < values[:, beta]
        shares.append(weight[first].sum())
        errors.append(np.sqrt(np.sum(weight**2 * (first - shares[-1]) ** 2)))
        assert one.rival == pytest.approx(0.0, abs=1e-3)
    z = (np.array(shares) - 0.5) / errors
    assert np.abs(z).max() < 5 and np.abs(z.mean()) < 4 / np.sqrt(8)
    assert np.max(errors) < 0.06


# -- a proposal that misses ------------------------------------------------------------------------------
def moved(found, scale, shift):
    """A start that is off: so much wider, and so many sd away in all directions."""
    start = start_of(found)
    p = start.proposal
    off = p._replace(
        mean=p.mean + shift * p.basis.sum(axis=-1),
        basis=scale * p.basis,
        inverse=p.inverse / scale,
        log_det=p.log_det + p.mean.shape[-1] * np.log(scale),
    )
    return start._replace(proposal=off)


def from_another_start(law, scale, shift):
    """Weighted draws of six keys, in one pass from a start that is off."""
    s = scenario(simulated(law), law)
    ((_, group),), (found,) = grouped(named(s, 6)), modes_of([s])
    start = moved(found, scale, shift)
    starts = jax.tree.map(lambda leaf: np.repeat(leaf[None], 6, axis=0), start)
    keys = np.stack([key_data("missed", i) for i in range(6)])
    program, places = importance_program(group.structure, EFFORT, group.arrays)
    out = run_batch(program, (group.arrays, starts, keys), places=places, clock=Clock())
    return [jax.tree.map(lambda leaf, i=i: leaf[i], out) for i in range(6)]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("scale", "shift"), [(0.01, 0.0), (30.0, 0.0), (1.0, 6.0)], ids=lambda v: f"{v:g}")
def test_a_proposal_that_misses_is_not_accepted_unless_it_found_back(law, scale, shift):
    """Weights see a start of the wrong size or place, not a place that no proposal came near: starts are at modes."""
    (right, *_) = from_another_start(law, 1.0, 0.0)
    missed = from_another_start(law, scale, shift)
    assert np.median([w.pareto_k for w in missed]) > 0.5
    for w in missed:
        error = np.hypot(w.log_evidence_se, right.log_evidence_se)
        assert not accepted(w) or abs(w.log_evidence - right.log_evidence) < 4 * error


@pytest.mark.parametrize("law", LAWS)
def test_a_start_that_is_a_little_off_is_mended(law, monkeypatch):
    monkeypatch.setattr(routes, "start_of", lambda found: moved(found, 2.0, 0.5))
    for one in sample(named(scenario(simulated(law), law), 6), Settings(), method="importance"):
        assert accepted(one.weighted), one.why


def test_a_start_without_curvature_is_not_accepted():
    """A mode whose curvature could not be found gives no draw any weight, and no error either."""
    for w in from_another_start("power_law_offset", np.nan, 0.0):
        assert not accepted(w)
