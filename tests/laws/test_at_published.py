"""Laws at printed coefficients: ready to be called, and refused for what the coefficients do not belong to."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pandas as pd
import pytest
from helpers import published, value

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.laws import Published, get_law, list_laws
from scalaw.laws.at_published import complete
from scalaw.laws.sample import sample_covariates, sample_prior

SETS = [(law.name, entry.key) for law in list_laws() for entry in law.published]
COMPLETE = [(law.name, entry.key) for law in list_laws() for entry in complete(law)]
#: A point in the paper's units for each unit, around which covariates are drawn.
CENTRES = {
    "N": 1e9,
    "D": 2e10,
    "C": 1e21,
    "S": 1e5,
    "M": 20.0,
    "L": 3.0,
    "n": 1e8,
    "D_F": 1e6,
    "latents": 1e5,
    "loss": 2.0,
}


def refusal(code, ask):
    with pytest.raises(ScalawError) as caught:
        ask()
    assert caught.value.code == code
    return str(caught.value)


def test_it_is_the_law_with_every_printed_parameter_held():
    law = get_law("chinchilla").at_published("besiroglu_2024")
    assert law.free == () and dict(law.fixed) == published("chinchilla", "besiroglu_2024")
    at = {"N": np.array([70e9, 1e9]), "D": np.array([1.4e12, 2e10])}
    np.testing.assert_allclose(law(**at), value("chinchilla", "besiroglu_2024", **at), rtol=1e-15)


@pytest.mark.parametrize(("name", "key"), SETS)
def test_its_name_reads_back_as_the_same_law(name, key):
    law = get_law(name).at_published(key)
    assert law.name == f"{name}@{key}" and get_law(law.name) == law
    assert {p.name for p in law.free} == {p.name for p in law.parameters} - published(name, key).keys()


@pytest.mark.parametrize(("name", "key"), COMPLETE)
def test_a_complete_set_gives_finite_predictions(name, key):
    law = get_law(f"{name}@{key}")
    refs = {c.unit: CENTRES.get(c.unit, 1.0) for c in law.covariates}
    found = law(**sample_covariates(law, np.random.default_rng(0), 50, refs))
    assert np.shape(found) == (50,) and np.isfinite(found).all()
    if law.response.domain == "positive":
        assert np.all(found > 0)


@pytest.mark.parametrize(("name", "key"), SETS)
def test_every_set_says_where_it_is_from_and_of_what_parameters(name, key):
    entry = next(p for p in get_law(name).published if p.key == key)
    parameters = {p.name for p in get_law(name).parameters}
    assert entry.source and entry.values.keys() <= parameters and entry.se.keys() <= entry.values.keys()
    assert [p.key for p in get_law(name).published].count(key) == 1


def test_one_set_needs_no_key_and_several_do():
    assert get_law("kaplan_l_nd").at_published() == get_law("kaplan_l_nd@kaplan_2020")
    told = refusal("M022", lambda: get_law("chinchilla").at_published())
    assert "name one" in told and "besiroglu_2024, hoffmann_2022" in told


def test_a_misspelt_key_is_met_with_the_right_one():
    assert "did you mean besiroglu_2024?" in refusal("M022", lambda: get_law("chinchilla@besirogl_2024"))
    assert "no published coefficients" in refusal("M022", lambda: get_law("bnsl").at_published())


@pytest.mark.acceptance(4)
def test_kaplans_constants_are_refused_by_the_form_that_goes_by_his_name():
    told = refusal("M022", lambda: get_law("kaplan_additive@kaplan_2020"))
    assert "kaplan_l_nd" in told and "another formula" in told and told.count("\n") < 3
    assert "ask for chinchilla@besiroglu_2024" in refusal(
        "M022", lambda: get_law("kaplan_additive@besiroglu_2024")
    )
    assert "kaplan_l_nd" in refusal("M022", lambda: get_law("chinchilla").at_published("kaplan_2020"))


@pytest.mark.acceptance(4)
def test_what_kaplans_constants_would_give_in_the_additive_form():
    """The figures of the pitfall, with the constants of arXiv:2001.08361 Table 5, and of Table 2 for the joint law."""
    single = {**published("kaplan_l_n", "kaplan_2020"), **published("kaplan_l_d", "kaplan_2020")}
    at = {"N": 1e9, "D": 2e10}
    A, B = single["N_c"] ** single["alpha_N"], single["D_c"] ** single["alpha_D"]
    added = value("kaplan_additive", E=0.0, A=A, B=B, alpha=single["alpha_N"], beta=single["alpha_D"], **at)
    joint = [value("kaplan_l_nd", "kaplan_2020", **at), value("kaplan_l_nd", **single, **at)]
    assert f"{added:.2f}" == "4.49" and [f"{loss:.2f}" for loss in joint] == ["2.37", "2.44"]
    pitfalls = " ".join(get_law("kaplan_additive").pitfalls)
    assert all(figure in pitfalls for figure in ("4.49", "2.37", "2.44", "kaplan_l_nd"))


@pytest.mark.parametrize(
    "given",
    [{"counts": "total"}, {"tokenizer": "massivetext"}, {"counts": "Total", "tokenizer": "MassiveText"}],
)
def test_the_counting_and_the_tokenizer_that_they_belong_to_are_met(given):
    assert get_law("chinchilla").at_published("hoffmann_2022", **given) == get_law("chinchilla@hoffmann_2022")


def test_a_tokenizer_may_be_named_without_its_data():
    law = get_law("kaplan_l_nd")
    assert (
        law.at_published(tokenizer="WebText2")
        == law.at_published(tokenizer="BPE 50257")
        == law.at_published()
    )


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("chinchilla@hoffmann_2022", {"counts": "non-embedding"}, "N counts: total; asked for: non-embedding"),
        ("kaplan_l_nd@kaplan_2020", {"counts": "total"}, "N counts: non-embedding; asked for: total"),
        ("chinchilla@besiroglu_2024", {"tokenizer": "BPE 50257"}, "tokenizer: MassiveText; asked for: BPE 50257"),
        ("moe_joint@ludziejewski_2025", {"tokenizer": "C4"}, "tokenizer: not printed; asked for: C4"),
    ],
)  # fmt: skip
def test_another_counting_or_tokenizer_is_refused(name, given, told):
    law, _, key = name.partition("@")
    assert told in refusal("M022", lambda: get_law(law).at_published(key, **given))


@pytest.mark.parametrize(
    "name", ["chinchilla[alpha=beta]", "chinchilla[E=0]", "chinchilla@hoffmann_2022", "m1"]
)
def test_a_variant_has_no_printed_coefficients(name):
    assert "holds or ties" in refusal("M022", lambda: get_law(name).at_published("besiroglu_2024"))


def test_rates_are_held_where_levels_are_unknown():
    law = get_law("algorithmic_progress@ho_2024")
    assert [p.name for p in law.free] == ["alpha_const", "beta_const"] and law.to_paper is not None


def test_what_a_change_of_units_would_mix_is_not_held_beside_what_is_free():
    law = get_law("moe_clark")
    partial = replace(law, published=(Published("x", {"b": -0.108, "c": 0.009}, "made up"),))
    assert "changes with the units" in refusal("M009", lambda: partial.at_published("x"))


@pytest.mark.parametrize(("name", "key"), COMPLETE)
def test_held_parameters_survive_a_change_of_units(name, key):
    """What a fit evaluates, in its reference units, is the law in the paper's."""
    law, rng = get_law(f"{name}@{key}"), np.random.default_rng(1)
    refs = {c.unit: CENTRES.get(c.unit, 1.0) for c in law.covariates}
    at = sample_covariates(law, rng, 20, refs)
    refs["loss"] = 2.7
    held = {parameter: v[0] for parameter, v in sample_prior(law, rng, 1, refs=refs).items()}
    with jax.enable_x64(True):
        reduced = law.reduce({c: np.asarray(v, float) for c, v in at.items()}, refs)
        found = np.asarray(law.function(*(reduced[c.name] for c in law.covariates), **held))
    np.testing.assert_allclose(found * law.loss_ref(refs), law(**at), rtol=1e-10)


N, D = (grid.ravel() for grid in np.meshgrid(np.geomspace(1e8, 1e10, 4), np.geomspace(2e9, 2e11, 4)))


@pytest.fixture(scope="module")
def noisy_runs():
    """Sixteen runs at printed coefficients, with normal noise of one percent."""
    loss = get_law("chinchilla@besiroglu_2024")(N=N, D=D)
    noise = np.random.default_rng(0).normal(0.0, 0.01, len(N))
    return sl.read_runs(pd.DataFrame({"N": N, "D": D, "loss": loss * np.exp(noise)}))


@pytest.mark.compiles
@pytest.mark.parametrize(
    ("key", "low", "high"), [("besiroglu_2024", 0.005, 0.02), ("hoffmann_2022", 0.005, 0.5)]
)
def test_a_fit_with_everything_held_learns_the_noise_alone(noisy_runs, key, low, high):
    """At its own coefficients that is the noise of the runs; at those of others it is how far they are off."""
    fit = sl.fit(noisy_runs, f"chinchilla@{key}", method="importance")
    assert [p["name"] for p in fit.parameters] == ["sigma", "nu"]
    assert low < np.median(fit.draws("sigma")) < high
    assert fit.verdict.level != "BAD"
