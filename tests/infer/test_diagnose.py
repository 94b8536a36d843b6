"""The verdict says OK, LOOK or BAD for the right reason."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import SHORT
from helpers import two_terms_alike

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.infer.batch import Clock, Sampled
from scalaw.infer.diagnose import Figures, diagnose, figures, stats_of, weighted_stats_of
from scalaw.infer.nuts import Draws

NAMES = ("E", "alpha", "sigma")
LAW_NAMES = ("E", "alpha")
HEALTHY = Figures(
    names=NAMES,
    rhat=np.array([1.001, 1.002, 1.0]),
    ess_bulk=np.array([900.0, 800.0, 1000.0]),
    ess_tail=np.array([700.0, 900.0, 800.0]),
    contraction=np.array([0.1, 0.2, 0.9]),
    bootstrap_ratio=np.array([0.9, 1.1, 3.0]),
    divergent=0.0,
    bfmi=0.9,
    deepest=0.0,
    finite=True,
)


#: The same of weighted draws, which have no chains.
WEIGHTED = replace(
    HEALTHY,
    rhat=np.full(3, np.nan),
    ess_bulk=np.full(3, 1500.0),
    ess_tail=np.full(3, np.nan),
    divergent=np.nan,
    bfmi=np.nan,
    deepest=np.nan,
    pareto_k=0.3,
)


def searched(rival=np.inf, agreed=16, draws=None, weighted=None):
    method = "nuts" if weighted is None else "importance"
    return Sampled(None, method, "", draws, weighted, None, 16, agreed, rival, Clock())


def verdict(measured=HEALTHY, warnings=(), **of_search):
    return diagnose(searched(**of_search), measured, LAW_NAMES, warnings)


def third(value):
    return np.array([1000.0, value, 1000.0])


#: symptom → (field, value), level, a word of its sentence
SYMPTOMS = {
    "R-hat": ("rhat", np.array([1.0, 1.011, 1.0]), "LOOK", "R-hat is 1.011 for alpha"),
    "R-hat, large": ("rhat", np.array([1.0, 1.051, 1.0]), "BAD", "R-hat is 1.051 for alpha"),
    "R-hat, undefined": ("rhat", np.array([1.0, np.nan, 1.0]), "BAD", "for alpha"),
    "R-hat of the noise": ("rhat", np.array([1.0, 1.0, 1.2]), "BAD", "for sigma"),
    "bulk ESS": ("ess_bulk", third(399.0), "LOOK", "bulk effective sample size is 399 for alpha"),
    "bulk ESS, tiny": ("ess_bulk", third(99.0), "BAD", "bulk effective sample size is 99"),
    "bulk ESS, undefined": ("ess_bulk", third(np.nan), "BAD", "bulk effective sample size is nan for alpha"),
    "tail ESS": ("ess_tail", third(399.0), "LOOK", "tail effective sample size is 399 for alpha"),
    "tail ESS, tiny": ("ess_tail", third(99.0), "BAD", "tail effective sample size is 99"),
    "tail ESS, undefined": ("ess_tail", third(np.nan), "BAD", "tail effective sample size"),
    "one divergence": ("divergent", 1 / 4000, "LOOK", "diverged"),
    "many divergences": ("divergent", 0.011, "BAD", "1.1 % of draws diverged"),
    "energy": ("bfmi", 0.29, "LOOK", "E-BFMI is 0.29"),
    "energy, tiny": ("bfmi", 0.09, "BAD", "E-BFMI is 0.09"),
    "energy, undefined": ("bfmi", np.nan, "BAD", "E-BFMI"),
    "tree depth": ("deepest", 0.011, "LOOK", "tree depth"),
    "not finite": ("finite", False, "BAD", "not finite"),
    "as wide as the prior": ("contraction", np.array([0.1, 0.81, 0.1]), "LOOK", "alpha: not identified"),
    "bootstrap": (
        "bootstrap_ratio",
        np.array([1.0, 1.31, 1.0]),
        "LOOK",
        "bootstrap sd is 1.3 × the posterior sd of alpha",
    ),
}


def test_a_healthy_fit_is_ok():
    assert verdict().level == "OK"
    assert verdict().reasons == verdict().notes == ()
    assert str(verdict()) == "OK"


@pytest.mark.parametrize("symptom", SYMPTOMS)
def test_each_symptom_has_its_level_and_sentence(symptom):
    name, value, level, sentence = SYMPTOMS[symptom]
    found = verdict(replace(HEALTHY, **{name: value}))
    assert found.level == level
    (reason,) = found.reasons
    assert sentence in reason
    assert reason in str(found)


WEIGHTED_SYMPTOMS = {
    "Pareto k": ("pareto_k", 0.41, "LOOK", "Pareto k of the importance weights is 0.41"),
    "Pareto k, large": ("pareto_k", 0.71, "BAD", "tails were not reached"),
    "Pareto k, infinite": ("pareto_k", np.inf, "BAD", "Pareto k"),
    "Pareto k, undefined": ("pareto_k", np.nan, "BAD", "Pareto k"),
    "Kish": ("ess_bulk", np.full(3, 399.0), "LOOK", "effective sample size is 399 (Kish)"),
    "Kish, tiny": ("ess_bulk", np.full(3, 99.0), "BAD", "effective sample size is 99 (Kish)"),
    "Kish, undefined": ("ess_bulk", np.full(3, np.nan), "BAD", "(Kish)"),
    "not finite": ("finite", False, "BAD", "not finite"),
    "as wide as the prior": SYMPTOMS["as wide as the prior"],
    "bootstrap": SYMPTOMS["bootstrap"],
}


def test_weighted_draws_that_are_healthy_are_ok():
    assert WEIGHTED.weighted and not HEALTHY.weighted
    assert verdict(WEIGHTED) == verdict()


@pytest.mark.parametrize("symptom", WEIGHTED_SYMPTOMS)
def test_each_symptom_of_weighted_draws_has_its_level_and_sentence(symptom):
    name, value, level, sentence = WEIGHTED_SYMPTOMS[symptom]
    found = verdict(replace(WEIGHTED, **{name: value}))
    assert found.level == level
    (reason,) = found.reasons
    assert sentence in reason
    assert name not in ("pareto_k", "ess_bulk") or "method='nuts'" in reason


def test_at_the_limits_all_is_well():
    limits = {
        "rhat": np.full(3, 1.01),
        "ess_bulk": np.full(3, 400.0),
        "ess_tail": np.full(3, 400.0),
        "contraction": np.full(3, 0.8),
        "bootstrap_ratio": np.full(3, 1.3),
        "bfmi": 0.3,
        "deepest": 0.01,
    }
    assert verdict(replace(HEALTHY, **limits)).level == "OK"
    assert verdict(replace(WEIGHTED, pareto_k=0.4, ess_bulk=np.full(3, 400.0))).level == "OK"


def test_a_bootstrap_that_was_left_out_says_nothing():
    assert verdict(replace(HEALTHY, bootstrap_ratio=np.full(3, np.nan))).level == "OK"


def test_a_near_rival_mode_asks_for_a_look():
    found = verdict(rival=6.9, agreed=9)
    assert found.level == "LOOK"
    assert "another mode lies 6.9 nats below the best (9 of 16 searches agree)" in found.reasons[0]
    assert verdict(rival=7.1).level == "OK"


def test_a_lonely_search_is_noted():
    found = verdict(agreed=1)
    assert found.level == "OK"
    assert "only 1 of 16" in found.notes[0]


def test_what_the_table_says_asks_for_a_look():
    found = verdict(warnings=("N is the same in every run",))
    assert (found.level, found.reasons) == ("LOOK", ("N is the same in every run",))


def test_bad_reasons_come_first():
    found = verdict(replace(HEALTHY, deepest=0.5, divergent=0.5))
    assert found.level == "BAD"
    assert "diverged" in found.reasons[0]
    assert "tree depth" in found.reasons[1]


# -- figures from draws ------------------------------------------------------------------------------
def drawn(z, energy=None, n_steps=3, diverging=None):
    rng = np.random.default_rng(0)
    shape = z.shape[:2]
    return Draws(
        position=z,
        values=z,
        log_density=np.zeros(shape),
        energy=rng.normal(size=shape) if energy is None else energy,
        diverging=np.zeros(shape, bool) if diverging is None else diverging,
        n_steps=np.full(shape, n_steps),
        acceptance_rate=np.full(shape, 0.9),
        step_size=np.full(shape, 0.5),
    )


def measure(z, draws=None, bootstrap=None):
    return figures(searched(draws=draws or drawn(z)), stats_of(z), NAMES, np.ones(3), bootstrap)


def test_independent_draws_measure_well():
    rng = np.random.default_rng(1)
    z = rng.normal(size=(4, 500, 3)) * [0.1, 0.5, 2.0]
    found = measure(z, bootstrap=rng.normal(size=(400, 3)) * [0.1, 1.0, 2.0])
    assert np.all(found.rhat < 1.01)
    assert np.all(found.ess_bulk > 1500)
    assert np.all(found.ess_tail > 1300)
    np.testing.assert_allclose(found.contraction, [0.1, 0.5, 2.0], rtol=0.1)
    np.testing.assert_allclose(found.bootstrap_ratio, [1.0, 2.0, 1.0], rtol=0.2)
    assert found.bfmi > 1.5  # independent energies: the variance of a difference is twice that of each
    assert (found.divergent, found.deepest, found.finite) == (0.0, 0.0, True)


def test_troubled_draws_measure_badly():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(4, 500, 3))
    z[0, :, 1] += 3.0  # one chain is elsewhere
    slow = np.cumsum(rng.normal(size=(4, 500)), axis=1)
    found = measure(z, drawn(z, energy=slow, n_steps=1023, diverging=np.arange(500) % 10 == np.zeros((4, 1))))
    assert found.rhat[1] > 1.1 > found.rhat[0]
    assert found.bfmi < 0.1
    assert found.divergent == pytest.approx(0.1)
    assert found.deepest == 1.0
    assert verdict(found).level == "BAD"


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_one_draw_that_is_not_finite_is_bad(value):
    z = np.random.default_rng(3).normal(size=(4, 500, 3))
    z[2, 100, 0] = value
    with np.errstate(invalid="ignore"):
        found = measure(z)
    assert not found.finite
    assert verdict(found).level == "BAD"


def weighted_by(log_importance, kish=1500.0, pareto_k=0.2):
    return SimpleNamespace(log_importance=log_importance, kish=np.array(kish), pareto_k=np.array(pareto_k))


def measure_weighted(z, weighted, bootstrap=None):
    stats = weighted_stats_of(z, weighted)
    return figures(searched(weighted=weighted), stats, NAMES, np.ones(3), bootstrap)


def test_weighted_draws_are_measured_with_their_weights():
    """Draws of a normal twice as wide, weighted back to the one that is meant."""
    rng = np.random.default_rng(4)
    sd = np.array([0.1, 0.5, 2.0])
    z = 2.0 * sd * rng.normal(size=(20_000, 3))
    log_weight = np.sum(-0.5 * (z / sd) ** 2 * (1 - 1 / 4), axis=1)
    log_weight -= np.logaddexp.reduce(log_weight)
    found = measure_weighted(z, weighted_by(log_weight), rng.normal(size=(400, 3)) * sd)
    np.testing.assert_allclose(found.contraction, sd, rtol=0.05)
    np.testing.assert_allclose(found.bootstrap_ratio, 1.0, rtol=0.2)
    np.testing.assert_array_equal(found.ess_bulk, 1500.0)
    assert np.isnan([found.rhat, found.ess_tail]).all()
    assert found.weighted and found.finite and found.pareto_k == 0.2
    assert verdict(found).level != "BAD"


def test_a_draw_without_weight_may_be_anything():
    z = np.random.default_rng(5).normal(size=(500, 3))
    log_weight = np.full(500, -np.log(499))
    z[7], log_weight[7] = np.nan, -np.inf
    found, without = (
        measure_weighted(z[rows], weighted_by(log_weight[rows]))
        for rows in (slice(None), np.arange(500) != 7)
    )
    assert found.finite
    np.testing.assert_allclose(found.contraction, without.contraction)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_weighted_draw_that_is_not_finite_is_bad(value):
    z = np.random.default_rng(6).normal(size=(500, 3))
    z[7, 1] = value
    with np.errstate(invalid="ignore"):
        found = measure_weighted(z, weighted_by(np.full(500, -np.log(500))))
    assert not found.finite
    assert verdict(found).level == "BAD"


# -- fits -------------------------------------------------------------------------------------------
@pytest.mark.compiles
def test_a_fixed_token_ratio_is_named(demo_comparison):
    """All Cerebras-GPT runs have D = 20 N, so nobody can tell alpha from beta."""
    fit = next(f for f in demo_comparison.fits if f.label == "chinchilla")
    assert fit.verdict.level == "LOOK"
    assert any("correlation" in reason and "log N and log D" in reason for reason in fit.verdict.reasons)


@pytest.mark.compiles
@pytest.mark.parametrize("method", ["nuts", "importance"])
def test_a_posterior_of_two_modes_is_not_ok(method):
    """Chains that all start at one of them agree with each other, so the searches have to tell."""
    fit = sl.fit(two_terms_alike(0.01), "chinchilla[E=0]", method=method, bootstrap=0, **SHORT)
    assert fit.verdict.level != "OK"
    assert any("another mode lies 0.0 nats below" in reason for reason in fit.verdict.reasons)


@pytest.mark.compiles
def test_a_fit_of_few_runs_is_refused_or_at_best_a_look(demo_runs):
    few = demo_runs.select(np.arange(4))
    with pytest.raises(ScalawError) as caught:
        sl.fit(few, "power_law", x="C", **SHORT)
    assert caught.value.code == "D042"
    allowed = sl.fit(few, "power_law", x="C", allow_prior_dominated=True, **SHORT)
    assert allowed.verdict.level in ("LOOK", "BAD")
    assert any("the answer is the prior" in reason for reason in allowed.verdict.reasons)


@pytest.mark.compiles
def test_runs_that_are_held_out_do_not_count_as_runs(demo_runs):
    weight = np.where(np.arange(len(demo_runs)) < 4, 1.0, 0.0)
    with pytest.raises(ScalawError) as caught:
        sl.fit(demo_runs, "power_law", x="C", row_weight=weight, **SHORT)
    assert caught.value.code == "D042"
