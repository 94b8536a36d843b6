"""A small safe expression language, shared by parameter dimensions and by formulas.

``parse("E + A / N^alpha")`` reads the text with :mod:`ast` (which only parses) and copies it into a tree of
three node types, refusing everything outside a short list: numbers, names, ``+ - * / ^ **``, unary signs and
calls of ``exp log sqrt log1p expm1 min max logistic``. No attribute, subscript, keyword, string, comparison
or lambda exists in the tree, and nothing is ever passed to ``eval`` or ``compile``: :func:`evaluate` walks
the tree and calls array functions directly. At most 500 characters and depth 40.
"""

from __future__ import annotations

import ast
import math
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scalaw.errors import ScalawError

MAX_CHARACTERS = 500
MAX_DEPTH = 40

_BINARY = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_ARITY = {
    "exp": 1, "log": 1, "sqrt": 1, "log1p": 1, "expm1": 1, "logistic": 1, "min": 2, "max": 2,
}  # fmt: skip


@dataclass(frozen=True)
class Number:
    """A literal number."""

    value: float


@dataclass(frozen=True)
class Name:
    """A covariate or a parameter."""

    name: str


@dataclass(frozen=True)
class Apply:
    """An operator or a whitelisted function applied to its arguments."""

    operator: str
    arguments: tuple[Node, ...]


Node = Number | Name | Apply


def parse(text: str) -> Node:
    """Read an expression.

    Raises
    ------
    ScalawError
        M010 when the text is too long, too deep, no expression, or uses anything outside the language.
    """
    if len(text) > MAX_CHARACTERS:
        raise _refused(text, f"{len(text)} characters, at most {MAX_CHARACTERS} are read")
    if not text.isascii():  # ast folds look-alikes of N into N, which would hide a typing error
        odd = next(character for character in text if not character.isascii())
        raise _refused(text, f"'{odd}' (U+{ord(odd):04X}) is not a plain character")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text.strip().replace("^", "**"), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise _refused(text, "not an arithmetic expression") from error
    return _copy(body, text, 1)


def _refused(text: str, what: str) -> ScalawError:
    shown = text if len(text) <= 60 else text[:59] + "…"
    return ScalawError(
        "M010", what, f"formula {shown!r}", fix=f"use numbers, names, + - * / ^ and {', '.join(_ARITY)}"
    )


def _copy(node: ast.expr, text: str, depth: int) -> Node:
    if depth > MAX_DEPTH:
        raise _refused(text, f"nested deeper than {MAX_DEPTH}")
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float() as value):
            try:
                number = float(value)
            except OverflowError:
                number = math.inf
            if not math.isfinite(number):
                raise _refused(text, "a number is too large")
            return Number(number)
        case ast.Name(id=name) if name not in _ARITY and not name.startswith("_"):
            return Name(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return Apply("-", (Number(0.0), _copy(operand, text, depth + 1)))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _copy(operand, text, depth + 1)
        case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _BINARY:
            pair = (_copy(left, text, depth + 1), _copy(right, text, depth + 1))
            return Apply(_BINARY[type(operator)], pair)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _ARITY:
            if len(arguments) != _ARITY[name]:
                raise _refused(text, f"{name} takes {_ARITY[name]} argument(s), got {len(arguments)}")
            return Apply(name, tuple(_copy(argument, text, depth + 1) for argument in arguments))
    raise _refused(text, f"'{ast.unparse(node)[:40]}' is not allowed")


def names(node: Node) -> Iterator[str]:
    """Every name in the tree, in reading order, with repetitions."""
    if isinstance(node, Name):
        yield node.name
    elif isinstance(node, Apply):
        for argument in node.arguments:
            yield from names(argument)


def show(node: Node) -> str:
    """Text that :func:`parse` reads back as the same tree."""
    if isinstance(node, Number):
        return repr(node.value).removesuffix(".0")
    if isinstance(node, Name):
        return node.name
    if node.operator in _ARITY:
        return f"{node.operator}({', '.join(map(show, node.arguments))})"
    left, right = (f"({show(part)})" if _compound(part) else show(part) for part in node.arguments)
    if node.operator == "-" and node.arguments[0] == Number(0.0):
        return f"-{right}"
    return f"{left}**{right}" if node.operator == "**" else f"{left} {node.operator} {right}"


def _compound(node: Node) -> bool:
    if isinstance(node, Number):
        return node.value < 0
    return isinstance(node, Apply) and node.operator not in _ARITY


def evaluate(node: Node, values: Mapping[str, Any], xp: Any) -> Any:
    """Value of the tree.

    Parameters
    ----------
    node : Node
        From :func:`parse`.
    values : mapping
        A number or array per name in the tree.
    xp : module
        ``numpy`` or ``jax.numpy``; supplies the functions.
    """
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        return values[node.name]
    arguments = [evaluate(argument, values, xp) for argument in node.arguments]
    match node.operator:
        case "+":
            return arguments[0] + arguments[1]
        case "-":
            return arguments[0] - arguments[1]
        case "*":
            return arguments[0] * arguments[1]
        case "/":
            return arguments[0] / arguments[1]
        case "**":
            return arguments[0] ** arguments[1]
        case "min":
            return xp.minimum(*arguments)
        case "max":
            return xp.maximum(*arguments)
        case "logistic":
            return 0.5 * (1.0 + xp.tanh(0.5 * arguments[0]))
        case name:
            return getattr(xp, name)(arguments[0])
