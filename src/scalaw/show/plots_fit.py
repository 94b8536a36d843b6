"""Whether a law fits: residuals, and the calibration of its predictions of runs left out."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np

from scalaw.decide.forecast import noise_values
from scalaw.errors import ScalawError
from scalaw.infer import Fit
from scalaw.infer.evaluate import evaluate
from scalaw.infer.executables import key_data
from scalaw.infer.interval import PROB
from scalaw.show.curves import component_rows, law_curve, quantity_rows
from scalaw.show.drawing import (
    BAND_ALPHA,
    COLOURS,
    RUN_COLOUR,
    axis_label,
    band_edges,
    canvas,
    drawn,
    log_axis,
    percent,
    plain,
    runs_text,
    trained,
)
from scalaw.show.plots_data import scatter_runs

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Simulated data sets behind the envelope of an empirical distribution, and places where it is held.
ENVELOPES = 4000
PLACES = 100


@drawn
def plot_residuals(fit: Fit, *, prob: float = PROB) -> Figure:
    """Residuals of the median curve against N, D, D/N, C and the shares of a mixture: of logs, or of shares.

    The band is where the noise of the posterior puts a residual; it is a bar per run where runs differ in it. A slope
    or a bend that leaves it says that the law misses something; a scatter that widens to one side says that the noise
    is not constant.
    """
    noise = fit.model.noise
    median = np.median(law_curve(fit, fit.scenario.covariates), axis=0)
    residual = noise.observed(fit.runs.values("loss")) - noise.observed(median)
    low, _, high = band_edges(scatter_draws(fit), prob)
    scaled, parts = quantity_rows(fit), component_rows(fit)
    shown = {**scaled, **parts} or {"row": np.arange(1.0, len(residual) + 1)}
    rows = -(-len(shown) // 2)
    details = (
        f"{runs_text(fit)} · {plain(fit.label, 40)} · band: {percent(prob)} equal-tailed interval of the "
        f"{fit.model.noise.name} noise"
    )
    columns = min(2, len(shown))
    figure, axes = canvas("Residuals of the median curve", details, rows, columns, height=0.5 + 2.0 * rows)
    for ax in axes.flat[len(shown) :]:
        ax.set_visible(False)
    for ax, (name, values) in zip(axes.flat, shown.items(), strict=False):
        if len(low) == 1:
            ax.axhspan(float(low[0]), float(high[0]), color=COLOURS[0], alpha=BAND_ALPHA, linewidth=0)
        else:
            ax.vlines(values, low, high, color=COLOURS[0], alpha=BAND_ALPHA, linewidth=4.0)
        ax.axhline(0.0, color=COLOURS[0], linewidth=1.0)
        scatter_runs(ax, values, residual, trained(fit))
        ax.set_xlabel("row of the table" if name == "row" else axis_label(name, fit.runs))
        if name in scaled:
            log_axis(ax, "x", name, most=5)
    label = "ln(loss) − ln(law)" if noise.scatters == "log" else f"{fit.model.law.response.name} − law"
    figure.supylabel(label, fontsize=9.0)
    return figure


def noise_draws(fit: Fit, location: np.ndarray) -> np.ndarray:
    """One draw of the noise per posterior draw around locations of the runs, shape (draws, runs)."""
    rng = np.random.default_rng(key_data(fit.recipe["seed"], "figure", fit.label))
    return fit.model.noise.draw(rng, location, noise_values(fit), fit.scenario.noise_rows())


def scatter_draws(fit: Fit) -> np.ndarray:
    """Draws of the noise less their location, shape (draws, runs), or (draws, 1) where it is the same in every run."""
    noise = fit.model.noise
    if noise.scatters == "log" and not noise.reads:
        return noise_draws(fit, np.zeros((len(fit.positions), 1)))
    location = np.asarray(evaluate(fit.scenario, fit.positions).location)
    return noise_draws(fit, location) - location


def loo_pit_values(fit: Fit) -> np.ndarray:
    """Probability of a loss below the observed one when its run is left out, shape (runs,), by ArviZ.

    Raises
    ------
    ScalawError
        D056 where a run counts more than once: leaving one out has no meaning then.
    """
    import xarray as xr
    from arviz_stats.loo import loo_pit

    weight = np.asarray(fit.tree["constant_data"]["row_weight"])
    if np.any((weight != 0) & (weight != 1)):
        raise ScalawError("D056", "leaving one run out needs row weights of 0 and 1", fit.runs.source)
    kept = {"run": np.flatnonzero(weight > 0)}
    likelihood = fit.tree["log_likelihood"].to_dataset().isel(kept)
    location = np.asarray(evaluate(fit.scenario, fit.positions).location)
    unit = fit.model.law.loss_ref(fit.refs.units)
    loss = (fit.model.noise.response(noise_draws(fit, location)) * unit)[:, kept["run"]]
    predictive = likelihood.copy(data={"loss": loss.reshape(likelihood["loss"].shape)})
    groups = {
        "posterior": fit.tree["posterior"].to_dataset(),
        "posterior_predictive": predictive,
        "log_likelihood": likelihood,
        "observed_data": fit.tree["observed_data"].to_dataset().isel(kept),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a high Pareto k is reported by compare, per law
        pit = loo_pit(xr.DataTree.from_dict(groups), var_names="loss")
    return np.asarray(pit["loss"])


def envelope(number: int, prob: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the whole empirical distribution of uniform values lies with a probability (arXiv:2103.10522).

    At every place the count of values below is binomial; the least likely tail over all places is simulated,
    and the band holds the counts whose tails are not smaller than its quantile.

    Returns
    -------
    at, low, high : array, shape (places,)
    """
    share = 1.0 / PLACES
    at = np.arange(1, PLACES) * share
    count = np.arange(number + 1)[:, None]
    log_factorial = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, number + 1)))])
    log_choose = (log_factorial[-1] - log_factorial - log_factorial[::-1])[:, None]
    mass = np.exp(log_choose + count * np.log(at) + (number - count) * np.log1p(-at))
    tail = np.minimum(np.cumsum(mass, axis=0), np.cumsum(mass[::-1], axis=0)[::-1])
    rng = np.random.default_rng(0)
    below = rng.multinomial(number, np.full(PLACES, share), size=ENVELOPES)[:, :-1].cumsum(axis=1)
    least = tail[below, np.arange(PLACES - 1)].min(axis=1)
    inside = tail >= np.quantile(least, 1.0 - prob) * (1.0 - 1e-9)
    low, high = np.argmax(inside, axis=0) / number, 1.0 - np.argmax(inside[::-1], axis=0) / number
    at, low, high = (np.concatenate([[0.0], v, [1.0]]) for v in (at, low, high))
    return at, low, high


