"""Figures: they say what they show, their numbers are those of the records, and as SVG they can share a page."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.show.curves import cluster, design_of, groups, law_curve
from scalaw.show.drawing import STYLE, canvas, drawn, log_ticks, plain
from scalaw.show.plots import plot_data, plot_exponents, plot_forecast, plot_loo_pit, plot_residuals
from scalaw.show.plots_fit import envelope, loo_pit_values
from scalaw.show.svg import inline_svg

POINTS = {"N": ["6.7B", "13B"], "D": ["133B", "257B"], "C": ["6.3e21 FLOP", "2.3e22 FLOP"]}
needs_fits = pytest.mark.compiles


@pytest.fixture(scope="module")
def fits(demo_comparison):
    return {f.label: f for f in demo_comparison.fits}


@pytest.fixture(scope="module")
def forecast(demo_comparison):
    return demo_comparison.forecast(**POINTS)


@pytest.fixture(scope="module")
def figures(demo_comparison, fits, forecast, demo_runs):
    return {
        "data": plot_data(demo_comparison),
        "residuals": plot_residuals(fits["chinchilla"]),
        "loo_pit": plot_loo_pit(fits["power_law"]),
        "exponents": plot_exponents(demo_comparison),
        "forecast": plot_forecast(forecast, demo_runs, {0: 1.704}, laws=demo_comparison),
    }


@pytest.fixture(scope="module")
def weighted_figures(demo_weighted, demo_runs):
    """The same figures of fits by importance sampling."""
    fit, forecast = demo_weighted.fits[0], demo_weighted.forecast(**POINTS)
    return {
        "data": plot_data(demo_weighted),
        "residuals": plot_residuals(fit),
        "loo_pit": plot_loo_pit(fit),
        "exponents": plot_exponents(demo_weighted),
        "forecast": plot_forecast(forecast, demo_runs, {0: 1.704}, laws=demo_weighted),
    }


def texts(figure):
    return [t.get_text() for t in figure.findobj(matplotlib.text.Text) if t.get_text()]


def grid_runs(vary_compute):
    """Five budgets of seven sizes, or a grid of sizes and tokens."""
    N, group = (a.ravel() for a in np.meshgrid(np.geomspace(1e8, 1e9, 7), np.arange(5)))
    D = 1e18 * 10.0**group / (6 * N) if vary_compute else 1e9 * 4.0**group
    frame = pd.DataFrame({"N": N, "D": D, "C": 6 * N * D, "loss": 2 + 400 / N**0.34 + 410 / D**0.28})
    return sl.read_runs(frame)


@needs_fits
@pytest.mark.parametrize(
    "name, labels",
    [
        ("data", ["training compute C (FLOP)", "loss (nats per token)"]),
        (
            "residuals",
            [
                "parameters N (total)",
                "training tokens D",
                "tokens per parameter D/N",
                "training compute C (FLOP)",
            ],
        ),
        ("loo_pit", ["share of runs"]),
        ("exponents", ["exponent (no unit)"]),
        ("forecast", ["training compute C (FLOP)", "loss (nats per token)", "observed later"]),
    ],
)
def test_a_figure_says_runs_laws_interval_and_units(figures, name, labels):
    title = " ".join(figures[name].get_suptitle().split())
    assert "10 runs" in title and "equal-tailed" in title and "90 %" in title
    assert "power_law" in title or "chinchilla" in title
    assert set(labels) <= set(texts(figures[name]))


@needs_fits
@pytest.mark.parametrize("name", ["data", "residuals", "loo_pit", "exponents", "forecast"])
def test_weighted_draws_are_drawn_like_others(figures, weighted_figures, name):
    one, other = figures[name], weighted_figures[name]
    assert len(one.axes) == len(other.axes)
    for a, b in zip(one.axes, other.axes, strict=True):
        assert (a.get_xlabel(), a.get_ylabel()) == (b.get_xlabel(), b.get_ylabel())
        for line in b.lines:
            assert np.isfinite(np.asarray(line.get_xydata(), float)).any() or not len(line.get_xydata())
    inline_svg(other, "a")


@needs_fits
def test_figures_of_several_laws_name_each(figures):
    for name in ("data", "exponents", "forecast"):
        title = figures[name].get_suptitle()
        assert all(law in title for law in ("power_law", "power_law_offset", "chinchilla"))


@needs_fits
def test_drawing_changes_no_setting(fits):
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"axes.facecolor": "black", "text.parse_math": True}):
        figure = plot_residuals(fits["power_law"])
        inline_svg(figure, "a")
        assert matplotlib.rcParams["axes.facecolor"] == "black"
    assert figure.axes[0].get_facecolor() == (1.0, 1.0, 1.0, 1.0)
    assert dict(matplotlib.rcParams) == before


@needs_fits
def test_a_curve_is_that_of_the_forecast_whatever_the_chunks(fits):
    fit = fits["chinchilla"]
    N = np.geomspace(1e8, 1e10, 21)  # more than one bucket of rows
    expected = sl.forecast(fit, N=N, D=20 * N).curve
    np.testing.assert_allclose(law_curve(fit, {"N": N, "D": 20 * N}), expected, rtol=1e-12)


@needs_fits
def test_laws_on_a_path_share_one_panel_along_compute(fits, figures):
    assert {(design_of(f).kind, design_of(f).across) for f in fits.values()} == {("line", "C")}
    assert len(figures["data"].axes) == 1
    for fit in fits.values():
        (line,) = design_of(fit).lines
        middle = np.median(law_curve(fit, line.covariates), axis=0)
        at_runs = np.interp(np.log(fit.runs.values("C")), np.log(line.across), np.log(middle))
        np.testing.assert_allclose(at_runs, np.log(fit.runs.values("loss")), atol=0.03)


@pytest.mark.parametrize("vary_compute, sign", [(True, "6ND = "), (False, "D = ")])
def test_isoflop_runs_are_grouped_by_what_they_were_planned_at(vary_compute, sign):
    runs = grid_runs(vary_compute)
    lines = groups(runs)
    assert [len(line.rows) for line in lines] == [7] * 5
    for line in lines:
        assert line.label.startswith(sign)
        held = line.covariates["D"] * (line.covariates["N"] if vary_compute else 1.0)
        rows = runs.values("D")[line.rows] * (runs.values("N")[line.rows] if vary_compute else 1.0)
        np.testing.assert_allclose(held, rows[0])


def test_runs_without_clear_groups_are_cut_into_bins_that_say_so():
    rng = np.random.default_rng(0)
    N, D = 10 ** rng.uniform(8, 10, 60), 10 ** rng.uniform(9, 11, 60)
    lines = groups(sl.read_runs(pd.DataFrame({"N": N, "D": D, "loss": 2 + N**-0.1})))
    assert cluster(np.log10(N)) is None
    assert np.array_equal(np.sort(np.concatenate([line.rows for line in lines])), np.arange(60))
    assert all("≈" in line.label for line in lines)


@needs_fits
def test_a_law_in_n_and_d_off_a_path_is_drawn_by_groups(fits):
    fit = fits["chinchilla"]
    runs = grid_runs(True).select(np.arange(0, 35, 3))
    tree = fit.tree.copy()
    tree["constant_data"] = tree["constant_data"].to_dataset().isel(run=[0] * len(runs))
    other = replace(fit, runs=runs, tree=tree)
    assert (design_of(other).kind, design_of(other).across) == ("groups", "N")
    figure = plot_data(other)
    assert "parameters N (counting unknown)" in texts(figure)
    assert any(text.startswith("6ND = ") for text in texts(figure))


@needs_fits
def test_held_out_runs_are_counted_and_open(fits):
    fit = fits["power_law"]
    tree = fit.tree.copy()
    weight = tree["constant_data"]["row_weight"].copy(data=[1.0] * 8 + [0.0] * 2)
    tree["constant_data"] = tree["constant_data"].to_dataset().assign(row_weight=weight)
    title = plot_data(replace(fit, tree=tree)).get_suptitle()
    assert "8 runs, 2 held out (open circles)" in title


@needs_fits
def test_fits_of_different_runs_do_not_share_a_figure(fits):
    fit = fits["power_law"]
    other = replace(fit, runs=fit.runs.select(np.arange(9)))
    with pytest.raises(ScalawError, match="different runs"):
        plot_data([fit, other])
    with pytest.raises(ScalawError, match="P004"):
        plot_data([])


def test_binding_x_makes_no_other_table():
    runs = grid_runs(True)
    assert runs.digest == runs.along("C").digest != runs.select([0, 1]).digest


@needs_fits
def test_loo_pit_is_a_probability_per_run(fits):
    values = loo_pit_values(fits["power_law"])
    assert values.shape == (10,)
    assert np.all((values > 0) & (values < 1)) and 0.2 < values.mean() < 0.8


@needs_fits
def test_loo_pit_refuses_repeated_runs(fits):
    tree = fits["power_law"].tree.copy()
    weight = tree["constant_data"]["row_weight"].copy(data=[2.0] * 10)
    tree["constant_data"] = tree["constant_data"].to_dataset().assign(row_weight=weight)
    with pytest.raises(ScalawError, match="D056"):
        plot_loo_pit(replace(fits["power_law"], tree=tree))


@pytest.mark.parametrize("number", [5, 20, 245])
def test_the_envelope_holds_uniform_values_as_often_as_it_says(number):
    at, low, high = envelope(number, 0.9)
    values = np.sort(np.random.default_rng(1).uniform(size=(2000, number)), axis=1)
    ecdf = np.stack([np.searchsorted(row, at, side="right") for row in values]) / number
    inside = np.all((ecdf >= low - 1e-9) & (ecdf <= high + 1e-9), axis=1).mean()
    assert 0.88 < inside < 0.96  # above 0.9 where the counts are few


@needs_fits
def test_exponents_stand_beside_published_values_with_source(figures, fits):
    told = " ".join(texts(figures["exponents"]))
    for p in fits["chinchilla"].parameters:
        if p["name"] in ("alpha", "beta"):
            assert all(q["source"] in told and q["key"] in told for q in p["published"])
    assert "0.3478 ± 0.015" in told


@needs_fits
def test_the_fan_passes_through_the_forecast(figures, forecast):
    axes = figures["forecast"].axes[0]
    (curve,) = [line for line in axes.lines if line.get_label() == "curve, median"]
    x, y = curve.get_data()
    at = np.interp(np.log(forecast.points["C"]), np.log(x), np.log(y))
    np.testing.assert_allclose(np.exp(at), np.median(forecast.curve, axis=0), rtol=2e-3)
    assert x.min() == pytest.approx(2.6e18) and x.max() == pytest.approx(2.3e22)


@needs_fits
def test_bars_of_a_forecast_are_its_predictive_intervals(forecast, demo_runs):
    axes = plot_forecast(forecast, demo_runs).axes[0]
    (bars,) = [c for c in axes.containers if isinstance(c, matplotlib.container.ErrorbarContainer)]
    segments = np.array(bars.lines[2][0].get_segments())
    frame = forecast.to_frame()
    np.testing.assert_allclose(segments[:, 0, 1], frame["loss_lower"])
    np.testing.assert_allclose(segments[:, 1, 1], frame["loss_upper"])


@needs_fits
@pytest.mark.parametrize("actual", [{2: 1.5}, {-1: 1.5}, {0: float("nan")}, {0: -1.0}])
def test_an_actual_loss_belongs_to_a_point(forecast, demo_runs, actual):
    with pytest.raises(ScalawError, match="P001"):
        plot_forecast(forecast, demo_runs, actual)


@pytest.mark.parametrize(
    "low, high", [(1.7, 2.6), (19.6, 20.3), (1e18, 1e24), (3e7, 4e8), (1.1, 9), (1, 1e40)]
)
@pytest.mark.parametrize("most", [5, 7])
def test_ticks_are_few_and_inside(low, high, most):
    ticks = log_ticks(low, high, most)
    assert 2 <= len(ticks) <= most + 1
    assert ticks == sorted(ticks) and low <= ticks[0] and ticks[-1] <= high


@pytest.mark.parametrize(
    "text, shown",
    [("a\x00b\nc", "a b c"), ("\ud800", ""), ("x" * 100, "x" * 59 + "…"), ("$x$ <b>", "$x$ <b>")],
)
def test_texts_of_a_figure_are_one_printable_line(text, shown):
    assert plain(text) == shown


class TestInlineSvg:
    """A figure as text of a page."""

    @staticmethod
    @drawn
    def figure(label="<script>alert(1)</script> $\\frac$ 漢"):
        figure, axes = canvas(label, "details & more")
        axes[0, 0].plot([1, 2], [1, 3], label=label, marker="o")
        axes[0, 0].legend()
        return figure

    def test_same_figure_same_text(self):
        assert inline_svg(self.figure(), "a") == inline_svg(self.figure(), "a")

    def test_ids_and_references_carry_the_prefix(self):
        text = inline_svg(self.figure(), "fig-7")
        ids = re.findall(r'\bid="([^"]*)"', text)
        used = re.findall(r'href="#([^"]*)"', text) + re.findall(r"url\(#([^)]*)\)", text)
        assert len(ids) == len(set(ids)) and used
        assert all(name.startswith("fig-7") for name in ids) and set(used) <= set(ids)

    def test_texts_are_escaped_and_taken_literally(self):
        text = inline_svg(self.figure(), "a")
        assert "<script" not in text and "<!--" not in text
        shown = "".join(ElementTree.fromstring(text).itertext())
        assert "<script>alert(1)</script> $\\frac$ 漢" in shown

    def test_it_fits_the_page_and_speaks(self):
        root = ElementTree.fromstring(inline_svg(self.figure("Runs"), "a"))
        assert root.get("role") == "img" and root.get("aria-label") == "Runs details & more"
        assert root.get("viewBox") and root.get("width") is None and root.get("height") is None

    def test_it_brings_no_style_sheet_and_no_date(self):
        text = inline_svg(self.figure(), "a")
        assert (
            "<style" not in text and "metadata" not in text and "<?xml" not in text and "DOCTYPE" not in text
        )

    @pytest.mark.parametrize("prefix", ["", "1a", 'a"', "a b", "a_ü"])
    def test_a_prefix_that_is_no_id_is_refused(self, prefix):
        with pytest.raises(ValueError, match="prefix"):
            inline_svg(self.figure("Runs"), prefix)

    def test_letters_stay_letters(self):
        assert STYLE["svg.fonttype"] == "none"
        assert "details" in inline_svg(self.figure(), "a")
