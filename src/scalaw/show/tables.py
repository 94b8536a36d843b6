"""Tables and sentences for the terminal, as Rich renderables: one function per kind of result.

Numbers are rounded here and nowhere else; ``--json`` and the records themselves keep all digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from scalaw.data.units import format_quantity
from scalaw.show.commands_wording import in_shell

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scalaw.decide import Comparison, Forecast
    from scalaw.errors import Problem
    from scalaw.infer import Fit
    from scalaw.laws import Prior, Published

COLOURS = {"OK": "green", "LOOK": "yellow", "BAD": "red", "E": "red", "W": "yellow", "I": "cyan"}
#: How far published coefficients may be trusted, in words and colour.
STATUSES = {
    "checked": ("checked against the source", "green"),
    "second-hand": ("SECOND-HAND: read in another text", "bold yellow"),
    "unverified": ("UNVERIFIED: recalled, not to be relied on", "bold red"),
}
_SEVERITIES = {"E": "Refused", "W": "Warnings", "I": "Notes"}


def table(*columns: str, title: str = "", left: int = 1) -> Table:
    """An empty table; the first ``left`` columns are text, the others numbers."""
    out = Table(title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for i, name in enumerate(columns):
        out.add_column(name, justify="left" if i < left else "right", overflow="fold", no_wrap=i >= left)
    return out


def sentence(text: str, indent: int = 0, style: str = "") -> RenderableType:
    """A wrapped sentence."""
    if not indent:
        return Text(text, style=style)
    return Padding(Text(text, style=style), (0, 0, 0, indent), expand=False)


def number(value: float | None, digits: int = 4) -> str:
    """A rounded number; an en dash where there is none."""
    return "–" if value is None or not math.isfinite(value) else f"{float(f'{value:.{digits}g}'):g}"


def span(lower: float, upper: float, digits: int = 4) -> str:
    """Both ends of an interval."""
    return f"{number(lower, digits)} – {number(upper, digits)}"


def interval_header(prob: float, kind: str = "interval") -> str:
    """Header of a column of intervals: probability and kind."""
    return f"{100 * prob:g} % {kind}\n(equal-tailed)"


def verdict_lines(level: str, reasons: Iterable[str], of: str = "") -> list[RenderableType]:
    """The verdict in its colour, and a line per reason."""
    head = Text.assemble(
        ("verdict", "bold"), f"{f' of {of}' if of else ''}: ", (level, f"bold {COLOURS[level]}")
    )
    return [head, *(sentence(f"- {in_shell(reason)}", 2) for reason in reasons)]


def note_lines(notes: Iterable[str]) -> list[RenderableType]:
    """Notes, dimmed."""
    return [sentence(f"note: {text}", style="dim") for text in notes]


def problem_lines(problems: Sequence[Problem]) -> list[RenderableType]:
    """Problems grouped by severity, gravest first."""
    lines: list[RenderableType] = []
    for severity, title in _SEVERITIES.items():
        found = [problem for problem in problems if problem.severity == severity]
        if found:
            lines.append(Text(f"{title} ({len(found)})", style=f"bold {COLOURS[severity]}"))
            lines += [sentence(in_shell(str(problem)), 2) for problem in found]
    return lines


def method_line(fit: Fit) -> RenderableType:
    """How the fit was sampled, and why so."""
    recipe = fit.recipe
    size = ", ".join(f"{name} {value}" for name, value in recipe["settings"].items())
    return sentence(f"sampled by {recipe['method']} ({size}): {recipe['why']}")


def evidence_line(fit: Fit) -> RenderableType:
    """The marginal likelihood with its Monte Carlo error, or why there is none."""
    value, se, reason = fit.evidence
    told = f"log evidence {number(value, 6)} ± {number(se, 2)} nats"
    return sentence(told if reason is None else f"no evidence: {reason}")


def parameter_table(fit: Fit, prob: float) -> Table:
    """Parameters of a fit in the paper's units, with what the sampler and the runs say about each."""
    columns = ("parameter", "median", interval_header(prob), "prior", "R-hat", "ESS\n(bulk, tail)")
    out = table(*columns, "bootstrap sd\n/ sd", "identified")
    weighted = fit.recipe["method"] != "nuts"  # no chains, so no R-hat
    for row in fit.rows(prob):
        out.add_row(
            row["name"] + "".join(f"[{i}]" for i in row["index"].values()),
            number(row["median"]),
            span(row["lower"], row["upper"]),
            span(row["prior"]["lower"], row["prior"]["upper"]),
            "–" if weighted else f"{row['rhat']:.3f}",
            f"{row['ess_bulk']:.0f} (Kish)" if weighted else f"{row['ess_bulk']:.0f}, {row['ess_tail']:.0f}",
            number(row["bootstrap_ratio"], 2),
            "yes" if row["identified"] else "no",
        )
    return out


