"""Importance sampling finds the posteriors that long NUTS runs found: ten stored ones, and the gate's rows."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.gate import POSTERIORS, faults, judged, stored
from benchmarks.gate_cases import CASES
from scalaw.infer.batch import sample
from scalaw.infer.fit import model_of
from scalaw.infer.nuts import Settings
from scalaw.infer.prior_draws import unconstrained
from scalaw.infer.references import References
from scalaw.infer.routes import accepted
from scalaw.infer.scenarios import Scenario

FIGURES = ("mean", "q05", "q95")
#: Combined Monte Carlo errors that a figure may be off by, on top of a systematic error in posterior sds.
Z, SYSTEMATIC = 4.0, {"mean": 0.05, "q05": 0.1, "q95": 0.1}
#: Share of the references that have to come out well: a posterior without one is not judged.
KNOWN = 0.8


def stored_posteriors(law: str) -> tuple[list[Scenario], list[dict]]:
    """Scenarios and what NUTS found."""
    path = Path(__file__).parent / f"references_{law}.json"
    document = json.loads(path.read_text())
    model = model_of(law, noise=document["noise"])
    assert list(model.coordinates) == document["parameters"]
    scenarios = []
    for found in document["posteriors"]:
        covariates = {name: np.array(values) for name, values in found["covariates"].items()}
        loss = np.array(found["loss"])
        refs = References(found["units"], found["statistics"])
        scenarios.append(Scenario(found["name"], model, covariates, loss, np.ones(len(loss)), refs))
    return scenarios, document["posteriors"]


def quantile(values: np.ndarray, weights: np.ndarray, prob: float) -> float:
    order = np.argsort(values)
    return float(np.interp(prob, np.cumsum(weights[order]) - 0.5 * weights[order], values[order]))


@pytest.mark.compiles
@pytest.mark.parametrize("law", ["chinchilla", "power_law_offset"])
def test_importance_sampling_finds_stored_reference_posteriors(law):
    scenarios, references = stored_posteriors(law)
    for one, reference in zip(
        sample(scenarios, Settings(), 1, method="importance", evaluated=False), references, strict=True
    ):
        assert accepted(one.weighted), one.why
        weights = np.exp(one.weighted.log_importance)
        z = unconstrained(one.scenario, one.scenario.model.structure().split(one.weighted.values))
        # a draw outside the support has no weight, and may be infinite
        z = np.where(weights[:, None] > 0, z, 0.0)
        mean = weights @ z
        ours = {"mean": mean, **{f"q{p:02d}": [quantile(x, weights, p / 100) for x in z.T] for p in (5, 95)}}
        errors = {"mean": np.sqrt(weights**2 @ (z - mean) ** 2)}
        # a quantile of a normal at 5 % has 2.1 times the error of its mean
        errors |= {name: 2.1 * errors["mean"] for name in FIGURES[1:]}
        for name in FIGURES:
            error = np.hypot(errors[name], reference[f"mcse_{name}"])
            allowed = Z * error + SYSTEMATIC[name] * np.array(reference["sd"])
            off = np.abs(np.array(ours[name]) - reference[name])
            assert np.all(off < allowed), (one.scenario.name, name, off / allowed)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_stored_comparison_with_nuts_is_fresh_and_passes(case):
    row = stored(case)
    if row is None:
        pytest.skip(f"no stored comparison of {case.name}: make gate makes it, in hours")
    assert len(row["records"]) == POSTERIORS
    passed = [one for one in row["records"] if one["accepted"]]
    assert len(judged(row["records"])) >= KNOWN * len(passed), "too few references came out well"
    if "bnsl" not in case.name:  # breaks leave many posteriors to NUTS, of some kinds of tables all
        assert passed, "no posterior was accepted"
    assert faults(row) == []
