"""Commands that sample or read posteriors: ``fit``, ``compare``, ``forecast`` and ``report``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalaw.errors import ScalawError
from scalaw.show.commands_reader import NOISE, RUNS, OwnLaw, Reader, notes_on, pairs, read
from scalaw.show.commands_shared import Options, Result, Show, check_place, plain, safe_name

if TYPE_CHECKING:
    from scalaw.decide import Comparison, Forecast
    from scalaw.infer import Fit

_SAMPLING = "Sampling"
FITS = Annotated[list[Path], typer.Argument(metavar="FIT…", help="Fits saved by `scalaw fit -o fit.nc`.")]
PROB = Annotated[float, typer.Option("--prob", help="Probability of the intervals.")]


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


@dataclass(frozen=True)
class Points(Options):
    """Points to forecast; each option can be repeated."""

    N: Annotated[list[str] | None, typer.Option("-N", metavar="SIZE", help="Parameters, e.g. 70B.")] = None
    D: Annotated[
        list[str] | None, typer.Option("-D", metavar="TOKENS", help="Training tokens, e.g. 1.4T.")
    ] = None
    C: Annotated[
        list[str] | None, typer.Option("-C", metavar="FLOP", help="Compute, e.g. 1e24; 6ND unless given.")
    ] = None
    U: Annotated[list[str] | None, typer.Option("-U", metavar="TOKENS", help="Unique tokens.")] = None
    x_value: Annotated[
        list[str] | None,
        typer.Option("--x-value", metavar="VALUE", help="Of a one-dimensional law's quantity."),
    ] = None
    at: Annotated[
        list[str] | None,
        typer.Option(
            "--at",
            metavar="NAME=VALUE",
            help="Of any other covariate, e.g. k=100, 'r[web]=0.3' or 'schedule=constant(peak=3e-4, steps=20000)'.",
        ),
    ] = None
    points_file: Annotated[
        Path | None,
        typer.Option("--points", metavar="FILE", help="Table of points, a column per covariate."),
    ] = None

    def given(self) -> dict[str, Any]:
        """Covariate → values as written."""
        named: dict[str, Any] = {"N": self.N, "D": self.D, "C": self.C, "U": self.U, "x": self.x_value}
        if self.points_file is not None:
            named = _read_columns(self.points_file, [name for name, values in named.items() if values])
        for item in self.at or ():
            ((name, value),) = pairs([item], "--at").items()
            named[name] = [*(named.get(name) or ()), value]
        return {name: values for name, values in named.items() if values}


def _read_columns(path: Path, taken: list[str]) -> dict[str, Any]:
    """Columns of a table of points as they are written; options that name points too are wrong usage."""
    from scalaw.data.files import load_file

    if taken:
        raise typer.BadParameter(
            f"give points by --points or by {', '.join(f'-{name}' for name in taken)}, not both"
        )
    table = load_file(path)
    return {name.strip(): list(cells) for name, cells in zip(table.header, table.cells, strict=True)}


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
    data = {**found.to_json(), "seed": sampler.seed, "noise": sampler.noise}
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


def forecast(
    fits: FITS,
    prob: PROB = 0.9,
    seed: Annotated[int, typer.Option("--seed", help="Of the observation noise.")] = 0,
    then: Annotated[
        Path | None,
        typer.Option("--then", metavar="FIT", help="A second stage: the fit of a measure against that loss."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE.json", help="Also write the JSON object to a file."),
    ] = None,
    *,
    points: Points,
    own: OwnLaw,
    show: Show,
) -> Result:
    """Forecast the loss of runs that were not made; several fits are averaged with equal weights."""
    from scalaw.show.tables import forecast_table, note_lines, verdict_lines

    if not points.given():
        raise typer.BadParameter("say where, e.g. -N 70B -D 1.4T")
    own.register(show)
    loaded = load_all(fits)
    second = None if then is None else load_all([then])[0]
    found = forecast_at(loaded, points, prob, seed, second)
    kind = (second or loaded[0]).runs.loss_kind
    notes = [*found.notes, *notes_on(loaded[0].runs)]
    text: list[Any] = [forecast_table(found, kind), ""]
    shares = ", ".join(f"{law} {share:.3g}" for law, share in found.law_weights.items())
    comparison = comparison_of(loaded) if second is None else None
    stacking = comparison.stacking if comparison else None
    text.append(f"law weights: {shares}")
    if stacking:
        text.append(
            f"stacking weights, for comparison: {', '.join(f'{k} {w:.2f}' for k, w in stacking.items())}"
        )
    text += [*verdict_lines(found.level, found.reasons), *note_lines(notes)]
    data = {**found.to_json(), "stacking": stacking, "loss_kind": kind, "seed": seed}
    result = Result(data, text, found.level, found.reasons, notes)
    if output is not None:
        write_text_file(
            output, json.dumps(plain(result.to_json("forecast")), indent=2, allow_nan=False) + "\n"
        )
        show.say(f"wrote {output}")
    return result


def report(
    fits: FITS,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.html", help="Where to write it.")
    ] = Path("report.html"),
    prob: PROB = 0.9,
    seed: Annotated[int, typer.Option("--seed", help="Of a forecast's observation noise.")] = 0,
    *,
    points: Points,
    own: OwnLaw,
    show: Show,
) -> Result:
    """Write one HTML file about a fit, with a forecast when points are given."""
    own.register(show)
    loaded = load_all(fits)
    at = forecast_at(loaded, points, prob, seed) if points.given() else None
    subject = comparison_of(loaded) or (loaded[0] if len(loaded) == 1 else loaded)
    write_report(subject, output, show, forecast=at)
    level = at.level if at else max((f.verdict.level for f in loaded), key=("OK", "LOOK", "BAD").index)
    reasons = [f"{f.label}: {reason}" for f in loaded for reason in f.verdict.reasons]
    return Result({"output": str(output)}, [f"wrote {output}"], level, reasons, notes_on(loaded[0].runs))


def comparison_of(fits: list[Fit]) -> Comparison | None:
    """Scores of several saved fits; None for one fit, or where runs are held out."""
    from scalaw.decide import compare_fits

    if len(fits) < 2 or not all(f.whole for f in fits):
        return None
    return compare_fits(fits)


def write_report(what: Any, path: Path, show: Show, forecast: Forecast | None = None) -> None:
    """Write the report with a progress line on standard error."""
    from scalaw.show.report import report as write

    with show.progress("report", 1) as step:
        step(path.name)
        write(what, path, forecast=forecast)


def load_all(paths: list[Path]) -> list[Fit]:
    """Saved fits, in the order given (M002 for a fit of a law that was not given again)."""
    from scalaw.infer import load

    fits = []
    for path in paths:
        try:
            fits.append(load(path))
        except ScalawError as error:
            if error.code != "M002":
                raise
            fix = "give it as when it was fitted, with --formula or --law-file"
            raise ScalawError("M002", error.problems[0].what, path.name, fix=fix) from error
    return fits


def forecast_at(
    fits: list[Fit], points: Points, prob: float, seed: int, second: Fit | None = None
) -> Forecast:
    """Forecast of the points given on the command line, through a second stage if there is one."""
    from scalaw.decide import chain, forecast as forecast_points

    if second is not None:
        return chain(fits, second, prob=prob, seed=seed, **points.given())
    return forecast_points(fits, prob=prob, seed=seed, **points.given())


def check_prob(prob: float) -> None:
    """Refuse a probability outside (0, 1)."""
    if not 0 < prob < 1:
        raise ScalawError("P001", f"prob is {prob}", fix="a probability in (0, 1), such as 0.9")


def numbers(items: list[str] | None, option: str) -> dict[str, float]:
    """``["E=1.7"]`` → ``{"E": 1.7}``; suffixes such as 70B are read, 0 and negative numbers too."""
    from scalaw.data import parse_quantity

    return {name: parse_quantity(value)[0] for name, value in pairs(items, option).items()}


def write_text_file(path: Path, text: str) -> None:
    """Write a small file (S004 when that is not possible)."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ScalawError("S004", f"cannot write there: {error.strerror}", str(path)) from error
