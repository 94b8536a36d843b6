"""What a report says, as plain data: words and rounded numbers for the template, which only lays them out.

Numbers are rounded here, most to four significant digits; sentences are those of the records. Nothing is
escaped here: the template does that for every value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from scalaw.data import Runs, check_runs
from scalaw.data.units import format_quantity
from scalaw.decide import Comparison, Forecast
from scalaw.decide.compare import PARETO_K
from scalaw.decide.forecast import LEVELS
from scalaw.decide.points import FAR_DECADES
from scalaw.infer import Fit
from scalaw.infer.diagnose import BOOTSTRAP_RATIO, ESS, RHAT
from scalaw.infer.interval import Interval
from scalaw.laws.records import Parameter
from scalaw.show.drawing import LOSSES, runs_text, trained

MEANING = {
    "OK": "the checks found nothing to object to",
    "LOOK": "usable by someone who has read the reasons",
    "BAD": "not to be used",
}
#: Rows of the table of runs that are printed.
MOST_ROWS = 60


def number(value: float | None, digits: int = 4) -> str:
    """A number to so many significant digits with its zeros, an en dash where there is none."""
    if value is None or not np.isfinite(value):
        return "–"
    mantissa, power = f"{value:.{digits - 1}e}".split("e")
    if value and not -4 <= int(power) < 6:
        return f"{mantissa}e{int(power)}".replace("-", "−")
    after = digits - 1 - int(power)
    return f"{round(value, after):.{max(0, after)}f}".replace("-", "−")


def span(found: Interval | Mapping[str, Any]) -> str:
    """Both ends of an interval."""
    return f"{number(found['lower'])} to {number(found['upper'])}"


def quantity(value: float | str, name: str) -> str:
    """Covariate in words: ``6.7B``, ``5.347e21 FLOP``."""
    return value if isinstance(value, str) else format_quantity(value, "C" if name == "C" else None, 4)


def verdict_of(what: Fit | Sequence[Fit] | Comparison, fits: Sequence[Fit]) -> dict[str, Any]:
    """Worst level, and every law's own with reasons and notes."""
    level = max((f.verdict.level for f in fits), key=LEVELS.index)
    laws = [
        {"law": f.label, "level": f.verdict.level, "reasons": f.verdict.reasons, "notes": f.verdict.notes}
        for f in fits
    ]
    notes = what.notes if isinstance(what, Comparison) else ()
    return {"level": level, "meaning": MEANING[level], "laws": laws, "notes": notes}


def forecast_of(
    forecast: Forecast, runs: Runs, actual: Mapping[int, float], stacking: Mapping[str, float] | None
) -> dict[str, Any]:
    """Rows per point and per law, and what to know about them."""
    told = forecast.to_json()
    bound = runs.columns.get("x")
    names = [n for n in forecast.points if not (n == "x" and bound in forecast.points)]
    labels = [bound or "x" if n == "x" else n for n in names]
    at = [
        [f"{t} {quantity(row[n], t)}" for n, t in zip(names, labels, strict=True)] for row in told["points"]
    ]
    points = []
    for i, row in enumerate(told["points"]):
        new = row["predictive"]
        points.append(
            {
                "at": ", ".join(at[i][:2]),
                "more": ", ".join(at[i][2:]),
                "median": number(new["median"]),
                "new": span(new),
                "curve": span(row["curve"]),
                "reach": f"{row['reach_decades']:.1f}",
                "far": row["reach_decades"] > FAR_DECADES,
                "actual": _outcome(actual[i], new) if i in actual else "",
            }
        )
    laws = [
        {
            "law": law,
            "weight": f"{weight:.2f}",
            "stacking": "–" if stacking is None else f"{stacking[law]:.2f}",
            "curves": [_median_and_span(row["by_law"][law]) for row in told["points"]],
        }
        for law, weight in forecast.law_weights.items()
    ]
    equal = len(set(forecast.law_weights.values())) == 1
    return {
        "points": points,
        "laws": laws if len(laws) > 1 else [],
        "notes": forecast.notes,
        "loss": LOSSES.get(runs.loss_kind, runs.loss_kind),
        "has_actual": bool(actual),
        "has_stacking": stacking is not None,
        "average": _average_words(len(laws), equal, stacking is not None),
    }


def _average_words(number_of_laws: int, equal: bool, stacked: bool) -> str:
    if number_of_laws == 1:
        return "One law was used: the choice of law is not part of the intervals."
    how = "with equal weights" if equal else "with the weights below"
    beside = (
        " Stacking weights, which say what predicts the runs themselves best, stand beside: they choose well "
        "within the range of the runs and have not helped beyond it."
    )
    return f"Draws of {number_of_laws} laws are averaged {how}.{beside if stacked else ''}"


def _median_and_span(found: Mapping[str, Any]) -> str:
    return f"{number(found['median'])} ({span(found)})"


def _outcome(loss: float, found: Mapping[str, Any]) -> str:
    side = "below" if loss < found["lower"] else "above" if loss > found["upper"] else "inside"
    return f"{number(loss)} ({side}{' the interval' if side == 'inside' else ' it'})"


def scores_of(comparison: Comparison) -> dict[str, Any]:
    """The table of scores and what follows from it."""
    rows = [
        {
            "law": s["law"],
            "cells": [_fixed(s[k]) for k in ("elpd", "se", "elpd_diff", "dse", "law_weight")],
            "pareto": _fixed(s["pareto_k"]),
            "unreliable": s["pareto_k"] > PARETO_K,
            "held": _fixed(s["holdout_log_score"]),
        }
        for s in comparison.scores
    ]
    best = (
        f"{comparison.best} is clearly ahead: by more than 4 and by more than 2 standard errors of the difference."
        if comparison.best
        else "The runs cannot tell the first laws apart: none is called best."
    )
    return {"rows": rows, "best": best, "held_out": comparison.held_out, "notes": comparison.notes}


