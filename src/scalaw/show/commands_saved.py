"""Commands that read saved posteriors: ``forecast`` and ``report``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalaw.errors import ScalawError
from scalaw.show.commands_reader import OwnLaw, notes_on, pairs
from scalaw.show.commands_shared import Options, Result, Show, plain

if TYPE_CHECKING:
    from scalaw.decide import Comparison, Forecast
    from scalaw.infer import Fit

FITS = Annotated[list[Path], typer.Argument(metavar="FIT…", help="Fits saved by `scalaw fit -o fit.nc`.")]
PROB = Annotated[float, typer.Option("--prob", help="Probability of the intervals.")]


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


def write_text_file(path: Path, text: str) -> None:
    """Write a small file (S004 when that is not possible)."""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ScalawError("S004", f"cannot write there: {error.strerror}", str(path)) from error
