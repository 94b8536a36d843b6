"""From draws to a fit: diagnostics, verdict, pointwise log likelihood, data tree, parameter table and recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from scalaw.data import Runs
from scalaw.data.covariates import component_notes
from scalaw.errors import Problem
from scalaw.infer.batch import Sampled
from scalaw.infer.diagnose import (
    UNIDENTIFIED,
    Figures,
    Stats,
    diagnose,
    figures,
    prior_sensitive,
    stats_of,
    weighted_stats_of,
)
from scalaw.infer.evaluate import evaluate
from scalaw.infer.executables import key_data
from scalaw.infer.fitted import Fit
from scalaw.infer.interval import interval
from scalaw.infer.nuts import Settings
from scalaw.infer.prior_draws import PriorDraws, prior_draws, prior_quantile, unconstrained
from scalaw.infer.programs import Clock
from scalaw.infer.references import References, prior_digest, reference_prior
from scalaw.infer.resample import bootstrap_modes
from scalaw.infer.scenarios import NOT_LEARNED, Scenario
from scalaw.infer.tree import build_tree, coordinate_labels
from scalaw.laws.sample import sample_prior
from scalaw.model.scaling_model import ScalingModel

PRIOR_DRAWS = 4000
#: Warnings about the table that ask for a look at the fit; others become notes.
GRAVE = (*NOT_LEARNED, "D027", "D032", "D045")
APPROXIMATE = (
    "a normal approximation at the mode, as asked for: use method='importance' before you quote a number"
)
#: Below so many runs per parameter the run bootstrap is itself unreliable.
FEW = 3
#: An irreducible loss above this share of the smallest loss is held down by its ceiling.
PRESSED = 0.97


def assemble(
    sampled: Sampled, runs: Runs, settings: Settings, seed: int, replicates: int, warned: Sequence[Problem]
) -> Fit:
    """A fit from the draws of one scenario.

    Parameters
    ----------
    sampled : Sampled
    runs : Runs
        The table that the scenario was made of.
    settings, seed
        As sampled with.
    replicates : int
        Of the run bootstrap; 0 leaves it out.
    warned : sequence of Problem
        Warnings about the table of runs.
    """
    scenario, clock = sampled.scenario, Clock(sampled.clock.compile, sampled.clock.run)
    model = scenario.model
    modes = bootstrap_modes(sampled, replicates, seed, clock) if replicates else None
    labels, free = learned(model)
    prior = prior_draws(scenario, PRIOR_DRAWS, key_data(seed, "prior", scenario.name))
    values = model.structure().split(sampled.values)
    prior_sd = prior.z.std(axis=0)[free]
    stats = _stats(sampled, free)
    measured = figures(sampled, stats, shown(labels), prior_sd, None if modes is None else modes[:, free])
    positions = sampled.positions
    pointwise = evaluate(scenario, positions.reshape(-1, positions.shape[-1]), clock)
    tree = build_tree(sampled, runs, pointwise)
    learned_by_law = [p.name for p in model.law.free if p.size is None]
    told = told_of(sampled, warned, values)
    verdict = diagnose(sampled, measured, of_law(model, labels), told, prior_sensitive(tree, learned_by_law))
    notes = [str(p) for p in warned if p.code not in GRAVE] + component_notes(runs, model.law)
    used = int(np.sum(scenario.row_weight > 0))
    if replicates and used < FEW * len(model.free):
        notes.append(
            f"{used} runs for {len(model.free)} parameters: the bootstrap leaves out a third of them each time, "
            "so its ratios are rough"
        )
    verdict = replace(verdict, notes=(*verdict.notes, *notes))
    recipe = recipe_of(sampled, runs, settings, seed, clock)
    return Fit(
        tree, model, runs, scenario.refs, verdict, parameter_rows(scenario, labels, measured, prior), recipe
    )


def learned(model: ScalingModel) -> tuple[list[tuple[str, dict[str, int]]], np.ndarray]:
    """Name and index of every coordinate that is learned, and the mask that picks them out."""
    names, labels = {p.name for p in model.free}, coordinate_labels(model)
    free = np.array([name in names for name, _ in labels])
    return [label for label, keep in zip(labels, free, strict=True) if keep], free


def shown(labels: Sequence[tuple[str, dict[str, int]]]) -> list[str]:
    """Names as people read them: ``alpha``, ``c[2]``."""
    return [name + "".join(f"[{i}]" for i in index.values()) for name, index in labels]


def of_law(model: ScalingModel, labels: Sequence[tuple[str, dict[str, int]]]) -> list[str]:
    """Those shown names that belong to the law."""
    names = {p.name for p in model.law.parameters}
    return shown([label for label in labels if label[0] in names])


def told_of(sampled: Sampled, warned: Sequence[Problem], values: dict[str, np.ndarray]) -> list[str]:
    """Reasons for a look that do not come from the sampler; ``values`` are draws in reference units."""
    grave = [f"{p.what}: {p.why}".strip(": ") for p in warned if p.code in GRAVE]
    approximate = [APPROXIMATE] * (sampled.method == "laplace")
    return approximate + grave + _pressed(sampled.scenario, values) + _misfit(sampled.scenario, values)


def _stats(sampled: Sampled, free: np.ndarray) -> Stats:
    scenario, split = sampled.scenario, sampled.scenario.model.structure().split
    if sampled.weighted is None:
        return stats_of(unconstrained(scenario, split(sampled.values))[..., free])
    z = unconstrained(scenario, split(np.asarray(sampled.weighted.values)))[..., free]
    return weighted_stats_of(z, sampled.weighted)


def recipe_of(sampled: Sampled, runs: Runs, settings: Settings, seed: int, clock: Clock) -> dict[str, Any]:
    """How a fit was made, as plain data; figures of weights and of the evidence are None where there are none."""
    scenario, weighted = sampled.scenario, sampled.weighted
    return {
        "method": sampled.method,
        "why": sampled.why,
        "seed": int(seed),
        "settings": settings._asdict() if weighted is None else {"draws": len(weighted.log_importance)},
        "searches": {"starts": sampled.starts, "agreed": sampled.agreed, "rival": sampled.rival},
        "weights": {
            "pareto_k": None if weighted is None else float(weighted.pareto_k),
            "kish": None if weighted is None else float(weighted.kish),
        },
        "evidence": sampled.evidence._asdict(),
        "seconds": {"compile": clock.compile, "run": clock.run},
        "digests": {
            "runs": runs.digest,
            "law": scenario.model.law.digest,
            "priors": prior_digest(scenario.model, scenario.refs),
        },
        "versions": versions(),
        "mode": [float(v) for v in sampled.mode.values],
    }


def _misfit(scenario: Scenario, values: dict[str, np.ndarray]) -> list[str]:
    """A reason where the residuals are far larger than the noise's prior allows: the law does not fit."""
    model = scenario.model
    sigma = next((p for p in model.free if p.name == "sigma"), None)
    if sigma is None:
        return []
    prior = reference_prior(model, sigma, scenario.refs)
    found, expected = float(np.median(values["sigma"])), prior_quantile(prior, 0.995)
    if found <= expected:
        return []
    return [
        f"runs lie {100 * found:.0f} % away from the law, where its noise was expected below {100 * expected:.0f} %: "
        "the law does not describe these runs. Look at their units and direction, or try another law"
    ]


