"""The :class:`Fit` record: a posterior and everything needed to use it.

A fit is made of four parts: the data tree, the model, the runs and a recipe (plain data: settings, seed, references,
versions, digests, seconds). The posterior group is in the paper's units; the group ``sampling`` holds the
coordinates that programs work in, so that a saved fit can forecast without refitting.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs
from scalaw.infer.diagnose import Verdict
from scalaw.infer.evidence import Reported
from scalaw.infer.interval import PROB, interval, known
from scalaw.infer.references import References
from scalaw.infer.scenarios import Scenario, scenario_of
from scalaw.model.scaling_model import ScalingModel

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Fit:
    """A posterior and everything needed to use it.

    Parameters
    ----------
    tree : xarray.DataTree
        Groups posterior, log_likelihood, log_prior, sample_stats, sampling, observed_data, constant_data.
    model : ScalingModel
    runs : Runs
    refs : References
    verdict : Verdict
    parameters : tuple of dict
        Per learned parameter (and index): diagnostics; see :meth:`to_json`.
    recipe : dict
        Plain data: method, seed, settings, versions, digests, seconds, searches, weights, evidence.
    """

    tree: xr.DataTree = field(repr=False)
    model: ScalingModel
    runs: Runs
    refs: References = field(repr=False)
    verdict: Verdict
    parameters: tuple[Mapping[str, Any], ...] = field(repr=False)
    recipe: Mapping[str, Any] = field(repr=False)

    @property
    def label(self) -> str:
        """Name of the law or variant."""
        return self.model.label

    @property
    def n_runs(self) -> int:
        """How many runs were fitted; those held out do not count."""
        return int(np.sum(np.asarray(self.tree["constant_data"]["row_weight"]) > 0))

    @property
    def whole(self) -> bool:
        """Whether every run of the table counts exactly once: leaving one out has a meaning only then."""
        return bool(np.all(np.asarray(self.tree["constant_data"]["row_weight"]) == 1.0))

    @property
    def scenario(self) -> Scenario:
        """The scenario that was fitted."""
        weight = np.asarray(self.tree["constant_data"]["row_weight"])
        return scenario_of(self.runs, self.model, row_weight=weight, refs=self.refs)

    @property
    def positions(self) -> np.ndarray:
        """Draws in sampling coordinates, which programs read, shape (draws over all chains, coordinates)."""
        positions = np.asarray(self.tree["sampling"]["position"])
        return positions.reshape(-1, positions.shape[-1])

    def draws(self, name: str) -> np.ndarray:
        """Draws of a parameter in the paper's units, all chains in one axis: (draws,) or (draws, size)."""
        values = np.asarray(self.tree["posterior"][name])
        return values.reshape(-1, *values.shape[2:])

    @property
    def elpd_loo(self) -> float | None:
        """Expected log predictive density of a run left out (PSIS-LOO); None where runs are held out or repeated."""
        import arviz_stats

        if not self.whole:
            return None
        stats: Any = arviz_stats  # its lazy exports are invisible to type checkers
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # compare reports Pareto k
            return float(stats.loo(self.tree, var_name="loss").elpd)

    @property
    def evidence(self) -> Reported:
        """Log marginal likelihood and its Monte Carlo error (nats), or why there is none."""
        return Reported(**self.recipe["evidence"])

    def _of(self, parameter: Mapping[str, Any]) -> np.ndarray:
        draws = self.draws(parameter["name"])
        return draws[:, next(iter(parameter["index"].values())) - 1] if parameter["index"] else draws

    def rows(self, prob: float = PROB) -> list[dict[str, Any]]:
        """Parameters with their intervals in the paper's units and their diagnostics, as plain data."""
        return [{**p, **interval(self._of(p), prob)} for p in self.parameters]

    def to_json(self, prob: float = PROB) -> dict[str, Any]:
        """Plain data as printed by ``scalaw fit --json``: numbers in base units, unrounded; None for what is not."""
        told = {
            "law": self.label,
            "noise": self.model.noise.name,
            "method": self.recipe["method"],
            "why": self.recipe["why"],
            **self.recipe["weights"],
            "n_runs": self.n_runs,
            "seed": self.recipe["seed"],
            "parameters": self.rows(prob),
            "elpd_loo": self.elpd_loo,
            **self.recipe["evidence"],
            "seconds": self.recipe["seconds"],
        }
        return known(told)

    def to_frame(self, prob: float = PROB) -> pd.DataFrame:
        """One row per parameter: interval in the paper's units, diagnostics, prior sd."""
        import pandas as pd

        rows = self.rows(prob)
        index = [p["name"] + "".join(f"[{i}]" for i in p["index"].values()) for p in rows]
        drop = ["name", "index", "published", "prior", "prob"]
        return pd.DataFrame(rows, index=pd.Index(index, name="parameter")).drop(columns=drop)

    def save(self, path: Any) -> None:
        """Write a netCDF file; see :mod:`scalaw.infer.store`."""
        from scalaw.infer.store import save

        save(self, path)

    def __str__(self) -> str:
        head = (
            f"{self.label} with {self.model.noise.name} noise on {self.n_runs} runs from {self.runs.source}"
        )
        columns = ["median", "lower", "upper", "rhat", "ess_bulk", "bootstrap_ratio"]
        table = self.to_frame()[columns].map(_shown).to_string()
        return f"{head}\nverdict: {self.verdict}\n{table}\n(lower, upper: {PROB:.0%} equal-tailed interval)"


def _shown(value: float | None) -> str:
    """A number as in a table; blank where there is none."""
    return "" if value is None or np.isnan(value) else f"{value:.5g}"
