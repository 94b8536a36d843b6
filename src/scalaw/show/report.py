"""The report: one HTML file that a decision maker can read, send and print.

::

    comparison = scalaw.compare(runs, ["power_law", "chinchilla"], x="C")
    forecast = comparison.forecast(N="70B", D="1.4T")
    scalaw.report(comparison, "report.html", forecast=forecast)

The file carries everything in itself: no script, no font, no image from elsewhere, and a policy line that forbids
them. Every text from a table or a law's name is escaped by the template engine. The same fits give the same file.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from scalaw.decide import Comparison, Forecast
from scalaw.errors import ScalawError
from scalaw.infer import Fit
from scalaw.infer.interval import PROB
from scalaw.infer.store import write_aside
from scalaw.show.drawing import percent, plain, trained
from scalaw.show.plots import plot_data, plot_exponents, plot_forecast, plot_loo_pit, plot_residuals
from scalaw.show.plots_data import fits_of
from scalaw.show.plots_forecast import checked_actual, exponent_rows
from scalaw.show.report_content import forecast_of, law_of, scores_of, tables_of, verdict_of
from scalaw.show.svg import inline_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TEMPLATE = "report.html.j2"


def report(
    what: Fit | Sequence[Fit] | Comparison,
    path: str | os.PathLike[str],
    *,
    forecast: Forecast | None = None,
    actual: Mapping[int, float] | None = None,
    title: str | None = None,
) -> Path:
    """Write a report as one HTML file.

    Parameters
    ----------
    what : Fit, sequence of Fit or Comparison
        A comparison adds scores and stacking weights.
    path : str or path
        Replaced in one step, or not at all.
    forecast : Forecast, optional
        Made from these fits.
    actual : mapping, optional
        Point of the forecast (from 0) → loss that was observed later.
    title : str, optional
        The headline.

    Returns
    -------
    pathlib.Path
        Where the report is.

    Raises
    ------
    ScalawError
        S004 where the file cannot be written, P001 for an ``actual`` without its point, P004 for a forecast
        of other fits.
    """
    path = Path(path)
    _writable(path)
    _write(path, render(what, forecast=forecast, actual=actual, title=title))
    return path


def render(
    what: Fit | Sequence[Fit] | Comparison,
    *,
    forecast: Forecast | None = None,
    actual: Mapping[int, float] | None = None,
    title: str | None = None,
) -> str:
    """The report's HTML text; the arguments are those of :func:`report`."""
    fits = fits_of(what)
    if not fits:
        raise ScalawError("P004", "there is no fit to report", "report", fix="pass at least one fit")
    prob = forecast.prob if forecast else PROB
    figures = _Figures()
    tables = tables_of(fits)
    content: dict[str, Any] = {
        "title": title or "Scaling-law report: " + ", ".join(t["source"] for t in tables),
        "prob": percent(prob),
        "version": fits[0].recipe["versions"]["scalaw"],
        "verdict": verdict_of(what, fits),
        "forecast": _forecast(what, fits, forecast, actual, figures),
        "comparison": scores_of(what) if isinstance(what, Comparison) else None,
        "overview": [figure for group in _by_table(fits) for figure in _overview(group, prob, figures)],
        "laws": [law_of(f, prob) | {"figures": list(_law_figures(f, prob, figures))} for f in fits],
        "tables": tables,
    }
    return _environment().get_template(TEMPLATE).render(content)


class _Figures:
    """Makes figures for one page: each gets its own prefix of ids."""

    def __init__(self) -> None:
        self.number = 0

    def add(self, plot: Callable[..., Figure], *arguments: Any, **options: Any) -> Markup:
        self.number += 1
        # ElementTree wrote this text from parsed elements, so every name in it is escaped.
        return Markup(inline_svg(plot(*arguments, **options), f"figure{self.number}"))


def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.PackageLoader("scalaw", "show"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _by_table(fits: Sequence[Fit]) -> list[list[Fit]]:
    groups: dict[str, list[Fit]] = {}
    for f in fits:
        groups.setdefault(f.runs.digest, []).append(f)
    return list(groups.values())


def _forecast(
    what: Fit | Sequence[Fit] | Comparison,
    fits: Sequence[Fit],
    forecast: Forecast | None,
    actual: Mapping[int, float] | None,
    figures: _Figures,
) -> dict[str, Any] | None:
    if forecast is None:
        if actual:
            raise ScalawError("P001", "actual losses without a forecast", "report", fix="pass forecast=… too")
        return None
    laws = forecast.law_weights.keys()
    groups = [[f for f in group if f.label in laws] for group in _by_table(fits)]
    groups = [group for group in groups if {f.label for f in group} == laws]
    if len(groups) != 1:
        names = ", ".join(forecast.law_weights)
        raise ScalawError(
            "P004", f"the forecast is of {names}, not of these fits", "report", fix="pass its fits"
        )
    (used,) = groups
    runs = next((f.runs for f in used if "x" in f.runs.columns), used[0].runs)
    known = checked_actual(forecast, actual)
    stacking = what.stacking if isinstance(what, Comparison) else None
    fan = figures.add(plot_forecast, forecast, runs, known, laws=used)
    return forecast_of(forecast, runs, known, stacking) | {"figure": fan}


def _overview(fits: Sequence[Fit], prob: float, figures: _Figures) -> Iterator[Markup]:
    """Figures of all laws of one table together."""
    yield figures.add(plot_data, fits, prob=prob)
    if any(exponent_rows(f) for f in fits):
        yield figures.add(plot_exponents, fits, prob=prob)


def _law_figures(fit: Fit, prob: float, figures: _Figures) -> Iterator[Markup]:
    yield figures.add(plot_residuals, fit, prob=prob)
    weight = fit.tree["constant_data"]["row_weight"]
    if bool((weight <= 1).all()) and trained(fit).sum() > 1:
        yield figures.add(plot_loo_pit, fit, prob=prob)


def _writable(path: Path) -> None:
    """Refuse a place that cannot be written before the work is done."""
    if os.path.isdir(path):  # unlike Path.is_dir, it takes any text
        raise ScalawError("S004", "this is a folder", plain(path), fix="name a file in it, e.g. report.html")
    if not os.path.isdir(path.parent):
        raise ScalawError(
            "S004",
            f"there is no folder {plain(path.parent)}",
            plain(path.name),
            fix="make it, or name another",
        )


def _write(path: Path, text: str) -> None:
    """Write aside and rename, so that no reader ever meets half a report."""
    write_aside(path, lambda aside: aside.write_bytes(text.encode("utf-8", errors="replace")))
