"""Prior records, their NumPyro distributions and their NumPy draws are one and the same distribution."""

import math

import numpy as np
import pytest
from numpyro.distributions import biject_to
from scipy import stats

from scalaw.infer.devices import computing
from scalaw.laws.prior import FAMILIES, Prior
from scalaw.laws.sample import draw_prior
from scalaw.model.distributions import distribution, prior_numbers, unconstrain

NUMBERS = {
    "Normal": (0.3, 0.5),
    "LogNormal": (0.2, 0.7),
    "HalfNormal": (0.4,),
    "Gamma": (2.0, 0.1),
    "Beta": (4.0, 2.0),
    "OrderedLogNormal": (0.2, 0.7),
}
SCIPY = {
    "Normal": stats.norm(0.3, 0.5),
    "LogNormal": stats.lognorm(0.7, scale=0.2),
    "HalfNormal": stats.halfnorm(scale=0.4),
    "Gamma": stats.gamma(2.0, scale=10.0),
    "Beta": stats.beta(4.0, 2.0),
    "OrderedLogNormal": stats.lognorm(0.7, scale=0.2),
}
SCALARS = [family for family in FAMILIES if family != "OrderedLogNormal"]


def made(family: str, size: int):
    return distribution(family, np.tile(prior_numbers(Prior(family, NUMBERS[family])), (size, 1)))


def test_every_family_is_covered():
    assert NUMBERS.keys() == SCIPY.keys() == FAMILIES.keys()


@pytest.mark.parametrize("family", SCALARS)
def test_scalar_densities_agree_with_scipy(family):
    draws = SCIPY[family].rvs(20, random_state=np.random.default_rng(1))
    with computing():
        got = np.asarray(made(family, 20).log_prob(draws))
    np.testing.assert_allclose(got, SCIPY[family].logpdf(draws), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_ordered_density_is_n_factorial_times_the_product(size):
    reference = SCIPY["OrderedLogNormal"]
    values = np.sort(reference.rvs(size, random_state=np.random.default_rng(size)))
    with computing():
        got = float(made("OrderedLogNormal", size).log_prob(values))
    assert got == pytest.approx(math.log(math.factorial(size)) + reference.logpdf(values).sum(), rel=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_unconstrain_inverts_the_map_of_the_sampler(family):
    z = np.random.default_rng(2).normal(size=(6, 4))
    with computing():
        draws = np.asarray(biject_to(made(family, 4).support)(z))
    np.testing.assert_allclose(unconstrain(family, draws), z, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("family", FAMILIES)
def test_numpy_draws_follow_the_family(family):
    prior = Prior(family, NUMBERS[family], low=1.0, scale=0.5)
    draws = draw_prior(prior, np.random.default_rng(3), (4000, 2))
    if family == "OrderedLogNormal":
        assert np.all(np.diff(draws, axis=-1) > 0)
    raw = ((draws - 1.0) / 0.5).ravel()  # pooled over the index, sorting changes nothing
    assert stats.kstest(raw, SCIPY[family].cdf).pvalue > 1e-4


def test_prior_numbers_carry_shift_and_stretch():
    assert prior_numbers(Prior("HalfNormal", (0.4,), low=1.0, scale=2.0))[:4].tolist() == [0.0, 2.5, 1.0, 2.0]
    assert prior_numbers(Prior("Beta", (4.0, 2.0)))[:4].tolist() == [3.0, 1.0, 0.0, 1.0]
