"""Simulation-based calibration: whether posteriors mean what they say.

::

    found = calibrate(model_of("chinchilla"), {"N": sizes, "D": tokens}, n=1000)
    print(found)                  # what fails, or that nothing does
    found.covered, found.p_value  # per quantity

Truths are drawn from the priors and a table of runs at each truth; every table is fitted with the same model, and
the truth's place among the draws of its posterior is noted (:mod:`scalaw.infer.ranks_of_truths`). Ranks that are not
uniform say that prior, likelihood and sampler do not agree: a density without its Jacobian, a noise scale that is
squared somewhere, a row that was lost, a sampler that stops short. All simulations are one batch of compiled
programs. None is left out, however poor its diagnostics.

With ``truth`` the runs come from another model with the same parameters: what a wrong prior, noise or law does to the
intervals of a right one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from scalaw.errors import ScalawError
from scalaw.infer.assemble import learned, of_law, shown
from scalaw.infer.batch import Progress, Sampled, sample
from scalaw.infer.diagnose import Level, diagnose, figures, stats_of, weighted_stats_of
from scalaw.infer.importance import EFFORT, Effort
from scalaw.infer.nuts import Settings
from scalaw.infer.prior_draws import prior_sd, unconstrained
from scalaw.infer.programs import Clock
from scalaw.infer.ranks_of_truths import ranks_of_truths
from scalaw.infer.references import prior_digest
from scalaw.infer.routes import Method
from scalaw.infer.scenarios import Scenario
from scalaw.infer.simulations import points, simulate_scenarios
from scalaw.infer.uniformity import p_uniform
from scalaw.laws.law import Law
from scalaw.laws.source import source_text
from scalaw.model.scaling_model import ScalingModel

SETTINGS = Settings()
#: Level of the test of uniformity, shared over all quantities of a calibration.
LEVEL = 0.01
#: Fewer simulations cannot say anything.
FEWEST = 20
#: Simulations that are fitted and ranked together; their draws are kept in memory meanwhile.
BLOCK = 256
#: The default forecast lies so many times beyond the largest run.
BEYOND = 10.0


@dataclass(frozen=True)
class Calibration:
    """Outcome of :func:`calibrate`.

    Parameters
    ----------
    model, truth : str
        Labels of the model that was fitted and of the one that the runs came from.
    quantities : tuple of str
        Free parameters, ``"log_likelihood"`` and ``"forecast"``.
    ranks : array, shape (simulations, quantities)
        The truth's place among the draws of its posterior, from 0 to 1.
    methods : tuple of str
        What served each simulation: ``"importance"`` or ``"nuts"``.
    verdicts : tuple of str
        What the diagnostics say of each posterior, ``"OK"``, ``"LOOK"`` or ``"BAD"``; all count alike.
    contraction : array, shape (simulations, parameters)
        Posterior over prior standard deviation on the unconstrained scale: near 1 where runs say nothing.
    prob : float
        Probability inside the intervals.
    rows : int
        Runs per simulation.
    method : str
        That was asked for.
    seed : int
    digest : str
        Hash of all that the result depends on beside the code: both models with their priors, the design, the point
        of the forecast, the number of simulations, seed and settings.
    clock : Clock
        Seconds of compiling and running.
    """

    model: str
    truth: str
    quantities: tuple[str, ...]
    ranks: np.ndarray = field(repr=False)
    methods: tuple[str, ...] = field(repr=False)
    verdicts: tuple[str, ...] = field(repr=False)
    contraction: np.ndarray = field(repr=False)
    prob: float
    rows: int
    method: str
    seed: int
    digest: str
    clock: Clock = field(compare=False)

    @cached_property
    def p_value(self) -> dict[str, float]:
        """Quantity → p value of uniform ranks, see :mod:`scalaw.infer.uniformity`."""
        return {name: p_uniform(ranks) for name, ranks in zip(self.quantities, self.ranks.T, strict=True)}

    @property
    def covered(self) -> dict[str, int]:
        """Quantity → how many equal-tailed intervals hold their truth."""
        tail = 0.5 - self.prob / 2
        inside = (self.ranks >= tail) & (self.ranks <= 1.0 - tail)
        return dict(zip(self.quantities, inside.sum(axis=0).tolist(), strict=True))

    @property
    def identified(self) -> dict[str, float]:
        """Parameter → posterior over prior standard deviation in the typical (median) simulation."""
        typical = np.median(self.contraction, axis=0)
        return dict(zip(self.quantities, typical.tolist(), strict=False))

    @property
    def faults(self) -> tuple[str, ...]:
        """A sentence for every quantity whose ranks are not uniform (level 1 % over all quantities together)."""
        n, limit = len(self.ranks), LEVEL / len(self.quantities)
        return tuple(
            f"{name}: ranks are not uniform (p = {p:.1g}); {self.covered[name]} of {n} intervals of "
            f"{100 * self.prob:.0f} % hold the truth, and the mean rank is {np.mean(self.ranks[:, i]):.2f}"
            for i, (name, p) in enumerate(self.p_value.items())
            if p < limit
        )

    def __str__(self) -> str:
        head = f"{len(self.ranks)} simulations of {self.rows} runs, {self.model}"
        head += f" fitted to runs of {self.truth}" * (self.truth != self.model)
        return "\n".join([head, *(f"- {fault}" for fault in self.faults or ("calibrated",))])

    def to_dict(self) -> dict[str, Any]:
        """Plain dictionary for JSON, ranks to four decimals."""
        served = {kind: self.methods.count(kind) for kind in dict.fromkeys(self.methods)}
        return {
            "model": self.model,
            "truth": self.truth,
            "method": self.method,
            "seed": self.seed,
            "digest": self.digest,
            "simulations": len(self.ranks),
            "rows": self.rows,
            "prob": self.prob,
            "served": served,
            "verdicts": {level: self.verdicts.count(level) for level in ("OK", "LOOK", "BAD")},
            "covered": self.covered,
            "p_value": self.p_value,
            "identified": self.identified,
            "seconds": {"compile": self.clock.compile, "run": self.clock.run},
            "ranks": {q: np.round(r, 4).tolist() for q, r in zip(self.quantities, self.ranks.T, strict=True)},
        }


def calibrate(
    model: ScalingModel,
    at: Mapping[str, Any],
    n: int = 1000,
    seed: int = 0,
    *,
    method: Method = "auto",
    forecast_at: Mapping[str, float] | None = None,
    truth: ScalingModel | None = None,
    row_data: Mapping[str, np.ndarray] | None = None,
    truths: int | None = None,
    prob: float = 0.9,
    settings: Settings = SETTINGS,
    effort: Effort = EFFORT,
    progress: Progress = lambda _: None,
) -> Calibration:
    """Simulate tables of runs from the priors, fit each, and rank every truth among its draws.

    Parameters
    ----------
    model : ScalingModel
        What is fitted.
    at : mapping of str to array, shape (rows,)
        Covariates of every table, in base units, as :func:`scalaw.infer.simulations.points` reads them.
    n : int
        Simulations.
    seed : int
    method : {"auto", "importance", "nuts"}
        See :mod:`scalaw.infer.routes`.
    forecast_at : mapping of str to float, optional
        One point beyond the runs; by default ten times the largest value of each covariate that has a scale (the last
        run's vector or schedule, ten times where it has one).
    truth : ScalingModel, optional
        Where the runs come from, if not from ``model``; it has the same parameters.
    row_data : mapping of str to array, shape (rows,), optional
        What the noise reads from columns of a table.
    truths : int, optional
        So many plausible truths, each behind an equal share of the simulations, to count coverage at each. Ranks are
        not uniform then; by default every simulation has a truth of its own.
    prob : float
        Probability inside the intervals whose coverage is counted.
    settings, effort
        Of NUTS and of importance sampling.
    progress : callable
        Told in words what happens next.

    Returns
    -------
    Calibration

    Raises
    ------
    ScalawError
        M019 for fewer than 20 simulations, two models with different parameters or several forecast points; M006
        for a covariate that is missing, M003 for a law that is not finite somewhere in its prior.
    """
    truth = truth or model
    ahead = points(model.law, forecast_at) if forecast_at else beyond(model.law, at)
    _check(model, truth, n, ahead)
    clock = Clock()
    made, drawn = simulate_scenarios(truth, at, n, seed, row_data=row_data, truths=truths, clock=clock)
    ranks, methods, seen = [], [], []
    for first in range(0, n, BLOCK):
        given = made[first : first + BLOCK]
        fitted = [replace(s, model=model) for s in given]
        sampled = sample(fitted, settings, seed, progress, method, effort, evaluated=False)
        clock.compile += sampled[0].clock.compile
        clock.run += sampled[0].clock.run
        ranks.append(ranks_of_truths(sampled, given, drawn[first : first + BLOCK], ahead, seed, clock))
        methods += [s.method for s in sampled]
        seen += [diagnosed(s) for s in sampled]
    labels, free = learned(model)
    quantities = (*shown(labels), "log_likelihood", "forecast")
    kept = np.concatenate(ranks)[:, [*free, True, True]]
    digest = _digest(made[0], model, (ahead, n, seed, method, settings, effort, row_data, truths))
    served = tuple(methods), tuple(level for level, _ in seen), np.stack([narrowed for _, narrowed in seen])
    names = model.label, truth.label, quantities
    return Calibration(*names, kept, *served, prob, made[0].rows, method, seed, digest, clock)


def beyond(law: Law, at: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """A point of ten times the largest runs, each of shape (1,) or (1, …); what has no scale stays as it is.

    Of numbers the largest is taken, of vectors and schedules the last.
    """
    known = points(law, at)
    largest = {
        name: values.max(keepdims=True) if values.ndim == 1 else values[-1:] for name, values in known.items()
    }
    return {c.name: largest[c.name] * (BEYOND if c.scaling == "ratio" else 1.0) for c in law.covariates}


def _check(model: ScalingModel, truth: ScalingModel, n: int, ahead: Mapping[str, np.ndarray]) -> None:
    what = ""
    if n < FEWEST:
        what, fix = (
            f"{n} simulations",
            f"at least {FEWEST}; 1000 show a bias of a fifth of a standard deviation",
        )
    elif model.coordinates != truth.coordinates:
        other = set(model.coordinates) ^ set(truth.coordinates)
        what = f"{model.label} and {truth.label} do not have the same parameters"
        fix = f"{', '.join(sorted(other)) or 'their order'} differs"
    elif any(len(values) != 1 for values in ahead.values()):
        what, fix = "the forecast is at several points", "give one number per covariate"
    if what:
        raise ScalawError("M019", what, "calibration", fix=fix)


def diagnosed(sampled: Sampled) -> tuple[Level, np.ndarray]:
    """The verdict on one simulation's posterior by its diagnostics alone, and its contraction (parameters,)."""
    scenario, model = sampled.scenario, sampled.scenario.model
    labels, free = learned(model)
    found = sampled.values if sampled.weighted is None else sampled.weighted.values
    z = unconstrained(scenario, model.structure().split(np.asarray(found)))[..., free]
    stats = stats_of(z) if sampled.weighted is None else weighted_stats_of(z, sampled.weighted)
    measured = figures(sampled, stats, shown(labels), prior_sd(scenario)[free])
    return diagnose(sampled, measured, of_law(model, labels)).level, measured.contraction


def _digest(given: Scenario, model: ScalingModel, asked: Any) -> str:
    models = [
        (m.label, m.law.digest, m.noise.name, source_text(m.noise.log_prob), prior_digest(m, given.refs))
        for m in (given.model, model)
    ]
    design = {name: values.tolist() for name, values in given.covariates.items()}
    return hashlib.sha256(repr((models, design, asked)).encode()).hexdigest()[:16]
