"""The demo: the whole path on real published runs, with an answer that can be checked.

Ten Cerebras-GPT runs up to 2.7B parameters are fitted with three laws, the laws are averaged with equal weights,
and the losses of the 6.7B and the 13B model are forecast. Both were trained and published, so what came of each
forecast is printed beside it, whatever it is.
"""

from __future__ import annotations

import importlib
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data import Runs, published
from scalaw.show.commands_shared import Result, Show

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scalaw.decide import Comparison, Forecast

TABLE = "cerebras_gpt"
LAWS = ("power_law", "power_law_offset", "chinchilla")
#: The largest model that the laws are fitted to.
LARGEST = 2.7e9
PROB = 0.9
RECIPES = (
    "five runs used the standard recipe and five muP: the forecast mixes the two, and the larger models used "
    "the standard one"
)
TITLE = "Cerebras-GPT: ten runs up to 2.7B, forecasts of 6.7B and 13B"


@dataclass(frozen=True, eq=False)
class Demo:
    """What the demo found: the runs fitted, the larger runs, the comparison, the forecast and the losses published."""

    runs: Runs
    larger: Runs
    comparison: Comparison
    forecast: Forecast

    @property
    def actual(self) -> np.ndarray:
        """Published losses of the larger runs, shape (2,)."""
        return self.larger.values("loss")

    def inside(self) -> list[bool]:
        """Whether each published loss lies in the interval for a new run."""
        rows = self.forecast.to_json()["points"]
        bounds = [(row["predictive"]["lower"], row["predictive"]["upper"]) for row in rows]
        return [
            bool(lower <= loss <= upper) for (lower, upper), loss in zip(bounds, self.actual, strict=True)
        ]

    def to_json(self) -> dict[str, Any]:
        """Plain data of ``scalaw demo --json``."""
        points = self.forecast.to_json()
        rows = zip(points["points"], self.actual.tolist(), self.inside(), strict=True)
        return {
            **self.comparison.to_json(),
            "verdicts": {fit.label: fit.verdict.level for fit in self.comparison.fits},
            "law_weights": points["law_weights"],
            "stacking": self.comparison.stacking,
            "points": [{**row, "published": loss, "inside": inside} for row, loss, inside in rows],
        }


def demo_runs() -> tuple[Runs, Runs]:
    """The ten runs that are fitted, and the two that are forecast."""
    table = published(TABLE)
    small = table.values("N") <= LARGEST
    return table.select(small), table.select(~small)


def compute(seed: int, draws: int, warmup: int, step: Any = lambda _: None) -> Demo:
    """Fit, compare and forecast; ``step`` is told what happens."""
    from scalaw.decide import compare

    runs, larger = demo_runs()
    comparison = compare(runs, LAWS, x="C", seed=seed, draws=draws, warmup=warmup, progress=step)
    step("forecast")
    at: dict[str, Any] = {name: larger.values(name) for name in ("N", "D", "C")}
    return Demo(runs, larger, comparison, comparison.forecast(prob=PROB, seed=seed, **at))


def demo(output: Path, *, seed: int, draws: int, warmup: int, show: Show) -> Result:
    """Run the demo, write the report, and say what came of it."""
    from scalaw.show.report import report

    started = time.perf_counter()
    show.say(f"scalaw demo: three laws on ten published runs, report to {output}")
    threading.Thread(target=_load_ahead, daemon=True).start()
    # Compiling, two calls of the sampler (the first two laws share a program), the forecast and the report.
    with show.progress("demo", 5) as step:
        found = compute(seed, draws, warmup, step)
        step("report")
        report(
            found.comparison,
            output,
            forecast=found.forecast,
            actual=dict(enumerate(found.actual.tolist())),
            title=TITLE,
        )
    seconds = time.perf_counter() - started
    path = output.resolve()
    text = [*demo_lines(found), "", f"report: {path}", f"{seconds:.0f} s"]
    notes = [RECIPES, *found.forecast.notes, *found.runs.caveats]
    data = {**found.to_json(), "output": str(path), "seed": seed, "seconds": seconds}
    return Result(data, text, found.comparison.level, found.comparison.reasons, notes)


def _load_ahead() -> None:
    """Import what the end of the demo needs while its beginning compiles and samples: a second or two saved."""
    for name in ("arviz_stats", "matplotlib.figure", "matplotlib.backends.backend_svg"):
        importlib.import_module(name)


def demo_lines(found: Demo) -> list[RenderableType]:
    """The demo's findings as text."""
    from scalaw.show.tables import number, quantity, score_table, sentence, span, table, verdict_lines

    runs, forecast = found.runs, found.forecast
    lines: list[Any] = [
        sentence(f"Runs: {len(runs)} of Cerebras-GPT up to 2.7B, {runs.citation}."),
        sentence(f"{RECIPES[0].upper()}{RECIPES[1:]}."),
        "",
        score_table(found.comparison),
        "",
    ]
    for fit in found.comparison.fits:
        lines += verdict_lines(fit.verdict.level, fit.verdict.reasons, fit.label)
    header = f"{100 * forecast.prob:g} % interval\n(equal-tailed)"
    out = table(
        "model",
        "tokens",
        "compute",
        "forecast loss",
        header,
        "published",
        "inside?",
        "decades\nbeyond",
        left=0,
    )
    rows = forecast.to_json()["points"]
    for row, loss, inside in zip(rows, found.actual, found.inside(), strict=True):
        new = row["predictive"]
        out.add_row(
            quantity(row["N"]),
            quantity(row["D"]),
            quantity(row["C"], "C"),
            number(new["median"]),
            span(new["lower"], new["upper"]),
            number(float(loss)),
            "yes" if inside else "no",
            f"{row['reach_decades']:.1f}",
        )
    lines += ["", sentence("Forecast of a new run, the three laws averaged with equal weights:"), out, ""]
    stacked = ", ".join(f"{law} {weight:.2f}" for law, weight in found.comparison.stacking.items())
    lines.append(sentence(f"Stacking weights, for comparison: {stacked}."))
    return [*lines, *(sentence(f"{note[0].upper()}{note[1:]}.") for note in forecast.notes)]
