"""Solve a formula's unit equations for the dimension that each parameter must have.

Every term of a sum has one unit, a formula has the unit of the loss, an exponent and the argument of ``exp``
or ``log`` have none. :func:`solve` walks the tree from the top with the unit that each part must have, and
reads off a parameter's dimension where it meets one; powers stay expressions, so ``A / N^alpha`` gives A the
dimension ``loss * N**alpha``. Whatever it found is then verified with numbers: the formula must predict the
same in two systems of units. A formula that cannot (``k * log(x)``, say) is not closed under a change of
units.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scalaw.errors import ScalawError
from scalaw.laws.expression import Apply, Name, Node, Number, evaluate, parse, show

#: Unit kind → power.
Monomial = dict[str, Node]

ZERO, ONE = Number(0.0), Number(1.0)
TRIES = 64


def solve(tree: Node, units: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str] | None:
    """Dimension of every parameter, or None where no choice makes the formula independent of units.

    Parameters
    ----------
    tree : Node
        The formula.
    units : mapping
        Covariate name → unit kind.
    given : mapping
        Dimensions that are known beforehand, by parameter.

    Returns
    -------
    dict or None
        Parameter name → dimension, e.g. ``"loss * N**alpha"``.
    """
    solver = _Solver(units, {name: monomial(parse(text)) for name, text in given.items()})
    solver.require(tree, {"loss": ONE})
    found = {name: _printed(powers) for name, powers in solver.found.items()} | dict(given)
    return found if _same_in_all_units(tree, units, found) else None


def monomial(node: Node) -> Monomial:
    """Powers of units in a dimension such as ``loss * N**alpha``; what is no monomial counts as no unit."""
    if isinstance(node, Name):
        return {node.name: ONE}
    if isinstance(node, Apply):
        left, right = (node.arguments * 2)[:2]
        if node.operator in ("*", "/"):
            return _product(monomial(left), monomial(right), 1.0 if node.operator == "*" else -1.0)
        if node.operator == "**":
            return _power(monomial(left), right)
    return {}


class _Solver:
    def __init__(self, units: Mapping[str, str], given: Mapping[str, Monomial]):
        self.units = units
        self.found: dict[str, Monomial] = dict(given)

    def known(self, node: Node) -> Monomial | None:
        """Unit of a part, as far as its own contents tell."""
        if isinstance(node, Number):
            return {}
        if isinstance(node, Name):
            return {self.units[node.name]: ONE} if node.name in self.units else self.found.get(node.name)
        if node.operator in ("+", "-", "min", "max"):
            parts = (self.known(part) for part in node.arguments if part != ZERO)
            return next((part for part in parts if part is not None), None)
        if node.operator in ("*", "/"):
            left, right = (self.known(part) for part in node.arguments)
            sign = 1.0 if node.operator == "*" else -1.0
            return None if left is None or right is None else _product(left, right, sign)
        if node.operator in ("**", "sqrt"):
            base = self.known(node.arguments[0])
            return None if base is None else _power(base, _exponent(node))
        return {}

    def require(self, node: Node, unit: Monomial) -> None:
        """Give the parameters in ``node`` such dimensions that it has this unit."""
        if isinstance(node, Number):
            return
        if isinstance(node, Name):
            if node.name not in self.units:
                self.found.setdefault(node.name, unit)
        elif node.operator in ("+", "-", "min", "max"):
            for part in node.arguments:
                self.require(part, unit)
        elif node.operator in ("*", "/"):
            self._require_product(node, unit)
        elif node.operator in ("**", "sqrt"):
            if node.operator == "**":
                self.require(node.arguments[1], {})
            base = self.known(node.arguments[0])
            self.require(node.arguments[0], _power(unit, _inverse(_exponent(node))) if base is None else base)
        else:
            self.require(node.arguments[0], {})

    def _require_product(self, node: Node, unit: Monomial) -> None:
        """One factor of unknown unit bears what the others leave over, a bare parameter if there is one."""
        rest, unknown = dict(unit), []
        for factor, sign in _factors(node, 1.0):
            own = self.known(factor)
            if own is None:
                unknown.append((factor, sign))
            else:
                self.require(factor, own)
                rest = _product(rest, own, -sign)
        unknown.sort(key=lambda entry: not isinstance(entry[0], Name))
        for factor, sign in unknown:
            self.require(factor, _power(rest, Number(sign)))
            rest = {}


def _factors(node: Node, sign: float) -> list[tuple[Node, float]]:
    if isinstance(node, Apply) and node.operator in ("*", "/"):
        left, right = node.arguments
        return _factors(left, sign) + _factors(right, sign if node.operator == "*" else -sign)
    return [(node, sign)]


def _exponent(node: Apply) -> Node:
    return Number(0.5) if node.operator == "sqrt" else node.arguments[1]


def _product(left: Monomial, right: Monomial, sign: float) -> Monomial:
    powers = {unit: _sum(left.get(unit, ZERO), right.get(unit, ZERO), sign) for unit in {**left, **right}}
    return {unit: power for unit, power in powers.items() if power != ZERO}


def _power(powers: Monomial, exponent: Node) -> Monomial:
    return {unit: _times(power, exponent) for unit, power in powers.items() if exponent != ZERO}


def _sum(left: Node, right: Node, sign: float) -> Node:
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(left.value + sign * right.value)
    if right == ZERO:
        return left
    if left == right and sign < 0:
        return ZERO
    if left == ZERO and sign > 0:
        return right
    if left == ZERO and isinstance(right, Apply) and (right.operator, right.arguments[0]) == ("-", ZERO):
        return right.arguments[1]
    return Apply("+" if sign > 0 else "-", (left, right))


def _times(left: Node, right: Node) -> Node:
    if isinstance(left, Number) and isinstance(right, Number):
        return Number(left.value * right.value)
    for one, other in ((left, right), (right, left)):
        if one == ONE:
            return other
        if one == Number(-1.0):
            return _sum(ZERO, other, -1.0)
    match left, right:
        case Apply("/", (top, middle)), Apply("/", (same, bottom)) if middle == same:
            return Apply("/", (top, bottom))
    return Apply("*", (left, right))


def _inverse(node: Node) -> Node:
    if isinstance(node, Number):
        return Number(1.0 / node.value) if node.value else ONE
    if isinstance(node, Apply) and node.operator == "/":
        return Apply("/", (node.arguments[1], node.arguments[0]))
    return Apply("/", (ONE, node))


def _printed(powers: Monomial) -> str:
    text = []
    for unit, power in sorted(powers.items(), key=lambda entry: entry[0] != "loss"):
        text.append(unit if power == ONE else show(Apply("**", (Name(unit), power))))
    return " * ".join(text) or "1"


def _same_in_all_units(tree: Node, units: Mapping[str, str], dimensions: Mapping[str, str]) -> bool:
    """Whether a change of units leaves the formula's prediction alone, tried with numbers."""
    rng = np.random.default_rng(1)
    values = {name: np.exp(0.3 * rng.standard_normal(TRIES)) for name in (*units, *dimensions)}
    refs = {unit: np.exp(rng.standard_normal(TRIES)) for unit in sorted({"loss", *units.values()})}
    with np.errstate(all="ignore"):
        try:
            factors = {name: refs[unit] for name, unit in units.items()}
            factors |= {n: evaluate(parse(text), {**values, **refs}, np) for n, text in dimensions.items()}
            other = evaluate(tree, {name: values[name] * factors[name] for name in values}, np) / refs["loss"]
            here = evaluate(tree, values, np) + np.zeros(TRIES)
        except (
            KeyError,
            ScalawError,
            ArithmeticError,
        ):  # a dimension of unknown units, too long or too large
            return False
        telling = np.isfinite(here) & np.isfinite(other) & (np.abs(here) > 1e-100)
        same = np.abs(other - here)[telling] <= 1e-6 * np.abs(here)[telling]
        return bool(telling.any() and same.all())
