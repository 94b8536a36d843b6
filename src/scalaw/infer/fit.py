"""``fit``: from a table of runs and a law to a posterior with its verdict.

::

    fit = scalaw.fit(runs, "chinchilla", seed=0)
    print(fit)                    # verdict, then a table in the paper's units
    fit.tree                      # ArviZ DataTree: posterior, log_likelihood, log_prior, sample_stats, …
    fit.save("fit.nc")
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from scalaw.data import Runs
from scalaw.errors import Problem, ScalawError
from scalaw.infer.assemble import assemble
from scalaw.infer.batch import Progress, sample
from scalaw.infer.fitted import Fit
from scalaw.infer.nuts import Settings
from scalaw.infer.references import bind
from scalaw.infer.routes import METHODS, Method
from scalaw.infer.scenarios import Scenario, checked_weights, scenario_of, table_problems
from scalaw.laws import get_law
from scalaw.laws.law import Law, registry
from scalaw.laws.prior import Prior
from scalaw.laws.spec import variant
from scalaw.model.noise import Noise, noise_of
from scalaw.model.noise_huber import not_a_density
from scalaw.model.scaling_model import ScalingModel

#: Draws of all chains of one fit.
MOST_DRAWS = 40_000


def fit(
    runs: Runs,
    law: str | Law = "chinchilla",
    *,
    noise: str | Noise = "auto",
    x: str | None = None,
    priors: Mapping[str, str | Prior] | None = None,
    fixed: Mapping[str, float] | None = None,
    method: Method = "nuts",
    seed: int = 0,
    draws: int = 1000,
    warmup: int = 1000,
    chains: int = 4,
    target_accept: float = 0.9,
    bootstrap: int = 200,
    row_weight: np.ndarray | None = None,
    allow_prior_dominated: bool = False,
    evidence: bool = False,
) -> Fit:
    """Posterior of a law given runs.

    Parameters
    ----------
    runs : Runs
        From :func:`scalaw.read_runs`.
    law : str or Law
        Name, variant (``"chinchilla[alpha=beta]"``) or a law of your own.
    noise : str or Noise
        ``"auto"`` is the usual one of the law's response: student_t for a loss, beta_binomial for shares and counts,
        additive for a number of any sign. Or a name such as ``"student_t"`` or ``"normal[sigma=0.01]"`` (see
        :mod:`scalaw.model.noise`), or a noise of your own.
    x : str, optional
        Column that a one-dimensional law scales, e.g. ``"C"``.
    priors : mapping, optional
        Parameter → prior, e.g. ``{"alpha": "LogNormal(0.3, 0.5)"}`` (median, sd of the log), in the paper's units.
    fixed : mapping, optional
        Parameter → value in the paper's units.
    method : {"nuts", "importance", "auto", "laplace"}
        ``importance`` takes milliseconds and says whether it can be trusted; ``auto`` goes on to NUTS where not
        (see :mod:`scalaw.infer.routes`). ``laplace`` is a normal at the mode: an approximation, LOOK at best. The mode
        alone is :func:`scalaw.point_fit`.
    seed : int
    draws, warmup, chains : int
        Of NUTS, per chain.
    target_accept : float
        In (0, 1); higher is slower and more careful.
    bootstrap : int
        Replicates of the run bootstrap of the mode; 0 leaves it out.
    row_weight : array, shape (runs,), optional
        0 holds a run out; its loss then enters nothing.
    allow_prior_dominated : bool
        Fit even with no more runs than parameters; the verdict is then at best LOOK.
    evidence : bool
        Give chains a marginal likelihood too, ``fit.evidence``, by one more program
        (:mod:`scalaw.infer.evidence`); importance sampling has one anyway.

    Returns
    -------
    Fit

    Raises
    ------
    ScalawError
        For runs or a law that cannot be fitted; see ``scalaw explain``.
    """
    check_whole(runs, row_weight)
    model = model_of(law, noise=noise, priors=priors, fixed=fixed)
    settings = checked_settings(chains, warmup, draws, target_accept)
    return fit_models(
        runs.along(x) if x else runs,
        [model],
        settings=settings,
        method=checked_method(method),
        seed=seed,
        bootstrap=bootstrap,
        row_weight=row_weight,
        allow_prior_dominated=allow_prior_dominated,
        evidence=evidence,
    )[0]


def check_whole(runs: Runs, row_weight: np.ndarray | None) -> None:
    """Refuse row weights that are no whole numbers (D056)."""
    if row_weight is not None and np.any(np.asarray(row_weight) % 1 != 0):
        fix = "0 leaves a run out, 1 keeps it, 2 counts it twice; a weight is no measurement precision"
        raise ScalawError("D056", "row weights must be whole numbers", runs.source, fix=fix)


def checked_scenario(
    runs: Runs,
    model: ScalingModel,
    row_weight: np.ndarray | None = None,
    allow_prior_dominated: bool = False,
    name: str | None = None,
) -> tuple[Runs, Scenario, tuple[Problem, ...]]:
    """The runs as the law binds them, the scenario to fit, and the table's warnings; its errors are raised."""
    used = checked_weights(runs, row_weight) > 0
    table = bind(model.law, runs)
    found = table_problems(table, used, model, allow_prior_dominated)
    if any(problem.severity == "E" for problem in found):
        raise ScalawError.of(found)
    scenario = scenario_of(table, model, row_weight=row_weight, name=name)
    return table, scenario, tuple(problem for problem in found if problem.severity == "W")


