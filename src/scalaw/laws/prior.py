"""Priors as plain records, and the default prior of each role.

A prior here is data: a family name and a few numbers. It becomes a NumPyro distribution only inside the
model, so two laws that differ in prior *numbers* share one compiled program. Priors speak of pictures a
person has, because a law is evaluated in reference units (see :mod:`scalaw.laws.law`): an amplitude is the
share of the reference loss that its term explains at the centre of the runs, an irreducible loss is a share
of the smallest loss seen.

Numbers may be names of statistics of the training runs, filled in when the runs are known:

==============  =====================================================================
``loss_min``    smallest training loss, in units of the reference loss
``x_mid``       middle of the range of the law's first covariate, in reference units
``x_log_sd``    half of that range, in nats (at least 0.5)
==============  =====================================================================
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from scalaw.errors import ScalawError

Number = float | str

#: Families and what their numbers mean. ``median`` and ``log_sd`` describe ln(value).
FAMILIES: dict[str, tuple[str, ...]] = {
    "Normal": ("mean", "sd"),
    "LogNormal": ("median", "log_sd"),
    "HalfNormal": ("sd",),
    "Gamma": ("shape", "rate"),
    "Beta": ("a", "b"),
    "OrderedLogNormal": ("median", "log_sd"),
}
#: Names of statistics that stand for numbers.
STATISTICS = ("loss_min", "x_mid", "x_log_sd")
_ANY_SIGN = {"Normal", "OrderedLogNormal"}


@dataclass(frozen=True)
class Prior:
    """Distribution of ``low + scale * draw`` with ``draw`` from a family.

    Parameters
    ----------
    family : str
        A key of :data:`FAMILIES`.
    numbers : tuple of float or str
        The family's numbers, or names of statistics.
    low, scale : float or str
        Shift and stretch of the draw.
    unit : {"reference", "paper"}
        Whether values are in reference units (an amplitude is a share of the reference loss) or in the
        paper's.
    """

    family: str
    numbers: tuple[Number, ...]
    low: Number = 0.0
    scale: Number = 1.0
    unit: Literal["reference", "paper"] = "reference"

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ScalawError("M005", f"no prior family '{self.family}'", fix=f"use {', '.join(FAMILIES)}")
        meanings = FAMILIES[self.family]
        if len(self.numbers) != len(meanings):
            raise ScalawError("M005", f"{self.family} takes {len(meanings)} number(s): {', '.join(meanings)}")
        named = (*zip(meanings, self.numbers, strict=True), ("low", self.low), ("scale", self.scale))
        for meaning, number in named:
            if isinstance(number, str):
                if number not in STATISTICS:
                    raise ScalawError("M005", f"no statistic '{number}'", fix=f"use {', '.join(STATISTICS)}")
            elif not math.isfinite(number) or (meaning not in ("mean", "low") and not number > 0):
                why = "it must be finite" + ("" if meaning in ("mean", "low") else " and > 0")
                raise ScalawError("M005", f"{self.family}: {meaning} is {number}", why=why)

    @classmethod
    def parse(cls, text: str) -> Prior:
        """Read e.g. ``"LogNormal(0.3, 0.5)"`` (median 0.3, standard deviation of the log 0.5).

        The values are in the paper's units; ``"share LogNormal(0.15, 1)"`` speaks of reference units.

        Raises
        ------
        ScalawError
            M005 when the text is no prior.
        """
        match = re.fullmatch(r"\s*(share\s+)?(\w+)\s*\(([^()]*)\)\s*", text)
        try:
            if match is None:
                raise ValueError
            numbers = tuple(float(part) for part in match[3].split(","))
        except ValueError as error:
            fix = "write e.g. LogNormal(0.3, 0.5): median and sd of the log"
            raise ScalawError("M005", f"'{text}' is no prior", fix=fix) from error
        return cls(match[2], numbers, unit="reference" if match[1] else "paper")

    def resolve(self, statistics: Mapping[str, float]) -> Prior:
        """Same prior with the names of statistics replaced by their values."""

        def value(number: Number) -> float:
            return float(statistics[number]) if isinstance(number, str) else float(number)

        return replace(
            self,
            numbers=tuple(value(number) for number in self.numbers),
            low=value(self.low),
            scale=value(self.scale),
        )

    @property
    def positive(self) -> bool:
        """Whether every value is above ``low``."""
        return self.family not in _ANY_SIGN or self.family == "OrderedLogNormal"

    def __str__(self) -> str:
        meanings = FAMILIES[self.family]
        text = ", ".join(
            f"{meaning} {number if isinstance(number, str) else format(number, '.4g')}"
            for meaning, number in zip(meanings, self.numbers, strict=True)
        )
        text = f"{self.family}({text})"
        if self.scale != 1.0:
            text = f"{self.scale if isinstance(self.scale, str) else format(self.scale, '.4g')} * {text}"
        return text if self.low == 0.0 else f"{self.low} + {text}"


def default_prior(role: str, offset: bool, amplitudes: int) -> Prior | None:
    """Prior of a role, or None where the role has no default.

    Parameters
    ----------
    role : str
        A parameter's role.
    offset : bool
        Whether the law has a free irreducible loss: an exponent means something else without one.
    amplitudes : int
        How many amplitudes share the loss at the centre of the runs.
    """
    if role == "irreducible":
        return Prior("Beta", (4.0, 2.0), scale="loss_min")
    if role == "amplitude":
        return (
            Prior("LogNormal", (0.3 / amplitudes, 1.0))
            if offset
            else Prior("LogNormal", (1.0 / amplitudes, 0.5))
        )
    if role == "exponent":
        return Prior("LogNormal", (0.3, 0.5)) if offset else Prior("LogNormal", (0.08, 0.7))
    if role == "scale":  # raised to an exponent it is a share of the loss: x_c**0.3 or x_c**0.08
        return Prior("LogNormal", (0.02, 2.5) if offset else (1.0, 4.0))
    return None
