"""References are the centre of the runs; priors in the paper's units mean what they say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from helpers import density, paper_values, scenario, simulated
from scipy import stats

import scalaw as sl
from scalaw.data import Runs
from scalaw.errors import ScalawError
from scalaw.infer.fit import checked_settings, fit_models, model_of
from scalaw.infer.prior_draws import prior_draws
from scalaw.infer.references import bind, reference_prior, references
from scalaw.infer.scenarios import checked_weights, scenario_of


def table(**columns):
    return Runs(pd.DataFrame(columns, dtype=float))


RUNS = table(
    N=[1e8, 1e9, 1e10],
    D=[1e9, 1e11, 4e11],
    C=[1e18, 1e21, 1e23],
    U=[1e9, 1e10, 1e10],
    loss=[3.0, 2.5, 2.0],
)


# -- references -------------------------------------------------------------------------------------
def test_covariates_are_centred_on_geometric_means_and_the_loss_on_the_median():
    units = references(RUNS, sl.get_law("chinchilla")).units
    assert units["N"] == pytest.approx(1e9)
    assert units["D"] == pytest.approx((4e31) ** (1 / 3))
    assert units["loss"] == 2.5


def test_compute_is_centred_where_n_and_d_are():
    units = references(RUNS.along("C"), sl.get_law("power_law")).units
    assert units["C"] == pytest.approx(6 * units["N"] * units["D"], rel=1e-15)
    assert units["x"] == units["C"]
    alone = Runs(RUNS.to_frame()[["C", "loss"]])
    assert references(alone.along("C"), sl.get_law("power_law")).units["x"] == pytest.approx(1e62 ** (1 / 3))


def test_covariates_of_one_kind_share_a_reference():
    law = sl.get_law("data_constrained")
    units = references(RUNS, law).units
    assert {c.unit for c in law.covariates} == {"N", "D"}
    assert units["D"] == references(RUNS, sl.get_law("chinchilla")).units["D"]


def test_only_training_losses_are_looked_at():
    train = np.array([True, True, False])
    changed = replace(RUNS, frame=RUNS.to_frame().assign(loss=[3.0, 2.5, 0.1]))
    law = sl.get_law("power_law_offset")
    one, two = (references(r.along("C"), law, train) for r in (RUNS, changed))
    assert one == two
    assert one.units["loss"] == 2.75
    assert one.statistics["loss_min"] == pytest.approx(2.5 / 2.75)


def test_the_range_of_x_is_that_of_the_runs():
    found = references(table(x=[1e2, 1e6], loss=[3.0, 2.0]), sl.get_law("bnsl")).statistics
    assert found["x_mid"] == pytest.approx(1.0)
    assert found["x_log_sd"] == pytest.approx(np.log(100))
    narrow = references(table(x=[1.0, 1.1], loss=[3.0, 2.0]), sl.get_law("bnsl")).statistics
    assert narrow["x_log_sd"] == 0.5


# -- x ------------------------------------------------------------------------------------------------
def test_x_must_be_chosen_where_it_could_be_several():
    with pytest.raises(ScalawError) as caught:
        bind(sl.get_law("power_law"), RUNS)
    assert caught.value.code == "D013"
    assert "x='C'" in str(caught.value)


def test_x_is_the_only_covariate_there_is():
    bound = bind(sl.get_law("power_law"), table(D=[1e9, 1e10], loss=[3.0, 2.0]))
    assert bound.columns["x"] == "D"
    assert bind(sl.get_law("chinchilla"), RUNS) is RUNS


def test_a_missing_covariate_is_named():
    with pytest.raises(ScalawError) as caught:
        bind(sl.get_law("chinchilla"), table(N=[1e9, 1e10], loss=[3.0, 2.0]))
    assert caught.value.code == "D012"


# -- priors -------------------------------------------------------------------------------------------
def prior_of(name, text, law="chinchilla"):
    model = model_of(law, priors={name: text})
    refs = references(RUNS, model.law)
    p = next(p for p in model.parameters if p.name == name)
    return reference_prior(model, p, refs), refs


def test_a_prior_in_paper_units_is_divided_by_the_unit():
    prior, refs = prior_of("E", "Normal(1.7, 0.1)")
    assert prior.numbers == (1.7, 0.1)
    assert prior.scale == pytest.approx(1 / refs.units["loss"])
    log_normal, refs = prior_of("E", "LogNormal(1.7, 0.1)")
    assert log_normal.numbers == (pytest.approx(1.7 / refs.units["loss"]), 0.1)
    assert prior_of("alpha", "LogNormal(0.4, 0.2)")[0].numbers == (0.4, 0.2)


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("Normal(1.2, 0.1)", stats.norm(1.2, 0.1)),
        ("LogNormal(1.2, 0.1)", stats.lognorm(0.1, scale=1.2)),
        ("HalfNormal(1.5)", stats.halfnorm(scale=1.5)),
        ("Gamma(30, 25)", stats.gamma(30, scale=1 / 25)),
        ("share Normal(0.5, 0.05)", None),
    ],
)
def test_the_density_is_that_of_the_prior_in_paper_units(text, reference):
    """Two priors of E differ in log density by their log densities in paper units, and by nothing else."""
    runs = simulated("power_law_offset")
    other = stats.norm(1.0, 0.4)
    s = scenario(runs, "power_law_offset", priors={"E": text})
    plain = scenario(runs, "power_law_offset", priors={"E": "Normal(1.0, 0.4)"})
    loss_ref = s.refs.units["loss"]
    reference = reference or stats.norm(0.5 * loss_ref, 0.05 * loss_ref)
    E = np.array([0.9, 1.1, 1.3]) / loss_ref

    def at(s):
        prior = reference_prior(s.model, s.model.parameters[0], s.refs)
        raw = (E - prior.low) / prior.scale
        z = raw if prior.family == "Normal" else np.log(raw)
        rest = np.tile([-1.0, -1.5, -5.0, 1.0], (3, 1))
        jacobian = np.log(prior.scale) + (0 if prior.family == "Normal" else np.log(raw))  # of E in z
        positions = np.column_stack([z, rest])
        np.testing.assert_allclose(paper_values(s, positions)["E"], E * loss_ref, rtol=1e-12)
        return density(s, positions)[0] - jacobian

    expected = reference.logpdf(E * loss_ref) - other.logpdf(E * loss_ref)
    np.testing.assert_allclose(at(s) - at(plain), expected, rtol=1e-9, atol=1e-9)


def test_an_amplitude_has_no_unit_of_its_own():
    with pytest.raises(ScalawError) as caught:
        prior_of("A", "LogNormal(400, 1)")
    assert caught.value.code == "M005"
    assert "A='share LogNormal(0.15, 1)'" in str(caught.value)
    share, _ = prior_of("A", "share LogNormal(0.2, 0.4)")
    assert (share.numbers, share.unit) == ((0.2, 0.4), "reference")


def test_a_refused_prior_is_refused_before_anything_is_computed():
    settings = checked_settings(4, 500, 500, 0.9)
    model = model_of("chinchilla", priors={"B": "Normal(400, 100)"})
    with pytest.raises(ScalawError) as caught:
        fit_models(simulated("chinchilla"), [model], settings=settings)
    assert caught.value.code == "M005"


def test_prior_draws_follow_the_prior_in_force():
    s = scenario(simulated("chinchilla"), "chinchilla", priors={"E": "Normal(1.7, 0.1)"})
    drawn = prior_draws(s, 4000, np.array([1, 2], np.uint32)).values
    paper = s.model.law.paper_values(drawn, s.refs.units)
    assert stats.kstest(paper["E"], stats.norm(1.7, 0.1).cdf).pvalue > 1e-4
    assert stats.kstest(drawn["A"], stats.lognorm(1.0, scale=0.15).cdf).pvalue > 1e-4
    assert stats.kstest(drawn["nu"] - 1, stats.gamma(2, scale=10).cdf).pvalue > 1e-4


# -- what is refused -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"priors": {"alpha": "Cauchy(1)"}}, "M005"),
        ({"priors": {"alpha": "LogNormal(0.3)"}}, "M005"),
        ({"priors": {"alpha": "LogNormal(0.3, -1)"}}, "M005"),
        ({"priors": {"alpha": "about a third"}}, "M005"),
        ({"priors": {"zeta": "Normal(0, 1)"}}, "M009"),
        ({"fixed": {"zeta": 1.0}}, "M009"),
        ({"fixed": {"alpha": float("nan")}}, "M009"),
        ({"fixed": {"alpha": "much"}}, "M009"),
        ({"noise": "cauchy"}, "M002"),
    ],
)
def test_models_that_make_no_sense_are_refused(arguments, code):
    with pytest.raises(ScalawError) as caught:
        model_of("chinchilla", **arguments)
    assert caught.value.code == code


def test_parameters_are_held_by_name_variant_or_argument_alike():
    by_name = model_of("chinchilla[E=1.7,alpha=0.3]")
    assert model_of("chinchilla[E=1.7]", fixed={"alpha": np.float64(0.3)}) == by_name
    assert model_of("chinchilla", fixed={"alpha": 0.3, "E": 1.7}) == by_name
    own = model_of(sl.formula_law("E + A/N^alpha"), fixed={"E": 1.7})
    assert own.law.fixed == (("E", 1.7),)


@pytest.mark.parametrize(
    "settings",
    [(1, 500, 500, 0.9), (4, 99, 500, 0.9), (4, 500, 49, 0.9), (4, 500, 500, 0.4), (4, 500, 500, 1.0)],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(ScalawError) as caught:
        checked_settings(*settings)
    assert caught.value.code == "M013"


@pytest.mark.parametrize(
    "weight",
    [np.ones(2), np.zeros(3), [1, -1, 1], [1, np.nan, 1], [np.inf, 1, 1], "abc", np.ones((3, 1))],
    ids=repr,
)
def test_what_are_no_row_weights_is_refused(weight):
    for use in (
        lambda: checked_weights(RUNS, weight),
        lambda: scenario_of(RUNS, model_of("chinchilla"), row_weight=weight),
    ):
        with pytest.raises(ScalawError) as caught:
            use()
        assert caught.value.code == "D056"


def test_tables_that_are_no_runs_are_refused():
    runs = replace(RUNS, refusal="these rows are projections from a fit")
    with pytest.raises(ScalawError, match="projections") as caught:
        sl.fit(runs, "chinchilla")
    assert caught.value.code == "D062"
