"""Claims that follow from laws and relations by arithmetic, search on a grid or simulation, without any fit."""

import numpy as np
import pytest
from helpers import published, value
from scipy.optimize import minimize

import scalaw as sl
from scalaw.laws import relations as rel


# -- compute -----------------------------------------------------------------------------------------------------------
@pytest.mark.acceptance(3)
def test_pf_days_are_never_taken_for_flop():
    """Read where they are written, refused beside plain numbers, told where numbers are far too small for FLOP."""
    runs = sl.read_runs({"C": ["1 PF-day", "100 PF-days"], "loss": [2.66, 2.11]})
    loss = value("kaplan_l_cmin", "kaplan_2020", C_min=runs.values("C"))
    assert round(float(loss[0]), 5) == 2.65808
    with pytest.raises(sl.ScalawError) as refused:
        sl.read_runs({"C": ["1 PF-day", "3e20"], "loss": [2.66, 2.6]})
    assert {problem.code for problem in refused.value.problems} == {"D028"}
    plain = sl.read_runs({"C": [1.0, 10.0, 100.0], "loss": [2.66, 2.37, 2.11]})
    told = [problem for problem in sl.check_runs(plain) if problem.code == "D027"]
    assert "units={'C': 'PF-days'}" in told[0].fix


@pytest.mark.acceptance(7)
def test_efficient_training_stops_a_tenth_above_the_converged_loss():
    """Least N times steps to a loss: the term in steps is alpha_N / alpha_S of the one in parameters."""
    p = published("kaplan_l_ns", "kaplan_2020")
    size = np.geomspace(1e7, 1e12, 200_001)
    for loss in (2.2, 2.5, 3.0):
        converged = (p["N_c"] / size) ** p["alpha_N"]
        left = np.where(converged < loss, loss - converged, np.nan)
        best = np.nanargmin(size * p["S_c"] * left ** (-1 / p["alpha_S"]))
        assert left[best] / converged[best] == pytest.approx(p["alpha_N"] / p["alpha_S"], rel=1e-3)
        assert left[best] / converged[best] == pytest.approx(0.1, abs=0.002)


# -- tasks -------------------------------------------------------------------------------------------------------------
@pytest.mark.acceptance(16)
def test_pass_at_k_is_unbiased():
    """The mean of the estimator over counts of a hundred tries of a problem is the chance itself."""
    p, n = 0.07, 100
    counts = np.random.default_rng(0).binomial(n, p, 20_000)
    for k in (1, 10, 50):
        found = rel.pass_at_k(n, counts, k)
        assert abs(found.mean() - (1 - (1 - p) ** k)) < 4 * found.std() / np.sqrt(len(counts))


@pytest.mark.acceptance(16)
def test_a_consensus_follows_from_the_distribution_of_answers():
    """It is the majority where there are two answers, what simulation gives where there are more, and saturates."""
    for n in (1, 2, 3, 10, 101):
        assert rel.plurality_vote([0.6, 0.4], n) == pytest.approx(float(rel.majority_vote(0.6, n)), rel=1e-9)
    p, n, times = [0.35, 0.3, 0.2, 0.15], 10, 100_000
    counts = np.random.default_rng(1).multinomial(n, p, times)
    top = counts.max(axis=1, keepdims=True)
    won = (counts[:, 0] == top[:, 0]) / np.sum(counts == top, axis=1)
    assert abs(rel.plurality_vote(p, n) - won.mean()) < 4 * won.std() / np.sqrt(times)
    assert sum(rel.plurality_vote(np.roll(p, i), n) for i in range(4)) == pytest.approx(1.0, rel=1e-12)
    assert rel.plurality_vote(p, 1) == pytest.approx(0.35, rel=1e-12)
    assert rel.plurality_vote(p, 1000) > 0.9 > 0.1 > rel.plurality_vote([0.3, 0.35, 0.35], 1000)


@pytest.mark.acceptance(18)
def test_a_threshold_below_one_in_the_items_of_a_test_is_not_seen():
    """Five tokens each right with a chance that rises steadily: the smallest models score below the resolution."""
    size = np.geomspace(1e7, 1e11, 41)
    right = value("exact_match", N=size, length=1.0, c=1e9, alpha=0.4)
    exact = value("exact_match", N=size, length=5.0, c=1e9, alpha=0.4)
    np.testing.assert_allclose(exact, right**5, rtol=1e-12)
    edit = rel.token_edit_distance(right, 5)
    hidden = exact < rel.resolution(200)
    assert hidden[0] and not hidden[-1]
    assert np.all(edit[hidden] < 5) and np.all(
        np.diff(edit) < 0
    )  # where nothing is seen, tokens already improve
    # the steepest rise within a quarter of the decades holds more of an exact match than of an edit distance
    steps = [np.max(y[10:] - y[:-10]) / (y[-1] - y[0]) for y in (exact, -edit)]
    assert steps[0] > steps[1]


