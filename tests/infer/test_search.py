"""Screening makes candidates better, never worse, and searches say how many modes there are."""

from functools import partial

import jax
import numpy as np
import pytest
from helpers import TRUTHS, modes_of, scenario, simulated, two_terms_alike

import scalaw as sl
from scalaw.infer import screen, search
from scalaw.infer.batch import grouped
from scalaw.infer.devices import computing
from scalaw.infer.executables import key_data
from scalaw.infer.point import Mode
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock
from scalaw.infer.scenarios import arrays_of, padded_rows
from scalaw.infer.search import SMALL_STARTS, STARTS, climb, found_modes
from scalaw.model.program import own_evaluated

pytestmark = pytest.mark.compiles


# -- screening ---------------------------------------------------------------------------------------
def screened(s, z):
    """Candidates (n, coordinates) of a scenario, improved and ranked."""
    structure, arrays = s.model.structure(), arrays_of(s, padded_rows([s]))
    with computing():
        return np.asarray(jax.jit(partial(screen.screen, structure))(arrays, z))


def candidates(s, n=None):
    return prior_draws(s, n or search.candidates(s.model.structure()), key_data("screen", s.model.label)).z


def heights(s, z):
    """Log densities in the parameters' own coordinates."""
    structure, arrays = s.model.structure(), arrays_of(s, padded_rows([s]))
    with computing():
        return np.asarray(jax.jit(jax.vmap(partial(own_evaluated, structure, arrays)))(z)[1])


@pytest.mark.parametrize(
    ("law", "noise"),
    [
        ("chinchilla", "student_t"),
        ("power_law_offset", "student_t"),
        ("kaplan_l_nd", "student_t"),  # no coefficient enters it linearly
        ("chinchilla[alpha=beta]", "student_t"),
        ("chinchilla[E=1.7]", "student_t"),
    ],
)
def test_screening_lowers_no_density_and_ranks(law, noise):
    s = scenario(simulated(law.split("[")[0]), law, noise)
    z = candidates(s)
    after = screened(s, z)
    found = heights(s, after)
    assert np.all(np.isfinite(found)) and np.all(np.diff(found) <= 1e-9)
    before = heights(s, z)
    assert np.all(found >= np.sort(before)[::-1] - 1e-9)
    assert np.median(found) > np.median(before) + 10


def at_true_exponents(law):
    """A scenario of clean runs, and candidates that differ in all but the exponents, which are the true ones."""
    s = scenario(simulated("chinchilla", sigma=1e-6), law)
    z = candidates(s).copy()
    for name in ("alpha", "beta"):
        z[:, s.model.coordinates.index(name)] = np.log(TRUTHS["chinchilla"][name])
    return s, z


def coefficients(s, z):
    """E, A and B of candidates in reference units, (n, 3)."""
    at = {name: z[:, s.model.coordinates.index(name)] for name in "EAB"}
    E = s.refs.statistics["loss_min"] / (1.0 + np.exp(-at["E"]))
    return np.stack([E, np.exp(at["A"]), np.exp(at["B"])], axis=1)


def in_paper_units(s, reference):
    truth = TRUTHS["chinchilla"]
    values = dict(zip("EAB", reference.T, strict=True)) | {n: truth[n] for n in ("alpha", "beta")}
    return s.model.law.paper_values(values, s.refs.units)


