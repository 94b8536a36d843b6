"""Parts of the command line on their own: JSON, options from records, advice in the shell's words, tables, the demo."""

from __future__ import annotations

from io import StringIO

import pytest
from test_cli import check_cli, run

from scalaw.show.commands_shared import Result, Show, command, console, plain
from scalaw.show.commands_wording import in_shell
from scalaw.show.demo import Demo, demo_lines, demo_runs as parts


# -- parts -----------------------------------------------------------------------------------------
def test_json_has_no_nan():
    value = {"a": float("nan"), "b": (1.5, float("-inf")), "c": {1: None}, "d": True}
    assert plain(value) == {"a": None, "b": [1.5, None], "c": {"1": None}, "d": True}


def test_a_command_spreads_its_records_into_options():
    def hello(name: str, *, show: Show) -> Result:
        return Result({"name": name})

    parameters = command(hello).__annotations__
    assert list(parameters) == ["name", "as_json", "quiet"]


@pytest.mark.parametrize(
    ("python", "shell"),
    [
        ("pass missing='drop' to go on", "pass --missing drop to go on"),
        ("map it: columns={'D': 'train tokens'}", "map it: --column D='train tokens'"),
        ("units={'N':'B'}", "--units N=B"),
        ("bind it: x='C'", "bind it: --x C"),
        ("na_values=['-']", "--na-values '-'"),
        ("sep=';'", "--sep ';'"),
        ("dedupe=True", "--dedupe"),
        ("allow_prior_dominated=True goes on", "--allow-prior-dominated goes on"),
    ],
)
def test_advice_in_the_shell(python, shell):
    assert in_shell(python) == shell


# -- the demo --------------------------------------------------------------------------------------
def test_demo(tmp_path, monkeypatch, demo_comparison):
    monkeypatch.setattr("scalaw.decide.compare", lambda *args, **options: demo_comparison)
    output = tmp_path / "demo.html"
    told = check_cli(
        ["demo", "-o", output], keys=["laws", "best", "points", "law_weights", "stacking", "seconds"]
    )
    assert [point["published"] for point in told["points"]] == [1.704, 1.572]
    assert [point["N"] for point in told["points"]] == [6.7e9, 1.3e10]
    assert set(told["law_weights"].values()) == {1 / 3}
    assert told["verdicts"]["chinchilla"] == "LOOK"
    assert any("mixes the two" in note for note in told["notes"])
    assert output.read_text().lower().startswith("<!doctype html>")


def test_demo_in_words(demo_comparison, demo_runs):
    runs, larger = parts()
    assert runs.digest == demo_runs.digest
    at = {name: larger.values(name) for name in ("N", "D", "C")}
    found = Demo(runs, larger, demo_comparison, demo_comparison.forecast(**at))
    with_text = StringIO()
    for line in demo_lines(found):
        console(with_text).print(line)
    text = with_text.getvalue()
    assert "1.704" in text and "1.572" in text and "90 % interval" in text
    assert "correlation 1.000" in text and "law's own error" in text and "Stacking weights" in text


def test_a_narrow_terminal_cuts_no_number(monkeypatch, capsys):
    from scalaw.show.commands_shared import write_text
    from scalaw.show.tables import table

    monkeypatch.setenv("COLUMNS", "40")
    numbers = table("parameter", *(f"column {i}" for i in range(8)))
    numbers.add_row("alpha", *(f"{1.23456 + i:.5f}" for i in range(8)))
    write_text(Result({}, [numbers]))
    printed = capsys.readouterr().out
    assert all(f"{1.23456 + i:.5f}" in printed for i in range(8)) and "alpha" in printed


def test_a_place_that_cannot_be_written_is_refused_before_the_fit(tmp_path):
    told = run("fit", "cerebras_gpt", "-o", tmp_path / "none" / "a.nc", "--json")
    assert told.exit_code == 1 and "S004" in told.output
