"""The command ``bootstrap``: a point fit, and how far it moves when runs are drawn again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalaw.show.commands_fit import check_prob, numbers
from scalaw.show.commands_reader import RUNS, OwnLaw, Reader, notes_on, pairs, read
from scalaw.show.commands_saved import PROB
from scalaw.show.commands_shared import Result, Show, check_place

if TYPE_CHECKING:
    from rich.table import Table

    from scalaw.infer import Bootstrap

LEVELS = ("OK", "LOOK", "BAD")
FIXED = typer.Option("--fix", metavar="NAME=VALUE", help="Hold a parameter, in the paper's units.")
PRIORS = typer.Option("--prior", metavar="NAME=PRIOR", help="E.g. alpha='LogNormal(0.3, 0.5)'.")


def bootstrap(
    runs: RUNS,
    law: Annotated[str | None, typer.Option("--law", help="Law or variant; chinchilla unless given.")] = None,
    noise: Annotated[
        str,
        typer.Option(
            "--noise",
            help="As for `scalaw fit`, and huber: what most papers minimise (huber:huber_delta=0.01 for another δ).",
        ),
    ] = "auto",
    kind: Annotated[
        str,
        typer.Option(
            "--kind", help="What is drawn: cases (runs), clusters, dirichlet (weights) or residual."
        ),
    ] = "cases",
    by: Annotated[
        str | None, typer.Option("--by", metavar="COLUMN", help="Labels of the clusters of runs.")
    ] = None,
    replicates: Annotated[int, typer.Option("--replicates", help="How many.")] = 4000,
    prior: Annotated[list[str] | None, PRIORS] = None,
    fix: Annotated[list[str] | None, FIXED] = None,
    prob: PROB = 0.9,
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same replicates.")] = 0,
    allow_prior_dominated: Annotated[
        bool, typer.Option("--allow-prior-dominated", help="Fit even with no more runs than parameters.")
    ] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.csv", help="Write all replicates, a row each."),
    ] = None,
    *,
    own: OwnLaw,
    reader: Reader,
    show: Show,
) -> Result:
    """Best parameters, and how far they move when runs are drawn again; no posterior."""
    from scalaw.infer import bootstrap as draw, point_fit
    from scalaw.show.tables import note_lines, verdict_lines

    check_prob(prob)
    check_place(output)
    arguments: dict[str, Any] = {"noise": noise, "priors": pairs(prior, "--prior"), "seed": seed}
    arguments |= {"fixed": numbers(fix, "--fix"), "allow_prior_dominated": allow_prior_dominated}
    law = own.choose(law, show, "chinchilla")
    table = read(runs, reader, show)
    with show.progress("bootstrap", 2) as step:
        step(f"searching the best {law}")
        point = point_fit(table, law, **arguments)
        step(f"{replicates} replicates")
        found = draw(point, replicates, kind, by=by, seed=seed, prob=prob)
    if output is not None:
        write(found, output)
        show.say(f"wrote {output}")
    notes = [*found.notes, *point.notes, *notes_on(point.runs)]
    searches = f"best parameters found by {point.agreed} of {point.starts} searches"
    level, reasons = max(found.level, point.level, key=LEVELS.index), [*point.reasons, *found.reasons]
    text = [found.title, searches, *verdict_lines(level, reasons), "", bootstrap_table(found)]
    text += [found.tally, "", *note_lines(notes)]
    data = found.to_json() | {"searches": point.to_json()["searches"]}
    data |= {"output": None if output is None else str(output)}
    return Result(data, text, level, reasons, notes)


def bootstrap_table(found: Bootstrap) -> Table:
    """A row per parameter: best value, standard deviation and interval of the replicates."""
    from scalaw.show.tables import interval_header, number, span, table

    header = interval_header(found.prob, "interval\nof replicates")
    out = table("parameter", "best", "sd of\nreplicates", "median", header)
    for name, row in zip(found.names, found.rows(), strict=True):
        cells = (number(row["estimate"]), number(row["sd"], 3), number(row["median"]))
        out.add_row(name, *cells, span(row["lower"], row["upper"]))
    return out


def write(found: Bootstrap, path: Path) -> None:
    """Write all replicates to a CSV file, which is replaced in one step or not at all (S004)."""
    import pandas as pd

    from scalaw.infer.store import write_aside

    frame = pd.DataFrame(found.values, columns=pd.Index(found.names))
    frame = frame.assign(elsewhere=found.elsewhere, converged=found.converged)
    write_aside(path, lambda aside: frame.to_csv(aside, index=False))
