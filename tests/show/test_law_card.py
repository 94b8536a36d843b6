"""Cards of all laws: formula, parameters, pitfalls and published values are there, at every width and as JSON."""

from __future__ import annotations

import json
import re
import sys

import pytest
from helpers import built_in
from typer.testing import CliRunner

from scalaw.laws import Law, formula_law, get_law, parameter
from scalaw.laws.law import law as decorate, registry
from scalaw.show.cli import app
from scalaw.show.law_card import card, formula, references

LAWS = [law.name for law in built_in()]
KEYED = [f"{law.name}@{entry.key}" for law in built_in() for entry in law.published]
VARIANTS = ["chinchilla[alpha=beta]", "bnsl[breaks=2]", "power_law_offset[E=1.7]"]


def told(*args, width=None, code=0):
    env = {} if width is None else {"COLUMNS": str(width)}
    result = CliRunner().invoke(app, ["laws", *map(str, args)], env=env)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result.output if code else result.stdout


def words(text):
    return " ".join(text.split())


@pytest.fixture(scope="module")
def listed():
    return {entry["name"]: entry for entry in json.loads(told("--json"))["laws"]}


@pytest.mark.parametrize("name", LAWS)
def test_every_law_has_pitfalls(name):
    pitfalls = get_law(name).pitfalls
    assert 1 <= len(pitfalls) <= 3
    for text in pitfalls:
        assert text.endswith(".") and text[0].isupper() or text.split()[0].split("_")[0] in text, text
        assert len(text) < 120 and "\n" not in text


@pytest.mark.parametrize("name", [*LAWS, *VARIANTS])
def test_a_formula_is_plain_text_that_names_every_parameter(name):
    law = get_law(name)
    text = formula(law)
    assert " = " in text.split("\n")[0]
    assert not re.search(r"jnp|\*\*|\breturn\b|\blambda\b|_logistic|_fall|expand_dims", text)
    for p in law.parameters:
        assert re.search(rf"(?<![A-Za-z_]){p.name}(?![A-Za-z0-9])", text), (p.name, text)
    for c in law.covariates:
        if c.domain != "schedule":
            assert re.search(rf"(?<![A-Za-z]){c.name}(?![A-Za-z0-9])", text), (c.name, text)
    assert all(len(line) <= 110 for line in text.splitlines())


@pytest.mark.parametrize("name", [*LAWS, *KEYED, *VARIANTS])
def test_a_card_holds_everything(name):
    law, text = get_law(name), words(told(name, width=200))
    assert words(formula(law)) in text and law.doc in text and law.source in text
    for p in law.parameters:
        assert p.meaning in text and p.role in text and (p.name in text)
    for c in law.covariates:
        assert c.meaning in text
    assert all(f"- {pitfall}" in text for pitfall in law.pitfalls)
    key = name.partition("@")[2]
    for entry in law.published:
        assert (f"{entry.key} " in text) == (key in ("", entry.key)) or "@" in text
        if key in ("", entry.key):
            assert entry.source in text and entry.note in text
            assert {"checked": "checked against", "second-hand": "SECOND-HAND", "unverified": "UNVERIFIED"}[
                entry.status
            ] in text


@pytest.mark.parametrize("width", [80, 100, 200])
@pytest.mark.parametrize("name", LAWS)
def test_a_card_fits_the_terminal(name, width):
    text = told(name, width=width)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    for pitfall in get_law(name).pitfalls:
        assert pitfall in words(text)


def test_the_list_fits_and_says_formula_covariates_and_source():
    for width in (80, 100, 200):
        text = told(width=width)
        assert max(len(line.rstrip()) for line in text.splitlines()) <= width
    line = next(line for line in text.splitlines() if line.startswith("chinchilla("))
    assert re.search(r"chinchilla\(N, D\) +loss = E \+ A / N\^alpha \+ B / D\^beta$", line.rstrip())
    assert all(f"{name}(" in text and get_law(name).source in words(text) for name in LAWS)
    assert all(law.family in text for law in built_in())


@pytest.mark.parametrize("name", [*LAWS, *KEYED, *VARIANTS])
def test_json_carries_the_whole_card(name, listed):
    law = get_law(name)
    (read,) = json.loads(told(name, "--json"))["laws"]
    assert read == json.loads(json.dumps(card(law)))
    if name in listed:
        assert read == listed[name]
    assert read["pitfalls"] == list(law.pitfalls) and read["references"] == references(law)
    assert [p["name"] for p in read["parameters"]] == [p.name for p in law.parameters]
    for entry, again in zip(law.published, read["published"], strict=True):
        assert again == json.loads(
            json.dumps({**vars(entry), "values": dict(entry.values), "se": dict(entry.se)})
        )


def test_held_numbers_are_shown():
    text = words(told("chinchilla@besiroglu_2024", width=100))
    assert "with E = 1.81686, A = 482.006, B = 2085.43, alpha = 0.34781, beta = 0.36585" in text
    assert "held at 0.34781" in text and "hoffmann_2022" not in text
    (read,) = json.loads(told("chinchilla@besiroglu_2024", "--json"))["laws"]
    assert read["held_set"] == "besiroglu_2024" and read["parameters"][3]["fixed"] == 0.34781


def test_what_a_variant_holds_is_put_in_words():
    assert formula(get_law("power_law")) == "loss = E + k / x^alpha\nwith E = 0"
    assert formula(get_law("chinchilla[alpha=beta]")).endswith("\nwith alpha = beta")
    assert formula(get_law("double_descent")).endswith("\nwith breaks = 2")
    assert "with" not in formula(get_law("bnsl"))


@pytest.mark.parametrize("name", LAWS)
def test_what_a_card_says_to_write_can_be_written(name):
    (read,) = json.loads(told(name, "--json"))["laws"]
    for line in read["use"]:
        spec = re.fullmatch(r"(?:scalaw (?:fit RUNS --law|laws) )?(\S+)(?: --plot)?", line["write"])
        assert spec is not None, line
        assert isinstance(get_law(spec[1].replace("NUMBER", "0.5")), Law)


def test_a_law_of_ones_own_shows_what_it_returns(monkeypatch):
    monkeypatch.setattr(sys.modules["scalaw.laws.law"], "_REGISTRY", dict(registry()))

    @decorate(source="a test")
    def made_here(N, *, k=parameter("level", get_law("power_law").prior(get_law("power_law").parameters[1]))):
        """Says something.

        A paragraph of prose is no formula: it ends like this, with N = 3.
        """
        size = N**2
        return k / size**0.5

    assert formula(made_here) == "size = N^2\nloss = k / size^0.5"
    assert formula(formula_law("E + A/N^alpha")) == "loss = E + A/N^alpha"
