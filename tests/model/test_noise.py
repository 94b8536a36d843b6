"""Every noise is a density of what it scatters, with a gradient and draws that belong to it."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import special, stats

from scalaw.errors import ScalawError
from scalaw.infer.devices import computing
from scalaw.model import check_noise, get_noise, noises
from scalaw.model.row_data import RowData
from scalaw.model.special import log_half_step, log_mean_normal

NAMES = [noise.name for noise in noises()]
#: What noises that read numbers of a run are checked with, beside neutral numbers.
ROWS = {
    "growing": {"log_size": -3.0},
    "known_se": {"loss_se": 0.004},
    "rounded": {"half_width": 0.006},
    "binomial": {"trials": 40.0},
    "beta_binomial": {"trials": 40.0},
}
VALUES = {"sigma": 0.02, "nu": 4.5, "rate": 0.2, "excess": 0.05}
SIGMA, R = VALUES["sigma"], 0.01
STEP = 4 * SIGMA**2  # one over the concentration of a beta distribution
LOCATION = {"log": 0.7, "share": 0.3, "count": 0.3, "value": 0.7}
SCIPY = {
    "student_t": stats.t(4.5, 0.7, SIGMA),
    "normal": stats.norm(0.7, SIGMA),
    "laplace": stats.laplace(0.7, SIGMA),
    "growing": stats.t(4.5, 0.7, SIGMA * np.exp(0.6)),
    "one_sided": stats.exponnorm(2.5, 0.7, SIGMA),
    "known_se": stats.norm(0.7, np.hypot(SIGMA, 0.004)),
    "additive": stats.t(4.5, 0.7, SIGMA),
    "beta": stats.beta(0.3 / STEP, 0.7 / STEP),
    "binomial": stats.binom(40, 0.3),
    "beta_binomial": stats.betabinom(40, 0.3 / STEP, 0.7 / STEP),
}


def log_prob(noise, y, location, values, rows=None):
    with computing():
        return np.asarray(get_noise(noise).log_prob(np.asarray(y), location, values, rows or {}))


@pytest.mark.parametrize("rows", ["neutral", "given"])
@pytest.mark.parametrize("name", NAMES)
def test_noise_keeps_its_promises(name, rows):
    if rows == "given" and name not in ROWS:
        return
    assert "draws" in check_noise(get_noise(name), rows=ROWS[name] if rows == "given" else None)


@pytest.mark.parametrize("name", SCIPY)
def test_density_is_the_one_that_it_says(name):
    noise, reference = get_noise(name), SCIPY[name]
    probs = np.array([1e-12, 1e-4, 0.1, 0.4, 0.8, 0.999])
    if noise.scatters == "count":
        y = np.arange(41) / 40
        wanted = reference.logpmf(np.arange(41))
    else:
        y = reference.ppf(probs)
        wanted = reference.logpdf(y)
    values = {p.name: VALUES[p.name] for p in noise.parameters}
    got = log_prob(name, y, LOCATION[noise.scatters], values, ROWS.get(name))
    np.testing.assert_allclose(got, wanted, rtol=1e-9)


def test_a_rounded_loss_has_the_probability_of_its_interval():
    printed, half = np.array([2.30, 2.31, 2.45]), 0.005
    y, rows = np.log(printed), {"half_width": half / printed}
    mass = np.diff(stats.norm(0.84, SIGMA).cdf(np.log([printed - half, printed + half])), axis=0)[0]
    length = np.log(printed + half) - np.log(printed - half)
    np.testing.assert_allclose(np.exp(log_prob("rounded", y, 0.84, {"sigma": SIGMA}, rows)) * length, mass)
    every = np.arange(0.01, 8.0, 0.01)  # every loss that could be printed
    rows = {"half_width": half / every}
    share = (
        np.exp(log_prob("rounded", np.log(every), 0.84, {"sigma": SIGMA}, rows))
        * 2
        * np.arctanh(half / every)
    )
    assert share.sum() == pytest.approx(1.0, abs=1e-12)


def test_half_a_step_of_the_log_gamma_function():
    x = np.geomspace(1e-3, 1e3, 200)
    with computing():
        got = np.asarray(jax.jit(log_half_step)(x))
        slope = np.asarray(jax.jit(jax.vmap(jax.grad(log_half_step)))(x))
    np.testing.assert_allclose(got, special.gammaln(x + 0.5) - special.gammaln(x), rtol=0, atol=5e-12)
    np.testing.assert_allclose(slope, special.digamma(x + 0.5) - special.digamma(x), rtol=1e-10)


def test_mean_of_the_normal_density_keeps_its_digits():
    half = np.array([0.0, 1e-12, 1e-6, 1e-3, 0.1, 10.0])
    middle = np.array([[0.0], [0.3], [-4.0], [19.9], [20.1], [300.0]])
    with computing():
        got = np.asarray(jax.jit(log_mean_normal)(middle, half))
        slopes = jax.jit(jax.grad(lambda m, h: log_mean_normal(m, h).sum(), (0, 1)))(middle, half)
    nodes, weights = np.polynomial.legendre.leggauss(400)
    inside = -0.5 * (middle[..., None] + half[:, None] * nodes) ** 2
    top = inside.max(axis=-1)
    mean = 0.5 * np.sum(weights * np.exp(inside - top[..., None]), axis=-1)
    np.testing.assert_allclose(got, top + np.log(mean) - 0.5 * np.log(2 * np.pi), rtol=1e-10)
    assert all(np.all(np.isfinite(slope)) for slope in slopes)


Y = LOCATION["log"] + SIGMA * np.array([-30.0, -3.0, -0.5, 1e-3, 0.8, 2.0, 12.0])
SHARES = np.arange(41) / 40


@pytest.mark.parametrize(
    ("name", "values", "rows", "limit", "y"),
    [
        ("growing", {"sigma": SIGMA, "nu": 4.5, "rate": 0.0}, {"log_size": -3.0}, "student_t", Y),
        ("growing", VALUES, {"log_size": 0.0}, "student_t", Y),
        ("one_sided", {"sigma": SIGMA, "excess": 0.0}, {}, "normal", Y),
        ("one_sided", {"sigma": SIGMA, "excess": 1e-14}, {}, "normal", Y),
        ("known_se", {"sigma": SIGMA}, {"loss_se": 0.0}, "normal", Y),
        ("known_se", {"sigma": 0.0}, {"loss_se": SIGMA}, "normal", Y),
        ("rounded", {"sigma": SIGMA}, {"half_width": 0.0}, "normal", Y),
        ("rounded", {"sigma": SIGMA}, {"half_width": 1e-13}, "normal", Y),
        ("beta_binomial", {"sigma": 0.0}, {"trials": 40.0}, "binomial", SHARES),
        ("beta_binomial", {"sigma": 1e-7}, {"trials": 40.0}, "binomial", SHARES),
    ],
)
def test_limits(name, values, rows, limit, y):
    location = LOCATION[get_noise(name).scatters]
    got = log_prob(name, y, location, values, rows)
    plain = log_prob(limit, y, location, {**values, "sigma": values["sigma"] or SIGMA}, rows)
    np.testing.assert_allclose(got, plain, rtol=1e-9, atol=1e-9)
    with computing():  # a parameter held at its limit must not spoil the others' gradients
        slopes = jax.grad(lambda v, at: get_noise(name).log_prob(y, at, v, rows).sum(), (0, 1))(
            values, location
        )
    assert np.all(np.isfinite([*slopes[0].values(), slopes[1]]))


@pytest.mark.parametrize("name", NAMES)
def test_single_precision_is_near_double(name):
    noise = get_noise(name)
    location, rows = (
        LOCATION[noise.scatters],
        {key: np.full(7, value) for key, value in ROWS.get(name, {}).items()},
    )
    y = Y if noise.unbounded else np.array([0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5])
    with jax.enable_x64(False):
        single = np.asarray(jax.jit(noise.log_prob)(y, location, VALUES, rows))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, log_prob(name, y, location, VALUES, rows), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("successes", [0.0, 1.0])
@pytest.mark.parametrize("name", ["binomial", "beta_binomial"])
def test_a_law_that_says_never_or_always_stays_finite(name, successes):
    values = {"sigma": 0.0}
    for location in (0.0, 1.0):
        assert np.isfinite(log_prob(name, successes, location, values, {"trials": 1e6}))


def test_a_million_trials_of_a_rare_success():
    got = log_prob("beta_binomial", np.array([0.0, 3e-6]), 1e-6, {"sigma": 1e-6}, {"trials": 1e6})
    np.testing.assert_allclose(got, stats.binom(10**6, 1e-6).logpmf([0, 3]), rtol=1e-5)


BROKEN = {
    "density": lambda n: replace(n, log_prob=lambda y, at, v, rows: -0.5 * ((y - at) / v["sigma"]) ** 2),
    "gradient": lambda n: replace(
        n, log_prob=lambda y, at, v, rows: n.log_prob(y, jax.lax.stop_gradient(at), v, rows)
    ),
    "draws": lambda n: replace(
        n, draw=lambda rng, at, v, rows: at + v["sigma"] ** 0.5 * rng.standard_normal(np.shape(at))
    ),
    "extremes": lambda n: replace(
        n, log_prob=lambda y, at, v, rows: jnp.log(jnp.exp(n.log_prob(y, at, v, rows)))
    ),
    "padding": lambda n: replace(
        n,
        reads=(RowData("width", "", 0.0, 0.0),),
        log_prob=lambda y, at, v, rows: n.log_prob(y, at, v, rows) + jnp.log(rows["width"]),
    ),
    "scale": lambda n: replace(n, scale=lambda at, v, rows: v["sigma"]),
    "parameters": lambda n: replace(n, parameters=(replace(n.parameters[0], prior=None),)),
}


@pytest.mark.parametrize("check", BROKEN)
def test_a_broken_noise_is_caught(check):
    with pytest.raises(ScalawError, match=f"check {check}") as caught:
        check_noise(BROKEN[check](get_noise("normal")), values={"sigma": 0.02}, rows={"width": 1.0})
    assert caught.value.code == "M017"


@pytest.mark.parametrize("name", NAMES)
def test_every_noise_parameter_has_a_proper_prior(name):
    parameters = get_noise(name).parameters
    assert [p.role for p in parameters] == ["noise"] * len(parameters)
    assert all(p.prior is not None and p.prior.positive for p in parameters)


def test_noises_with_student_t_tails_have_no_mean_loss():
    assert {noise.name for noise in noises() if not noise.has_mean} == {"student_t", "growing"}


def test_a_noise_parameter_can_be_held():
    held = get_noise("student_t[nu=5]")
    assert (held.name, held.fixed) == ("student_t[nu=5]", (("nu", 5.0),))
    assert held.structure == get_noise("student_t").structure
    assert get_noise(held) is held
    assert get_noise(" normal ").fixed == ()
    both = get_noise("one_sided:sigma=0.01,excess=0")
    assert (both.name, both.fixed) == ("one_sided[sigma=0.01,excess=0]", (("sigma", 0.01), ("excess", 0.0)))
    assert get_noise(both.name) == both


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("gaussian", "M002"),
        ("", "M002"),
        ("student_t[nu]", "M002"),
        ("student_t[]", "M002"),
        ("student_t[nu=5,]", "M002"),
        ("normal[nu=5]", "M009"),
        ("student_t[nu=0]", "M009"),
        ("student_t[nu=-2]", "M009"),
        ("student_t[nu=inf]", "M009"),
        ("student_t[nu=nan]", "M009"),
        ("student_t[nu=five]", "M009"),
        ("student_t[nu=5,nu=6]", "M009"),
        ("beta[sigma=0]", "M009"),
        ("binomial[sigma=1]", "M009"),
    ],
)
def test_unknown_noises_and_variants_are_refused(text, code):
    with pytest.raises(ScalawError) as caught:
        get_noise(text)
    assert caught.value.code == code
