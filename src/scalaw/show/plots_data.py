"""Runs with the fitted laws through them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps

from scalaw.decide import Comparison
from scalaw.infer import Fit
from scalaw.infer.interval import PROB
from scalaw.show.curves import Design, design_of, law_curve
from scalaw.show.drawing import (
    BAND_ALPHA,
    COLOURS,
    DASHES,
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
    same_runs,
    trained,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def fits_of(what: Fit | Sequence[Fit] | Comparison) -> tuple[Fit, ...]:
    """The fits in what a user passes."""
    if isinstance(what, Fit):
        return (what,)
    return what.fits if isinstance(what, Comparison) else tuple(what)


@drawn
def plot_data(what: Fit | Sequence[Fit] | Comparison, *, prob: float = PROB) -> Figure:
    """Runs and, through them, each law's median curve with its interval.

    Laws that run along one quantity share a panel (loss against compute, or the bound ``x``); a law in N and D on runs
    that do not lie on one path has its own, loss against N with a curve per group of equal compute or tokens.

    Parameters
    ----------
    what : Fit, sequence of Fit or Comparison
        Of the same runs.
    prob : float
        Probability of the equal-tailed interval of the curve.

    Raises
    ------
    ScalawError
        P004 for fits of different runs.
    """
    fits = fits_of(what)
    same_runs(fits)
    designs = [(design_of(f), f) for f in fits]
    shared = sorted((d for d in designs if d[0].kind == "line"), key=lambda d: d[0].across)
    panels = [list(group) for _, group in groupby(shared, key=lambda d: d[0].across)]
    panels += [[d] for d in designs if d[0].kind != "line"]
    details = (
        f"{runs_text(fits[0])} · {law_names(fits)} · line: posterior median, band: {percent(prob)} equal-tailed "
        "interval of the curve"
    )
    title = "Runs and fitted laws" if len(fits) > 1 else "Runs and fitted law"
    figure, axes = canvas(title, details, rows=len(panels), height=3.5 * len(panels))
    for panel, ax in zip(panels, axes[:, 0], strict=True):
        design, fit = panel[0]
        _PANELS[design.kind](ax, panel, prob)
        name = design.across
        ax.set_xlabel("row of the table" if name == "row" else axis_label(name, fit.runs))
        if name != "row":
            log_axis(ax, "x", name)
        loss_axis(ax, fit.runs)
        if len(panels) > 1:
            ax.set_title(law_names([f for _, f in panel]), loc="left")
    return figure


def scatter_runs(
    ax: Axes, across: np.ndarray, loss: np.ndarray, seen: np.ndarray, color: Any = RUN_COLOUR
) -> None:
    """Runs as dots; those that were held out as open circles."""
    style = {"s": 19, "linewidths": 0.8, "zorder": 3}
    ax.scatter(across[seen], loss[seen], color=color, edgecolors="white", **style)
    if not np.all(seen):
        ax.scatter(across[~seen], loss[~seen], facecolors="none", edgecolors=color, **style)


def _lines(ax: Axes, panel: Sequence[tuple[Design, Fit]], prob: float) -> None:
    """Laws along one quantity, over each other."""
    for i, (design, fit) in enumerate(panel):
        line = design.lines[0]
        low, middle, high = band_edges(law_curve(fit, line.covariates), prob)
        color = COLOURS[i % len(COLOURS)]
        ax.fill_between(line.across, low, high, color=color, alpha=BAND_ALPHA, linewidth=0)
        ax.plot(
            line.across, middle, color=color, linestyle=DASHES[i % len(DASHES)], label=plain(fit.label, 40)
        )
    design, fit = panel[0]
    scatter_runs(ax, fit.runs.values(design.across), fit.runs.values("loss"), trained(fit))
    ax.legend(loc="best")


def _groups(ax: Axes, panel: Sequence[tuple[Design, Fit]], prob: float) -> None:
    """One law in N and D, a curve per group."""
    ((design, fit),) = panel
    at = {name: np.concatenate([line.covariates[name] for line in design.lines]) for name in ("N", "D")}
    curve = law_curve(fit, at)
    loss, seen, start = fit.runs.values("loss"), trained(fit), 0
    for i, line in enumerate(design.lines):
        low, middle, high = band_edges(curve[:, start : start + len(line.across)], prob)
        start += len(line.across)
        color = colormaps["viridis"](0.92 * i / max(1, len(design.lines) - 1))
        ax.fill_between(line.across, low, high, color=color, alpha=BAND_ALPHA, linewidth=0)
        ax.plot(line.across, middle, color=color, label=line.label)
        scatter_runs(ax, fit.runs.values("N")[line.rows], loss[line.rows], seen[line.rows], color)
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), handlelength=1.2)


def _at_runs(ax: Axes, panel: Sequence[tuple[Design, Fit]], prob: float) -> None:
    """One law at the runs themselves, beside what was observed."""
    ((design, fit),) = panel
    line = design.lines[0]
    low, middle, high = band_edges(law_curve(fit, line.covariates), prob)
    ends = np.stack([middle - low, high - middle])
    style = {"fmt": "_", "color": COLOURS[0], "markersize": 7, "elinewidth": 2.2, "alpha": 0.7}
    ax.errorbar(line.across, middle, ends, label=plain(fit.label, 40), **style)
    scatter_runs(ax, line.across, fit.runs.values("loss"), trained(fit))
    ax.legend(loc="best")


_PANELS = {"line": _lines, "groups": _groups, "runs": _at_runs}
