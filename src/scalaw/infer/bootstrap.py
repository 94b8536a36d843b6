"""``bootstrap``: how much the best parameters would move with other runs, in one batched call.

::

    scalaw.bootstrap(fit)                                   # runs drawn again: the field's practice
    scalaw.bootstrap(fit, kind="clusters", by="family")     # whole families of runs
    scalaw.bootstrap(scalaw.point_fit(runs, "chinchilla", noise="huber"))

A posterior believes its noise: independent runs of constant scatter around the law. The bootstrap does not,
so their ratio is a check. What the four kinds draw is said in :mod:`scalaw.infer.resample`.

Every search starts from the mode of all runs, so a replicate finds the mode near it and not necessarily its highest.
Two things are checked afterwards, and counted (:class:`~scalaw.infer.bootstrapped.Bootstrap`):

- whether it **arrived** where no step promises anything, by exact steps (:mod:`scalaw.infer.point`). Other replicates
  are searched on, by scores where the noise has kinks, until a search begun anew moves no parameter by more than a
  hundredth of its standard deviation (from the quartiles of all replicates), a few times at most;
- whether its end belongs to the mode of all runs, or lies **elsewhere**: from ends that lie far out (more than 2.5
  times as far as a quarter of the replicates, in the metric of the mode's curvature) it is climbed on with all runs
  as they are, which must lead back.

Priors and references are those of the fit.
"""

from __future__ import annotations

from typing import get_args

import jax
import numpy as np

from scalaw.data import Runs
from scalaw.errors import ScalawError
from scalaw.infer.assemble import learned, paper_columns, shown
from scalaw.infer.bootstrapped import Bootstrap
from scalaw.infer.devices import computing
from scalaw.infer.fitted import Fit
from scalaw.infer.interval import PROB
from scalaw.infer.point import Mode
from scalaw.infer.point_fit import PointFit
from scalaw.infer.prior_draws import unconstrained
from scalaw.infer.programs import Clock, compile_all
from scalaw.infer.resample import Kind, redrawn, repeated
from scalaw.infer.scenarios import Scenario, arrays_of, padded_rows
from scalaw.infer.search import climb, use
from scalaw.model.structure import Arrays, Structure

#: A search begun anew may move a parameter by this share of its standard deviation; so many searches there are.
SETTLED, ONWARD = 0.01, 6
#: Distance of a normal's quartiles, in standard deviations.
NORMAL_QUARTILES = 1.349
#: Ends this many times as far out as the nearest quarter are climbed on from, and must come back within this share.
FAR, BACK = 2.5, 0.5


def bootstrap(
    fit: Fit | PointFit,
    replicates: int = 4000,
    kind: str = "cases",
    *,
    by: str | None = None,
    seed: int = 0,
    prob: float = PROB,
) -> Bootstrap:
    """Best parameters of many replicates of the runs.

    Parameters
    ----------
    fit : Fit or PointFit
        Its law, noise, priors and runs; searches start from its mode. Runs that it held out stay out, and one of
        weight 2 is two runs.
    replicates : int
        4000 give the ends of a 90 % interval to 1 % of its width, and standard deviations to 1 %.
    kind : {"cases", "clusters", "dirichlet", "residual"}
        What is drawn: runs with replacement; whole groups of runs; exponential weights of runs (the Bayesian
        bootstrap); losses, as the law at the mode times exp of residuals drawn with replacement. Residuals are
        taken as they are: not centred, and not corrected for leverage.
    by : str, optional
        Column of labels of the clusters; where it is left out, the one by which the runs are grouped.
    seed : int
        Same seed, same replicates; asking for more draws the same first.
    prob : float
        Probability of the intervals.

    Returns
    -------
    Bootstrap

    Raises
    ------
    ScalawError
        M013 for settings that make no sense, D012 for a column ``by`` that is not there or lacks labels, M021 for one
        cluster alone, and for residuals of a share.
    """
    drawn = _checked(fit, replicates, kind, by, prob)
    by = _column(fit.runs, by) if kind == "clusters" else None
    labels = None if by is None else _labels(fit, by)
    scenario, clock = fit.scenario, Clock()
    model, structure = scenario.model, scenario.model.structure()
    (names, free), units = learned(model), {p.name: p.dimension for p in model.parameters}
    with computing():
        one = arrays_of(scenario, padded_rows([scenario]))
        _compile(structure, one, clock)
        (centre,) = _climbed(structure, repeated(one, 1), _start(fit, scenario)[None], clock)
        arrays = redrawn(scenario, drawn, replicates, seed, clock, labels=labels, mode=centre)
        ends, converged = _settled(structure, arrays, centre, free, clock)
        elsewhere = _elsewhere(structure, one, centre, ends, clock)
    values = paper_columns(model, scenario.refs, np.concatenate([centre.values[None], ends.values]))[:, free]
    used = scenario.row_weight > 0
    return Bootstrap(
        law=model.label,
        noise=model.noise.name,
        kind=kind,
        by=by,
        names=tuple(shown(names)),
        labels=tuple(names),
        units=tuple(units[name] for name, _ in names),
        estimate=values[0],
        values=values[1:],
        elsewhere=elsewhere,
        converged=converged,
        n_runs=int(used.sum()),
        n_drawn=int(used.sum()) if labels is None else int(labels[used].max()) + 1,
        seed=seed,
        prob=prob,
        seconds={"compile": clock.compile, "run": clock.run},
    )


