"""``point_fit``: the best parameters of a law given runs, in milliseconds and without a posterior.

::

    found = scalaw.point_fit(runs, "chinchilla", noise="huber")   # what most papers report
    print(found)                        # parameters in the paper's units, and how many searches agreed
    scalaw.bootstrap(found)             # how far they move with other runs

The point is the mode of the posterior, in the coordinates that are sampled; for ``noise="huber"`` it is the minimum of
Huber's loss, to which priors add nothing (:mod:`scalaw.model.noise_huber`). It is searched for from many starts.
A point has no interval: its bootstrap has, or a posterior.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs
from scalaw.infer.assemble import learned, paper_columns, shown
from scalaw.infer.batch import grouped
from scalaw.infer.fit import check_whole, checked_scenario, model_of
from scalaw.infer.point import Mode
from scalaw.infer.programs import Clock
from scalaw.infer.references import References
from scalaw.infer.scenarios import Scenario, scenario_of
from scalaw.infer.search import search
from scalaw.laws.law import Law
from scalaw.laws.prior import Prior
from scalaw.model.noise import Noise
from scalaw.model.scaling_model import ScalingModel

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False)
class PointFit:
    """The best parameters of a law, and how they were found.

    Parameters
    ----------
    model : ScalingModel
    runs : Runs
    refs : References
    row_weight : array, shape (runs,)
        0 where a run is held out.
    mode : Mode
    starts, agreed : int
        How many searches there were, and how many of them ended at this point.
    rival : float
        How far below the best *other* mode lies, in nats (a multiple of the loss for an objective); inf: there is none.
    notes : tuple of str
        Warnings about the table.
    """

    model: ScalingModel
    runs: Runs
    refs: References = field(repr=False)
    row_weight: np.ndarray = field(repr=False)
    mode: Mode = field(repr=False)
    starts: int
    agreed: int
    rival: float
    notes: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """Name of the law or variant."""
        return self.model.label

    @property
    def n_runs(self) -> int:
        """How many runs were fitted; those held out do not count."""
        return int(np.sum(self.row_weight > 0))

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why one should look twice: a point that only one search found need not be the best."""
        if self.agreed > 1:
            return ()
        return (f"only one of {self.starts} searches ended at the best parameters: there may be better ones",)

    @property
    def level(self) -> str:
        """OK or LOOK."""
        return "LOOK" if self.reasons else "OK"

    @property
    def scenario(self) -> Scenario:
        """The scenario that was fitted."""
        return scenario_of(self.runs, self.model, row_weight=self.row_weight, refs=self.refs)

    @property
    def values(self) -> dict[str, float]:
        """Learned parameters in the paper's units, by the names that are shown (``alpha``, ``c[1]``)."""
        labels, free = learned(self.model)
        values = paper_columns(self.model, self.refs, np.asarray(self.mode.values)[None])[0, free]
        return dict(zip(shown(labels), values.tolist(), strict=True))

    def to_frame(self) -> pd.DataFrame:
        """One row per parameter: its value in the paper's units and the unit."""
        import pandas as pd

        rows = {row["name"] + "".join(f"[{i}]" for i in row["index"].values()): row for row in self.rows()}
        index = pd.Index(rows, name="parameter")
        return pd.DataFrame(list(rows.values()), index, ["value", "unit"])

    def rows(self) -> list[dict[str, Any]]:
        """Parameters as plain data: name, index, unit and value."""
        units = {p.name: p.dimension for p in self.model.parameters}
        labels = learned(self.model)[0]
        return [
            {"name": name, "index": index, "unit": units[name], "value": value}
            for (name, index), value in zip(labels, self.values.values(), strict=True)
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain data: numbers in base units, unrounded."""
        return {
            "law": self.label,
            "noise": self.model.noise.name,
            "n_runs": self.n_runs,
            "parameters": self.rows(),
            "searches": {"starts": self.starts, "agreed": self.agreed, "rival": self.rival},
        }

    def __str__(self) -> str:
        head = (
            f"{self.label} with {self.model.noise.name} noise on {self.n_runs} runs from {self.runs.source}"
        )
        found = f"verdict: {self.level} ({self.agreed} of {self.starts} searches ended here)"
        return "\n".join([head, found, self.to_frame().to_string(float_format=lambda v: f"{v:.6g}")])


def point_fit(
    runs: Runs,
    law: str | Law = "chinchilla",
    *,
    noise: str | Noise = "auto",
    x: str | None = None,
    priors: Mapping[str, str | Prior] | None = None,
    fixed: Mapping[str, float] | None = None,
    seed: int = 0,
    row_weight: np.ndarray | None = None,
    allow_prior_dominated: bool = False,
) -> PointFit:
    """Best parameters of a law given runs, searched for from many starts.

    Parameters
    ----------
    runs : Runs
    law : str or Law
        Name, variant or a law of your own.
    noise : str or Noise
        As for :func:`scalaw.fit`; ``"huber"`` minimises Huber's loss of the log residuals with δ = 1e-3, and
        ``"huber[huber_delta=0.01]"`` with another δ.
    x : str, optional
        Column that a one-dimensional law scales, e.g. ``"C"``.
    priors, fixed : mapping, optional
        As for :func:`scalaw.fit`.
    seed : int
        Of the starts.
    row_weight : array, shape (runs,), optional
        0 holds a run out, 2 counts it twice.
    allow_prior_dominated : bool
        Fit even with no more runs than parameters.

    Returns
    -------
    PointFit

    Raises
    ------
    ScalawError
        For runs or a law that cannot be fitted, as :func:`scalaw.fit`.
    """
    check_whole(runs, row_weight)
    model = model_of(law, noise=noise, priors=priors, fixed=fixed, density=False)
    along = runs.along(x) if x else runs
    table, scenario, warnings = checked_scenario(along, model, row_weight, allow_prior_dominated)
    ((_, group),) = grouped([scenario])
    (found,) = search(group.structure, group.scenarios, group.arrays, seed, Clock(), thorough=True)
    searched = (found.mode, found.starts, found.agreed, found.rival)
    return PointFit(model, table, scenario.refs, scenario.row_weight, *searched, tuple(map(str, warnings)))
