"""A formula becomes a law whose roles and dimensions are inferred; nothing but arithmetic is ever read."""

import time

import jax
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from scalaw.errors import ScalawError
from scalaw.laws import check_law, formula_law, get_law
from scalaw.laws.dimensions import solve
from scalaw.laws.expression import Apply, Name, Number, evaluate, parse, show


def facts(law):
    return {p.name: (p.role, p.dimension) for p in law.parameters}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (
            "E + A/N^alpha + B/D^beta",
            {
                "E": ("irreducible", "loss"),
                "A": ("amplitude", "loss * N**alpha"),
                "alpha": ("exponent", "1"),
                "B": ("amplitude", "loss * D**beta"),
                "beta": ("exponent", "1"),
            },
        ),
        (
            "((N_c/N)^(a_N/a_D) + D_c/D)^a_D",
            {
                "N_c": ("scale", "loss**(1 / a_N) * N"),
                "a_N": ("exponent", "1"),
                "a_D": ("exponent", "1"),
                "D_c": ("scale", "loss**(1 / a_D) * D"),
            },
        ),
        (
            "k*x**-alpha + E",
            {"k": ("amplitude", "loss * x**alpha"), "alpha": ("exponent", "1"), "E": ("irreducible", "loss")},
        ),
        (
            "E + k*exp(-x/tau)",
            {"E": ("irreducible", "loss"), "k": ("amplitude", "loss"), "tau": ("scale", "x")},
        ),
        ("max(E, k*sqrt(x)/x)", {"E": ("irreducible", "loss"), "k": ("amplitude", "loss * x**0.5")}),
        (
            "A*(N^-a + B*D^-b)",
            {
                "A": ("amplitude", "loss * N**a"),
                "a": ("exponent", "1"),
                "B": ("amplitude", "N**(-a) * D**b"),
                "b": ("exponent", "1"),
            },
        ),
        ("E + k*D/U", {"E": ("irreducible", "loss"), "k": ("amplitude", "loss")}),
    ],
)
def test_roles_and_dimensions_are_inferred(text, wanted):
    law = formula_law(text)
    assert facts(law) == wanted
    assert law.doc == text and law.units == "reference"


@pytest.mark.parametrize(
    "text", ["E + A/N^alpha + B/D^beta", "((N_c/N)^(a_N/a_D) + D_c/D)^a_D", "E + (x0/x)^a"]
)
def test_a_formula_passes_every_check(text):
    assert "dimensions" in check_law(formula_law(text))


def test_a_formula_is_the_law_it_writes():
    law, formula = get_law("chinchilla"), formula_law("E + A/N^alpha + B/D^beta", "mine")
    arguments = {"N": 1e9, "D": 2e10, **law.published[0].values}
    with jax.enable_x64(True):
        assert float(formula(**arguments)) == pytest.approx(float(law(**arguments)), rel=1e-15)
    assert formula.name == "mine"
    assert formula.structure == formula_law("E + A/N^alpha + B/D^beta").structure
    assert formula.digest != formula_law("E + A/N^alpha + B/D^gamma").digest


def test_what_is_inferred_can_be_overridden():
    law = formula_law(
        "E + k*x^-a",
        roles={"k": "scale"},
        dimensions={"k": "x**a * loss"},
        priors={"E": "Beta(2, 2)", "a": "LogNormal(0.1, 0.2)"},
    )
    assert facts(law)["k"] == ("scale", "x**a * loss")
    assert str(law.prior(law.parameters[0])) == "Beta(a 2, b 2)"
    assert check_law(law)


def test_a_formula_that_depends_on_units_needs_every_prior():
    with pytest.raises(ScalawError, match="no dimensions fit") as refused:
        formula_law("a - b*log(x)", priors={"b": "Beta(2, 9)"})
    assert refused.value.code == "M008"
    law = formula_law("a - b*log(x)", priors={"a": "LogNormal(9, 0.1)", "b": "Beta(2, 9)"})
    assert law.units == "as in paper" and "as in paper" in law.doc
    assert check_law(law)


