"""What the values of a table look like: warnings and notes that refuse nothing.

Each check is a small function from runs to problems; a table that lacks its columns passes it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from scalaw.data.loss_kinds import ENTROPIES, SIGNED
from scalaw.data.runs import Runs
from scalaw.data.units import compute_6nd
from scalaw.data.wording import names_text, plural, rows_text
from scalaw.errors import Problem

#: ln of 50,257, the vocabulary of GPT-2 (arXiv:2005.14165 uses the same): the loss of a uniform guess.
UNIFORM_GUESS = 10.825
#: Above this a cross-entropy in nats would need a vocabulary of five hundred million.
SURELY_NOT_NATS = 20.0
#: No run worth fitting took fewer FLOP: a thousand parameters on a hundred thousand tokens take more.
SURELY_NOT_FLOP = 6e8
RUN_NAMES = ("run", "run_id", "run_name")
COUNT_NAMES = ("n_embedding", "params_kind", "n_kind", "convention", "param_count")


def looks(runs: Runs, of_loss: bool = True) -> list[Problem]:
    """Every warning and note about the values; ``of_loss`` False where the response is steps, tokens or the like."""
    checks: list[Callable[[Runs], list[Problem]]] = [
        _billions, _loss_kinds, _accounting, _conventions, _duplicates, _replicates, _checkpoints, _narrow, _few_tokens,
    ]  # fmt: skip
    checks += [_loss_size, _rising] if of_loss and runs.loss_kind != SIGNED else []
    return [problem for check in checks for problem in check(runs)]


def _has(runs: Runs, *names: str) -> bool:
    """Whether the columns are there, numeric and complete."""
    return all(
        name in runs.frame
        and pd.api.types.is_numeric_dtype(runs.frame[name])
        and len(runs) > 0
        and np.isfinite(runs.values(name)).all()
        and (runs.values(name) > 0).all()
        for name in names
    )


def _labels(runs: Runs, name: str) -> list[str]:
    """Distinct entries of a column, without missing ones."""
    return sorted({str(entry) for entry in runs.frame[name].tolist() if not pd.isna(entry)})


def _problem(runs: Runs, code: str, severity: str, what: str, why: str = "", fix: str = "") -> list[Problem]:
    return [Problem(code, "W" if severity == "W" else "I", what, runs.source, why, fix)]


def _billions(runs: Runs) -> list[Problem]:
    """Numbers far too small for counts; for compute only where no N and D tell what it is."""
    problems = []
    for name, limit, unit, also in (
        ("N", 1e4, "B", " or 'M'"),
        ("D", 1e5, "B", " or 'M'"),
        ("C", SURELY_NOT_FLOP, "PF-days", ""),
    ):
        if name == "C" and _has(runs, "N", "D"):
            continue
        if _has(runs, name) and runs.values(name).max() < limit:
            low, high = runs.values(name).min(), runs.values(name).max()
            fix = f"pass units={{'{name}': '{unit}'}}{also}; it is read as written otherwise"
            seems = "billions" if unit == "B" else unit
            problems += _problem(
                runs, "D027", "W", f"{name} ranges {low:.4g} to {high:.4g}, as if in {seems}", fix=fix
            )
    return problems


def _loss_size(runs: Runs) -> list[Problem]:
    if not _has(runs, "loss"):
        return []
    loss = runs.values("loss")
    if runs.loss_kind == "nats" and loss.max() > SURELY_NOT_NATS:
        fix = "pass loss_kind='perplexity' if it is"
        return _problem(
            runs, "D032", "W", f"the largest loss is {loss.max():.4g}, as a perplexity would be", fix=fix
        )
    above = np.flatnonzero(loss > UNIFORM_GUESS).tolist()
    if runs.loss_kind == "nats" and above:
        what = f"loss above ln 50257 = 10.8, a uniform guess, in {rows_text(above, len(loss))}"
        return _problem(runs, "D046", "W", what, "early or diverged runs", "look at them before a fit")
    if runs.loss_kind in ENTROPIES[:2] and loss.max() <= 1:
        fix = "pass loss_kind='error' or 'accuracy' if it is one"
        return _problem(runs, "D033", "W", "every loss lies between 0 and 1, as a share would", fix=fix)
    return []


def _loss_kinds(runs: Runs) -> list[Problem]:
    for name in ("loss_kind", "loss_unit"):
        if name in runs.frame and "loss" in runs.frame and len(_labels(runs, name)) > 1:
            kinds = names_text(_labels(runs, name))
            fix = "convert them to one kind before reading, or select one"
            return [
                Problem(
                    "D032", "E", f"column {name} mixes {kinds}", runs.source, "they cannot be compared", fix
                )
            ]
    return []


def _accounting(runs: Runs) -> list[Problem]:
    if runs.flops or not _has(runs, "N", "D", "C"):
        return []
    ratio = runs.values("C") / compute_6nd(runs.values("N"), runs.values("D"))
    if np.all(np.abs(ratio - 1) <= 0.2):
        return []
    what = f"C / (6ND) has median {np.median(ratio):.3g} ({ratio.min():.3g} to {ratio.max():.3g})"
    why = "embedding parameters, or another rule for FLOP"
    return _problem(runs, "D034", "W", what, why, "say how C was counted: flops='…'")


def _conventions(runs: Runs) -> list[Problem]:
    for name in COUNT_NAMES:
        if name in runs.frame and "N" in runs.frame and len(_labels(runs, name)) > 1:
            what = f"column {name} has several values: N may be counted in more than one way"
            why = "with and without embeddings the optimal sizes differ (arXiv:2406.12907)"
            return _problem(runs, "D036", "W", what, why, "select one, or give N in one convention")
    return []


def _duplicates(runs: Runs) -> list[Problem]:
    repeated = np.flatnonzero(runs.frame.duplicated().to_numpy(bool)).tolist()
    if not repeated:
        return []
    what = f"{plural(len(repeated), 'exact duplicate')} of earlier runs: {rows_text(repeated)}"
    return _problem(
        runs, "D037", "W", what, "they count double in the posterior", "dedupe=True leaves them out"
    )


def _replicates(runs: Runs) -> list[Problem]:
    if not _has(runs, "N", "D", "loss"):
        return []
    settings = np.unique(np.column_stack([runs.values(name) for name in ("N", "D", "loss")]), axis=0)[:, :2]
    count = int((np.unique(settings, axis=0, return_counts=True)[1] > 1).sum())
    if not count:
        return []
    what = f"{plural(count, 'setting')} of N and D with more than one loss: they show the noise between runs"
    return _problem(runs, "D038", "I", what)


def _checkpoints(runs: Runs) -> list[Problem]:
    for name in RUN_NAMES:
        if name not in runs.frame or not _has(runs, "D"):
            continue
        tokens: dict[str, set[float]] = {}
        for run, D in zip(runs.frame[name].tolist(), runs.values("D").tolist(), strict=True):
            tokens.setdefault(str(run), set()).add(D)
        counts = [len(values) for values in tokens.values()]
        if np.median(counts) >= 2:
            what = f"{name} repeats with up to {max(counts)} values of D"
            fix = "keep the last row of each run"
            return _problem(runs, "D039", "W", what, "checkpoints of one run are not independent", fix)
    return []


def _narrow(runs: Runs) -> list[Problem]:
    problems = []
    for name in ("N", "D", "C"):
        if not _has(runs, name):
            continue
        decades = float(np.log10(runs.values(name).max() / runs.values(name).min()))
        if 0 < decades < 1:
            what = f"{name} spans {decades:.2g} decades"
            problems += _problem(
                runs, "D043", "W", what, "its exponent is learned from little", "add smaller runs"
            )
    return problems


def _few_tokens(runs: Runs) -> list[Problem]:
    if not _has(runs, "N", "D"):
        return []
    few = np.flatnonzero(runs.values("D") < runs.values("N")).tolist()
    if not few:
        return []
    what = f"fewer tokens than parameters in {rows_text(few, len(runs))}"
    return _problem(
        runs, "D044", "W", what, "far from compute-optimal, or D is in another unit", "check the unit of D"
    )


def _rising(runs: Runs) -> list[Problem]:
    if not _has(runs, "C", "loss") or len(runs) < 5:
        return []
    ranks = [pd.Series(runs.values(name)).rank().to_numpy(np.float64) for name in ("C", "loss")]
    if min(np.ptp(ranks[0]), np.ptp(ranks[1])) == 0:
        return []
    correlation = float(np.corrcoef(ranks[0], ranks[1])[0, 1])
    correlation = -correlation if runs.loss_kind == "accuracy" else correlation
    if correlation < 0.2:
        return []
    what = f"loss does not fall with compute: rank correlation {correlation:+.2f}"
    return _problem(
        runs, "D045", "W", what, "wrong sign, other units, or diverged runs", "look at the runs before a fit"
    )