@drawn
def plot_loo_pit(fit: Fit, *, prob: float = PROB) -> Figure:
    """Empirical distribution of the LOO-PIT values with its simultaneous envelope.

    A calibrated fit stays inside the envelope (arXiv:2103.10522). Steep in the middle: its intervals are too
    wide; steep at the ends: too narrow; all above the diagonal: losses are lower than predicted; all below:
    higher.

    Raises
    ------
    ScalawError
        D056 where a run counts more than once.
    """
    values = loo_pit_values(fit)
    at, low, high = envelope(len(values), prob)
    details = (
        f"{runs_text(fit, '')} · {plain(fit.label, 40)} · band: simultaneous {percent(prob)} envelope "
        "(equal-tailed at each value) of a calibrated fit"
    )
    figure, axes = canvas("Calibration: each run predicted from the others", details, height=3.2)
    ax = axes[0, 0]
    ax.fill_between(at, low, high, color=COLOURS[0], alpha=BAND_ALPHA, linewidth=0)
    ax.plot([0, 1], [0, 1], color=COLOURS[0], linewidth=1.0)
    ordered = np.sort(values)
    ax.step(
        [0.0, *ordered, 1.0],
        [*np.arange(len(ordered) + 1) / len(ordered), 1.0],
        where="post",
        color=RUN_COLOUR,
    )
    ax.set_xlabel("predicted probability of a loss below the observed one (LOO-PIT)")
    ax.set_ylabel("share of runs")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    return figure
