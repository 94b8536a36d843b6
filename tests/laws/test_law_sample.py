"""Prior draws are exactly the prior, in reference units, with fixed and tied parameters filled in."""

import numpy as np
import pytest
from scipy import stats

from scalaw.laws import Prior, get_law, list_laws
from scalaw.laws.sample import draw_prior, sample_covariates, sample_prior

RNG = np.random.default_rng


@pytest.mark.parametrize(
    ("prior", "exact"),
    [
        (Prior("Normal", (0.3, 2.0)), stats.norm(0.3, 2.0)),
        (Prior("LogNormal", (0.3, 0.5)), stats.lognorm(0.5, scale=0.3)),
        (Prior("HalfNormal", (2.0,)), stats.halfnorm(scale=2.0)),
        (Prior("Gamma", (2.0, 0.1)), stats.gamma(2.0, scale=10.0)),
        (Prior("Beta", (4.0, 2.0), low=0.5, scale=3.0), stats.beta(4.0, 2.0, loc=0.5, scale=3.0)),
        (Prior("Normal", (0.0, 1.0), low=2.0, scale=3.0), stats.norm(2.0, 3.0)),
    ],
)
def test_draws_follow_the_prior(prior, exact):
    draws = draw_prior(prior, RNG(1), (4000,))
    assert stats.kstest(draws, exact.cdf).pvalue > 1e-3


def test_ordered_draws_are_sorted_independent_ones():
    prior = Prior("OrderedLogNormal", (2.0, 0.7))
    draws = draw_prior(prior, RNG(1), (4000, 3))
    assert np.all(np.diff(draws, axis=1) > 0)
    exact = stats.lognorm(0.7, scale=2.0)
    assert stats.kstest(draws[:, 1], lambda v: stats.beta(2, 2).cdf(exact.cdf(v))).pvalue > 1e-3


@pytest.mark.parametrize("law", [*list_laws(), get_law("bnsl[breaks=3]")], ids=lambda law: law.name)
def test_every_parameter_and_covariate_has_its_shape(law):
    refs = {c.unit: 10.0 for c in law.covariates}
    values, covariates = sample_prior(law, RNG(0), 5), sample_covariates(law, RNG(0), 5, refs)
    assert list(values) == [p.name for p in law.parameters]
    for p in law.parameters:
        assert values[p.name].shape == ((5,) if law.size(p) is None else (5, law.size(p)))
    for c in law.covariates:
        assert covariates[c.name].shape[0] == 5
        assert c.size is None or covariates[c.name].shape[-1] == law.size(c)


def test_fixed_values_are_converted_and_ties_follow():
    refs = {"N": 100.0, "D": 1000.0, "loss": 2.0}
    values = sample_prior(get_law("chinchilla[A=50,E=1.8,alpha=beta]"), RNG(0), 8, refs=refs)
    assert np.array_equal(values["alpha"], values["beta"])
    np.testing.assert_allclose(values["E"], 0.9)
    np.testing.assert_allclose(values["A"] * 2.0 * 100.0 ** values["alpha"], 50.0)


def test_statistics_and_overrides_are_used():
    law = get_law("power_law_offset")
    low = sample_prior(law, RNG(0), 500, statistics={"loss_min": 0.01})
    assert low["E"].max() < 0.01
    own = sample_prior(law, RNG(0), 500, priors={"alpha": Prior("Beta", (1.0, 1.0), low=5.0)})
    assert own["alpha"].min() >= 5.0


def test_draws_are_repeatable():
    one, two = (sample_prior(get_law("bnsl[breaks=2]"), RNG(7), 3) for _ in range(2))
    assert all(np.array_equal(one[name], two[name]) for name in one)


def test_simplex_shares_sum_to_one():
    shares = sample_covariates(get_law("data_mixing_ye[domains=5]"), RNG(0), 6, {"share": 1.0})["r"]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
