"""Powers written as exponentials change neither a law nor its gradient."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scalaw.infer.devices import computing
from scalaw.laws import get_law, list_laws
from scalaw.laws.sample import sample_covariates, sample_prior
from scalaw.model.powers import with_exponentials

VARIANTS = ("bnsl[breaks=3]", "data_mixing_ye[domains=4]")
LAWS = {law.name: law for law in [*list_laws(), *map(get_law, VARIANTS)]}
ROWS, DRAWS = 5, 7


def in_both_ways(function, *arguments):
    """Of a function and of the same with exponentials: the value, a gradient, and a change along a direction."""

    def all_of(function):
        def one(*arguments):
            rng = np.random.default_rng(8)
            pull = rng.standard_normal(jax.eval_shape(function, *arguments).shape)
            move = jax.tree.map(lambda leaf: leaf * rng.standard_normal(leaf.shape), arguments)
            gradient = jax.grad(lambda *a: jnp.sum(pull * function(*a)), tuple(range(len(arguments))))
            return function(*arguments), gradient(*arguments), jax.jvp(function, arguments, move)[1]

        return jax.tree.map(np.asarray, jax.jit(one)(*arguments))

    with computing():
        return all_of(function), all_of(with_exponentials(function))


@pytest.mark.parametrize("name", LAWS)
def test_every_law_has_the_same_values_and_gradients(name):
    law, rng = LAWS[name], np.random.default_rng(3)
    refs = {**{c.unit: 1.0 for c in law.covariates}, "loss": 1.0}
    reduced = law.reduce(sample_covariates(law, rng, ROWS, refs), refs)
    covariates = [reduced[c.name] for c in law.covariates]
    values = sample_prior(law, rng, DRAWS)

    def of_draws(covariates, values):
        return jax.vmap(lambda one: law.function(*covariates, **one))(values)

    plain, exponentials = in_both_ways(of_draws, covariates, values)
    assert jax.tree.structure(plain) == jax.tree.structure(exponentials)
    for got, wanted in zip(jax.tree.leaves(exponentials), jax.tree.leaves(plain), strict=True):
        assert got.shape == wanted.shape and np.all(np.isfinite(wanted))
        scale = np.abs(wanted).max()  # a derivative that is a difference of two is as exact as these are
        np.testing.assert_allclose(got, wanted, rtol=1e-12, atol=1e-13 * scale)


EXPONENTS = np.array([1e-6, 1e-3, 0.05, 0.5, 1.0, 2.5])


@pytest.mark.parametrize("precision", ["float64", "float32"])
def test_zero_to_any_power_is_zero_and_has_finite_derivatives(precision):
    def value(base, exponent):
        return base**exponent

    def of_all(x, y):
        power = with_exponentials(value)
        parts = (power, *(jax.grad(power, i) for i in (0, 1)), jax.grad(jax.grad(power, 1), 1))
        return tuple(jax.vmap(part, (None, 0))(x, y) for part in parts)

    with computing(precision):
        x = np.zeros((), precision)
        got, *derivatives = jax.tree.map(np.asarray, jax.jit(of_all)(x, EXPONENTS.astype(precision)))
        ends = jax.jit(with_exponentials(value))(x, np.array([0.0, -1.0], precision))
    np.testing.assert_array_equal(got, 0.0)
    assert np.isfinite(derivatives).all()
    assert np.asarray(ends).tolist() == [1.0, np.inf]  # as without exponentials


def test_powers_inside_inner_functions_and_of_keywords_are_replaced():
    @jax.jit
    def inner(x, y):
        return {"a": x**y, "b": x}

    def outer(x, *, y):
        return inner(2.0 * x, y)["a"] + inner(x, y)["b"]

    with computing():
        x, y = np.array([0.5, 3.0]), np.float64(-0.7)
        traced = jax.make_jaxpr(with_exponentials(outer))(x, y=y)
        got = np.asarray(jax.jit(with_exponentials(outer))(x, y=y))
    assert " pow " not in str(traced)
    np.testing.assert_allclose(got, (2 * x) ** y + x, rtol=1e-14)


def test_a_negative_base_has_no_power():
    with computing():
        assert np.isnan(np.asarray(jax.jit(with_exponentials(lambda x, y: x**y))(-2.0, 1.5)))
