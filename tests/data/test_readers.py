"""Every format gives the same runs; roles, units and losses are read as asked, and said."""

import gzip
import json

import numpy as np
import pandas as pd
import polars as pl
import pytest

from scalaw.data import read_runs
from scalaw.errors import ScalawError

FRAME = pd.DataFrame(
    {
        "params": [70e6, 1.4e9, 12e9],
        "Training Tokens": [300e9, 600e9, 900e9],
        "val_loss": [2.5, 1.9, 1.6],
        "family": ["a", "b", None],
    }
)


def write_parquet(path):
    FRAME.to_parquet(path)


WRITERS = {
    "runs.csv": lambda path: FRAME.to_csv(path, index=False),
    "runs.tsv": lambda path: FRAME.to_csv(path, index=False, sep="\t"),
    "runs.csv.gz": lambda path: path.write_bytes(gzip.compress(FRAME.to_csv(index=False).encode())),
    "runs.dat": lambda path: path.write_bytes(gzip.compress(FRAME.to_csv(index=False).encode())),
    "runs.json": lambda path: path.write_text(json.dumps(FRAME.astype(object).to_dict("records"))),
    "runs.jsonl": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "runs.jsonl.gz": lambda path: FRAME.to_json(path, orient="records", lines=True),
    "runs.parquet": write_parquet,
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_runs(tmp_path, name):
    WRITERS[name](tmp_path / name)
    runs = read_runs(tmp_path / name)
    assert runs.source == name
    assert runs.digest == read_runs(FRAME).digest
    assert runs.columns == {"N": "params", "D": "Training Tokens", "loss": "val_loss"}
    assert runs.values("D").tolist() == [300e9, 600e9, 900e9]
    assert [p.code for p in runs.problems] == ["D035"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: pl.from_pandas(FRAME),
        lambda: FRAME.to_dict("list"),
        lambda: FRAME.set_index("params"),
        lambda: FRAME.convert_dtypes(),
        lambda: FRAME.astype({"family": "category", "params": "int64"}),
    ],
)
def test_every_frame_gives_the_same_runs(make):
    assert read_runs(make()).digest == read_runs(FRAME).digest


@pytest.mark.parametrize(
    ("header", "roles"),
    [
        ("N,D,loss", "N D loss"),
        ("n_params,n_tokens,test_loss", "N D loss"),
        ("Model Size,Training FLOP,loss", "N C loss"),
        ("num_params,compute,eval_loss", "N C loss"),
        ("PARAMETERS,train-tokens,validation_loss", "N D loss"),
        ("flops,unique_tokens,loss", "C U loss"),
    ],
)
def test_roles_are_found_by_name(tmp_path, header, roles):
    path = tmp_path / "runs.csv"
    path.write_text(f"{header}\n1e9,2e10,2.5\n")
    assert list(read_runs(path).columns) == roles.split()


def test_roles_can_be_given_and_taken_away():
    frame = pd.DataFrame({"size": [1e9], "N": ["text"], "tokens": [2e10], "d": ["x"], "loss": [2.0]})
    runs = read_runs(
        frame, columns={"N": "size", "D": "tokens", "epochs": "N"} | {"epochs": "tokens", "D": None}
    )
    assert runs.values("N").tolist() == [1e9] and runs.values("epochs").tolist() == [2e10]
    assert "N (not used)" in runs.to_frame() and "D" not in runs.to_frame()


def test_labels_and_other_numbers_keep_their_names():
    runs = read_runs(FRAME.assign(lr=["1e-3", "", "3e-4"], note="x"))
    assert runs.covariates == ("N", "D", "lr", "C")
    assert runs.values("lr")[0] == 1e-3 and np.isnan(runs.values("lr")[1])
    assert runs.to_frame()["family"].tolist()[:2] == ["a", "b"]


@pytest.mark.parametrize(
    ("cells", "unit", "wanted"),
    [
        ([0.07, 1.4], "B", [70e6, 1.4e9]),
        (["0.07", "1.4"], "B", [70e6, 1.4e9]),
        ([70, 1400], 1e6, [70e6, 1.4e9]),
        (["70M", "1.4B"], None, [70e6, 1.4e9]),
        (["70M", "1.4G"], "si", [70e6, 1.4e9]),
        (["70,000,000", "1_400_000_000"], None, [70e6, 1.4e9]),
    ],
)
def test_units_are_read_exactly_and_recorded(cells, unit, wanted):
    runs = read_runs({"N": cells, "loss": [2.5, 1.9]}, units=unit and {"N": unit})
    assert runs.values("N").tolist() == wanted
    assert any(text.startswith("N: ") for text in runs.conversions)


