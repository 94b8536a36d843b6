"""How it is learned: references, the scenario axis, mode search, NUTS, diagnostics, the fit."""

from scalaw.infer.fit import Fit, fit, fit_models
from scalaw.infer.fits import Fits
from scalaw.infer.many import fit_many
from scalaw.infer.store import load
from scalaw.infer.warmup import warmup

__all__ = ["Fit", "Fits", "fit", "fit_many", "fit_models", "load", "warmup"]