def published_table(sets: Sequence[Published]) -> Table:
    """Published coefficients: a key, and beside it values, how far to trust them, what they belong to, and a note."""
    out = table("key", "values ± standard error; status, what N counts, tokenizer, source", left=2)
    out.columns[0].no_wrap = True
    for entry in sets:
        values = ", ".join(
            f"{name} {number(value, 5)}" + (f" ± {number(entry.se[name], 2)}" if name in entry.se else "")
            for name, value in entry.values.items()
        )
        counts = f"N counts {entry.counts}" if entry.counts else ""
        belongs = ", ".join(text for text in (counts, entry.tokenizer, entry.source) if text)
        told = Text.assemble(values, "\n", STATUSES[entry.status], f"; {belongs}")
        out.add_row(entry.key, told.append(f"\n{entry.note}" if entry.note else "", style="dim"))
    return out


def score_table(comparison: Comparison) -> Table:
    """Scores of the laws, best first."""
    columns = ["law", "verdict", "elpd (LOO)", "se", "difference", "its se", "Pareto k", "stacking\nweight"]
    held = [f"mean log score of\n{comparison.held_out} held-out runs"] if comparison.held_out else []
    out = table(*columns, *held, left=2)
    levels = {fit.label: fit.verdict.level for fit in comparison.fits}
    for score in comparison.scores:
        cells = [number(score[key], 3) for key in ("elpd", "se", "elpd_diff", "dse", "pareto_k")]
        cells += [f"{score['law_weight']:.2f}", *[number(score["holdout_log_score"], 3)] * bool(held)]
        level = levels[score["law"]]
        out.add_row(score["law"], Text(level, style=COLOURS[level]), *cells)
    return out


def prior_words(prior: Prior) -> str:
    """A resolved prior in words, e.g. ``median 0.15, 90 % within a factor 5.2 (log-normal)``."""
    first, second = (*map(float, prior.numbers), 0.0)[:2]
    low, high = float(prior.low), float(prior.low) + float(prior.scale)
    above = f"{number(low)} + " if low else ""
    match prior.family:
        case "LogNormal" | "OrderedLogNormal":
            factor = math.exp(1.645 * second)
            ordered = ", in order" if prior.family.startswith("Ordered") else ""
            return f"{above}median {number(first)}, 90 % within a factor {number(factor, 2)} (log-normal{ordered})"
        case "Beta":
            return f"{number(low)} to {number(high)}, beta({first:g}, {second:g})"
        case "Gamma":
            return f"{above}mean {number(first / second)} (gamma, shape {first:g})"
        case "HalfNormal":
            return f"{above}0 or more, sd {number(first)} (half-normal)"
        case _:
            return f"mean {number(first)}, sd {number(second)} (normal)"


def forecast_table(forecast: Forecast, loss_kind: str) -> Table:
    """A row per point: the loss of a new run and the law's curve, apart."""
    roles = [name for name in ("N", "D", "C", "U", "x") if name in forecast.points]
    names = [*roles, *(name for name in forecast.points if name not in roles)]
    if "x" in names and any(
        _same(forecast.points["x"], forecast.points[name]) for name in names if name != "x"
    ):
        names.remove("x")
    header = interval_header(forecast.prob, "interval")
    columns = (*names, f"loss of a new run\n({loss_kind})", header, "curve\n(the law alone)", header)
    out = table(*columns, "decades\nbeyond runs", left=0)
    for row in forecast.to_json()["points"]:
        cells = [quantity(row[name], name) for name in names]
        for key in ("predictive", "curve"):
            cells += [number(row[key]["median"]), span(row[key]["lower"], row[key]["upper"])]
        out.add_row(*cells, f"{row['reach_decades']:.1f}")
    return out


def _same(a: Any, b: Any) -> bool:
    return bool((a == b).all())


def quantity(value: float | str, name: str = "") -> str:
    """``7e10`` parameters → ``70B``; the text of a schedule stays as it is."""
    if isinstance(value, str):
        return value
    return format_quantity(value, "C" if name == "C" else None, 4)
