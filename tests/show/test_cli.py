"""The command line: exit status, one JSON object on standard output, refusals of one line, no JAX without need."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from io import StringIO

import pytest
from typer.testing import CliRunner

import scalaw as sl
from scalaw.infer.diagnose import Verdict
from scalaw.laws.law import registry
from scalaw.model import get_noise
from scalaw.show.cli import app
from scalaw.show.commands_runs import DEFAULT_NOISE_PARAMETERS
from scalaw.show.commands_shared import console
from scalaw.show.tables import parameter_table

OWN = '''import scalaw as sl


@sl.law(source="a test", decreasing=("N",))
def own_law(N, *, E=sl.irreducible(), A=sl.amplitude("loss * N**alpha"), alpha=sl.exponent()):
    """Irreducible loss plus one power law in parameters."""
    return E + A / N**alpha
'''
HEAD = {"scalaw", "command", "verdict", "reasons", "notes"}
INTERVAL = {"median", "lower", "upper", "prob", "mean", "sd"}
SHORT = ["--draws", "500", "--warmup", "500"]
COMMANDS = [
    *("check", "priors", "fit", "compare", "forecast", "report"),
    *("laws", "data", "audit", "explain", "demo"),
]


@pytest.fixture(autouse=True)
def own_laws_stay_here(monkeypatch):
    """Laws that a test makes known are forgotten after it."""
    monkeypatch.setattr(sys.modules["scalaw.laws.law"], "_REGISTRY", dict(registry()))


def run(*args):
    return CliRunner().invoke(app, [str(arg) for arg in args])


def check_cli(args, code=0, keys=()):
    """Run with ``--json``: the exit status, exactly one object with these keys, and no traceback."""
    result = run(*args, "--json")
    assert result.exit_code == code, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    told = json.loads(result.stdout)
    assert told.keys() >= HEAD | set(keys)
    assert (told["scalaw"], told["command"]) == (1, args[0])
    assert told["verdict"] in ("OK", "LOOK", "BAD", None)
    return told


@pytest.fixture(scope="module")
def folder(tmp_path_factory, demo_comparison, demo_runs):
    """Ten runs as CSV, and the fits of the demo on disk; one of them with the verdict BAD."""
    path = tmp_path_factory.mktemp("cli")
    demo_runs.to_frame()[["N", "D", "C", "loss"]].to_csv(path / "runs.csv", index=False)
    for fit in demo_comparison.fits:
        fit.save(path / f"{fit.label}.nc")
    bad = replace(demo_comparison.fits[0], verdict=Verdict("BAD", ("made to fail",)))
    bad.save(path / "bad.nc")
    return path


# -- start -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "--json" in result.output


def test_version():
    assert run("--version").output.strip() == f"scalaw {sl.__version__}"


def test_looking_things_up_imports_no_jax():
    commands = (
        ["--help"],
        ["fit", "--help"],
        ["check", "cerebras_gpt", "--law", "chinchilla"],
        ["explain", "D012"],
        ["data"],
        ["data", "pythia"],
        ["laws"],
        ["laws", "chinchilla[alpha=beta]"],
        ["laws", "chinchilla@besiroglu_2024", "--json"],
    )
    script = (
        "import sys\nfrom scalaw.show.cli import app\n"
        "assert 'pandas' not in sys.modules and 'numpy' not in sys.modules\n"
        f"for args in {commands!r}:\n"
        "    try:\n        app(args)\n    except SystemExit as end:\n        assert end.code == 0, (args, end.code)\n"
        "    assert 'jax' not in sys.modules, args\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_a_reader_that_stops_reading_ends_quietly():
    script = f"{sys.executable} -m scalaw data gpt3 --csv | head -n 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("series,") or "," in done.stdout
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


# -- each command ----------------------------------------------------------------------------------
def test_check(folder):
    told = check_cli(
        ["check", folder / "runs.csv", "--law", "chinchilla"], keys=["problems", "conversions", "n_runs"]
    )
    assert told["n_runs"] == 10
    assert "D041" in {problem["code"] for problem in told["problems"]}
    assert {"code", "severity", "what", "where", "fix"} <= told["problems"][0].keys()
    text = run("check", folder / "runs.csv", "--law", "chinchilla").stdout
    assert "Warnings" in text and "10 runs from runs.csv" in text


def test_check_counts_the_parameters_of_the_default_noise():
    assert len(get_noise("student_t").parameters) == DEFAULT_NOISE_PARAMETERS


def test_check_refuses_too_few_runs_and_still_describes_them(tmp_path):
    (tmp_path / "few.csv").write_text("N,D,loss\n1e8,2e9,3.1\n2e8,4e9,2.9\n4e8,9e9,2.8\n")
    result = run("check", tmp_path / "few.csv", "--law", "chinchilla")
    assert result.exit_code == 1
    assert "3 runs from few.csv" in result.stdout
    assert result.stderr.count("D042") == 1


def test_reading_options(tmp_path):
    (tmp_path / "odd.csv").write_text("size;tokens;ppl\n0,1;2;20,1\n0,2;4;15,5\n0,4;;14,9\n")
    told = check_cli(
        ["check", tmp_path / "odd.csv", "--column", "N=size", "--column", "loss=ppl", "--units", "N=B"]
        + ["--units", "D=B", "--decimal", ",", "--sep", ";", "--missing", "drop", "--loss-kind", "perplexity"]
        + ["--convert-to", "nats", "--convention", "total"]
    )
    assert (told["n_runs"], told["loss_kind"], told["convention"]) == (2, "nats", "total")
    assert any("left out" in text for text in told["conversions"])


def test_priors(folder):
    args = ["priors", folder / "runs.csv", "--law", "power_law_offset", "--x", "C", "--prior"]
    told = check_cli(
        [*args, "alpha=LogNormal(0.1, 0.2)"], keys=["law", "parameters", "references", "loss_at_centre"]
    )
    rows = {row["name"]: row for row in told["parameters"]}
    assert rows["alpha"]["lower"] == pytest.approx(0.1 * 2.718281828 ** (-1.645 * 0.2), rel=0.03)
    assert 0 < told["loss_at_centre"]["lower"] < told["references"]["loss"] < told["loss_at_centre"]["upper"]
    assert "90 %" in run(*args, "alpha=LogNormal(0.1, 0.2)").stdout


def test_priors_hold_and_tie(folder):
    told = check_cli(["priors", folder / "runs.csv", "--law", "chinchilla[E=0,alpha=beta]"])
    rows = {row["name"]: row for row in told["parameters"]}
    assert rows["E"]["prior"] == "held at 0" and rows["alpha"]["prior"] == "tied to beta"
    assert rows["alpha"]["median"] == rows["beta"]["median"]


def test_fit(folder):
    saved = folder / "new.nc"
    told = check_cli(
        [
            "fit",
            folder / "runs.csv",
            "--law",
            "power_law_offset",
            "--x",
            "C",
            "--fix",
            "E=0",
            *SHORT,
            "-o",
            saved,
        ],
        keys=[
            "law",
            "noise",
            "method",
            "n_runs",
            "seed",
            "parameters",
            "elpd_loo",
            "log_evidence",
            "seconds",
        ],
    )
    assert told["law"] == "power_law_offset[E=0]"
    assert {"name", "index", "unit", "prior_sd", "rhat", "ess_bulk", "identified"} <= told["parameters"][
        0
    ].keys()
    assert {"bootstrap_ratio", "published"} | INTERVAL <= told["parameters"][0].keys()
    assert {p["name"] for p in told["parameters"]} == {"k", "alpha", "sigma", "nu"}
    assert told["seconds"].keys() == {"compile", "run"}
    assert sl.load(saved).label == told["law"]


def test_fit_in_words(folder):
    result = run(
        "fit", folder / "runs.csv", "--law", "power_law", "--x", "C", *SHORT, "--prob", "0.8", "--seed", "3"
    )
    assert result.exit_code == 0, result.output
    assert "80 % interval" in result.stdout and "equal-tailed" in result.stdout
    assert "verdict: " in result.stdout and "N counts: unknown" in result.stdout
    assert "reading file" in result.stderr and "reading file" not in result.stdout


def test_compare(folder):
    laws = ["--law", "power_law", "--law", "power_law_offset"]
    told = check_cli(
        ["compare", folder / "runs.csv", *laws, "--x", "C", "--holdout", "top 20% compute", *SHORT]
        + ["--save-fits", folder / "fits"],
        keys=["laws", "best"],
    )
    assert told["noise"] == "student_t"  # what auto chose, not what was asked
    score = told["laws"][0]
    assert {"law", "elpd", "se", "elpd_diff", "dse", "law_weight", "log_evidence"} <= score.keys()
    assert all(isinstance(score["holdout_log_score"], float) for score in told["laws"])
    assert sorted(path.name for path in (folder / "fits").iterdir()) == [
        "power_law.nc",
        "power_law_offset.nc",
    ]


def test_forecast(folder):
    output = folder / "forecast.json"
    fits = [folder / f"{name}.nc" for name in ("power_law", "power_law_offset", "chinchilla")]
    told = check_cli(
        ["forecast", *fits, "-N", "6.7B", "-D", "133B", "-N", "13B", "-D", "257B", "-o", output],
        keys=["points", "law_weights"],
    )
    first, second = told["points"]
    assert (first["N"], first["D"], second["N"]) == (6.7e9, 1.33e11, 1.3e10)
    assert first["curve"].keys() == first["predictive"].keys() == INTERVAL
    assert first["predictive"]["mean"] is None  # Student-t on the log loss: no mean
    assert 0 < first["reach_decades"] < second["reach_decades"]
    assert sum(told["law_weights"].values()) == pytest.approx(1)
    assert any("law's own error" in note for note in told["notes"])
    assert json.loads(output.read_text()) == told


def test_forecast_with_the_verdict_bad_exits_3(folder):
    args = ["forecast", folder / "bad.nc", "-N", "6.7B", "-D", "133B"]
    told = check_cli(args, code=3)
    assert told["verdict"] == "BAD" and "made to fail" in told["reasons"][0]
    text = run(*args)
    assert text.exit_code == 3 and "BAD" in text.stdout


def test_fits_by_importance_sampling_are_read_like_others(folder, demo_weighted, tmp_path):
    fits = [tmp_path / f"{fit.label}.nc" for fit in demo_weighted.fits]
    for fit, path in zip(demo_weighted.fits, fits, strict=True):
        fit.save(path)
    points = ["-N", "6.7B", "-D", "133B"]
    told = check_cli(["forecast", *fits, *points], keys=["points", "law_weights"])
    assert told["points"][0]["predictive"].keys() == INTERVAL
    assert told["verdict"] == sl.forecast(demo_weighted.fits, N="6.7B", D="133B").level
    check_cli(["report", *fits, *points, "-o", tmp_path / "report.html"], keys=["output"])


def test_the_table_of_weighted_draws_has_no_r_hat(demo_weighted):
    out = StringIO()
    console(out, 160).print(parameter_table(demo_weighted.fits[0], 0.9))
    assert f"{demo_weighted.fits[0].recipe['weights']['kish']:.0f} (Kish)" in out.getvalue()
    assert "nan" not in out.getvalue()


def test_report(folder):
    output = folder / "report.html"
    fits = [folder / f"{name}.nc" for name in ("power_law", "power_law_offset")]
    told = check_cli(["report", *fits, "-C", "6.3e21", "-o", output], keys=["output"])
    assert told["output"] == str(output) and told["reasons"] is not None
    assert "power_law_offset" in output.read_text()


def test_laws_and_a_card():
    told = check_cli(["laws"], keys=["laws"])
    assert {"chinchilla", "power_law", "bnsl"} <= {law["name"] for law in told["laws"]}
    (card,) = check_cli(["laws", "chinchilla[E=0]"])["laws"]
    assert card["formula"] == "loss = E + A / N^alpha + B / D^beta\nwith E = 0"
    assert [p["fixed"] for p in card["parameters"]] == [0.0, None, None, None, None]
    text = run("laws", "chinchilla").stdout
    assert "arXiv:2404.10102" in text and "E + A / N^alpha + B / D^beta" in text
    assert "Parameters and tokens" in run("laws").stdout


def test_data():
    told = check_cli(["data"], keys=["tables"])
    assert "cerebras_gpt" in {table["name"] for table in told["tables"]}
    told = check_cli(["data", "pythia"], keys=["tables", "rows"])
    text = run("data", "pythia", "--csv").stdout.splitlines()
    assert len(text) == len(told["rows"]) + 1 and text[0].split(",") == list(told["rows"][0])
    assert "caveat" in run("data", "pythia").stdout


def test_audit_of_a_recipe_and_of_coefficients():
    recipe = ["audit", "-C", "1e23", "-N", "(C/6)^0.5", "-D", "(C*6)^0.5 * 20"]
    told = check_cli(recipe, code=3, keys=["figures"])
    assert told["figures"]["ratio"] == pytest.approx(120.0)
    assert "120 times the budget" in run(*recipe).stdout
    check_cli(["audit", "-N", "70B", "-D", "1.4T", "--tokens-per-parameter", "20"])
    told = check_cli(["audit", "--law", "chinchilla", "--value", "beta=0.6"], code=3)
    assert "beta = 0.6" in told["reasons"][0]
    assert run("audit", "--law", "chinchilla", "--value", "beta=high").exit_code == 2
    assert run("audit", "-N", "70B").exit_code == 2


def test_explain():
    told = check_cli(["explain", "d012"], keys=["code", "text"])
    assert told["code"] == "D012"
    assert run("explain", "D012").stdout.startswith("D012: ")


def test_a_file_wins_over_a_published_table(tmp_path, monkeypatch, folder):
    monkeypatch.chdir(tmp_path)
    assert "published table cerebras_gpt" in run("check", "cerebras_gpt").stderr
    (tmp_path / "cerebras_gpt").write_bytes((folder / "runs.csv").read_bytes())
    result = run("check", "cerebras_gpt")
    assert "reading file cerebras_gpt (a published table has the same name)" in result.stderr
    assert "10 runs" in result.stdout
    assert run("check", "cerebras_gpt", "--quiet").stderr == ""


def test_a_formula_is_a_law(folder):
    formula = ["--formula", "E + A/N^alpha"]
    told = check_cli(["priors", folder / "runs.csv", *formula])
    assert [(row["name"], row["role"]) for row in told["parameters"][:2]] == [
        ("E", "irreducible"),
        ("A", "amplitude"),
    ]
    refused = check_cli(["fit", folder / "runs.csv", *formula, "--fix", "A=-1", *SHORT], code=1)
    assert refused["problems"][0]["code"] == "M009"  # an amplitude is never below zero


def test_a_law_file_is_run_and_its_law_is_known(folder, tmp_path):
    (tmp_path / "mylaws.py").write_text(OWN)
    args = ["check", folder / "runs.csv", "--law-file", tmp_path / "mylaws.py"]
    assert check_cli(args)["n_runs"] == 10
    assert "a law file is a program" in run(*args, "--law", "own_law[E=0]").stderr


# -- how it ends otherwise -------------------------------------------------------------------------
REFUSED = [
    (["check", "no_such_file.csv"], "D001"),
    (["check", "cerebras_gtp"], "D064"),
    (["check", "{empty}"], "D002"),
    (["check", "{nan}"], "D020"),
    (["check", "{runs}", "--law", "chinchila"], "M002"),
    (["check", "{mixed}", "--law", "data_mixing_ye"], "D071"),
    (["fit", "{mixed}", "--law", "data_mixing_ye[domains=3]"], "D072"),
    (["fit", "{scheduled}", "--law", "lr_multipower"], "D070"),
    (["check", "{runs}", "--missing", "maybe"], "D065"),
    (["priors", "{runs}", "--law", "chinchilla", "--prior", "alpha=Cauchy(1)"], "M005"),
    (["priors", "{runs}", "--law", "power_law"], "D013"),
    (["fit", "chinchilla_opt"], "D062"),
    (["fit", "{few}"], "D042"),
    (["fit", "{runs}", "--noise", "cauchy"], "M002"),
    (["fit", "{runs}", "--chains", "1"], "M013"),
    (["fit", "{runs}", "--prob", "90"], "P001"),
    (["fit", "{runs}", "--formula", "E + A/N^^alpha"], "M010"),
    (["fit", "{runs}", "--law-file", "{runs}"], "M003"),
    (["compare", "{runs}", "--law", "chinchilla", "--law", "chinchilla"], "M014"),
    (["forecast", "{runs}", "-N", "70B", "-D", "1.4T"], "S003"),
    (["forecast", "{fit}", "-N", "70 B B", "-D", "1.4T"], "P001"),
    (["report", "no_such_fit.nc"], "D001"),
    (["laws", "chinchila"], "M002"),
    (["data", "cerebras"], "D064"),
    (["explain", "D999"], "D064"),
]


@pytest.mark.parametrize(("args", "code"), REFUSED, ids=lambda value: value if isinstance(value, str) else "")
def test_refused_input_exits_1_with_code_and_fix(args, code, folder, tmp_path):
    texts = {
        "empty": "",
        "nan": "N,D,loss\n1e8,2e9,3.1\n2e8,4e9,\n",
        "mixed": "r[a],r[b],r[c],loss\n" + "".join(f"0.2,0.3,0.4,3.{i}\n" for i in range(9)),
        "scheduled": 'schedule,loss\n"cosine(peak=3e-4)",3.1\n',
        "few": "N,D,loss\n1e8,2e9,3.1\n2e8,9e9,2.9\n",
    }
    files = {"runs": folder / "runs.csv", "fit": folder / "chinchilla.nc"}
    for name, text in texts.items():
        files[name] = tmp_path / f"{name}.csv"
        files[name].write_text(text)
    args = [arg.format(**files) for arg in args]
    problems = check_cli(args, code=1, keys=["problems"])["problems"]
    assert [problem["severity"] for problem in problems] == ["E"] * len(problems)
    assert problems[0]["code"] == code and (problems[0]["fix"] or problems[0]["why"])
    result = run(*args, "--quiet")
    assert result.exit_code == 1
    assert len(result.stderr.strip().splitlines()) == len(problems)
    assert result.stderr.startswith(code)


@pytest.mark.parametrize(
    "args",
    [
        ["fits"],
        ["check"],
        ["check", "{runs}", "--colour"],
        ["check", "{runs}", "--column", "N"],
        ["check", "{runs}", "--column", "N=N", "--column", "N=D"],
        ["check", "{runs}", "--metric", "accuracy"],
        ["check", "cerebras_gpt", "--sep", ";"],
        ["priors", "{runs}"],
        ["fit", "{runs}", "--draws", "many"],
        ["check", "{runs}", "--law", "chinchilla", "--formula", "E + A/N^alpha"],
        ["fit", "{runs}", "--law", "chinchilla", "--formula", "E + A/N^alpha"],
        ["compare", "{runs}", "--law", "chinchilla"],
        ["forecast", "{runs}"],
        ["data", "--csv"],
    ],
)
def test_wrong_usage_exits_2(args, folder):
    result = run(*[arg.format(runs=folder / "runs.csv") for arg in args])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output and not result.stdout


def test_a_defect_is_one_line_and_a_traceback_only_for_debugging(monkeypatch):
    def broken(code):
        raise RuntimeError("told in\ntwo lines")

    monkeypatch.delenv("SCALAW_DEBUG", raising=False)
    monkeypatch.setattr("scalaw.data.explain", broken)
    told = check_cli(["explain", "D012"], code=1, keys=["problems", "error"])
    assert told["error"] == "RuntimeError: told in"
    assert len(run("explain", "D012").stderr.strip().splitlines()) == 1
    monkeypatch.setenv("SCALAW_DEBUG", "1")
    assert isinstance(run("explain", "D012").exception, RuntimeError)
