"""The :class:`Bootstrap` record: where the best parameters lie when runs, or what is left of them, are drawn again.

::

    found = scalaw.bootstrap(fit)
    print(found)                     # per parameter: best value, standard deviation, interval
    found.values                     # (replicates, parameters), the paper's units
    found.draws("alpha")
    found.elsewhere.sum()            # replicates that ended at another mode

All replicates are in every figure, those that ended elsewhere or did not converge too: both are counted and said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.errors import ScalawError
from scalaw.infer.interval import interval

if TYPE_CHECKING:
    import pandas as pd

#: Shares of replicates that ended elsewhere, or did not converge: above the first the verdict is LOOK, above the
#: second BAD.
ASTRAY = (0.01, 0.5)
#: Fewer clusters say little: a resample leaves out a third of them.
FEW_CLUSTERS = 10
#: Per parameter: below so many the bootstrap is itself unreliable.
FEW_RUNS = 3


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Replicates of the best parameters.

    Parameters
    ----------
    law, noise, kind : str
    by : str or None
        Column of the clusters.
    names : tuple of str
        Learned parameters as they are shown (``alpha``, ``c[1]``), of the noise last.
    labels : tuple of (str, dict)
        Name and index of each.
    units : tuple of str
        Dimension of each.
    estimate : array, shape (parameters,)
        The point that all searches started from, in the paper's units.
    values : array, shape (replicates, parameters)
        Best parameters of every replicate, in the paper's units.
    elsewhere : array of bool, shape (replicates,)
        Ended at another mode: climbing on with all runs does not lead back to the estimate.
    converged : array of bool, shape (replicates,)
        At a mode; or searching on from its end moved no parameter by a hundredth of its standard deviation.
    n_runs, n_drawn : int
        Runs in use, and how many things were drawn from (runs or clusters).
    seed : int
    prob : float
        Probability of the intervals.
    seconds : mapping
        ``compile`` and ``run``.
    """

    law: str
    noise: str
    kind: str
    by: str | None
    names: tuple[str, ...]
    labels: tuple[tuple[str, dict[str, int]], ...] = field(repr=False)
    units: tuple[str, ...] = field(repr=False)
    estimate: np.ndarray = field(repr=False)
    values: np.ndarray = field(repr=False)
    elsewhere: np.ndarray = field(repr=False)
    converged: np.ndarray = field(repr=False)
    n_runs: int
    n_drawn: int
    seed: int
    prob: float
    seconds: Mapping[str, float] = field(repr=False)

    def __len__(self) -> int:
        return len(self.values)

    def draws(self, name: str) -> np.ndarray:
        """Replicates of one parameter by the name that is shown, shape (replicates,).

        Raises
        ------
        ScalawError
            M006 where the law has none of this name.
        """
        if name not in self.names:
            what = f"no parameter '{name}' was learned"
            raise ScalawError("M006", what, "bootstrap", fix=f"one of {', '.join(self.names)}")
        return self.values[:, self.names.index(name)]

    @property
    def sd(self) -> np.ndarray:
        """Standard deviation of each parameter, shape (parameters,), the paper's units."""
        return self.values.std(axis=0, ddof=1)

    @property
    def counts(self) -> dict[str, int]:
        """How many replicates there are, ended elsewhere, and did not converge."""
        return {
            "replicates": len(self),
            "elsewhere": int(np.sum(self.elsewhere)),
            "not_converged": int(np.sum(~self.converged)),
        }

    @property
    def level(self) -> str:
        """OK, or LOOK or BAD by how many replicates went astray."""
        worst = max(self.counts["elsewhere"], self.counts["not_converged"]) / len(self)
        return "BAD" if worst > ASTRAY[1] else "LOOK" if worst > ASTRAY[0] else "OK"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the verdict is not OK."""
        counts, limit, found = self.counts, ASTRAY[0] * len(self), []
        if counts["elsewhere"] > limit:
            found.append(
                f"{counts['elsewhere']} of {len(self)} replicates ended at another mode: intervals span both, and "
                "their middle may be neither. Look at the point fit's rival, or hold or tie a parameter"
            )
        if counts["not_converged"] > limit:
            found.append(
                f"{counts['not_converged']} of {len(self)} replicates had not converged: hold what the runs cannot "
                "tell, or use a noise with a smooth density, such as student_t"
            )
        return tuple(found)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know, whatever the verdict."""
        found = []
        if self.kind == "clusters" and self.n_drawn < FEW_CLUSTERS:
            found.append(f"{self.n_drawn} clusters are few: intervals are rough, and mostly too narrow")
        if self.kind == "residual":
            found.append(
                "the law is taken to be right and scatter to be the same everywhere; leverage is not corrected"
            )
        if self.kind in ("cases", "clusters") and self.n_runs < FEW_RUNS * len(self.names):
            found.append(
                f"{self.n_runs} runs for {len(self.names)} parameters: a resample leaves out a third of the runs, so "
                "its intervals are rough"
            )
        return tuple(found)

    def rows(self, prob: float | None = None) -> list[dict[str, Any]]:
        """Parameters with estimate and interval, as plain data; with another ``prob`` where one is given."""
        rows = []
        for i, (name, index) in enumerate(self.labels):
            one = {"name": name, "index": index, "unit": self.units[i], "estimate": float(self.estimate[i])}
            rows.append({**one, **interval(self.values[:, i], prob or self.prob), "sd": float(self.sd[i])})
        return rows

    def to_frame(self, prob: float | None = None) -> pd.DataFrame:
        """One row per parameter: estimate, standard deviation and interval in the paper's units."""
        import pandas as pd

        columns = ["estimate", "sd", "median", "lower", "upper", "mean", "unit"]
        return pd.DataFrame(self.rows(prob), pd.Index(self.names, name="parameter"), columns)

    def to_json(self, prob: float | None = None) -> dict[str, Any]:
        """Plain data as printed by ``scalaw bootstrap --json``: numbers in base units, unrounded."""
        return {
            "law": self.law,
            "noise": self.noise,
            "kind": self.kind,
            "by": self.by,
            **self.counts,
            "n_runs": self.n_runs,
            "n_drawn": self.n_drawn,
            "seed": self.seed,
            "parameters": self.rows(prob),
            "seconds": dict(self.seconds),
        }

    @property
    def title(self) -> str:
        """What was drawn, how often, from what."""
        of = {"cases": "runs", "clusters": f"{self.n_drawn} clusters of runs by {self.by}"}
        of |= {"dirichlet": "Dirichlet weights of runs", "residual": "residuals"}
        return f"{self.law} with {self.noise} noise on {self.n_runs} runs: {len(self)} replicates of {of[self.kind]}"

    @property
    def tally(self) -> str:
        """How many replicates went astray, in words."""
        counts = self.counts
        return (
            f"{counts['elsewhere']} replicates ended at another mode, {counts['not_converged']} did not converge; "
            "they are in all figures"
        )

    def __str__(self) -> str:
        frame = self.to_frame().drop(columns=["median", "mean", "unit"])
        table = frame.to_string(float_format=lambda v: f"{v:.5g}")
        verdict = "\n".join([f"verdict: {self.level}", *(f"- {reason}" for reason in self.reasons)])
        ends = f"(lower, upper: {100 * self.prob:g} % equal-tailed interval of the replicates)"
        return "\n".join([self.title, verdict, table, ends, self.tally])