def test_coefficients_are_those_of_least_squares():
    """Relative residuals, and a little of each candidate's own coefficients: solved here by NumPy."""
    s, z = at_true_exponents("chinchilla")
    truth, given = TRUTHS["chinchilla"], coefficients(s, z)
    loss, N, D = (s.loss / s.refs.units["loss"], *(s.covariates[n] / s.refs.units[n] for n in "ND"))
    columns = np.stack([np.ones(16), N ** -truth["alpha"], D ** -truth["beta"]], axis=1) / loss[:, None]
    expected = []
    for own in given:
        rows = np.vstack([columns, np.diag(np.sqrt(screen.RIDGE) / own)])
        target = np.concatenate([np.ones(16), np.full(3, np.sqrt(screen.RIDGE))])
        expected.append(np.linalg.lstsq(rows, target)[0])
    expected = np.array(expected)
    after = screened(s, z)
    got = coefficients(s, after)
    order = [np.argsort(values[:, 0]) for values in (got, expected)]
    np.testing.assert_allclose(got[order[0]], expected[order[1]], rtol=1e-6)
    for name, values in in_paper_units(s, got).items():
        assert np.median(values) == pytest.approx(truth[name], rel=0.01), name
    sigma = np.exp(after[:, s.model.coordinates.index("sigma")])
    prediction = got @ columns.T
    np.testing.assert_allclose(sigma, np.sqrt(np.mean(np.log(prediction) ** 2, axis=1)), rtol=0.01, atol=2e-6)


def test_what_is_held_stays_and_the_others_are_solved_for_around_it():
    s, z = at_true_exponents("chinchilla[E=1.8]")
    paper = in_paper_units(s, coefficients(s, screened(s, z)))
    for name in "AB":
        assert np.median(paper[name]) == pytest.approx(TRUTHS["chinchilla"][name], rel=0.01), name


def test_held_out_runs_take_no_part():
    runs = simulated("chinchilla")
    weight = np.where(np.arange(16) % 5 == 2, 0.0, 1.0)
    frame = runs.to_frame()
    frame.loc[weight == 0, "loss"] *= 10
    other = sl.read_runs(frame)
    one, two = (scenario(r, "chinchilla", row_weight=weight) for r in (runs, other))
    np.testing.assert_array_equal(screened(one, candidates(one)), screened(two, candidates(two)))


@pytest.mark.parametrize("count", [1, 3, 7])
def test_starts_are_far_from_each_other_and_among_the_best(count):
    ranked = np.random.default_rng(count).normal(size=(64, 3)) * [1.0, 10.0, 0.1]
    pool = ranked[: search.POOL * count]
    scaled, chosen = pool / pool.std(axis=0), [0]
    while len(chosen) < count:
        distance = np.linalg.norm(scaled[:, None] - scaled[chosen], axis=-1).min(axis=1)
        chosen.append(int(np.argmax(distance)))
    with computing():
        found = jax.jit(partial(search.apart, most=8))(ranked, count)
    np.testing.assert_array_equal(found[:count], pool[chosen])


# -- searches ----------------------------------------------------------------------------------------
@pytest.mark.parametrize("noise", ["student_t", "growing"])
def test_a_mode_in_which_few_runs_lie_far_off_is_found(noise):
    """Ten of twelve runs meet a law to a hundredth of a per cent, and two lie 5 % off."""
    exact = simulated("chinchilla", sigma=1e-4).select(np.arange(12))
    frame = exact.to_frame()
    frame["loss"] *= np.where(np.isin(np.arange(12), [2, 6]), 1.05, 1.0)
    s = scenario(sl.read_runs(frame), "chinchilla", noise, name="two far off")
    found = [modes_of([s], seed=seed, thorough=False)[0] for seed in range(5)]
    best = max(one.mode.log_density for one in found)
    assert all(one.mode.log_density > best - 1e-3 for one in found)
    sigma = s.model.coordinates.index("sigma")
    assert all(one.mode.values[sigma] < 2e-3 for one in found)


@pytest.mark.parametrize("law", ["chinchilla", "power_law_offset", "kaplan_l_nd"])
def test_screened_searches_reach_what_many_unscreened_ones_do(law):
    """The mode of every table is as high as the best of 64 climbs from plain draws of the prior."""
    scenarios = [scenario(simulated(law, seed=i), law, name=f"table {i}") for i in range(6)]
    ((_, group),) = grouped(scenarios)
    z = np.concatenate([candidates(s, 64) for s in scenarios])
    arrays = jax.tree.map(lambda leaf: np.repeat(leaf, 64, axis=0), group.arrays)
    best = climb(group.structure, arrays, z, Clock()).log_density.reshape(6, 64)
    best = np.where(np.isnan(best), -np.inf, best).max(axis=1)
    for thorough, starts in ((False, SMALL_STARTS), (True, STARTS)):
        found = modes_of(scenarios, seed=3, thorough=thorough)
        assert all(f.starts == starts for f in found)
        assert all(f.mode.log_density > top - 1e-3 for f, top in zip(found, best, strict=True))


