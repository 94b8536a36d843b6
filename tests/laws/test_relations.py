"""Relations give the numbers of their papers, and are what algebra and simulation say they are."""

import numpy as np
import pytest

from scalaw.errors import ScalawError
from scalaw.laws import get_law, relations as rel


@pytest.mark.acceptance(47)
def test_flops_of_known_models():
    assert rel.training_flops(175e9, 300e9) == pytest.approx(3.15e23, rel=1e-12)
    assert rel.training_flops(280e9, 300e9) == pytest.approx(5.04e23, rel=1e-12)
    assert rel.training_flops(70e9, 1.4e12) == pytest.approx(5.88e23, rel=1e-12)
    assert round(float(rel.tokens_per_parameter(175e9, 300e9)), 3) == 1.714
    assert rel.pf_days(8.64e22) == 1000.0


@pytest.mark.acceptance(40)
def test_parameters_of_a_small_model():
    found = rel.deepseek_parameters(8, 512, 102400, 4096)
    assert [round(float(value) / 1e6, 1) for value in found] == [25.2, 77.6, 352.3]
    assert rel.embedding_parameters(50257, 768, tied=False) == 2 * 50257 * 768


@pytest.mark.acceptance(6)
def test_kaplan_allocates_mostly_to_parameters():
    """Ten times the compute: 5.37 times the parameters and 1.86 times the tokens."""
    at = rel.kaplan_allocation(1e3 * rel.PF_DAY)
    assert float(at.N) == pytest.approx(2.0134616e11, rel=5e-8)
    assert float(at.D) == pytest.approx(1.2913085e11, rel=5e-8)
    more = rel.kaplan_allocation(1e4 * rel.PF_DAY)
    assert round(float(more.N / at.N), 2) == 5.37
    assert round(float(more.D / at.D), 2) == 1.86
    assert float(rel.training_flops(at.N, at.D)) / (1e3 * rel.PF_DAY) == pytest.approx(1.806, abs=5e-4)


@pytest.mark.acceptance(5)
def test_a_quarter_of_the_critical_batch_costs_steps():
    steps, examples = rel.batch_overhead(250.0, 1000.0)
    assert (steps, examples) == (5.0, 1.25)
    assert (steps - 1) * (examples - 1) == 1.0


@pytest.mark.acceptance(5)
def test_two_batches_tell_the_noise_scale_of_gradients():
    """Both moments are unbiased; the ratio of their averages over steps is within 5 % of the truth."""
    rng, d, steps = np.random.default_rng(0), 50, 20_000
    truth, sd = rng.normal(0, 1, d), rng.uniform(1.0, 8.0, d)

    def squared(batch):
        noise = rng.standard_normal((steps, d)) * sd / np.sqrt(batch)
        return np.sum((truth + noise) ** 2, axis=1)

    found = rel.gradient_moments(16.0, 256.0, squared(16.0), squared(256.0))
    for got, wanted in zip(found, (truth @ truth, sd @ sd), strict=True):
        assert abs(np.mean(got) - wanted) < 4 * np.std(got) / np.sqrt(steps)
    assert rel.batch_noise_scale(found) == pytest.approx(sd @ sd / (truth @ truth), rel=0.05)


@pytest.mark.acceptance(16)
def test_pass_at_k_is_the_share_of_draws_without_replacement():
    assert round(float(rel.pass_at_k(10, 3, 5)), 8) == 0.91666667
    assert rel.pass_at_k(10, 3, 8) == 1.0
    assert rel.pass_at_k(10, 0, 5) == 0.0
    np.testing.assert_allclose(rel.pass_at_k(10, np.arange(11), 1), np.arange(11) / 10, atol=1e-12)


@pytest.mark.acceptance(16)
def test_a_majority_saturates():
    n = np.array([1, 2, 3, 101])
    votes = rel.majority_vote(0.6, n)
    assert votes[0] == pytest.approx(0.6)
    assert votes[1] == pytest.approx(0.6)  # a tie is broken by a coin
    assert votes[2] == pytest.approx(0.6**3 + 3 * 0.6**2 * 0.4)
    assert rel.majority_vote(0.4, 101) == pytest.approx(1 - votes[3])
    assert 0.97 < votes[3] < 1.0


