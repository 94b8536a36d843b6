"""What a scaling model's noise says about a table of runs before anything is fitted.

Refused are columns that the noise needs and does not find (D012) or cannot use (D067). Warned about are losses whose
rounding is read off their digits (D068), and a one-sided noise beside a law whose level nothing anchors (M016).
"""

from __future__ import annotations

import numpy as np

from scalaw.data import Runs
from scalaw.data.wording import rows_text
from scalaw.errors import Problem, ScalawError
from scalaw.model.row_data import printed_decimals, read_rows
from scalaw.model.scaling_model import ScalingModel

#: Successes may differ from whole numbers by this share, which rounding in floating point explains.
WHOLE = 1e-6


def noise_problems(runs: Runs, model: ScalingModel, used: np.ndarray | None = None) -> list[Problem]:
    """Problems of the noise with a table, refusals first.

    Parameters
    ----------
    runs : Runs
    model : ScalingModel
    used : array of bool, shape (runs,), optional
        Rows that are not held out; all by default.
    """
    used = np.ones(len(runs), bool) if used is None else used
    try:
        rows = read_rows(model.noise.reads, runs, used)
    except ScalawError as error:
        return list(error.problems)
    problems = _outside(runs, model, rows) + _no_scatter(runs, model, rows)
    if "half_width" in rows and "loss_half_width" not in runs.frame:
        decimals = printed_decimals(runs, used)
        what = f"losses are read as printed with {decimals} decimals: half a step is {0.5 * 10.0 ** -(decimals or 0):g}"
        fix = "say otherwise with a column loss_half_width"
        problems.append(Problem("D068", "W", what, runs.source, fix=fix))
    return problems + _not_anchored(model)


def _outside(runs: Runs, model: ScalingModel, rows: dict[str, np.ndarray]) -> list[Problem]:
    """Responses that cannot occur under the noise."""
    loss, name = runs.values("loss"), model.noise.name
    where = f"{runs.source}, column loss"
    if model.noise.scatters == "share" and (bad := np.flatnonzero((loss <= 0) | (loss >= 1)).tolist()):
        what = f"a share of {loss[bad[0]]:g} in {rows_text(bad, len(loss))}"
        fix = f"noise {name} needs more than 0 and less than 1; use beta_binomial with a column trials"
        return [Problem("D067", "E", what, where, fix=fix)]
    if model.noise.scatters == "count" and "trials" in rows:
        successes = loss * rows["trials"]
        error = np.abs(successes - np.round(successes))
        if bad := np.flatnonzero(error > WHOLE * np.maximum(successes, 1.0)).tolist():
            i = bad[0]
            part = f"{loss[i]:g} of {rows['trials'][i]:g} trials"
            what = f"{part} is no whole number, in {rows_text(bad, len(loss))}"
            fix = "give columns successes and trials, and none for the share: columns={'loss': None}"
            return [Problem("D067", "E", what, where, fix=fix)]
    return []


def _no_scatter(runs: Runs, model: ScalingModel, rows: dict[str, np.ndarray]) -> list[Problem]:
    exact = np.flatnonzero(rows.get("loss_se", np.ones(1)) == 0).tolist()
    if not exact or dict(model.noise.fixed).get("sigma") != 0:
        return []
    what = (
        f"loss_se is 0 in {rows_text(exact, len(runs))} and sigma is held at 0: these runs could not scatter"
    )
    return [
        Problem("D067", "E", what, f"{runs.source}, column loss_se", fix="learn sigma, or hold it above 0")
    ]


def _not_anchored(model: ScalingModel) -> list[Problem]:
    """M016 for a noise that lifts all runs beside a law whose level is free."""
    noise, law = model.noise, model.law
    held = {name: value for name, value in model.fixed}
    levels = [p.name for p in law.parameters if p.role == "irreducible"]
    if (
        not noise.anchors
        or any(name in held for name in noise.anchors)
        or any(held.get(name) for name in levels)
    ):
        return []
    free = [name for name in levels if name not in held] or [
        p.name for p in law.free if p.role == "amplitude"
    ]
    level = ", ".join(free) or "its level"
    what = f"{noise.anchors[-1]} of noise {noise.name} and {level} of law {model.label} are not identified together"
    why = "a lower law with a larger excess says the same about most runs; only how skew they are tells"
    fix = f"hold one of them, e.g. noise='{noise.name}[{noise.anchors[-1]}=0.03]' or the irreducible loss"
    return [Problem("M016", "W", what, "", why, fix)]
