"""Many fits and warming up from the shell: a page whatever their number, one JSON object, files, an interrupt."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from helpers import simulated
from test_cli import check_cli, run

import scalaw as sl
from scalaw.infer.importance import EFFORT
from scalaw.show.commands_shared import console
from scalaw.show.tables_many import MOST_ROWS, fits_tables, kinds, reason_lines, summary_line

pytestmark = pytest.mark.compiles

LAWS = ["--law", "power_law", "--law", "power_law_offset", "--x", "C", "--method", "importance"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three tables, one of which is too short; and all in one with a column of labels."""
    path = tmp_path_factory.mktemp("many")
    frames = []
    for i in range(3):
        frame = simulated("power_law_offset", seed=i).to_frame()[["x", "loss"]].rename(columns={"x": "C"})
        frames.append((frame if i < 2 else frame.head(3)).assign(family=f"t{i}"))
        frames[-1].to_csv(path / f"t{i}.csv", index=False)
    pd.concat(frames).to_csv(path / "all.csv", index=False)
    return path


@pytest.fixture(scope="module")
def fits(folder):
    tables = {f"t{i}": sl.read_runs(folder / f"t{i}.csv") for i in range(3)}
    return sl.fit_many(tables, ["power_law", "power_law_offset"], x="C", method="importance")


def printed(lines, width=120):
    out = StringIO()
    for line in lines:
        console(out, width=width).print(line)
    return out.getvalue()


# -- fit-many --------------------------------------------------------------------------------------
def test_several_files(folder, fits):
    files = [folder / f"t{i}.csv" for i in range(3)]
    told = check_cli(["fit-many", *files, *LAWS], code=3, keys=["fits", "compilations", "seconds", "seed"])
    assert [(one["law"], one["scenario"]) for one in told["fits"]] == [
        (law, f"t{i}.csv") for law in ("power_law", "power_law_offset") for i in range(3)
    ]
    first = told["fits"][0]
    assert {"method", "verdict", "parameters", "elpd_loo", "log_evidence", "pareto_k", "why"} <= first.keys()
    interval = {"median", "lower", "upper", "prob", "mean", "sd"}
    assert {"name", "index", "unit", "identified"} | interval <= first["parameters"][0].keys()
    assert (told["verdict"], first["verdict"], told["fits"][2]["verdict"]) == ("BAD", "OK", "BAD")
    (reason,) = told["reasons"]
    assert reason.startswith("2 fits (power_law on t2.csv, power_law_offset on t2.csv), e.g. D042")


def test_one_file_cut_by_a_column_is_the_same(folder, fits, tmp_path):
    output = tmp_path / "fits.csv"
    result = run("fit-many", folder / "all.csv", "--by", "family", *LAWS, "-o", output)
    assert result.exit_code == 3, result.output
    frame = pd.read_csv(output)
    assert list(frame["data"]) == ["t0", "t1", "t2"] * 2
    np.testing.assert_allclose(frame["alpha"], fits.to_frame()["alpha"], rtol=1e-12)
    assert "4 OK, 2 BAD (4 by importance, 2 refused)" in result.stdout
    assert "90 % intervals" in result.stdout and "--allow-prior-dominated" in result.stdout
    assert result.stdout.count("D042") == 1


def test_files_of_one_name_are_told_apart(folder, tmp_path):
    (tmp_path / "t0.csv").write_bytes((folder / "t1.csv").read_bytes())
    files = [folder / "t0.csv", tmp_path / "t0.csv", folder / "t1.csv"]
    told = check_cli(["fit-many", *files, *LAWS[2:], "--quiet"])
    names = [one["scenario"] for one in told["fits"]]
    assert names == [str(files[0]), str(files[1]), "t1.csv"]
    assert told["fits"][1]["parameters"][0]["median"] == pytest.approx(
        told["fits"][2]["parameters"][0]["median"], rel=0.1
    )


def test_a_fit_that_is_not_bad_exits_with_0(folder):
    told = check_cli(["fit-many", folder / "t0.csv", *LAWS, "--seed", "4"])
    assert told["verdict"] in ("OK", "LOOK") and told["seed"] == 4
    assert told["noise"] == told["fits"][0]["noise"] == "student_t"  # what auto chose, not what was asked


@pytest.mark.parametrize("suffix", [".json", ".nc"])
def test_all_fits_are_written_to_a_file(folder, fits, tmp_path, suffix):
    output = tmp_path / f"fits{suffix}"
    told = check_cli(["fit-many", folder / "all.csv", "--by", "family", *LAWS, "-o", output], code=3)
    if suffix == ".json":
        assert json.loads(output.read_text()) == told
    else:
        import xarray as xr

        with xr.open_dataset(output, engine="h5netcdf") as data:
            np.testing.assert_array_equal(data["median"], fits.dataset["median"])
            assert list(data["verdict"].values) == ["OK", "OK", "BAD"] * 2


REFUSED = [
    (["--by", "nothing"], "D012", 1),
    (["--law", "no_such_law"], "M002", 1),
    (["--keep", "3"], "M013", 1),
    (["--method", "guess"], "M013", 1),
    (["--precision", "float16"], "M013", 1),
    (["-o", "{folder}/none/fits.csv"], "S004", 1),
    (["--resume", "{folder}/t0.csv"], "S004", 1),
    (["-o", "fits.xlsx"], "the name ends in", 2),
    (["--processes", "2"], "--process and --address", 2),
    (["--prior", "alpha"], "NAME=VALUE", 2),
]


@pytest.mark.parametrize(("options", "said", "code"), REFUSED)
def test_what_is_refused(folder, options, said, code):
    options = [option.format(folder=folder) for option in options]
    result = run("fit-many", folder / "t0.csv", *LAWS, *options, "--quiet")
    assert result.exit_code == code, result.output
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) <= 8


