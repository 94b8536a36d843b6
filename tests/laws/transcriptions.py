"""Formulas of the laws written down again in plain float64 NumPy, to hold the laws against."""

import numpy as np


def chinchilla(E, A, B, alpha, beta, N, D):
    return E + A * N**-alpha + B * D**-beta


def data_constrained(E, A, B, alpha, beta, R_D, R_N, N, D, U):
    G = (alpha * A / (beta * B)) ** (1 / (alpha + beta))
    U_N = min(N, (U * G) ** (beta / alpha) * G)
    D_ = U + U * R_D * (1 - np.exp(-(D / U - 1) / R_D))
    N_ = U_N + U_N * R_N * (1 - np.exp(-max(N / U_N - 1, 0) / R_N))
    return E + A / N_**alpha + B / D_**beta


def effective(E, E_start, E_max):
    return 1 / (1 / (E - 1 + 1 / (1 / E_start - 1 / E_max)) + 1 / E_max)


def clark(a, b, c, d, E_start, E_max, N, E):
    n, e = np.log10(N), np.log10(effective(E, E_start, E_max))
    return 10.0 ** (a * n + b * e + c * n * e + d)


def moe_joint(a, alpha, delta, gamma, b, beta, omega, zeta, E_start, E_max, c, N, D, E):
    e = effective(E, E_start, E_max)
    return a * e**delta * N ** (alpha + gamma * np.log(e)) + b * e**omega * D ** (beta + zeta * np.log(e)) + c


def comprehensive(e, f, m, n, k, h, a, alpha, b, beta, c, eps, N, D, N_a, G, S):
    first = e * G + f / G + m * S * S + n * S
    second = N**-alpha + k * N_a**-alpha + h * N_a / N
    return first * second + a * N**-alpha + b * D**-beta + c * N_a**-alpha + eps


def abnar(a, alpha, b, beta, c, lam, d, delta, gamma, e, N, D, S):
    return a / N**alpha + b / D**beta + c / (1 - S) ** lam + d / ((1 - S) ** delta * N**gamma) + e


def distilled(c_0, c_1, d_1, f_1, A, alpha, B, beta, gamma, N, D, L_T, L_S):
    too_good = (1 + (L_T / (L_S * d_1)) ** (1 / f_1)) ** (-c_1 * f_1)
    return L_T + L_T**-c_0 * too_good * (A / N**alpha + B / D**beta) ** gamma


def sae(alpha, beta_k, beta_n, gamma, zeta, eta, n, k):
    return (
        np.exp(alpha) * k**beta_k * n**beta_n * np.exp(gamma * np.log(k) * np.log(n)) + np.exp(zeta) * k**eta
    )


def multipower(L_0, A, alpha, B, C, beta, gamma, S_W, rate):
    areas = np.cumsum(rate[::-1])[::-1]
    loss = L_0 + A * (np.sum(rate) + S_W) ** -alpha
    for k in range(1, len(rate)):
        x = rate[k] ** -gamma * areas[k]
        loss -= B * (rate[k - 1] - rate[k]) * (1 - (C * x + 1) ** -beta)
    return loss


def tissue(L_0, A, alpha, C, rate):
    m, second = 0.0, 0.0
    for before, now in zip(rate[:-1], rate[1:], strict=True):
        m = 0.999 * m + (before - now)
        second += m
    return L_0 + A * np.sum(rate) ** -alpha - C * second


def bnsl(a, b, c0, c, d, f, x):
    return a + b * x**-c0 * np.prod((1 + (x / d) ** (1 / f)) ** (-c * f))


def m4(eps_inf, eps0, beta, alpha, c, x):
    low, high = 0.0, eps0 - eps_inf
    for _ in range(200):
        middle = 0.5 * (low + high)
        too_high = middle / (eps0 - eps_inf - middle) ** alpha > beta * x**-c
        low, high = (low, middle) if too_high else (middle, high)
    return eps_inf + 0.5 * (low + high)


