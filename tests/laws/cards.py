"""The cards of the laws as a table: coefficients, covariates, the printed number, and the formula written down again.

Formulas are plain float64 NumPy, independent of the package; longer ones are in ``transcriptions.py``.
"""

from typing import Any, NamedTuple

import numpy as np
import transcriptions as plain

STEPS = np.arange(10_000)
CONSTANT = np.full(10_000, 3e-4)
COSINE = 3e-5 + 0.5 * 2.7e-4 * (1 + np.cos(np.pi * STEPS / 10_000))
PF_DAY = 8.64e19


class Card(NamedTuple):
    """A check value: ``printed`` is text, so that its last digit is known."""

    law: str
    values: str | dict[str, Any]
    at: dict[str, Any]
    printed: str
    again: Any


REPLICATION = {"E": 1.8172, "A": 482.01, "B": 2085.43, "alpha": 0.3478, "beta": 0.3658}
BREAK = {"a": 0.2, "b": 5.0, "c0": 0.1, "c": np.array([0.5]), "d": np.array([1e3]), "f": np.array([0.2])}
M = {"beta": 2.0, "c": 0.35}
ANNEALED = {"L_0": 2.6, "A": 0.4, "alpha": 0.5, "C": 0.4}
KRAJEWSKI = lambda a, alpha, b, beta, g, gamma, c, N, D, G: c + (g / G**gamma + a) / N**alpha + b / D**beta  # noqa: E731


def fall(constant, power, x):
    """The formula of a law ``(constant / x)**power``."""
    return lambda **v: (v[constant] / v[x]) ** v[power]


