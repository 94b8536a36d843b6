"""Laws are one another in their limits, and show what their papers found with the published coefficients."""

import numpy as np
import pytest
from helpers import published, value

GRID = {"N": np.geomspace(1e7, 1e11, 5), "D": np.geomspace(1e9, 1e13, 5)}


# -- Kaplan ------------------------------------------------------------------------------------------------------------
@pytest.mark.acceptance(1)
def test_doubling_parameters_takes_five_percent_off_the_loss():
    one, two = value("kaplan_l_n", "kaplan_2020", N=np.array([1e9, 2e9]))
    assert round(float(two / one), 4) == 0.9487


@pytest.mark.acceptance(5)
def test_the_critical_batch_doubles_when_the_loss_falls_by_an_eighth():
    before, after = value("kaplan_b_crit", "kaplan_2020", L=np.array([2.5, 0.87 * 2.5]))
    assert round(float(after / before), 4) == 1.9409


@pytest.mark.acceptance(7, 42)
def test_larger_models_need_fewer_steps_to_a_loss():
    """Solved for the steps, by the published coefficients of L(N, S_min)."""
    p, sizes = published("kaplan_l_ns", "kaplan_2020"), np.geomspace(1e8, 1e12, 9)
    left = 3.0 - (p["N_c"] / sizes) ** p["alpha_N"]
    steps = p["S_c"] * left ** (-1 / p["alpha_S"])
    assert np.all(np.diff(steps) < 0)
    np.testing.assert_allclose(value("kaplan_l_ns", "kaplan_2020", N=sizes, S_min=steps), 3.0, rtol=1e-12)


@pytest.mark.acceptance(4)
def test_the_additive_form_is_not_kaplans_law():
    """With constants of Table 5 the sum of both terms is near twice the joint law's loss."""
    both = value("kaplan_l_n", "kaplan_2020", N=1e9) + value("kaplan_l_d", "kaplan_2020", D=2e10)
    assert round(float(both), 4) == 4.4939
    assert value("kaplan_l_nd", "kaplan_2020", N=1e9, D=2e10) < 2.4


# -- parameters and tokens ---------------------------------------------------------------------------------------------
@pytest.mark.acceptance(14)
def test_over_training_is_chinchilla_with_one_exponent():
    E, A, B, alpha = 1.8, 400.0, 600.0, 0.3
    C, M = np.meshgrid(np.geomspace(1e18, 1e24, 7), np.geomspace(1.0, 1000.0, 7))
    eta = alpha / 2
    found = value("overtraining_gadre", C=C, M=M, E=E, a=A * 6**eta, b=B * 6**eta, eta=eta)
    N, D = np.sqrt(C / (6 * M)), np.sqrt(C * M / 6)
    wanted = value("chinchilla", N=N, D=D, E=E, A=A, B=B, alpha=alpha, beta=alpha)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.acceptance(14)
def test_over_trained_models_run_parallel():
    C = np.geomspace(1e18, 1e24, 7)
    few, many = (value("overtraining_gadre", "gadre_2024_c4", C=C, M=M) - 1.51 for M in (20.0, 640.0))
    np.testing.assert_allclose(many / few, many[0] / few[0], rtol=1e-12)


def test_the_embedding_counts_for_small_models():
    five = {"E": 1.8, "A": 480.0, "B": 2000.0, "alpha": 0.35, "beta": 0.37}
    all_of_it = GRID["N"] + 47491.0 * np.cbrt(GRID["N"])
    found = value("chinchilla_nonembedding", **GRID, **five, gamma=47491.0)
    np.testing.assert_allclose(found, value("chinchilla", N=all_of_it, D=GRID["D"], **five), rtol=1e-12)
    assert round(1e8 + 47491.0 * np.cbrt(1e8), 1) == 122_043_369.5


def test_farseer_without_powers_is_a_power_law_in_tokens():
    slopes = {"a_1": -0.2, "b_1": -1.0, "a_2": 2.0, "b_2": 3.0, "a_3": 0.1, "b_3": 0.5}
    found = value("farseer", **GRID, **slopes, alpha=0.0, beta=0.0, gamma=0.0)
    wanted = np.exp(0.6) + np.exp(5.0) * GRID["D"] ** -np.exp(-1.2)
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.acceptance(23)
def test_a_farther_pool_halves_the_gap_of_a_variance_limited_law():
    near, far = value("variance_limited", x=np.array([1e5, 2e5]), E=1.5, k=3e4) - 1.5
    assert near / far == pytest.approx(2.0, rel=1e-9)


