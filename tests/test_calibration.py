"""The samplers are calibrated: stored results of ``make calibrate`` for this code."""

from __future__ import annotations

import pytest

from benchmarks import mixed, planted
from benchmarks.calibrate import PLANS, ROWS, faults, stored


@pytest.mark.parametrize(("law", "method"), ROWS)
def test_stored_calibration_is_fresh_and_passes(law, method):
    row = stored(law, method)
    assert row is not None, f"no stored calibration of {law} by {method}: run make calibrate"
    n = PLANS[method].simulations
    assert row["simulations"] == n == len(row["ranks"]["log_likelihood"]) == sum(row["served"].values())
    assert faults(row) == []


def test_stored_planted_bugs_are_fresh_and_were_caught():
    result = planted.stored()
    assert result is not None, "no stored result of the planted bugs: run make calibrate"
    assert planted.faults(result) == []


def test_stored_batch_of_laws_and_sizes_is_fresh_and_its_verdicts_were_honest():
    result = mixed.stored()
    assert result is not None, "no stored result of the mixed batch: run make calibrate"
    for row in result["rows"]:
        assert row["tables"] == mixed.TABLES == sum(row["verdicts"].values())
    assert mixed.faults(result) == []
