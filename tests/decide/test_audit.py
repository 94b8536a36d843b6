"""Claims that do not add up are told, those that do are left alone; the claims are ones that are often repeated."""

import pytest

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.laws.relations import kaplan_allocation


def test_a_popular_rule_of_thumb_overspends_a_hundredfold():
    """N = (C/6)^0.5 and D = (6C)^0.5 * 20 at 1e23 FLOP: 129B parameters, 15.5T tokens, 120 budgets."""
    told = sl.audit_allocation(1e23, "(C/6)^0.5", "(C*6)^0.5 * 20")
    assert told.level == "BAD"
    assert told.figures["N"] == pytest.approx(129.1e9, rel=1e-3)
    assert told.figures["D"] == pytest.approx(15.49e12, rel=1e-3)
    assert told.figures["ratio"] == pytest.approx(120.0, rel=1e-12)
    assert "120 times the budget" in str(told)


def test_an_example_of_twenty_tokens_per_parameter_spends_a_fifth():
    told = sl.audit_claim(C="1e23 FLOP", N="13B", D="260B", tokens_per_parameter=20)
    assert told.figures["flops"] == pytest.approx(2.03e22, rel=2e-3)
    assert told.figures["ratio"] == pytest.approx(0.2028, rel=1e-3)
    assert "buys 2.89e+10 parameters and 5.77e+11 tokens" in str(told)
    assert sl.audit_claim(C=1e23, N="13B", tokens_per_parameter=20).figures == told.figures


@pytest.mark.acceptance(12)
def test_a_recipe_that_forgets_the_six():
    """N = 0.56 C^0.49 and D = 1.78 C^0.51: their product is C."""
    told = sl.audit_allocation(C=1e23, N="0.56 * C^0.49", D="1.78 * C^0.51")
    assert told.figures["ratio"] == pytest.approx(5.98, rel=1e-3)
    assert round(told.figures["tokens_per_parameter"], 1) == 9.2
    assert any("taking C for N·D" in finding for finding in told.findings)
    assert (
        round(sl.audit_allocation(5.76e23, "0.56*C^0.49", "1.78*C^0.51").figures["tokens_per_parameter"], 1)
        == 9.5
    )


def test_more_data_is_not_twenty_times_as_much():
    """70B on 1.4T against 175B on 300B: 20 is tokens per parameter; 2.5 times fewer parameters is right."""
    told = sl.audit_claim(N="70B", D="1.4T", tokens_per_parameter=4.67)
    assert told.findings == ("D / N is 20 tokens per parameter, not 4.67",)
    gpt3 = {"N": "175B", "D": "300B"}
    told = sl.audit_claim(N="70B", D="1.4T", against=gpt3, times={"D": 20, "N": 1 / 2.5})
    assert told.findings == ("D of 1.4e+12 is 4.67 times 3e+11, not 20 times",)


def test_doubling_the_parameters_does_not_double_the_tokens_for_kaplan():
    """D grows like N^0.74 where over-fitting stays the same, and like C^0.27 in the efficient allocation."""
    needed = {"N": 1e9, "D": 5e3 * 1e9**0.74}
    told = sl.audit_claim(N=2e9, D=5e3 * 2e9**0.74, against=needed, times={"D": 2})
    assert [finding for finding in told.findings if "is 1.67 times" in finding]
    small, large = (kaplan_allocation(C) for C in (1e21, 1e21 * 2 ** (1 / 0.73)))
    told = sl.audit_claim(
        N=float(large.N), D=float(large.D), against={"N": small.N, "D": small.D}, times={"N": 2, "D": 2}
    )
    assert len(told.findings) == 1 and "is 1.29 times" in told.findings[0]


def test_chinchilla_and_gopher_did_not_take_the_same_compute():
    """6 N D is 5.88e23 and 5.04e23 FLOP."""
    told = sl.audit_claim(N="70B", D="1.4T", against={"N": "280B", "D": "300B"}, times={"C": 1})
    assert told.findings == ("C of 5.88e+23 is 1.17 times 5.04e+23, not 1 times",)


