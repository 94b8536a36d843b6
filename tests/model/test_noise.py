"""Every noise is a density of the log loss, with a gradient and draws that belong to it."""

import jax
import numpy as np
import pytest
from scipy import integrate, stats

from scalaw.errors import ScalawError
from scalaw.infer.devices import computing
from scalaw.model import Noise, get_noise, noises, simulate

VALUES = {"sigma": 0.02, "nu": 4.5}
SCIPY = {
    "student_t": lambda v: stats.t(v["nu"], scale=v["sigma"]),
    "normal": lambda v: stats.norm(scale=v["sigma"]),
    "laplace": lambda v: stats.laplace(scale=v["sigma"]),
}
LOCATION = 0.7
#: Log losses around the location, in units of sigma; none exactly on Laplace's kink.
Y = LOCATION + VALUES["sigma"] * np.array([-30.0, -3.0, -0.5, 1e-3, 0.8, 2.0, 12.0])


def check_noise(noise: Noise) -> None:
    """What every noise promises: a proper density with its gradient, and draws of it."""
    values = {p.name: VALUES[p.name] for p in noise.parameters}
    reference = SCIPY[noise.name](values)

    def log_prob(y, location=LOCATION):
        with computing():
            return np.asarray(noise.log_prob(y, location, values, {}), np.float64)

    np.testing.assert_allclose(log_prob(Y), reference.logpdf(Y - LOCATION), rtol=1e-10)
    sides = [
        integrate.quad(lambda u, s=side: np.exp(log_prob(LOCATION + s * values["sigma"] * u)), 0, np.inf)[0]
        for side in (-1, 1)
    ]
    assert values["sigma"] * sum(sides) == pytest.approx(1.0, abs=1e-8)
    check_gradient(noise, values)
    check_draws(noise, values, reference)


def check_gradient(noise: Noise, values: dict[str, float]) -> None:
    """The gradient in location and parameters is finite and equals central differences."""

    def total(location, values):
        return noise.log_prob(Y, location, values, {}).sum()

    with computing():
        gradient = jax.grad(total, argnums=(0, 1))(LOCATION, values)
        for name, got in {"location": gradient[0], **gradient[1]}.items():
            size = 1e-7 * values.get(name, values["sigma"])

            def moved(sign, name=name, size=size):
                shift = LOCATION + sign * size * (name == "location")
                return float(total(shift, {k: v + sign * size * (k == name) for k, v in values.items()}))

            assert np.isfinite(got)
            assert float(got) == pytest.approx((moved(1) - moved(-1)) / (2 * size), rel=1e-5)


def check_draws(noise: Noise, values: dict[str, float], reference) -> None:
    """Draws follow the density: Kolmogorov–Smirnov at 1 in 10 000, and quantiles within 4 standard errors."""
    rng, n = np.random.default_rng(7), 20_000
    location = rng.normal(size=n)
    residual = noise.draw(rng, location, values, {}) - location
    assert stats.kstest(residual, reference.cdf).pvalue > 1e-4
    for prob in (0.05, 0.5, 0.95):
        at = reference.ppf(prob)
        se = np.sqrt(prob * (1 - prob) / n) / reference.pdf(at)
        assert abs(np.quantile(residual, prob) - at) < 4 * se
    kurtosis = float(reference.stats("k"))
    if np.isfinite(kurtosis) and kurtosis < 5:
        assert residual.std() == pytest.approx(reference.std(), rel=4 * np.sqrt((kurtosis + 2) / (4 * n)))


@pytest.mark.parametrize("noise", noises(), ids=lambda noise: noise.name)
def test_noise_keeps_its_promises(noise):
    check_noise(noise)


@pytest.mark.parametrize("noise", noises(), ids=lambda noise: noise.name)
def test_every_noise_parameter_has_a_proper_prior(noise):
    assert [p.role for p in noise.parameters] == ["noise"] * len(noise.parameters)
    assert all(p.prior is not None and p.prior.positive for p in noise.parameters)


def test_only_student_t_has_no_mean_loss():
    assert {noise.name: noise.has_mean for noise in noises()} == {
        "student_t": False,
        "normal": True,
        "laplace": True,
    }


def test_a_noise_parameter_can_be_held():
    held = get_noise("student_t[nu=5]")
    assert (held.name, held.fixed) == ("student_t[nu=5]", (("nu", 5.0),))
    assert held.structure == get_noise("student_t").structure
    assert get_noise(held) is held
    assert get_noise(" normal ").fixed == ()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("gaussian", "M002"),
        ("", "M002"),
        ("student_t[nu]", "M002"),
        ("student_t[]", "M002"),
        ("normal[nu=5]", "M009"),
        ("student_t[nu=0]", "M009"),
        ("student_t[nu=-2]", "M009"),
        ("student_t[nu=inf]", "M009"),
        ("student_t[nu=nan]", "M009"),
        ("student_t[nu=five]", "M009"),
    ],
)
def test_unknown_noises_and_variants_are_refused(text, code):
    with pytest.raises(ScalawError) as caught:
        get_noise(text)
    assert caught.value.code == code


def test_a_held_noise_parameter_need_not_be_given_to_a_simulation():
    values = {"k": 30.0, "alpha": 0.05, "sigma": 0.01}
    held = simulate("power_law", values, at={"x": ["1e18", "1e19"]}, noise="student_t[nu=5]", seed=3)
    given = simulate("power_law", {**values, "nu": 5.0}, at={"x": ["1e18", "1e19"]}, seed=3)
    np.testing.assert_array_equal(held.values("loss"), given.values("loss"))
