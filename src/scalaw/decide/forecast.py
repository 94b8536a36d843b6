"""``forecast``: the loss of runs that were not made, from posterior draws, averaged over laws.

Two things are kept apart. The **curve** is where the law runs: its uncertainty is that of the parameters
and of the choice of law. The **predictive** is what one new run would show: observation noise comes on top.
Under Student-t noise on the log loss a new run's loss has no mean, so ``mean`` and ``sd`` are None there.
The average over laws is a mixture of their draws, with equal weights unless told otherwise. Nothing here
models that real runs wander around every law beyond the data: intervals leave the law's own error out, and
every forecast says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs
from scalaw.decide.points import (
    FAR_DECADES,
    other_count,
    outside_notes,
    reach_decades,
    read_points,
    wanted,
)
from scalaw.errors import ScalawError
from scalaw.infer import Fit
from scalaw.infer.evaluate import evaluate
from scalaw.infer.executables import key_data
from scalaw.infer.interval import PROB, interval

if TYPE_CHECKING:
    import pandas as pd

LEVELS = ("OK", "LOOK", "BAD")
NO_DISCREPANCY = (
    "intervals leave the law's own error out: real runs wander around any law, more so beyond the runs"
)


@dataclass(frozen=True, eq=False)
class Forecast:
    """Draws of the loss at new points.

    Parameters
    ----------
    points : mapping
        Column → array, shape (points,); texts for schedules.
    curve, predictive : array, shape (draws, points)
        Mixture over laws; loss in the runs' loss kind.
    by_law : mapping
        Law → its own curve draws, shape (draws, points).
    law_weights : mapping
        Law → share of the mixture.
    reach_decades : array, shape (points,)
        How far beyond the runs.
    prob : float
        Probability of the intervals.
    moments : bool
        Whether a new run's loss has a mean under every noise used.
    level, reasons, notes
        The fits' verdict, and what a reader must know.
    """

    points: Mapping[str, np.ndarray]
    curve: np.ndarray = field(repr=False)
    predictive: np.ndarray = field(repr=False)
    by_law: Mapping[str, np.ndarray] = field(repr=False)
    law_weights: Mapping[str, float]
    reach_decades: np.ndarray
    prob: float
    moments: bool
    level: str
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain data as printed by ``scalaw forecast --json``."""
        rows = []
        for i in range(len(self.reach_decades)):
            rows.append(
                {
                    **{name: plain_value(values[i]) for name, values in self.points.items()},
                    "curve": interval(self.curve[:, i], self.prob),
                    "predictive": interval(self.predictive[:, i], self.prob, self.moments),
                    "by_law": {law: interval(c[:, i], self.prob) for law, c in self.by_law.items()},
                    "reach_decades": float(self.reach_decades[i]),
                }
            )
        return {"points": rows, "law_weights": dict(self.law_weights)}

    def to_frame(self) -> pd.DataFrame:
        """One row per point.

        Columns: covariates, ``loss`` with ``loss_lower`` and ``loss_upper`` for a new run, ``curve`` with its
        bounds, ``reach_decades``.
        """
        import pandas as pd

        out: dict[str, Any] = dict(self.points)
        low, high = 0.5 - self.prob / 2, 0.5 + self.prob / 2
        for name, draws in (("loss", self.predictive), ("curve", self.curve)):
            out[name], out[f"{name}_lower"], out[f"{name}_upper"] = np.quantile(
                draws, [0.5, low, high], axis=0
            )
        out["reach_decades"] = self.reach_decades
        return pd.DataFrame(out)

    def __str__(self) -> str:
        head = f"loss of a new run, {self.prob:.0%} equal-tailed interval; verdict {self.level}"
        return "\n".join([head, self.to_frame().to_string(float_format=lambda v: f"{v:.5g}"), *self.notes])