CARDS = [
    Card("kaplan_l_n", "kaplan_2020", {"N": 1e9}, "2.3756403", fall("N_c", "alpha_N", "N")),
    Card("kaplan_l_d", "kaplan_2020", {"D": 2e10}, "2.1182614", fall("D_c", "alpha_D", "D")),
    Card("kaplan_l_c", "kaplan_2020", {"C": PF_DAY}, "2.5741559", fall("C_c", "alpha_C", "C")),
    Card("kaplan_l_cmin", "kaplan_2020", {"C_min": PF_DAY}, "2.6580802", fall("C_c", "alpha_C", "C_min")),
    Card(
        "kaplan_l_ns",
        "kaplan_2020",
        {"N": 1e9, "S_min": 1e5},
        "2.4005137",
        lambda N_c, alpha_N, S_c, alpha_S, N, S_min: (N_c / N) ** alpha_N + (S_c / S_min) ** alpha_S,
    ),
    Card(
        "kaplan_b_crit",
        "kaplan_2020",
        {"L": 2.5},
        "2674649.5",
        lambda B_star, alpha_B, L: B_star / L ** (1 / alpha_B),
    ),
    *(
        Card(
            "kaplan_l_nd",
            "kaplan_2020",
            {"N": n, "D": d},
            printed,
            lambda N_c, D_c, alpha_N, alpha_D, N, D: ((N_c / N) ** (alpha_N / alpha_D) + D_c / D) ** alpha_D,
        )
        for n, d, printed in ((1e9, 2e10, "2.3738824"), (175e9, 300e9, "1.6609571"))
    ),
    Card("chinchilla", REPLICATION, {"N": 1e9, "D": 2e10}, "2.5300503", plain.chinchilla),
    Card("chinchilla", REPLICATION, {"N": 70e9, "D": 1.4e12}, "1.9738818631586", plain.chinchilla),
    Card("chinchilla", "hoffmann_2022", {"N": 70e9, "D": 1.4e12}, "1.9366455", plain.chinchilla),
    Card("chinchilla", "hoffmann_2022", {"N": 1e9, "D": 2e10}, "2.5800479", plain.chinchilla),
    Card("chinchilla", "hoffmann_2022_unrounded", {"N": 70e9, "D": 1.4e12}, "1.9208460", plain.chinchilla),
    Card("chinchilla", "hoffmann_2022_unrounded", {"N": 1e9, "D": 2e10}, "2.5306682", plain.chinchilla),
    Card(
        "power_law_offset",
        {"E": 1.0, "k": 1e5**0.2, "alpha": 0.2},
        {"x": 1e9},
        "1.1584893",
        lambda E, k, alpha, x: E + k * x**-alpha,
    ),
    Card(
        "power_law",
        {"k": 8.8e13**0.076, "alpha": 0.076},
        {"x": 1e9},
        "2.3756403",
        lambda k, alpha, x: k * x**-alpha,
    ),
    Card(
        "m2",
        {**M, "eps_inf": 0.1},
        {"x": 1e4},
        "0.17962143",
        lambda beta, c, eps_inf, x: eps_inf + beta * x**-c,
    ),
    Card(
        "m3",
        {**M, "gamma": 1e-5},
        {"x": 1e4},
        "0.08232229",
        lambda beta, c, gamma, x: beta * (1 / x + gamma) ** c,
    ),
    Card("m4", {**M, "alpha": 0.7, "eps0": 1.0, "eps_inf": 0.1}, {"x": 1e4}, "0.16989151", plain.m4),
    Card("m4", {**M, "alpha": 0.7, "eps0": 1.0, "eps_inf": 0.1}, {"x": 1.0}, "0.78404481", plain.m4),
    Card("bnsl", BREAK, {"x": 1e4}, "0.82946208", plain.bnsl),
    Card("bnsl", BREAK, {"x": 1e3}, "2.53812112", plain.bnsl),
    Card(
        "data_constrained",
        "muennighoff_2023",
        {"N": 6.34e9, "D": 242e9, "U": 25e9},
        "2.22564408899845",
        plain.data_constrained,
    ),
    Card(
        "data_constrained",
        "muennighoff_2023",
        {"N": 8.67e9, "D": 178e9, "U": 25e9},
        "2.22696340750879",
        plain.data_constrained,
    ),
    Card(
        "overtraining_gadre",
        "gadre_2024_c4",
        {"C": 2.4e19, "M": 20.0},
        "3.02294",
        lambda E, a, b, eta, C, M: E + (a * M**eta + b * M**-eta) * C**-eta,
    ),
    Card(
        "barnett_transfer",
        {"A": 2.0, "alpha": 0.3, "G": 0.5, "beta": 0.2, "E": 1.5},
        {"D": 1e4, "D_F": 1e3},
        "1.65729219",
        lambda A, alpha, G, beta, E, D, D_F: (A * D**-alpha + G) * D_F**-beta + E,
    ),
    Card(
        "finetune_joint_zhang",
        {"A": 50.0, "alpha": 0.1, "beta": 0.1, "E": 1.2},
        {"x": 1e9, "D_F": 1e6},
        "2.78113883",
        lambda A, alpha, beta, E, x, D_F: A * x**-alpha * D_F**-beta + E,
    ),
    Card(
        "hernandez_transfer",
        "hernandez_2021_text",
        {"D_F": 3e5, "N": 4e7},
        "1.4237e8",
        lambda k, alpha, beta, D_F, N: k * D_F**alpha * N**beta,
    ),
    Card(
        "data_mixing_ye",
        {"t": np.array([-0.6, 0.2]), "c": 2.0, "k": 0.5},
        {"r": np.array([0.7, 0.3])},
        "2.34883816",
        lambda t, c, k, r: c + k * np.exp(t[0] * r[0] + t[1] * r[1]),
    ),
    Card(
        "data_mixing_shukor",
        {
            "E": 1.5,
            "C": np.array([1.2, 0.8]),
            "gamma": np.array([0.5, 0.3]),
            "A": 482.0,
            "alpha": 0.35,
            "B": 2085.0,
            "beta": 0.366,
        },
        {"N": 1e9, "D": 2e10, "h": np.array([0.6, 0.4])},
        "2.84568497",
        lambda E, C, gamma, A, alpha, B, beta, N, D, h: (
            E + 1 / (C[0] * h[0] ** gamma[0] + C[1] * h[1] ** gamma[1]) + A / N**alpha + B / D**beta
        ),
    ),
    Card("moe_clark", "clark_2022_s_base", {"N": 1e9, "E": 1.0}, "2.28457486", plain.clark),
    Card("moe_clark", "clark_2022_s_base", {"N": 1e9, "E": 64.0}, "2.08581463", plain.clark),
    Card("moe_finegrained", "krajewski_2024_moe", {"N": 1e9, "D": 2e10, "G": 1.0}, "3.27613323", KRAJEWSKI),
    Card("moe_finegrained", "krajewski_2024_moe", {"N": 1e9, "D": 2e10, "G": 8.0}, "3.14039312", KRAJEWSKI),
    Card("moe_joint", "ludziejewski_2025", {"N": 1e9, "D": 2e10, "E": 1.0}, "2.57760", plain.moe_joint),
    Card("moe_joint", "ludziejewski_2025", {"N": 1e9, "D": 2e10, "E": 8.0}, "2.50878", plain.moe_joint),
    Card("moe_sparsity_abnar", "abnar_2025", {"N": 1e9, "D": 2e10, "S": 0.0}, "2.56568", plain.abnar),
    Card("moe_sparsity_abnar", "abnar_2025", {"N": 1e9, "D": 2e10, "S": 0.9}, "2.70187", plain.abnar),
    Card(
        "moe_comprehensive",
        "zhao_2025",
        {"N": 7e9, "D": 1e11, "N_a": 1e9, "G": 8.0, "S": 0.25},
        "2.41715574",
        plain.comprehensive,
    ),
    Card(
        "sparse_frantar",
        "frantar_2023_t5",
        {"N": 1e8, "D": 1e10, "S": 0.75},
        "1.79326787",
        lambda a_S, b_S, c_S, b_N, a_D, b_D, c, N, D, S: (
            (a_S * (1 - S) ** b_S + c_S) * N**-b_N + (a_D / D) ** b_D + c
        ),
    ),
    Card(
        "delta_ptq",
        "kumar_2024",
        {"N": 1e9, "D": 1e11, "P_post": 4.0},
        "0.02067859",
        lambda C_T, gamma_D, gamma_N, gamma_post, N, D, P_post: (
            C_T * np.exp(-P_post / gamma_post) * D**gamma_D / N**gamma_N
        ),
    ),
    Card(
        "supervised_busbridge",
        "busbridge_2025",
        {"N": 1e9, "D": 2e10},
        "2.37469225",
        lambda E, A, alpha, B, beta, gamma, N, D: E + (A / N**alpha + B / D**beta) ** gamma,
    ),
    Card(
        "distillation_busbridge",
        "busbridge_2025",
        {"N": 1e9, "D": 2e10, "L_T": 2.2, "L_S": 2.3746922493},
        "2.31695125",
        plain.distilled,
    ),
    Card("sae_scaling", "gao_2024", {"n": 131072.0, "k": 32.0}, "0.41890283", plain.sae),
    Card(
        "rl_sigmoid",
        {"R_0": 0.2, "A": 0.61, "B": 1.75, "C_mid": 1e3},
        {"C": 1e4},
        "0.60283644",
        lambda R_0, A, B, C_mid, C: R_0 + (A - R_0) / (1 + (C_mid / C) ** B),
    ),
    *(
        Card(
            "downstream_sigmoid",
            {"lo": 0.25, "hi": 0.85, "kappa": 10.0, "mid": 1.0},
            {"L": at},
            printed,
            lambda lo, hi, kappa, mid, L: lo + (hi - lo) / (1 + np.exp(kappa * (L - mid))),
        )
        for at, printed in ((1.0, "0.55"), (1.05, "0.47652440"))
    ),
    Card(
        "exact_match",
        {"c": 0.1, "alpha": 1.0},
        {"N": 1.0, "length": 5.0},
        "0.60653066",
        lambda c, alpha, N, length: np.exp(-((c / N) ** alpha)) ** length,
    ),
    *(
        Card("coverage_power", {"a": 1.8, "b": 0.3}, {"k": k}, printed, lambda a, b, k: np.exp(-a * k**-b))
        for k, printed in ((1.0, "0.16529889"), (100.0, "0.63626537"))
    ),
    *(
        Card(
            "coverage_betabinomial",
            {"mean": 0.3 / 2.3, "concentration": 2.3},
            {"k": k},
            printed,
            plain.betabinomial,
        )
        for k, printed in ((1.0, "0.13043478"), (100.0, "0.70837085"))
    ),
    Card(
        "isik_downstream",
        {"A": 2.0, "alpha": 0.5, "beta": 1.2},
        {"D": 1e9},
        "17.87557949",
        lambda A, alpha, beta, D: np.log(A * D**alpha) ** beta,
    ),
    *(
        Card(
            "data_filtering_utility",
            {"a": 0.025, "b": 0.16, "tau": 6.7272727, "d": 0.1},
            {"n": n, "n_1": 12.8e6},
            printed,
            plain.filtered,
        )
        for n, printed in ((128e6, "0.73608992"), (12.8e6, "0.93019"))
    ),
    Card(
        "steps_to_loss",
        {"S_min": 1.0, "B_crit": 1000.0},
        {"B": 250.0},
        "5.0",
        lambda S_min, B_crit, B: S_min + S_min * B_crit / B,
    ),
    Card(
        "vocabulary_tao",
        "tao_2024",
        {"N_nv": 7e9, "N_v": 2e8, "D": 1.4e11},
        "-5.25833814",
        plain.vocabulary,
    ),
    Card(
        "loss_to_error_gadre",
        "gadre_2024_c4",
        {"L": 3.0},
        "0.63468",
        lambda eps, k, gamma, L: eps - k * np.exp(-gamma * L),
    ),
    *(
        Card("best_setting", f"steplaw_2025_{key}", {"N": 1e9, "D": 1e11}, printed, plain.two_powers)
        for key, printed in (("learning_rate", "1.6325e-3"), ("batch", "1.10771e6"))
    ),
    *(
        Card("optimal_allocation", key, {"C": C}, printed, lambda k, a, C: k * C**a)
        for key, C, printed in (
            ("kaplan_2020_parameters", 1e3 * PF_DAY, "2.0134616e11"),
            ("kaplan_2020_tokens", 1e3 * PF_DAY, "1.2913085e11"),
            ("deepseek_2024_tokens", 1e21, "5.6949e10"),
            ("llama3_2024_tokens_figure", 3.8e25, "1.62935e13"),
            ("llama3_2024_tokens_text", 3.8e25, "1.0464e13"),
        )
    ),
]

