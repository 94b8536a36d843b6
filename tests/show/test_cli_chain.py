"""A forecast in two stages from the shell."""

import pytest
from test_cli import check_cli, run

import scalaw as sl

pytestmark = pytest.mark.compiles


def test_saved_fits_are_chained(stages, tmp_path):
    paths = [tmp_path / "loss.nc", tmp_path / "accuracy.nc"]
    for fit, path in zip(stages, paths, strict=True):
        fit.save(path)
    told = check_cli(
        ["forecast", paths[0], "--then", paths[1], "--at", "x=1e20"], keys=["points", "loss_kind"]
    )
    row = sl.chain(*stages, x=1e20).to_json()["points"][0]
    assert told["loss_kind"] == "accuracy"
    assert told["points"][0]["curve"] == pytest.approx(row["curve"])
    shown = run("forecast", paths[0], "--then", paths[1], "--at", "x=1e20")
    assert "(accuracy)" in shown.stdout and "log_linear → downstream_sigmoid" in shown.stdout
