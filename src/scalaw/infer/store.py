"""Save and load a fit: one netCDF file, written aside and renamed, read without importing anything from it.

The recipe, the model and the runs' facts travel as JSON in one attribute; arrays as groups. On loading, the
known groups, their sizes and the JSON are validated first. A law is looked up by its printed name and its
digest compared: a fit whose law's source has changed since keeps its summaries but is refused for new
predictions (S003). A user's own law is passed to :func:`load`.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs
from scalaw.errors import ScalawError
from scalaw.infer.diagnose import Verdict
from scalaw.infer.references import References, prior_digest
from scalaw.infer.store_checks import (
    FORMAT,
    RUN_FACTS,
    check_match,
    check_references,
    check_size,
    check_told,
)
from scalaw.laws import get_law
from scalaw.laws.law import Law
from scalaw.laws.prior import Prior
from scalaw.model.noise import get_noise
from scalaw.model.scaling_model import ScalingModel

if TYPE_CHECKING:
    from scalaw.infer.fit import Fit

#: What reading a file that is no fit may raise.
UNREADABLE = (OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError, MemoryError)


def save(fit: Fit, path: str | Path) -> None:
    """Write a fit; an existing file is replaced in one step, or not at all."""
    tree = fit.tree.copy()
    tree.attrs["scalaw"] = json.dumps(_describe(fit), allow_nan=True)
    write_aside(Path(path), lambda aside: tree.to_netcdf(aside, engine="h5netcdf"))


def write_aside(path: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` make a file beside ``path`` and rename it, so that no reader meets half a file (S004)."""
    aside = path.with_name(f".scalaw-{secrets.token_hex(8)}.tmp")
    try:
        write(aside)
        os.replace(aside, path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ScalawError("S004", f"cannot write there: {reason}", str(path)) from error
    finally:
        aside.unlink(missing_ok=True)


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
        }
        | {"schedules": {name: np.asarray(rates).tolist() for name, rates in fit.runs.schedules.items()}},
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

    path = Path(path)
    if not path.is_file():
        raise ScalawError("D001", "no such file", str(path), fix="save one with scalaw fit -o fit.nc")
    try:
        with xr.open_datatree(path, engine="h5netcdf") as opened:
            check_size(opened, path.stat().st_size)
            told = json.loads(str(opened.attrs["scalaw"]))
            told["runs"].setdefault("schedules", {})  # older files have none
            check_told(told)
            tree = opened.load()
        del tree.attrs["scalaw"]
        found = law or get_law(told["law"])
        fit = _assemble(tree, told, found)
    except UNREADABLE as error:
        if isinstance(error, ScalawError) and error.code.startswith("M"):
            raise
        reason = (str(error).splitlines() or [""])[0][:80] or type(error).__name__
        what = f"not a fit saved by scalaw: {reason}"
        raise ScalawError("S003", what, path.name, fix="fit again and save it") from error
    digests = told["recipe"]["digests"]
    if (found.digest, prior_digest(fit.model, fit.refs)) != (digests["law"], digests["priors"]):
        raise ScalawError(
            "S003",
            f"law {found.name}, or a prior of it, has changed since this fit was made",
            path.name,
            "draws would be read with another law",
            "fit again",
        )
    return fit


def _assemble(tree: Any, told: dict[str, Any], law: Law) -> Fit:
    from scalaw.infer.fit import Fit

    priors = tuple((name, Prior(**_tuples(p))) for name, p in sorted(told["priors"].items()))
    model = ScalingModel(law, get_noise(told["noise"]), priors)
    runs = _runs(told)
    refs = References(told["refs"]["units"], told["refs"]["statistics"])
    parameters = tuple(told["parameters"])
    check_references(model, refs.units)
    check_match(tree, model, runs, parameters)
    return Fit(tree, model, runs, refs, Verdict(**_tuples(told["verdict"])), parameters, told["recipe"])


def _tuples(told: dict[str, Any]) -> dict[str, Any]:
    """JSON knows lists only; records hold tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in told.items()}


def _runs(told: dict[str, Any]) -> Runs:
    import pandas as pd

    frame = pd.DataFrame(told["frame"]["data"], columns=told["frame"]["columns"])
    numeric = frame.select_dtypes("number").columns
    facts = _tuples(told["runs"])
    facts["schedules"] = {name: np.array(rates, np.float64) for name, rates in facts["schedules"].items()}
    return Runs(frame.astype(dict.fromkeys(numeric, "float64")), **facts)
