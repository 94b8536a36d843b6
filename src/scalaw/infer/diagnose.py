"""The verdict on a fit: OK, LOOK or BAD, with reasons and what to do about each.

========================================  ==================  =================
symptom                                   LOOK                BAD
========================================  ==================  =================
rank R-hat                                > 1.01              > 1.05
bulk or tail effective sample size        < 400               < 100
divergent draws                           any                 > 1 %
E-BFMI of a chain                         < 0.3               < 0.1
Pareto k of importance weights            > 0.4               > 0.7
Kish's effective sample size              < 400               < 100
draws at the largest tree depth           > 1 %
draws that are not finite                                     any
rival mode within 7 nats of the best      yes
posterior as wide as the prior            law parameter
sd_bootstrap / sd_posterior               > 1.3 (law)
as the table of runs says (D040–D042)     yes
========================================  ==================  =================

Chains have R-hat and its neighbours, weighted draws the Pareto k and Kish's figure. A BAD fit is not to be used; a
LOOK is usable by someone who has read the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np

from scalaw.infer.batch import Sampled
from scalaw.infer.importance import Weighted
from scalaw.infer.nuts import MAX_TREE_DEPTH, Draws
from scalaw.infer.routes import ACCEPTED_K, accepted
from scalaw.infer.sensitivity import power_sensitivity

RHAT = (1.01, 1.05)
ESS = (400.0, 100.0)
DIVERGENT = (0.0, 0.01)
BFMI = (0.3, 0.1)
PARETO_K = (ACCEPTED_K, 0.7)
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
    """Diagnostics per free coordinate (arrays, shape (coordinates,)) and per fit.

    Those of chains are NaN for weighted draws and the other way round; ``ess_bulk`` of weighted draws is Kish's.
    """

    names: tuple[str, ...]
    rhat: np.ndarray
    ess_bulk: np.ndarray
    ess_tail: np.ndarray
    contraction: np.ndarray  # posterior over prior sd on the unconstrained scale
    bootstrap_ratio: np.ndarray  # NaN where not computed
    finite: bool
    divergent: float = math.nan
    bfmi: float = math.nan
    deepest: float = math.nan
    pareto_k: float = math.nan

    @property
    def weighted(self) -> bool:
        """Whether these are of weighted draws."""
        return math.isnan(self.divergent)


class Stats(NamedTuple):
    """Per coordinate: R-hat, bulk and tail effective sample size, and sd, on the parameters' own scale."""

    rhat: np.ndarray
    ess_bulk: np.ndarray
    ess_tail: np.ndarray
    sd: np.ndarray


def stats_of(z: np.ndarray) -> Stats:
    """Stats of one fit's chains by ArviZ, from draws (chains, draws, coordinates)."""
    import arviz_stats.base as base  # slow to import, and only needed here

    stats: Any = vars(base)["array_stats"]
    axes = {"chain_axis": 0, "draw_axis": 1}
    return Stats(
        np.asarray(stats.rhat(z, **axes)),
        np.asarray(stats.ess(z, **axes, method="bulk")),
        np.asarray(stats.ess(z, **axes, method="tail", prob=(0.05, 0.95))),
        z.std(axis=(0, 1)),
    )


def weighted_stats_of(z: np.ndarray, weighted: Weighted) -> Stats:
    """Stats of one fit's weighted draws, from all of them (draws, coordinates)."""
    weight = np.exp(weighted.log_importance)
    nothing = np.full(z.shape[1], np.nan)
    used = np.where(weight[:, None] > 0, z, 0.0)  # a draw outside the support has no weight
    with np.errstate(invalid="ignore"):  # a draw that has overflowed makes it NaN, which is told as such
        spread = weight @ (used - weight @ used) ** 2
    return Stats(nothing, np.full(z.shape[1], float(weighted.kish)), nothing, np.sqrt(spread))


