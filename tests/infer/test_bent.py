"""A bent proposal has the density it says, draws from it, and follows the bends and funnels of draws."""

from functools import partial

import jax
import numpy as np
import pytest
from scipy import stats

from scalaw.infer import bent
from scalaw.infer.bent import Bent, base_draws, fit_bent, log_prob, n_features, push
from scalaw.infer.devices import computing

pytestmark = pytest.mark.compiles


def some_bent(d, strength=1.0, seed=0):
    """A proposal with every bend and funnel that it may have."""
    rng = np.random.default_rng(seed)
    basis = rng.normal(size=(d, d)) + 2.0 * np.eye(d)
    before = bent._features_before(d)
    shift = np.where(before, 0.3 * strength * rng.normal(size=(d, n_features(d))), 0.0)
    log_scale = np.where(before[:, : 1 + d], 0.4 * strength * rng.normal(size=(d, 1 + d)), 0.0)
    log_det = np.linalg.slogdet(basis)[1]
    return Bent(rng.normal(size=d), basis, np.linalg.inv(basis), log_det, shift, log_scale)


def banana_with_a_funnel():
    """In two dimensions: the second coordinate runs along a parabola and spreads with the first."""
    shift, log_scale = np.zeros((2, n_features(2))), np.zeros((2, 3))
    shift[1, :4] = -0.5, 0.3, 0.0, 0.5  # one, u0, u1, u0²
    log_scale[1, 1] = 0.6
    basis = np.diag([2.0, 0.5])
    return Bent(np.array([1.0, -3.0]), basis, np.linalg.inv(basis), 0.0, shift, log_scale)


@jax.jit
def _drawn(proposal, key, like):
    return push(proposal, base_draws(key, len(like), like.shape[1])).T


@jax.jit
def _log_prob(proposal, position):
    return log_prob(proposal, position.T)


@partial(jax.jit, static_argnums=3)
def _fitted(position, log_importance, precision, n_law):
    return fit_bent(position.T, log_importance, precision, n_law)


def drawn(proposal, n, seed=0):
    with computing():
        key = np.array([0, seed], np.uint32)
        return np.asarray(_drawn(proposal, key, np.zeros((n, len(proposal.mean)))))


def density(proposal, position):
    with computing():
        return np.asarray(_log_prob(proposal, position))


def fitted(position, log_importance=None, n_law=None):
    """All coordinates are the law's unless told otherwise."""
    n, d = position.shape
    with computing():
        log_importance = np.zeros(n) if log_importance is None else log_importance
        return jax.tree.map(np.asarray, _fitted(position, log_importance, np.ones(d), n_law or d))


# -- density ---------------------------------------------------------------------------------------
def test_the_density_integrates_to_one_on_a_line():
    at = np.sinh(np.linspace(-12.0, 12.0, 20_001))  # far into the tails
    p = np.exp(density(some_bent(1), at[:, None]))
    assert np.trapezoid(p, at) == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("proposal", [some_bent(2), some_bent(2, 2.0, 1), banana_with_a_funnel()])
def test_the_density_integrates_to_one_on_a_plane(proposal):
    """On a grid in base coordinates that is moved along with the map, so that it is fine where the density is."""
    e = np.sinh(np.linspace(-7.5, 7.5, 1001))
    u0 = proposal.shift[0, 0] + np.exp(proposal.log_scale[0, 0]) * e
    near = np.clip(u0, -bent.CLIP, bent.CLIP)
    middle = proposal.shift[1, 0] + proposal.shift[1, 1] * near + proposal.shift[1, 3] * near**2
    tilt = np.clip(proposal.log_scale[1, 1] * near, -bent.LARGEST, bent.LARGEST)
    u1 = middle[:, None] + np.exp(proposal.log_scale[1, 0] + tilt)[:, None] * e
    u = np.stack([np.broadcast_to(u0[:, None], u1.shape), u1], axis=-1)
    p = density(proposal, (proposal.mean + u @ proposal.basis.T).reshape(-1, 2)).reshape(u1.shape)
    volume = np.exp(p + np.linalg.slogdet(proposal.basis)[1])
    along = np.array([np.trapezoid(row, at) for row, at in zip(volume, u1, strict=True)])
    assert np.trapezoid(along, u0) == pytest.approx(1.0, abs=2e-4)


def plain(d):
    """The base itself."""
    return Bent(np.zeros(d), np.eye(d), np.eye(d), 0.0, np.zeros((d, n_features(d))), np.zeros((d, 1 + d)))


@jax.jit
def _pushed(proposal, e):
    def of_one(e):
        return push(proposal, e[:, None])[:, 0]

    return jax.vmap(of_one)(e), jax.vmap(jax.jacfwd(of_one))(e)


