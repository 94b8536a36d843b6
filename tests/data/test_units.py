"""Quantities are read exactly, and never guessed."""

import pytest
from hypothesis import given, settings, strategies as st

from scalaw.data.units import compute_6nd, format_quantity, parse_quantity
from scalaw.errors import ScalawError

STEADY = settings(deadline=None, derandomize=True)

READ = [
    ("70B", 70e9, None),
    ("70b", 70e9, None),
    ("70 B", 70e9, None),
    ("1.4T", 1.4e12, None),
    ("1.4t", 1.4e12, None),
    ("111M", 111e6, None),
    ("5K", 5e3, None),
    ("5k", 5e3, None),
    ("70.1B", 70.1e9, None),
    ("0.3 billion", 0.3e9, None),
    ("1.4 trillion tokens", 1.4e12, "D"),
    ("300B tokens", 300e9, "D"),
    ("12 tok", 12.0, "D"),
    ("7B params", 7e9, "N"),
    ("125 million parameters", 125e6, "N"),
    ("3e21 FLOP", 3e21, "C"),
    ("3e21 flops", 3e21, "C"),
    ("3E21", 3e21, None),
    ("3e+21", 3e21, None),
    ("5 ZFLOP", 5e21, "C"),
    ("2.5 PFLOP", 2.5e15, "C"),
    ("6.3 PF-days", 6.3 * 8.64e19, "C"),
    ("1 petaflop/s-day", 8.64e19, "C"),
    ("1 PFLOP/s-days", 8.64e19, "C"),
    ("1_000", 1e3, None),
    ("1,000,000", 1e6, None),
    ("1,000.5", 1000.5, None),
    (" 42 ", 42.0, None),
    ("-5B", -5e9, None),
    ("+.5", 0.5, None),
    ("5.", 5.0, None),
    ("1e-3", 1e-3, None),
]


@pytest.mark.parametrize(("text", "value", "kind"), READ)
def test_quantities_are_read(text, value, kind):
    assert parse_quantity(text) == (value, kind)


def test_decimal_comma_and_si_prefixes_on_request():
    assert parse_quantity("1.000.000,5", decimal=",") == (1000000.5, None)
    assert parse_quantity("2,5B", decimal=",") == (2.5e9, None)
    assert parse_quantity("3G", si=True) == (3e9, None)


@pytest.mark.parametrize(
    ("text", "code", "fragment"),
    [
        ("70m", "D030", "M for million"),
        ("3G", "D030", "units='si'"),
        ("5 MB", "D030", "bytes"),
        ("5KB", "D030", "bytes"),
        ("2 GiB", "D030", "bytes"),
        ("70b B", "P001", "'70b ^B'"),
        ("1,00", "P001", "'1^,00'"),
        ("1,000,00", "P001", "^"),
        ("1__0", "P001", "'1^__0'"),
        ("abc", "P001", "'^abc'"),
        ("", "P001", "empty"),
        ("1e999", "P001", "too large"),
        ("9e300 T", "P001", "too large"),
        ("１２", "P001", "cannot read"),
        ("70B/s", "P001", "^"),
        ("9" * 100, "P001", "100 characters"),
        ("nan", "P001", "^nan"),
        ("inf", "P001", "^inf"),
        ("\x1b[31m", "P001", r"\x1b"),
    ],
)
def test_unclear_quantities_are_refused_with_the_place(text, code, fragment):
    with pytest.raises(ScalawError) as caught:
        parse_quantity(text)
    assert caught.value.code == code
    assert fragment in str(caught.value)
    assert "\n" not in str(caught.value) and len(str(caught.value)) <= 300


@STEADY
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["N", "D", "C", None]))
def test_what_is_written_is_read_back_exactly(value, kind):
    read, unit = parse_quantity(format_quantity(value, kind))
    assert read == value
    assert unit == ("C" if kind == "C" else None)


@STEADY
@given(st.floats(1, 1e14), st.integers(1, 6))
def test_rounded_text_is_close(value, digits):
    read, _ = parse_quantity(format_quantity(value, digits=digits))
    assert read == pytest.approx(value, rel=0.5 * 10 ** (1 - digits) * 1.000001)


@STEADY
@given(st.text(max_size=90), st.sampled_from([".", ","]), st.booleans())
def test_any_text_is_a_quantity_or_an_error(text, decimal, si):
    try:
        value, kind = parse_quantity(text, decimal=decimal, si=si)
    except ScalawError as error:
        assert error.code in ("P001", "D030")
    else:
        assert abs(value) < float("inf") and kind in ("N", "D", "C", None)


@pytest.mark.parametrize(
    ("value", "kind", "digits", "text"),
    [
        (70e9, None, None, "70B"),
        (1.4e12, "D", None, "1.4T"),
        (3e21, "C", None, "3e21 FLOP"),
        (3e21, None, None, "3e21"),
        (999.5, None, None, "999.5"),
        (123456789.0, None, 3, "123M"),
        (0.0, "C", None, "0 FLOP"),
        (float("inf"), None, None, "inf"),
    ],
)
def test_quantities_are_written_short(value, kind, digits, text):
    assert format_quantity(value, kind, digits) == text


def test_compute_of_gpt3_and_chinchilla():
    # arXiv:2005.14165 Table D.1 prints 3.14e23 for GPT-3; 6ND gives 3.15e23.
    assert compute_6nd(175e9, 300e9) == pytest.approx(3.15e23)
    assert compute_6nd(70e9, 1.4e12) == pytest.approx(5.88e23)