# -- experts and sparsity ----------------------------------------------------------------------------------------------
@pytest.mark.acceptance(26)
@pytest.mark.parametrize(
    ("experts", "table"),
    [
        (1, {"m": 30.364, "mu": -0.1817, "n": 53.98, "nu": -0.1965}),
        (32, {"m": 16.5424, "mu": -0.1557, "n": 234.67, "nu": -0.2652}),
    ],
)
def test_joint_experts_give_the_dense_laws_of_table_4(experts, table):
    """arXiv:2502.05172 Table 4, to 0.3 %, read off the law itself at two sizes and two token counts."""
    E, c = float(experts), published("moe_joint", "ludziejewski_2025")["c"]

    def at(N, D):
        return value("moe_joint", "ludziejewski_2025", N=N, D=D, E=E) - c

    endless = 1e300
    size = [at(N, endless) for N in (1e9, 1e10)]
    data = [at(endless, D) for D in (1e10, 1e11)]
    mu, nu = (np.log10(b / a) for a, b in (size, data))
    found = {"m": size[0] * 1e9**-mu, "mu": mu, "n": data[0] * 1e10**-nu, "nu": nu}
    for name, printed in table.items():
        assert found[name] == pytest.approx(printed, rel=3e-3), name


@pytest.mark.acceptance(26)
def test_experts_stop_paying_at_a_size():
    """Clark's law at N = 10^(-b/c): the number of experts no longer matters."""
    E = np.array([1.0, 8.0, 64.0, 512.0])
    same = value("moe_clark", "clark_2022_s_base", N=1e12, E=E)
    np.testing.assert_allclose(same, same[0], rtol=1e-12)
    assert np.all(np.diff(value("moe_clark", "clark_2022_s_base", N=1e9, E=E)) < 0)


@pytest.mark.acceptance(26)
def test_the_best_number_of_experts_does_not_depend_on_scale():
    """About seven active experts and a third of them shared (arXiv:2509.23678), at any size."""
    G, S = np.linspace(5, 9, 40_001), np.linspace(0.2, 0.5, 30_001)
    for N in (1e9, 1e11):
        at = {"N": N, "D": 20 * N, "N_a": N / 8}
        best = G[np.argmin(value("moe_comprehensive", "zhao_2025", G=G, S=0.3, **at))]
        shared = S[np.argmin(value("moe_comprehensive", "zhao_2025", G=7.0, S=S, **at))]
        assert best == pytest.approx(6.7778, abs=2e-4)
        assert shared == pytest.approx(0.31485, abs=2e-5)


@pytest.mark.acceptance(26)
def test_finer_experts_pay_more_the_smaller_the_model():
    coarse, fine = (
        value("moe_finegrained", "krajewski_2024_moe", N=np.array([1e8, 1e11]), D=1e12, G=G)
        for G in (1.0, 16.0)
    )
    assert coarse[0] - fine[0] > coarse[1] - fine[1] > 0


# -- data --------------------------------------------------------------------------------------------------------------
@pytest.mark.acceptance(27)
def test_transfer_is_worth_hundreds_of_times_the_data():
    of = {"D_F": np.array([3e5, 3e5, 3e7]), "N": np.array([4e7, 4e8, 4e7])}
    saved = value("hernandez_transfer", "hernandez_2021_text", **of)
    assert round(float(1 + saved[0] / 3e5), 1) == 475.6
    assert round(float(saved[1] / saved[0]), 3) == 2.399
    assert round(float(saved[2] / saved[0]), 3) == 2.291


@pytest.mark.acceptance(32)
def test_an_additive_mixture_has_one_optimum_at_every_scale():
    share = np.linspace(0.001, 0.999, 999)
    h = np.stack([share, 1 - share], axis=-1)
    values = {"E": 1.5, "C": np.array([1.2, 0.8]), "gamma": np.array([0.5, 0.3])}
    values |= {"A": 482.0, "alpha": 0.35, "B": 2085.0, "beta": 0.366}
    best = [np.argmin(value("data_mixing_shukor", N=N, D=20 * N, h=h, **values)) for N in (1e8, 1e12)]
    assert best[0] == best[1]
    assert 0.1 < share[best[0]] < 0.9


