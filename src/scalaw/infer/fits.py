"""The :class:`Fits` record: many posteriors, one data set with a ``scenario`` dimension."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from scalaw.data import Runs
from scalaw.errors import Problem, ScalawError
from scalaw.infer.assemble import assemble, learned, shown
from scalaw.infer.batch import Kept, Sampled
from scalaw.infer.diagnose import UNIDENTIFIED, Verdict
from scalaw.infer.fitted import Fit
from scalaw.infer.interval import PROB
from scalaw.infer.nuts import Settings
from scalaw.infer.point import Mode
from scalaw.infer.programs import Clock
from scalaw.infer.scenarios import Scenario
from scalaw.infer.summaries import Summary
from scalaw.model.scaling_model import ScalingModel

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

#: Numbers told of every fit, NaN where there are none.
NUMBERS = (
    "pareto_k",
    "kish",
    "log_evidence",
    "log_evidence_se",
    "log_density",
    "starts",
    "agreed",
    "rival",
    "divergent",
)


@dataclass(frozen=True)
class Planned:
    """One fit to be made: a model, the name of a data set and its runs; ``refused`` says why there is no scenario."""

    model: ScalingModel
    name: str
    runs: Runs = field(repr=False)
    scenario: Scenario | None = field(repr=False)
    warned: tuple[Problem, ...] = field(repr=False)
    refused: str


@dataclass(frozen=True, eq=False)
class Fits:
    """Many posteriors: law × data set.

    Parameters
    ----------
    planned : tuple of Planned
        What was asked for, laws outermost.
    summaries : tuple of Summary or None
        What was found, None where a law could not be fitted to a data set.
    recipe : mapping
        Plain data: method, seed, settings, compilations, seconds, versions.
    """

    planned: tuple[Planned, ...]
    summaries: tuple[Summary | None, ...] = field(repr=False)
    recipe: Mapping[str, Any] = field(repr=False)

    def __len__(self) -> int:
        return len(self.planned)

    def __iter__(self) -> Iterator[Fit]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Fit:
        """One fit, from the draws that were kept.

        Raises
        ------
        ScalawError
            With the reason, where the law could not be fitted to the data set.
        """
        plan, summary = self.planned[i], self.summaries[i]
        if plan.scenario is None or summary is None:
            raise ScalawError(
                "M018", f"there is no fit of {plan.model.label} to {plan.name}", why=plan.refused
            )
        settings = Settings(**self.recipe["settings"])
        fit = assemble(
            _restored(plan.scenario, summary), plan.runs, settings, self.recipe["seed"], 0, plan.warned
        )
        told = summary.told
        notes = tuple(dict.fromkeys((*told["notes"], *fit.verdict.notes)))
        verdict = Verdict(told["verdict"], tuple(told["reasons"]), notes)
        names = ("rhat", "ess_bulk", "ess_tail")
        parameters = [
            {
                **row,
                **dict(zip(names, map(float, figures), strict=False)),
                "identified": figures[3] <= UNIDENTIFIED,
            }
            for row, figures in zip(fit.parameters, summary.stats, strict=True)
        ]
        evidence = {name: told[name] for name in ("log_evidence", "log_evidence_se")}
        weights = {name: told[name] for name in ("pareto_k", "kish")}
        recipe = {**fit.recipe, "evidence": evidence, "weights": weights}
        return replace(fit, verdict=verdict, parameters=tuple(parameters), recipe=recipe)

    @property
    def verdict(self) -> str:
        """The gravest verdict of all."""
        return max((told["verdict"] for told in self._told()), key=("OK", "LOOK", "BAD").index)

    def _told(self) -> Iterator[dict[str, Any]]:
        """Plain data of every fit, refused ones too."""
        nothing = dict.fromkeys(NUMBERS)
        for plan, summary in zip(self.planned, self.summaries, strict=True):
            if summary is None:
                refused = {
                    "method": None,
                    "why": "refused",
                    "verdict": "BAD",
                    "reasons": [plan.refused],
                    "notes": [],
                }
                yield nothing | refused
            else:
                yield summary.told

    @cached_property
    def dataset(self) -> xr.Dataset:
        """Everything in one data set with the dimensions ``scenario``, ``parameter``, ``draw`` and ``coordinate``.

        A parameter that a law lacks is NaN in its rows; so are coordinates and draws that a posterior has not.
        """
        import xarray as xr

        told = list(self._told())
        names = list(dict.fromkeys(name for plan in self.planned for name in shown(learned(plan.model)[0])))
        table = np.full((len(self), len(names), 10), np.nan)
        kept = [s.position for s in self.summaries if s is not None] or [np.empty((0, 0))]
        position = np.full((len(self), *map(max, zip(*(p.shape for p in kept), strict=True))), np.nan)
        for i, (plan, summary) in enumerate(zip(self.planned, self.summaries, strict=True)):
            if summary is not None:
                at = [names.index(name) for name in shown(learned(plan.model)[0])]
                table[i, at] = np.concatenate([summary.interval, summary.stats], axis=1)
                draws, coordinates = summary.position.shape
                position[i, :draws, :coordinates] = summary.position
        columns = (
            "lower",
            "median",
            "upper",
            "mean",
            "sd",
            "rhat",
            "ess_bulk",
            "ess_tail",
            "contraction",
            "mcse",
        )
        per_parameter = {name: (("scenario", "parameter"), table[..., j]) for j, name in enumerate(columns)}
        numbers = {name: ("scenario", np.array([_number(t[name]) for t in told])) for name in NUMBERS}
        words = {name: ("scenario", [t[name] or "" for t in told]) for name in ("method", "why", "verdict")}
        words["reasons"] = ("scenario", ["\n".join(t["reasons"]) for t in told])
        coords = {
            "law": ("scenario", [plan.model.label for plan in self.planned]),
            "data": ("scenario", [plan.name for plan in self.planned]),
            "parameter": names,
        }
        drawn = {"position": (("scenario", "draw", "coordinate"), position)}
        runs = {"n_runs": ("scenario", [len(plan.runs) for plan in self.planned])}
        return xr.Dataset(per_parameter | numbers | words | drawn | runs, coords, {"prob": PROB})

    def to_frame(self) -> pd.DataFrame:
        """One row per fit: law, data set, method, verdict, Pareto k, and the median and interval of every parameter."""
        import pandas as pd

        data = self.dataset
        columns: dict[str, Any] = {
            name: data[name].values for name in ("law", "data", "n_runs", "method", "verdict")
        }
        columns |= {
            name: data[name].values for name in ("pareto_k", "kish", "log_evidence", "log_evidence_se")
        }
        for name in data["parameter"].values:
            one = data.sel(parameter=name)
            columns |= {f"{name}": one["median"].values}
            columns |= {f"{name}_{end}": one[end].values for end in ("lower", "upper")}
        return pd.DataFrame(columns)

    def to_json(self) -> dict[str, Any]:
        """Plain data as printed by ``scalaw fit-many --json``."""
        fits = []
        for plan, summary, told in zip(self.planned, self.summaries, self._told(), strict=True):
            one = {"law": plan.model.label, "noise": plan.model.noise.name, "scenario": plan.name}
            one |= {
                "n_runs": len(plan.runs),
                **{name: told[name] for name in ("method", "why", "verdict", "reasons")},
            }
            one |= {name: told[name] for name in ("pareto_k", "kish", "log_evidence", "log_evidence_se")}
            fits.append(one | {"parameters": _rows(plan, summary), "elpd_loo": None})
        return {"fits": fits, "compilations": self.recipe["compilations"], "seconds": self.recipe["seconds"]}

    def __str__(self) -> str:
        told = list(self._told())
        verdicts, methods = (
            Counter(t["verdict"] for t in told),
            Counter(t["method"] or "refused" for t in told),
        )
        counted = ", ".join(f"{count} {name}" for name, count in verdicts.items())
        served = ", ".join(f"{count} by {name}" for name, count in methods.items())
        return f"{len(self)} fits: {counted} ({served})"


def _number(value: Any) -> float:
    return np.nan if value is None else float(value)


def _rows(plan: Planned, summary: Summary | None) -> list[dict[str, Any]]:
    """Parameters with their intervals and diagnostics."""
    if summary is None:
        return []
    units = {p.name: p.dimension for p in plan.model.parameters}
    rows = []
    for (name, index), interval, stats in zip(
        learned(plan.model)[0], summary.interval, summary.stats, strict=True
    ):
        row = {"name": name, "index": index, "unit": units[name], "prob": PROB}
        row |= dict(zip(("lower", "median", "upper", "mean", "sd"), map(float, interval), strict=True))
        row |= {
            "rhat": float(stats[0]),
            "ess_bulk": float(stats[1]),
            "identified": bool(stats[3] <= UNIDENTIFIED),
        }
        rows.append(row)
    return rows


def _restored(scenario: Scenario, summary: Summary) -> Sampled:
    """A sampled posterior whose draws are those that were kept."""
    told = summary.told
    kept = Kept(summary.position[None], summary.values[None], summary.log_density[None])
    position, z = summary.mode
    values = np.full(len(position), np.nan)
    mode = Mode(position, z, told["log_density"], summary.whiten, values)
    found = (told["starts"], told["agreed"], told["rival"])
    return Sampled(
        scenario, told["method"], told["why"], kept, None, jax.tree.map(np.asarray, mode), *found, Clock()
    )
