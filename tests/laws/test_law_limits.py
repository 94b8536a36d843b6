"""Laws obey their limits, and stay exact where numbers are extreme."""

import numpy as np
import pytest
from helpers import value

from scalaw.laws import get_law
from scalaw.laws.families.schedule import reduce_schedule, schedule_rows

STEPS = np.arange(10_000)
CONSTANT = np.full(10_000, 3e-4)
COSINE = 3e-5 + 0.5 * 2.7e-4 * (1 + np.cos(np.pi * STEPS / 10_000))
BREAK = {"a": 0.2, "b": 5.0, "c0": 0.1, "c": np.array([0.5]), "d": np.array([1e3]), "f": np.array([0.2])}


@pytest.mark.acceptance(21, 22)
def test_two_breaks_draw_a_double_descent():
    x = 10.0 ** np.arange(1, 6.1, 0.5)
    y = value(
        "bnsl[breaks=2]",
        **{"x": x, "a": 0.05, "b": 3.0, "c0": 0.3},
        c=np.array([-0.8, 1.0]),
        d=np.array([1e3, 1e4]),
        f=np.array([0.1, 0.1]),
    )
    printed = [1.55356, 1.11444, 0.80357, 0.58348, 0.44921, 0.72162]
    printed += [1.16434, 0.72162, 0.42768, 0.26238, 0.16943]
    assert np.max(np.abs(y - printed)) <= 0.5e-5
    turns = np.flatnonzero(np.diff(np.sign(np.diff(y))))
    assert list(turns + 1) == [4, 6]  # one valley, one peak, and down again


@pytest.mark.acceptance(4)
def test_kaplan_reaches_both_limits():
    p = get_law("kaplan_l_nd").published[0].values
    endless_data = value("kaplan_l_nd", key="kaplan_2020", N=1e9, D=1e300)
    endless_size = value("kaplan_l_nd", key="kaplan_2020", N=1e300, D=2e10)
    np.testing.assert_allclose(endless_data, (p["N_c"] / 1e9) ** p["alpha_N"], rtol=1e-12)
    np.testing.assert_allclose(endless_size, (p["D_c"] / 2e10) ** p["alpha_D"], rtol=1e-12)


def test_bnsl_without_change_is_a_power_law():
    x = np.geomspace(1, 1e6, 7)
    plain = value("power_law_offset", x=x, E=0.2, k=5.0, alpha=0.1)
    np.testing.assert_allclose(value("bnsl", x=x, **{**BREAK, "c": np.zeros(1)}), plain, rtol=1e-14)


def test_m1_is_m2_without_a_limit():
    x = np.geomspace(1, 1e6, 7)
    np.testing.assert_allclose(value("m1", x=x, beta=2.0, c=0.35), 2 * x**-0.35, rtol=1e-14)


@pytest.mark.acceptance(31)
def test_data_constrained_is_chinchilla_without_repetition():
    p = get_law("data_constrained").published[0].values
    runs = {"N": np.array([1e8, 1e9]), "D": np.array([2e10, 2e10])}
    five = {name: p[name] for name in ("E", "A", "B", "alpha", "beta")}
    wanted = value("chinchilla", **runs, **five)
    for unique in (2e10, 9e10):  # tokens never seen change nothing
        got = value("data_constrained", **runs, U=np.full(2, unique), key="muennighoff_2023")
        np.testing.assert_allclose(got, wanted, rtol=1e-14)


@pytest.mark.parametrize(
    "rate", [CONSTANT, COSINE, np.where(STEPS < 8000, 3e-4, 3e-4 * 0.1 ** (STEPS / 2000 - 4))]
)
def test_a_reduced_schedule_keeps_the_loss(rate):
    rows = reduce_schedule(rate)
    assert rows.shape == (256, 3)
    np.testing.assert_allclose(rows[:, 0].sum(), rate[0] - rate[-1], atol=1e-15)
    both = [
        value("lr_multipower", schedule=s, S_W=0.324, key="luo_2025_400M")
        for s in (rows, schedule_rows(rate))
    ]
    assert abs(both[0] - both[1]) < 1e-6


def test_coverage_is_stable_for_many_tries():
    from scipy.special import gammaln

    a, b, k = 0.3, 2.0, np.array([1.0, 10.0, 1e3, 1e5])
    exact = -np.expm1(gammaln(a + b) + gammaln(b + k) - gammaln(b) - gammaln(a + b + k))
    law = get_law("coverage_betabinomial")
    np.testing.assert_allclose(value(law, k=k, mean=a / (a + b), concentration=a + b), exact, rtol=1e-10)
    single = law(k=np.float32(k), mean=np.float32(a / (a + b)), concentration=np.float32(a + b))
    np.testing.assert_allclose(single, exact, rtol=3e-6)
