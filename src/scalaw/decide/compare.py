"""``compare``: several laws on the same runs, scored by what they predict, and averaged.

Scores come from ArviZ: the expected log predictive density of a run left out (PSIS-LOO), with its standard
error, Pareto k, and stacking weights. A law is called ``best`` only when it is ahead of the next by more
than 2 standard errors of the difference *and* more than 4, with no Pareto k above 0.7. Weights that fit the
runs best choose well in range and did not help out of range, so a forecast averages with equal weights and
shows stacking beside it. With ``holdout`` the laws are fitted once more without the largest runs, and
scored on these.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs
from scalaw.decide.forecast import LEVELS, Forecast, common_runs, forecast
from scalaw.errors import ScalawError
from scalaw.infer import Fit, fit_models
from scalaw.infer.fit import checked_settings, model_of
from scalaw.laws.law import Law
from scalaw.model.noise import Noise

if TYPE_CHECKING:
    import pandas as pd

PARETO_K = 0.7
CLEAR_NATS = 4.0
CLEAR_SE = 2.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """Fits of several laws to the same runs, best score first.

    Parameters
    ----------
    fits : tuple of Fit
        On all runs, in the order of the scores.
    scores : tuple of dict
        Per law: ``law, elpd, se, elpd_diff, dse, law_weight, pareto_k, log_evidence, holdout_log_score``.
    best : str or None
        The law that is clearly ahead, if one is.
    held_out : int
        How many runs ``holdout_log_score`` is the mean of.
    """

    fits: tuple[Fit, ...]
    scores: tuple[dict[str, Any], ...]
    best: str | None
    held_out: int = 0
    notes: tuple[str, ...] = field(default=())

    @property
    def stacking(self) -> dict[str, float]:
        """Law → stacking weight."""
        return {score["law"]: score["law_weight"] for score in self.scores}

    @property
    def level(self) -> str:
        """Worst verdict of the fits."""
        return max((f.verdict.level for f in self.fits), key=LEVELS.index)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Reasons of all verdicts, each with its law."""
        return tuple(f"{f.label}: {reason}" for f in self.fits for reason in f.verdict.reasons)

    def forecast(self, *, weights: str = "equal", **arguments: Any) -> Forecast:
        """Forecast averaged over the laws; see :func:`scalaw.forecast`.

        ``weights`` is ``"equal"`` or ``"stacking"``.
        """
        if weights not in ("equal", "stacking"):
            raise ScalawError("P001", f"weights '{weights}'", "forecast", fix="'equal' or 'stacking'")
        return forecast(self.fits, weights=self.stacking if weights == "stacking" else None, **arguments)

    def to_json(self) -> dict[str, Any]:
        """Plain data as printed by ``scalaw compare --json``."""
        return {"laws": [dict(score) for score in self.scores], "best": self.best}

    def to_frame(self) -> pd.DataFrame:
        """One row per law."""
        import pandas as pd

        return pd.DataFrame(list(self.scores)).set_index("law")

    def __str__(self) -> str:
        table = self.to_frame().drop(columns="log_evidence").to_string(float_format=lambda v: f"{v:.4g}")
        ahead = f"best: {self.best}" if self.best else "the runs cannot tell the first laws apart"
        return "\n".join([table, ahead, *self.notes])


def compare(
    runs: Runs,
    laws: Sequence[str | Law],
    *,
    noise: str | Noise = "auto",
    x: str | None = None,
    holdout: str | np.ndarray | None = None,
    seed: int = 0,
    draws: int = 1000,
    warmup: int = 1000,
    chains: int = 4,
    target_accept: float = 0.9,
    bootstrap: int = 200,
    allow_prior_dominated: bool = False,
    progress: Callable[[str], None] = lambda _: None,
) -> Comparison:
    """Fit several laws to the same runs and score them.

    Parameters
    ----------
    runs : Runs
    laws : sequence of str or Law
        At least two; variants of one law share one compiled program.
    holdout : str or array of bool, optional
        ``"top 20% compute"``, or which runs to hold out: laws are also fitted to the others and scored on these.
    noise, x, seed, draws, warmup, chains, target_accept, bootstrap, allow_prior_dominated
        As in :func:`scalaw.fit`.
    progress : callable
        Told in words what is being fitted.

    Raises
    ------
    ScalawError
        M014 for fewer than two different laws, and what :func:`scalaw.fit` raises.
    """
    models = [model_of(law, noise=noise) for law in laws]
    if len({m.label for m in models}) < 2 or len({m.label for m in models}) < len(models):
        raise ScalawError(
            "M014", f"{len(models)} law(s), some twice or only one", "compare", fix="name two or more"
        )
    settings = checked_settings(chains, warmup, draws, target_accept)
    table = runs.along(x) if x else runs
    options = {"settings": settings, "seed": seed, "allow_prior_dominated": allow_prior_dominated}
    held = held_out_rows(table, holdout)
    fits = fit_models(table, models, bootstrap=bootstrap, progress=progress, **options)
    log_scores: dict[str, float] = {}
    if held is not None:
        weight = np.where(held, 0.0, 1.0)
        partial = fit_models(table, models, bootstrap=0, row_weight=weight, progress=progress, **options)
        log_scores = {f.label: _log_score(f, held) for f in partial}
    return compare_fits(fits, log_scores, 0 if held is None else int(held.sum()))


