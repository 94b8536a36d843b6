"""What a fit says about elsewhere: the forecast fan, and exponents beside published ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs
from scalaw.decide import Comparison, Forecast, forecast as make_forecast
from scalaw.errors import ScalawError
from scalaw.infer import Fit
from scalaw.infer.interval import PROB, interval
from scalaw.infer.scenarios import padded_rows
from scalaw.show.curves import GRID
from scalaw.show.drawing import (
    BAND_ALPHA,
    COLOURS,
    RUN_COLOUR,
    axis_label,
    band_edges,
    canvas,
    drawn,
    law_names,
    log_axis,
    loss_axis,
    percent,
    plain,
    runs_text,
    trained,
)
from scalaw.show.plots_data import fits_of, scatter_runs

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@drawn
def plot_forecast(
    forecast: Forecast,
    runs: Runs,
    actual: Mapping[int, float] | None = None,
    *,
    laws: Fit | Sequence[Fit] | Comparison | None = None,
) -> Figure:
    """Runs, the forecast with its intervals, and what came out.

    Parameters
    ----------
    forecast : Forecast
    runs : Runs
        Those that were fitted.
    actual : mapping, optional
        Point (from 0) → loss that was observed later.
    laws : Fit, sequence of Fit or Comparison, optional
        The fits behind the forecast. With them the curve and its bands are drawn from the smallest run out to the
        points, at the points' own tokens per parameter; without them only the points.

    Raises
    ------
    ScalawError
        P001 for an ``actual`` that belongs to no point.
    """
    actual = checked_actual(forecast, actual)
    name = _across(forecast, runs)
    ratio = _ratio_text(forecast) if name == "C" and laws is not None else ""
    reach = float(np.max(forecast.reach_decades))
    fits = () if laws is None else fits_of(laws)
    names = ", ".join(plain(law, 40) for law in forecast.law_weights)
    details = (
        f"{runs_text(fits[0]) if fits else f'{len(runs)} runs'} · {names} · {percent(forecast.prob)} equal-tailed "
        f"intervals: bands for the curve{ratio}, bars for a new run · reaches {reach:.1f} decades beyond the runs"
    )
    figure, axes = canvas("Forecast", details, height=3.7)
    ax = axes[0, 0]
    at = forecast.points[name] if name else np.arange(1.0, len(forecast.reach_decades) + 1)
    known = runs.values(name) if name in runs.covariates else None
    if fits and known is not None:
        _fan(ax, forecast, fits, name, runs)
    if known is not None:
        scatter_runs(ax, known, runs.values("loss"), trained(fits[0]) if fits else np.ones(len(runs), bool))
        ax.scatter([], [], s=19, color=RUN_COLOUR, label="runs")
        ax.axvline(known.max(), color="#8c959f", linewidth=0.9, linestyle=":", label="largest run")
    low, middle, high = band_edges(forecast.predictive, forecast.prob)
    ends = np.stack([middle - low, high - middle])
    style = {"fmt": "o", "color": COLOURS[1], "markersize": 4, "capsize": 4, "elinewidth": 1.8, "zorder": 4}
    ax.errorbar(at, middle, ends, label=f"a new run, {percent(forecast.prob)}", **style)
    if actual:
        rows = list(actual)
        style = {"marker": "D", "s": 26, "facecolors": "white", "edgecolors": RUN_COLOUR, "zorder": 5}
        ax.scatter(at[rows], list(actual.values()), label="observed later", **style)
    if name:
        ax.set_xlabel(axis_label(name, runs))
        log_axis(ax, "x", "C" if runs.columns.get("x") == "C" and name == "x" else name)
    else:
        ax.set_xlabel("point")
        ax.set_xticks(at)
    loss_axis(ax, runs)
    ax.legend(loc="best")
    return figure


def checked_actual(forecast: Forecast, actual: Mapping[int, float] | None) -> dict[int, float]:
    """Observed losses by point, in the order of the points (P001 for a point that there is not)."""
    number = len(forecast.reach_decades)
    for point, loss in (actual or {}).items():
        if point not in range(number) or not (np.isfinite(loss) and loss > 0):
            what = f"actual loss {loss} of point {point}"
            raise ScalawError(
                "P001", what, "forecast", fix=f"points are 0 to {number - 1}, losses are above 0"
            )
    return {point: float(actual[point]) for point in sorted(actual)} if actual else {}


def _across(forecast: Forecast, runs: Runs) -> str:
    """The horizontal quantity: compute where there is one; none for points of mixtures or schedules alone."""
    bound = runs.columns.get("x", "x")
    names = [
        n for n in ("C", bound, "x", *forecast.points) if n in forecast.points and not _is_part(n, forecast)
    ]
    return next((n for n in names if n in runs.covariates), names[0] if names else "")


def _is_part(name: str, forecast: Forecast) -> bool:
    """Whether a column is a component of a vector or holds schedules: no quantity to draw along."""
    return name.endswith("]") or forecast.points[name].dtype == object


def _ratio_text(forecast: Forecast) -> str:
    if not {"N", "D"} <= forecast.points.keys():
        return ""
    ratio = forecast.points["D"] / forecast.points["N"]
    text = " to ".join(dict.fromkeys(f"{r:.3g}" for r in (ratio.min(), ratio.max())))
    return f" at D/N = {text}"


def _path(forecast: Forecast, name: str, runs: Runs) -> tuple[np.ndarray, dict[str, np.ndarray]] | None:
    """Points from the smallest run to the farthest point, or None where the points lie on no line."""
    parts = {n: v for n, v in forecast.points.items() if _is_part(n, forecast)}
    if any(np.any(v != v[0]) for v in parts.values()):
        return None
    at = np.log(forecast.points[name])
    order = np.argsort(at)
    if np.any(np.diff(at[order]) < 1e-6):
        return None
    known = runs.values(name)
    low = min(known.min(), forecast.points[name].min())
    grid = np.geomspace(low, max(known.max(), forecast.points[name].max()), GRID)

    def along(values: np.ndarray) -> np.ndarray:
        return np.exp(np.interp(np.log(grid), at[order], np.log(values)[order]))

    points = {n: along(v) for n, v in forecast.points.items() if n not in (name, "x", *parts)}
    points |= {n: np.full(len(grid), v[0]) for n, v in parts.items()}
    if name == "C" and {"N", "D"} <= forecast.points.keys():  # the points' own tokens per parameter
        ratio = along(forecast.points["D"] / forecast.points["N"])
        product = grid / _flop_per_nd(forecast, runs, grid)
        points |= {"N": np.sqrt(product / ratio), "D": np.sqrt(product * ratio)}
    points[name] = grid
    if "x" in forecast.points:
        same = np.allclose(forecast.points["x"], forecast.points[name])
        points["x"] = grid if same else along(forecast.points["x"])
    return grid, points


def _flop_per_nd(forecast: Forecast, runs: Runs, compute: np.ndarray) -> np.ndarray:
    """C/(ND) along the path: as the runs count it (6, or more at small sizes), then as the points do."""
    at, own = forecast.points["C"], forecast.points["C"] / (forecast.points["N"] * forecast.points["D"])
    if not {"N", "D", "C"} <= set(runs.covariates):
        return np.interp(np.log(compute), np.log(np.sort(at)), own[np.argsort(at)])
    seen = np.log(runs.values("C"))
    factor = np.log(runs.values("C") / (runs.values("N") * runs.values("D")))
    degree = min(2, len(np.unique(seen)) - 1)
    smooth = np.polynomial.Polynomial.fit(seen, factor, degree)
    inner = np.linspace(seen.min(), seen.max(), GRID)
    beyond = np.flatnonzero(np.log(at) > seen.max())
    beyond = beyond[np.argsort(at[beyond])]
    knots = np.concatenate([inner, np.log(at[beyond])])
    return np.exp(np.interp(np.log(compute), knots, np.concatenate([smooth(inner), np.log(own[beyond])])))


def _fan(ax: Axes, forecast: Forecast, fits: Sequence[Fit], name: str, runs: Runs) -> None:
    used = [f for f in fits if f.label in forecast.law_weights]
    path = _path(forecast, name, runs)
    if path is None or {f.label for f in used} != forecast.law_weights.keys():
        return
    grid, points = path
    size = padded_rows([used[0].scenario])
    parts = []
    for i in range(0, len(grid), size):
        part: dict[str, Any] = {n: v[i : i + size] for n, v in points.items()}
        parts.append(make_forecast(used, weights=forecast.law_weights, **part).curve)
    curve = np.concatenate(parts, axis=1)
    for prob, alpha in ((forecast.prob, BAND_ALPHA), (0.5, 1.5 * BAND_ALPHA)):
        low, middle, high = band_edges(curve, prob)
        text = f"curve, {percent(prob)}"
        ax.fill_between(grid, low, high, color=COLOURS[0], alpha=alpha, linewidth=0, label=text)
    ax.plot(grid, middle, color=COLOURS[0], label="curve, median")


def exponent_rows(fit: Fit) -> list[dict[str, Any]]:
    """Exponents that a fit learned, with their draws: name, draws, published."""
    exponents = {p.name for p in fit.model.law.parameters if p.role == "exponent"}
    rows = []
    for p in fit.parameters:
        if p["name"] in exponents:
            draws = fit.draws(p["name"])
            place = next(iter(p["index"].values()), None)
            rows.append(
                {
                    "name": p["name"] + ("" if place is None else f"[{place}]"),
                    "draws": draws if place is None else draws[:, place - 1],
                    "published": p["published"],
                }
            )
    return rows


@drawn
def plot_exponents(what: Fit | Sequence[Fit] | Comparison, *, prob: float = PROB) -> Figure:
    """Exponents with their intervals beside published values with their standard errors and sources.

    A published value belongs to its own runs: where it lies outside, the runs differ or one of the fits is wrong.
    """
    fits = fits_of(what)
    rows = []
    for fit in fits:
        for row in exponent_rows(fit):
            rows.append((f"{row['name']} · {plain(fit.label, 40)}", interval(row["draws"], prob), None))
            for p in row["published"]:
                error = "" if p["se"] is None else f" ± {p['se']:.2g}"
                text = f"{row['name']} published, {p['value']:.4g}{error}: {p['key']}, {p['source']}"
                rows.append((plain(text, 84), None, p))
    details = (
        f"{runs_text(fits[0], '')} · {law_names(fits)} · dot and bar: median and {percent(prob)} "
        "equal-tailed interval; diamond and bar: published value ± 1 standard error"
    )
    figure, axes = canvas("Exponents", details, height=0.7 + 0.36 * max(1, len(rows)))
    ax = axes[0, 0]
    for y, (text, found, published) in enumerate(rows):
        ax.text(0.0, y - 0.2, text, transform=ax.get_yaxis_transform(), fontsize=8.5, va="bottom")
        if found is not None:
            ax.plot([found["lower"], found["upper"]], [y, y], color=COLOURS[0], linewidth=2.4)
            ax.plot(found["median"], y, "o", color=COLOURS[0], markersize=5.5)
        elif published is not None:
            se = published["se"] or 0.0
            style = {"fmt": "D", "color": COLOURS[1], "mfc": "white", "markersize": 4.5, "elinewidth": 1.4}
            ax.errorbar(published["value"], y, xerr=se or None, **style)
    ax.set_ylim(max(1, len(rows)) - 0.4, -0.9)
    ax.set_yticks([])
    ax.grid(False, axis="y")
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("exponent (no unit)" if rows else "these laws have no exponent")
    return figure
