"""Every law gives the printed number of its card, and what an independent transcription in NumPy gives.

One line of the table (``cards.py``) is one check: a law, coefficients (published ones by key, or as given), covariates,
the number as it is printed, and the formula written down again in plain float64 NumPy.
"""

import jax
import numpy as np
import pytest
import transcriptions as plain
from cards import ANNEALED, CARDS, CONSTANT, COSINE, FORMS, SCHEDULES, SHOWS
from helpers import built_in, published, value

from scalaw.laws import get_law
from scalaw.laws.families.precision import GAMMAS, effective_parameters
from scalaw.laws.families.schedule import annealed, schedule_rows
from scalaw.laws.sample import draw_prior

NAMED = [
    pytest.param(
        card,
        id=f"{card.law}-{card.printed}",
        marks=[pytest.mark.acceptance(row) for row in [SHOWS.get(f"{card.law} {card.printed}")] if row],
    )
    for card in CARDS
]


def values_of(card):
    return published(card.law, card.values) if isinstance(card.values, str) else card.values


def predicted(card):
    return value(card.law, **values_of(card), **card.at)


@pytest.mark.parametrize("card", NAMED)
def test_a_law_gives_the_printed_number_of_its_card(card):
    mantissa, _, power = card.printed.partition("e")
    half_unit = 0.5 * 10.0 ** (int(power or 0) - len(mantissa.split(".")[1]))
    assert abs(predicted(card) - float(card.printed)) <= half_unit


@pytest.mark.parametrize("card", CARDS, ids=[f"{card.law}-{card.printed}" for card in CARDS])
def test_a_law_is_its_formula(card):
    again = card.again(**values_of(card), **card.at)
    np.testing.assert_allclose(predicted(card), again, rtol=1e-12)


@pytest.mark.parametrize(("name", "values", "at", "again"), FORMS, ids=[form[0] for form in FORMS])
def test_a_law_without_a_printed_number_is_its_formula(name, values, at, again):
    np.testing.assert_allclose(value(name, **values, **at), again(**values, **at), rtol=1e-12)


def test_every_law_is_written_down_a_second_time():
    names = {card.law for card in CARDS} | {form[0] for form in FORMS} | SCHEDULES
    again = {get_law(name).function for name in names}
    assert [law.name for law in built_in() if law.function not in again] == []


@pytest.mark.acceptance(42)
@pytest.mark.parametrize(
    ("rate", "two_terms", "multi_power"),
    [(CONSTANT, "2.83094011", "2.76564761"), (COSINE, "2.80823590", "2.72902379")],
    ids=["constant", "cosine"],
)
def test_laws_of_schedules(rate, two_terms, multi_power):
    loss = float(value("lr_annealing_tissue", areas=annealed(rate), **ANNEALED))
    known = {**published("lr_multipower", "luo_2025_400M"), "S_W": 0.324}
    other = float(value("lr_multipower", schedule=schedule_rows(rate), **known))
    assert abs(loss - float(two_terms)) <= 0.5e-8
    assert abs(other - float(multi_power)) <= 0.5e-8
    np.testing.assert_allclose(loss, plain.tissue(**ANNEALED, rate=rate), rtol=1e-12)
    np.testing.assert_allclose(other, plain.multipower(**known, rate=rate), rtol=1e-12)


@pytest.mark.acceptance(40)
@pytest.mark.parametrize(("bits", "left"), [(4, 0.77588740), (8, 0.94977354), (16, 0.99747730)])
def test_bits_of_weights_are_worth_parameters(bits, left):
    with jax.enable_x64(True):
        assert abs(float(effective_parameters(1.0, bits, 1e9, 1e9, **GAMMAS)) - left) <= 0.5e-8


@pytest.mark.acceptance(40)
def test_eight_bits_everywhere_are_worth_parameters():
    with jax.enable_x64(True):
        assert abs(float(effective_parameters(1.0, 8, 8, 8, **GAMMAS)) - 0.92410746) <= 0.5e-8


#: With published coefficients that can be taken to reference units one by one.
KEYED = [
    card
    for card in CARDS
    if isinstance(card.values, str)
    and get_law(card.law).units == "reference"
    and get_law(card.law).to_paper is None
]


@pytest.mark.parametrize("card", KEYED, ids=[f"{card.law}-{card.values}-{card.printed}" for card in KEYED])
def test_what_was_published_is_nothing_that_a_prior_rules_out(card):
    """With the card's point as the centre of the runs: within all but one in a thousand draws of the prior."""
    law, values = get_law(card.law), values_of(card)
    refs = {c.unit: card.at[c.name] for c in law.covariates} | {"loss": float(predicted(card))}
    rng = np.random.default_rng(0)
    for p in law.parameters:
        prior = law.prior(p).resolve({"loss_min": 1.0, "x_mid": 1.0, "x_log_sd": 2.0})
        draws = draw_prior(prior, rng, (20_000,))
        share = np.mean(draws < values[p.name] / law.factor(p, values, refs))
        assert 5e-4 < share < 1 - 5e-4, (p.name, share)
