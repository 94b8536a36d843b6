"""Marginal likelihoods: exact where they are known, with honest errors, and none where there can be none."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from conftest import SHORT
from helpers import density, scenario, simulated

import scalaw as sl
from benchmarks import evidence as benchmark
from scalaw.infer.batch import sample
from scalaw.infer.evidence import (
    Bridged,
    bridge,
    evidence_of_chains,
    evidence_of_weights,
    reported_evidence,
)
from scalaw.infer.executables import key_data
from scalaw.infer.fit import model_of
from scalaw.infer.importance import Weighted
from scalaw.infer.nuts import Settings
from scalaw.infer.point import Mode
from scalaw.infer.programs import Clock
from scalaw.infer.routes import start_of
from scalaw.infer.scenarios import arrays_of, padded_rows
from scalaw.infer.search import Found
from scalaw.laws.prior import Prior
from scalaw.laws.records import parameter
from scalaw.lazy import jnp

CHAINS, DRAWS, SEEDS = 4, 500, 16
LINE, EXACT = benchmark.conjugate()
#: Mean and sd of ln sigma, which is held and keeps its prior.
HELD = np.log(0.005), 1.0


@sl.law(source="a line whose slope has lost its sign", units="as in paper")
def line_without_sign(
    x,
    *,
    level=parameter("level", Prior("Normal", benchmark.LEVEL)),
    slope=parameter("slope", Prior("Normal", (0.0, 0.2))),
):
    """Straight line that always falls."""
    return jnp.exp(level - jnp.abs(slope) * jnp.log(x))


def posterior(s, prior, sign=1.0):
    """Exact mean and covariance of level, slope and ln sigma of a line."""
    features = np.stack([np.ones(s.rows), sign * np.log(s.covariates["x"])], axis=1)
    (means, sds), noise = np.transpose(prior), benchmark.LINE_SIGMA
    precision = np.diag(sds**-2.0) + features.T @ features / noise**2
    mean = np.linalg.solve(precision, means / sds**2 + features.T @ np.log(s.loss) / noise**2)
    covariance = np.zeros((3, 3))
    covariance[:2, :2], covariance[2, 2] = np.linalg.inv(precision), HELD[1] ** 2
    return np.append(mean, HELD[0]), covariance


def mode_at(s, mean, covariance):
    (height,), _ = density(s, mean[None])
    return Mode(mean, mean, height, np.linalg.cholesky(covariance), mean, True)


def bridged(s, modes, position, seed=0):
    """Bridges of one scenario and many sets of draws (sets, chains, draws, coordinates), all in one batch."""
    n = len(position)
    arrays = jax.tree.map(lambda leaf: np.stack([leaf] * n), arrays_of(s, padded_rows([s])))
    start = jax.tree.map(lambda leaf: np.stack([leaf] * n), start_of(Found(modes[0], modes, 1, 1, np.inf)))
    height = density(s, position.reshape(-1, position.shape[-1]))[0].reshape(position.shape[:-1])
    keys = np.stack([key_data("bridge", seed, i) for i in range(n)])
    return bridge(s.model.structure(), arrays, start, position, height, keys, Clock())


# -- against what is known ---------------------------------------------------------------------------
@pytest.fixture(scope="module")
def line():
    mean, covariance = posterior(LINE, (benchmark.LEVEL, benchmark.SLOPE))
    rng = np.random.default_rng(1)
    position = rng.multivariate_normal(mean, covariance, (SEEDS, CHAINS, DRAWS))
    return (mode_at(LINE, mean, covariance),), position


@pytest.mark.compiles
def test_the_bridge_knows_an_exact_evidence_and_its_own_error(line):
    found = bridged(LINE, *line)
    errors = found.log_evidence - EXACT
    assert np.sqrt(np.mean(errors**2)) < 0.02
    assert np.std(errors, ddof=1) < 1.5 * np.mean(found.log_evidence_se)
    assert np.max(np.abs(errors) / found.log_evidence_se) < 4.0
    assert np.max(found.log_evidence_se) < 0.02
    assert np.max(found.missed) < 0.02 and np.max(found.rhat) < 1.01


@pytest.mark.compiles
def test_a_row_of_a_batch_is_what_it_is_alone(line):
    modes, position = line
    together, alone = bridged(LINE, modes, position), bridged(LINE, modes, position[:1])
    for whole, one in zip(together, alone, strict=True):
        np.testing.assert_array_equal(whole[:1], one)


@pytest.mark.compiles
def test_chains_worth_few_draws_have_a_large_error(line):
    modes, position = line
    sticky = np.repeat(position[:1, :, ::50], 50, axis=2)
    found = bridged(LINE, modes, np.concatenate([position[:1], sticky]))
    assert found.rhat[1] > 1.01 > found.rhat[0]
    assert abs(found.log_evidence[1] - EXACT) < 5 * found.log_evidence_se[1]


@pytest.mark.compiles
def test_a_mode_without_a_chain_is_noticed():
    """A slope without a sign has two posteriors, mirror images: chains in one of them miss half the evidence."""
    s = replace(LINE, model=model_of(line_without_sign, noise=f"normal[sigma={benchmark.LINE_SIGMA}]"))
    mean, covariance = posterior(s, (benchmark.LEVEL, (0.0, 0.2)), sign=-1.0)
    turn = np.array([1.0, -1.0, 1.0])
    modes = mode_at(s, mean, covariance), mode_at(s, turn * mean, covariance * np.outer(turn, turn))
    rng = np.random.default_rng(2)
    one = rng.multivariate_normal(mean, covariance, (CHAINS, DRAWS))
    both = one * np.where(rng.random((CHAINS, DRAWS)) < 0.5, 1.0, turn[:, None, None]).T.swapaxes(0, 1)
    found = bridged(s, modes, np.stack([one, both]))
    assert found.missed[0] == pytest.approx(0.5, abs=0.05) and found.missed[1] < 0.05
    refused, shown = (
        evidence_of_chains(jax.tree.map(lambda leaf, i=i: leaf[i], found), s.row_weight) for i in (0, 1)
    )
    assert refused.log_evidence is None and "miss about" in refused.no_evidence
    # at a prior without a preference for a sign, both together are twice one of them
    height = density(s, mean[None])[0][0]
    exact = height + 1.5 * np.log(2 * np.pi) + 0.5 * np.linalg.slogdet(covariance)[1] + np.log(2)
    assert shown.log_evidence == pytest.approx(exact, abs=0.05)


@pytest.mark.compiles
def test_importance_sampling_and_the_bridge_agree():
    s = scenario(simulated("power_law_offset", seed=3), "power_law_offset", name="both")
    (weighted,) = sample([s], Settings(), seed=1, method="importance")
    (chains,) = sample([s], Settings(warmup=SHORT["warmup"], draws=SHORT["draws"]), seed=1)
    first = evidence_of_weights(weighted.weighted, s.row_weight)
    found = bridged(s, (chains.mode,), chains.draws.position[None])
    combined = np.hypot(first.log_evidence_se, found.log_evidence_se[0])
    assert combined < 0.05
    assert abs(first.log_evidence - found.log_evidence[0]) < 4 * combined


# -- what is reported --------------------------------------------------------------------------------
def weights(k=0.1, se=0.01):
    """Weighted draws of which only the evidence matters."""
    nothing = [None] * (len(Weighted._fields) - 1)
    return Weighted(*nothing, None)._replace(
        log_density=np.zeros(3000), pareto_k=k, log_evidence=5.0, log_evidence_se=se
    )


CHAINS_THAT_AGREE = Bridged(5.0, 0.01, 1.003, 0.01)
ONES = np.array([1.0, 0.0, 1.0])
REFUSED = {
    "a large error of weights": (evidence_of_weights, weights(se=0.31), ONES, "0.31 nats"),
    "heavy weights": (evidence_of_weights, weights(k=0.5), ONES, "Pareto k is 0.50"),
    "weights that are none": (evidence_of_weights, weights(k=np.nan), ONES, "Pareto k"),
    "chains that disagree": (
        evidence_of_chains,
        CHAINS_THAT_AGREE._replace(rhat=1.02),
        ONES,
        "R-hat is 1.020",
    ),
    "no R-hat": (evidence_of_chains, CHAINS_THAT_AGREE._replace(rhat=np.nan), ONES, "R-hat"),
    "a mode without a chain": (evidence_of_chains, CHAINS_THAT_AGREE._replace(missed=0.3), ONES, "30%"),
    "a large error of chains": (
        evidence_of_chains,
        CHAINS_THAT_AGREE._replace(log_evidence_se=0.5),
        ONES,
        "0.50 nats",
    ),
    "rows counted twice": (evidence_of_chains, CHAINS_THAT_AGREE, np.array([1.0, 2.0]), "row weights"),
    "half a row": (evidence_of_weights, weights(), np.array([1.0, 0.5]), "row weights"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_trusted_is_none_with_a_reason(case):
    function, given, row_weight, words = REFUSED[case]
    value, se, reason = function(given, row_weight)
    assert value is None and se is None
    assert words in reason


def test_what_can_be_trusted_is_reported():
    assert evidence_of_chains(CHAINS_THAT_AGREE, ONES) == (5.0, 0.01, None)
    assert evidence_of_weights(weights(k=-0.2), ONES) == (5.0, 0.01, None)
    assert reported_evidence(np.inf, 0.01, ONES).no_evidence == "the estimate is not finite"
    assert reported_evidence(1.0, np.nan, ONES).log_evidence is None


def test_the_error_of_heavy_weights_is_stretched():
    errors = [evidence_of_weights(weights(k), ONES).log_evidence_se for k in (0.0, 0.2, 0.4, 0.49)]
    assert errors[0] == 0.01 and np.all(np.diff(errors) > 0)
    assert errors[-1] < 0.02


def test_the_error_of_a_mean_of_pareto_weights_is_stretched_by_what_it_lacks():
    """Means of weights of shape 0.45 spread as much as the stretched error of a typical sample says."""
    rng, n = np.random.default_rng(5), 3000
    samples = rng.pareto(1 / 0.45, (2000, n)) + 1.0
    plain = np.median(samples.std(axis=1) / samples.mean(axis=1)) / np.sqrt(n)
    spread = np.std(np.log(samples.mean(axis=1)))
    stretched = evidence_of_weights(weights(k=0.45, se=plain), ONES).log_evidence_se
    assert plain < 0.9 * spread
    assert stretched == pytest.approx(spread, rel=0.25)


# -- measured ----------------------------------------------------------------------------------------
def test_stored_evidences_are_fresh_and_pass():
    result = benchmark.stored()
    assert result is not None, "no stored evidences: run make calibrate"
    assert benchmark.faults(result) == []
