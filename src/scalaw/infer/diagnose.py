"""The verdict on a fit: OK, LOOK or BAD, with reasons and what to do about each.

========================================  ==================  =================
symptom                                   LOOK                BAD
========================================  ==================  =================
rank R-hat                                > 1.01              > 1.05
bulk or tail effective sample size        < 400               < 100
divergent draws                           any                 > 1 %
E-BFMI of a chain                         < 0.3               < 0.1
draws at the largest tree depth           > 1 %
draws that are not finite                                     any
rival mode within 7 nats of the best      yes
posterior as wide as the prior            law parameter
sd_bootstrap / sd_posterior               > 1.3 (law)
as the table of runs says (D040–D042)     yes
========================================  ==================  =================

A BAD fit is not to be used; a LOOK is usable by someone who has read the reasons.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from scalaw.infer.batch import Sampled
from scalaw.infer.nuts import MAX_TREE_DEPTH

RHAT = (1.01, 1.05)
ESS = (400.0, 100.0)
DIVERGENT = (0.0, 0.01)
BFMI = (0.3, 0.1)
TREE_DEPTH_SHARE = 0.01
RIVAL_NATS = 7.0
BOOTSTRAP_RATIO = 1.3
#: A posterior wider than this share of its prior has learned next to nothing.
UNIDENTIFIED = 0.8
#: Power-scaling sensitivity above this is worth a note (arXiv:2107.14054 §3.3).
SENSITIVE = 0.05

Level = Literal["OK", "LOOK", "BAD"]


@dataclass(frozen=True)
class Verdict:
    """``level`` with one sentence per reason; ``notes`` do not change the level."""

    level: Level
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n".join([self.level, *(f"- {reason}" for reason in self.reasons)])


@dataclass(frozen=True)
class Figures:
    """Diagnostics per free coordinate (arrays, shape (coordinates,)) and per fit."""

    names: tuple[str, ...]
    rhat: np.ndarray
    ess_bulk: np.ndarray
    ess_tail: np.ndarray
    contraction: np.ndarray  # posterior over prior sd on the unconstrained scale
    bootstrap_ratio: np.ndarray  # NaN where not computed
    divergent: float
    bfmi: float
    deepest: float
    finite: bool


def figures(
    sampled: Sampled,
    z: np.ndarray,
    names: Sequence[str],
    prior_sd: np.ndarray,
    bootstrap: np.ndarray | None,
) -> Figures:
    """Diagnostics of one scenario's draws, for the coordinates that are learned.

    Parameters
    ----------
    sampled : Sampled
    z : array, shape (chains, draws, coordinates)
        Draws in the parameters' own unconstrained coordinates; ``names`` are theirs.
    prior_sd : array, shape (coordinates,)
        Standard deviation of the prior on the same scale.
    bootstrap : array, shape (replicates, coordinates), optional
        Bootstrapped modes on the same scale.
    """
    import arviz_stats.base as base  # slow to import, and only needed here

    stats: Any = vars(base)["array_stats"]
    axes = {"chain_axis": 0, "draw_axis": 1}
    energy = np.asarray(sampled.draws.energy)
    sd = z.std(axis=(0, 1))
    n_steps = np.asarray(sampled.draws.n_steps)
    return Figures(
        tuple(names),
        np.asarray(stats.rhat(z, **axes)),
        np.asarray(stats.ess(z, **axes, method="bulk")),
        np.asarray(stats.ess(z, **axes, method="tail", prob=(0.05, 0.95))),
        sd / prior_sd,
        np.full(len(names), np.nan) if bootstrap is None else bootstrap.std(axis=0) / sd,
        float(np.mean(sampled.draws.diverging)),
        float(np.min(np.mean(np.diff(energy, axis=1) ** 2, axis=1) / energy.var(axis=1))),
        float(np.mean(n_steps >= 2**MAX_TREE_DEPTH - 1)),
        bool(np.all(np.isfinite(z))),
    )


def diagnose(
    sampled: Sampled,
    measured: Figures,
    law_names: Sequence[str],
    told: Sequence[str] = (),
    sensitive: Sequence[str] = (),
) -> Verdict:
    """Verdict of one fit.

    Parameters
    ----------
    sampled : Sampled
    measured : Figures
    law_names : sequence of str
        Coordinates that belong to the law (noise parameters need not be identified).
    told : sequence of str
        Sentences about the table of runs that a user of the fit must know.
    sensitive : sequence of str
        Parameters that move with the strength of the prior, see :func:`prior_sensitive`.
    """
    bad, look = _sampler(measured)
    if np.isfinite(sampled.rival) and sampled.rival < RIVAL_NATS:
        look.append(
            f"another mode lies {sampled.rival:.1f} nats below the best ({sampled.agreed} of "
            f"{sampled.starts} searches agree): run several seeds, or give a stronger prior"
        )
    vague = [
        name
        for name, share in zip(measured.names, measured.contraction, strict=True)
        if share > UNIDENTIFIED and name in law_names
    ]
    if vague:
        look.append(
            f"{', '.join(vague)}: not identified, the posterior is about as wide as the prior. "
            "Forecasts may still hold; do not quote these values"
        )
    ratio = np.where(np.isin(measured.names, law_names), np.nan_to_num(measured.bootstrap_ratio), 0.0)
    if np.any(ratio > BOOTSTRAP_RATIO):
        worst = int(np.argmax(ratio))
        look.append(
            f"bootstrap sd is {ratio[worst]:.1f} × the posterior sd of {measured.names[worst]}: runs are not "
            "independent given the law, or their noise is not constant. Use final points only, drop the "
            "smallest runs knowingly, or compare other noises and laws"
        )
    look += told
    level: Level = "BAD" if bad else "LOOK" if look else "OK"
    notes = [f"only 1 of {sampled.starts} searches reached the best mode"] * (sampled.agreed == 1)
    if sensitive:
        notes.append(
            f"the prior matters: {', '.join(sensitive)} would move if it were a little stronger or weaker "
            "(power scaling); try another with priors=, and expect forecasts far beyond the runs to move too"
        )
    return Verdict(level, (*bad, *look), tuple(notes))


def prior_sensitive(tree: Any, names: Sequence[str]) -> list[str]:
    """Parameters whose posterior moves when the prior is raised to a power near one (arXiv:2107.14054).

    Parameters
    ----------
    tree : xarray.DataTree
        Of a fit, with its ``log_prior``.
    names : sequence of str
        Scalar parameters to look at.
    """
    import arviz_stats

    if not names:
        return []
    stats: Any = arviz_stats
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # high Pareto k: the draws are hardly reweighted
        found = stats.psense(tree, var_names=list(names), group="prior")
    return [name for name in names if float(np.max(np.asarray(found[name]))) > SENSITIVE]


def _sampler(measured: Figures) -> tuple[list[str], list[str]]:
    """Sentences about the sampler: those that make a fit BAD, those that ask for a look."""
    bad: list[str] = []
    look: list[str] = []

    def judge(value: float, limits: tuple[float, float], high_is_bad: bool, text: str) -> None:
        sign = 1 if high_is_bad else -1
        if not sign * value <= sign * limits[1]:  # a NaN is bad
            bad.append(text)
        elif sign * value > sign * limits[0]:
            look.append(text)

    if not measured.finite:
        bad.append("some draws are not finite: the law overflows on these runs; check their units")
    worst = int(np.argmax(np.nan_to_num(measured.rhat, nan=np.inf)))
    judge(
        float(measured.rhat[worst]),
        RHAT,
        True,
        f"R-hat is {measured.rhat[worst]:.3f} for {measured.names[worst]}: chains disagree. Draw more, "
        "or give a stronger prior or fewer parameters",
    )
    for kind, ess in (("bulk", measured.ess_bulk), ("tail", measured.ess_tail)):
        worst = int(np.argmin(np.nan_to_num(ess, nan=-np.inf)))
        judge(
            float(ess[worst]),
            ESS,
            False,
            f"{kind} effective sample size is {ess[worst]:.0f} for {measured.names[worst]}: draw more",
        )
    judge(
        measured.divergent,
        DIVERGENT,
        True,
        f"{100 * measured.divergent:.2g} % of draws diverged: raise target_accept towards 0.99, or give a "
        "stronger prior",
    )
    judge(measured.bfmi, BFMI, False, f"E-BFMI is {measured.bfmi:.2f}: heavy tails are explored slowly")
    if measured.deepest > TREE_DEPTH_SHARE:
        look.append(f"{100 * measured.deepest:.2g} % of draws hit the largest tree depth: slow, not wrong")
    return bad, look