@pytest.mark.acceptance(19)
def test_thresholds_that_were_read_off_plots_are_second_hand():
    assert [(one.task, one.C) for one in rel.WEI_2022][:2] == [
        ("three-digit addition", 2.3e22),
        ("mathematics with a chain of thought", 1.3e23),
    ]
    assert all(1e22 < one.C < 1e25 and one.status == "second-hand" and one.source for one in rel.WEI_2022)
    assert list(rel.WEI_2022) == sorted(rel.WEI_2022, key=lambda one: one.C)


@pytest.mark.acceptance(20)
def test_few_metrics_show_emergence():
    """Not 25 of 29, as is often said."""
    found = rel.METRICS_2023
    assert (found.metrics, found.at_most, found.by_hand) == (39, 5, 4)
    assert (found.status, found.source) == ("checked", "arXiv:2304.15004 sec. 4")


@pytest.mark.acceptance(24)
def test_neither_regime_holds_where_sizes_are_alike():
    assert rel.regime(1e9, 1e9) == rel.regime(1e9, 9e9) == rel.regime(9e9, 1e9) == "mixed"
    assert rel.regime(1e9, 2e10) == "parameters"
    assert rel.regime(2e10, 1e9) == "data"
    assert list(rel.regime(np.array([1.0, 1.0]), np.array([5.0, 50.0]), ratio=20)) == ["mixed", "parameters"]


# -- experts -----------------------------------------------------------------------------------------------------------
@pytest.mark.acceptance(26)
def test_the_best_granularity_grows_with_compute():
    """Over powers of two, with the size chosen anew for each at the same FLOP (arXiv:2402.07871)."""
    granularity, size = 2.0 ** np.arange(10), np.geomspace(1e5, 1e14, 2000)
    best = []
    for flops in (1e18, 1e20, 1e22, 1e24, 1e26):
        N, G = np.meshgrid(size, granularity)
        loss = value(
            "moe_finegrained", "krajewski_2024_moe", N=N, D=flops / rel.granular_flops(N, 1.0, G), G=G
        )
        best.append(int(granularity[np.argmin(loss.min(axis=1))]))
    assert best == [16, 16, 32, 64, 128]


# -- data --------------------------------------------------------------------------------------------------------------
BUCKETS = [
    published("data_filtering_utility", f"goyal_2024_{b}") for b in ("0-10", "10-20", "20-30", "30-40")
]
PER_BUCKET = 12.8e6


def error_of_pool(n, buckets):
    b, tau = ([one[name] for one in BUCKETS[:buckets]] for name in ("b", "tau"))
    return rel.pooled_error(n, PER_BUCKET, b, tau, a=0.025, d=0.1)


@pytest.mark.acceptance(29)
def test_more_compute_wants_a_larger_pool():
    seen = np.geomspace(32e6, 640e6, 15)
    best = [1 + int(np.argmin([error_of_pool(n, p) for p in (1, 2, 3, 4)])) for n in seen]
    assert np.all(np.diff(best) >= 0)
    assert best[0] == 1 < best[-1]


@pytest.mark.acceptance(29)
@pytest.mark.parametrize("n", [5e6, 12.8e6, 128e6, 640e6])
def test_a_pool_of_one_bucket_is_the_law(n):
    alone = value("data_filtering_utility", "goyal_2024_0-10", n=n, n_1=PER_BUCKET)
    assert error_of_pool(n, 1) == pytest.approx(float(alone), rel=1e-9)


@pytest.mark.acceptance(31)
@pytest.mark.parametrize(
    ("epochs", "worth", "efficient"), [(4, 3.72567, 0.931), (16, 10.58246, 0.661), (40, 15.16746, 0.379)]
)
def test_repeated_tokens_are_worth_less(epochs, worth, efficient):
    """Unique tokens that all tokens are worth, solved from the law for a model too small to be in excess."""
    p, unique, N = published("data_constrained", "muennighoff_2023"), 25e9, 1e8
    loss = value("data_constrained", "muennighoff_2023", N=N, D=epochs * unique, U=unique)
    left = loss - p["E"] - p["A"] * N ** -p["alpha"]
    found = float((p["B"] / left) ** (1 / p["beta"])) / unique
    assert found == pytest.approx(worth, abs=5e-6)
    assert round(found / epochs, 3) == efficient


