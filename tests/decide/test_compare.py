"""Laws are scored by what they predict, and one is called best only when it is clearly ahead."""

import json
from dataclasses import replace

import arviz_stats
import numpy as np
import pandas as pd
import pytest
from conftest import SHORT

import scalaw as sl
from scalaw.data import Runs
from scalaw.decide.compare import _best, held_out_rows
from scalaw.errors import ScalawError

LAWS = ["power_law", "power_law_offset"]


# -- scores --------------------------------------------------------------------------------------------
@pytest.mark.compiles
@pytest.mark.filterwarnings("ignore:Estimated shape parameter")  # ten runs: one of them may matter much
def test_scores_are_those_of_arviz(demo_comparison):
    for fit in demo_comparison.fits:
        score = next(s for s in demo_comparison.scores if s["law"] == fit.label)
        loo = arviz_stats.loo(fit.tree, var_name="loss", pointwise=True)
        assert score["elpd"] == pytest.approx(float(loo.elpd), rel=1e-10)
        assert score["se"] == pytest.approx(float(loo.se), rel=1e-10)
        assert score["pareto_k"] == pytest.approx(float(np.max(loo.pareto_k)), rel=1e-10)


@pytest.mark.compiles
def test_the_best_score_comes_first(demo_comparison):
    scores = demo_comparison.scores
    assert [f.label for f in demo_comparison.fits] == [s["law"] for s in scores]
    assert [s["elpd"] for s in scores] == sorted((s["elpd"] for s in scores), reverse=True)
    assert (scores[0]["elpd_diff"], scores[0]["dse"]) == (0.0, 0.0)
    for score in scores[1:]:
        assert abs(score["elpd_diff"]) == pytest.approx(scores[0]["elpd"] - score["elpd"], abs=1e-9)
    assert sum(demo_comparison.stacking.values()) == pytest.approx(1.0, abs=1e-6)
    assert all(s["holdout_log_score"] is None and s["log_evidence"] is None for s in scores)


@pytest.mark.compiles
def test_weighted_draws_are_scored_like_chains(demo_comparison, demo_weighted):
    """To a few Monte Carlo errors of a leave-one-out score whose weights have heavy tails."""
    chains = {s["law"]: s for s in demo_comparison.scores}
    for score in demo_weighted.scores:
        assert score["elpd"] == pytest.approx(chains[score["law"]]["elpd"], abs=0.5)
        assert score["se"] == pytest.approx(chains[score["law"]]["se"], rel=0.2)
        assert score["law"] in str(demo_weighted)
        fit = next(f for f in demo_weighted.fits if f.label == score["law"])
        assert score["log_evidence"] == fit.evidence.log_evidence
    json.dumps(demo_weighted.to_json(), allow_nan=False)


@pytest.mark.compiles
def test_verdicts_of_all_laws_are_told(demo_comparison):
    assert demo_comparison.level == "LOOK"
    assert any(reason.startswith("chinchilla: ") for reason in demo_comparison.reasons)
    worse = replace(demo_comparison.fits[0], verdict=replace(demo_comparison.fits[0].verdict, level="BAD"))
    assert replace(demo_comparison, fits=(worse, *demo_comparison.fits[1:])).level == "BAD"


@pytest.mark.compiles
def test_json_frame_and_text_agree(demo_comparison):
    told = json.loads(json.dumps(demo_comparison.to_json(), allow_nan=False))
    assert [row["law"] for row in told["laws"]] == list(demo_comparison.to_frame().index)
    for row in told["laws"]:
        assert row["law"] in str(demo_comparison)
    assert told["best"] == demo_comparison.best


# -- best ----------------------------------------------------------------------------------------------
def scored(*rows):
    return [{"law": name, "elpd_diff": diff, "dse": dse, "pareto_k": k} for name, diff, dse, k in rows]


FIRST = ("a", 0.0, 0.0, 0.3)


@pytest.mark.parametrize(
    ("rows", "best"),
    [
        ((FIRST, ("b", 9.0, 4.0, 0.3)), "a"),
        ((FIRST, ("b", -9.0, 4.0, 0.3)), "a"),  # whatever sign differences are given
        ((FIRST, ("b", 3.9, 0.1, 0.3)), None),  # not more than 4
        ((FIRST, ("b", 9.0, 4.6, 0.3)), None),  # not more than 2 standard errors
        ((FIRST, ("b", 9.0, 4.0, 0.71)), None),  # a score that is unreliable
        ((("a", 0.0, 0.0, 0.71), ("b", 9.0, 4.0, 0.3)), None),
        ((FIRST, ("b", 0.5, 1.0, 0.3), ("c", 90.0, 4.0, 0.3)), None),  # the next law counts
        ((FIRST, ("b", 9.0, 4.0, 0.3), ("c", 90.0, 4.0, 0.9)), None),
        ((FIRST, ("b", 9.0, float("nan"), 0.3)), None),
    ],
)
def test_best_is_clearly_ahead_or_nobody(rows, best):
    assert _best(scored(*rows)) == best


