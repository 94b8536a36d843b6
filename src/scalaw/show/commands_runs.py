"""Commands about a table of runs before anything is fitted: ``check`` and ``priors``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalaw.show.commands_reader import NOISE, RUNS, OwnLaw, Reader, notes_on, pairs, read
from scalaw.show.commands_shared import Result, Show

if TYPE_CHECKING:
    from scalaw.data import Runs
    from scalaw.model import ScalingModel

#: Free parameters of the default noise, which D042 counts: ``check`` does not load the noises, whose module needs JAX.
DEFAULT_NOISE_PARAMETERS = 2
PRIOR_DRAWS = 4000


def check(
    runs: RUNS,
    law: Annotated[str | None, typer.Option("--law", help="Also check what this law needs.")] = None,
    *,
    own: OwnLaw,
    reader: Reader,
    show: Show,
) -> Result:
    """Read a table of runs and say everything there is to know about it."""
    from scalaw.data import check_runs
    from scalaw.laws import get_law
    from scalaw.show.tables import problem_lines

    if law or own.formula or own.law_file:
        law = own.choose(law, show)
    table = read(runs, reader, show)
    found = check_runs(table, get_law(law), DEFAULT_NOISE_PARAMETERS) if law else check_runs(table)
    refused = [problem for problem in found if problem.severity == "E"]
    rest = [problem for problem in found if problem.severity != "E"]
    text = [table.describe(), *problem_lines(rest)]
    if not refused:
        warned = sum(problem.severity == "W" for problem in rest)
        fit_for = f" for law {law}" if law else ""
        text.append(
            f"{'no warnings' if not warned else f'{warned} warning(s)'}; these runs can be used{fit_for}"
        )
    data = {
        "n_runs": len(table),
        "source": table.source,
        "convention": table.convention,
        "loss_kind": table.loss_kind,
        "conversions": table.conversions,
        "problems": found,
    }
    return Result(data, text, notes=notes_on(table), refused=refused)


def priors(
    runs: RUNS,
    law: Annotated[str | None, typer.Option("--law", help="Law or variant, e.g. chinchilla.")] = None,
    noise: NOISE = "auto",
    prior: Annotated[
        list[str] | None,
        typer.Option(
            "--prior", metavar="NAME=PRIOR", help="E.g. alpha='LogNormal(0.3, 0.5)': median, sd of the log."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the draws shown.")] = 0,
    *,
    own: OwnLaw,
    reader: Reader,
    show: Show,
) -> Result:
    """Show a law's priors in the paper's units for the runs at hand."""
    from scalaw.infer.fit import model_of
    from scalaw.infer.references import bind, references
    from scalaw.show.tables import number, quantity, span, table

    model = model_of(own.choose(law, show), noise=noise, priors=pairs(prior, "--prior"))
    runs_bound = bind(model.law, read(runs, reader, show))
    refs = references(runs_bound, model.law)
    rows, loss = prior_rows(model, runs_bound, seed)
    out = table(
        "parameter", "role", "meaning", "prior, reference units", "90 % interval,\npaper's units", left=4
    )
    for row in rows:
        shown = span(row["lower"], row["upper"], 3) if row["lower"] is not None else "–"
        out.add_row(row["name"], row["role"], row["meaning"], row["prior"], shown)
    bound = {"x": runs_bound.columns.get("x", "x")}
    units = {c.unit: bound.get(c.name, c.name) for c in model.law.covariates if c.scaling != "absolute"}
    centre = "".join(f"{name} = {quantity(refs.units[unit], name)}, " for unit, name in units.items())
    text = [
        out,
        "",
        f"centre of the runs: {centre}loss {number(refs.units['loss'])}",
        f"loss there before any run is seen: {number(loss['median'])}, 90 % in {span(loss['lower'], loss['upper'])} "
        "(equal-tailed)",
        "amplitudes are shares of the loss at that centre, E a share of the smallest loss",
    ]
    data: dict[str, Any] = {"law": model.label, "noise": model.noise.name, "seed": seed, "parameters": rows}
    data |= {"references": dict(refs.units), "loss_at_centre": loss}
    return Result(data, text, notes=notes_on(runs_bound))


def prior_rows(model: ScalingModel, runs: Runs, seed: int) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A row per parameter, its prior's interval in the paper's units; and the interval of the loss at the centre."""
    import numpy as np

    from scalaw.data.covariates import is_number
    from scalaw.infer.devices import computing
    from scalaw.infer.executables import key_data
    from scalaw.infer.interval import interval
    from scalaw.infer.prior_draws import prior_draws
    from scalaw.infer.scenarios import scenario_of
    from scalaw.laws.sample import sample_prior
    from scalaw.show.tables import prior_words

    law, scenario = model.law, scenario_of(runs, model)
    units, statistics = scenario.refs.units, scenario.refs.statistics
    rng = np.random.default_rng(key_data(seed, "priors", model.label))
    values = sample_prior(law, rng, PRIOR_DRAWS, statistics, units, dict(model.priors))
    paper = law.paper_values(values, units)
    noise = prior_draws(scenario, PRIOR_DRAWS, key_data(seed, "priors of noise", model.label)).values
    paper |= {p.name: noise[p.name] for p in model.noise.parameters}
    fixed, ties = dict(law.fixed), dict(law.ties)
    rows = []
    for p in model.parameters:
        row: dict[str, Any] = {"name": p.name, "role": p.role, "unit": p.dimension, "meaning": p.meaning}
        if p.name in fixed:
            row |= {"prior": f"held at {fixed[p.name]:g}", "median": None, "lower": None, "upper": None}
        else:
            words = (
                f"tied to {ties[p.name]}"
                if p.name in ties
                else prior_words(model.prior(p).resolve(statistics))
            )
            row |= {"prior": words, **interval(paper[p.name])}
        rows.append(row)
    centre = {
        c.name: np.mean(scenario.covariates[c.name], axis=0)
        if c.scaling == "absolute" or not is_number(c)
        else units[c.unit]
        for c in law.covariates
    }
    with computing():
        reduced = law.reduce(centre, units)
        at_centre = np.asarray(law.function(*(reduced[c.name] for c in law.covariates), **values))
    return rows, dict(interval(at_centre * law.loss_ref(units)))
