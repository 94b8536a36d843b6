"""Whether the numbers of a claim agree with each other, and with the papers that they are said to come from.

::

    scalaw.audit_allocation(C=1e23, N="(C/6)^0.5", D="(C*6)^0.5 * 20")   # 120 times the budget
    scalaw.audit_claim(C=1e23, N="13B", tokens_per_parameter=20)         # a fifth of the budget
    scalaw.audit_claim(law="chinchilla", coefficients={"alpha": 0.34, "beta": 0.6})
    scalaw.audit_claim(N="70B", D="1.4T", against={"N": "175B", "D": "300B"}, times={"D": 20})   # 4.67 times

An audit is arithmetic: what training costs at 6 FLOP per parameter and token, what a ratio makes of a size, how many
times one model is another, which values a law's papers printed. It says what does not follow, and never what is true.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scalaw.decide.points import quantity
from scalaw.errors import ScalawError
from scalaw.laws import Law, get_law, list_laws
from scalaw.laws.expression import evaluate, names, parse
from scalaw.laws.relations import fixed_ratio, training_flops

#: Figures that differ by more than this share contradict each other; printed ones are rounded.
ROUNDED = 0.1
#: A coefficient further from every printed value than this share of it, and than so many of its standard errors.
FAR, ERRORS = 0.25, 3.0
#: A coefficient of another law is recognised to this share.
SAME = 1e-3
PER_PARAMETER = 6.0


@dataclass(frozen=True)
class Audit:
    """What a claim comes to.

    Parameters
    ----------
    figures : mapping
        What was worked out: ``flops`` of training, ``ratio`` to the budget, ``tokens_per_parameter``; N and D
        in their own units.
    findings : tuple of str
        What does not follow, a sentence each; empty where nothing was found.
    """

    figures: Mapping[str, float]
    findings: tuple[str, ...]

    @property
    def level(self) -> str:
        """OK where nothing was found, else BAD."""
        return "BAD" if self.findings else "OK"

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {"level": self.level, "figures": dict(self.figures), "findings": list(self.findings)}

    def __str__(self) -> str:
        figures = ", ".join(f"{name} {value:.4g}" for name, value in self.figures.items())
        told = [f"- {finding}" for finding in self.findings] or ["nothing contradicts anything"]
        return "\n".join([figures, *told] if figures else told)


def audit_allocation(C: Any, N: Any, D: Any, *, per_parameter: float = PER_PARAMETER) -> Audit:
    """Whether training N parameters on D tokens costs the budget C.

    Parameters
    ----------
    C : number or str
        FLOP, e.g. ``1e23`` or ``"3e21 FLOP"``.
    N, D : number or str
        Parameters and tokens, e.g. ``"70B"``, or a formula in C such as ``"0.56 * C^0.49"``.
    per_parameter : float
        FLOP per parameter and token.

    Raises
    ------
    ScalawError
        P001 for what is neither a quantity nor a formula in C.
    """
    return audit_claim(C=C, N=N, D=D, per_parameter=per_parameter)


def audit_claim(
    *,
    C: Any = None,
    N: Any = None,
    D: Any = None,
    tokens_per_parameter: float | None = None,
    law: str | Law | None = None,
    coefficients: Mapping[str, float] | None = None,
    against: Mapping[str, Any] | None = None,
    times: Mapping[str, float] | None = None,
    per_parameter: float = PER_PARAMETER,
) -> Audit:
    """Whether the figures of a claim follow from each other; any of them may be left out.

    Parameters
    ----------
    C, N, D, per_parameter
        As in :func:`audit_allocation`.
    tokens_per_parameter : float, optional
        As claimed; with N but no D it says what D is.
    law : str or Law, optional
    coefficients : mapping, optional
        Said to be the law's: compared with what its papers printed.
    against : mapping, optional
        N and D of another model, that the claim compares with.
    times : mapping, optional
        How many times the other's N, D, or training FLOP ("C") the claim's are said to be; below one for fewer.

    Raises
    ------
    ScalawError
        P001 for what is no quantity, M002 for an unknown law, M006 for coefficients without a law and for ``times``
        of what is not given of both models.
    """
    budget = None if C is None else _quantity("C", C, None)
    size, tokens = (
        None if given is None else _quantity(name, given, budget) for name, given in (("N", N), ("D", D))
    )
    figures: dict[str, float] = {}
    findings: list[str] = []
    if tokens is None and size is not None and tokens_per_parameter is not None:
        tokens = tokens_per_parameter * size
    if size is not None and tokens is not None:
        figures |= {
            "N": size,
            "D": tokens,
            "flops": float(training_flops(size, tokens, per_parameter)),
            "tokens_per_parameter": tokens / size,
        }
        findings += _of_ratio(figures, tokens_per_parameter)
    if budget is not None and "flops" in figures:
        figures["ratio"] = figures["flops"] / budget
        findings += _of_budget(figures, budget, tokens_per_parameter, per_parameter)
    if times:
        findings += _of_times(figures, budget, against or {}, times, per_parameter)
    if coefficients:
        if law is None:
            raise ScalawError(
                "M006", "coefficients of which law?", "audit", fix="name it, e.g. law='chinchilla'"
            )
        findings += _of_coefficients(get_law(law), coefficients)
    return Audit(figures, tuple(findings))


def _quantity(name: str, given: Any, budget: float | None) -> float:
    """A quantity, or a formula in C at the budget."""
    if isinstance(given, str) and "C" in given and budget is not None:
        given = evaluate(_formula(name, given), {"C": budget}, np)
    return quantity(name, given, "audit", "write e.g. 70B, 1.4e12, or a formula such as 0.56 * C^0.49")


def _formula(name: str, text: str) -> Any:
    tree = parse(text)
    if other := set(names(tree)) - {"C"}:
        raise ScalawError(
            "P001", f"{name} is a formula in {', '.join(sorted(other))}", "audit", fix="use C alone"
        )
    return tree


def _of_ratio(figures: Mapping[str, float], claimed: float | None) -> Iterator[str]:
    found = figures["tokens_per_parameter"]
    if claimed is not None and _apart(found, claimed):
        yield f"D / N is {found:.3g} tokens per parameter, not {claimed:g}"


def _of_times(
    figures: Mapping[str, float],
    budget: float | None,
    against: Mapping[str, Any],
    times: Mapping[str, float],
    per_parameter: float,
) -> Iterator[str]:
    """What is not so many times another model's: N, D and the FLOP of training both."""
    other = {name: _quantity(name, given, budget) for name, given in against.items()}
    ours = {name: figures[name] for name in ("N", "D") if name in figures}
    for one in (other, ours):
        if {"N", "D"} <= one.keys():
            one.setdefault("C", float(training_flops(one["N"], one["D"], per_parameter)))
    for name, claimed in times.items():
        if name not in ours or name not in other:
            what, fix = f"times of {name}, which is not known of both", "give N and D, and both in against"
            raise ScalawError("M006", what, "audit", fix=fix)
        found = ours[name] / other[name]
        if _apart(found, quantity("times", claimed, "audit", "write a number above zero, e.g. 4.67")):
            yield f"{name} of {ours[name]:.3g} is {found:.3g} times {other[name]:.3g}, not {claimed:.3g} times"


