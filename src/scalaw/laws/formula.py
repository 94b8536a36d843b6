"""A law from one line of text: ``formula_law("E + A/N^alpha + B/D^beta")``.

The names N, D, C, U and x are covariates, all others are parameters. The text becomes a tree of numbers,
names and whitelisted functions (:mod:`scalaw.laws.expression`), which is evaluated by calling ``jnp``
directly; no text is ever executed. What a decorated law says by hand is inferred, is kept in the law's
parameters for all to see, and can be overridden:

- **roles**: in an exponent, ``exponent``; in the base of a power beside a covariate (``(N_c/N)^alpha``),
  ``scale``; a factor of a term, ``amplitude``; alone between plus signs, ``irreducible``. Inside ``exp``,
  ``log`` and the like no role is guessed and a prior must be given;
- **dimensions**: by solving the unit equations (:mod:`scalaw.laws.dimensions`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scalaw.errors import ScalawError
from scalaw.laws.dimensions import solve
from scalaw.laws.expression import Apply, Name, Node, Number, evaluate, names, parse, show
from scalaw.laws.law import RESERVED, Law
from scalaw.laws.prior import Prior, default_prior
from scalaw.laws.records import COVARIATES, Parameter
from scalaw.lazy import jnp

#: Where a name occurs twice, the later of these roles counts.
_ROLES = ("irreducible", "amplitude", "other", "scale", "exponent")


@dataclass(frozen=True)
class Formula:
    """A formula as a function: covariates by position, parameters by name."""

    source_text: str
    tree: Node
    covariates: tuple[str, ...]

    def __call__(self, *covariates: Any, **parameters: Any) -> Any:
        """Value of the formula, by ``jnp``."""
        given = dict(zip(self.covariates, covariates, strict=True))
        return evaluate(self.tree, {**given, **parameters}, jnp)


def formula_law(
    text: str,
    name: str = "formula",
    *,
    roles: Mapping[str, str] | None = None,
    dimensions: Mapping[str, str] | None = None,
    priors: Mapping[str, Prior | str] | None = None,
) -> Law:
    """Law from a formula; it is not registered.

    Parameters
    ----------
    text : str
        E.g. ``"E + A/N^alpha + B/D^beta"``; at most 500 characters.
    name : str
        Name of the law.
    roles, dimensions, priors : mapping, optional
        What to put in place of the inferred ones, by parameter.

    Raises
    ------
    ScalawError
        M010 for a text outside the language or without covariate or parameter, M004 for a reserved name, M009
        for an override of something that is no parameter, M008 for a parameter that needs a prior, also where
        no dimensions make the formula independent of units and not every parameter has a prior.
    """
    tree = _fold(parse(text), text)
    used = dict.fromkeys(names(tree))
    covariates = tuple(c for c in used if c in COVARIATES)
    parameters = tuple(p for p in used if p not in COVARIATES)
    _check_names(text, covariates, parameters, {**(roles or {}), **(dimensions or {}), **(priors or {})})
    role = {**infer_roles(tree, set(covariates)), **(roles or {})}
    prior = {p: Prior.parse(v) if isinstance(v, str) else v for p, v in (priors or {}).items()}
    for p in parameters:
        if p not in prior and default_prior(role[p], True, 1) is None:
            fix = f"give one, e.g. priors={{'{p}': 'Normal(0, 1)'}}, or a role"
            raise ScalawError("M008", f"'{p}' has no default prior", _where(text), fix=fix)
    units = {c: COVARIATES[c].unit for c in covariates}
    dimension = solve(tree, units, dimensions or {})
    if dimension is None and len(prior) < len(parameters):
        why = "default priors speak of reference units, and it is another law in every unit"
        fix = "divide covariates by a parameter, log(x / x_0), or give every prior"
        raise ScalawError("M008", "no dimensions fit", _where(text), why, fix)
    return Law(
        name=name,
        function=Formula(text, tree, covariates),
        covariates=tuple(COVARIATES[c] for c in covariates),
        parameters=tuple(
            Parameter(p, role[p], (dimension or {}).get(p, "1"), prior.get(p)) for p in parameters
        ),
        source=f"formula {text}",
        units="as in paper" if dimension is None else "reference",
        about=text if dimension is not None else f"{text} (as in paper: no dimensions fit)",
    )


def infer_roles(tree: Node, covariates: set[str]) -> dict[str, str]:
    """Role of every parameter from its place in the formula; ``other`` where none is guessed."""
    found: dict[str, str] = {}

    def visit(node: Node, role: str) -> None:
        if isinstance(node, Name) and node.name not in covariates:
            found[node.name] = max(role, found.get(node.name, role), key=_ROLES.index)
        elif isinstance(node, Apply):
            for part, its_role in _places(node, role, covariates):
                visit(part, its_role)

    visit(tree, "irreducible")
    return found


def _places(node: Apply, role: str, covariates: set[str]) -> list[tuple[Node, str]]:
    """Parts of an operation with the role that a parameter standing there would have."""
    scaled = any(name in covariates for name in names(node.arguments[0]))
    if node.operator == "**":
        base = "scale" if scaled and role != "exponent" else role
        return [(node.arguments[0], base), (node.arguments[1], "exponent")]
    if node.operator in ("*", "/"):
        pair = set(names(node))
        ratio = len(pair) == 2 and len(pair & covariates) == 1 and role == "other"
        powered = any(isinstance(part, Apply) and part.operator == "**" for part in node.arguments)
        term = role == "irreducible" or (role == "scale" and powered)
        inner = "scale" if ratio else "amplitude" if term else role
        return [(part, inner) for part in node.arguments]
    if node.operator in ("+", "-", "min", "max"):
        return [(part, role) for part in node.arguments]
    return [(part, "exponent" if role == "exponent" else "other") for part in node.arguments]


def _where(text: str) -> str:
    return f"formula {text if len(text) <= 60 else text[:59] + '…'!r}"


def _check_names(
    text: str, covariates: tuple[str, ...], parameters: tuple[str, ...], overrides: Mapping[str, Any]
) -> None:
    if not covariates or not parameters:
        missing = "covariate (N, D, C, U or x)" if not covariates else "parameter"
        raise ScalawError("M010", f"it has no {missing}", _where(text), fix="e.g. E + A / N^alpha")
    if taken := [p for p in parameters if p in RESERVED]:
        raise ScalawError("M004", f"'{taken[0]}' is reserved", _where(text), fix="rename the parameter")
    if unknown := [p for p in overrides if p not in parameters]:
        fix = f"it has {', '.join(parameters)}"
        raise ScalawError("M009", f"it has no parameter '{unknown[0]}'", _where(text), fix=fix)


def _fold(node: Node, text: str) -> Node:
    """Same tree with every part that is made of numbers alone computed; it must be a finite number."""
    if not isinstance(node, Apply):
        return node
    folded = Apply(node.operator, tuple(_fold(part, text) for part in node.arguments))
    if any(True for _ in names(folded)):
        return folded
    try:
        with np.errstate(all="ignore"):
            value = evaluate(folded, {}, np)
    except ArithmeticError:
        value = np.inf
    if isinstance(value, complex) or not np.isfinite(value):
        raise ScalawError(
            "M010", f"'{show(folded)[:40]}' is not a finite number", _where(text), fix="remove it"
        )
    return Number(float(value))
