"""Batch diagnostics say what ArviZ says of each fit, hold where it refuses, and compile once."""

from __future__ import annotations

import warnings
from functools import lru_cache

import arviz_stats.base as base
import jax
import numpy as np
import pytest
from helpers import counting_compilations
from scipy import stats

from scalaw.infer import batch_stats, chain_stats, pareto, weighted_stats
from scalaw.infer.devices import computing
from scalaw.infer.programs import Clock, compile_all

pytestmark = pytest.mark.compiles

ARVIZ = vars(base)["array_stats"]
AXES = {"chain_axis": 0, "draw_axis": 1}
#: Long and short, even and odd numbers of draws and of their halves, one chain, and the shortest there is.
SHAPES = [(4, 1000), (4, 50), (4, 51), (1, 101), (3, 4)]


def autoregressive(rho, shape, rng):
    noise = rng.normal(size=shape)
    out = np.empty(shape)
    out[:, 0] = noise[:, 0] / np.sqrt(1 - rho**2)
    for i in range(1, shape[1]):
        out[:, i] = rho * out[:, i - 1] + noise[:, i]
    return out


@lru_cache
def series(shape):
    """Draws of many kinds, by name."""
    rng = np.random.default_rng(7)
    chain = np.arange(shape[0])[:, None]
    normal = rng.normal(size=shape)
    return {
        "independent": normal,
        "rho .5": autoregressive(0.5, shape, rng),
        "rho .95": autoregressive(0.95, shape, rng),
        "rho -.5": autoregressive(-0.5, shape, rng),
        "heavy tails": rng.standard_cauchy(shape),
        "two modes": normal + 5.0 * (chain % 2),
        "scales differ": normal * (1.0 + 3.0 * (chain % 2)),
        "ties": np.round(autoregressive(0.5, shape, rng)),
        "a stuck chain": np.where(chain == 0, 0.7, normal),
        "far from zero": 1e4 + 1e-2 * autoregressive(0.5, shape, rng),
        "constant": np.full(shape, 3.3),
    }


@lru_cache
def measured(shape):
    draws = np.stack(list(series(shape).values()))[..., None]
    return batch_stats.chain_batch(draws, Clock())


def of_arviz(draws):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it divides by a variance of zero
        return {
            "rhat": ARVIZ.rhat(draws, **AXES),
            "ess_bulk": ARVIZ.ess(draws, **AXES, method="bulk"),
            "ess_tail": ARVIZ.ess(draws, **AXES, method="tail", prob=(0.05, 0.95)),
            "ess_mean": ARVIZ.ess(draws, **AXES, method="mean"),
            "quantile": np.quantile(draws, (0.05, 0.95)),
            "mcse_mean": ARVIZ.mcse(draws, **AXES, method="mean"),
        }


@pytest.mark.parametrize("kind", series((1, 4)))
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_chain_figures_are_those_of_arviz(shape, kind):
    draws = series(shape)[kind]
    at = list(series(shape)).index(kind)
    for name, wanted in of_arviz(draws).items():
        found = getattr(measured(shape), name)[at, 0]
        np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("kind", ["independent", "rho .5", "rho .95", "rho -.5", "heavy tails"])
@pytest.mark.parametrize("prob", [0.05, 0.95])
def test_the_error_of_a_quantile_is_that_of_arviz_to_one_order_statistic(kind, prob):
    shape = (4, 1000)
    draws = series(shape)[kind]
    found = measured(shape).mcse_quantile[list(series(shape)).index(kind), 0, int(prob > 0.5)]
    assert found == pytest.approx(ARVIZ.mcse(draws, **AXES, method="quantile", prob=prob), rel=0.05)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_draws_that_are_not_finite_have_no_figures(bad):
    draws = series((4, 50))["independent"].copy()
    draws[1, 3] = bad
    out = batch_stats.chain_batch(draws[None, :, :, None], Clock())
    assert all(np.isnan(leaf).all() for leaf in out)


@pytest.mark.parametrize("draws", [1, 2, 3])
def test_too_few_draws_have_no_figures(draws):
    out = batch_stats.chain_batch(np.ones((1, 4, draws, 1)), Clock(), block=1)
    assert all(np.isnan(leaf).all() for leaf in out)


ALONE = {
    "rhat": chain_stats.rank_rhat,
    "ess_bulk": chain_stats.ess_bulk,
    "ess_tail": chain_stats.ess_tail,
    "ess_mean": chain_stats.ess_mean,
    "mcse_mean": chain_stats.mcse_mean,
    "mcse_quantile": lambda draws: chain_stats.mcse_quantile(draws, 0.95),
}