@pytest.mark.parametrize(
    ("text", "options", "code"),
    [
        ("E + 1", {}, "M010"),
        ("N + D", {}, "M010"),
        ("sigma / N", {}, "M004"),
        ("loss * k / N", {}, "M004"),
        ("k * logistic((x - m) / s)", {}, "M008"),
        ("E + k/x", {"roles": {"q": "scale"}}, "M009"),
        ("E + k/x", {"priors": {"k": "Gaussian(1)"}}, "M005"),
        ("E + k/x", {"dimensions": {"k": "loss * x**2"}}, "M008"),
        ("E + k/x", {"dimensions": {"k": "loss * y"}}, "M008"),
    ],
)
def test_a_formula_that_is_no_law_is_refused(text, options, code):
    with pytest.raises(ScalawError) as refused:
        formula_law(text, **options)
    assert refused.value.code == code


HOSTILE = [
    "",
    " ",
    "E +",
    "(E",
    "().__class__",
    "N.real + E",
    "__import__('os')",
    "E + __builtins__",
    "_private + N",
    "(lambda: N)()",
    "[E for E in N]",
    "{E: N}",
    "'text' + N",
    "f'{N}' + E",
    "b'x' + N",
    "N[0] + E",
    "(E := N)",
    "E = N",
    "E; N",
    "N if E else D",
    "N and E",
    "not N",
    "N < E",
    "N @ E",
    "N // E",
    "N % E",
    "~N + E",
    "exp(N, E)",
    "exp(x=N)",
    "exp(*N)",
    "exp + N",
    "eval(N)",
    "open(N)",
    "log(log)(N)",
    "1j * N",
    "True + N",
    "None + N",
    "... + N",
    "1e999 * N",
    "9" * 400 + " * N * E",
    "E + N * (9**9**9)",
    "E + N * (1 / (1 - 1))",
    "E + N * (0 - 8)^0.5",
    "E + N * exp(1000)",
    "E + A/\N{GREEK CAPITAL LETTER NU}^a",
    "E + A/\N{MATHEMATICAL BOLD CAPITAL N}^a",
    "E \N{MINUS SIGN} N",
    "E + N\x00",
    "E + N\n+ import os",
    "yield N",
    "await N",
    "(" * 150 + "N" + ")" * 150 + "+",
    "-" * 200 + "N + E",
    "E + " + "N*(E+" * 60 + "N" + ")" * 60,
    "N + E" * 200,
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_refused_at_once(text):
    start = time.process_time()
    with pytest.raises(ScalawError) as refused:
        formula_law(text)
    assert refused.value.code == "M010"
    assert len(str(refused.value)) < 300
    assert time.process_time() - start < 1.0


def nodes(low, high):
    numbers = st.builds(Number, st.floats(low, high, allow_subnormal=False))
    names = st.sampled_from(["N", "D", "x", "E", "k"]).map(Name)
    two, one = st.sampled_from(["+", "-", "*", "/", "**", "min"]), st.sampled_from(["exp", "log", "sqrt"])

    def grown(inner):
        return st.builds(Apply, two, st.tuples(inner, inner)) | st.builds(Apply, one, st.tuples(inner))

    return st.recursive(numbers | names, grown, max_leaves=12)


@settings(deadline=None, derandomize=True)
@given(nodes(0.0, 1e6))
def test_a_shown_tree_reads_back(node):
    assert parse(show(node)) == node


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=80) | st.text("NDxEk+-*/^().,0123456789 explogsqrt", max_size=80))
def test_any_text_is_a_formula_or_a_refusal(text):
    try:
        law = formula_law(text)
    except ScalawError:
        return
    assert law.covariates and law.parameters


@settings(deadline=None, derandomize=True)
@given(nodes(0.5, 3.0))
def test_solved_dimensions_hold_in_another_system_of_units(node):
    units = {"N": "N", "D": "D", "x": "x"}
    solved = solve(node, units, {})
    if solved is None:
        return
    rng = np.random.default_rng(3)
    values = {name: np.exp(0.2 * rng.standard_normal(5)) for name in (*units, *solved)}
    refs = {unit: np.exp(0.5 * rng.standard_normal(5)) for unit in ("N", "D", "x", "loss")}
    with np.errstate(all="ignore"):
        factors = {n: evaluate(parse(text), {**values, **refs}, np) for n, text in solved.items()} | refs
        paper = evaluate(node, {name: values[name] * factors[name] for name in values}, np) / refs["loss"]
        here = evaluate(node, values, np)
        telling = np.isfinite(paper / here) & (np.abs(here) > 1e-6)
        assert np.all(np.abs(paper / here - 1)[telling] < 1e-3)
