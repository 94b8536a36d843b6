"""The bootstrap of the mode draws what it says, arrives, says where not; and Huber's minimum is the minimum."""

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import TRUTHS, design, modes_of, paper_values, scenario, simulated, two_terms_alike
from scipy.optimize import minimize

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.infer.programs import Clock
from scalaw.infer.resample import bootstrap_modes, redrawn
from scalaw.infer.scenarios import arrays_of
from scalaw.infer.search import climb
from scalaw.model import get_noise

pytestmark = pytest.mark.compiles

MODULE = sys.modules["scalaw.infer.bootstrap"]
#: Huber's δ of arXiv:2203.15556 §3.3.
DELTA = 1e-3


@pytest.fixture(scope="module")
def runs():
    """Sixteen runs of a power law in four families."""
    found = simulated("power_law")
    return sl.Runs(found.frame.assign(family=np.repeat(list("abcd"), 4)), columns=found.columns)


@pytest.fixture(scope="module")
def point(runs):
    return sl.point_fit(runs, "power_law", x="x")


# -- what is drawn -----------------------------------------------------------------------------------
def drawn(s, kind, replicates=50, seed=1, **more):
    arrays = redrawn(s, kind, replicates, seed, Clock(), **more)
    return np.asarray(arrays.row_weight), np.asarray(arrays.y)


@pytest.fixture(scope="module")
def held_out(runs):
    weight = np.ones(16)
    weight[[0, 7]], weight[3] = 0.0, 2.0
    return scenario(runs, "power_law", row_weight=weight)


def test_cases_are_as_many_runs_as_there_are_and_none_that_is_held_out(held_out):
    weight, _ = drawn(held_out, "cases", 4000)
    assert np.all(weight.sum(axis=1) == 15) and np.all(weight[:, [0, 7]] == 0)
    assert np.all(weight == np.round(weight))
    # a run of weight 2 is two runs, so it is drawn twice as often (5 standard errors)
    assert weight[:, 3].mean() == pytest.approx(2.0, abs=5 * np.sqrt(2.0 / 4000))


def test_clusters_are_drawn_whole(held_out):
    labels = np.repeat([0, 1, 2, 3], 4)
    weight, _ = drawn(held_out, "clusters", labels=labels)
    per_run = weight[:, 1:] / np.where(held_out.row_weight, held_out.row_weight, np.inf)[1:]
    for cluster in range(4):
        times = per_run[:, (labels[1:] == cluster) & (held_out.row_weight[1:] > 0)]
        assert np.all(times == times[:, :1])
    assert np.all(weight[:, [0, 7]] == 0) and len(np.unique(weight[:, 1])) > 2


def test_dirichlet_weights_sum_to_the_number_of_runs_and_leave_none_out(held_out):
    weight, _ = drawn(held_out, "dirichlet", 4000)
    np.testing.assert_allclose(weight.sum(axis=1), 15.0)
    assert np.all(weight[:, held_out.row_weight > 0] > 0) and np.all(weight[:, [0, 7]] == 0)
    # sd of n times a Dirichlet share of n ones is √((n - 1) / (n + 1))
    assert weight[:, 1].std() == pytest.approx(np.sqrt(14 / 16), rel=0.1)


def test_residuals_are_those_of_the_mode_and_covariates_stay(held_out):
    mode = modes_of([held_out])[0].mode
    weight, y = drawn(held_out, "residual", mode=mode)
    one, used = arrays_of(held_out, 16), held_out.row_weight > 0
    values = {name: v[0] for name, v in paper_values(held_out, mode.position[None]).items()}
    law = sl.get_law("power_law")(x=held_out.covariates["x"], k=values["k"], alpha=values["alpha"])
    where = np.log(law / held_out.refs.units["loss"])
    residual = (one.y - where)[used]
    for row in np.flatnonzero(used):
        assert np.all(np.min(np.abs(y[:, [row]] - where[row] - residual), axis=1) < 1e-12)
    np.testing.assert_array_equal(y[:, ~used], 0.0)
    np.testing.assert_array_equal(weight, np.tile(held_out.row_weight, (50, 1)))