@pytest.mark.parametrize("figure", ALONE)
def test_a_figure_alone_and_looped_is_that_of_the_batch(figure):
    function = jax.jit(ALONE[figure])
    for at, draws in enumerate(series((4, 51)).values()):
        with computing():
            alone = np.asarray(function(draws))
        wanted = getattr(measured((4, 51)), figure)[at, 0]
        np.testing.assert_allclose(alone, wanted[1] if wanted.shape else wanted, rtol=1e-9, atol=1e-12)


def test_errors_of_chains_are_as_large_as_said():
    rng = np.random.default_rng(1)
    draws = autoregressive(0.5, (400 * 4, 100), rng).reshape(400, 4, 100, 1)
    out = batch_stats.chain_batch(draws, Clock())
    assert out.mean.std() == pytest.approx(out.mcse_mean.mean(), rel=0.15)
    for tail in (0, 1):
        assert out.quantile[..., tail].std() == pytest.approx(out.mcse_quantile[..., tail].mean(), rel=0.2)


@lru_cache
def log_weights(draws):
    """Log weights of many kinds, by name."""
    rng = np.random.default_rng(8)
    normal, uniform = rng.normal(size=draws), rng.uniform(size=draws)
    return {
        "k .1": -0.1 * np.log(uniform),
        "k .7": -0.7 * np.log(uniform),
        "k 1.2": -1.2 * np.log(uniform),
        "bounded": np.log(uniform),
        "normal": normal,
        "hopeless": 30.0 * normal,
        "off by 1e4": normal + 1e4,
        "almost equal": 1e-6 * normal,
        "half of them zero": np.where(uniform < 0.5, -np.inf, normal),
    }