def model_of(
    law: str | Law,
    *,
    noise: str | Noise = "auto",
    priors: Mapping[str, str | Prior] | None = None,
    fixed: Mapping[str, float] | None = None,
    density: bool = True,
) -> ScalingModel:
    """The scaling model that ``fit`` would use for these arguments (M020 for a noise that must be a density)."""
    found = get_law(law)
    if fixed:
        found = _hold(found, [(name, str(value)) for name, value in fixed.items()])
    read = {name: Prior.parse(p) if isinstance(p, str) else p for name, p in (priors or {}).items()}
    observed = noise_of(found, noise)
    if density and not observed.is_density:
        raise not_a_density(observed.name, "fit")
    return ScalingModel(found, observed, tuple(sorted(read.items())))


def _hold(law: Law, items: Sequence[tuple[str, str]]) -> Law:
    """The law with more parameters held, under its printed name where it is a registered one."""
    base = registry().get(law.name.split("[")[0])
    if base is None or base.function is not law.function:
        return variant(law, items)
    inside = ",".join(f"{name}={value}" for name, value in items)
    return get_law(f"{law.name.rstrip(']')}{',' if '[' in law.name else '['}{inside}]")


def checked_settings(chains: int, warmup: int, draws: int, target_accept: float) -> Settings:
    """Sampler settings, refused where they make no sense (M013)."""
    small = chains < 2 or warmup < 100 or draws < 50
    if small or chains * draws > MOST_DRAWS or not 0.5 <= target_accept <= 0.999:
        raise ScalawError(
            "M013",
            f"chains={chains}, warmup={warmup}, draws={draws}, target_accept={target_accept}",
            fix=f"at least 2 chains, 100 warm-up, 50 draws, at most {MOST_DRAWS} draws in all chains together, "
            "and 0.5 ≤ target_accept ≤ 0.999",
        )
    return Settings(chains, warmup, draws, target_accept)


def checked_method(method: str) -> Method:
    """The method, refused where there is none of this name (M013)."""
    for known in METHODS:
        if method == known:
            return known
    fix = f"one of {', '.join(METHODS)}; the mode alone is scalaw.point_fit"
    raise ScalawError("M013", f"method={method!r}", "fit", fix=fix)


def fit_models(
    runs: Runs,
    models: Sequence[ScalingModel],
    *,
    settings: Settings,
    method: Method = "nuts",
    seed: int = 0,
    bootstrap: int = 200,
    row_weight: np.ndarray | None = None,
    allow_prior_dominated: bool = False,
    evidence: bool = False,
    progress: Progress = lambda _: None,
) -> list[Fit]:
    """Fit several models to the same runs; those that share a structure share one compiled call.

    ``progress`` is told in words which laws are being sampled; the other arguments are those of :func:`fit`.
    """
    if bootstrap < 0 or bootstrap == 1:
        fix = "0 for none, 200 for an sd to 5 %"
        raise ScalawError("M013", f"bootstrap={bootstrap}", "fit", fix=fix)
    checked = [checked_scenario(runs, model, row_weight, allow_prior_dominated) for model in models]
    scenarios = [scenario for _, scenario, _ in checked]
    sampled = sample(scenarios, settings, seed, progress, method, thorough=True, evidence=evidence)
    return [
        assemble(s, table, settings, seed, bootstrap, warned)
        for s, (table, _, warned) in zip(sampled, checked, strict=True)
    ]
