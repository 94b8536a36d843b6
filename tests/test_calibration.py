"""The sampler is calibrated: stored results of ``make calibrate``, and they speak of this code."""

from __future__ import annotations

import pytest

from benchmarks.calibrate import LAWS, SIMULATIONS, faults, stored


@pytest.mark.parametrize("law", LAWS)
def test_stored_calibration_is_fresh_and_passes(law):
    row = stored(law)
    assert row is not None, f"no stored calibration of {law}: run make calibrate"
    assert row["simulations"] == SIMULATIONS == len(row["ranks"]["log_likelihood"])
    assert sum(row["verdicts"].values()) == SIMULATIONS
    assert faults(row) == []
