"""M4 is given implicitly: solved to machine precision, differentiated by the implicit function theorem."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scalaw.laws import get_law

m4, m2 = get_law("m4"), get_law("m2")
VALUES = {"eps_inf": 0.1, "eps0": 1.0, "beta": 2.0, "alpha": 0.7, "c": 0.35}


def predict(x, **values):
    with jax.enable_x64(True):
        return np.asarray(m4(x=x, **{**VALUES, **values}))


@pytest.mark.parametrize("alpha", [1e-3, 0.1, 0.7, 1.0, 2.0, 6.0])
def test_the_equation_holds_to_machine_precision(alpha):
    x = np.geomspace(1e-12, 1e12, 49)
    eps = predict(x, alpha=alpha)
    inside = (eps > 0.1 * (1 + 1e-3)) & (eps < 1 - 1e-3)  # elsewhere a difference of floats says little
    assert inside.any()
    left = np.log(eps[inside] - 0.1) - alpha * np.log(1 - eps[inside])
    np.testing.assert_allclose(left, np.log(2) - 0.35 * np.log(x[inside]), atol=1e-11)
    assert np.all(np.diff(eps) <= 0) and eps.min() >= 0.1 and eps.max() <= 1.0


def test_without_bend_it_is_m2():
    x = np.geomspace(1e2, 1e12, 11)
    with jax.enable_x64(True):
        wanted = np.asarray(m2(x=x, **{name: VALUES[name] for name in ("eps_inf", "beta", "c")}))
    np.testing.assert_allclose(predict(x, alpha=0.0), wanted, rtol=1e-13)
    np.testing.assert_allclose(predict(x, alpha=1e-12), wanted, rtol=1e-10)


@pytest.mark.parametrize("x", [1e-300, 1e-30, 1.0, 1e30, 1e300])
def test_extreme_inputs_stay_between_the_limits_with_finite_gradients(x):
    with jax.enable_x64(True):
        gradient = jax.jit(jax.grad(lambda values: m4(x=x, **values)))
        for alpha in (0.0, 1e-8, 0.7, 30.0):
            eps = predict(x, alpha=alpha)
            assert 0.1 <= eps <= 1.0
            assert all(np.isfinite(g) for g in gradient({**VALUES, "alpha": alpha}).values())


@pytest.mark.parametrize("name", ["x", *VALUES])
def test_gradients_agree_with_finite_differences(name):
    point = {"x": 300.0, **VALUES}
    step = 1e-5 * point[name]
    with jax.enable_x64(True):
        slope = jax.grad(lambda v: m4(**{**point, name: v}))(point[name])
    ends = [predict(**{**point, name: point[name] + s * step}) for s in (1, -1)]
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / (2 * step), rtol=1e-8)


def test_curvature_is_right_too():
    with jax.enable_x64(True):
        first = jax.grad(lambda c: m4(x=300.0, **{**VALUES, "c": c}))
        second = float(jax.grad(first)(0.35))
        ends = [float(first(0.35 + s * 1e-5)) for s in (1, -1)]
    np.testing.assert_allclose(second, (ends[0] - ends[1]) / 2e-5, rtol=1e-7)


def test_single_precision_and_broadcasting():
    x = np.geomspace(1, 1e6, 5)
    table = predict(x, alpha=np.array([[0.2], [0.7], [2.0]]))
    assert table.shape == (3, 5)
    np.testing.assert_allclose(table[1], predict(x), rtol=1e-15)
    single = m4(x=jnp.asarray(x, jnp.float32), **{n: jnp.float32(v) for n, v in VALUES.items()})
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, predict(x), rtol=2e-6)
