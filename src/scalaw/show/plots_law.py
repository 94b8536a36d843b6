"""A law by itself: what it looks like before any run is fitted.

It is drawn against its first covariate, with a curve for each of a few values of the second; the others are at their
centre. Curves run at published coefficients where the law has a complete set, in the paper's units; else at the median
of the prior, with a band of prior draws, in reference units, where the centre of the runs is one. A mixture of domains
is drawn against the share of the first, a schedule against its number of steps, one curve per shape.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from scalaw.data.schedules import parse_schedule
from scalaw.data.units import format_quantity
from scalaw.errors import ScalawError
from scalaw.infer.interval import PROB
from scalaw.laws.at_published import complete
from scalaw.laws.sample import sample_prior
from scalaw.show.drawing import (
    BAND_ALPHA,
    COLOURS,
    DASHES,
    band_edges,
    canvas,
    drawn,
    log_axis,
    percent,
    plain,
)
from scalaw.show.tables import STATUSES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from scalaw.laws import Law, Published
    from scalaw.laws.records import Covariate

POINTS = 61
DRAWS = 400
#: Range of a covariate in the paper's units, by unit or by unit and name: wide enough for a law to show its shape.
RANGES: Mapping[str, tuple[float, float]] = {
    "N": (1e7, 1e11),
    "D": (1e9, 1e13),
    "C": (1e18, 1e24),
    "S": (1e3, 1e7),
    "M": (1.25, 320.0),
    "L": (1.5, 6.0),
    "B": (1e4, 1e8),
    "n": (1e7, 1e10),
    "n n_1": (1e6, 1e10),
    "D_F": (1e5, 1e9),
    "latents": (1e3, 1e7),
    "latents k": (4.0, 1024.0),
    "loss L_T": (2.0, 2.42),
    "loss L_S": (2.3, 2.5),
    "N_v": (1e6, 1e9),
    "bandwidth": (1e11, 1e13),
    "kl": (0.1, 100.0),
    "bits": (2.0, 16.0),
    "experts": (1.0, 256.0),
    "granularity": (1.0, 64.0),
    "tries": (1.0, 1e4),
    "tokens": (1.0, 25.0),
}
STEPS = (1e3, 1e5)
#: In reference units: two decades to either side of the centre of the runs.
REFERENCE = (0.01, 100.0)
#: Around a reference that is subtracted.
AROUND = (-2.0, 2.0)
SHARES = (0.0, 0.9)
#: A covariate that has to stay below another one is this share of it.
PART_OF = {"N_a": ("N", 0.1)}
#: Shapes of schedules, as a table of runs writes them.
SCHEDULES = {
    "constant rate": "constant(peak={peak}, steps={steps})",
    "cosine to a tenth": "cosine(peak={peak}, end={end}, steps={steps})",
    "constant, last fifth linear to a tenth": "wsd(peak={peak}, end={end}, steps={steps}, decay={fifth})",
}
#: Peak rate of a schedule; in reference units, where ten thousand steps have an area of one.
PEAK, UNIT_PEAK = 3e-4, 1e-4
CAUTION = {"second-hand": " (SECOND-HAND)", "unverified": " (UNVERIFIED)"}


@dataclass(frozen=True)
class Drawing:
    """What is drawn: the law with its parameters (each with a leading axis of draws), and where they come from."""

    law: Law
    values: Mapping[str, np.ndarray]
    entry: Published | None = None

    @property
    def reference(self) -> bool:
        """Whether axes are in reference units."""
        return self.entry is None and bool(self.law.free) and self.law.units == "reference"

    @property
    def source(self) -> str:
        """Whose coefficients these are, in a few words."""
        if self.entry is not None:
            return f"at {self.entry.key}{CAUTION.get(self.entry.status, '')}"
        return "at its prior" if self.law.free else "at the values given"


@drawn
def plot_law(law: Law, *, prob: float = PROB, seed: int = 0) -> Figure:
    """A law's curves, see the module's docstring.

    Parameters
    ----------
    law : Law
        A law, a variant, or a law at published coefficients.
    prob : float
        Probability of the equal-tailed band, where parameters are drawn from the prior.
    seed : int
        Of the prior draws.

    Raises
    ------
    ScalawError
        M009 for a variant that holds some parameters in the paper's units, and leaves others to the prior, which is in
        reference units.
    """
    what = drawing_of(law, seed)
    across, lines, held = lines_of(what)
    figure, axes = canvas(f"{plain(law.name, 50)} {what.source}", _details(what, held, prob))
    ax = axes[0, 0]
    everything = []
    for i, (label, x, covariates) in enumerate(lines):
        low, middle, high = curve(what, covariates, prob)
        color, dash = COLOURS[i % len(COLOURS)], DASHES[i % len(DASHES)]
        if len(next(iter(what.values.values()))) > 1:
            ax.fill_between(x, low, high, color=color, alpha=BAND_ALPHA, linewidth=0)
        ax.plot(x, middle, color=color, linestyle=dash, label=plain(label, 70) if label else None)
        everything += [low, high]
    if len(lines) > 1:
        ax.legend(loc="best")
    if np.min(lines[0][1]) > 0 and across.domain != "simplex":
        log_axis(ax, "x", "C" if across.unit == "C" else "")
    if law.response.scaling == "ratio" and np.min(everything) > 0:
        log_axis(ax, "y", most=6)
    ax.set_xlabel(_label(across, what))
    where = _where(what) if law.response.scaling == "ratio" else "prior"
    ax.set_ylabel(plain(law.response.name + (f" ({where})" if what.entry is None and what.law.free else "")))
    return figure


def drawing_of(law: Law, seed: int = 0) -> Drawing:
    """The parameters that a law is drawn at: given, published, or draws of the prior after their median."""
    entry = next((p for p in law.published if law.name.endswith(f"@{p.key}")), None)
    if not (law.fixed or law.ties) and (sets := complete(law)):
        entry = sets[0]
        law = law.at_published(entry.key)
    if not law.free:
        return Drawing(law, {name: np.array([value]) for name, value in law.fixed}, entry)
    by_name = {p.name: p for p in law.parameters}
    if law.units == "reference" and any(
        value and by_name[name].dimension != "1" for name, value in law.fixed
    ):
        free = ", ".join(p.name for p in law.free)
        what = f"{free} would be drawn from a prior in reference units, and what is held is in the paper's"
        plainly = re.split(r"[\[@]", law.name)[0]
        raise ScalawError("M009", what, law.name, fix=f"hold {free} too, or draw {plainly}")
    draws = sample_prior(law, np.random.default_rng(seed), 4000)
    middle = {name: np.median(value, axis=0, keepdims=True) for name, value in draws.items()}
    return Drawing(
        law, {name: np.concatenate([middle[name], value[:DRAWS]]) for name, value in draws.items()}
    )


def curve(
    what: Drawing, covariates: Mapping[str, Any], prob: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Ends of the band and the curve at the first row of parameters, each of shape (points,)."""
    rows = {name: value[:, None] for name, value in what.values.items()}
    free = {p.name for p in what.law.parameters} - {name for name, _ in (*what.law.fixed, *what.law.ties)}
    given = rows if free else {}
    found = np.atleast_2d(np.asarray(what.law(**covariates, **{k: v for k, v in given.items() if k in free})))
    if len(found) == 1:
        return found[0], found[0], found[0]
    low, _, high = band_edges(found[1:], prob)
    return low, found[0], high