@pytest.mark.acceptance(32)
def test_the_best_mixture_is_found_on_the_simplex():
    """Two validation sets that want different domains: slopes are equal inside the simplex, not less at its edge."""
    sets = [([-2.0, 0.5, 0.3], 1.8, 0.6), ([0.4, -1.5, 0.2], 2.2, 0.8)]

    def loss(r):
        return sum(
            0.5 * value("data_mixing_ye[domains=3]", r=np.asarray(r), t=np.array(t), c=c, k=k)
            for t, c, k in sets
        )

    found = minimize(
        loss, np.full(3, 1 / 3), method="SLSQP", bounds=[(0, 1)] * 3,
        constraints={"type": "eq", "fun": lambda r: np.sum(r) - 1}, options={"ftol": 1e-14},
    ).x  # fmt: skip
    slope = sum(0.5 * k * np.array(t) * np.exp(np.dot(t, found)) for t, _, k in sets)
    used = found > 1e-6
    np.testing.assert_allclose(slope[used], slope[used].mean(), atol=1e-4)
    assert np.all(slope[~used] >= slope[used].mean())
    assert used.sum() == 2 and found[2] < 1e-6
    grid = np.linspace(0, 1, 51)
    assert (
        loss(found) <= min(float(loss([a, b, 1 - a - b])) for a in grid for b in grid if a + b <= 1) + 1e-12
    )


@pytest.mark.acceptance(39)
def test_the_year_in_which_text_runs_out_has_an_interval():
    """From the prior of the stock, 300T tokens and a 90 % interval of 100T to 1000T (arXiv:2211.04325)."""
    stock = np.random.default_rng(0).lognormal(np.log(3e14), 0.70, 100_000)
    low, high = np.quantile(stock, [0.05, 0.95])
    assert low == pytest.approx(1e14, rel=0.06) and high == pytest.approx(1e15, rel=0.06)
    years = np.quantile(rel.exhaustion_year(stock, 1.5e13, 2.5, 2024.0), [0.1, 0.5, 0.9])
    # the log of the stock is normal, so the year is: its sd is .70 / ln 2.5
    middle = 2024 + np.log(3e14 / 1.5e13) / np.log(2.5)
    np.testing.assert_allclose(
        years, middle + np.array([-1.2816, 0.0, 1.2816]) * 0.70 / np.log(2.5), atol=0.02
    )
    assert 2026 < years[0] < years[2] < 2032


# -- training and serving ----------------------------------------------------------------------------------------------
@pytest.mark.acceptance(34)
def test_latency_as_a_law_is_latency_as_a_relation():
    at = {"N": np.array([1.0, 4.0, 1.0]), "bandwidth": np.array([1.0, 1.0, 8.0])}
    found = value("inference_latency", "erdil_2025", tau=1.0, **at)
    np.testing.assert_allclose(found, [1.0, 2.0, 0.5], rtol=1e-12)
    np.testing.assert_allclose(found, rel.token_latency(**at), rtol=1e-12)


@pytest.mark.acceptance(42)
def test_a_rate_that_decays_beats_a_constant_one():
    from scalaw.laws.families.schedule import annealed, schedule_rows

    constant = np.full(10_000, 3e-4)
    cosine = 3e-5 + 0.5 * 2.7e-4 * (1 + np.cos(np.pi * np.arange(10_000) / 10_000))
    known = {**published("lr_multipower", "luo_2025_400M"), "S_W": 0.324}
    two_terms = {"L_0": 2.6, "A": 0.4, "alpha": 0.5, "C": 0.4}
    for law, column, values, of in (
        ("lr_annealing_tissue", "areas", two_terms, annealed),
        ("lr_multipower", "schedule", known, schedule_rows),
    ):
        flat, decayed, half = (
            value(law, **{column: of(rate)}, **values) for rate in (constant, cosine, constant[:5000])
        )
        assert decayed < flat < half


@pytest.mark.acceptance(38)
@pytest.mark.parametrize("by", ["best_of_n", "rl"])
def test_over_optimisation_as_a_law_is_the_relation(by):
    kl = np.geomspace(0.01, 300, 50)
    found = value(f"overoptimised_{by}", kl=kl, alpha=1.0, beta=0.2)
    np.testing.assert_allclose(found, rel.over_optimised(kl, 1.0, 0.2, by), rtol=1e-12, atol=1e-12)
    assert round(float(rel.best_of_n_kl(64)), 5) == 3.17451