def test_residuals_are_in_units_of_the_scale_where_rows_scatter_differently():
    at = {"x": np.geomspace(1e18, 1e22, 16), "loss_se": np.repeat([1e-4, 0.5], 8)}
    truth = {**TRUTHS["power_law"], "sigma": 1e-4}
    s = scenario(sl.simulate("power_law", truth, at=at, noise="known_se", seed=1), "power_law", "known_se")
    mode = modes_of([s])[0].mode
    spread = drawn(s, "residual", 500, mode=mode)[1].std(axis=0)
    assert spread[8:].min() > 50 * spread[:8].max()


@pytest.mark.parametrize("kind", ["cases", "clusters", "dirichlet", "residual"])
def test_the_same_seed_draws_the_same_and_more_replicates_keep_the_first(point, kind):
    by = "family" if kind == "clusters" else None
    few, many, other = (sl.bootstrap(point, n, kind, by=by, seed=s) for n, s in ((20, 3), (30, 3), (20, 4)))
    np.testing.assert_array_equal(few.values, sl.bootstrap(point, 20, kind, by=by, seed=3).values)
    # which searches are gone on with depends on the spread of all
    np.testing.assert_allclose(few.values, many.values[:20], rtol=1e-3)
    assert not np.array_equal(few.values, other.values)
    assert few.n_drawn == (4 if kind == "clusters" else 16)


def test_the_number_of_devices_changes_no_bit(runs, tmp_path):
    runs.frame.drop(columns="family").rename(columns={"x": "C"}).to_csv(tmp_path / "runs.csv", index=False)
    code = (
        "import sys, scalaw as sl; p = sl.point_fit(sl.read_runs(sys.argv[1]), 'power_law', x='C'); "
        "print(sl.bootstrap(p, 300).values.tobytes().hex())"
    )
    env = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2"}
    command = [sys.executable, "-c", code, str(tmp_path / "runs.csv")]
    two = subprocess.run(command, env=env, capture_output=True, text=True, check=True, timeout=300).stdout
    point = sl.point_fit(sl.read_runs(tmp_path / "runs.csv"), "power_law", x="C")
    assert sl.bootstrap(point, 300).values.tobytes().hex() == two.strip()


# -- what comes out ----------------------------------------------------------------------------------
def test_it_agrees_with_the_curvature_on_independent_runs():
    """Sixteen tables of independent runs: 32 replicates each give sds to a few per cent on average."""
    at, truth = design("power_law"), {**TRUTHS["power_law"], "sigma": 0.01}
    tables = [sl.simulate("power_law", truth, at=at, noise="student_t[nu=30]", seed=i) for i in range(16)]
    scenarios = [scenario(table, "power_law", name=f"table {i}") for i, table in enumerate(tables)]
    ratios = []
    for s, found in zip(scenarios, modes_of(scenarios), strict=True):
        z = bootstrap_modes(SimpleNamespace(scenario=s, mode=found.mode), 32, seed=1)
        # how ln alpha, a coordinate of its own, scatters
        ratios.append(z[:, 2].std(ddof=1) / np.linalg.norm(found.mode.whiten[2]))
    # sd of one ratio is about 1/√(2·31) for 32 replicates, and that of 16 runs about 1/√(2·15)
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.hypot(0.13, 0.18) / np.sqrt(16) + 0.05)


def test_all_kinds_agree_on_independent_runs(point):
    """Spread of the loss's exponent: four ways to draw sixteen runs differ by tens of per cent at most."""
    kinds = [sl.bootstrap(point, 400, kind).sd[1] for kind in ("cases", "dirichlet", "residual")]
    assert max(kinds) < 1.4 * min(kinds)


def test_copies_of_runs_add_nothing_where_clusters_are_drawn(runs, point):
    """Four copies of every run: drawing runs takes them for news and halves the spread, drawing clusters does not."""
    copies = runs.frame.loc[np.repeat(np.arange(16), 4)].assign(run=np.repeat(np.arange(16), 4))
    copied = sl.point_fit(sl.Runs(copies, columns=runs.columns), "power_law", x="x")
    single, rows = sl.bootstrap(point, 400), sl.bootstrap(copied, 400)
    clusters = sl.bootstrap(copied, 400, "clusters", by="run")
    assert clusters.n_drawn == 16
    np.testing.assert_allclose(
        clusters.sd[:2], single.sd[:2], rtol=0.25
    )  # 400 replicates, and the prior weighs less
    np.testing.assert_allclose(rows.sd[:2], 0.5 * single.sd[:2], rtol=0.25)


