"""Commands that sample posteriors: ``fit`` and ``compare``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalaw.errors import ScalawError
from scalaw.show.commands_reader import NOISE, RUNS, OwnLaw, Reader, notes_on, pairs, read
from scalaw.show.commands_saved import PROB, write_report
from scalaw.show.commands_shared import Options, Result, Show, check_place, named_noises, safe_name

if TYPE_CHECKING:
    from scalaw.infer import Fit

_SAMPLING = "Sampling"


METHOD = Annotated[
    str,
    typer.Option(
        "--method",
        help="nuts, importance (milliseconds, and says whether it can be trusted), auto (importance, and NUTS "
        "where that is not enough) or laplace (a normal at the mode).",
        rich_help_panel=_SAMPLING,
    ),
]


@dataclass(frozen=True)
class Nuts(Options):
    """Settings of NUTS; the names are those of :func:`scalaw.fit`."""

    draws: Annotated[int, typer.Option("--draws", help="Per chain.", rich_help_panel=_SAMPLING)] = 1000
    warmup: Annotated[int, typer.Option("--warmup", help="Per chain.", rich_help_panel=_SAMPLING)] = 1000
    chains: Annotated[int, typer.Option("--chains", help="At least 2.", rich_help_panel=_SAMPLING)] = 4
    target_accept: Annotated[
        float,
        typer.Option("--target-accept", help="Higher is slower and more careful.", rich_help_panel=_SAMPLING),
    ] = 0.9


@dataclass(frozen=True)
class Sampling(Nuts):
    """How to sample."""

    noise: NOISE = "auto"
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same draws.")] = 0
    allow_prior_dominated: Annotated[
        bool, typer.Option("--allow-prior-dominated", help="Fit even with no more runs than parameters.")
    ] = False


@dataclass(frozen=True)
class Sampler(Sampling):
    """How to sample fits of one table."""

    bootstrap: Annotated[
        int, typer.Option("--bootstrap", help="Replicates of the run bootstrap.", rich_help_panel=_SAMPLING)
    ] = 200


def fit(
    runs: RUNS,
    law: Annotated[str | None, typer.Option("--law", help="Law or variant; chinchilla unless given.")] = None,
    prior: Annotated[
        list[str] | None,
        typer.Option(
            "--prior", metavar="NAME=PRIOR", help="E.g. alpha='LogNormal(0.3, 0.5)': median, sd of the log."
        ),
    ] = None,
    fix: Annotated[
        list[str] | None,
        typer.Option("--fix", metavar="NAME=VALUE", help="Hold a parameter, in the paper's units."),
    ] = None,
    method: METHOD = "nuts",
    evidence: Annotated[
        bool,
        typer.Option(
            "--evidence",
            help="The marginal likelihood of chains too, by one more program; importance has it anyway.",
            rich_help_panel=_SAMPLING,
        ),
    ] = False,
    prob: PROB = 0.9,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.nc", help="Save the fit.")
    ] = None,
    *,
    own: OwnLaw,
    sampler: Sampler,
    reader: Reader,
    show: Show,
) -> Result:
    """Fit a law to runs: parameters with intervals, and a verdict on the fit."""
    from scalaw.infer.fit import checked_method, checked_settings, fit_models, model_of
    from scalaw.show.tables import (
        evidence_line,
        method_line,
        note_lines,
        parameter_table,
        published_table,
        verdict_lines,
    )

    check_prob(prob)
    check_place(output)
    law = own.choose(law, show, "chinchilla")
    model = model_of(law, noise=sampler.noise, priors=pairs(prior, "--prior"), fixed=numbers(fix, "--fix"))
    settings = checked_settings(sampler.chains, sampler.warmup, sampler.draws, sampler.target_accept)
    chosen = checked_method(method)
    table = read(runs, reader, show)
    with show.progress("fitting", 2) as step:
        found = fit_models(
            table,
            [model],
            settings=settings,
            method=chosen,
            seed=sampler.seed,
            bootstrap=sampler.bootstrap,
            allow_prior_dominated=sampler.allow_prior_dominated,
            evidence=evidence,
            progress=step,
        )[0]
    if output is not None:
        found.save(output)
        show.say(f"saved {output}")
    notes = [*found.verdict.notes, *notes_on(found.runs)]
    head = f"{found.label} with {model.noise.name} noise on {len(found.runs)} runs from {found.runs.source}"
    text = [
        head,
        method_line(found),
        *([evidence_line(found)] if evidence else ()),
        *verdict_lines(found.verdict.level, found.verdict.reasons),
        "",
        parameter_table(found, prob),
    ]
    text += ["", *([published_table(model.law.published)] if model.law.published else []), *note_lines(notes)]
    # the score of leaving runs out takes ArviZ, which is slow to import, and is not printed
    data = found.to_json(prob) if show.as_json else {}
    data |= {"output": None if output is None else str(output)}
    return Result(data, text, found.verdict.level, found.verdict.reasons, notes)


def compare(
    runs: RUNS,
    law: Annotated[
        list[str] | None, typer.Option("--law", help="A law or variant; give two or more.")
    ] = None,
    holdout: Annotated[
        str | None,
        typer.Option("--holdout", metavar="TEXT", help="Also score held-out runs, e.g. 'top 20% compute'."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", metavar="FILE.html", help="Write a report.")
    ] = None,
    save_fits: Annotated[
        Path | None,
        typer.Option("--save-fits", metavar="FOLDER", help="Save every fit, for `scalaw forecast`."),
    ] = None,
    *,
    own: OwnLaw,
    sampler: Sampler,
    reader: Reader,
    show: Show,
) -> Result:
    """Fit several laws to the same runs and score what they predict."""
    from scalaw.decide import compare as compare_laws
    from scalaw.show.tables import note_lines, score_table, verdict_lines

    laws = [*(law or ()), *(name for name in own.register(show) if name not in (law or ()))]
    if len(laws) < 2:
        raise typer.BadParameter("give --law twice or more")
    check_place(output)
    table = read(runs, reader, show)
    with show.progress("comparing", (len(laws) + 1) * (2 if holdout else 1)) as step:
        found = compare_laws(table, laws, holdout=holdout, progress=step, **asdict(sampler))
    for path in saved(found.fits, save_fits):
        show.say(f"saved {path}")
    text: list[Any] = [score_table(found), ""]
    text.append(
        f"best: {found.best}" if found.best else "best: none, the runs cannot tell the first laws apart"
    )
    for one in found.fits:
        text += verdict_lines(one.verdict.level, one.verdict.reasons, one.label)
    if output is not None:
        write_report(found, output, show)
    notes = [*found.notes, *notes_on(found.fits[0].runs)]
    text += ["", *note_lines(notes)]
    data = {**found.to_json(), "seed": sampler.seed, "noise": named_noises(f.model for f in found.fits)}
    data |= {"n_runs": len(table), "held_out": found.held_out}
    return Result(data, text, found.level, found.reasons, notes)


def saved(fits: tuple[Fit, ...], folder: Path | None) -> list[Path]:
    """Files that the fits were saved to; none without a folder."""
    if folder is None:
        return []
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ScalawError("S004", f"cannot write there: {error.strerror}", str(folder)) from error
    paths = [folder / f"{safe_name(f.label)}.nc" for f in fits]
    for one, path in zip(fits, paths, strict=True):
        one.save(path)
    return paths


def check_prob(prob: float) -> None:
    """Refuse a probability outside (0, 1)."""
    if not 0 < prob < 1:
        raise ScalawError("P001", f"prob is {prob}", fix="a probability in (0, 1), such as 0.9")


def numbers(items: list[str] | None, option: str) -> dict[str, float]:
    """``["E=1.7"]`` → ``{"E": 1.7}``; suffixes such as 70B are read, 0 and negative numbers too."""
    from scalaw.data import parse_quantity

    return {name: parse_quantity(value)[0] for name, value in pairs(items, option).items()}
