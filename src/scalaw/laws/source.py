"""The text that defines a function, for digests: a result is stale when what it was computed with reads otherwise.

What does not change a result does not count: comments, docstrings, layout, decorators and annotations. What a
function of the package calls counts as if it stood in it, as do the plain numbers that it reads from its module.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

#: Helpers are followed within a law's own module and within this package.
FAMILIES = "scalaw.laws.families"


def defining_text(function: Callable[..., Any]) -> str:
    """Everything that ``function`` computes with, as text.

    A formula is its own text (``source_text``); a function typed where no lines are kept is its bytecode.
    """
    if own := getattr(function, "source_text", None):
        return own
    return "\n".join(_texts(inspect.unwrap(function), set()))


def source_text(function: Callable[..., Any]) -> str:
    """The function's own lines alone, as they stand; its bytecode where no lines are kept."""
    if own := getattr(function, "source_text", None):
        return own
    try:
        return inspect.getsource(function)
    except OSError:  # typed at a prompt that keeps no lines
        code = function.__code__
        return repr(
            (code.co_code.hex(), code.co_names, [c for c in code.co_consts if not hasattr(c, "co_code")])
        )


def _texts(function: Callable[..., Any], met: set[int]) -> Iterator[str]:
    met.add(id(function))
    yield _plain(source_text(function))
    known = getattr(function, "__globals__", {})
    for name in sorted(set(_names(function.__code__))):
        value = known.get(name)
        if isinstance(value, int | float | tuple):
            yield f"{name} = {value!r}"
        elif (
            callable(value) and id(helper := inspect.unwrap(value)) not in met and _followed(helper, function)
        ):
            yield from _texts(helper, met)


def _followed(helper: Any, function: Callable[..., Any]) -> bool:
    module = str(getattr(helper, "__module__", None))
    return inspect.isfunction(helper) and (module == function.__module__ or module.startswith(FAMILIES))


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)


def _plain(text: str) -> str:
    """The text's syntax tree, written out again without what does not change a result."""
    try:
        tree = ast.parse(textwrap.dedent(text))
    except SyntaxError:  # part of a longer statement, such as a lambda
        return text
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.decorator_list, node.returns = [], None
            node.args.defaults, node.args.kw_defaults = [], [None] * len(node.args.kwonlyargs)
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                argument.annotation = None
            if ast.get_docstring(node, clean=False) is not None:
                node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)
