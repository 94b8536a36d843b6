"""What a saved fit must look like: checked before anything in the file is used.

A file may be truncated, foreign or hostile. Its JSON is held against :data:`TOLD`, a picture of it with a
test at every leaf; its groups against the model and the runs that the JSON names. Every function raises
``ValueError`` with the first thing that does not fit, which :func:`scalaw.infer.store.load` turns into S003.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scalaw.data import Runs
from scalaw.data.covariates import covariate_values, is_number
from scalaw.infer.references import bind
from scalaw.infer.scenarios import checked_weights
from scalaw.infer.tree import coordinate_labels, row_dims
from scalaw.model.scaling_model import ScalingModel

FORMAT = 2
GROUPS = {
    "posterior",
    "sample_stats",
    "log_likelihood",
    "log_prior",
    "sampling",
    "observed_data",
    "constant_data",
}
#: A fit by importance sampling has one more.
WEIGHTED = "importance"
#: Arrays may take this many times the file's own size when they are read: netCDF can be compressed.
COMPRESSION = 100


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _finite(value: Any) -> bool:
    return _number(value) and math.isfinite(value)


def _number_or_text(value: Any) -> bool:
    return _text(value) or (_number(value) and math.isfinite(value))


def _number_or_none(value: Any) -> bool:
    return value is None or _number(value)


def _text_or_none(value: Any) -> bool:
    return value is None or _text(value)


def _cell(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def _level(value: Any) -> bool:
    return value in ("OK", "LOOK", "BAD")


class Named(dict[str, Any]):
    """Picture of a mapping with any keys and values of one kind."""


_PUBLISHED = {"key": _text, "value": _number, "se": _number_or_none, "source": _text}
_PARAMETER = {
    "name": _text,
    "index": Named(each=_whole),
    "unit": _text,
    "prior_sd": _number,
    "prior": Named(each=_number),
    "rhat": _number,
    "ess_bulk": _number,
    "ess_tail": _number,
    "identified": lambda value: isinstance(value, bool),
    "bootstrap_ratio": _number_or_none,
    "published": [_PUBLISHED],
}
_RECIPE = {
    "method": _text,
    "why": _text,
    "seed": _whole,
    "settings": Named(each=_number),
    "searches": Named(each=_number),
    "weights": {"pareto_k": _number_or_none, "kish": _number_or_none},
    "evidence": {
        "log_evidence": _number_or_none,
        "log_evidence_se": _number_or_none,
        "no_evidence": _text_or_none,
    },
    "seconds": {"compile": _number, "run": _number},
    "digests": {"runs": _text, "law": _text, "priors": _text},
    "versions": Named(each=_text),
    "mode": [_number],
}
#: What is told of the runs beside their rows.
RUN_FACTS = {
    "columns": Named(each=_text),
    "convention": _text,
    "loss_kind": _text,
    "source": _text,
    "conversions": [_text],
    "citation": _text,
    "caveats": [_text],
    "flops": _text,
    "groups": [_text],
}
#: Schedules that were read from files, a learning rate per step.
SCHEDULES = Named(each=[_finite])
#: Picture of the JSON: a dict has exactly these keys, a list any number of items of one kind.
TOLD = {
    "format": lambda value: value == FORMAT,
    "law": _text,
    "noise": _text,
    "priors": Named(
        each={
            "family": _text,
            "numbers": [_number_or_text],
            "low": _number_or_text,
            "scale": _number_or_text,
            "unit": lambda value: value in ("reference", "paper"),
        }
    ),
    "refs": {"units": Named(each=_finite), "statistics": Named(each=_number)},
    "verdict": {"level": _level, "reasons": [_text], "notes": [_text]},
    "parameters": [_PARAMETER],
    "recipe": _RECIPE,
    "runs": {**RUN_FACTS, "schedules": SCHEDULES},
    "frame": {"columns": [_text], "data": [[_cell]]},
}


def check_told(told: Any) -> None:
    """The JSON has the shape of :data:`TOLD`, and its table is a table."""
    _match(told, TOLD, "")
    width = len(told["frame"]["columns"])
    if any(len(row) != width for row in told["frame"]["data"]):
        raise ValueError("rows of other lengths")


def _match(value: Any, picture: Any, where: str) -> None:
    if isinstance(picture, Named):
        if not isinstance(value, dict):
            raise ValueError(f"{where} is no mapping")
        for name, item in value.items():
            _match(item, picture["each"], f"{where}.{name[:40]}")
    elif isinstance(picture, Mapping):
        if not isinstance(value, dict) or value.keys() != picture.keys():
            raise ValueError(f"{where or 'description'} has other entries")
        for name, item in picture.items():
            _match(value[name], item, f"{where}.{name}" if where else name)
    elif isinstance(picture, Sequence):
        if not isinstance(value, list):
            raise ValueError(f"{where} is no list")
        for item in value:
            _match(item, picture[0], where)
    elif not picture(value):
        raise ValueError(f"{where} is not what it should be")


def check_size(tree: Any, file_bytes: int) -> None:
    """Groups are the known ones, hold numbers, and are no larger than the file can hold; reads no array."""
    if not GROUPS <= set(tree.children) <= GROUPS | {WEIGHTED}:
        raise ValueError("other groups")
    arrays = [array for name in tree.children for array in tree[name].variables.values()]
    if any(array.dtype.kind not in "fiub" for array in arrays):
        raise ValueError("arrays of something else than numbers")
    if sum(array.nbytes for array in arrays) > COMPRESSION * file_bytes:
        raise ValueError("arrays larger than the file")


def check_references(model: ScalingModel, units: Mapping[str, float]) -> None:
    """References are positive, but for those that are subtracted and for a response of any sign."""
    shifted = {c.unit for c in model.law.covariates if c.scaling == "interval"}
    shifted |= {"loss"} if model.law.response.domain == "real" else set()
    if any(value <= 0 for name, value in units.items() if name not in shifted):
        raise ValueError("a reference that is not above 0")


def check_match(tree: Any, model: ScalingModel, runs: Runs, parameters: Sequence[Mapping[str, Any]]) -> None:
    """Groups, parameters and runs belong to the model and to each other."""
    wide = {name: tree["sampling"].sizes[name] for name in ("chain", "draw")}
    rows = {"run": len(runs)}
    expected = {
        "sample_stats": wide,
        "sampling": wide | {"coordinate": len(model.coordinates)},
        "log_likelihood": wide | rows,
        "log_prior": wide,
        "observed_data": rows,
        "constant_data": rows,
    }
    bound = bind(model.law, runs)
    vectors = {
        c.name: covariate_values(bound, model.law, c).shape for c in model.law.covariates if not is_number(c)
    }
    for name, sizes in expected.items():
        for key, array in tree[name].data_vars.items():
            shape = vectors.get(str(key)) if name == "constant_data" else None
            own = sizes if shape is None else dict(zip(row_dims(str(key), len(shape)), shape, strict=True))
            if dict(array.sizes) != own:
                raise ValueError(f"{name} has another size")
    if WEIGHTED in tree.children:
        n, d = tree[WEIGHTED]["log_importance"].size, len(model.coordinates)
        shapes = {name: array.shape for name, array in tree[WEIGHTED].data_vars.items()}
        if shapes.pop("position") != (n, d) or set(shapes.values()) != {(n,)}:
            raise ValueError("weighted draws of another size")
    learned = {p.name: model.law.size(p) for p in model.free}
    posterior = tree["posterior"].data_vars
    if set(posterior) != set(learned) or set(tree["log_prior"].data_vars) != set(learned):
        raise ValueError("parameters of another law")
    for name, size in learned.items():
        if posterior[name].shape != (*wide.values(), *([] if size is None else [size])):
            raise ValueError(f"{name} has another size")
    labels = [label for label in coordinate_labels(model) if label[0] in learned]
    if [(p["name"], p["index"]) for p in parameters] != labels:
        raise ValueError("figures of other parameters")
    if not np.array_equal(np.asarray(tree["observed_data"]["loss"]), bound.values("loss")):
        raise ValueError("losses of other runs")
    checked_weights(runs, np.asarray(tree["constant_data"]["row_weight"]))
