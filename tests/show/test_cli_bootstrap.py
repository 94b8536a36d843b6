"""The bootstrap from the shell: a table, one JSON object, all replicates in a file, refusals."""

import pandas as pd
import pytest
from helpers import simulated
from test_cli import check_cli, run

pytestmark = pytest.mark.compiles


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    path = tmp_path_factory.mktemp("bootstrap") / "runs.csv"
    frame = simulated("power_law").frame.rename(columns={"x": "C"})
    frame.assign(family=list("aabbccddeeffgghh")).to_csv(path, index=False)
    return path


LAW = ["--law", "power_law", "--x", "C", "--replicates", "50"]


def test_one_object(table):
    keys = [
        "kind",
        "parameters",
        "replicates",
        "elsewhere",
        "not_converged",
        "n_drawn",
        "searches",
        "seconds",
    ]
    told = check_cli(["bootstrap", table, *LAW, "--kind", "clusters", "--by", "family"], keys=keys)
    assert (told["kind"], told["by"], told["n_drawn"], told["replicates"]) == ("clusters", "family", 8, 50)
    first = told["parameters"][0]
    assert {"estimate", "sd", "median", "lower", "upper", "prob", "unit", "index"} <= first.keys()
    assert first["lower"] < first["estimate"] < first["upper"]
    assert any("8 clusters are few" in note for note in told["notes"])


def test_a_table_for_people_and_a_file_of_all_replicates(table, tmp_path):
    output = tmp_path / "replicates.csv"
    result = run("bootstrap", table, *LAW, "--noise", "huber", "--prob", "0.8", "-o", output)
    assert result.exit_code == 0, result.output
    assert "50 replicates of runs" in result.stdout and "80 % interval" in result.stdout
    assert "replicates ended at another mode" in result.stdout
    frame = pd.read_csv(output)
    assert list(frame.columns) == ["k", "alpha", "elsewhere", "converged"] and len(frame) == 50


@pytest.mark.parametrize(
    ("options", "code", "status"),
    [
        (["--kind", "jackknife"], "M013", 1),
        (["--kind", "clusters"], "M021", 1),
        (["--kind", "clusters", "--by", "recipe"], "D012", 1),
        (["--prob", "2"], "P001", 1),
        (["--noise", "nothing"], "M002", 1),
        (["--fix", "alpha"], "NAME=VALUE", 2),
    ],
)
def test_what_is_refused(table, options, code, status):
    result = run("bootstrap", table, *LAW, *options, "--quiet")
    assert result.exit_code == status and code in result.stderr


def test_a_posterior_under_huber_is_refused_with_a_way_out(table):
    result = run("fit", table, *LAW[:4], "--noise", "huber")
    assert result.exit_code == 1
    assert "M020" in result.stderr and "laplace" in result.stderr


def test_the_command_explains_itself():
    result = run("bootstrap", "--help")
    assert result.exit_code == 0 and "--json" in result.output and "huber" in result.output
