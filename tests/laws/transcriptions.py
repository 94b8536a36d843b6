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
