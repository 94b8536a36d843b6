"""Every public name is there, is documented, and is the same for people, programs and type checkers."""

import ast
import importlib
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import scalaw as sl


def typed_names():
    """Module → names, from the imports that only type checkers see."""
    tree = ast.parse(Path(sl.__file__).read_text(encoding="utf-8"))
    block = next(
        node for node in tree.body if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    )
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        assert all(alias.asname == alias.name for alias in node.names), "re-exports are written `x as x`"
        found[node.module] = {alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("name", sl.__all__)
def test_every_public_name_is_there_and_documented(name):
    value = getattr(sl, name)
    assert not inspect.ismodule(value)
    assert len(inspect.getdoc(value) or "") > 20
    assert value is getattr(sl, name)


@pytest.mark.parametrize("name", sl.__all__)
def test_functions_of_many_arguments_document_each(name):
    value = getattr(sl, name)
    text = inspect.getdoc(value) or ""
    arguments = inspect.signature(value).parameters if inspect.isfunction(value) else {}
    if len(arguments) > 5:
        assert "Parameters\n---" in text
        assert [a for a in arguments if a not in text] == []


def test_type_checkers_and_programs_see_the_same_names():
    table = {module: set(names.split()) for module, names in sl._NAMES.items()}
    assert typed_names() == table
    assert sl.__all__ == sorted(set().union(*table.values()))


@pytest.mark.parametrize("module", sl._NAMES)
def test_public_names_are_public_where_they_live(module):
    floor = importlib.import_module(module)
    exported = getattr(floor, "__all__", None)
    if exported is not None:
        assert set(sl._NAMES[module].split()) <= set(exported)


def test_dir_lists_what_there_is():
    assert set(sl.__all__) <= set(dir(sl))
    assert "__version__" in dir(sl)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'chinchilla'"):
        sl.chinchilla  # noqa: B018
    with pytest.raises(ImportError):
        exec("from scalaw import chinchilla")


def test_a_name_brings_only_its_own_floor():
    code = (
        "import sys, scalaw; scalaw.read_runs; scalaw.get_law; scalaw.check_runs; "
        "print([m for m in ('jax', 'numpyro', 'arviz', 'matplotlib', 'scalaw.infer') if m in sys.modules])"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True
    )
    assert out.stdout.strip() == "[]"