def lines_of(what: Drawing) -> tuple[Covariate, list[tuple[str, np.ndarray, dict[str, Any]]], str]:
    """The covariate across, a line per curve (label, across, covariates), and what the others are held at."""
    law = what.law
    across, *others = law.covariates
    if across.domain == "schedule":
        return across, _schedules(what, across), ""
    low, high = _range(across, what)
    x = (
        np.geomspace(low, high, POINTS)
        if low > 0 and across.domain != "simplex"
        else np.linspace(low, high, POINTS)
    )
    at: dict[str, Any] = {across.name: x if across.size is None else _vectors(law, across, x)}
    held = []
    for c in others:
        if c.name in PART_OF:
            whole, share = PART_OF[c.name]
            at[c.name] = at[whole] * share
            held.append(f"{c.name} = {share:g} {whole}")
        elif c.size is not None:
            at[c.name] = _vectors(law, c, np.array([1.0 / ((law.size(c) or 2) + (c.domain != "simplex"))]))
            held.append(f"{c.name} of equal shares")
        else:
            at[c.name] = np.array([_values(c, what)[1]])
            held.append(f"{c.name} = {_short(c, at[c.name][0])}")
    if not others or others[0].size is not None or others[0].name in PART_OF:
        return across, [("", x, at)], ", ".join(held)
    second = others[0]
    lines = [
        (f"{second.name} = {_short(second, v)}", x, {**at, second.name: np.array([v])})
        for v in _values(second, what)
    ]
    return across, lines, ", ".join(held[1:])