@pytest.mark.parametrize("draws", [30, 226, 4096])
def test_smoothed_weights_and_k_are_those_of_arviz(draws):
    raw = np.stack(list(log_weights(draws).values()))
    smoothed, k = batch_stats.psis_batch(raw, Clock())
    for at, name in enumerate(log_weights(draws)):
        wanted, wanted_k = ARVIZ.psislw(-raw[at])
        assert k[at] == pytest.approx(wanted_k, abs=1e-5), name
        np.testing.assert_allclose(smoothed[at], wanted, rtol=1e-6, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("k", [0.2, 0.5, 0.8])
def test_k_is_that_of_a_generalised_pareto_distribution(k):
    weights = stats.genpareto.rvs(k, size=(48, 4000), random_state=9)
    _, found = batch_stats.psis_batch(np.log(weights), Clock())
    # Its standard error is (1 + k) / √190 per set of weights; the prior pulls it towards 1/2 by 10 in 200.
    assert found.mean() == pytest.approx(k, abs=0.07)


ODD_WEIGHTS = {
    "equal": (np.full(1000, 7.0), 0.0, True),
    "equal where not zero": (np.repeat([-np.inf, 0.0], 500), np.inf, True),
    "few that differ": (np.round(np.random.default_rng(0).normal(size=1000)), np.inf, True),
    "nearly all zero": (np.where(np.arange(1000) < 980, -np.inf, np.arange(1000) / 100), np.inf, True),
    "one NaN": (np.where(np.arange(1000) == 5, np.nan, 0.0), np.inf, False),
    "one infinite": (np.where(np.arange(1000) == 5, np.inf, 0.0), np.inf, False),
    "all zero": (np.full(1000, -np.inf), np.inf, False),
}


@pytest.mark.parametrize("kind", ODD_WEIGHTS)
def test_weights_without_a_pareto_tail(kind):
    raw, wanted, usable = ODD_WEIGHTS[kind]
    smoothed, k = batch_stats.psis_batch(raw[None], Clock())
    assert k[0] == wanted
    if usable:
        shifted = raw - raw.max()
        np.testing.assert_allclose(smoothed[0], shifted - np.log(np.exp(shifted).sum()))
    else:
        assert np.isnan(smoothed).all()


def test_too_few_weights_have_no_k():
    smoothed, k = batch_stats.psis_batch(np.linspace(0, 1, 24)[None], Clock())
    assert k[0] == np.inf
    assert np.exp(smoothed).sum() == pytest.approx(1)


def test_kish_counts_equal_weights_and_ignores_their_scale():
    with computing():
        kish = jax.jit(pareto.kish)
        assert kish(np.repeat([-np.inf, 900.0], [30, 70])) == pytest.approx(70)
        assert kish(np.log([4.0, 1.0, 1.0])) == pytest.approx(2)


@lru_cache
def log_likelihood(draws=1000, rows=20):
    rng = np.random.default_rng(10)
    return stats.norm.logpdf(rng.normal(size=rows), 0.4 * rng.normal(size=(draws, rows)), 0.7)


@pytest.mark.parametrize("reff", [1.0, 0.4])
def test_leave_one_out_is_that_of_arviz(reff):
    rows = log_likelihood()
    out = batch_stats.loo_batch(rows[None], None, Clock(), reff)
    elpd, k, p_loo = ARVIZ.loo(rows.T[:, None], chain_axis=1, draw_axis=2, r_eff=reff)
    np.testing.assert_allclose(out.pareto_k[0], k, atol=1e-2)
    np.testing.assert_allclose(out.elpd[0], elpd, rtol=1e-6)
    np.testing.assert_allclose(out.p_loo[0], p_loo, atol=1e-6)


def test_leave_one_out_of_weighted_draws_is_that_of_arviz():
    rows = log_likelihood()
    weights = np.random.default_rng(11).normal(size=len(rows))
    weights[:100] = -np.inf
    out = batch_stats.loo_batch(rows[None], weights[None], Clock())
    tree = {"log_p": weights[None, None], "log_q": np.zeros((1, 1, len(rows)))}
    for row, (elpd, k) in enumerate(zip(out.elpd[0], out.pareto_k[0], strict=True)):
        one = rows[:, row][None, None]
        wanted, wanted_k, _ = ARVIZ.loo_approximate_posterior(one, **tree, chain_axis=1, draw_axis=2)
        assert k == pytest.approx(wanted_k[0], abs=1e-2)
        assert elpd == pytest.approx(wanted[0], rel=1e-6)


def test_leave_one_out_is_exact_where_that_can_be_worked_out():
    """A normal mean under a flat prior: without row i it is normal about the other rows' mean."""
    rng = np.random.default_rng(12)
    y, draws, sigma = rng.normal(size=16), 4096, 1.0
    others = (y.sum() - y) / 15
    exact = stats.norm.logpdf(y, others, sigma * np.sqrt(1 + 1 / 15))
    whole = stats.norm.logpdf(y, y.mean(), sigma * np.sqrt(1 + 1 / 16))
    wide = 0.4  # of the proposal; that of the posterior is 1/4
    mean = np.stack([rng.normal(y.mean(), 0.25, draws), rng.normal(y.mean(), wide, draws)])
    posterior, proposal = (stats.norm.logpdf(mean, y.mean(), s) for s in (0.25, wide))
    rows = stats.norm.logpdf(y, mean[..., None], sigma)
    weighted = (posterior - proposal) * np.array([[0.0], [1.0]])
    for out in (
        batch_stats.loo_batch(rows[:1], None, Clock()),
        batch_stats.loo_batch(rows, weighted, Clock()),
    ):
        assert (out.pareto_k < 0.7).all()
        np.testing.assert_allclose(out.elpd, np.tile(exact, (len(out.elpd), 1)), atol=0.02)
        np.testing.assert_allclose(out.p_loo, np.tile(whole - exact, (len(out.elpd), 1)), atol=0.02)


def test_a_row_of_padding_and_an_impossible_row():
    rows = log_likelihood().copy()
    rows[:, 0], rows[3, 1] = -0.25, -np.inf
    out = batch_stats.loo_batch(rows[None], None, Clock())
    assert (out.elpd[0, 0], out.pareto_k[0, 0], out.p_loo[0, 0]) == pytest.approx((-0.25, 0, 0))
    assert np.isnan(out.elpd[0, 1]) and out.pareto_k[0, 1] == np.inf
    assert np.isfinite(out.elpd[0, 2:]).all()


def weighted(values, weights, prob=(0.05, 0.95)):
    return jax.tree.map(
        lambda leaf: leaf[0, 0],
        batch_stats.weighted_batch(values[None, :, None], weights[None], Clock(), prob),
    )


def test_equal_weights_are_none():
    values = np.random.default_rng(13).normal(size=1000)
    out = weighted(values, np.full(1000, 5.0))
    assert out.kish == pytest.approx(1000)
    assert (out.mean, out.sd) == pytest.approx((values.mean(), values.std(ddof=1)))
    assert out.mcse_mean == pytest.approx(values.std() / np.sqrt(1000))
    np.testing.assert_allclose(out.quantile, np.quantile(values, (0.05, 0.95)))
    errors = [ARVIZ.mcse(values[None], **AXES, method="quantile", prob=p) for p in (0.05, 0.95)]
    np.testing.assert_allclose(out.mcse_quantile, errors, rtol=0.2)  # ArviZ estimates an autocorrelation of 0


@pytest.mark.parametrize("kind", log_weights(1000))
def test_weighted_quantiles_and_sd_are_those_of_arviz(kind):
    values, weights = np.random.default_rng(14).normal(size=1000), log_weights(1000)[kind]
    out = weighted(values, weights)
    used = np.isfinite(weights)
    pair = values[used][None], weights[used][None]
    np.testing.assert_allclose(out.quantile, [ARVIZ.loo_quantile(*pair, p) for p in (0.05, 0.95)], rtol=1e-6)
    assert out.mean == pytest.approx(float(ARVIZ.loo_expectation(*pair, kind="mean")), rel=1e-9)
    assert out.sd == pytest.approx(float(ARVIZ.loo_expectation(*pair, kind="sd")), rel=1e-6)


def test_a_draw_of_weight_zero_changes_nothing():
    rng = np.random.default_rng(15)
    values, weights = rng.normal(size=1000), rng.normal(size=1000)
    filled = np.concatenate([values, [np.inf, -np.inf, np.nan, 0.0]])
    none = np.concatenate([weights, np.full(4, -np.inf)])
    for a, b in zip(weighted(values, weights), weighted(filled, none), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9)
    assert all(np.isnan(leaf).all() for leaf in weighted(values, np.full(1000, -np.inf)))
    assert all(np.isnan(leaf).all() for leaf in weighted(values, np.where(weights > 2, np.nan, weights)))


def test_errors_of_weighted_draws_are_as_large_as_said():
    values = 1.5 * np.random.default_rng(16).normal(size=(500, 1000))
    weights = values**2 / 4.5 - values**2 / 2
    out = batch_stats.weighted_batch(values[..., None], weights, Clock())
    assert out.mean.std() == pytest.approx(out.mcse_mean.mean(), rel=0.1)
    for tail, truth in enumerate(stats.norm.ppf((0.05, 0.95))):
        assert out.quantile[..., tail].std() == pytest.approx(out.mcse_quantile[..., tail].mean(), rel=0.15)
        assert out.quantile[..., tail].mean() == pytest.approx(truth, abs=0.01)


@pytest.mark.parametrize("prob", [0.05, 0.5])
def test_a_weighted_figure_alone_is_that_of_the_batch(prob):
    values, weights = np.random.default_rng(17).normal(size=1000), log_weights(1000)["normal"]
    out = weighted(values, weights, (prob,))
    with computing():
        quantile = jax.jit(weighted_stats.weighted_quantile)(values, weights, prob)
        error = jax.jit(weighted_stats.mcse_weighted_quantile)(values, weights, prob)
    assert (float(quantile), float(error)) == pytest.approx((out.quantile[0], out.mcse_quantile[0]))


def test_nothing_compiles_twice():
    """Neither for other numbers of scenarios, quantities or rows, nor for what was asked for beforehand."""
    rng, clock, draws = np.random.default_rng(18), Clock(), 60
    compile_all(
        [
            batch_stats.chain_use(2, draws),
            batch_stats.psis_use(draws),
            batch_stats.weighted_use(draws),
            batch_stats.loo_use(draws),
            batch_stats.loo_use(draws, importance=True),
        ],
        clock,
    )
    with counting_compilations() as seen:
        for scenarios, quantities in ((1, 3), (19, 2)):
            values = rng.normal(size=(scenarios, draws, quantities))
            weights = values[..., 0].astype(np.float32)
            assert (
                batch_stats.chain_batch(values[:, None].repeat(2, 1), clock).rhat.shape == values.shape[::2]
            )
            assert batch_stats.psis_batch(weights, clock)[0].shape == weights.shape
            assert batch_stats.weighted_batch(values, weights, clock).kish.shape == values.shape[::2]
            assert batch_stats.loo_batch(values, weights, clock).elpd.shape == values.shape[::2]
            assert batch_stats.loo_batch(values, None, clock).elpd.shape == values.shape[::2]
    assert not seen
