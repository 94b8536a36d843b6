"""Mixtures and schedules through the command line and into figures and reports."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

import scalaw as sl
from scalaw.show.cli import app
from scalaw.show.plots_data import plot_data
from scalaw.show.plots_fit import plot_residuals
from scalaw.show.plots_forecast import plot_forecast

LAW = "data_mixing_ye[domains=3,k=1]"
TRUTH = {"c": 1.5, "k": 1.0, "t": np.array([-0.8, 0.3, 0.6]), "sigma": 0.004, "nu": 6.0}


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def told(*args):
    result = run(*args, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A table of 16 mixtures, the same in percent, points, and a fit of it."""
    path = tmp_path_factory.mktemp("vectors")
    shares = np.random.default_rng(0).dirichlet(np.full(3, 0.8), 16)
    names = ("r[github]", "r[books]", "r[web]")
    runs = sl.simulate(LAW, TRUTH, at=dict(zip(names, shares.T, strict=True)), seed=0)
    runs.to_frame().to_csv(path / "runs.csv", index=False)
    runs.to_frame().assign(**{n: 100 * runs.values(n) for n in names}).to_csv(
        path / "percent.csv", index=False
    )
    (path / "points.csv").write_text("r[web],r[books],r[github]\n0.5,0.2,0.3\n0.1,0.1,0.8\n")
    fitted = run(
        "fit",
        path / "runs.csv",
        "--law",
        LAW,
        "--method",
        "importance",
        "--bootstrap",
        0,
        "-o",
        path / "fit.nc",
    )
    assert fitted.exit_code == 0, fitted.output
    assert "1 is r[github], 2 is r[books], 3 is r[web]" in " ".join(fitted.stdout.split())
    return path


@pytest.mark.compiles
def test_a_mixture_is_checked_and_its_percent_read(folder):
    assert not [
        p for p in told("check", folder / "runs.csv", "--law", LAW)["problems"] if p["severity"] != "I"
    ]
    assert run("check", folder / "percent.csv", "--law", LAW).exit_code == 1
    read = told("check", folder / "percent.csv", "--law", LAW, "--units", "r=%")
    assert len(read["conversions"]) == 3
    assert "3 columns: r[github], r[books], r[web]" in run("check", folder / "runs.csv").stdout


@pytest.mark.compiles
def test_priors_of_a_mixture_are_shown_at_the_mean_of_the_runs(folder):
    found = told("priors", folder / "runs.csv", "--law", LAW)
    assert {row["name"] for row in found["parameters"]} == {"c", "k", "t", "sigma", "nu"}
    assert 1.0 < found["loss_at_centre"]["median"] < 6.0
    assert "centre of the runs: loss" in run("priors", folder / "runs.csv", "--law", LAW).stdout


@pytest.mark.compiles
def test_points_come_by_option_or_from_a_table(folder):
    at = ["--at", "r[github]=0.3", "--at", "r[books]=0.2", "--at", "r[web]=0.5"]
    (one,) = told("forecast", folder / "fit.nc", *at)["points"]
    first, second = told("forecast", folder / "fit.nc", "--points", folder / "points.csv")["points"]
    assert {n: one[n] for n in ("r[github]", "r[books]", "r[web]")} == {
        n: first[n] for n in one if n.startswith("r[")
    }
    assert one["curve"] == first["curve"] and second["curve"]["median"] < first["curve"]["median"]
    assert one["curve"]["median"] == pytest.approx(1.5 + np.exp(-0.24 + 0.06 + 0.3), abs=0.05)
    shown = run("forecast", folder / "fit.nc", "--points", folder / "points.csv")
    assert shown.exit_code == 0 and "r[books]" in shown.stdout
    assert run("forecast", folder / "fit.nc", "--points", folder / "points.csv", "-N", "1B").exit_code == 2


@pytest.mark.compiles
def test_a_mixture_is_drawn_and_reported(folder, tmp_path):
    fit = sl.infer.load(folder / "fit.nc")
    (ax,) = plot_data(fit).axes
    assert ax.get_xlabel() == "row of the table"
    residuals = plot_residuals(fit).axes
    assert [ax.get_xlabel() for ax in residuals if ax.get_visible()] == ["r[github]", "r[books]", "r[web]"]
    assert {ax.get_xscale() for ax in residuals} == {"linear"}
    forecast = sl.forecast(fit, r={"github": [0.1, 1.0], "books": [0.3, 0.0], "web": [0.6, 0.0]})
    (ax,) = plot_forecast(forecast, fit.runs, laws=fit).axes
    assert ax.get_xlabel() == "point"
    page = tmp_path / "report.html"
    assert run("report", folder / "fit.nc", "-o", page, "--points", folder / "points.csv").exit_code == 0
    text = page.read_text(encoding="utf-8")
    assert "r[web] 0.5" in text and "1 is r[github]" in text


@pytest.mark.compiles
def test_schedules_are_fitted_and_forecast(tmp_path):
    cells = [
        f"{shape}(peak=3e-4, {more}steps={steps})"
        for steps in (1000, 2000, 4000, 8000, 16000)
        for shape, more in (("constant", ""), ("cosine", "end=3e-5, "), ("linear", "end=0, "))
    ]
    truth = {"L_0": 2.6, "A": 0.4, "alpha": 0.5, "C": 0.15, "sigma": 0.002, "nu": 6.0}
    runs = sl.simulate("lr_annealing_tissue", truth, at={"schedule": cells}, seed=3)
    runs.to_frame().to_csv(tmp_path / "runs.csv", index=False)
    saved = tmp_path / "fit.nc"
    law = ["--law", "lr_annealing_tissue"]
    found = told("fit", tmp_path / "runs.csv", *law, "--method", "importance", "--bootstrap", 0, "-o", saved)
    ends = {p["name"]: (p["lower"], p["upper"]) for p in found["parameters"]}
    assert ends["C"][0] - 0.05 < 0.15 < ends["C"][1] + 0.05
    at = "cosine(peak=3e-4, end=3e-5, steps=60000)"
    (point,) = told("forecast", saved, "--at", f"schedule={at}")["points"]
    assert point["schedule"] == at and 0.31 < point["reach_decades"] < 0.32
    assert at in run("forecast", saved, "--at", f"schedule={at}").stdout
    assert "areas" in run("priors", tmp_path / "runs.csv", *law).stdout
    (ax,) = plot_data(sl.infer.load(saved)).axes
    assert ax.get_xlabel() == "row of the table"
