"""Every row has a test or a reason, names laws that exist, and is on the page as it is."""

import pytest
from acceptance import ROWS
from acceptance_page import PAGE, page

from scalaw.laws import list_laws, relations
from scalaw.laws.law import registry


@pytest.fixture
def shown(request):
    """Row → tests, of the tests that this session collected, whether it runs them or not."""
    from conftest import MARKED

    return request.config.stash[MARKED]


def test_rows_are_numbered_without_a_gap():
    assert list(ROWS) == list(range(1, 48))
    assert len(list_laws()) > 50


def test_laws_and_relations_of_the_rows_exist():
    known = set(registry())
    assert {name for row in ROWS.values() for name in row.laws} <= known
    assert {name for row in ROWS.values() for name in row.relations} <= set(relations.__all__)


def test_every_row_has_a_test_or_a_reason_on_the_page(shown):
    """Read off the page, which a session of all tests holds against their marks."""
    sections = PAGE.read_text(encoding="utf-8").split("\n## ")[1:]
    without = [s.split(".")[0] for s in sections if "- Shown by" not in s and "- Not shown yet" not in s]
    assert len(sections) == len(ROWS) and not without, f"rows without a test and without a reason: {without}"
    assert set(shown) <= set(ROWS)


def test_the_page_is_up_to_date(shown, request):
    """All of it where all tests were collected; otherwise that it lists those that were."""
    text, fix = PAGE.read_text(encoding="utf-8"), "write the page again: make acceptance"
    if request.config.args_source == request.config.ArgsSource.TESTPATHS:
        assert text == page(shown), fix
    for row, tests in shown.items():
        section = text.split(f"\n## {row}. ")[1].split("\n## ")[0]
        assert ROWS[row].claim in section, fix
        for test in tests:
            assert test.removeprefix("tests/").split("[")[0] in section, fix
