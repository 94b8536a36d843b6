"""Find a law by its printed name: ``get_law("chinchilla[alpha=beta]")``.

One grammar names every variant, ``name[key=value,…]``; in a shell, where brackets are globs,
``name:key=value,…`` reads the same. What ``key=value`` does depends on the two sides:

==========================  ===============================================================
``chinchilla[E=0]``         parameter = number: held there, in the paper's units
``chinchilla[alpha=beta]``  parameter = parameter: the first follows the second
``bnsl[breaks=2]``          structural option = whole number: how many of something there are
==========================  ===============================================================

``chinchilla@besiroglu_2024`` is the law at coefficients that a paper printed (:mod:`scalaw.laws.at_published`).

A variant has a canonical name (options first, then parameters in the law's own order, numbers as short as
they can be), and ``get_law`` of that name gives an equal law. Variants that only hold or tie parameters
share one compiled program with their law, unless the unit of what is held moves with an exponent that is learned.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import replace

from scalaw.errors import ScalawError
from scalaw.laws.law import Law, register, registry
from scalaw.laws.records import Parameter

MAX_OPTION = 64


def get_law(spec: str | Law) -> Law:
    """Law or variant of that name.

    Parameters
    ----------
    spec : str or Law
        ``"name"``, ``"name[key=value,…]"`` or ``"name:key=value,…"``; a :class:`Law` is returned as it is.

    Raises
    ------
    ScalawError
        M002 for an unknown name, M009 for a variant that the law does not have.
    """
    if isinstance(spec, Law):
        return spec
    text, at, key = spec.partition("@")
    name, items = _split(text)
    known = registry()
    if name not in known:
        raise ScalawError("M002", f"unknown law '{name[:60]}'", fix=f"{_meant(name, known)}see: scalaw laws")
    found = variant(known[name], items) if items else known[name]
    return found.at_published(key.strip()) if at else found


def variant(base: Law, items: Iterable[tuple[str, str]]) -> Law:
    """``base`` with options set, parameters fixed or parameters tied.

    Parameters
    ----------
    base : Law
        A registered law.
    items : iterable of (str, str)
        Key and value as written, e.g. ``("alpha", "beta")``.

    Raises
    ------
    ScalawError
        M009.
    """
    options, fixed, ties = dict(base.options), dict(base.fixed), dict(base.ties)
    by_name = {p.name: p for p in base.parameters}
    seen: set[str] = set()
    for key, value in items:
        if key in seen or key in held(base):
            raise _bad(base, f"'{key}' is set twice", "name it once, or start from the law without it")
        seen.add(key)
        if key in options:
            options[key] = _option(base, key, value)
        elif key not in by_name:
            names = (*options, *by_name)
            raise _bad(base, f"it has no '{key[:40]}'", f"{_meant(key, names)}it has {', '.join(names)}")
        elif value in by_name:
            ties[key] = value
        else:
            fixed[key] = _number(base, by_name[key], value)
    ties = _resolved(base, ties, fixed, by_name)
    _refuse_mixed(base, fixed, ties)
    for name, target in ties.items():
        if "irreducible" in (by_name[name].role, by_name[target].role):
            fix = "tie exponents, or amplitudes, with each other"
            raise _bad(base, f"{name}={target} would tie an irreducible loss", fix)
    chosen = replace(
        base,
        options=tuple(sorted(options.items())),
        fixed=tuple((p.name, fixed[p.name]) for p in base.parameters if p.name in fixed),
        ties=tuple((p.name, ties[p.name]) for p in base.parameters if p.name in ties),
    )
    return replace(chosen, name=_printed(base, chosen))


def alias(
    name: str,
    base: Law,
    about: str,
    *,
    source: str = "",
    pitfalls: tuple[str, ...] = (),
    **given: float,
) -> Law:
    """Register a variant under a name of its own; both share compiled programs as variants do.

    Parameters
    ----------
    name : str
        Of the new law.
    base : Law
        Whose function it shares; its published coefficients belong to ``base`` alone.
    about : str
        What it says, in a line.
    source, pitfalls
        As in :class:`~scalaw.laws.law.Law`; those of ``base`` by default.
    **given : float
        Parameters and the numbers at which it holds them, structural options and their values.
    """
    chosen = variant(base, [(key, repr(value)) for key, value in given.items()])
    own = {"source": source or base.source, "pitfalls": pitfalls or base.pitfalls}
    return register(replace(chosen, name=name, about=about, published=(), **own))


def held(law: Law) -> set[str]:
    """Names of the parameters that ``law`` holds or ties."""
    return {name for name, _ in (*law.fixed, *law.ties)}


def _split(spec: str) -> tuple[str, list[tuple[str, str]]]:
    text = spec.strip()
    match = re.fullmatch(r"([^\[\]:=,]+)(?:\[([^\[\]]*)\]|:([^\[\]]*))?", text)
    if match is None:
        fix = "write name[key=value,…] or name:key=value,…"
        raise ScalawError("M009", f"'{text[:60]}' names no law", fix=fix)
    name = match[1].strip()
    inner = match[2] if match[2] is not None else match[3]
    items = []
    for part in inner.split(",") if inner and inner.strip() else ():
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key and equals and value):
            fix = "write key=value, e.g. chinchilla[alpha=beta]"
            raise ScalawError("M009", f"'{part.strip()[:40]}' in '{text[:60]}' is no key=value", fix=fix)
        items.append((key, value))
    return name, items


def _meant(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean '{close[0]}'? " if close else ""


def _bad(base: Law, what: str, fix: str) -> ScalawError:
    return ScalawError("M009", what, f"variant of law {base.name}", fix=fix)


def _option(base: Law, key: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,3}", value) or not 1 <= int(value) <= MAX_OPTION:
        raise _bad(base, f"{key}={value[:40]} is no whole number from 1 to {MAX_OPTION}", f"e.g. {key}=2")
    return int(value)


def _number(base: Law, p: Parameter, value: str) -> float:
    """A value to hold a parameter at; it must be one that the parameter can take."""
    try:
        number = float(value)
    except ValueError as error:
        names = [q.name for q in base.parameters]
        fix = f"{_meant(value, names)}give a number or another parameter"
        raise _bad(base, f"{p.name}={value[:40]} is neither a number nor a parameter", fix) from error
    if not math.isfinite(number):
        raise _bad(base, f"{p.name}={value} is not finite", "give a finite number")
    if base.prior(p).positive and number < 0:
        raise _bad(base, f"{p.name}={value} is negative", f"{p.name} ({p.role}) is never below zero")
    return number


def _resolved(
    base: Law, ties: dict[str, str], fixed: dict[str, float], by_name: dict[str, Parameter]
) -> dict[str, str]:
    """Ties that point at a free parameter; one that ends at a fixed parameter becomes fixed itself."""
    found = {}
    for name in ties:
        target, passed = ties[name], {name}
        while target in ties:
            if target in passed:
                raise _bad(base, f"'{name}' is tied to itself", "tie parameters to a free one")
            passed.add(target)
            target = ties[target]
        if target == name:
            raise _bad(base, f"'{name}' is tied to itself", "tie parameters to a free one")
        mine, other = by_name[name], by_name[target]
        if (mine.dimension, mine.size) != (other.dimension, other.size):
            why = f"{mine.dimension} is not {other.dimension}, so equal numbers mean nothing"
            raise ScalawError(
                "M009", f"'{name}' and '{target}' have other units", base.name, why, "untie them"
            )
        if target in fixed:
            fixed[name] = fixed[target]
        else:
            found[name] = target
    return found


def _refuse_mixed(base: Law, fixed: dict[str, float], ties: dict[str, str]) -> None:
    """Refuse to hold or tie what a change of units mixes with a free parameter."""
    if base.to_paper is None:
        return
    refs = {unit: 3.0 + i for i, unit in enumerate(dict.fromkeys(c.unit for c in base.covariates))}
    refs["loss"] = 2.0
    values = {**{p.name: 1.0 for p in base.parameters}, **fixed}
    paper = base.to_paper(values, refs)
    for p in base.parameters:
        held_at = values[p.name] * base.factor(p, values, refs)
        if p.name in fixed and not math.isclose(paper[p.name], held_at, abs_tol=1e-12):
            raise _bad(base, f"'{p.name}' changes with the units of the data", "hold what it mixes with at 0")
        if p.name in ties and not math.isclose(paper[p.name], paper[ties[p.name]]):
            raise _bad(base, f"'{p.name}' changes with the units of the data", "leave it free")


def _printed(base: Law, chosen: Law) -> str:
    values = {**dict(chosen.fixed), **dict(chosen.ties)}
    given = held(base)
    inner = [f"{key}={value}" for key, value in chosen.options if dict(base.options)[key] != value]
    inner += [
        f"{p.name}={_short(values[p.name])}"
        for p in chosen.parameters
        if p.name in values and p.name not in given
    ]
    return f"{base.name}[{','.join(inner)}]" if inner else base.name


def _short(value: float | str) -> str:
    return value if isinstance(value, str) else repr(value).removesuffix(".0")
