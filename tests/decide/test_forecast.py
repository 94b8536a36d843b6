"""A forecast is the law at posterior draws, with noise on top, averaged as it says."""

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

import scalaw as sl
from scalaw.decide import Forecast
from scalaw.errors import ScalawError
from scalaw.infer.diagnose import Verdict
from scalaw.infer.interval import interval
from scalaw.model import get_noise

pytestmark = pytest.mark.compiles

POINTS = {"N": ["6.7B", "13B"], "D": ["134B", "260B"]}
N, D = np.array([6.7e9, 1.3e10]), np.array([1.34e11, 2.6e11])


@pytest.fixture(scope="module")
def fits(demo_comparison):
    return {f.label: f for f in demo_comparison.fits}


def curve_of(fit):
    """The law at draws in the paper's units, shape (draws, points)."""
    at = {"N": N, "D": D, "x": 6 * N * D}
    law = fit.model.law
    covariates = {c.name: at[c.name] for c in law.covariates}
    return law(**covariates, **{p.name: fit.draws(p.name)[:, None] for p in law.free})


# -- one law -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("law", ["chinchilla", "power_law", "power_law_offset"])
def test_the_curve_is_the_law_at_the_draws(fits, law):
    got = sl.forecast(fits[law], **POINTS)
    expected = curve_of(fits[law])
    np.testing.assert_allclose(got.curve, expected, rtol=1e-10)
    np.testing.assert_array_equal(got.curve, got.by_law[law])
    for i, row in enumerate(got.to_json()["points"]):
        low, mid, high = np.quantile(expected[:, i], [0.05, 0.5, 0.95])
        assert [row["curve"][key] for key in ("lower", "median", "upper")] == pytest.approx(
            [low, mid, high], rel=1e-10
        )
        assert row["curve"]["mean"] == pytest.approx(expected[:, i].mean(), rel=1e-10)


@pytest.mark.parametrize("law", ["chinchilla", "power_law", "power_law_offset"])
def test_a_new_run_scatters_around_the_curve(fits, law):
    got = sl.forecast(fits[law], **POINTS, prob=0.8)
    for row in got.to_json()["points"]:
        curve, new = row["curve"], row["predictive"]
        assert new["lower"] < curve["lower"] < curve["upper"] < new["upper"]
        assert curve["prob"] == new["prob"] == 0.8
    residual = np.log(got.predictive / got.curve) / fits[law].draws("sigma")[:, None]
    inside = np.mean(np.abs(residual) < 1)
    assert 0.55 < inside < 0.70  # Student-t: 0.61 at 3, 0.68 at many degrees of freedom


def test_a_wider_probability_is_a_wider_interval(fits):
    widths = []
    for prob in (0.5, 0.9, 0.99):
        row = sl.forecast(fits["power_law"], **POINTS, prob=prob).to_json()["points"][0]["curve"]
        widths.append(row["upper"] - row["lower"])
    assert widths == sorted(widths)