def betabinomial(mean, concentration, k):
    a, b = mean * concentration, (1 - mean) * concentration
    tries = np.arange(k)
    return 1 - np.prod((b + tries) / (a + b + tries))


def filtered(a, b, tau, d, n, n_1):
    error, before = (a * n_1 / 1e5) ** -b, n_1
    for j in range(2, int(np.ceil(n / n_1)) + 1):
        now = min(j * n_1, n)
        error, before = error * (now / before) ** (-b * 0.5 ** ((j - 1) / tau)), now
    return error + d


def vocabulary(E, A_1, alpha_1, A_2, alpha_2, B, beta, N_nv, N_v, D):
    return -E + A_1 * N_nv**-alpha_1 + A_2 * N_v**-alpha_2 + B * D**-beta


def two_powers(k, a, b, N, D):
    return np.exp(np.log(k) + a * np.log(N) + b * np.log(D))


PROGRESS = {"alpha_const": 0.913, "alpha_year": 0.004, "alpha_param": 0.068}
PROGRESS |= {"beta_const": 0.771, "beta_year": 0.036, "beta_data": 0.040}


def progress(alpha_const, alpha_year, alpha_param, beta_const, beta_year, beta_data, N, D, Y):
    size = np.exp(alpha_const) * np.exp(-alpha_year * Y) * N**-alpha_param
    return size + np.exp(beta_const) * np.exp(-beta_year * Y) * D**-beta_data


SHIFTED = {"E": 1.8, "A": 480.0, "B": 2000.0, "alpha": 0.35, "beta": 0.37}
SHIFTED |= {"delta": np.array([-0.1, 0.2]), "epsilon": np.array([0.01, -0.02])}


def shifted(E, A, B, alpha, beta, delta, epsilon, N, D, arch):
    i = int(np.argmax(arch))
    return E + A * np.exp(delta[i]) * N ** -(alpha + epsilon[i]) + B * D**-beta


FARSEER = {"a_1": 0.02, "alpha": 0.1, "b_1": -1.6, "a_2": 0.5, "beta": 0.08, "b_2": 4.0}
FARSEER |= {"a_3": 0.01, "gamma": 0.1, "b_3": 0.4}


def farseer(a_1, alpha, b_1, a_2, beta, b_2, a_3, gamma, b_3, N, D):
    power = np.exp(a_1 * N**alpha + b_1)
    return np.exp(a_3 * N**gamma + b_3) + np.exp(a_2 * N**beta + b_2) * D**-power


MIXED = {"E": 2.0, "C": 0.3, "A_ij": 12.0, "alpha_ij": 0.3, "B_ij": 9.0, "beta_ij": 0.25}
MIXED |= {"A_i": 480.0, "alpha_i": 0.35, "B_i": 2000.0, "beta_i": 0.37}
MIXED |= {"A_j": 300.0, "alpha_j": 0.33, "B_j": 900.0, "beta_j": 0.31}


def mixed(N, D_i, D_j, E, C, **v):
    alone = [
        v[f"A_{m}"] * N ** -v[f"alpha_{m}"] + v[f"B_{m}"] * d ** -v[f"beta_{m}"]
        for m, d in (("i", D_i), ("j", D_j))
    ]
    competition = v["A_ij"] * N ** -v["alpha_ij"] + v["B_ij"] * (D_i + D_j) ** -v["beta_ij"]
    return E + np.mean(alone) - C + competition


KUMAR = {"E": 2.7648, "A": 4.299e3, "alpha": 0.4965, "B": 1.806e4, "beta": 0.4}
KUMAR |= {"gamma_w": 2.6745, "gamma_a": 2.2102, "gamma_kv": 0.9578}


def kumar(E, A, B, alpha, beta, gamma_w, gamma_a, gamma_kv, N, D, P_w, P_a, P_kv):
    kept = [1 - np.exp(-bits / of) for bits, of in ((P_w, gamma_w), (P_a, gamma_a), (P_kv, gamma_kv))]
    return E + A * (N * np.prod(kept)) ** -alpha + B * D**-beta