# -- holding out ------------------------------------------------------------------------------------------
COMPUTE = np.array([5.0, 1.0, 4.0, 2.0, 3.0, 9.0, 8.0, 7.0, 6.0, 10.0]) * 1e20
TABLE = Runs(pd.DataFrame({"C": COMPUTE, "loss": np.linspace(3, 2, 10)}))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (None, None),
        ("top 20% compute", [9, 10]),
        ("top 20 % of compute", [9, 10]),
        (" 30% ", [8, 9, 10]),
        ("top 12.5%", [9, 10]),
        ("top 10% compute", [10]),
        (COMPUTE < 2.5e20, [1, 2]),
        ([True] + [False] * 9, [5]),
    ],
)
def test_runs_are_held_out_as_said(rule, expected):
    held = held_out_rows(TABLE, rule)
    if expected is None:
        assert held is None
    else:
        assert sorted(COMPUTE[held] / 1e20) == expected


@pytest.mark.parametrize(
    "rule",
    ["largest", "", "top 20", "bottom 20%", "top 0%", "top 100%", "top 120%", "top -5%", "top 20% loss",
     np.zeros(10), np.ones(10), np.ones(3), [True], np.eye(10)],
    ids=lambda rule: rule if isinstance(rule, str) else str(np.shape(rule)),
)  # fmt: skip
def test_rules_that_hold_out_nothing_or_all_are_refused(rule):
    with pytest.raises(ScalawError) as caught:
        held_out_rows(TABLE, rule)
    assert caught.value.code == "P005"


def test_a_rule_about_compute_needs_compute():
    with pytest.raises(ScalawError) as caught:
        held_out_rows(Runs(pd.DataFrame({"N": [1e9, 1e10], "loss": [3.0, 2.0]})), "top 50% compute")
    assert caught.value.code == "D012"


@pytest.mark.compiles
def test_held_out_scores_are_the_mean_log_predictive_density(demo_runs):
    """Laws are fitted again without the largest runs; their draws are averaged, then the log is taken."""
    held = demo_runs.values("C") > np.quantile(demo_runs.values("C"), 0.8)
    both = [sl.compare(demo_runs, LAWS, x="C", holdout=rule, **SHORT) for rule in ("top 20% compute", held)]
    assert both[0].held_out == 2
    for score in both[0].scores:
        fit = sl.fit(
            demo_runs, score["law"], x="C", row_weight=np.where(held, 0.0, 1.0), bootstrap=0, **SHORT
        )
        rows = np.asarray(fit.tree["log_likelihood"]["loss"])[..., held].reshape(-1, 2)
        expected = np.log(np.exp(rows).mean(axis=0)).mean()
        assert score["holdout_log_score"] == pytest.approx(expected, rel=1e-12)
    assert both[0].scores == both[1].scores


@pytest.mark.compiles
def test_holding_out_changes_no_other_score(demo_runs, demo_comparison):
    some = sl.compare(demo_runs, LAWS, x="C", holdout="top 20% compute", **SHORT)
    before = {s["law"]: s["elpd"] for s in demo_comparison.scores}
    assert {s["law"]: s["elpd"] for s in some.scores} == {law: before[law] for law in LAWS}


@pytest.mark.compiles
def test_too_few_runs_that_are_left_are_refused(demo_runs):
    with pytest.raises(ScalawError) as caught:
        sl.compare(demo_runs, LAWS, x="C", holdout="top 60% compute", **SHORT)
    assert caught.value.code == "D042"


# -- what is refused --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "laws",
    [[], ["chinchilla"], ["chinchilla", "chinchilla"], ["chinchilla", "kaplan_l_nd", "chinchilla"],
     ["chinchilla[E=0]", "chinchilla:E=0.0"]],
)  # fmt: skip
def test_one_law_is_no_comparison(laws):
    with pytest.raises(ScalawError) as caught:
        sl.compare(TABLE, laws)
    assert caught.value.code == "M014"


def test_unknown_laws_and_columns_are_refused():
    with pytest.raises(ScalawError) as caught:
        sl.compare(TABLE, ["chinchila", "power_law"])
    assert caught.value.code == "M002"
    with pytest.raises(ScalawError) as caught:
        sl.compare(TABLE, LAWS, x="tokens")
    assert caught.value.code == "D012"


def test_fits_that_exist_are_compared_like_new_ones(demo_comparison):
    again = sl.compare_fits(demo_comparison.fits[::-1])
    assert again.scores == demo_comparison.scores and again.best == demo_comparison.best
    with pytest.raises(sl.ScalawError, match="fewer than two"):
        sl.compare_fits(demo_comparison.fits[:1])