def test_an_interrupt_says_how_to_go_on(folder, fits, monkeypatch, tmp_path):
    def stop(*args, progress, **options):
        progress("2 of 4 fits done")
        raise KeyboardInterrupt

    monkeypatch.setattr("scalaw.infer.fit_many", stop)
    args = ["fit-many", folder / "t0.csv", *LAWS]
    result = run(*args, "--resume", tmp_path)
    assert result.exit_code == 130 and result.stdout == ""
    assert f"the same command with --resume {tmp_path} goes on" in result.stderr
    assert "nothing was kept. With --resume FOLDER" in run(*args).stderr


def test_a_folder_to_resume_from(folder, tmp_path):
    args = ["fit-many", folder / "t0.csv", *LAWS, "--resume", tmp_path / "kept"]
    first, again = check_cli(args), check_cli(args)
    assert first["fits"] == again["fits"]
    assert again["seconds"]["run"] == 0.0 and len(list((tmp_path / "kept").iterdir())) == 1
    assert first["fits"][0]["elpd_loo"] is None
    asked = check_cli([*args, "--loo"])["fits"][0]
    assert asked["elpd_loo_se"] > 0 and asked["log_evidence"] == first["fits"][0]["log_evidence"]


def test_two_processes_print_one_object(folder, fits, tmp_path):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{found.getsockname()[1]}"
    command = [sys.executable, "-m", "scalaw", "fit-many", str(folder / "all.csv"), "--by", "family", *LAWS]
    command += ["--json", "--processes", "2", "--address", address, "--process"]
    started = [subprocess.Popen([*command, str(k)], stdout=-1, stderr=-1, text=True) for k in range(2)]
    try:
        (first, errors), (second, _) = [process.communicate(timeout=300) for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [3, 3], errors
    assert second == ""
    told = json.loads(first)
    medians = [p["median"] for one in told["fits"] for p in one["parameters"]]
    assert medians == [p["median"] for i in range(6) for p in fits.rows(i)]


# -- a page, whatever the number of fits -----------------------------------------------------------
def test_a_wide_terminal_shows_more_parameters(fits):
    narrow, middle, wide = (printed(fits_tables(fits, width), 400) for width in (50, 110, 300))
    assert "alpha" not in narrow and "nu" not in middle
    assert "k " in middle and "alpha" in wide and "nu" in wide
    for text in (narrow, middle, wide):
        assert text.count("refused") == 2 and text.count("importance") == 4


def test_thousands_of_fits_are_a_page(fits):
    many = sl.Fits(fits.planned * 500, fits.summaries * 500, fits.recipe)
    text = printed([*fits_tables(many), *reason_lines(many), summary_line(many)])
    assert len(text.splitlines()) < MOST_ROWS + 30
    assert f"{3000 - MOST_ROWS} more fits" in text
    assert "3000 fits: 2000 OK, 1000 BAD" in text


def test_reasons_that_differ_in_numbers_are_one_kind(fits):
    def told(level, *reasons):
        found = fits.summaries[0]
        return replace(found, told={**found.told, "verdict": level, "reasons": list(reasons)})

    one = told("LOOK", "R-hat is 1.012 for alpha: chains disagree", "9 runs are odd")
    other = told("LOOK", "R-hat is 1.034 for alpha: chains disagree")
    bad = told("BAD", "R-hat is 1.2 for alpha: chains disagree")
    made = sl.Fits(fits.planned[:2] * 2, (one, other, bad, one), fits.recipe)
    found = [(kind.level, len(kind.fits)) for kind in kinds(made)]
    assert found == [("BAD", 1), ("LOOK", 3), ("LOOK", 2)]
    assert str(kinds(made)[0]) == "power_law on t0: R-hat is 1.2 for alpha: chains disagree"
    assert "3 fits (" in printed(reason_lines(made)) and "why LOOK" in printed(reason_lines(made))


# -- warmup ----------------------------------------------------------------------------------------
def test_warmup(fits):
    args = ["warmup", "--law", "power_law_offset", "--rows", "16", "--method", "importance"]
    told = check_cli(args, keys=["laws", "rows", "programs", "seconds", "cache"])
    assert (told["laws"], told["rows"], told["programs"]) == (["power_law_offset"], [16], 4)
    text = run(*args).stdout
    assert "4 programs for power_law_offset are ready after" in text
    assert str(told["cache"]) in text or "the cache is off" in text


def test_warmup_refuses_what_fit_refuses():
    assert check_cli(["warmup", "--rows", "0"], code=1)["problems"][0]["code"] == "M013"
    assert check_cli(["warmup", "--law", "nothing_like_it"], code=1)["problems"][0]["code"] == "M002"


# -- fit --method ----------------------------------------------------------------------------------
def test_fit_by_importance_says_how(folder, fits):
    args = ["fit", folder / "t0.csv", "--law", "power_law_offset", *LAWS[4:], "--bootstrap", "0"]
    told = check_cli(args, keys=["method", "why", "pareto_k", "kish", "log_evidence"])
    assert told["method"] == "importance" and told["kish"] > 400 and told["pareto_k"] < 0.7
    assert all(p["rhat"] is None and p["ess_tail"] is None for p in told["parameters"])
    text = run(*args).stdout
    assert (
        f"sampled by importance (draws {EFFORT.draws}): Pareto k" in text
        and "(Kish)" in text
        and "nan" not in text
    )
    assert "log evidence" in run(*args, "--evidence").stdout and "log evidence" not in text
    assert run(*args[:-4], "--method", "guess").exit_code == 1


@pytest.mark.parametrize("name", ["fit-many", "warmup"])
def test_the_commands_explain_themselves(name):
    result = run(name, "--help")
    assert result.exit_code == 0 and "--json" in result.output