@pytest.mark.acceptance(29)
def test_a_good_small_pool_wins_early_and_a_larger_one_late():
    """Goyal et al.: the pool that is best grows with compute."""
    sees = np.array([32e6, 640e6])
    small = value("data_filtering_utility", "goyal_2024_30-40", n=sees, n_1=12.8e6)
    large = value("data_filtering_utility", "goyal_2024_30-40", n=sees, n_1=128e6)
    assert large[1] < small[1]
    best, worst = (
        value("data_filtering_utility", f"goyal_2024_{bucket}", n=sees, n_1=12.8e6)
        for bucket in ("0-10", "30-40")
    )
    assert np.all(best < worst)


@pytest.mark.acceptance(37)
def test_modalities_help_once_they_are_large_enough():
    """Two modalities cost each other while competition exceeds their gain; the rest is the mean of two laws."""
    own = {"A_i": 400.0, "alpha_i": 0.3, "B_i": 500.0, "beta_i": 0.3}
    own |= {"A_j": 600.0, "alpha_j": 0.35, "B_j": 700.0, "beta_j": 0.33}
    joint = {"A_ij": 100.0, "alpha_ij": 0.3, "B_ij": 150.0, "beta_ij": 0.3}
    at = {"N": np.geomspace(1e7, 1e12, 6), "D_i": 1e12, "D_j": 2e12}
    one = value("chinchilla", N=at["N"], D=1e12, E=1.8, A=400.0, B=500.0, alpha=0.3, beta=0.3)
    other = value("chinchilla", N=at["N"], D=2e12, E=2.2, A=600.0, B=700.0, alpha=0.35, beta=0.33)
    together = value("mixed_modal", **at, **own, **joint, E=2.0, C=0.2)
    gain = (one + other) / 2 - together
    np.testing.assert_allclose(gain, 0.2 - 100.0 * at["N"] ** -0.3 - 150.0 * 3e12**-0.3, rtol=1e-9)
    assert gain[0] < 0 < gain[-1]


@pytest.mark.acceptance(22)
def test_double_descent_is_bnsl_with_two_breaks():
    x, given = np.geomspace(10, 1e6, 11), {"a": 0.05, "b": 3.0, "c0": 0.3}
    given |= {"c": np.array([-0.8, 1.0]), "d": np.array([1e3, 1e4]), "f": np.array([0.1, 0.1])}
    np.testing.assert_array_equal(
        value("double_descent", x=x, **given), value("bnsl[breaks=2]", x=x, **given)
    )


@pytest.mark.acceptance(46)
def test_a_student_lies_between_its_teacher_and_what_it_reaches_alone():
    alone = value("supervised_busbridge", "busbridge_2025", N=1e9, D=2e10)
    taught = value("distillation_busbridge", "busbridge_2025", N=1e9, D=2e10, L_T=2.2, L_S=alone)
    assert 2.2 < taught < alone


# -- progress ----------------------------------------------------------------------------------------------------------
def test_a_year_is_worth_parameters():
    """A year later the same loss takes exp(-rate) of the parameters and of the tokens."""
    p = {"alpha_const": 0.9, "alpha_year": 0.02, "alpha_param": 0.07}
    p |= {"beta_const": 0.8, "beta_year": 0.03, "beta_data": 0.04}
    now = value("algorithmic_progress", N=1e9, D=1e10, Y=3.0, **p)
    less = {"N": 1e9 * np.exp(-0.02 / 0.07), "D": 1e10 * np.exp(-0.03 / 0.04)}
    np.testing.assert_allclose(value("algorithmic_progress", **less, Y=4.0, **p), now, rtol=1e-12)
    wanted = np.exp(0.9 - 0.02 * 3 - 0.07 * np.log(1e9)) + np.exp(0.8 - 0.03 * 3 - 0.04 * np.log(1e10))
    np.testing.assert_allclose(now, wanted, rtol=1e-12)
