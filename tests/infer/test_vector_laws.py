"""Laws of mixtures and of learning-rate schedules, from the table to the forecast."""

import numpy as np
import pytest
from helpers import density, scenario

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.infer.calibrate import beyond
from scalaw.infer.fit import model_of
from scalaw.infer.scenarios import arrays_of
from scalaw.infer.simulations import points, simulate_scenarios
from scalaw.laws.records import Covariate

MIXTURE = "data_mixing_ye[domains=3,k=1]"
FREE = "data_mixing_ye[domains=3]"
EFFECTS = np.array([-0.8, 0.3, 0.6])
MIXED = {"c": 1.5, "k": 1.0, "t": EFFECTS, "sigma": 0.004, "nu": 6.0}
AREAS = {"L_0": 2.6, "A": 0.4, "alpha": 0.5, "C": 0.15, "sigma": 0.002, "nu": 6.0}
NAMES = ("r[github]", "r[books]", "r[web]")


def mixtures(seed=0, n=16):
    """Runs over mixtures of three domains."""
    shares = np.random.default_rng(seed).dirichlet(np.full(3, 0.8), n)
    return sl.simulate(MIXTURE, MIXED, at=dict(zip(NAMES, shares.T, strict=True)), seed=seed)


CELLS = [
    text.format(steps=steps, decay=steps // 5)
    for steps in (1500, 4000, 10000, 25000)
    for text in (
        "constant(peak=3e-4, steps={steps}, warmup=100)",
        "cosine(peak=3e-4, end=3e-5, steps={steps}, warmup=100)",
        "linear(peak=4e-4, end=0, steps={steps}, warmup=100)",
        "wsd(peak=3e-4, end=0, steps={steps}, decay={decay}, warmup=100)",
    )
]


@pytest.fixture(scope="module")
def mixture_fit():
    return sl.fit(mixtures(), MIXTURE, method="importance", bootstrap=0)


@pytest.fixture(scope="module")
def schedule_fit():
    runs = sl.simulate("lr_annealing_tissue", AREAS, at={"schedule": CELLS}, seed=2)
    return sl.fit(runs, "lr_annealing_tissue", method="importance", bootstrap=0)


def holds(fit, **truth):
    """Whether every truth lies in the 98 % interval of its parameter."""
    ends = {name: np.quantile(fit.draws(name), [0.01, 0.99], axis=0) for name in truth}
    return all(np.all((ends[name][0] < value) & (value < ends[name][1])) for name, value in truth.items())


@pytest.mark.compiles
def test_a_mixture_law_finds_its_truth(mixture_fit):
    assert mixture_fit.verdict.level == "OK", mixture_fit.verdict
    assert holds(mixture_fit, c=1.5, t=EFFECTS)
    assert np.all(mixture_fit.draws("t").std(axis=0) < 0.2)
    assert any("1 is r[github], 2 is r[books]" in note for note in mixture_fit.verdict.notes)


@pytest.mark.compiles
def test_a_point_of_a_mixture_is_forecast(mixture_fit):
    at = np.array([0.5, 0.2, 0.3])
    told = sl.forecast(mixture_fit, r={"web": at[2], "github": at[0], "books": at[1]})
    truth = 1.5 + np.exp(at @ EFFECTS)
    assert abs(np.median(told.curve) - truth) < 4 * told.curve.std() < 0.05
    same = sl.forecast(mixture_fit, **dict(zip(NAMES, at[:, None], strict=True)))
    np.testing.assert_array_equal(told.predictive, same.predictive)
    assert told.reach_decades == 0 and not [note for note in told.notes if "P006" in note]
    far = sl.forecast(mixture_fit, r={"web": 1, "github": 0, "books": 0})
    assert any("P006 r[web] = 1 lies outside" in note for note in far.notes)
    assert far.to_json()["points"][0]["r[web]"] == 1.0


@pytest.mark.parametrize(
    ("given", "code", "fragment"),
    [
        ({"r[web]": 1.0}, "P001", "needs r[github], r[books]"),
        (dict.fromkeys(NAMES, 0.5), "D072", "sum to 1.5"),
        ({"r[web]": 1.2, "r[github]": -0.2, "r[books]": 0}, "P001", "between 0 and 1"),
        ({"r[web]": "30%", "r[github]": 0.2, "r[books]": 0.5}, "P001", "30%"),
        ({"h[web]": 1.0}, "P001", "no covariate 'h[web]'"),
    ],
)
@pytest.mark.compiles
def test_points_that_are_no_mixture_are_refused(mixture_fit, given, code, fragment):
    with pytest.raises(ScalawError) as caught:
        sl.forecast(mixture_fit, **given)
    assert caught.value.code == code and fragment in str(caught.value)


@pytest.mark.compiles
def test_fits_of_vectors_are_saved_and_compared(mixture_fit, schedule_fit, tmp_path):
    for fit, at in ((mixture_fit, dict.fromkeys(NAMES, 1 / 3)), (schedule_fit, {"schedule": CELLS[5]})):
        fit.save(tmp_path / "fit.nc")
        back = sl.infer.load(tmp_path / "fit.nc")
        np.testing.assert_array_equal(sl.forecast(fit, **at).curve, sl.forecast(back, **at).curve)
        assert back.runs.digest == fit.runs.digest
    free = sl.fit(mixture_fit.runs, FREE, method="importance", bootstrap=0)
    found = sl.compare_fits([mixture_fit, free])
    assert {score["law"] for score in found.scores} == {MIXTURE, FREE}
    assert (
        found.forecast(r=dict(zip(("web", "books", "github"), [0.2, 0.3, 0.5], strict=True))).curve.shape[1]
        == 1
    )


@pytest.mark.compiles
def test_many_tables_of_mixtures_are_one_batch():
    fits = sl.fit_many({"a": mixtures(1), "b": mixtures(2)}, MIXTURE, method="importance")
    assert [told["verdict"] for told in fits.told] == ["OK", "OK"]
    assert all(holds(fit, c=1.5, t=EFFECTS) for fit in fits)


@pytest.mark.compiles
def test_a_mixture_is_found_by_searches_too():
    found = sl.point_fit(mixtures(), MIXTURE)
    assert [found.values[f"t[{i}]"] for i in (1, 2, 3)] == pytest.approx(EFFECTS, abs=0.15)


@pytest.mark.compiles
def test_a_schedule_law_finds_its_truth(schedule_fit):
    assert holds(schedule_fit, L_0=2.6, A=0.4, alpha=0.5, C=0.15)
    told = sl.forecast(
        schedule_fit, schedule=["cosine(peak=3e-4, end=3e-5, steps=250000, warmup=100)", CELLS[3]]
    )
    decades = np.log10((0.55 * 249900 * 3e-4) / (24900 * 3e-4))
    assert told.reach_decades == pytest.approx([decades, 0.0], abs=0.01)
    assert told.points["schedule"][1] == told.to_json()["points"][1]["schedule"] == CELLS[3]
    with pytest.raises(ScalawError, match="D070 forecast: 'cosine' in row 1"):
        sl.forecast(schedule_fit, schedule="cosine")


@pytest.mark.compiles
def test_a_file_of_rates_says_the_same_as_its_builder(schedule_fit, tmp_path):
    from scalaw.data.schedules import parse_schedule

    frame = schedule_fit.runs.to_frame()
    np.savetxt(tmp_path / "fifth.csv", parse_schedule(CELLS[5]).rates)
    frame.loc[5, "schedule"] = "fifth.csv"
    frame.to_csv(tmp_path / "runs.csv", index=False)
    runs = sl.read_runs(tmp_path / "runs.csv")
    s, other = scenario(schedule_fit.runs, "lr_annealing_tissue"), scenario(runs, "lr_annealing_tissue")
    np.testing.assert_allclose(s.covariates["areas"], other.covariates["areas"], rtol=1e-12)
    position = schedule_fit.positions[:4]
    np.testing.assert_allclose(density(s, position)[0], density(other, position)[0], rtol=1e-9)
    fit = sl.fit(runs, "lr_annealing_tissue", method="importance", bootstrap=0)
    fit.save(tmp_path / "fit.nc")
    (tmp_path / "fifth.csv").unlink()
    back = sl.infer.load(tmp_path / "fit.nc")
    assert back.runs.digest == runs.digest and runs.digest != schedule_fit.runs.digest
    at = {"schedule": "fifth.csv"}
    np.testing.assert_array_equal(sl.forecast(fit, **at).curve, sl.forecast(back, **at).curve)


@pytest.mark.compiles
def test_a_run_that_is_held_out_gives_nothing(schedule_fit):
    runs, weight = schedule_fit.runs, np.ones(16)
    weight[3] = 0
    frame = runs.to_frame()
    frame.loc[3, ["schedule", "loss"]] = ["constant(peak=1, steps=9)", 99.0]
    refs = schedule_fit.refs
    held = scenario(sl.Runs(frame), "lr_annealing_tissue", row_weight=weight, refs=refs)
    left = scenario(runs.select(weight > 0), "lr_annealing_tissue", refs=refs)
    position = schedule_fit.positions[:4]
    for one, other in zip(density(held, position), density(left, position, rows=16), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12)


def own_law(domain, scaling):
    """A law of a vector of length two, called S."""
    S = Covariate("S", "S", domain, scaling, 2)

    def one(S, *, E=sl.irreducible(), a=sl.parameter("effect", sl.Prior.parse("Normal(0, 1)"), size=None)):
        """A level, and an effect of the sum of a vector."""
        return E + 1.0 + a**2 * S.sum(-1) ** 2

    return sl.law(source="a test", covariates={"S": S}, units="as in paper")(one)


@pytest.mark.parametrize(
    ("domain", "scaling", "reference"),
    [
        ("share", "absolute", 1.0),
        ("real", "interval", -0.1),
        ("real", "absolute", 1.0),
        ("positive", "ratio", 2.0),
    ],
)
def test_every_kind_of_vector_has_its_reference(domain, scaling, reference, monkeypatch):
    import sys

    monkeypatch.setattr(sys.modules["scalaw.laws.law"], "_REGISTRY", {})
    S = (
        np.array([[0.1, 0.4], [0.3, -0.6], [-0.2, -0.6]])
        if domain == "real"
        else np.array([[1, 4], [2, 1], [1, 1]]) / 1.0
    )
    S = S / 10 if domain == "share" else S
    runs = sl.read_runs({"S[b]": S[:, 0], "S[a]": S[:, 1], "loss": [3.0, 2.5, 2.0]})
    s = scenario(runs, own_law(domain, scaling))
    assert s.refs.units["S"] == pytest.approx(reference) and s.refs.statistics["x_log_sd"] >= 0.5
    arrays = arrays_of(s, 8)
    np.testing.assert_array_equal(arrays.covariates["S"][:3], S)
    np.testing.assert_array_equal(arrays.covariates["S"][3:], np.tile(S[0], (5, 1)))


@pytest.mark.compiles
@pytest.mark.parametrize(
    ("law", "at"),
    [
        (MIXTURE, dict(zip(NAMES, np.full((3, 16), 1 / 3), strict=True))),
        (MIXTURE, {"r": np.full((16, 3), 1 / 3)}),
        ("lr_annealing_tissue", {"schedule": CELLS}),
    ],
)
def test_tables_are_simulated_from_priors(law, at):
    model = model_of(law)
    made, truths = simulate_scenarios(model, at, 3, seed=1)
    assert truths.shape == (3, len(model.coordinates)) and all(np.all(s.loss > 0) for s in made)
    ahead = beyond(model.law, at)
    last = {name: values[-1:] for name, values in points(model.law, at).items()}
    factor = 10.0 if law == "lr_annealing_tissue" else 1.0
    for name, values in ahead.items():
        np.testing.assert_allclose(values, factor * last[name])


@pytest.mark.parametrize(
    ("law", "at", "code"),
    [
        (MIXTURE, {"N": 1e9}, "M006"),
        (MIXTURE, {"r[a]": 0.5, "r[b]": 0.5}, "D071"),
        (MIXTURE, {"r": [[0.5, 0.2, 0.2]]}, "D072"),
        ("lr_annealing_tissue", {"schedule": "cosine"}, "D070"),
    ],
)
def test_points_of_a_calibration_are_checked(law, at, code):
    with pytest.raises(ScalawError) as caught:
        points(sl.get_law(law), at)
    assert caught.value.code == code


@pytest.mark.parametrize("law", ["data_mixing_ye", "lr_multipower"])
def test_a_table_without_its_columns_is_refused(law):
    with pytest.raises(ScalawError) as caught:
        sl.fit(sl.read_runs({"N": np.geomspace(1e8, 1e9, 16), "loss": np.linspace(3, 2, 16)}), law)
    assert caught.value.code == "D012" and caught.value.problems[0].fix


@pytest.mark.compiles
def test_real_mixtures_are_fitted(data_folder):
    """Losses on Github over mixtures of three domains, 160M models (arXiv:2403.16952)."""
    import pandas as pd

    rows = pd.read_csv(data_folder / "mixing_laws.csv")
    rows = rows[(rows.experiment == "3Mix") & (rows.model == "160M") & (rows.valid_domain == "Github")]
    last = rows.sort_values("step").groupby("run_id").last()
    runs = sl.read_runs(
        last[["p0", "p1", "p2", "loss"]], columns=dict(zip(NAMES, ["p0", "p1", "p2"], strict=True))
    )
    fit = sl.fit(runs, MIXTURE, method="importance", bootstrap=0, allow_prior_dominated=True)
    effects = np.median(fit.draws("t"), axis=0)
    assert effects[0] < effects[1:].min() - 0.5
