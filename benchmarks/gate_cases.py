"""Simulated tables on which the gate of importance sampling is measured: six kinds, truths from the priors.

Covariates, references and the numbers of the priors are fixed before any loss is drawn, so a posterior is that of the
model which made the losses. Every table has covariates of its own; they are redrawn, losses are not looked at.

=====================  ======  ===========================================================================
law                    runs    truths
=====================  ======  ===========================================================================
chinchilla             245,    the priors
                       30, 10
power_law_offset       8       the priors
bnsl[breaks=1],        30      the priors, but every break within the runs
bnsl[breaks=2]         30      the same, but no exponent changes: no break in the data (``…_straight``)
=====================  ======  ===========================================================================
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scalaw.infer.devices import computing
from scalaw.infer.executables import key_data
from scalaw.infer.fit import model_of
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.references import References
from scalaw.infer.scenarios import Scenario

SEED = 40703
#: Smallest loss, in units of the reference, that the prior of an irreducible loss is told.
LEAST = 0.8
#: Draws of the prior among which the first with all breaks within the runs is looked for.
TRIED = 200


class Case(NamedTuple):
    """Simulated tables of one kind; ``straight`` ones have no break."""

    name: str
    law: str
    runs: int
    tables: int
    straight: bool = False


CASES = (
    Case("chinchilla_245", "chinchilla", 245, 200),
    Case("chinchilla_30", "chinchilla", 30, 200),
    Case("chinchilla_10", "chinchilla", 10, 200),
    Case("power_law_offset_8", "power_law_offset", 8, 200),
    Case("bnsl_1", "bnsl[breaks=1]", 30, 50),
    Case("bnsl_1_straight", "bnsl[breaks=1]", 30, 50, straight=True),
    Case("bnsl_2", "bnsl[breaks=2]", 30, 50),
    Case("bnsl_2_straight", "bnsl[breaks=2]", 30, 50, straight=True),
)


def design(case: Case, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Covariates by name: budgets over 2.7 decades near D = 20 N, or a curve over four decades."""
    if case.law.startswith("chinchilla"):
        compute = np.exp(rng.uniform(*np.log([6e18, 3e21]), case.runs))
        n = np.sqrt(compute / 120.0) * 4.0 ** rng.uniform(-1.0, 1.0, case.runs)
        return {"N": n, "D": compute / (6.0 * n)}
    at = np.arange(case.runs) + rng.uniform(-0.4, 0.4, case.runs)
    return {"x": 1e6 * 1e4 ** (at / (case.runs - 1))}


def scenarios_of(case: Case, count: int | None = None) -> list[Scenario]:
    """The first ``count`` simulated tables of a case, all by default."""
    return [_simulated(case, i) for i in range(count or case.tables)]


def _simulated(case: Case, i: int) -> Scenario:
    model = model_of(case.law)
    name = f"{case.name}/{i}"
    rng = np.random.default_rng(key_data(SEED, "covariates", name))
    at = design(case, rng)
    units = {unit: float(np.exp(np.mean(np.log(values)))) for unit, values in at.items()} | {"loss": 1.0}
    if "N" in units:
        units["C"] = 6.0 * units["N"] * units["D"]
    first = model.law.covariates[0]
    log_x = np.log(at[first.name] / units[first.unit])
    middle = float(np.exp(0.5 * (log_x.min() + log_x.max())))
    statistics = {"loss_min": LEAST, "x_mid": middle, "x_log_sd": float(0.5 * np.ptp(log_x))}
    ones = np.ones(case.runs)
    empty = Scenario(name, model, at, ones, ones, References(units, statistics))
    values = _truth(case, empty, log_x)
    reduced = model.law.reduce(at, units)
    parameters = {p.name: values[p.name] for p in model.law.parameters}
    with computing():
        location = np.log(np.asarray(model.law.function(*reduced.values(), **parameters)))
    rng = np.random.default_rng(key_data(SEED, "losses", name))
    loss = np.exp(model.noise.draw(rng, location, values, {}))
    return Scenario(name, model, at, loss, ones, empty.refs)


def _truth(case: Case, empty: Scenario, log_x: np.ndarray) -> dict[str, Any]:
    """Parameters in reference units."""
    drawn = prior_draws(empty, TRIED, key_data(SEED, "truth", empty.name)).values
    chosen = 0
    if "d" in drawn:
        log_d = np.log(drawn["d"])
        chosen = int(np.argmax(np.all((log_d > log_x.min()) & (log_d < log_x.max()), axis=1)))
    values = {name: draws[chosen] for name, draws in drawn.items()} | dict(empty.model.fixed)
    return values | {"c": np.zeros_like(values["c"])} if case.straight else values