def figures(
    sampled: Sampled,
    stats: Stats,
    names: Sequence[str],
    prior_sd: np.ndarray,
    bootstrap: np.ndarray | None = None,
) -> Figures:
    """Diagnostics of one scenario, for the coordinates that are learned.

    Parameters
    ----------
    sampled : Sampled
    stats : Stats
        Of the coordinates ``names``.
    prior_sd : array, shape (coordinates,)
        Standard deviation of the prior on the same scale.
    bootstrap : array, shape (replicates, coordinates), optional
        Bootstrapped modes on the same scale.
    """
    ratio = np.full(len(names), np.nan) if bootstrap is None else bootstrap.std(axis=0) / stats.sd
    of_chains = _chain_figures(sampled.draws) if isinstance(sampled.draws, Draws) else {}
    k = math.nan if sampled.weighted is None else float(sampled.weighted.pareto_k)
    return Figures(
        tuple(names),
        *stats[:3],
        stats.sd / prior_sd,
        ratio,
        bool(np.all(np.isfinite(stats.sd))),
        **of_chains,
        pareto_k=k,
    )


def _chain_figures(draws: Draws) -> dict[str, float]:
    energy = np.asarray(draws.energy)
    return {
        "divergent": float(np.mean(draws.diverging)),
        "bfmi": float(np.min(np.mean(np.diff(energy, axis=1) ** 2, axis=1) / energy.var(axis=1))),
        "deepest": float(np.mean(np.asarray(draws.n_steps) >= 2**MAX_TREE_DEPTH - 1)),
    }


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
    refused = sampled.method == "importance" and sampled.weighted and not accepted(sampled.weighted)
    if refused and not bad and not look:
        look.append(f"the importance weights are not to be relied on ({sampled.why}): use method='nuts'")
    if not measured.finite:
        bad.insert(0, "some draws are not finite: the law overflows on these runs; check their units")
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
    if not names:
        return []
    draws = np.stack([np.ravel(tree["posterior"][name]) for name in names], axis=1)
    log_prior = sum(np.ravel(values) for values in tree["log_prior"].data_vars.values())
    found = power_sensitivity(draws, np.asarray(log_prior))
    return [name for name, value in zip(names, found, strict=True) if value > SENSITIVE]


def _sampler(measured: Figures) -> tuple[list[str], list[str]]:
    """Sentences about the sampler: those that make a fit BAD, those that ask for a look."""
    judged = _Judged([], [])
    if measured.weighted:
        k, kish = measured.pareto_k, float(measured.ess_bulk[0])
        text = f"Pareto k of the importance weights is {k:.2f}: the tails were not reached. Use method='nuts'"
        judged.high(k, PARETO_K, text)
        judged.low(kish, ESS, f"effective sample size is {kish:.0f} (Kish): use method='nuts'")
        return judged
    worst = int(np.argmax(np.nan_to_num(measured.rhat, nan=np.inf)))
    text = (
        f"R-hat is {measured.rhat[worst]:.3f} for {measured.names[worst]}: chains disagree. Draw more, or give "
        "a stronger prior or fewer parameters"
    )
    judged.high(float(measured.rhat[worst]), RHAT, text)
    for kind, ess in (("bulk", measured.ess_bulk), ("tail", measured.ess_tail)):
        worst = int(np.argmin(np.nan_to_num(ess, nan=-np.inf)))
        text = f"{kind} effective sample size is {ess[worst]:.0f} for {measured.names[worst]}: draw more"
        judged.low(float(ess[worst]), ESS, text)
    text = (
        f"{100 * measured.divergent:.2g} % of draws diverged: raise target_accept towards 0.99, or give a "
        "stronger prior"
    )
    judged.high(measured.divergent, DIVERGENT, text)
    judged.low(measured.bfmi, BFMI, f"E-BFMI is {measured.bfmi:.2f}: heavy tails are explored slowly")
    if measured.deepest > TREE_DEPTH_SHARE:
        share = f"{100 * measured.deepest:.2g} %"
        judged.look.append(f"{share} of draws hit the largest tree depth: slow, not wrong")
    return judged


class _Judged(NamedTuple):
    """Reasons by how grave they are; limits are (ask for a look, bad), and a NaN is bad."""

    bad: list[str]
    look: list[str]

    def high(self, value: float, limits: tuple[float, float], text: str) -> None:
        """A value that should be low."""
        if not value <= limits[1]:
            self.bad.append(text)
        elif value > limits[0]:
            self.look.append(text)

    def low(self, value: float, limits: tuple[float, float], text: str) -> None:
        """A value that should be high."""
        self.high(-value, (-limits[0], -limits[1]), text)