def test_terms_that_can_change_places_have_two_modes():
    s = scenario(two_terms_alike(0.01), "chinchilla[E=0]")
    (found,) = modes_of([s])
    one, two = found.modes
    assert found.rival == pytest.approx(0.0, abs=1e-6)
    assert one.log_density == pytest.approx(two.log_density, abs=1e-6)
    assert 1 <= found.agreed < found.starts
    names = s.model.coordinates
    swapped = [names.index(name) for name in ("E", "B", "A", "beta", "alpha", "sigma", "nu")]
    np.testing.assert_allclose(one.values, two.values[swapped], rtol=1e-3, atol=1e-9)
    assert abs(np.log(one.values[names.index("alpha")] / one.values[names.index("beta")])) > 0.5


def test_runs_of_one_mode_have_no_rival():
    found = modes_of([scenario(simulated("power_law_offset"), "power_law_offset")])[0]
    assert (found.agreed, found.starts, len(found.modes), found.rival) == (STARTS, STARTS, 1, np.inf)


# -- what ends are taken for ---------------------------------------------------------------------------
def ends(position, log_density, sd=1.0):
    """Ends of searches (n, 2) around which the posterior has a standard deviation."""
    position = np.asarray(position, float)
    n = len(position)
    height, whiten = np.asarray(log_density, float), np.tile(sd * np.eye(2), (n, 1, 1))
    return Mode(position, position, height, whiten, position, np.ones(n, bool))


A, B, C = (0.0, 0.0), (5.0, 0.0), (0.0, 9.0)


@pytest.mark.parametrize(
    ("positions", "log_density", "agreed", "modes", "rival"),
    [
        ([A, A, A], [3.0, 3.0, 3.0], 3, [A], np.inf),
        ([A, (0.3, 0.3), A], [3.0, 2.5, 2.9], 3, [A], np.inf),  # not quite arrived
        ([B, A, A], [1.0, 3.0, 3.0], 2, [A, B], 2.0),
        ([B, A, B], [3.0, 3.0, 3.0], 2, [B, A], 0.0),  # the same height is not the same mode
        ([A, B, C, B], [3.0, 1.0, 2.5, 1.0], 1, [A, C, B], 0.5),
        ([A, B], [30.0, 17.9], 1, [A], 12.1),  # too low to matter, and yet told
        ([A, B, C], [3.0, np.nan, -np.inf], 1, [A], np.inf),  # searches that failed
    ],
)
def test_ends_of_searches_are_sorted_into_modes(positions, log_density, agreed, modes, rival):
    found = found_modes(ends(positions, log_density))
    assert (found.starts, found.agreed) == (len(positions), agreed)
    assert [tuple(m.position) for m in found.modes] == modes
    assert tuple(found.mode.position) == modes[0]
    assert found.rival == pytest.approx(rival)


def test_distance_is_in_standard_deviations():
    wide = found_modes(ends([A, B], [3.0, 1.0], sd=10.0))
    assert (wide.agreed, len(wide.modes)) == (2, 1)


def test_a_mode_without_curvature_stands_for_itself():
    given = ends([A, B], [3.0, 1.0])
    flat = given._replace(whiten=np.zeros((2, 2, 2)))
    assert found_modes(flat).agreed == 1


def test_no_more_modes_than_can_be_proposed_from():
    far = [(20.0 * i, 0.0) for i in range(7)]
    found = found_modes(ends(far, -0.1 * np.arange(7)))
    assert len(found.modes) == search.MODES and found.rival == pytest.approx(0.1)