def test_the_record_tells_everything(point):
    found = sl.bootstrap(point, 200, prob=0.8)
    assert found.names == ("k", "alpha", "sigma", "nu") and found.values.shape == (200, 4)
    np.testing.assert_allclose(found.estimate, list(point.values.values()), rtol=1e-4)
    row = found.rows()[1]
    assert (row["lower"], row["upper"]) == tuple(np.quantile(found.draws("alpha"), [0.1, 0.9]))
    frame = found.to_frame()
    np.testing.assert_array_equal(frame["sd"], found.values.std(axis=0, ddof=1))
    told = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert (told["replicates"], told["elsewhere"], told["not_converged"]) == (200, 0, 0)
    assert told["parameters"][0]["unit"] == "loss * x**alpha"
    assert found.level == "OK" and "0 replicates ended at another mode, 0 did not converge" in str(found)
    with pytest.raises(ScalawError, match="one of k, alpha, sigma, nu"):
        found.draws("beta")


def test_a_posterior_is_bootstrapped_too_even_when_it_was_saved(runs, point, tmp_path):
    fit = sl.fit(runs, "power_law", x="x", method="importance", bootstrap=0)
    fit.save(tmp_path / "fit.nc")
    for one in (fit, sl.load(tmp_path / "fit.nc")):
        found = sl.bootstrap(one, 50, "clusters", by="family")
        wanted = sl.bootstrap(point, 50, "clusters", by="family")
        np.testing.assert_allclose(found.values, wanted.values, rtol=1e-3)


# -- replicates that go astray -----------------------------------------------------------------------
def test_ends_at_another_mode_are_counted_and_kept():
    s = scenario(two_terms_alike(0.003), "chinchilla")
    modes = modes_of([s])[0].modes
    assert len(modes) > 1
    ends = type(modes[0])(*(np.stack([a] * 6 + [b] * 2) for a, b in zip(modes[0], modes[1], strict=True)))
    # searches that all but arrived: distances of exactly 0 would make everything far
    ends = ends._replace(position=ends.position + 1e-3 * np.arange(8)[:, None] * modes[0].whiten.sum(axis=1))
    arrays = arrays_of(s, 16)
    elsewhere = MODULE._elsewhere(s.model.structure(), arrays, modes[0], ends, Clock())
    assert elsewhere.tolist() == [False] * 6 + [True] * 2


def test_searches_that_do_not_settle_are_counted_and_kept(point, monkeypatch):
    climb = MODULE.climb

    def restless(structure, arrays, starts, clock, exact=None):
        ends = climb(structure, arrays, starts, clock, exact)
        if exact:
            return ends._replace(arrived=np.arange(len(ends.z)) >= 3)
        return ends._replace(z=starts + 0.5) if len(starts) == 3 else ends

    monkeypatch.setattr(MODULE, "climb", restless)
    found = sl.bootstrap(point, 40)
    assert found.converged.tolist() == [False] * 3 + [True] * 37 and len(found) == 40
    assert found.level == "LOOK" and "3 of 40 replicates had not converged" in found.reasons[-1]


def test_exact_steps_end_where_those_by_scores_do():
    """Of Huber's loss, which has kinks but no peak: exact steps are what a bootstrap tries first."""
    s = sl.point_fit(simulated("chinchilla", seed=1), "chinchilla", noise="huber").scenario
    mode, structure = modes_of([s])[0].mode, s.model.structure()
    arrays = redrawn(s, "dirichlet", 20, 0, Clock())
    starts = np.tile(mode.z, (20, 1))
    ends = climb(structure, arrays, starts, Clock(), exact=True)
    wanted = climb(structure, arrays, climb(structure, arrays, starts, Clock()).z, Clock())
    assert ends.arrived.mean() > 0.8
    higher = (ends.log_density - wanted.log_density) / np.maximum(np.abs(wanted.log_density), 1.0)
    assert np.all(higher[ends.arrived] > -1e-9)
    same = ends.arrived & (np.abs(higher) < 1e-9)
    np.testing.assert_allclose(ends.values[same], wanted.values[same], rtol=1e-4)
    assert same.mean() > 0.7