def _range(c: Covariate, what: Drawing) -> tuple[float, float]:
    if c.domain in ("share", "simplex"):
        return SHARES if c.domain == "share" else (0.0, 1.0)
    if c.domain == "real" and c.scaling == "absolute":
        return AROUND
    if what.reference and c.scaling == "ratio":
        return REFERENCE
    if what.reference and c.scaling == "interval":
        return AROUND
    return RANGES.get(f"{c.unit} {c.name}") or RANGES.get(c.unit) or REFERENCE


def _values(c: Covariate, what: Drawing) -> tuple[float, float, float]:
    """Three values inside a covariate's range: a curve each, the middle one where it is held."""
    low, high = _range(c, what)
    if low <= 0:
        return low + 0.1 * (high - low), 0.5 * (low + high), high - 0.1 * (high - low)
    found = [low * (high / low) ** share for share in (0.25, 0.5, 0.75)]
    if c.domain == "integer":
        found = [float(round(value)) for value in found]
    return found[0], found[1], found[2]


def _vectors(law: Law, c: Covariate, first: np.ndarray) -> np.ndarray:
    """Vectors with that first entry, shape (points, size): the other shares share the rest, other components are 0."""
    size = law.size(c) or 2
    rest = (1.0 - first[:, None]) / max(size - 1, 1) if c.domain == "simplex" else first[:, None]
    rest = np.zeros_like(rest) if c.domain == "real" else rest
    return np.concatenate([first[:, None], np.broadcast_to(rest, (len(first), size - 1))], axis=1)


def _schedules(what: Drawing, c: Covariate) -> list[tuple[str, np.ndarray, dict[str, Any]]]:
    steps = np.unique(np.round(np.geomspace(*STEPS, POINTS // 3)).astype(int))
    peak = UNIT_PEAK if what.reference else PEAK
    reduce = c.reduction or np.asarray
    lines = []
    for label, cell in SCHEDULES.items():
        cells = [cell.format(peak=peak, end=peak / 10, steps=n, fifth=round(n / 5)) for n in steps]
        rows = np.stack([reduce(parse_schedule(text).rates) for text in cells])
        lines.append((label, steps.astype(float), {c.name: rows}))
    return lines


def _short(c: Covariate, value: float) -> str:
    if c.domain in ("share", "real") or abs(value) < 1000:
        return f"{value:.3g}"
    return format_quantity(value, "C" if c.unit == "C" else None, 3)


def _where(what: Drawing) -> str:
    return "prior, reference units" if what.reference else "prior, the paper's units"


def _label(c: Covariate, what: Drawing) -> str:
    if c.domain == "schedule":
        return "steps of the schedule"
    if c.size is not None:
        return f"first of {c.name}: {c.meaning}"
    told = f"{c.name}: {c.meaning}" if c.meaning else c.name
    if what.reference and c.scaling != "absolute":
        told += f", {'over' if c.scaling == 'ratio' else 'less'} its reference ({_where(what)})"
    elif what.entry is not None and c.unit == "N" and what.entry.counts:
        told += f" ({what.entry.counts})"
    return "\n".join(textwrap.wrap(plain(told, 120), 78))


def _details(what: Drawing, held: str, prob: float) -> str:
    """The line below the title: what the law says, how far to trust the curves, and what is held."""
    entry = what.entry
    parts = [plain(what.law.doc.rstrip("."), 120)]
    if entry is not None:
        belongs = [f"N counts {entry.counts}" if entry.counts else "", entry.tokenizer, entry.source]
        parts += [STATUSES[entry.status][0], ", ".join(text for text in belongs if text)]
    elif what.law.free:
        parts += [f"line: at prior medians, band: {percent(prob)} equal-tailed interval of prior draws"]
    else:
        parts += ["all parameters are held"]
    return " · ".join([*parts, held] if held else parts)
