"""How far a posterior moves with the strength of its prior: as ArviZ computes it."""

import numpy as np
import pytest

from scalaw.infer.sensitivity import power_sensitivity


def draws(seed, n=4000):
    """A wide, a shifted, a narrow and a log-normal quantity."""
    x = np.random.default_rng(seed).standard_normal((n, 4)) * [1.0, 0.5, 0.1, 2.0] + [0.0, 0.2, 5.0, 1.0]
    return np.column_stack([x[:, :3], np.exp(x[:, 3])])


@pytest.mark.parametrize("strength", [0.1, 1.0, 5.0])
def test_it_is_what_arviz_computes(strength):
    import arviz_base
    import arviz_stats

    x = draws(0)
    log_prior = -0.5 * strength * np.sum(x[:, :3] ** 2, axis=1)
    names = ["a", "b", "c", "d"]
    groups = {
        "posterior": {name: x[:, i].reshape(4, -1) for i, name in enumerate(names)},
        "log_prior": {"a": log_prior.reshape(4, -1)},
    }
    theirs = arviz_stats.psense(arviz_base.from_dict(groups), group="prior")
    expected = [float(theirs[name]) for name in names]
    np.testing.assert_allclose(power_sensitivity(x, log_prior), expected, rtol=0.03, atol=1e-4)


def test_a_constant_changes_nothing_and_a_flat_prior_moves_nothing():
    x = draws(1)
    log_prior = -np.abs(x[:, 0])
    before = power_sensitivity(x, log_prior)
    np.testing.assert_allclose(power_sensitivity(x, log_prior - 1e4), before, rtol=1e-9)
    np.testing.assert_allclose(power_sensitivity(x, np.zeros(len(x))), 0.0, atol=1e-6)


def test_a_quantity_that_does_not_vary_does_not_move():
    x = np.column_stack([np.ones(1000), np.arange(1000.0)])
    found = power_sensitivity(x, np.linspace(-3.0, 0.0, 1000))
    assert found[0] == 0.0 < found[1]


def test_draws_beyond_all_weight_are_no_trouble():
    x = draws(2)
    log_prior = np.where(np.arange(len(x)) < 10, -1e6, 0.0)
    assert np.all(np.isfinite(power_sensitivity(x, log_prior)))
