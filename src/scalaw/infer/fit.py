"""``fit``: from a table of runs and a law to a posterior with its verdict.

::

    fit = scalaw.fit(runs, "chinchilla", seed=0)
    print(fit)                    # verdict, then a table in the paper's units
    fit.tree                      # ArviZ DataTree: posterior, log_likelihood, log_prior, sample_stats, …
    fit.save("fit.nc")

A :class:`Fit` is made of four parts: the data tree, the model, the runs and a recipe (plain data: settings,
seed, references, versions, digests, seconds). The posterior group is in the paper's units; the group
``sampling`` holds the coordinates that programs work in, so that a saved fit can forecast without
refitting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs
from scalaw.errors import Problem, ScalawError
from scalaw.infer.batch import Progress, Sampled, sample
from scalaw.infer.bootstrap import bootstrap_modes
from scalaw.infer.diagnose import UNIDENTIFIED, Figures, Verdict, diagnose, figures
from scalaw.infer.evaluate import evaluate
from scalaw.infer.executables import key_data
from scalaw.infer.interval import PROB, interval
from scalaw.infer.nuts import Settings
from scalaw.infer.prior_draws import PriorDraws, prior_draws, unconstrained
from scalaw.infer.programs import Clock
from scalaw.infer.references import References, bind
from scalaw.infer.scenarios import NOT_LEARNED, Scenario, checked_weights, scenario_of, table_problems
from scalaw.infer.tree import build_tree, coordinate_labels
from scalaw.laws import get_law
from scalaw.laws.law import Law, registry
from scalaw.laws.prior import Prior
from scalaw.laws.spec import variant
from scalaw.model.noise import Noise, get_noise
from scalaw.model.scaling_model import ScalingModel

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

PRIOR_DRAWS = 4000


@dataclass(frozen=True, eq=False)
class Fit:
    """A posterior and everything needed to use it.

    Parameters
    ----------
    tree : xarray.DataTree
        Groups posterior, log_likelihood, log_prior, sample_stats, sampling, observed_data, constant_data.
    model : ScalingModel
    runs : Runs
    refs : References
    verdict : Verdict
    parameters : tuple of dict
        Per learned parameter (and index): diagnostics; see :meth:`to_json`.
    recipe : dict
        Plain data: method, seed, settings, versions, digests, seconds, searches.
    """

    tree: xr.DataTree = field(repr=False)
    model: ScalingModel
    runs: Runs
    refs: References = field(repr=False)
    verdict: Verdict
    parameters: tuple[Mapping[str, Any], ...] = field(repr=False)
    recipe: Mapping[str, Any] = field(repr=False)

    @property
    def label(self) -> str:
        """Name of the law or variant."""
        return self.model.label

    @property
    def scenario(self) -> Scenario:
        """The scenario that was fitted."""
        weight = np.asarray(self.tree["constant_data"]["row_weight"])
        return scenario_of(self.runs, self.model, row_weight=weight, refs=self.refs)

    @property
    def positions(self) -> np.ndarray:
        """Draws in sampling coordinates, which programs read, shape (draws over all chains, coordinates)."""
        positions = np.asarray(self.tree["sampling"]["position"])
        return positions.reshape(-1, positions.shape[-1])

    def draws(self, name: str) -> np.ndarray:
        """Draws of a parameter in the paper's units, all chains in one axis: (draws,) or (draws, size)."""
        values = np.asarray(self.tree["posterior"][name])
        return values.reshape(-1, *values.shape[2:])

    def _of(self, parameter: Mapping[str, Any]) -> np.ndarray:
        draws = self.draws(parameter["name"])
        return draws[:, next(iter(parameter["index"].values())) - 1] if parameter["index"] else draws

    def to_json(self, prob: float = PROB) -> dict[str, Any]:
        """Plain data as printed by ``scalaw fit --json``: numbers in base units, unrounded."""
        return {
            "law": self.label,
            "noise": self.model.noise.name,
            "method": self.recipe["method"],
            "n_runs": len(self.runs),
            "seed": self.recipe["seed"],
            "parameters": [{**p, **interval(self._of(p), prob)} for p in self.parameters],
            "elpd_loo": None,
            "log_evidence": None,
            "log_evidence_se": None,
            "seconds": self.recipe["seconds"],
        }

    def to_frame(self, prob: float = PROB) -> pd.DataFrame:
        """One row per parameter: interval in the paper's units, diagnostics, prior sd."""
        import pandas as pd

        rows = self.to_json(prob)["parameters"]
        index = [p["name"] + "".join(f"[{i}]" for i in p["index"].values()) for p in rows]
        drop = ["name", "index", "published", "prob"]
        return pd.DataFrame(rows, index=pd.Index(index, name="parameter")).drop(columns=drop)

    def save(self, path: Any) -> None:
        """Write a netCDF file; see :mod:`scalaw.infer.store`."""
        from scalaw.infer.store import save

        save(self, path)

    def __str__(self) -> str:
        head = f"{self.label} with {self.model.noise.name} noise on {len(self.runs)} runs from {self.runs.source}"
        columns = ["median", "lower", "upper", "rhat", "ess_bulk", "bootstrap_ratio"]
        table = self.to_frame()[columns].map(lambda v: f"{v:.5g}").to_string()
        return f"{head}\nverdict: {self.verdict}\n{table}\n(lower, upper: {PROB:.0%} equal-tailed interval)"


