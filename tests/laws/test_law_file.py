"""A user's Python file gives laws, or a refusal that names the line."""

import pytest

from scalaw.errors import ScalawError
from scalaw.laws import get_law, load_law_file
from scalaw.laws.law import _REGISTRY

HEAD = "from scalaw.laws import law, irreducible, amplitude, exponent, get_law\nfrom scalaw.lazy import jnp\n"
GOOD = """
@law(source="a test", decreasing=("N",))
def shifted(N, *, E=irreducible(), A=amplitude("loss * N**alpha"), alpha=exponent()):
    '''A power law of my own.'''
    return E + A / N**alpha
"""


@pytest.fixture(autouse=True)
def own_registry():
    before = dict(_REGISTRY)
    yield
    _REGISTRY.clear()
    _REGISTRY.update(before)


def test_laws_of_a_file_are_loaded_and_registered(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(HEAD + GOOD + "other = get_law('chinchilla')\n")
    laws = load_law_file(file)
    assert [entry.name for entry in laws] == ["shifted"]
    assert get_law("shifted") is laws[0]
    assert laws[0].doc == "A power law of my own."
    assert list(tmp_path.iterdir()) == [file]


def test_an_edited_file_can_be_loaded_again(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(HEAD + GOOD)
    before = load_law_file(file)[0].digest
    file.write_text(HEAD + GOOD.replace("E + A", "E + 1.5 * A"))
    assert load_law_file(file)[0].digest != before


@pytest.mark.parametrize(
    ("text", "code", "fragment"),
    [
        ("x = 1\ny = 1 / 0\n", "M003", "line 2: ZeroDivisionError"),
        ("x = 1\ny = (\n", "M003", "line 2: SyntaxError"),
        ("import sys\nsys.exit(3)\n", "M003", "line 2: SystemExit"),
        ("x = 1\n", "M003", "defines no law"),
        (HEAD + "other = get_law('chinchilla')\n", "M003", "defines no law"),
        (HEAD + "import numpy as np\n" + GOOD.replace("/ N**alpha", "* np.log(N)"), "M003", "np.log"),
        (HEAD + GOOD.replace("def shifted", "def chinchilla"), "M007", "exists already"),
        (HEAD + GOOD.replace("def shifted(N", "def shifted(size"), "M008", "unknown covariate"),
    ],
)
def test_a_bad_file_is_refused_with_its_line(tmp_path, text, code, fragment):
    file = tmp_path / "mine.py"
    file.write_text(text)
    with pytest.raises(ScalawError) as refused:
        load_law_file(file)
    assert refused.value.code == code
    assert fragment in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "latin.py").write_bytes(b"# \xe4\n")
    for path in (tmp_path / "missing.py", tmp_path, tmp_path / "latin.py"):
        with pytest.raises(ScalawError, match="M003"):
            load_law_file(path)
