"""Digest of code, so that a stored result can say what it speaks of.

Comments, docstrings and layout do not count: the digest is of the syntax tree, written out again so that it is the
same under every Python. A result is stale when the digest of
its modules differs from the one stored with it.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterable
from pathlib import Path


def code_digest(modules: Iterable[str]) -> str:
    """Hash of modules named with dots: 16 hexadecimal digits."""
    state = hashlib.sha256()
    for name in sorted(modules):
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None, name
        tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(
                node, clean=False
            ):
                node.body = node.body[1:]
        state.update(f"{name}\n{ast.unparse(tree)}\n".encode())
    return state.hexdigest()[:16]