@pytest.mark.parametrize("d", [1, 2, 5, 9])
def test_the_density_is_that_of_the_base_through_the_map(d):
    """By the change of variables: over the Jacobian determinant of what push does."""
    proposal, e = some_bent(d), np.random.default_rng(d).standard_t(3, (40, d))
    with computing():
        position, jacobian = jax.tree.map(np.asarray, _pushed(proposal, e))
    expected = density(plain(d), e) - np.linalg.slogdet(jacobian)[1]
    np.testing.assert_allclose(density(proposal, position), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("d", [1, 3, 7])
@pytest.mark.parametrize("widths", [[1.0], [0.6], [1.6, 0.7, 0.7], [0.7, 0.7, 1.6]], ids=str)
def test_draws_of_the_base_have_its_density(d, widths):
    """Weights of draws against normals of many shapes have mean one: no place is drawn too often or too rarely."""
    sd, n = np.resize(widths, d), 100_000
    e = drawn(plain(d), n)
    weight = np.exp(stats.norm.logpdf(e, scale=sd).sum(axis=1) - density(plain(d), e))
    assert weight.mean() == pytest.approx(1.0, abs=4.5 * weight.std() / np.sqrt(n))
    assert weight.std() / np.sqrt(n) < 0.02


def test_far_tails_stay_those_of_a_t():
    """Far out the map is a shift and a stretch, so no power of the weights' tail is lost."""
    proposal = some_bent(3)
    u = np.array([1.0, -2.0, 1.5])
    far = [density(proposal, (proposal.mean + proposal.basis @ (r * u))[None])[0] for r in (1e5, 1e6)]
    assert far[0] - far[1] == pytest.approx((bent.NU + 3) * np.log(10), rel=1e-3)


# -- fits --------------------------------------------------------------------------------------------
def banana(n, seed=0, bend=0.5, funnel=0.6):
    """Draws of a posterior that is no proposal: a normal along a parabola that spreads as it goes."""
    e = np.random.default_rng(seed).standard_normal((n, 2))
    return np.stack(
        [2.0 * e[:, 0], bend * (e[:, 0] ** 2 - 1.0) + np.exp(funnel * e[:, 0]) * 0.5 * e[:, 1]], 1
    )


def log_banana(position, bend=0.5, funnel=0.6):
    first = position[:, 0] / 2.0
    width = 0.5 * np.exp(funnel * first)
    second = (position[:, 1] - bend * (first**2 - 1.0)) / width
    return -0.5 * (first**2 + second**2) - np.log(2 * np.pi * 2.0 * width)


def efficiency(proposal, log_target, n=40_000, parts=4):
    """Kish's effective draws per draw of a proposal, the median of a few samples: one far draw may rule a sample."""
    position = drawn(proposal, n, seed=99)
    weight = np.exp(log_target(position) - density(proposal, position)).reshape(parts, -1)
    return np.median(weight.sum(axis=1) ** 2 / (weight**2).sum(axis=1)) / (n // parts)


def straight(position, log_importance=None):
    """The best multivariate t without bends."""
    found = fitted(position, log_importance)
    cut = np.where(np.arange(found.log_scale.shape[1]) == 0, found.log_scale, 0.0)
    return found._replace(shift=np.zeros_like(found.shift), log_scale=cut)


def test_a_banana_with_a_funnel_is_recovered():
    position = banana(20_000)
    assert efficiency(fitted(position), log_banana) > 0.7
    assert efficiency(straight(position), log_banana) < 0.4


def test_what_is_straight_stays_straight():
    rng = np.random.default_rng(1)
    root = rng.normal(size=(4, 4)) + 2 * np.eye(4)
    precision = np.linalg.inv(root @ root.T)
    found = fitted(rng.standard_normal((20_000, 4)) @ root.T)
    assert np.abs(found.shift).max() < 0.05 and np.abs(found.log_scale[:, 1:]).max() < 0.05

    def log_normal(position):
        return -0.5 * np.einsum("ni,ij,nj->n", position, precision, position)

    assert efficiency(found, log_normal) > 0.75


def test_the_noise_sets_the_scale_of_the_law():
    """Law coordinates, sharp or vague, spread in proportion to exp of the last coordinate, which is the noise's."""
    rng, scale = np.random.default_rng(3), np.array([0.1, 1.0])
    e = rng.standard_normal((20_000, 3))
    position = np.concatenate([scale * np.exp(0.8 * e[:, 2:]) * e[:, :2], e[:, 2:]], axis=1)

    def log_funnel(position):
        width = scale * np.exp(0.8 * position[:, 2:])
        inside = np.sum(-0.5 * (position[:, :2] / width) ** 2 - np.log(width), axis=1)
        return inside - 0.5 * position[:, 2] ** 2

    assert efficiency(fitted(position, n_law=2), log_funnel) > 0.6
    assert efficiency(straight(position), log_funnel) < 0.4


def test_weights_are_used():
    """Draws of a wide straight proposal, weighted to the banana, give the banana."""
    wide = straight(3.0 * banana(20_000))
    position = drawn(wide, 100_000)
    log_weight = log_banana(position) - density(wide, position)
    assert efficiency(fitted(position, log_weight), log_banana) > 0.65
    assert efficiency(fitted(position), log_banana) < 0.3


def test_draws_without_weight_count_for_nothing():
    position = banana(4000)
    log_weight = np.where(np.arange(4000) % 4 == 0, -np.inf, 0.0)
    spoiled = np.where(np.isinf(log_weight)[:, None], np.nan, position)
    unknown = np.where(np.isinf(log_weight), np.nan, 0.0)
    expected = fitted(position[np.isfinite(log_weight)])
    for found in (fitted(spoiled, log_weight), fitted(position, unknown)):
        for got, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-6, atol=1e-8)


def test_one_heavy_draw_does_not_govern_a_fit():
    position, log_weight = banana(4000), np.zeros(4000)
    position[17], log_weight[17] = (4.0, 3.0), 6.0  # 400 times the others, a tenth of all
    found = fitted(position, log_weight)
    assert efficiency(found, log_banana) > 0.6


def test_draws_in_fewer_directions_than_there_are_give_a_proper_proposal():
    position = np.random.default_rng(2).standard_normal((4000, 3))
    position[:, 2] = position[:, 0] - position[:, 1]
    found = fitted(position)
    assert all(np.isfinite(leaf).all() for leaf in found)
    assert np.isfinite(density(found, position)).all()
