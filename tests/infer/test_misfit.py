"""A law that does not describe the runs is not called OK."""

import numpy as np
import pytest
from conftest import SHORT
from helpers import simulated

import scalaw as sl


@pytest.mark.compiles
def test_runs_that_rise_are_not_ok_for_a_law_that_falls():
    runs = sl.simulate(
        "power_law",
        {"k": 3.0, "alpha": 0.05, "sigma": 0.01, "nu": 5.0},
        at={"x": np.geomspace(1e18, 1e22, 12)},
        seed=3,
    )
    upside_down = sl.read_runs({"x": runs.values("x"), "loss": 1.0 / runs.values("loss")}, x="x")
    verdict = sl.fit(upside_down, "power_law", bootstrap=0, **SHORT).verdict
    assert verdict.level != "OK"
    assert any("does not describe these runs" in reason for reason in verdict.reasons)


def test_accuracy_is_refused_by_a_law_that_falls():
    runs = sl.read_runs(
        {"x": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "accuracy": [0.1, 0.2, 0.3, 0.35, 0.4, 0.45]}, x="x"
    )
    with pytest.raises(sl.ScalawError) as caught:
        sl.fit(runs, "power_law")
    assert "D066" in {problem.code for problem in caught.value.problems}


@pytest.mark.parametrize("weight", [0.5, [1.0] * 15 + [1e4 + 0.5]])
def test_a_row_weight_is_no_precision(weight):
    runs = simulated("chinchilla")
    with pytest.raises(sl.ScalawError, match="whole numbers"):
        sl.fit(
            runs, "chinchilla", row_weight=np.full(16, weight) if np.isscalar(weight) else np.array(weight)
        )


@pytest.mark.parametrize(
    ("law", "priors", "code"),
    [
        ("chinchilla[alpha=beta]", {"alpha": "LogNormal(0.3, 0.1)"}, "M009"),
        ("data_mixing_ye", {}, "D012"),
        ("lr_multipower", {}, "D012"),
        ("coverage_betabinomial", {}, "D012"),
    ],
)
def test_what_cannot_be_learned_is_refused_before_a_fit(law, priors, code):
    with pytest.raises(sl.ScalawError) as caught:
        sl.fit(simulated("chinchilla"), law, priors=priors)
    assert caught.value.code == code


def test_programs_of_different_laws_are_never_shared():
    def law(of_a, of_b):
        return sl.formula_law("E + A*B/x^alpha", dimensions={"A": of_a, "B": of_b})

    first, second = law("loss", "x**alpha"), law("loss*x**alpha", "1")
    assert first.structure != second.structure and first.digest != second.digest


def test_counts_never_pass_through_32_bits():
    law, values = (
        sl.get_law("kaplan_l_nd"),
        {"N_c": 6.4e13, "D_c": 1.8e13, "alpha_N": 0.076, "alpha_D": 0.103},
    )
    whole = law(N=np.array([5 * 10**9]), D=np.array([10**10]), **values)
    assert whole == pytest.approx(law(N=5e9, D=1e10, **values), rel=1e-14)
    assert law(N=7 * 10**10, D=10**12, **values) > 0
