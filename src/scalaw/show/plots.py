"""Figures: a law alone, what was seen, whether the law fits it, and what follows from it.

======================  ==================================================================================
:func:`plot_law`        a law before any run, at published coefficients or under its prior
:func:`plot_data`       runs, with each law's median curve and interval through them
:func:`plot_residuals`  log residuals against N, D, D/N and C, with the noise's band
:func:`plot_loo_pit`    calibration: each run predicted from the others, with its envelope
:func:`plot_exponents`  exponents with intervals, beside published values with their source
:func:`plot_forecast`   forecast fan: runs, curve, a new run's interval, and what came out
======================  ==================================================================================

Each returns a ``matplotlib.figure.Figure`` of its own, to save with ``figure.savefig("data.pdf")`` or to put
on a page with :func:`scalaw.show.svg.inline_svg`. Every title says how many runs, which laws and which
interval; that of a law alone, whose coefficients it is drawn at.
"""

from scalaw.show.plots_data import plot_data
from scalaw.show.plots_fit import plot_loo_pit, plot_residuals
from scalaw.show.plots_forecast import plot_exponents, plot_forecast
from scalaw.show.plots_law import plot_law

__all__ = ["plot_data", "plot_exponents", "plot_forecast", "plot_law", "plot_loo_pit", "plot_residuals"]