@pytest.mark.acceptance(6)
def test_kaplans_growth_as_it_is_quoted():
    """Ten times the compute is quoted as 5.5 times the parameters and 1.8 times the tokens: rounded, and near."""
    small, large = (kaplan_allocation(C) for C in (1e22, 1e23))
    at, against = {"N": float(large.N), "D": float(large.D)}, {"N": float(small.N), "D": float(small.D)}
    assert sl.audit_claim(**at, against=against, times={"N": 5.5, "D": 1.8, "C": 10}).level == "OK"
    assert sl.audit_claim(**at, against=against, times={"N": 1.8, "D": 5.5}).level == "BAD"


@pytest.mark.acceptance(4)
@pytest.mark.parametrize("extra", ["L_inf", "E", "A"])
def test_kaplans_law_is_not_a_sum_with_an_irreducible_loss(extra):
    """Its constants in the additive form give 4.49 where the law gives 2.37 (1e9 parameters, 2e10 tokens)."""
    told = sl.audit_claim(law="kaplan_l_nd", coefficients={"alpha_N": 0.076, extra: 1.7})
    assert [f for f in told.findings if f"has no {extra}" in f]


def test_an_exponent_that_nobody_printed():
    told = sl.audit_claim(law="chinchilla", coefficients={"alpha": 0.34, "beta": 0.6})
    assert len(told.findings) == 1
    assert "beta = 0.6" in told.findings[0]
    assert "0.28 (hoffmann_2022)" in told.findings[0]


def test_kaplans_constants_are_not_chinchillas():
    told = sl.audit_claim(law="chinchilla", coefficients={"alpha": 0.076, "N_c": 8.8e13})
    assert any("kaplan_l_n (kaplan_2020: alpha_N)" in finding for finding in told.findings)
    assert any("has no N_c" in finding for finding in told.findings)


@pytest.mark.parametrize(
    "claim",
    [
        {"C": 3.15e23, "N": "175B", "D": "300B", "tokens_per_parameter": 1.7},
        {"C": 5.88e23, "N": "70B", "D": "1.4T", "tokens_per_parameter": 20},
        {"C": 1e23, "N": "(C/120)^0.5", "D": "20 * (C/120)^0.5", "tokens_per_parameter": 20},
        {"C": 1e21, "N": 1.0, "D": 5e20, "per_parameter": 2.0},
        {"law": "chinchilla", "coefficients": {"alpha": 0.34, "beta": 0.28, "B": 410.7}},
        {"law": "kaplan_l_nd", "coefficients": {"alpha_N": 0.076}},
        {"N": "70B", "D": "1.4T", "against": {"N": "280B", "D": "300B"}, "times": {"N": 0.25, "D": 4.67}},
        {"N": "70B"},
        {},
    ],
)
def test_what_adds_up_is_left_alone(claim):
    told = sl.audit_claim(**claim)
    assert (told.level, told.findings) == ("OK", ())
    assert told.to_json()["findings"] == []
    assert "nothing contradicts anything" in str(told)


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ({"C": 1e23, "N": "13B tokens", "D": 1e9}, "P001"),
        ({"C": 1e23, "N": "many", "D": 1e9}, "P001"),
        ({"C": 1e23, "N": "N0 * C^0.5", "D": 1e9}, "P001"),
        ({"C": 1e23, "N": "-C", "D": 1e9}, "P001"),
        ({"C": 0.0, "N": 1e9, "D": 1e9}, "P001"),
        ({"C": 1e23, "N": "C.__class__", "D": 1e9}, "M010"),
        ({"coefficients": {"alpha": 0.3}}, "M006"),
        ({"N": "70B", "D": "1.4T", "times": {"D": 4.67}}, "M006"),
        ({"N": "70B", "against": {"N": "175B"}, "times": {"C": 1}}, "M006"),
        ({"N": "70B", "D": 1e12, "against": {"N": "lots", "D": 1e12}, "times": {"N": 2}}, "P001"),
        ({"N": "70B", "D": 1e12, "against": {"N": 1e9, "D": 1e12}, "times": {"N": -2}}, "P001"),
        ({"law": "chinchila", "coefficients": {"alpha": 0.3}}, "M002"),
    ],
)
def test_what_is_no_claim_is_refused(claim, code):
    with pytest.raises(ScalawError) as raised:
        sl.audit_claim(**claim)
    assert raised.value.code == code