#: Laws of which no number was printed: law, coefficients, covariates, the formula again.
FORMS = [
    ("algorithmic_progress", plain.PROGRESS, {"N": 1e9, "D": 2e10, "Y": 2022.0}, plain.progress),
    ("architecture_shift", plain.SHIFTED, {"N": 1e9, "D": 2e10, "arch": np.array([0.0, 1.0])}, plain.shifted),
    (
        "chinchilla_nonembedding",
        {**REPLICATION, "gamma": 47491.0},
        {"N": 1e8, "D": 2e10},
        lambda E, A, B, alpha, beta, gamma, N, D: E + A * (N + gamma * np.cbrt(N)) ** -alpha + B * D**-beta,
    ),
    ("farseer", plain.FARSEER, {"N": 1e9, "D": 2e10}, plain.farseer),
    (
        "inference_latency",
        {"tau": 0.02, "a": 0.5, "b": 1 / 3},
        {"N": 7e10, "bandwidth": 3e12},
        lambda tau, a, b, N, bandwidth: tau * N**a * bandwidth**-b,
    ),
    ("log_linear", {"a": 3.0, "b": -0.12}, {"x": 1e21}, lambda a, b, x: a + b * np.log(x) / np.log(10)),
    (
        "log_linear_accuracy",
        {"u": -2.0, "v": 0.3},
        {"t": 4000.0},
        lambda u, v, t: 1 / (1 + np.exp(-u) * t**-v),
    ),
    ("mixed_modal", plain.MIXED, {"N": 1e9, "D_i": 2e10, "D_j": 1e10}, plain.mixed),
    (
        "observational_sigmoid",
        {"h": 0.9, "alpha": -0.5, "beta": np.array([1.0, 0.2, -0.3])},
        {"S": np.array([0.5, -1.0, 2.0])},
        lambda h, alpha, beta, S: h / (1 + np.exp(-alpha - beta @ S)),
    ),
    (
        "overoptimised_best_of_n",
        {"alpha": 1.2, "beta": 0.3},
        {"kl": 9.0},
        lambda alpha, beta, kl: 3 * (alpha - 3 * beta),
    ),
    (
        "overoptimised_rl",
        {"alpha": 1.2, "beta": 0.3},
        {"kl": 9.0},
        lambda alpha, beta, kl: 3 * (alpha - beta * np.log(3.0)),
    ),
    ("precision_kumar", plain.KUMAR, {"N": 1e9, "D": 2e10, "P_w": 8.0, "P_a": 6.0, "P_kv": 4.0}, plain.kumar),
    (
        "quality_multiplier",
        {**REPLICATION, "q": np.array([2.5])},
        {"N": 1e9, "D": 2e10, "r": np.array([0.4])},
        lambda E, A, B, alpha, beta, q, N, D, r: E + A / N**alpha + B / (0.6 * D + 2.5 * 0.4 * D) ** beta,
    ),
]
#: Their check values are tested with whole schedules.
SCHEDULES = {"lr_annealing_tissue", "lr_multipower"}


