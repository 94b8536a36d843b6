"""Claims about columns that belong together: shares of sources of data, and one column per architecture or shape."""

from functools import cache

import numpy as np
import pytest
from conftest import SHORT
from helpers import TRUTHS

import scalaw as sl

pytestmark = pytest.mark.compiles

QUICK = {"method": "importance", "bootstrap": 0, **SHORT}
NOISE = {"sigma": 0.003, "nu": 5.0}
#: Tokens of 16 runs, spread over two decades and far from any line in their sizes.
TOKENS = np.array([2e9, 3e10, 8e9, 1.2e11])


@pytest.mark.acceptance(30)
@pytest.mark.parametrize(("worth", "sure"), [(3.0, True), (1.2, False)])
def test_whether_a_trillion_curated_tokens_beat_two_noisy_ones_is_a_probability(worth, sure):
    """They do where a curated token is worth more than two; runs on either source and on mixtures of both."""
    N, share = np.meshgrid([1e8, 4e8, 1.6e9, 6.4e9], [0.0, 0.25, 0.5, 1.0])
    D = np.tile(TOKENS, 4)[np.random.default_rng(0).permutation(16)]
    truth = {**TRUTHS["chinchilla"], "q": np.array([worth]), **NOISE}
    at = {"N": N.ravel(), "D": D, "r": share.ravel()[:, None]}
    fit = sl.fit(sl.simulate("quality_multiplier", truth, at=at, seed=0), "quality_multiplier", **QUICK)
    prob = float(np.mean(fit.draws("q") > 2.0))
    assert prob > 0.95 if sure else prob < 0.05


@cache
def fits_of(delta, epsilon):
    """Runs of two architectures, or shapes, that differ by so much, fitted by the law and two of its variants."""
    N, arch = np.geomspace(7e7, 3e9, 16), np.eye(2)[np.tile([0, 1], 8)]
    D = np.tile(TOKENS, 4)[np.random.default_rng(1).permutation(16)]
    shifts = {name: np.array([value, -value]) for name, value in (("delta", delta), ("epsilon", epsilon))}
    truth = {**TRUTHS["chinchilla"], **shifts, **NOISE}
    runs = sl.simulate("architecture_shift", truth, at={"N": N, "D": D, "arch": arch}, seed=0)
    laws = {"exponent": "", "amplitude": "[epsilon=0]", "none": "[delta=0,epsilon=0]"}
    return {name: sl.fit(runs, f"architecture_shift{held}", **QUICK) for name, held in laws.items()}


def scores(fits):
    """Law → how far its leave-one-out score lies behind the first, and the standard error of that."""
    told = {one["law"]: one for one in sl.compare_fits(list(fits.values())).scores}
    return {name: (abs(told[fit.label]["elpd_diff"]), told[fit.label]["dse"]) for name, fit in fits.items()}


@pytest.mark.acceptance(8)
def test_a_shape_that_does_not_matter_is_found_not_to():
    fits = fits_of(0.0, 0.0)
    delta = fits["amplitude"].draws("delta")
    low, high = np.quantile(delta[:, 0] - delta[:, 1], [0.05, 0.95])
    assert low < 0.0 < high and high - low < 0.1
    assert scores(fits)["none"][0] == 0.0


@pytest.mark.acceptance(40)
def test_an_architecture_that_is_better_by_a_factor_is_told_from_none():
    """The variant without is behind by many errors; an exponent on top of the factor gains less than its error."""
    told = scores(fits_of(0.1, 0.0))
    assert told["amplitude"][0] <= 2 * told["amplitude"][1]
    assert told["none"][0] > 4 * told["none"][1]


@pytest.mark.acceptance(40)
def test_an_architecture_that_scales_otherwise_is_told_from_one_that_is_better_by_a_factor():
    told = scores(fits_of(0.0, 0.02))
    assert told["exponent"][0] == 0.0
    assert told["amplitude"][0] > 2 * told["amplitude"][1]
    assert told["none"][0] > 4 * told["none"][1]
