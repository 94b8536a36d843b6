"""How it is learned: references, the scenario axis, mode search, NUTS, diagnostics, the fit."""

from scalaw.infer.fit import Fit, fit, fit_models
from scalaw.infer.store import load

__all__ = ["Fit", "fit", "fit_models", "load"]