def test_draws_follow_the_seed(fits):
    one, two, other = (sl.forecast(fits["power_law"], **POINTS, seed=seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.predictive, two.predictive)
    np.testing.assert_array_equal(one.curve, other.curve)
    assert not np.any(one.predictive == other.predictive)


def test_points_are_independent_of_each_other(fits):
    both = sl.forecast(fits["chinchilla"], **POINTS)
    alone = sl.forecast(fits["chinchilla"], N="13B", D="260B")
    np.testing.assert_allclose(alone.curve[:, 0], both.curve[:, 1], rtol=1e-12)


# -- weighted draws ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("law", ["power_law", "power_law_offset", "chinchilla"])
def test_importance_and_nuts_forecast_alike(fits, demo_weighted, law):
    """Ends of the intervals agree to a fifth of their width: draws of either are one posterior."""
    weighted = next(f for f in demo_weighted.fits if f.label == law)
    one, two = (sl.forecast(f, **POINTS).to_json()["points"] for f in (fits[law], weighted))
    for a, b in zip(one, two, strict=True):
        for kind in ("curve", "predictive"):
            width = a[kind]["upper"] - a[kind]["lower"]
            for end in ("lower", "median", "upper"):
                assert abs(a[kind][end] - b[kind][end]) < 0.2 * width, (kind, end)


def test_the_curve_of_weighted_draws_is_the_law_at_the_resampled_ones(demo_weighted):
    fit = demo_weighted.fits[0]
    got = sl.forecast(fit, **POINTS)
    np.testing.assert_allclose(got.curve, curve_of(fit), rtol=1e-10)
    json.dumps(got.to_json(), allow_nan=False)


def test_kinds_of_draws_are_averaged_together(fits, demo_weighted):
    """One law by chains and one by weights: each has half of the draws."""
    other = next(f for f in demo_weighted.fits if f.label == "power_law_offset")
    got = sl.forecast([fits["power_law"], other], **POINTS)
    assert np.isin(got.curve[:, 0], got.by_law["power_law"][:, 0]).mean() == pytest.approx(0.5, abs=0.01)


# -- moments -----------------------------------------------------------------------------------------
def as_normal(fit):
    """The same draws read as a fit with normal noise, without its degrees of freedom."""
    tree = {name: group.to_dataset() for name, group in fit.tree.children.items()}
    tree["posterior"] = tree["posterior"].drop_vars("nu")
    tree["sampling"] = tree["sampling"].isel(coordinate=slice(0, -1))
    model = replace(fit.model, noise=get_noise("normal"))
    return replace(fit, tree=xr.DataTree.from_dict(tree), model=model)


def test_a_loss_has_no_mean_under_student_t_and_one_under_normal_noise(fits):
    student, normal = fits["power_law"], as_normal(fits["power_law"])
    for fit, moments in ((student, False), (normal, True)):
        for row in sl.forecast(fit, **POINTS).to_json()["points"]:
            assert (row["predictive"]["mean"] is not None) is moments
            assert (row["predictive"]["sd"] is not None) is moments
            assert row["curve"]["mean"] is not None
    assert not sl.forecast([student, replace_label(normal)], **POINTS).moments


def replace_label(fit):
    return replace(fit, model=replace(fit.model, law=replace(fit.model.law, name="another")))


# -- several laws --------------------------------------------------------------------------------------
def test_laws_are_averaged_with_equal_weights(demo_comparison, fits):
    got = demo_comparison.forecast(**POINTS)
    assert got.law_weights == {label: pytest.approx(1 / 3) for label in fits}
    assert got.by_law.keys() == fits.keys()
    for label, draws in got.by_law.items():
        np.testing.assert_allclose(draws, curve_of(fits[label]), rtol=1e-10)
        shared = np.isin(got.curve[:, 0], draws[:, 0]).mean()
        assert shared == pytest.approx(1 / 3, abs=0.002)
    assert got.curve.shape == got.predictive.shape
    np.testing.assert_array_equal(sl.forecast(demo_comparison.fits, **POINTS).curve, got.curve)


def test_a_mixture_of_one_law_is_that_law(demo_comparison, fits):
    alone = sl.forecast(fits["power_law"], **POINTS)
    mixed = sl.forecast(demo_comparison.fits, weights={"power_law": 2.0}, **POINTS)
    assert mixed.law_weights == {"power_law": 1.0, "power_law_offset": 0.0, "chinchilla": 0.0}
    np.testing.assert_array_equal(mixed.curve, alone.curve)
    np.testing.assert_array_equal(mixed.predictive, alone.predictive)


def test_weights_of_ones_own_are_shares_of_the_draws(demo_comparison):
    weights = {"power_law": 3.0, "chinchilla": 1.0}
    got = sl.forecast(demo_comparison.fits, weights=weights, **POINTS)
    assert got.law_weights == {"power_law": 0.75, "power_law_offset": 0.0, "chinchilla": 0.25}
    assert np.isin(got.curve[:, 0], got.by_law["power_law"][:, 0]).mean() == pytest.approx(0.75, abs=0.002)
    assert not np.isin(got.curve[:, 0], got.by_law["power_law_offset"][:, 0]).any()


def test_stacking_weights_are_those_of_the_comparison(demo_comparison):
    got = demo_comparison.forecast(weights="stacking", **POINTS)
    total = sum(demo_comparison.stacking.values())
    for label, weight in got.law_weights.items():
        assert weight == pytest.approx(demo_comparison.stacking[label] / total)


def test_an_average_spans_its_laws(demo_comparison):
    got = demo_comparison.forecast(**POINTS)
    for i in range(2):
        medians = [np.median(draws[:, i]) for draws in got.by_law.values()]
        assert min(medians) <= np.median(got.curve[:, i]) <= max(medians)


# -- what is said ----------------------------------------------------------------------------------------
def test_verdicts_and_notes_come_along(fits):
    bad = replace(fits["power_law"], verdict=Verdict("BAD", ("chains disagree",)))
    got = sl.forecast([bad, fits["power_law_offset"]], **POINTS)
    assert got.level == "BAD"
    assert "power_law: chains disagree" in got.reasons
    assert "leave the law's own error out" in got.notes[0]
    assert "verdict BAD" in str(got)


def test_far_points_are_called_far(fits):
    near, far = (
        sl.forecast(fits["chinchilla"], N=size, D=tokens) for size, tokens in (("3B", "60B"), ("1T", "20T"))
    )
    assert near.reach_decades[0] < 1 < 2 < far.reach_decades[0]
    assert not any("P002" in note for note in near.notes)
    assert any("P002" in note for note in far.notes)


def test_json_and_frame_say_the_same(demo_comparison):
    got = demo_comparison.forecast(**POINTS)
    told = json.loads(json.dumps(got.to_json(), allow_nan=False))
    frame = got.to_frame()
    for i, row in enumerate(told["points"]):
        at = frame.iloc[i]
        assert (row["N"], row["D"], row["C"]) == (at["N"], at["D"], at["C"])
        assert row["predictive"]["median"] == pytest.approx(at["loss"])
        assert row["predictive"]["lower"] == pytest.approx(at["loss_lower"])
        assert row["curve"]["upper"] == pytest.approx(at["curve_upper"])
        assert row["reach_decades"] == at["reach_decades"]
        assert row["by_law"].keys() == got.law_weights.keys()


def test_an_interval_is_equal_tailed():
    draws = np.arange(1001.0)
    assert interval(draws, 0.9) == {
        "median": 500.0,
        "lower": pytest.approx(50.0),
        "upper": pytest.approx(950.0),
        "prob": 0.9,
        "mean": 500.0,
        "sd": pytest.approx(np.std(draws)),
    }
    assert interval(draws, 0.5, moments=False)["mean"] is None


# -- what is refused ------------------------------------------------------------------------------------
@pytest.mark.parametrize("prob", [0, 1, -0.1, 90, float("nan"), "0.9", None])
def test_a_probability_is_between_zero_and_one(fits, prob):
    with pytest.raises(ScalawError) as caught:
        sl.forecast(fits["power_law"], prob=prob, **POINTS)
    assert caught.value.code == "P001"


@pytest.mark.parametrize(
    "weights",
    [
        {},
        {"power_law": 0.0},
        {"power_law": -1.0, "chinchilla": 2.0},
        {"kaplan_l_nd": 1.0},
        {"power_law": float("nan")},
        {"power_law": float("inf"), "chinchilla": 1.0},
    ],
    ids=repr,
)
def test_weights_that_make_no_sense_are_refused(demo_comparison, weights):
    with pytest.raises(ScalawError) as caught:
        sl.forecast(demo_comparison.fits, weights=weights, **POINTS)
    assert caught.value.code == "P001"


def test_a_comparison_knows_two_kinds_of_weights(demo_comparison):
    with pytest.raises(ScalawError, match="'equal' or 'stacking'"):
        demo_comparison.forecast(weights="evidence", **POINTS)


def test_only_different_laws_of_the_same_runs_are_averaged(fits, demo_runs):
    one, two = fits["power_law"], fits["chinchilla"]
    digests = {**two.recipe["digests"], "runs": "0" * 16}
    elsewhere = replace(two, recipe={**two.recipe, "digests": digests})
    for given in ([one, elsewhere], [one, one], []):
        with pytest.raises(ScalawError) as caught:
            sl.forecast(given, **POINTS)
        assert caught.value.code == "P004"


def test_points_are_checked_for_every_law(fits):
    with pytest.raises(ScalawError, match="chinchilla needs") as caught:
        sl.forecast([fits["power_law"], fits["chinchilla"]], C="1e22")
    assert caught.value.code == "P001"
    assert isinstance(sl.forecast(fits["power_law"], C="1e22"), Forecast)