def _fixed(value: float | None) -> str:
    """Two digits after the point, for scores whose differences matter."""
    return "–" if value is None else f"{value:.2f}".replace("-", "−")


def law_of(fit: Fit, prob: float) -> dict[str, Any]:
    """One law: its words, parameters, priors, settings."""
    law = fit.model.law
    facts = {p.name: p for p in fit.model.parameters}
    told, weighted = fit.rows(prob), fit.recipe["method"] != "nuts"
    published = [
        {
            "name": _indexed(p),
            "median": number(p["median"]),
            "value": number(q["value"]) + ("" if q["se"] is None else f" ± {number(q['se'], 2)}"),
            "key": q["key"],
            "source": q["source"],
        }
        for p in told
        for q in p["published"]
    ]
    held = [f"{name} is held at {value:g}" for name, value in law.fixed]
    held += [f"{name} is tied to {other}" for name, other in law.ties]
    return {
        "label": fit.label,
        "doc": law.doc,
        "source": law.source,
        "noise": fit.model.noise.name,
        "runs": runs_text(fit, ""),
        "level": fit.verdict.level,
        "held": held,
        "parameters": [_parameter(p, facts[p["name"]], weighted) for p in told],
        "published": published,
        "published_notes": [f"{p.key}: {p.note}" for p in law.published if p.note],
        "settings": _settings(fit),
    }


def _indexed(p: Mapping[str, Any]) -> str:
    return p["name"] + "".join(f"[{i}]" for i in p["index"].values())


def _parameter(p: Mapping[str, Any], fact: Parameter, weighted: bool) -> dict[str, Any]:
    """Row of the parameter table; ``flags`` names the cells that ask for a look. Weighted draws have no chains."""
    ratio = p["bootstrap_ratio"]
    ess = p["ess_bulk"] if weighted else min(p["ess_bulk"], p["ess_tail"])
    flags = {
        "rhat": not (weighted or p["rhat"] <= RHAT[0]),
        "ess": not ess >= ESS[0],
        "ratio": ratio is not None and ratio > BOOTSTRAP_RATIO,
        "identified": not (p["identified"] or fact.role == "noise"),
    }
    return {
        "name": _indexed(p),
        "meaning": fact.meaning,
        "unit": "" if p["unit"] == "1" else p["unit"],
        "median": number(p["median"]),
        "span": span(p),
        "prior": span(p["prior"]),
        "rhat": "–" if weighted else f"{p['rhat']:.3f}",
        "ess": f"{ess:.0f} (Kish)" if weighted else f"{p['ess_bulk']:.0f} / {p['ess_tail']:.0f}",
        "ratio": number(ratio, 2),
        "identified": "yes" if p["identified"] else "no",
        "flags": flags,
    }


def _settings(fit: Fit) -> list[tuple[str, str]]:
    recipe = fit.recipe
    priors = "; ".join(f"{p.name} ~ {fit.model.prior(p)}" for p in fit.model.free)
    references = ", ".join(f"{unit} {number(value)}" for unit, value in fit.refs.units.items())
    return [
        ("method", f"{recipe['method']}, seed {recipe['seed']}: {recipe['why']}"),
        ("settings", _pairs(recipe["settings"])),
        ("priors", priors),
        ("reference units of the priors", references),
        ("digests", _pairs(recipe["digests"])),
        ("versions", _pairs(recipe["versions"])),
    ]


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def tables_of(fits: Sequence[Fit]) -> list[dict[str, Any]]:
    """Every different table of runs behind the fits, once."""
    seen: dict[str, list[Fit]] = {}
    for f in fits:
        seen.setdefault(f.runs.digest, []).append(f)
    return [_table(members) for members in seen.values()]


def _table(fits: Sequence[Fit]) -> dict[str, Any]:
    runs = fits[0].runs
    problems: dict[str, str] = {}
    for f in fits:
        found = check_runs(f.runs, f.model.law, len(f.model.noise.parameters), allow_prior_dominated=True)
        problems |= {str(p): p.severity for p in found}
    facts = [
        ("runs", runs_text(fits[0], "")),
        (
            "N counts",
            "unknown parameters" if runs.convention == "unknown" else f"{runs.convention} parameters",
        ),
        ("loss", LOSSES.get(runs.loss_kind, runs.loss_kind)),
        ("C counted as", runs.flops),
        ("x is", ", ".join(dict.fromkeys(f.runs.columns["x"] for f in fits if "x" in f.runs.columns))),
        ("cited from", runs.citation),
    ]
    names = [str(c) for c in runs.frame.columns]
    held = ~trained(fits[0])
    rows = [
        ["held out" if held[i] else str(i + 1), *(_cell(v, n) for n, v in zip(names, row, strict=True))]
        for i, row in enumerate(runs.frame.head(MOST_ROWS).itertuples(index=False, name=None))
    ]
    return {
        "source": runs.source,
        "facts": [(name, value) for name, value in facts if value],
        "caveats": runs.caveats,
        "conversions": runs.conversions,
        "problems": [{"text": text, "severity": s} for text, s in problems.items()],
        "names": ["row", *names],
        "rows": rows,
        "left": len(runs) - len(rows),
    }


def _cell(value: Any, name: str) -> str:
    if isinstance(value, float):
        role = name in ("N", "D", "U", "C")
        return format_quantity(value, "C" if name == "C" else None, 4) if role else f"{value:.5g}"
    return str(value)