def _checked(fit: Fit | PointFit, replicates: int, kind: str, by: str | None, prob: float) -> Kind:
    """The kind; settings that make no sense are refused."""
    if replicates < 2:
        fix = "4000 for intervals, 200 for standard deviations to 5 %"
        raise ScalawError("M013", f"replicates={replicates}", "bootstrap", fix=fix)
    found: Kind | None = next((known for known in get_args(Kind) if kind == known), None)
    if found is None:
        raise ScalawError("M013", f"kind={kind!r}", "bootstrap", fix=f"one of {', '.join(get_args(Kind))}")
    if by is not None and kind != "clusters":
        what = f"by={by!r} with kind={kind!r}"
        raise ScalawError("M013", what, "bootstrap", fix="kind='clusters' draws whole groups of runs")
    if not 0 < prob < 1:
        raise ScalawError("P001", f"prob is {prob}", "bootstrap", fix="a probability in (0, 1), such as 0.9")
    if kind == "residual" and fit.model.noise.scatters != "log":
        what = f"law {fit.model.label} predicts {fit.model.law.response.name}, a share"
        why = "a share plus a residual of another run can leave its range"
        raise ScalawError("M021", what, "bootstrap", why, "draw runs: kind='cases' or kind='dirichlet'")
    return found


def _column(runs: Runs, by: str | None) -> str:
    """The column of clusters (M021 where none is named, D012 where it is not there or lacks labels)."""
    if by is None:
        if len(runs.groups) != 1:
            what = "no column says which runs belong together"
            raise ScalawError("M021", what, runs.source, fix="name it, e.g. by='family'")
        by = runs.groups[0]
    if by not in runs.frame.columns:
        known = ", ".join(map(str, runs.frame.columns))
        raise ScalawError("D012", f"no column '{by}' to draw clusters by", runs.source, fix=f"one of {known}")
    return by


def _labels(fit: Fit | PointFit, by: str) -> np.ndarray:
    """Cluster of every run, shape (runs,): those of runs in use are 0, 1, … in the order of their first rows."""
    used, column = fit.scenario.row_weight > 0, fit.runs.frame[[by]]
    missing = int(np.sum(column.isna().to_numpy()[used]))
    if missing:
        fix = "label them: a run of its own is a cluster of one"
        raise ScalawError("D012", f"{missing} runs have no label in {by}", fit.runs.source, fix=fix)
    texts = column.astype(str).to_numpy()[:, 0]
    found = list(dict.fromkeys(texts[used]))
    if len(found) < 2:
        what = f"all runs in use have the label '{found[0]}' in {by}"
        raise ScalawError("M021", what, fit.runs.source, fix="draw single runs: kind='cases'")
    place = {label: i for i, label in enumerate(found)}
    return np.array([place.get(text, -1) for text in texts])


def _start(fit: Fit | PointFit, scenario: Scenario) -> np.ndarray:
    """The mode of a fit in the parameters' own unconstrained coordinates, shape (coordinates,)."""
    if isinstance(fit, PointFit):
        return np.asarray(fit.mode.z)
    values = scenario.model.structure().split(np.asarray(fit.recipe["mode"], float))
    z = unconstrained(scenario, values)
    return np.where(np.isfinite(z), z, 0.0)  # a parameter held outside its prior's support


def _compile(structure: Structure, one: Arrays, clock: Clock) -> None:
    """Compile the searches by exact steps and, where the noise has kinks, by scores, side by side."""
    arrays = repeated(one, 1)
    compile_all([use(structure, arrays, 1, exact) for exact in (True, None)], clock)


def _climbed(structure: Structure, arrays: Arrays, starts: np.ndarray, clock: Clock) -> list[Mode]:
    ends = climb(structure, arrays, starts, clock)
    return [jax.tree.map(lambda leaf, i=i: leaf[i], ends) for i in range(len(starts))]


def _settled(
    structure: Structure, arrays: Arrays, centre: Mode, free: np.ndarray, clock: Clock
) -> tuple[Mode, np.ndarray]:
    """Ends of all replicates, and which arrived or were searched on until they settled."""
    starts = np.broadcast_to(centre.z, (len(arrays.y), len(centre.z)))
    ends = climb(structure, arrays, starts, clock, exact=True)
    left = np.flatnonzero(~ends.arrived)
    for _ in range(ONWARD):
        if not len(left):
            break
        before = ends.z[left]
        further = climb(structure, jax.tree.map(lambda leaf, at=left: leaf[at], arrays), before, clock)
        ends = jax.tree.map(lambda old, new, at=left: _replaced(old, at, new), ends, further)
        lower, upper = np.quantile(ends.z[:, free], [0.25, 0.75], axis=0)
        sd = (upper - lower) / NORMAL_QUARTILES  # replicates elsewhere do not stretch it
        left = left[~np.all(np.abs(ends.z[left] - before)[:, free] <= SETTLED * sd, axis=1)]
    converged = np.isfinite(ends.log_density)
    converged[left] = False
    return ends, converged


def _replaced(old: np.ndarray, at: np.ndarray, new: np.ndarray) -> np.ndarray:
    out = old.copy()
    out[at] = new
    return out


def _elsewhere(structure: Structure, one: Arrays, centre: Mode, ends: Mode, clock: Clock) -> np.ndarray:
    """Which ends do not belong to the mode of all runs, shape (replicates,)."""
    distance = _distance(centre, ends)
    near = np.nanquantile(distance, 0.25)
    out = np.zeros(len(distance), bool)
    left = np.flatnonzero(~(distance <= FAR * near))
    for exact in (True, None):  # by scores, which creep, only those that exact steps do not lead back
        if len(left):
            back = climb(structure, repeated(one, len(left)), ends.z[left], clock, exact=exact)
            left = left[~(_distance(centre, back) <= BACK * near)]
    out[left] = True
    return out


def _distance(centre: Mode, ends: Mode) -> np.ndarray:
    """Distance from the mode of all runs, in the metric of its curvature (its scale is arbitrary for an objective)."""
    return np.linalg.norm(np.linalg.solve(centre.whiten, (ends.position - centre.position).T), axis=0)