def fit(
    runs: Runs,
    law: str | Law = "chinchilla",
    *,
    noise: str | Noise = "student_t",
    x: str | None = None,
    priors: Mapping[str, str | Prior] | None = None,
    fixed: Mapping[str, float] | None = None,
    seed: int = 0,
    draws: int = 1000,
    warmup: int = 1000,
    chains: int = 4,
    target_accept: float = 0.9,
    bootstrap: int = 200,
    row_weight: np.ndarray | None = None,
    allow_prior_dominated: bool = False,
) -> Fit:
    """Posterior of a law given runs, by NUTS.

    Parameters
    ----------
    runs : Runs
        From :func:`scalaw.read_runs`.
    law : str or Law
        Name, variant (``"chinchilla[alpha=beta]"``) or a law of your own.
    noise : str or Noise
        ``"student_t"``, ``"normal"`` or ``"laplace"`` on the log loss.
    x : str, optional
        Column that a one-dimensional law scales, e.g. ``"C"``.
    priors : mapping, optional
        Parameter → prior, e.g. ``{"alpha": "LogNormal(0.3, 0.5)"}`` (median, sd of the log), in the paper's units.
    fixed : mapping, optional
        Parameter → value in the paper's units.
    seed : int
    draws, warmup, chains : int
        Per chain.
    target_accept : float
        In (0, 1); higher is slower and more careful.
    bootstrap : int
        Replicates of the run bootstrap of the mode; 0 leaves it out.
    row_weight : array, shape (runs,), optional
        0 holds a run out; its loss then enters nothing.
    allow_prior_dominated : bool
        Fit even with no more runs than parameters; the verdict is then at best LOOK.

    Returns
    -------
    Fit

    Raises
    ------
    ScalawError
        For runs or a law that cannot be fitted; see ``scalaw explain``.
    """
    model = model_of(law, noise=noise, priors=priors, fixed=fixed)
    settings = checked_settings(chains, warmup, draws, target_accept)
    return fit_models(
        runs.along(x) if x else runs,
        [model],
        settings=settings,
        seed=seed,
        bootstrap=bootstrap,
        row_weight=row_weight,
        allow_prior_dominated=allow_prior_dominated,
    )[0]


def model_of(
    law: str | Law,
    *,
    noise: str | Noise = "student_t",
    priors: Mapping[str, str | Prior] | None = None,
    fixed: Mapping[str, float] | None = None,
) -> ScalingModel:
    """The scaling model that ``fit`` would use for these arguments."""
    found = get_law(law)
    if fixed:
        found = _hold(found, [(name, str(value)) for name, value in fixed.items()])
    read = {name: Prior.parse(p) if isinstance(p, str) else p for name, p in (priors or {}).items()}
    return ScalingModel(found, get_noise(noise), tuple(sorted(read.items())))


def _hold(law: Law, items: Sequence[tuple[str, str]]) -> Law:
    """The law with more parameters held, under its printed name where it is a registered one."""
    base = registry().get(law.name.split("[")[0])
    if base is None or base.function is not law.function:
        return variant(law, items)
    inside = ",".join(f"{name}={value}" for name, value in items)
    return get_law(f"{law.name.rstrip(']')}{',' if '[' in law.name else '['}{inside}]")


def checked_settings(chains: int, warmup: int, draws: int, target_accept: float) -> Settings:
    """Sampler settings, refused where they make no sense (M013)."""
    if chains < 2 or warmup < 100 or draws < 50 or not 0.5 <= target_accept <= 0.999:
        raise ScalawError(
            "M013",
            f"chains={chains}, warmup={warmup}, draws={draws}, target_accept={target_accept}",
            fix="at least 2 chains, 100 warm-up, 50 draws, and 0.5 ≤ target_accept ≤ 0.999",
        )
    return Settings(chains, warmup, draws, target_accept)