def test_compute_in_pf_days_by_column_name():
    runs = read_runs({"N": [1e9], "compute": [6.3], "loss": [2.0]}, units={"compute": "PF-days"})
    assert runs.values("C")[0] == pytest.approx(5.4432e20, rel=1e-15)


def test_decimal_commas(tmp_path):
    path = tmp_path / "runs.csv"
    path.write_text("N;loss\n1.000.000;2,31\n7e8;1,9\n")
    assert read_runs(path, sep=";", decimal=",").to_frame().to_numpy().tolist() == [[1e6, 2.31], [7e8, 1.9]]


def test_rows_are_left_out_only_when_asked_and_it_is_recorded():
    frame = pd.DataFrame({"N": [1e8, 1e8, 2e8, 3e8], "loss": ["3", "3", "-", "2.5"]})
    runs = read_runs(frame, na_values="-", missing="drop", dedupe=True)
    assert runs.values("N").tolist() == [1e8, 3e8]
    assert any("row 3 (1 of 4): a number is missing" in text for text in runs.conversions)
    assert any("row 2 (1 of 4): exact duplicates" in text for text in runs.conversions)


@pytest.mark.parametrize(
    ("options", "computed"),
    [
        ({}, True),
        ({"convention": "total"}, True),
        ({"convention": "non-embedding"}, False),
        ({"convention": "non-embedding", "flops": "6ND"}, True),
        ({"flops": "with attention"}, False),
    ],
)
def test_the_third_of_n_d_c_is_not_computed_across_conventions(options, computed):
    runs = read_runs({"N": [1e9], "C": [6e19], "loss": [2.5]}, **options)
    assert ("D" in runs.frame) is computed
    assert ("D computed as C / (6N)" in runs.conversions) is computed
    assert [p.code for p in runs.problems] == ["D035"]
    if computed:
        assert runs.values("D")[0] == pytest.approx(1e10)


def test_compute_counted_otherwise_is_not_warned_about_once_said():
    frame = {"N": [1e9, 2e9], "D": [1e10, 2e10], "C": [9e19, 36e19], "loss": [2.5, 2.4]}
    assert "D034" in [p.code for p in read_runs(frame).check()]
    assert "D034" not in [p.code for p in read_runs(frame, flops="with attention").check()]


def test_loss_kinds_are_converted_on_request_and_recorded():
    frame = {"N": [1e9], "ppl": [np.e**2]}
    kept = read_runs(frame)
    assert (kept.loss_kind, kept.values("loss")[0]) == ("perplexity", np.e**2)
    runs = read_runs(frame, convert_to="nats")
    assert (runs.loss_kind, runs.values("loss")[0]) == ("nats", pytest.approx(2))
    assert "loss: nats = ln(perplexity)" in runs.conversions
    percent = read_runs({"N": [1e9], "accuracy": [42.7]}, units={"loss": "%"}, convert_to="error")
    assert percent.values("loss")[0] == pytest.approx(0.573)


def test_a_curve_binds_x_to_its_column():
    frame = {"samples_seen": ["1M", "2M"], "error": [0.5, 0.4]}
    runs = read_runs(frame, x="samples_seen")
    assert runs.values("x").tolist() == [1e6, 2e6]
    assert runs.columns["x"] == "samples_seen" and "x" in runs.covariates
    assert read_runs(FRAME, x="params").columns["x"] == "N"
    assert read_runs(frame, columns={"x": "samples_seen"}).values("x").tolist() == [1e6, 2e6]


def test_groups_are_kept():
    assert read_runs(FRAME[:2], groups="family").groups == ("family",)
    with pytest.raises(ScalawError, match="no group label in row 3"):
        read_runs(FRAME, groups="family")


def test_candidates_need_no_loss():
    runs = read_runs({"N": ["70B"], "D": ["1.4T"]}, require=("N", "D"))
    assert runs.values("C")[0] == pytest.approx(5.88e23)


@pytest.mark.data
def test_real_tables_are_read(data_folder):
    runs = read_runs(data_folder / "chinchilla_fig4.csv")
    assert len(runs) == 245 and list(runs.columns) == ["N", "D", "C", "loss"]
    assert {p.code for p in runs.check()} == {"D044"}
    limited = read_runs(data_folder / "datablations.csv")
    assert len(limited) == 291 and "U" in limited.columns
    with pytest.raises(ScalawError, match="8 of 5799"):
        read_runs(data_folder / "clark_routing.csv")
    assert len(read_runs(data_folder / "clark_routing.csv", missing="drop")) == 5791


def test_x_can_be_the_third_of_n_d_and_c():
    runs = read_runs({"N": [1e9, 2e9], "D": [2e10, 4e10], "loss": [2.5, 2.3]}, x="C")
    assert runs.values("x").tolist() == pytest.approx([1.2e20, 4.8e20])
