"""Noises on the command line: all are listed, and a share is fitted and forecast from counts."""

import json

import pytest
from typer.testing import CliRunner

from scalaw.model import noises, simulate
from scalaw.show.cli import app


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


@pytest.mark.parametrize("command", ["fit", "compare", "priors"])
def test_help_and_refusal_list_every_noise(command, tmp_path):
    (tmp_path / "runs.csv").write_text("N,loss\n1e8,3.0\n2e8,2.8\n")
    laws = ["--law", "power_law", *(["--law", "power_law_offset"] if command == "compare" else [])]
    refused = run(command, tmp_path / "runs.csv", *laws, "--noise", "gaussian")
    assert refused.exit_code == 1 and "M002" in refused.stderr
    for told in (run(command, "--help").output, refused.stderr):
        assert [noise.name for noise in noises() if noise.name not in told] == []


@pytest.fixture(scope="module")
def counts(tmp_path_factory):
    path = tmp_path_factory.mktemp("counts") / "counts.csv"
    at = {"k": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0], "trials": 100}
    runs = simulate(
        "coverage_betabinomial", {"mean": 0.1, "concentration": 1.0}, at=at, noise="binomial", seed=1
    )
    runs.to_frame().drop(columns="loss").to_csv(path, index=False)
    return path


def test_priors_of_a_share_are_shown(counts):
    told = run("priors", counts, "--law", "coverage_betabinomial", "--noise", "beta_binomial", "--json")
    assert told.exit_code == 0, told.output
    names = [row["name"] for row in json.loads(told.stdout)["parameters"]]
    assert names == ["mean", "concentration", "sigma"]


@pytest.mark.compiles
def test_counts_are_fitted_and_forecast(counts, tmp_path):
    law = ["--law", "coverage_betabinomial", "--noise", "binomial"]
    saved = tmp_path / "fit.nc"
    done = run("fit", counts, *law, "--draws", 500, "--warmup", 500, "--bootstrap", 0, "-o", saved)
    assert done.exit_code == 0, done.output
    told = json.loads(run("forecast", saved, "--at", "k=64", "--at", "k=128", "--json").stdout)
    assert len(told["points"]) == 2
    assert all(0 < point["curve"]["lower"] < point["curve"]["upper"] < 1 for point in told["points"])