def fit_models(
    runs: Runs,
    models: Sequence[ScalingModel],
    *,
    settings: Settings,
    seed: int = 0,
    bootstrap: int = 200,
    row_weight: np.ndarray | None = None,
    allow_prior_dominated: bool = False,
    progress: Progress = lambda _: None,
) -> list[Fit]:
    """Fit several models to the same runs; those that share a structure share one compiled call.

    ``progress`` is told in words which laws are being sampled; the other arguments are those of :func:`fit`.
    """
    scenarios, warnings, tables = [], [], []
    used = checked_weights(runs, row_weight) > 0
    for model in models:
        table = bind(model.law, runs)
        found = table_problems(table, used, model, allow_prior_dominated)
        if any(problem.severity == "E" for problem in found):
            raise ScalawError.of(found)
        warnings.append([p for p in found if p.code in NOT_LEARNED])
        scenarios.append(scenario_of(table, model, row_weight=row_weight))
        tables.append(table)
    sampled = sample(scenarios, settings, seed, progress)
    return [
        _finish(s, table, settings, seed, bootstrap, warned)
        for s, table, warned in zip(sampled, tables, warnings, strict=True)
    ]


def _finish(
    sampled: Sampled, runs: Runs, settings: Settings, seed: int, replicates: int, warned: Sequence[Problem]
) -> Fit:
    scenario, clock = sampled.scenario, Clock(sampled.clock.compile, sampled.clock.run)
    model = scenario.model
    modes = bootstrap_modes(sampled, replicates, seed, clock) if replicates else None
    labels = coordinate_labels(model)
    learned = {p.name for p in model.free}
    free = np.array([name in learned for name, _ in labels])
    shown = [
        name + "".join(f"[{i}]" for i in index.values())
        for (name, index), keep in zip(labels, free, strict=True)
        if keep
    ]
    prior = prior_draws(scenario, PRIOR_DRAWS, key_data(seed, "prior", scenario.name))
    posterior = unconstrained(scenario, model.structure().split(np.asarray(sampled.draws.values)))
    measured = figures(
        sampled,
        posterior[..., free],
        shown,
        prior.z.std(axis=0)[free],
        None if modes is None else modes[:, free],
    )
    of_law = [label for label in shown if label.split("[")[0] in {p.name for p in model.law.parameters}]
    verdict = diagnose(sampled, measured, of_law, [f"{p.what}: {p.why}".strip(": ") for p in warned])
    positions = np.asarray(sampled.draws.position)
    pointwise = evaluate(scenario, positions.reshape(-1, positions.shape[-1]), clock)
    tree = build_tree(sampled, runs, pointwise)
    recipe = {
        "method": "nuts",
        "seed": int(seed),
        "settings": settings._asdict(),
        "searches": {"starts": sampled.starts, "agreed": sampled.agreed, "rival": sampled.rival},
        "seconds": {"compile": clock.compile, "run": clock.run},
        "digests": {"runs": runs.digest, "law": model.law.digest},
        "versions": versions(),
        "mode": [float(v) for v in sampled.mode.values],
    }
    parameters = _parameters(
        scenario, [label for label, keep in zip(labels, free, strict=True) if keep], measured, prior
    )
    return Fit(tree, model, runs, scenario.refs, verdict, parameters, recipe)


def versions() -> dict[str, str]:
    """Versions that a result depends on."""
    from importlib.metadata import version

    from scalaw import __version__

    return {"scalaw": __version__, **{name: version(name) for name in ("jax", "numpyro", "arviz")}}


def _parameters(
    scenario: Scenario, labels: Sequence[tuple[str, dict[str, int]]], measured: Figures, prior: PriorDraws
) -> tuple[dict[str, Any], ...]:
    """Rows of the parameter table, without the intervals (these follow from the draws)."""
    model, refs = scenario.model, scenario.refs.units
    drawn = {**prior.values, **model.law.paper_values(prior.values, refs)}
    units = {p.name: p.dimension for p in model.parameters}
    rows = []
    for i, (name, index) in enumerate(labels):
        values = drawn[name][:, next(iter(index.values())) - 1] if index else drawn[name]
        ratio = float(measured.bootstrap_ratio[i])
        rows.append(
            {
                "name": name,
                "index": index,
                "unit": units[name],
                "prior_sd": float(np.std(values)),
                "rhat": float(measured.rhat[i]),
                "ess_bulk": float(measured.ess_bulk[i]),
                "ess_tail": float(measured.ess_tail[i]),
                "identified": bool(measured.contraction[i] <= UNIDENTIFIED),
                "bootstrap_ratio": None if np.isnan(ratio) else ratio,
                "published": [
                    {"key": p.key, "value": p.values[name], "se": p.se.get(name), "source": p.source}
                    for p in model.law.published
                    if name in p.values
                ],
            }
        )
    return tuple(rows)
