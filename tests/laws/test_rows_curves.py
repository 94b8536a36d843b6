"""Claims about the shape of curves: which law extrapolates, which is preferred, which does not describe the runs."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from conftest import SHORT
from helpers import value

import scalaw as sl
from scalaw.laws import relations as rel

pytestmark = pytest.mark.compiles

QUICK = {"method": "importance", "bootstrap": 0, **SHORT}


def extrapolated(runs, kept, law):
    """What the law fitted to the kept runs gives at the others: root mean squared log error."""
    found = sl.point_fit(runs.select(kept), law)
    values = {name: number for name, number in found.values.items() if name not in ("sigma", "nu")}
    for name in [name for name in values if name.endswith("[1]")]:  # of a vector with one entry
        values[name.removesuffix("[1]")] = np.array([values.pop(name)])
    left = runs.select(~kept)
    return np.sqrt(np.mean(np.log(value(law, x=left.values("x"), **values) / left.values("loss")) ** 2))


# -- breaks and sigmoids -----------------------------------------------------------------------------------------------
@pytest.mark.acceptance(21)
@pytest.mark.data
def test_a_break_extrapolates_four_digit_addition(data_folder):
    """Fitted to the first 14 of 17 points, as in the code of arXiv:2210.14891; the last 3 lie beyond the fall."""
    table = pd.read_csv(data_folder / "nonmonotone_curves.csv")
    table = table[table["curve"] == "bnsl_4digit_addition"]
    runs = sl.read_runs({"x": table["x"].to_numpy(), "loss": table["y"].to_numpy()}, x="x")
    kept = np.arange(17) < 14
    error = {law: extrapolated(runs, kept, law) for law in ("power_law", "power_law_offset", "bnsl")}
    assert error["bnsl"] < 0.9 * min(error["power_law"], error["power_law_offset"])


@pytest.mark.acceptance(25)
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_sigmoidal_curve_is_extrapolated_by_the_law_with_a_chance_level(seed):
    """A curve that leaves chance late: M4 from its first two thirds is several times closer than M2."""
    truth = {"eps_inf": 0.1, "eps0": 0.9, "beta": 300.0, "alpha": 0.5, "c": 0.7, "sigma": 0.005, "nu": 5.0}
    runs = sl.simulate("m4", truth, at={"x": np.geomspace(1, 1e6, 24)}, seed=seed)
    kept = np.arange(24) < 16
    assert 3 * extrapolated(runs, kept, "m4") < extrapolated(runs, kept, "m2")


@pytest.mark.acceptance(25)
@pytest.mark.data
def test_the_learning_curves_of_the_benchmark_are_read(data_folder):
    """Half of the 92 curves of arXiv:2209.06640, each a table of its own with a part to fit and a part to predict."""
    table = pd.read_csv(data_folder / "lc_revisiting_a.csv")
    table = table[table["dup_index"] == 0]
    curves = list(table.groupby(["domain", "task", "model"]))
    assert len(curves) == 46
    for _, curve in curves:
        frame = curve[["seen_examples", "loss"]].rename(columns={"seen_examples": "x"})
        runs = sl.read_runs(frame[frame["loss"] > 0], x="x", loss_kind="error")
        assert len(runs) > 10 and set(curve["training"]) == {0, 1}


# -- regimes -----------------------------------------------------------------------------------------------------------
def loss_in_x(x, loss):
    """Exponent of a power law through a few points, by the mode of its posterior."""
    runs = sl.read_runs({"x": np.asarray(x, float), "loss": np.asarray(loss) / np.max(loss)}, x="x")
    return sl.point_fit(runs, "power_law").values["alpha"]


@pytest.mark.acceptance(23)
def test_wider_random_features_close_their_gap_like_one_over_the_width():
    """Ridge regression on random Fourier features of 24 points, against the kernel that endless ones would be.

    The excess over the kernel's expected loss, for targets drawn from the kernel with noise, is a quadratic form in
    how far the smoothing weights are from the kernel's: no Monte Carlo error of targets remains.
    """
    rng, n, noise = np.random.default_rng(0), 24, 0.05
    x = rng.normal(size=(n + 100, 3))
    kernel = np.exp(-0.5 * np.sum((x[:, None] - x[None]) ** 2, axis=-1))
    inner = kernel[:n, :n] + noise * np.eye(n)
    best = np.linalg.solve(inner, kernel[:n, n:])

    def excess(width):
        f = np.sqrt(2 / width) * np.cos(x @ rng.normal(size=(3, width)) + rng.uniform(0, 2 * np.pi, width))
        off = np.linalg.solve(f[:n] @ f[:n].T + noise * np.eye(n), f[:n] @ f[n:].T) - best
        return np.mean(np.sum(off * (inner @ off), axis=0))

    widths = 2 ** np.arange(7, 12)
    gaps = [np.mean([excess(width) for _ in range(30)]) for width in widths]
    assert loss_in_x(widths, gaps) == pytest.approx(1.0, abs=0.1)


@pytest.mark.acceptance(23)
def test_more_data_resolves_a_sphere_with_an_exponent_of_its_dimension():
    """Ridge regression on features ``max(0, w x)**1.5``, far more of them than data, targets of the same kind.

    Their kernel has two derivatives less smoothness than a target with exponent 4/d needs, so that is its exponent as
    the data become dense; at a thousand points fits are within a quarter of it. The expected loss over targets
    is the posterior variance, which is exact.
    """
    found = {}
    for d in (2, 3, 4):
        rng = np.random.default_rng(d)
        features, x = (
            g / np.linalg.norm(g, axis=1, keepdims=True)
            for g in (rng.normal(size=(m, d + 1)) for m in (6000, 1224))
        )
        f = np.maximum(x @ features.T, 0) ** 1.5
        gram = f @ f.T / 6000
        sizes, loss = np.geomspace(128, 1024, 7).astype(int), []
        for n in sizes:
            cross = gram[:n, 1024:]
            solved = np.linalg.solve(gram[:n, :n] + 1e-12 * np.eye(n), cross)
            loss.append(np.mean(np.diag(gram)[1024:] - np.sum(cross * solved, axis=0)))
        found[d] = loss_in_x(sizes, loss)
    for d, exponent in found.items():
        assert exponent == pytest.approx(float(rel.exponent_of_dimension(d)), rel=0.25), found
    assert found[2] > found[3] > found[4]


# -- which law ---------------------------------------------------------------------------------------------------------
@pytest.mark.acceptance(15)
@pytest.mark.parametrize(("offset", "best"), [(1.6, "power_law_offset"), (None, "log_linear_loss")])
def test_whether_loss_falls_with_the_log_of_tokens_for_ever_is_a_comparison(offset, best):
    """Tokens up to 15T: each law has a score with its error, and the one that made the runs is not behind."""
    x = np.geomspace(1e10, 1.5e13, 16)
    line = sl.formula_law(
        "a - b*log(x)",
        "log_linear_loss",
        dimensions={"a": "loss", "b": "loss"},
        priors={"a": "LogNormal(4, 0.7)", "b": "LogNormal(0.1, 1)"},
    )
    noise = {"sigma": 0.003, "nu": 5.0}
    if offset is None:
        runs = sl.simulate(line, {"a": 5.0, "b": 0.1, **noise}, at={"x": x}, seed=0)
    else:
        truth = {"E": offset, "k": 2500.0, "alpha": 0.3}
        runs = sl.simulate("power_law_offset", {**truth, **noise}, at={"x": x}, seed=0)
    told = sl.compare_fits([sl.fit(runs, law, **QUICK) for law in (line, "power_law_offset")])
    first, second = told.scores
    assert all(np.isfinite([one["elpd"], one["se"], one["dse"]]).all() for one in told.scores)
    assert first["law"] == best or abs(second["elpd_diff"]) < 2 * second["dse"]
    assert told.best == ("power_law_offset" if offset else told.best)


@pytest.mark.acceptance(28)
def test_scores_of_misaligned_data_are_told_not_to_follow_the_law():
    """Scores that rise and fall again with pre-training (arXiv:2402.04177) lie far from any log law."""
    D, truth = np.geomspace(1e7, 1e11, 16), {"A": 2.0, "alpha": 0.5, "beta": 1.2, "sigma": 0.01, "nu": 5.0}
    aligned = sl.simulate("isik_downstream", truth, at={"D": D}, seed=0)
    hump = 18 * np.exp(-0.8 * np.linspace(-1, 1, 16) ** 2 + np.random.default_rng(0).normal(0, 0.01, 16))
    misaligned = replace(aligned, frame=aligned.frame.assign(loss=hump))
    for runs, wanted in ((aligned, False), (misaligned, True)):
        reasons = sl.fit(runs, "isik_downstream", **QUICK).verdict.reasons
        assert any("does not describe these runs" in reason for reason in reasons) == wanted


# -- emergence and ceilings --------------------------------------------------------------------------------------------
def of_counts(law, truth, at, seed=0):
    return sl.simulate(law, truth, at=at, noise="binomial", seed=seed)


@pytest.mark.acceptance(19)
def test_a_threshold_in_compute_is_found_again():
    """Counts of 200 items at 16 budgets; a threshold at 1e23 FLOP, in 8 simulations, to 0.3 decades each."""
    C = np.geomspace(1e21, 1e25, 16)
    truth = {"R_0": 0.1, "A": 0.7, "B": 1.5, "C_mid": 1e23}
    data = {f"s{i}": of_counts("emergence_threshold", truth, {"C": C, "trials": 200}, i) for i in range(8)}
    fits = sl.fit_many(data, "emergence_threshold", noise="binomial", method="importance", **SHORT)
    assert np.max(np.abs(np.log10(fits.to_frame()["C_mid"] / 1e23))) < 0.3


@pytest.mark.acceptance(18)
@pytest.mark.parametrize(("truth", "best"), [("smooth", "exact_match"), ("sharp", "emergence_threshold")])
def test_a_smooth_rise_and_a_threshold_are_told_apart(truth, best):
    """Leave-one-out scores of counts: five tokens right at once, against a sharp sigmoid in compute."""
    N = np.geomspace(1e8, 1e12, 16)
    at = {"N": N, "C": 6 * N * 20 * N, "length": 5.0, "trials": 500}
    made = {
        "smooth": lambda: value("exact_match", N=N, length=5.0, c=3e8, alpha=0.4),
        "sharp": lambda: value("emergence_threshold", C=at["C"], R_0=0.02, A=0.6, B=3.0, C_mid=1.2e22),
    }[truth]()
    solved = np.random.default_rng(0).binomial(500, made)
    runs = sl.read_runs({**at, "successes": solved})
    fits = [sl.fit(runs, law, noise="binomial", **QUICK) for law in ("exact_match", "emergence_threshold")]
    told = sl.compare_fits(fits)
    first, second = told.scores
    assert first["law"] == best
    assert abs(second["elpd_diff"]) > 2 * second["dse"]


@pytest.mark.acceptance(43)
@pytest.mark.parametrize(("mid", "seen"), [(1.2, True), (0.7, False)])
def test_a_ceiling_is_known_only_where_accuracy_comes_near_it(mid, seen):
    """Losses from 1.4 to 0.9: the ceiling is seen with the midpoint at 1.2; with 0.7 accuracy stays far below it."""
    truth = {"lo": 0.25, "hi": 0.85, "kappa": 10.0, "mid": mid}
    runs = of_counts("downstream_sigmoid", truth, {"L": np.linspace(1.4, 0.9, 16), "trials": 1000}, 1)
    fit = sl.fit(runs, "downstream_sigmoid", noise="binomial", **QUICK)
    low, high = np.quantile(fit.draws("hi"), [0.05, 0.95])
    told = any("hi: not identified" in reason for reason in fit.verdict.reasons)
    assert told != seen
    if seen:
        assert low < 0.85 < high and high - low < 0.15
    else:
        assert high - low > 0.5 * np.diff(
            np.quantile(np.random.default_rng(0).beta(20, 1, 10_000), [0.05, 0.95])
        )


@pytest.mark.acceptance(43)
def test_an_accuracy_forecast_carries_the_errors_of_both_stages():
    """Loss of the right answers from compute, then accuracy from that loss: draws of both are chained.

    At 1e24 FLOP, two decades beyond the runs, the interval is wider than with the first stage at its median.
    """
    C = np.geomspace(1e19, 1e22, 16)
    measured = sl.simulate(
        "log_linear", {"a": 4.2, "b": -0.14, "sigma": 0.02, "nu": 5.0}, at={"x": C}, noise="additive", seed=0
    )
    first = sl.fit(measured, "log_linear", noise="additive", **QUICK)
    truth = {"lo": 0.25, "hi": 0.95, "kappa": 8.0, "mid": 1.1}
    counted = of_counts("downstream_sigmoid", truth, {"L": np.linspace(1.6, 0.8, 16), "trials": 1000})
    second = sl.fit(counted, "downstream_sigmoid", noise="binomial", **QUICK)
    loss = sl.forecast(first, x=[1e24]).curve[:, 0]
    stage = {name: second.draws(name) for name in truth}
    draws = min(len(loss), len(stage["lo"]))
    stage = {name: values[:draws] for name, values in stage.items()}
    chained, single = (
        value("downstream_sigmoid", L=at, **stage)
        for at in (np.random.default_rng(0).permutation(loss)[:draws], np.full(draws, np.median(loss)))
    )
    ends = [np.quantile(accuracy, [0.05, 0.95]) for accuracy in (chained, single)]
    right = float(value("downstream_sigmoid", L=4.2 - 0.14 * 24, **truth))
    assert ends[0][0] < right < ends[0][1]
    assert np.diff(ends[0]) > 1.2 * np.diff(ends[1])


@pytest.mark.acceptance(16)
def test_three_points_are_no_law_of_thinking():
    """74, 83 and 93 % at 1, 64 and 1000 samples, as told of AIME 2024: refused, or shown with an interval."""
    runs = sl.read_runs({"t": [1.0, 64.0, 1000.0], "accuracy": [0.74, 0.83, 0.93]})
    with pytest.raises(sl.ScalawError) as refused:
        sl.fit(runs, "log_linear_accuracy", noise="beta", **QUICK)
    assert refused.value.problems[0].code == "D042"
    fit = sl.fit(runs, "log_linear_accuracy", noise="beta", allow_prior_dominated=True, **QUICK)
    assert fit.verdict.level == "LOOK"
    assert "the answer is the prior" in fit.verdict.reasons[0]
    low, high = np.quantile(fit.draws("v"), [0.05, 0.95])
    assert high > 2 * low  # the slope is not known to a factor of two
