"""The :class:`Fits` record: many posteriors, one data set with a ``scenario`` dimension.

::

    fits.to_frame()                 # a row per fit
    fits.dataset                    # xarray: figures by scenario and parameter, draws kept
    fits.only(verdict="LOOK")       # places of those fits
    fits[3]                         # one of them as a Fit: tree, forecast, report, save
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs
from scalaw.errors import Problem, ScalawError
from scalaw.infer.assemble import PRIOR_DRAWS, learned, parameter_rows, recipe_of, shown
from scalaw.infer.batch import Kept, Sampled
from scalaw.infer.diagnose import UNIDENTIFIED, Figures, Verdict
from scalaw.infer.evaluate import evaluate
from scalaw.infer.evidence import Reported
from scalaw.infer.executables import key_data
from scalaw.infer.fitted import Fit
from scalaw.infer.interval import PROB, known
from scalaw.infer.nuts import Settings
from scalaw.infer.point import Mode
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.programs import Clock
from scalaw.infer.scenarios import Scenario
from scalaw.infer.summaries import FIGURES, SCORES, Summary
from scalaw.infer.tree import build_tree
from scalaw.model.scaling_model import ScalingModel

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

#: Numbers told of every fit, None where there are none.
NUMBERS = (
    *("pareto_k", "kish", "log_evidence", "log_evidence_se", *SCORES),
    *("log_density", "starts", "agreed", "rival", "divergent"),
)
#: Those that a table of fits and its JSON show.
_SHOWN = NUMBERS[: NUMBERS.index("log_density")]
LEVELS = ("OK", "LOOK", "BAD")


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
        """One fit, made of the draws that were kept; verdict and diagnostics are those of all draws.

        Raises
        ------
        ScalawError
            M018 with the reason, where the law could not be fitted to the data set.
        """
        plan, summary = self.planned[i], self.summaries[i]
        if plan.scenario is None or summary is None:
            what = f"there is no fit of {plan.model.label} to {plan.name}"
            raise ScalawError("M018", what, why=plan.refused)
        sampled, told = _restored(plan.scenario, summary), summary.told
        settings, seed = Settings(**self.recipe["settings"]), self.recipe["seed"]
        prior = prior_draws(plan.scenario, PRIOR_DRAWS, key_data(seed, "prior", plan.scenario.name))
        labels = learned(plan.model)[0]
        made = settings._asdict() if told["method"] == "nuts" else {"draws": len(summary.position)}
        recipe = recipe_of(sampled, plan.runs, settings, seed, Clock()) | {
            "settings": made,
            "weights": {name: told[name] for name in ("pareto_k", "kish")},
            "evidence": {name: told[name] for name in Reported._fields},
        }
        return Fit(
            build_tree(sampled, plan.runs, evaluate(plan.scenario, summary.position)),
            plan.model,
            plan.runs,
            plan.scenario.refs,
            Verdict(told["verdict"], tuple(told["reasons"]), tuple(told["notes"])),
            parameter_rows(plan.scenario, labels, _figures(shown(labels), summary), prior),
            recipe,
        )

    def only(self, law: str | None = None, data: str | None = None, verdict: str | None = None) -> list[int]:
        """Places of the fits of a law, to a data set, with a verdict; each may be left open."""
        told = zip(self.planned, self.told, strict=True)
        wanted = (law, data, verdict)
        return [
            i
            for i, (plan, one) in enumerate(told)
            if all(
                want in (None, found)
                for want, found in zip(wanted, (plan.model.label, plan.name, one["verdict"]), strict=True)
            )
        ]

    @property
    def verdict(self) -> str:
        """The gravest verdict of all."""
        return max((one["verdict"] for one in self.told), key=LEVELS.index)

    @cached_property
    def told(self) -> tuple[Mapping[str, Any], ...]:
        """Plain data of every fit, refused ones too: method, why, verdict, reasons, notes and numbers."""
        nothing = {**dict.fromkeys(NUMBERS), "method": None, "why": "refused", "verdict": "BAD", "notes": []}
        nothing["no_evidence"] = "there is no fit"
        return tuple(
            {**nothing, "reasons": [plan.refused]} if summary is None else summary.told
            for plan, summary in zip(self.planned, self.summaries, strict=True)
        )

    @cached_property
    def dataset(self) -> xr.Dataset:
        """Everything in one data set with the dimensions ``scenario``, ``parameter``, ``draw`` and ``coordinate``.

        A parameter that a law lacks is NaN in its rows; so are coordinates and draws that a posterior has not.
        """
        import xarray as xr

        names, table = self._table()
        kept = [s.position for s in self.summaries if s is not None] or [np.empty((0, 0))]
        position = np.full((len(self), *np.max([p.shape for p in kept], axis=0)), np.nan)
        for i, summary in enumerate(self.summaries):
            if summary is not None:
                draws, coordinates = summary.position.shape
                position[i, :draws, :coordinates] = summary.position
        variables: dict[str, Any] = {
            name: (("scenario", "parameter"), table[..., j]) for j, name in enumerate(FIGURES)
        }
        variables |= {name: ("scenario", values) for name, values in self._columns(NUMBERS).items()}
        told = ("method", "why", "verdict", "no_evidence")
        words = {name: [one[name] or "" for one in self.told] for name in told}
        words["reasons"] = ["\n".join(one["reasons"]) for one in self.told]
        variables |= {name: ("scenario", values) for name, values in words.items()}
        variables["n_runs"] = ("scenario", [len(plan.runs) for plan in self.planned])
        variables["position"] = (("scenario", "draw", "coordinate"), position)
        coords = {
            "law": ("scenario", [plan.model.label for plan in self.planned]),
            "data": ("scenario", [plan.name for plan in self.planned]),
            "parameter": names,
        }
        return xr.Dataset(variables, coords, {"prob": PROB})

    def _table(self) -> tuple[list[str], np.ndarray]:
        """Names of all parameters, and their figures by scenario, parameter and figure."""
        each = [shown(learned(plan.model)[0]) for plan in self.planned]
        names = list(dict.fromkeys(name for one in each for name in one))
        place = {name: j for j, name in enumerate(names)}
        table = np.full((len(self), len(names), len(FIGURES)), np.nan)
        for i, (own, summary) in enumerate(zip(each, self.summaries, strict=True)):
            if summary is not None:
                table[i, [place[name] for name in own]] = summary.table
        return names, table

    def _columns(self, names: tuple[str, ...]) -> dict[str, np.ndarray]:
        """Numbers of every fit, NaN where there are none."""
        return {name: np.array([one[name] for one in self.told], np.float64) for name in names}

    def rows(self, i: int) -> list[dict[str, Any]]:
        """Parameters of one fit with intervals and diagnostics, None for those that its method has not."""
        plan, summary = self.planned[i], self.summaries[i]
        if summary is None:
            return []
        units = {p.name: p.dimension for p in plan.model.parameters}
        rows = []
        for (name, index), figures in zip(learned(plan.model)[0], summary.table, strict=True):
            told = known(dict(zip(FIGURES, figures.tolist(), strict=True)))
            contraction = told.pop("contraction")
            identified = contraction is not None and contraction <= UNIDENTIFIED
            one = {"name": name, "index": index, "unit": units[name], "prob": PROB}
            rows.append({**one, **told, "identified": identified})
        return rows

    def to_frame(self) -> pd.DataFrame:
        """One row per fit: law, data set, runs, method, verdict, numbers, and each parameter's median and interval."""
        import pandas as pd

        names, table = self._table()
        columns: dict[str, Any] = {
            "law": [plan.model.label for plan in self.planned],
            "data": [plan.name for plan in self.planned],
            "n_runs": [len(plan.runs) for plan in self.planned],
            "method": [one["method"] for one in self.told],
            "verdict": [one["verdict"] for one in self.told],
            **self._columns(_SHOWN),
            "no_evidence": [one["no_evidence"] for one in self.told],
        }
        for j, name in enumerate(names):
            columns[name] = table[:, j, FIGURES.index("median")]
            columns |= {f"{name}_{end}": table[:, j, FIGURES.index(end)] for end in ("lower", "upper")}
        return pd.DataFrame(columns)

    def to_json(self) -> dict[str, Any]:
        """Plain data as printed by ``scalaw fit-many --json``; None for what is not, or was not asked for."""
        fits = []
        for i, (plan, told) in enumerate(zip(self.planned, self.told, strict=True)):
            one = {"law": plan.model.label, "noise": plan.model.noise.name, "scenario": plan.name}
            one |= {"n_runs": len(plan.runs)}
            one |= {name: told[name] for name in ("method", "why", "verdict", "reasons", "notes", *_SHOWN)}
            fits.append(known(one | {"no_evidence": told["no_evidence"], "parameters": self.rows(i)}))
        return {"fits": fits, "compilations": self.recipe["compilations"], "seconds": self.recipe["seconds"]}

    def __str__(self) -> str:
        verdicts = Counter(one["verdict"] for one in self.told)
        methods = Counter(one["method"] or "refused" for one in self.told)
        counted = ", ".join(f"{verdicts[level]} {level}" for level in LEVELS if verdicts[level])
        served = ", ".join(
            f"{count} {name if name == 'refused' else f'by {name}'}" for name, count in methods.items()
        )
        return f"{len(self)} fits: {counted} ({served})"


def _figures(names: list[str], summary: Summary) -> Figures:
    """Diagnostics of all draws."""
    columns = dict(zip(FIGURES, summary.table.T, strict=True))
    diagnostics = (columns[name] for name in ("rhat", "ess_bulk", "ess_tail", "contraction"))
    return Figures(tuple(names), *diagnostics, bootstrap_ratio=np.full(len(names), np.nan), finite=True)


def _restored(scenario: Scenario, summary: Summary) -> Sampled:
    """A sampled posterior whose draws are those that were kept."""
    told = summary.told
    kept = Kept(summary.position[None], summary.values[None], summary.log_density[None])
    position, z, values = summary.mode
    mode = Mode(position, z, told["log_density"], summary.whiten, values, True)
    found = (told["starts"], told["agreed"], told["rival"])
    return Sampled(scenario, told["method"], told["why"], kept, None, mode, *found, Clock())
