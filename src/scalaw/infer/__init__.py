"""How it is learned: references, the scenario axis, mode search, NUTS, diagnostics, the fit."""

from scalaw.infer.bootstrap import Bootstrap, bootstrap
from scalaw.infer.fit import Fit, fit, fit_models
from scalaw.infer.fits import Fits
from scalaw.infer.many import fit_many
from scalaw.infer.point_fit import PointFit, point_fit
from scalaw.infer.store import load
from scalaw.infer.warmup import warmup

__all__ = [
    "Bootstrap",
    "Fit",
    "Fits",
    "PointFit",
    "bootstrap",
    "fit",
    "fit_many",
    "fit_models",
    "load",
    "point_fit",
    "warmup",
]