def test_kinks_are_left_to_the_search(runs):
    """Laplace's density has no second derivative to go by; its replicates settle all the same."""
    found = sl.bootstrap(sl.point_fit(runs, "power_law", x="x", noise="laplace"), 100)
    assert found.converged.mean() > 0.9
    assert found.sd[1] > 0


# -- Huber -------------------------------------------------------------------------------------------
def huber_loss(p, frame, delta=DELTA):
    """Sum of Huber losses of (ln A, ln B, ln E, alpha, beta), and its gradient."""
    log_n, log_d, log_loss = (np.log(frame[name].to_numpy()) for name in ("N", "D", "loss"))
    terms = np.array([p[0] - p[3] * log_n, p[1] - p[4] * log_d, np.full(len(frame), p[2])])
    total = np.logaddexp.reduce(terms)
    share = np.exp(terms - total)
    residual = log_loss - total
    slope = np.clip(residual, -delta, delta)
    pulled = -slope * share
    gradient = np.array([*pulled.sum(axis=1), -pulled[0] @ log_n, -pulled[1] @ log_d])
    return float(np.sum(slope * (residual - 0.5 * slope))), gradient


def scipy_minimum(frame, starts, delta=DELTA):
    """The best end of many searches by L-BFGS-B, gone on with until it stands still."""
    options = {"ftol": 1e-15, "gtol": 1e-13, "maxiter": 2000}
    search = lambda p: minimize(huber_loss, p, (frame, delta), "L-BFGS-B", jac=True, options=options)  # noqa: E731
    best = min((search(p) for p in starts), key=lambda end: end.fun)
    for _ in range(5):
        best = search(best.x)
    return best


def as_vector(values):
    return np.array([*(np.log(values[name]) for name in "ABE"), values["alpha"], values["beta"]])


def starts_near(values, n=20):
    """Starts around some values, within a factor e of amplitudes and half of an exponent."""
    spread = np.random.default_rng(0).uniform(-1.0, 1.0, (n, 5)) * [1.0, 1.0, 0.2, 0.15, 0.15]
    return as_vector(values) + spread


@pytest.mark.parametrize(("noise", "delta"), [("huber", DELTA), ("huber[huber_delta=0.01]", 0.01)])
@pytest.mark.parametrize("seed", [0, 1])
def test_huber_is_what_scipy_finds_from_many_starts(noise, delta, seed):
    runs = simulated("chinchilla", seed=seed)
    found = sl.point_fit(runs, "chinchilla", noise=noise)
    best = scipy_minimum(runs.frame, starts_near(TRUTHS["chinchilla"]), delta)
    ours = as_vector(found.values)
    assert huber_loss(ours, runs.frame, delta)[0] <= best.fun * (1 + 1e-7)
    assert found.agreed > 1
    if huber_loss(ours, runs.frame, delta)[0] > best.fun * (1 - 1e-7):
        np.testing.assert_allclose(ours, best.x, rtol=1e-3, atol=1e-3)


def test_huber_replicates_are_minima_too():
    runs = simulated("chinchilla", seed=1)
    found = sl.bootstrap(sl.point_fit(runs, "chinchilla", noise="huber"), 6, seed=2)
    s = scenario_of_huber(runs)
    weight = redrawn(s, "cases", 6, 2, Clock()).row_weight[:, :16].astype(int)
    for i in np.flatnonzero(found.converged & ~found.elsewhere):
        frame = runs.frame.loc[np.repeat(np.arange(16), weight[i])]
        ours = as_vector(dict(zip(found.names, found.values[i], strict=True)))
        assert huber_loss(ours, frame)[0] <= scipy_minimum(frame, [ours]).fun * (1 + 1e-5)
    assert found.converged.sum() >= 4


def scenario_of_huber(runs):
    return sl.point_fit(runs, "chinchilla", noise="huber").scenario


