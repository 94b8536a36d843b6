"""The samplers are calibrated: stored results of ``make calibrate`` for this code."""

from __future__ import annotations

import pytest

from benchmarks import planted
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