@pytest.mark.acceptance(16, 38)
def test_a_verifier_has_a_ceiling():
    assert round(float(rel.accepted_is_correct(0.3, 1.0, 0.1)), 8) == 0.81081081
    assert round(float(rel.best_of_n_kl(64)), 8) == 3.17450808


@pytest.mark.acceptance(17)
@pytest.mark.parametrize(("ratio", "wanted"), [(1.0, 53.0), (0.1, 17.9), (10.0, 404.0)])
def test_sampling_against_a_larger_model(ratio, wanted):
    assert rel.sampling_exchange(14.0, ratio) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.acceptance(18)
def test_an_edit_distance_is_smooth_where_exact_match_jumps():
    p = np.exp(-0.1)
    assert round(float(p**5), 8) == 0.60653066
    assert round(float(rel.token_edit_distance(p, 5)), 8) == 0.47581291
    assert rel.resolution(200) == 0.005


@pytest.mark.acceptance(13, 34)
def test_latency_and_break_even():
    assert rel.token_latency(4.0, 1.0) == 2.0
    assert rel.token_latency(1.0, 8.0) == 0.5
    assert rel.break_even_tokens(1.4e12) == pytest.approx(4.2e12)
    assert rel.lifetime_tokens(1e12, 1.0, 3.0) == 3e12
    assert rel.lifetime_tokens(1e12, 1.0 + 1e-9, 3.0) == pytest.approx(3e12, rel=1e-6)


@pytest.mark.acceptance(44)
def test_progress_doubles_effective_compute_in_nine_months():
    of_parameters, of_data = rel.doubling_time(0.068, 0.004), rel.doubling_time(0.040, 0.036)
    assert round(float(of_parameters), 4) == 11.7835
    assert round(float(of_data), 6) == 0.770164
    both = 1 / (1 / of_parameters + 1 / of_data)
    assert round(float(both), 6) == 0.722914


@pytest.mark.acceptance(39)
def test_the_stock_of_text_runs_out():
    assert rel.exhaustion_year(3e14, 3e14, 2.5, 2024.0) == 2024.0
    assert rel.exhaustion_year(3e14, 3e13, 10.0, 2024.0) == pytest.approx(2025.0)
    interval = rel.exhaustion_year(np.array([1e14, 1e15]), 1.5e13, 2.5, 2024.0)
    assert 2025 < interval[0] < interval[1] < 2030