def compare_fits(
    fits: Sequence[Fit], log_scores: Mapping[str, float] | None = None, held_out: int = 0
) -> Comparison:
    """Score fits that exist already, saved ones for instance.

    Parameters
    ----------
    fits : sequence of Fit
        At least two, of different laws and of the same runs, none of them held out.
    log_scores : mapping, optional
        Law → mean log score of ``held_out`` runs that it was not fitted to.

    Raises
    ------
    ScalawError
        M014 for fewer than two laws, P004 for fits that cannot be compared.
    """
    if len({f.label for f in fits}) < 2:
        raise ScalawError("M014", "fewer than two different laws", "compare", fix="name two or more")
    common_runs(fits)
    if not all(f.whole for f in fits):
        what = "the fits hold runs out or repeat them"
        raise ScalawError("P004", what, "compare", fix="compare fits to all runs, each counted once")
    scores, notes = _score(fits, log_scores or {})
    by_label = {f.label: f for f in fits}
    ordered = tuple(by_label[score["law"]] for score in scores)
    return Comparison(ordered, scores, _best(scores), held_out, notes)


def held_out_rows(runs: Runs, holdout: str | np.ndarray | None) -> np.ndarray | None:
    """Mask of held-out runs from ``"top 20% compute"`` or a mask (P005 when it leaves nothing on a side)."""
    if holdout is None:
        return None
    if isinstance(holdout, str):
        match = re.fullmatch(r"\s*(?:top\s+)?(\d+(?:\.\d+)?)\s*%(?:\s+(?:of\s+)?compute)?\s*", holdout)
        if match is None or not 0 < float(match[1]) < 100:
            raise ScalawError(
                "P005", f"holdout '{holdout}' is not understood", fix="write e.g. 'top 20% compute'"
            )
        if "C" not in runs.covariates:
            fix = "pass an array, True for the runs to hold out"
            raise ScalawError(
                "D012", "the runs have no compute C to hold the largest out by", "holdout", fix=fix
            )
        compute = runs.values("C")
        edge = np.quantile(compute, 1.0 - float(match[1]) / 100.0)
        held = compute > edge if np.any(compute > edge) else compute >= edge  # a whole budget at the edge
    else:
        held = np.asarray(holdout, bool)
    if held.shape != (len(runs),) or held.all() or not held.any():
        what = f"holdout keeps {int(np.sum(~held))} and holds out {int(held.sum())} of {len(runs)} runs"
        raise ScalawError("P005", what, fix="hold out some runs and keep others, e.g. 'top 30% compute'")
    return held


def _log_score(fit: Fit, held: np.ndarray) -> float:
    """Mean log predictive density of the held-out runs' log loss."""
    rows = np.asarray(fit.tree["log_likelihood"]["loss"])[..., held].reshape(-1, int(held.sum()))
    top = rows.max(axis=0)
    return float(np.mean(top + np.log(np.mean(np.exp(rows - top), axis=0))))


def _score(
    fits: Sequence[Fit], log_scores: Mapping[str, float]
) -> tuple[tuple[dict[str, Any], ...], tuple[str, ...]]:
    import arviz_stats

    stats: Any = arviz_stats  # its lazy exports are invisible to type checkers
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # high Pareto k is reported below, per law
        loo = {f.label: stats.loo(f.tree, var_name="loss", pointwise=True) for f in fits}
        table = stats.compare(loo, method="stacking", round_to="none")
    evidence = {f.label: f.evidence.log_evidence for f in fits}
    scores, notes = [], []
    for label in table.index:
        row = table.loc[label]
        k = float(np.max(np.asarray(loo[label].pareto_k)))
        scores.append(
            {
                "law": str(label),
                "elpd": float(row["elpd"]),
                "se": float(row["se"]),
                "elpd_diff": float(row["elpd_diff"]),
                "dse": float(row["dse"]),
                "law_weight": float(row["weight"]),
                "pareto_k": k,
                "log_evidence": evidence[str(label)],
                "holdout_log_score": log_scores.get(str(label)),
            }
        )
        if k > PARETO_K:
            count = int(np.sum(np.asarray(loo[label].pareto_k) > PARETO_K))
            notes.append(
                f"{label}: Pareto k is above {PARETO_K} for {count} run(s), so its score is unreliable"
            )
    return tuple(scores), tuple(notes)


def _best(scores: Sequence[dict[str, Any]]) -> str | None:
    first, second = scores[0], scores[1]
    gap = abs(second["elpd_diff"] - first["elpd_diff"])
    clear = gap > CLEAR_NATS and gap > CLEAR_SE * second["dse"]
    return first["law"] if clear and max(s["pareto_k"] for s in scores) <= PARETO_K else None
