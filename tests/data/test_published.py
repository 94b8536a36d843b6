"""Published tables hold the printed figures, say where from, and what may be done with them."""

import csv
from importlib import resources

import pytest

from scalaw.data import check_runs, published, published_tables
from scalaw.errors import ScalawError

ROWS = {
    "cerebras_gpt": 12,
    "pythia": 16,
    "gpt3": 152,
    "codex": 24,
    "whisper": 18,
    "gopher": 30,
    "chinchilla_pile": 54,
    "chinchilla_opt": 27,
}


def test_every_table_is_there_and_cited():
    tables = {table.name: table for table in published_tables()}
    assert {name: table.rows for name, table in tables.items()} == ROWS
    for name, table in tables.items():
        runs = published(name)
        assert table.arxiv in table.citation and table.table and table.fitted_as and table.caveats
        assert runs.citation.startswith(table.citation) and runs.caveats == table.caveats
        assert runs.source == name and runs.convention == "total" and len(runs) == table.rows


@pytest.mark.parametrize("name", ROWS)
def test_every_figure_is_the_float_nearest_to_its_text(name):
    text = resources.files("scalaw.data.published").joinpath(f"{name}.csv").read_text(encoding="utf-8")
    frame = published(name).to_frame()
    for row, printed in enumerate(csv.DictReader(text.splitlines())):
        for column in frame.select_dtypes("number").columns:
            assert not printed[column] or frame[column][row] == float(printed[column])


def test_cerebras_gpt_as_printed():
    runs = published("cerebras_gpt")
    frame = runs.to_frame().set_index(["recipe", "N"])
    assert frame.loc[("standard", 6.7e9), "loss"] == 1.704
    assert frame.loc[("standard", 13e9), ["D", "C", "loss"]].tolist() == [257e9, 2.3e22, 1.572]
    assert frame.loc[("muP", 111e6), "loss"] == 2.588
    assert runs.to_frame()["recipe"].value_counts().to_dict() == {"standard": 7, "muP": 5}
    assert runs.values("D") / runs.values("N") == pytest.approx(20, rel=0.02)
    assert {p.code for p in runs.check()} == {"D038"}


def test_pythia_keeps_the_probable_misprint_and_says_so():
    runs = published("pythia")
    row = runs.to_frame().query("series == 'Pythia-deduped' and N == 1.4e9").iloc[0]
    assert row["loss"] == 1.889 and row["N_non_embedding"] == 1208602624
    assert any("1.889" in caveat and "misprint" in caveat for caveat in runs.caveats)


@pytest.mark.parametrize(
    ("name", "metric", "kind", "first", "n"),
    [
        ("gpt3", "LAMBADA zero-shot perplexity", "perplexity", 18.6, 8),
        ("gpt3", "LAMBADA zero-shot accuracy", "accuracy", 0.427, 8),
        ("codex", "HumanEval pass@100", "accuracy", 0.0858, 8),
        ("whisper", "English WER (avg of 12 sets)", "error", 0.305, 6),
        ("gopher", "Wikitext103 0-shot", "perplexity", 30.2, 5),
        ("chinchilla_pile", "Pile arxiv", "bits_per_byte", 0.627, 3),
    ],
)
def test_one_metric_becomes_the_response(name, metric, kind, first, n):
    runs = published(name, metric=metric)
    assert len(runs) == n and runs.loss_kind == kind and runs.refusal == ""
    assert runs.values("loss")[0] == first


def test_whisper_is_a_curve_in_hours():
    runs = published("whisper", metric="English WER (avg of 12 sets)")
    assert runs.values("x").tolist() == [3405, 6811, 13621, 27243, 54486, 681070]


class Law:
    name, covariates, free = "any", (), ()


@pytest.mark.parametrize(
    ("name", "metric", "reason"),
    [
        ("chinchilla_opt", None, "projections"),
        ("gpt3", None, "19 metrics"),
        ("whisper", "X->En BLEU (CoVoST2)", "no loss"),
    ],
)
def test_tables_that_are_no_runs_are_refused_by_a_fit(name, metric, reason):
    runs = published(name, metric=metric)
    assert reason in runs.refusal
    refusals = [p for p in check_runs(runs, Law()) if p.severity == "E"]
    assert any(p.code == "D062" and reason in str(p) for p in refusals)


@pytest.mark.parametrize(
    ("name", "metric", "fragment"),
    [
        ("cerebras", None, "the nearest is 'cerebras_gpt'"),
        ("gpt3", "Wikitext", "choose from LAMBADA"),
        ("pythia", "loss", "leave metric out"),
    ],
)
def test_names_that_are_not_carried(name, metric, fragment):
    with pytest.raises(ScalawError, match=fragment) as caught:
        published(name, metric=metric)
    assert caught.value.code == "D064"
