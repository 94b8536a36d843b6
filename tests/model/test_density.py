"""What the log density of a scaling model must not depend on, and what it must be equal to."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from helpers import TRUTHS, density, design, own, paper_values, sampling, scenario, simulated
from scipy import integrate, special, stats

import scalaw as sl
from scalaw.infer.devices import computing
from scalaw.infer.executables import key_data
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.scenarios import arrays_of
from scalaw.laws.law import Law
from scalaw.laws.records import amplitude, exponent, irreducible
from scalaw.model.coordinates import COORDINATES, SHARPNESS
from scalaw.model.program import natural

LAWS = ["chinchilla", "power_law_offset", "power_law", "kaplan_l_nd"]
CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def positions(s, n=5):
    """Sampling coordinates of prior draws."""
    z = prior_draws(s, n, key_data("density", s.model.label)).z
    return sampling(s, z)


def same(one, other, at, rows=None):
    """Log density and gradient of two scenarios agree."""
    for got, wanted in zip(density(one, at, rows), density(other, at), strict=True):
        assert np.all(np.isfinite(wanted))
        np.testing.assert_allclose(got, wanted, **CLOSE)


# -- rows ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("law", LAWS)
def test_the_order_of_runs_does_not_matter(law):
    runs = simulated(law)
    s = scenario(runs, law)
    same(scenario(runs.select(np.random.default_rng(1).permutation(16)), law), s, positions(s))


@pytest.mark.parametrize("law", LAWS)
def test_padding_to_a_larger_bucket_changes_nothing(law):
    s = scenario(simulated(law).select(np.arange(11)), law)
    same(s, s, positions(s), rows=64)


@pytest.mark.parametrize("law", LAWS)
def test_weight_zero_is_a_removed_row(law):
    runs, keep = simulated(law), np.arange(16) % 5 != 2
    s = scenario(runs, law, row_weight=keep.astype(float))
    same(scenario(runs.select(keep), law, refs=s.refs), s, positions(s))


@pytest.mark.parametrize("law", LAWS)
def test_two_copies_of_half_weight_are_one_row(law):
    runs = simulated(law)
    s = scenario(runs, law)
    twice = scenario(runs.select(np.tile(np.arange(16), 2)), law, row_weight=np.full(32, 0.5))
    same(twice, s, positions(s))


@pytest.mark.parametrize("law", LAWS)
def test_a_held_out_loss_enters_nothing(law):
    runs = simulated(law)
    weight = np.where(runs.values("loss") < np.quantile(runs.values("loss"), 0.2), 0.0, 1.0)
    frame = runs.to_frame()
    frame.loc[weight == 0, "loss"] *= 10
    at = positions(scenario(runs, law, row_weight=weight))
    before = density(scenario(runs, law, row_weight=weight), at)
    after = density(scenario(replace(runs, frame=frame), law, row_weight=weight), at)
    np.testing.assert_array_equal(before[0], after[0])
    np.testing.assert_array_equal(before[1], after[1])


# -- units -----------------------------------------------------------------------------------------
@pytest.mark.parametrize(("law", "name"), [("chinchilla", "N"), ("kaplan_l_nd", "D"), ("power_law", "x")])
def test_the_unit_of_a_covariate_does_not_matter(law, name):
    runs = simulated(law)
    frame = runs.to_frame()
    frame[name] /= 1e9
    s = scenario(runs, law)
    other = scenario(replace(runs, frame=frame), law)
    assert other.refs.units[name] == pytest.approx(s.refs.units[name] / 1e9, rel=1e-12)
    same(other, s, positions(s))


@pytest.mark.parametrize("law", LAWS)
def test_bits_for_nats_rescale_amplitudes_and_nothing_else(law):
    runs = simulated(law)
    s, bits = scenario(runs, law), scenario(runs.convert("bits"), law)
    at = positions(s)
    same(bits, s, at)
    in_nats, in_bits = paper_values(s, at), paper_values(bits, at)
    for p in s.model.law.free:
        power = {"E": 1, "A": 1, "B": 1, "k": 1}.get(p.name, 0)
        if p.role != "scale":  # Kaplan's scales are in parameters and tokens, at one unit of loss
            np.testing.assert_allclose(in_bits[p.name], in_nats[p.name] / np.log(2) ** power, rtol=1e-10)


def test_a_law_may_treat_its_covariates_as_arrays():
    """Even where it is asked for its value at the centre of the runs alone."""
    plain = sl.get_law("power_law_offset")
    indexed = replace(
        plain,
        name="indexed",
        function=lambda x, **given: plain.function(x[..., None].astype(float)[..., 0], **given),
    )
    runs = simulated("power_law_offset")
    s, other = (scenario(runs, law) for law in (plain, indexed))
    same(s, other, positions(s))


# -- variants --------------------------------------------------------------------------------------
def written_out(name, function, parameters):
    """The same law written without a parameter; not registered."""
    named = tuple(replace(p, name=key) for key, p in parameters.items())
    return Law(name, function, sl.get_law("chinchilla").covariates, named)


def test_a_tie_is_the_law_written_without_the_parameter():
    equal = written_out(
        "one_exponent",
        lambda N, D, *, E, A, B, alpha: E + A / N**alpha + B / D**alpha,
        {
            "E": irreducible(),
            "A": amplitude("loss * N**alpha"),
            "B": amplitude("loss * D**alpha"),
            "alpha": exponent(),
        },
    )
    runs = simulated("chinchilla")
    tied, short = scenario(runs, "chinchilla[beta=alpha]"), scenario(runs, equal)
    at = positions(tied)
    beta = tied.model.coordinates.index("beta")
    value, gradient = density(tied, at)
    expected, slope = density(short, np.delete(at, beta, axis=1))
    # the unused coordinate keeps its own prior, a normal in ln(beta)
    np.testing.assert_allclose(value - stats.norm(np.log(0.3), 0.5).logpdf(at[:, beta]), expected, **CLOSE)
    np.testing.assert_allclose(np.delete(gradient, beta, axis=1), slope, **CLOSE)


def test_a_fixed_exponent_is_the_law_written_with_the_number():
    numbered = written_out(
        "numbered",
        lambda N, D, *, E, A, B, alpha: E + A / N**alpha + B / D**0.3,
        {
            "E": irreducible(),
            "A": amplitude("loss * N**alpha"),
            "B": amplitude("loss * D**0.3"),
            "alpha": exponent(),
        },
    )
    runs = simulated("chinchilla")
    fixed, short = scenario(runs, "chinchilla[beta=0.3]"), scenario(runs, numbered)
    at = positions(fixed)
    beta = fixed.model.coordinates.index("beta")
    value, gradient = density(fixed, at)
    expected, slope = density(short, np.delete(at, beta, axis=1))
    np.testing.assert_allclose(value - stats.norm(np.log(0.3), 0.5).logpdf(at[:, beta]), expected, **CLOSE)
    np.testing.assert_allclose(np.delete(gradient, beta, axis=1), slope, **CLOSE)
    np.testing.assert_allclose(gradient[:, beta], -(at[:, beta] - np.log(0.3)) / 0.5**2, rtol=1e-14)


@pytest.mark.parametrize(
    ("law", "held", "structures"),
    [
        ("chinchilla[A=406.4]", {"A": 406.4}, 2),  # its unit moves with an exponent that is learned
        ("chinchilla[A=406.4,alpha=beta]", {"A": 406.4}, 2),
        ("chinchilla[A=406.4,alpha=0.34]", {"A": 406.4, "alpha": 0.34}, 1),
        ("chinchilla[E=1.69,B=410.7,beta=0.28]", {"E": 1.69, "B": 410.7, "beta": 0.28}, 1),
    ],
)
def test_a_held_value_is_the_one_of_the_paper_wherever_the_others_are(law, held, structures):
    runs = simulated("chinchilla")
    s, free = scenario(runs, law), scenario(runs, "chinchilla")
    assert len({s.model.structure(), free.model.structure()}) == structures
    at = positions(s)
    found = paper_values(s, at)
    for name, value in held.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12)
    # runs that are added change the density by the law's likelihood at these values
    parameters = {p.name: found[p.name][:, None] for p in s.model.law.parameters}
    at_runs = s.model.law.function(runs.values("N"), runs.values("D"), **parameters)
    sigma, nu = np.exp(at[:, -2:].T[..., None])
    student = stats.t(1 + nu, np.log(at_runs), sigma)
    likelihood = student.logpdf(np.log(runs.values("loss")))
    first = scenario(runs, law, row_weight=np.eye(16)[0], refs=s.refs)
    added = density(s, at)[0] - density(first, at)[0]
    np.testing.assert_allclose(added, likelihood[:, 1:].sum(axis=1), **CLOSE)


def test_an_offset_held_at_zero_is_the_law_without_it_times_a_proper_prior():
    covariate = sl.get_law("power_law").covariates
    bare = Law(
        "bare",
        lambda x, *, k, alpha: k / x**alpha,
        covariate,
        (replace(amplitude("loss * x**alpha"), name="k"), replace(exponent(), name="alpha")),
    )
    runs = simulated("power_law")
    fixed, short = scenario(runs, "power_law"), scenario(runs, bare)
    at = positions(fixed).copy()
    at[:, 0] = at[0, 0]
    extra = density(fixed, at)[0] - density(short, at[:, 1:])[0]
    np.testing.assert_allclose(extra, extra[0], **CLOSE)
    grid = np.linspace(-1.5, 2.5, 4001)
    line = np.column_stack([grid, np.tile(at[0, 1:], (len(grid), 1))])
    mass = integrate.trapezoid(np.exp(density(fixed, line)[0] - density(short, at[:1, 1:])[0]), grid)
    assert mass == pytest.approx(1.0, abs=1e-6)


# -- an independent evaluation ---------------------------------------------------------------------
def by_hand(runs, c, noise):
    """Log posterior density of chinchilla in sampling coordinates, in NumPy and SciPy alone."""
    level, log_sum, log_ratio, log_alpha, log_beta, log_sigma = c[:6]
    N, D = (runs.values(name) / stats.gmean(runs.values(name)) for name in "ND")
    y = np.log(runs.values("loss") / np.median(runs.values("loss")))
    width = runs.values("loss").min() / np.median(runs.values("loss"))
    share = special.expit(log_ratio)
    alpha, beta, sigma = np.exp(log_alpha), np.exp(log_beta), np.exp(log_sigma)
    A, B = np.exp(log_sum) * (1 - share) / alpha, np.exp(log_sum) * share / beta  # shares of the slope
    v = level - A - B
    s = SHARPNESS
    E = s * (np.logaddexp(0, v / s) - np.logaddexp(0, (v - width) / s))
    log_slope = np.log(special.expit(v / s) - special.expit((v - width) / s))
    prior = (
        stats.beta(4, 2, scale=width).logpdf(E)
        + stats.norm(np.log(0.15), 1).logpdf([np.log(A), np.log(B)]).sum()
        + stats.norm(np.log(0.3), 0.5).logpdf([log_alpha, log_beta]).sum()
        + stats.norm(np.log(0.005), 1).logpdf(log_sigma)
    )
    residual = y - np.log(E + A / N**alpha + B / D**beta)
    if noise == "student_t":
        nu = 1 + np.exp(c[6])
        prior += stats.gamma(2, scale=10).logpdf(nu - 1) + c[6]
        return prior + log_slope + stats.t(nu, scale=sigma).logpdf(residual).sum()
    family = {"normal": stats.norm, "laplace": stats.laplace}[noise]
    return prior + log_slope + family(scale=sigma).logpdf(residual).sum()


@pytest.mark.parametrize("noise", ["student_t", "normal", "laplace"])
def test_the_posterior_of_chinchilla_equals_one_written_by_hand(noise):
    runs = simulated("chinchilla")
    s = scenario(runs, "chinchilla", noise)
    at = positions(s, 8)
    np.testing.assert_allclose(density(s, at)[0], [by_hand(runs, c, noise) for c in at], rtol=1e-9)


# -- sampling coordinates --------------------------------------------------------------------------
@pytest.mark.parametrize("law", LAWS)
def test_the_log_jacobian_is_that_of_the_map(law):
    s = scenario(simulated(law), law)
    structure, at = s.model.structure(), positions(s)
    with computing():
        of_one = jax.jacfwd(lambda c, arrays: natural(structure, arrays, c)[0])
        jacobian = jax.jit(jax.vmap(of_one, (0, None)))(at, arrays_of(s, 16))
    np.testing.assert_allclose(own(s, at)[1], np.linalg.slogdet(jacobian)[1], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_start_near_inverts_the_map_inside_the_range(law):
    s = scenario(simulated(law), law)
    z = prior_draws(s, 5, key_data("inverse", law)).z
    irreducible_loss = np.array([name == "E" for name in s.model.coordinates])
    z[:, irreducible_loss] = np.linspace(-0.5, 0.5, 5)[:, None]  # far from the ends of its range
    back = own(s, sampling(s, z))[0]
    np.testing.assert_allclose(back[:, irreducible_loss], z[:, irreducible_loss], atol=2e-5)
    np.testing.assert_allclose(back[:, ~irreducible_loss], z[:, ~irreducible_loss], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("law", LAWS)
def test_published_like_values_are_inside_the_range_of_the_priors(law):
    prediction = sl.get_law(law)(**design(law), **TRUTHS[law])
    assert np.all((prediction > 1) & (prediction < 10))


def test_positions_of_saved_draws_keep_their_meaning():
    """If this fails, the bijection has changed: raise ``COORDINATES``, so that older fits are refused."""
    one = scenario(simulated("chinchilla"), "chinchilla")
    structure, arrays = one.model.structure(), arrays_of(one, 16)
    with jax.enable_x64(True):
        z, log_jacobian = natural(structure, arrays, np.array([1.0, -1.7, 0.2, -1.0, -1.1, -5.0, 2.0]))
    assert COORDINATES == 2
    assert np.asarray(z)[1:3] == pytest.approx([-1.4981388693815920, -1.1981388693815919], rel=1e-12)
    share = 1.0 - np.sum(np.exp(np.asarray(z)[1:3]))
    width = one.refs.statistics["loss_min"]
    assert np.asarray(z)[0] == pytest.approx(np.log(share / (width - share)), rel=1e-9)
    assert float(log_jacobian) == pytest.approx(np.log(width / (share * (width - share))), rel=1e-9)