def _of_budget(
    figures: Mapping[str, float], budget: float, ratio: float | None, per_parameter: float
) -> Iterator[str]:
    times = figures["ratio"]
    if not _apart(times, 1.0):
        return
    yield (
        f"training {figures['N']:.3g} parameters on {figures['D']:.3g} tokens takes {figures['flops']:.3g} FLOP, "
        f"{times:.3g} times the budget of {budget:.3g}"
    )
    if not _apart(times, per_parameter):
        yield f"that is what comes of taking C for N·D instead of {per_parameter:g}·N·D"
    if ratio is not None:
        right = fixed_ratio(budget, ratio, per_parameter)
        yield f"at {ratio:g} tokens per parameter the budget buys {right.N:.3g} parameters and {right.D:.3g} tokens"


def _of_coefficients(law: Law, coefficients: Mapping[str, float]) -> Iterator[str]:
    known = [p.name for p in law.parameters]
    for name, value in coefficients.items():
        printed = [p for p in law.published if name in p.values]
        if name not in known:
            yield f"law {law.name} has no {name}: it has {', '.join(known)}"
        elif printed and not any(_near(value, p.values[name], p.se.get(name, 0.0)) for p in printed):
            told = ", ".join(f"{p.values[name]:.4g} ({p.key})" for p in printed)
            yield f"{name} = {value:g} of {law.name} is far from what was printed: {told}"
        yield from _elsewhere(law, name, value)


def _elsewhere(law: Law, name: str, value: float) -> Iterator[str]:
    """Other laws in which this very coefficient was printed, under any name; small integers are anyone's."""
    own = {p.values.get(name) for p in law.published}
    if value in own or float(value).is_integer():
        return
    found = [
        f"{other.name} ({p.key}: {there})"
        for other in list_laws()
        if other.function is not law.function
        for p in other.published
        for there, printed in p.values.items()
        if there.startswith(name.split("_")[0]) and abs(printed - value) <= SAME * abs(value)
    ]
    if found:
        of = ", ".join(found)
        yield f"{name} = {value:g} was printed for another law, {of}: coefficients do not move between laws"


def _near(value: float, printed: float, error: float) -> bool:
    return abs(value - printed) <= max(FAR * abs(printed), ERRORS * error)


def _apart(a: float, b: float) -> bool:
    return abs(math.log(a / b)) > math.log1p(ROUNDED)
