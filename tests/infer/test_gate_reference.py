"""Chains that jump between modes give every mode its mass, on a posterior that is known exactly."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.gate_jumps import chain
from benchmarks.gate_mixture import Mixture, around, draws, joined, log_prob
from benchmarks.gate_tempering import known, pilot
from scalaw.infer.chain_stats import chain_figures
from scalaw.infer.devices import computing
from scalaw.infer.executables import key_data
from scalaw.infer.nuts import Settings

#: Two narrow normals under a wide normal prior: their centres, widths and shares of the likelihood.
CENTRES = np.array([[2.0, 1.0, 0.0], [-2.0, 0.0, 1.0]])
WIDTHS, SHARES, PRIOR = np.array([0.05, 0.1]), np.array([0.3, 0.7]), 2.0


def density(position):
    """Log prior and log likelihood; each normal of the likelihood is normalised."""
    log_prior = jnp.sum(-0.5 * (position / PRIOR) ** 2 - jnp.log(PRIOR * jnp.sqrt(2 * jnp.pi)))
    scaled = jnp.sum((position - CENTRES) ** 2, axis=1) / WIDTHS**2
    log_normal = -0.5 * scaled - 3 * jnp.log(WIDTHS * jnp.sqrt(2 * jnp.pi))
    return log_prior, jax.nn.logsumexp(log_normal + jnp.log(SHARES))


def height(position):
    return sum(density(position))


def exact():
    """Share of each mode and log evidence: products of normals are normals."""
    variance = PRIOR**2 + WIDTHS**2
    of_prior = np.exp(-0.5 * np.sum(CENTRES**2, axis=1) / variance) / (2 * np.pi * variance) ** 1.5
    mass = SHARES * of_prior
    return mass / mass.sum(), np.log(mass.sum())


@pytest.fixture(scope="module")
def sampled():
    """A pilot and chains from its particles."""
    settings = Settings(chains=4, warmup=100, draws=500, target_accept=0.8)

    @jax.jit
    def run(start, key):
        found = pilot(density, start, key)
        keys = jax.random.split(key, settings.chains)
        starts = found.position[:: len(found.position) // settings.chains][: settings.chains]
        one = lambda args: chain(height, found.known, *args, settings)  # noqa: E731
        return found, jax.lax.map(one, (starts, keys))

    with computing():
        start = PRIOR * np.random.default_rng(1).standard_normal((2048, 3))
        return jax.tree.map(np.asarray, run(start, key_data("jumps")))


@pytest.mark.compiles
def test_chains_share_the_mass_between_narrow_modes(sampled):
    shares, _ = exact()
    in_first = (sampled[1].position[..., 0] > 0).astype(float)
    with computing():
        figures = jax.tree.map(np.asarray, jax.jit(chain_figures)(in_first))
    assert figures.rhat < 1.02
    assert figures.ess_mean > 400
    assert abs(figures.mean - shares[0]) < 4 * figures.mcse_mean


@pytest.mark.compiles
def test_chains_have_the_spread_of_each_mode(sampled):
    position = sampled[1].position.reshape(-1, 3)
    for i, here in enumerate((position[:, 0] > 0, position[:, 0] < 0)):
        sd = 1 / np.sqrt(WIDTHS[i] ** -2 + PRIOR**-2)
        # draws are nearly independent; twice the error of a standard deviation of independent ones
        error = 2 * sd / np.sqrt(2 * here.sum())
        assert np.all(np.abs(position[here].std(axis=0) - sd) < 4 * error)


@pytest.mark.compiles
def test_particles_find_both_modes_and_the_evidence(sampled):
    shares, log_evidence = exact()
    found = sampled[0]
    assert abs(np.mean(found.position[:, 0] > 0) - shares[0]) < 0.1
    assert abs(found.log_evidence - log_evidence) < 0.3


@pytest.mark.compiles
def test_mixtures_are_proper_and_draw_what_they_say():
    points = np.random.default_rng(2).standard_normal((400, 2)) * [1.0, 0.1]
    with computing():
        whole = joined((around(points), around(points + [6.0, 0.0], 2.0)), (0.25, 0.75))
        drawn = np.asarray(draws(whole, key_data("mixture"), 20_000))
        log_q = np.asarray(log_prob(whole, drawn))
        box = np.asarray(log_prob(Mixture(*(leaf[:1] for leaf in whole)), drawn))
    assert abs(np.mean(drawn[:, 0] < 2.5) - 0.25) < 0.05
    # the mean of one density over another, at draws of the latter, is one
    assert abs(np.mean(np.exp(box - np.log(0.25) - log_q)) - 1.0) < 0.05


@pytest.mark.compiles
def test_a_fit_covers_clusters_of_very_different_size():
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.standard_normal((1900, 2)), 0.01 * rng.standard_normal((100, 2)) + 5.0])
    with computing():
        found = jax.jit(known)(points, around(points), key_data("fit"))
        log_q = np.asarray(log_prob(found.mixture, np.array([[5.0, 5.0], [0.0, 0.0]])))
    # densities of the two normals at their centres, with their shares
    expected = np.log([0.05 / (2 * np.pi * 0.01**2), 0.95 / (2 * np.pi)])
    assert np.all(np.abs(log_q - expected) < 1.0)
