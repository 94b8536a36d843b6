"""Save and load a fit: one netCDF file, written aside and renamed, read without importing anything from it.

The recipe, the model and the runs' facts travel as JSON in one attribute; arrays as groups. On loading, the
known groups, their sizes and the JSON are validated first. A law is looked up by its printed name and its
digest compared: a fit whose law's source has changed since keeps its summaries but is refused for new
predictions (S003). A user's own law is passed to :func:`load`.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs
from scalaw.errors import ScalawError
from scalaw.infer.diagnose import Verdict
from scalaw.infer.references import References
from scalaw.laws import get_law
from scalaw.laws.law import Law
from scalaw.laws.prior import Prior
from scalaw.model.noise import get_noise
from scalaw.model.scaling_model import ScalingModel

if TYPE_CHECKING:
    from scalaw.infer.fit import Fit

FORMAT = 1
GROUPS = {
    "posterior",
    "sample_stats",
    "log_likelihood",
    "log_prior",
    "sampling",
    "observed_data",
    "constant_data",
}
RUN_FACTS = (
    "columns",
    "convention",
    "loss_kind",
    "source",
    "conversions",
    "citation",
    "caveats",
    "flops",
    "groups",
)


def save(fit: Fit, path: str | Path) -> None:
    """Write a fit; an existing file is replaced in one step, or not at all."""
    path = Path(path)
    tree = fit.tree.copy()
    tree.attrs["scalaw"] = json.dumps(_describe(fit), allow_nan=True)
    try:
        handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    except OSError as error:
        raise ScalawError("S004", f"cannot write there: {error.strerror}", str(path)) from error
    os.close(handle)
    try:
        tree.to_netcdf(aside, engine="h5netcdf")
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise


def _describe(fit: Fit) -> dict[str, Any]:
    model = fit.model
    return {
        "format": FORMAT,
        "law": model.law.name,
        "noise": model.noise.name,
        "priors": {name: vars(prior) for name, prior in model.priors},
        "refs": {"units": dict(fit.refs.units), "statistics": dict(fit.refs.statistics)},
        "verdict": vars(fit.verdict),
        "parameters": list(fit.parameters),
        "recipe": dict(fit.recipe),
        "runs": {
            name: list(value) if isinstance(value, tuple) else value
            for name in RUN_FACTS
            for value in [getattr(fit.runs, name)]
        },
        "frame": _table(fit.runs),
    }


def _table(runs: Runs) -> dict[str, Any]:
    """The table as plain data; floats keep every digit."""
    cells = runs.frame.astype(object).where(runs.frame.notna(), None)
    rows = [[c.item() if hasattr(c, "item") else c for c in row] for row in cells.to_numpy().tolist()]
    return {"columns": [str(name) for name in cells.columns], "data": rows}


def load(path: str | Path, law: Law | None = None) -> Fit:
    """Read a fit.

    Parameters
    ----------
    path : str or Path
    law : Law, optional
        Needed when the fit's law is not one of scalaw's.

    Raises
    ------
    ScalawError
        D001 when the file is missing, S003 when it is no fit of this format or its law has changed.
    """
    import xarray as xr

    from scalaw.infer.fit import Fit

    path = Path(path)
    if not path.is_file():
        raise ScalawError("D001", "no such file", str(path), fix="save one with scalaw fit -o fit.nc")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            tree = opened.load()
        told = json.loads(str(tree.attrs.pop("scalaw")))
        _validate(tree, told)
        runs = _runs(told)
        noise = get_noise(told["noise"])
        priors = tuple((name, Prior(**_tuples(p))) for name, p in sorted(told["priors"].items()))
        refs = References(told["refs"]["units"], told["refs"]["statistics"])
        verdict = Verdict(**_tuples(told["verdict"]))
        parameters, recipe = tuple(told["parameters"]), told["recipe"]
        digest = recipe["digests"]["law"]
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, ScalawError):
            raise
        what = f"not a fit saved by scalaw ({type(error).__name__})"
        raise ScalawError("S003", what, path.name, fix="fit again and save it") from error
    found = law or get_law(told["law"])
    if found.digest != digest:
        raise ScalawError(
            "S003",
            f"law {found.name} has changed since this fit was made",
            path.name,
            "draws would be read with another law",
            "fit again",
        )
    return Fit(tree, ScalingModel(found, noise, priors), runs, refs, verdict, parameters, recipe)


def _tuples(told: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists only; records hold tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}


def _validate(tree: Any, told: Any) -> None:
    """Known format and groups, sizes that agree."""
    if told["format"] != FORMAT:
        raise ValueError(f"format {told['format']}")
    if set(tree.children) != GROUPS:
        raise ValueError(f"groups {sorted(tree.children)}")
    sizes = {name: dict(tree[name].sizes) for name in GROUPS}
    chains, draws = sizes["posterior"]["chain"], sizes["posterior"]["draw"]
    runs = sizes["observed_data"]["run"]
    if sizes["sampling"]["chain"] != chains or sizes["sampling"]["draw"] != draws:
        raise ValueError("draws of two lengths")
    if sizes["log_likelihood"] != {"chain": chains, "draw": draws, "run": runs}:
        raise ValueError("log likelihood of another size")
    if len(told["frame"]["data"]) != runs:
        raise ValueError("runs of another number")
    if not np.all(np.isfinite(np.asarray(tree["constant_data"]["row_weight"]))):
        raise ValueError("row weights")


def _runs(told: dict[str, Any]) -> Runs:
    import pandas as pd

    frame = pd.DataFrame(told["frame"]["data"], columns=told["frame"]["columns"])
    numeric = frame.select_dtypes("number").columns
    return Runs(frame.astype(dict.fromkeys(numeric, "float64")), **_tuples(told["runs"]))