# -- allocations -------------------------------------------------------------------------------------------------------
REPLICATION = {"A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658}


@pytest.mark.acceptance(9)
def test_twenty_tokens_per_parameter_spend_the_budget():
    at = rel.fixed_ratio(1e23)
    assert float(at.N) == pytest.approx(2.886751e10, rel=1e-6)
    assert float(at.D) == pytest.approx(5.773503e11, rel=1e-6)
    assert rel.training_flops(at.N, at.D) == pytest.approx(1e23, rel=1e-12)


@pytest.mark.acceptance(9)
@pytest.mark.parametrize(
    ("C", "N", "D"), [(5.76e23, 72.2487e9, 1.328744e12), (1e21, 2.778459e9, 5.998528e10)]
)
def test_the_compute_optimum_in_closed_form(C, N, D):
    """The printed optima, and no neighbour on the budget has a lower loss."""
    at = rel.chinchilla_allocation(C, **REPLICATION)
    assert float(at.N) == pytest.approx(N, rel=1e-6)
    assert float(at.D) == pytest.approx(D, rel=1e-6)
    size = at.N * np.array([0.999, 1.0, 1.001])
    loss = 482.01 * size**-0.3478 + 2085.43 * (C / 6 / size) ** -0.3658
    assert np.argmin(loss) == 1


@pytest.mark.acceptance(9)
def test_unrounded_coefficients_give_the_printed_size_for_gophers_budget():
    values = {"A": np.exp(6.0073404), "B": np.exp(6.0179186), "alpha": 0.33917084, "beta": 0.2849083}
    at = rel.chinchilla_allocation(5.76e23, **values)
    assert round(float(at.N) / 1e9, 2) == 40.36
    rounded = rel.chinchilla_allocation(5.76e23, A=406.4, B=410.7, alpha=0.34, beta=0.28)
    assert round(float(rounded.N) / 1e9, 2) == 32.19


def test_leaving_the_embedding_out_bends_the_frontier():
    """Local exponents of the size against compute (arXiv:2406.12907): near one at a million, .51 at the end."""
    assert float(rel.nonembedding_frontier(1e8, **REPLICATION)) == pytest.approx(2.6183105e18, rel=1e-7)
    for size, exponent in ((1e6, 0.9628), (1e8, 0.6128), (1e11, 0.5137)):
        near = rel.nonembedding_frontier(size * np.exp([-1e-4, 1e-4]), **REPLICATION)
        assert round(2e-4 / float(np.log(near[1] / near[0])), 4) == exponent


def test_best_settings_by_the_step_law():
    at = rel.step_law(1e9, 1e11)
    assert float(at.lr) == pytest.approx(1.6325e-3, rel=5e-5)
    assert float(at.batch) == pytest.approx(1.10771e6, rel=5e-6)


# -- tasks -------------------------------------------------------------------------------------------------------------
@pytest.mark.acceptance(33)
def test_subtasks_learned_in_order_leave_a_power_law():
    assert float(rel.quanta_tail(1e4, 0.5)) == pytest.approx(0.00766, abs=5e-6)
    by_hand = np.sum(np.arange(11.0, 2e6) ** -2.5) / np.sum(np.arange(1.0, 2e6) ** -2.5)
    assert float(rel.quanta_tail(10, 1.5)) == pytest.approx(by_hand, rel=1e-6)
    assert rel.exponent_of_dimension(20) == 0.2


@pytest.mark.acceptance(38)
def test_rewards_peak_where_they_should():
    """Best of n at d = alpha / (2 beta), reinforcement learning at d = exp(alpha / beta - 1)."""
    kl = np.linspace(0.01, 400, 400_001)
    for by, peak in (("best_of_n", 1.0 / 0.2), ("rl", np.exp(1.0 / 0.4 - 1.0))):
        reward = rel.over_optimised(kl, 1.0, 0.1 if by == "best_of_n" else 0.4, by)
        assert np.sqrt(kl[np.argmax(reward)]) == pytest.approx(peak, rel=1e-3)


@pytest.mark.acceptance(40)
def test_the_embeddings_best_size_by_three_approaches():
    """Beside seven billion parameters outside it, at the compute where these are best (arXiv:2407.13623)."""
    compute = rel.compute_of_outside(7e9)
    assert float(compute) == pytest.approx(7.0524e21, rel=5e-5)
    outside, inside = rel.vocabulary_of_compute(compute)
    assert float(outside) == pytest.approx(7e9, rel=1e-12)
    assert float(inside) == pytest.approx(2.5510e8, abs=5e3)
    assert float(rel.vocabulary_by_derivative(7e9)) == pytest.approx(2.7628e8, abs=5e3)
    law = get_law("vocabulary_tao@tao_2024")
    best = rel.best_vocabulary(lambda N_v, D: law(N_nv=7e9, N_v=N_v, D=D), 7e9, 4096.0, float(compute))
    assert 4096.0 * best == pytest.approx(2.4391e8, abs=5e3)


@pytest.mark.acceptance(43)
def test_components_find_the_one_direction_of_a_table():
    """One capability behind nine benchmarks, noise a fifth of its spread: found up to the scale of its loadings."""
    rng = np.random.default_rng(0)
    capability, loadings = rng.normal(0, 1, 60), rng.uniform(0.3, 1.0, 9)
    table = np.outer(capability, loadings) + rng.normal(0, 0.1, (60, 9)) + 2.0
    found = rel.principal_components(table, 1)
    assert abs(np.corrcoef(found.scores[:, 0], capability)[0, 1]) > 0.99
    assert found.loadings[0, 0] > 0 and np.linalg.norm(found.loadings[0]) == pytest.approx(1.0)
    np.testing.assert_allclose(found.of(table), found.scores, atol=1e-12)
    assert 0.9 < found.share[0] < 1.0


@pytest.mark.parametrize(
    ("table", "k", "code"), [(np.ones((3, 4)), 3, "D063"), ([[1.0, np.nan]] * 4, 1, "D021")]
)
def test_tables_without_components_are_refused(table, k, code):
    with pytest.raises(ScalawError) as caught:
        rel.principal_components(table, k)
    assert caught.value.code == code