@pytest.mark.acceptance(10)
@pytest.mark.data
def test_huber_on_the_digitised_chinchilla_runs(data_folder):
    """Minimum and bootstrap standard errors as in the notebook of arXiv:2404.10102."""
    runs = sl.read_runs(data_folder / "chinchilla_fig4.csv")
    runs = runs.select(np.argsort(np.argsort(-runs.values("loss"))) >= 5)  # all but the five largest losses
    found = sl.point_fit(runs, "chinchilla", noise="huber")
    ours = as_vector(found.values)
    # its grid of 4500 starts
    grid = {"A": 477.84, "B": 2143.86, "E": 1.817235, "alpha": 0.347313, "beta": 0.367183}
    assert huber_loss(ours, runs.frame)[0] <= 0.0010182740346
    np.testing.assert_allclose([found.values[name] for name in grid], list(grid.values()), rtol=1e-3)
    # its minimum, searched further: five starts agree
    minimum = {"alpha": 0.34731, "beta": 0.36717, "E": 1.81722}
    np.testing.assert_allclose([found.values[name] for name in minimum], list(minimum.values()), atol=1e-4)
    assert huber_loss(ours, runs.frame)[0] == pytest.approx(0.0010182740, abs=5e-11)
    assert huber_loss(ours, runs.frame)[0] <= scipy_minimum(runs.frame, [as_vector(grid)]).fun * (1 + 1e-9)
    # 4000 resamples, searched from the values of arXiv:2203.15556
    published = {"A": 124.5, "E": 0.02566, "alpha": 0.01540, "beta": 0.02060}
    sd = dict(zip(found.values, sl.bootstrap(found, 1000).sd, strict=True))
    for name, value in published.items():
        assert sd[name] == pytest.approx(value, rel=0.25), name


@pytest.mark.parametrize("noise", ["huber", "huber[huber_delta=0.01]"])
@pytest.mark.parametrize("what", ["fit", "fit_many", "warmup", "compare", "simulate"])
def test_huber_has_no_posterior(runs, what, noise):
    call = {
        "fit": lambda: sl.fit(runs, "power_law", noise=noise),
        "fit_many": lambda: sl.fit_many(runs, "power_law", noise=noise),
        "warmup": lambda: sl.warmup("power_law", noise=noise),
        "compare": lambda: sl.compare(runs, ["power_law", "power_law_offset"], noise=noise),
        "simulate": lambda: sl.simulate(
            "power_law", {"k": 1.0, "alpha": 0.1}, at={"x": [1.0, 2.0]}, noise=noise
        ),
    }[what]
    with pytest.raises(ScalawError, match="laplace") as caught:
        call()
    assert caught.value.code == "M020"
    assert not get_noise(noise).is_density


# -- refusals ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"replicates": 1}, "M013"),
        ({"kind": "jackknife"}, "M013"),
        ({"kind": "cases", "by": "family"}, "M013"),
        ({"prob": 1.0}, "P001"),
        ({"kind": "clusters"}, "M021"),
        ({"kind": "clusters", "by": "recipe"}, "D012"),
        ({"kind": "clusters", "by": "one"}, "M021"),
        ({"kind": "clusters", "by": "gaps"}, "D012"),
    ],
)
def test_what_makes_no_sense_is_refused(runs, point, arguments, code):
    frame = runs.frame.assign(one="all", gaps=["a", None, *"b" * 14])
    labelled = sl.Runs(frame, columns=runs.columns)
    given = sl.PointFit(**{**vars(point), "runs": labelled})
    with pytest.raises(ScalawError) as caught:
        sl.bootstrap(given, **{"replicates": 20, **arguments})
    assert caught.value.code == code
    assert len(str(caught.value)) < 300


def test_the_column_that_groups_the_runs_is_the_default(runs, point):
    grouped = sl.Runs(runs.frame, columns=runs.columns, groups=("family",))
    found = sl.bootstrap(sl.PointFit(**{**vars(point), "runs": grouped}), 20, "clusters")
    assert (found.by, found.n_drawn) == ("family", 4)
    assert any("4 clusters are few" in note for note in found.notes)


def test_counts_are_drawn_as_runs_and_have_no_residuals():
    at = {"k": np.geomspace(1, 512, 16), "trials": 200}
    truth = {"mean": 0.1, "concentration": 1.0}
    table = sl.simulate("coverage_betabinomial", truth, at=at, noise="binomial", seed=1)
    found = sl.point_fit(table, "coverage_betabinomial", noise="binomial")
    assert np.all(np.isfinite(sl.bootstrap(found, 20, "dirichlet").values))
    with pytest.raises(ScalawError, match="cases") as caught:
        sl.bootstrap(found, 20, "residual")
    assert caught.value.code == "M021"
