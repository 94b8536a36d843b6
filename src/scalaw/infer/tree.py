"""The ArviZ data tree of a fit.

Groups and their dimensions: ``posterior`` (chain, draw[, index]) in the paper's units; ``sample_stats``
(chain, draw); ``log_likelihood`` and ``log_prior``; ``sampling`` (chain, draw, coordinate);
``observed_data`` and ``constant_data`` (run), which holds covariates (vectors and reduced schedules with further
dimensions of their own), row weights and what the noise reads of a run beside its loss. The log likelihood is of
``ln loss``, per real row, unweighted. Weighted draws are resampled to one chain of equal weights, so that everything
downstream reads one kind of draws; ``importance`` (weighted_draw[, coordinate]) then keeps them as they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs
from scalaw.infer.batch import Sampled
from scalaw.infer.importance import Weighted
from scalaw.infer.nuts import Draws
from scalaw.model.scaling_model import ScalingModel

if TYPE_CHECKING:
    import xarray as xr

    from scalaw.infer.evaluate import Pointwise


def index_name(size_option: str) -> str:
    """Dimension of an indexed parameter: option ``breaks`` → dimension ``break``."""
    return size_option.removesuffix("s")


def coordinate_labels(model: ScalingModel) -> list[tuple[str, dict[str, int]]]:
    """Name and index (from 1, empty for scalars) of every coordinate."""
    labels: list[tuple[str, dict[str, int]]] = []
    for p, size in zip(model.parameters, model.sizes, strict=True):
        if size is None:
            labels.append((p.name, {}))
        else:
            labels += [(p.name, {index_name(p.size or ""): i + 1}) for i in range(size)]
    return labels


def row_dims(name: str, ndim: int) -> tuple[str, ...]:
    """Dimensions of what runs have: ``run``, and ``r_1``, … for the components of a vector ``r``."""
    return ("run", *(f"{name}_{axis}" for axis in range(1, ndim)))


def build_tree(sampled: Sampled, runs: Runs, pointwise: Pointwise) -> xr.DataTree:
    """Assemble the tree of one scenario."""
    import xarray as xr

    scenario, model, positions = sampled.scenario, sampled.scenario.model, sampled.positions
    chains, length = positions.shape[:2]
    base = {"chain": np.arange(chains), "draw": np.arange(length)}
    rows = {"run": np.arange(scenario.rows)}
    wide = ("chain", "draw", "run")

    def folded(values: Any) -> np.ndarray:
        return np.asarray(values).reshape(chains, length, -1)

    stats = ("energy", "diverging", "n_steps", "acceptance_rate", "step_size")
    stats = stats if isinstance(sampled.draws, Draws) else ()
    sample_stats = {name: (("chain", "draw"), np.asarray(getattr(sampled.draws, name))) for name in stats}
    sample_stats["lp"] = (("chain", "draw"), sampled.log_density)
    log_prior = folded(pointwise.log_prior)
    free = {p.name for p in model.free}
    given = {**scenario.covariates, **scenario.noise_rows()}
    constant = {name: (row_dims(name, np.ndim(values)), np.asarray(values)) for name, values in given.items()}
    constant["row_weight"] = (("run",), scenario.row_weight)
    groups = {
        "posterior": xr.Dataset(_posterior(sampled), base | _index_coords(model)),
        "sample_stats": xr.Dataset(sample_stats, base),
        "log_likelihood": xr.Dataset({"loss": (wide, folded(pointwise.log_likelihood))}, base | rows),
        "log_prior": xr.Dataset(
            {
                p.name: (("chain", "draw"), log_prior[..., i])
                for i, p in enumerate(model.parameters)
                if p.name in free
            },
            base,
        ),
        "sampling": xr.Dataset({"position": (("chain", "draw", "coordinate"), positions)}, base),
        "observed_data": xr.Dataset({"loss": ("run", scenario.loss)}, rows),
        "constant_data": xr.Dataset(constant, rows),
    }
    if sampled.weighted is not None:
        groups["importance"] = xr.Dataset(_weighted(sampled.weighted))
    return xr.DataTree.from_dict(groups)


def _weighted(weighted: Weighted) -> dict[str, Any]:
    """Weighted draws as they were made."""
    out: dict[str, Any] = {"position": (("weighted_draw", "coordinate"), np.asarray(weighted.position))}
    for name in ("log_density", "log_proposal", "log_importance"):
        out[name] = ("weighted_draw", np.asarray(getattr(weighted, name)))
    return out


def _index_coords(model: ScalingModel) -> dict[str, np.ndarray]:
    return {
        index_name(p.size): np.arange(1, (model.law.size(p) or 0) + 1)
        for p in model.law.parameters
        if p.size is not None
    }


def _posterior(sampled: Sampled) -> dict[str, Any]:
    """Learned parameters in the paper's units."""
    model, refs = sampled.scenario.model, sampled.scenario.refs.units
    values = model.structure().split(sampled.values)
    paper = {**values, **model.law.paper_values(values, refs)}
    out = {}
    for p in model.free:
        dims = ("chain", "draw") if p.size is None else ("chain", "draw", index_name(p.size))
        out[p.name] = (dims, np.asarray(paper[p.name]))
    return out
