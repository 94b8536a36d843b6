"""Every code that can be met is explained."""

import re
from pathlib import Path

import pytest

import scalaw.data
from scalaw.data import CODES, explain
from scalaw.errors import ScalawError

SOURCE = Path(scalaw.data.__file__).parents[1]
RAISED = {
    code for path in SOURCE.rglob("*.py") if path.name != "codes.py"
    for code in re.findall(r"[\"']([DPMS]\d{3})[\"']", path.read_text(encoding="utf-8"))
}  # fmt: skip


@pytest.mark.parametrize("code", sorted(RAISED))
def test_every_code_raised_has_a_paragraph(code):
    assert len(CODES[code]) > 60


@pytest.mark.parametrize("code", sorted(code for code in CODES if code.startswith("D")))
def test_every_data_code_is_raised(code):
    assert code in RAISED


def test_explain_finds_a_code_however_it_is_written():
    assert explain(" d012 ") == CODES["D012"]
    with pytest.raises(ScalawError, match="the nearest is D0") as caught:
        explain("D01")
    assert caught.value.code == "D064"