#: Which row of :mod:`acceptance` a card shows, by its law and printed number.
SHOWS = {
    **{
        "kaplan_l_n 2.3756403": 1,
        "power_law 2.3756403": 1,
        "kaplan_l_d 2.1182614": 2,
        "kaplan_l_cmin 2.6580802": 3,
    },
    **{"kaplan_l_c 2.5741559": 3, "kaplan_l_nd 2.3738824": 4, "bnsl 0.82946208": 21, "bnsl 2.53812112": 21},
    **{"m2 0.17962143": 25, "m3 0.08232229": 25, "m4 0.16989151": 25, "m4 0.78404481": 25},
    **{
        "moe_finegrained 3.27613323": 26,
        "moe_finegrained 3.14039312": 26,
        "moe_comprehensive 2.41715574": 26,
    },
    **{
        "barnett_transfer 1.65729219": 27,
        "isik_downstream 17.87557949": 28,
        "finetune_joint_zhang 2.78113883": 28,
    },
    **{
        "data_filtering_utility 0.73608992": 29,
        "data_constrained 2.22564408899845": 31,
        "sae_scaling 0.41890283": 35,
    },
    **{
        "optimal_allocation 2.0134616e11": 6,
        "optimal_allocation 1.2913085e11": 6,
        "loss_to_error_gadre 0.63468": 14,
    },
    **{
        "optimal_allocation 1.62935e13": 15,
        "vocabulary_tao -5.25833814": 40,
        "overtraining_gadre 3.02294": 14,
    },
    **{"moe_clark 2.08581463": 26, "moe_joint 2.50878": 26, "moe_sparsity_abnar 2.70187": 26},
    **{"rl_sigmoid 0.60283644": 38, "delta_ptq 0.02067859": 40, "downstream_sigmoid 0.55": 43},
    **{
        "downstream_sigmoid 0.47652440": 43,
        "exact_match 0.60653066": 18,
        "supervised_busbridge 2.37469225": 46,
    },
    **{"coverage_betabinomial 0.70837085": 16, "coverage_power 0.63626537": 16},
}