def forecast(
    fits: Fit | Sequence[Fit],
    *,
    prob: float = PROB,
    weights: Mapping[str, float] | None = None,
    seed: int = 0,
    **points: Any,
) -> Forecast:
    """Forecast the loss at new points.

    Parameters
    ----------
    fits : Fit or sequence of Fit
        Several fits (of the same runs) are averaged.
    prob : float
        Probability of the intervals, in (0, 1).
    weights : mapping, optional
        Law → weight; equal by default.
    seed : int
        For the observation noise.
    **points
        ``N="70B", D="1.4T"``, numbers or sequences; the third of N, D and C follows from C = 6·N·D. A mixture is
        ``r={"github": 0.3, "web": 0.7}`` or ``**{"r[github]": 0.3, …}``, a schedule a builder as text.

    Raises
    ------
    ScalawError
        P001 for points or a ``prob`` that make no sense, P004 for fits that cannot be averaged.
    """
    fits = [fits] if isinstance(fits, Fit) else list(fits)
    if not isinstance(prob, Real) or not 0 < prob < 1:
        raise ScalawError("P001", f"prob is {prob}", "forecast", fix="a probability in (0, 1), such as 0.9")
    runs = common_runs(fits)
    laws = [f.model.law for f in fits]
    at = read_points(points, runs, laws)
    share = _shares(fits, weights)
    draws = {f.label: _draws(f, at, runs, seed) for f in fits}
    total = min(len(curve) for curve, _ in draws.values())
    take = {law: _spread(len(draws[law][0]), round(total * w)) for law, w in share.items()}
    reach = reach_decades(at, runs, laws)
    notes = [NO_DISCREPANCY, *other_count(points, runs), *outside_notes(at, runs, laws)]
    if np.any(reach > FAR_DECADES):
        notes.append(
            f"P002 reaches {reach.max():.1f} decades beyond the runs: the interval rests on the law alone"
        )
    return Forecast(
        points=at,
        curve=np.concatenate([draws[law][0][rows] for law, rows in take.items()]),
        predictive=np.concatenate([draws[law][1][rows] for law, rows in take.items()]),
        by_law={law: curve for law, (curve, _) in draws.items()},
        law_weights=share,
        reach_decades=reach,
        prob=prob,
        moments=all(f.model.noise.has_mean for f in fits),
        level=max((f.verdict.level for f in fits), key=LEVELS.index),
        reasons=tuple(f"{f.label}: {reason}" for f in fits for reason in f.verdict.reasons),
        notes=tuple(notes),
    )


def common_runs(fits: Sequence[Fit]) -> Runs:
    """The runs that all fits used, with x bound if any of them binds it."""
    weights = {tuple(f.scenario.row_weight.tolist()) for f in fits}
    what = ""
    if not fits:
        what = "no fit is given"
    elif len({f.recipe["digests"]["runs"] for f in fits}) > 1:
        what = "the fits are of different runs"
    elif len(weights) > 1:
        what = "the fits hold out different runs"
    elif len({f.runs.columns["x"] for f in fits if "x" in f.runs.columns}) > 1:
        what = "the fits bind x to different columns"
    elif len({f.label for f in fits}) < len(fits):
        what = "two fits are of one law"
    used = np.array(next(iter(weights), ())) > 0
    if what:
        raise ScalawError("P004", what, "forecast", fix="average different laws fitted to one table")
    runs = next((f.runs for f in fits if "x" in f.runs.columns), fits[0].runs)
    return runs if used.all() else runs.select(used)


def plain_value(value: Any) -> float | str:
    """A covariate at a point as plain data: a number, or the text of a schedule."""
    return value if isinstance(value, str) else float(value)


def _shares(fits: Sequence[Fit], weights: Mapping[str, float] | None) -> dict[str, float]:
    labels = [f.label for f in fits]
    given = {label: 1.0 for label in labels} if weights is None else dict(weights)
    values = np.array([given.get(label, 0.0) for label in labels])
    if set(given) - set(labels) or np.any(values < 0) or not 0 < values.sum() < np.inf:
        raise ScalawError("P001", f"law weights {given} do not fit {', '.join(labels)}", "forecast")
    return dict(zip(labels, (values / values.sum()).tolist(), strict=True))


def _spread(available: int, number: int) -> np.ndarray:
    """Evenly spread positions, so that chains are represented alike."""
    return np.linspace(0, available - 1, number).round().astype(int)


def noise_values(fit: Fit) -> dict[str, Any]:
    """Draws of the noise's parameters, shape (draws, 1), or the number one is held at."""
    held = dict(fit.model.noise.fixed)
    names = [p.name for p in fit.model.noise.parameters]
    return {name: held[name] if name in held else fit.draws(name)[:, None] for name in names}


def _draws(
    fit: Fit, points: Mapping[str, np.ndarray], runs: Runs, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Curve and predictive draws of one fit, shape (draws, points)."""
    scenario = fit.scenario.at(wanted(fit.model.law, points, runs))
    curve = np.asarray(evaluate(scenario, fit.positions).location)
    rng = np.random.default_rng(key_data(seed, "forecast", fit.label))
    noisy = fit.model.noise.draw(rng, curve, noise_values(fit), scenario.noise_rows(points))
    unit = fit.model.law.loss_ref(fit.refs.units)
    return fit.model.noise.response(curve) * unit, fit.model.noise.response(noisy) * unit
