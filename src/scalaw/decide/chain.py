"""``chain``: a forecast in two stages, a loss from scale and a measure from that loss.

Downstream measures are often forecast so (arXiv:2407.21783, arXiv:2412.04403): small runs say how a loss falls with
compute, runs of any kind say how accuracy follows from the loss. What the first stage does not know must reach the
second, and both laws' parameters with it. Given the losses that were seen, the two posteriors are independent; so every
draw of the first, with the scatter of a new run, is put through a draw of the second.

The second stage is only as good as the losses that it has seen: how often the chained loss lies beyond them is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scalaw.decide.forecast import LEVELS, Forecast, forecast, noise_values
from scalaw.errors import ScalawError
from scalaw.infer import Fit
from scalaw.infer.executables import key_data
from scalaw.infer.interval import PROB
from scalaw.laws.records import Covariate

#: A second stage that is asked beyond the losses it has seen in more than this share of draws says so.
BEYOND = 0.05


def chain(
    first: Fit | Sequence[Fit], second: Fit, *, prob: float = PROB, seed: int = 0, **points: Any
) -> Forecast:
    """Forecast a measure through a loss.

    Parameters
    ----------
    first : Fit or sequence of Fit
        Of the loss, or several that are averaged.
    second : Fit
        Of a measure; its law scales one quantity, the response of ``first``, such as L of ``downstream_sigmoid``.
    prob : float
        Probability of the intervals, in (0, 1).
    seed : int
        For the noise of both stages and for the pairing of their draws.
    **points
        Of the first stage, as for :func:`scalaw.forecast`.

    Returns
    -------
    Forecast
        ``curve`` of the measure on the curve of the loss, ``predictive`` what a new run would show.

    Raises
    ------
    ScalawError
        P001 for points that make no sense, P004 where the second law does not scale one quantity.
    """
    through = _through(second)
    stage = forecast(first, prob=prob, seed=seed, **points)
    rng = np.random.default_rng(key_data(seed, "chain", second.label))
    pick = rng.permutation(np.arange(len(stage.curve)) % len(second.positions))
    curve = _where(second, through, stage.curve, pick)
    shown = _shown(second, through, stage.predictive, pick, rng)
    fits = [first] if isinstance(first, Fit) else list(first)
    name = f"{' + '.join(f.label for f in fits)} → {second.label}"
    return Forecast(
        points=stage.points,
        curve=curve,
        predictive=shown,
        by_law={name: curve},
        law_weights={name: 1.0},
        reach_decades=stage.reach_decades,
        prob=prob,
        moments=second.model.noise.has_mean,
        level=max(stage.level, second.verdict.level, key=LEVELS.index),
        reasons=(*stage.reasons, *(f"{second.label}: {reason}" for reason in second.verdict.reasons)),
        notes=(*stage.notes, *_beyond(second, through, stage.predictive)),
    )


def _through(second: Fit) -> Covariate:
    """The one covariate of the second law."""
    law = second.model.law
    if len(law.covariates) != 1 or law.covariates[0].size is not None:
        names = ", ".join(c.name for c in law.covariates)
        fix = "fit a law of the loss alone to the measure, such as downstream_sigmoid or loss_to_error_gadre"
        raise ScalawError("P004", f"law {law.name} scales {names}", "second stage", fix=fix)
    return law.covariates[0]


def _where(second: Fit, through: Covariate, loss: np.ndarray, pick: np.ndarray) -> np.ndarray:
    """The measure where the law puts it at losses (draws, points), with the picked draws of its parameters."""
    law = second.model.law
    values = {p.name: second.draws(p.name)[pick][:, None] for p in law.free}
    return np.asarray(law(**{through.name: loss}, **values), float)


def _shown(
    second: Fit, through: Covariate, loss: np.ndarray, pick: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """The measure as a run of that loss shows it, (draws, points)."""
    noise, unit = second.model.noise, second.model.law.loss_ref(second.refs.units)
    values = {name: v[pick] if np.ndim(v) else v for name, v in noise_values(second).items()}
    where = noise.observed(_where(second, through, loss, pick) / unit)
    rows = second.scenario.at({through.name: np.median(loss, axis=0)}).noise_rows()
    return noise.response(noise.draw(rng, where, values, rows)) * unit


def _beyond(second: Fit, through: Covariate, loss: np.ndarray) -> list[str]:
    seen = second.scenario.covariates[through.name]
    outside = float(np.mean((loss < seen.min()) | (loss > seen.max())))
    if outside <= BEYOND:
        return []
    return [
        f"P002 {100 * outside:.0f} % of the draws of {through.name} lie beyond the {seen.min():.4g} to "
        f"{seen.max():.4g} that {second.label} was fitted to: there it rests on its law alone"
    ]