def _pressed(scenario: Scenario, values: dict[str, np.ndarray]) -> list[str]:
    """A reason where the irreducible loss lies just below the smallest loss, which is its ceiling."""
    ceiling = scenario.refs.statistics["loss_min"]
    learned = [p.name for p in scenario.model.law.free if p.role == "irreducible"]
    pressed = [name for name in learned if float(np.median(values[name])) > PRESSED * ceiling]
    used = scenario.loss[scenario.row_weight > 0]
    return [
        f"{name} lies just below the smallest loss ({used.min():.4g}), which is its ceiling: if that run is odd, it "
        "pulls the whole law down; look at it, and at the fit without it"
        for name in pressed
    ]


def versions() -> dict[str, str]:
    """Versions that a result depends on."""
    from importlib.metadata import version

    from scalaw import __version__

    return {"scalaw": __version__, **{name: version(name) for name in ("jax", "numpyro", "arviz")}}


def paper_columns(model: ScalingModel, refs: References, values: np.ndarray) -> np.ndarray:
    """Values in the paper's units from those in reference units, both (…, coordinates)."""
    structure = model.structure()
    split = structure.split(values)
    paper = {**split, **model.law.paper_values(split, refs.units)}
    columns = [np.asarray(paper[name]) for name in structure.names]
    return np.concatenate([c if c.ndim == values.ndim else c[..., None] for c in columns], axis=-1)


def parameter_rows(
    scenario: Scenario, labels: Sequence[tuple[str, dict[str, int]]], measured: Figures, prior: PriorDraws
) -> tuple[dict[str, Any], ...]:
    """Rows of the parameter table, without the intervals (these follow from the draws)."""
    model, refs = scenario.model, scenario.refs
    rng = np.random.default_rng(key_data("prior table", scenario.name))
    law = sample_prior(model.law, rng, PRIOR_DRAWS, refs.statistics, refs.units, dict(model.priors))
    drawn = {**prior.values, **model.law.paper_values(law, refs.units)}
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
                "prior": _ends(values),
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


def _ends(values: np.ndarray) -> dict[str, float]:
    """Interval of a prior; unlike a standard deviation it exists however heavy the tails are."""
    found = interval(values, moments=False)
    return {"lower": found["lower"], "upper": found["upper"], "prob": found["prob"]}
