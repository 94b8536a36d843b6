"""Every scenario is served by the method that its own diagnostics ask for, whatever stands beside it."""

import json

import numpy as np
import pytest
from conftest import SHORT
from helpers import counting_compilations, modes_of, scenario, simulated, two_terms_alike

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.infer import routes
from scalaw.infer.batch import sample
from scalaw.infer.evidence import NOT_ASKED
from scalaw.infer.importance import COMPONENTS, EFFORT
from scalaw.infer.nuts import Settings
from scalaw.infer.routes import METHODS, ONWARD, accepted, start_of

pytestmark = pytest.mark.compiles

SETTINGS = Settings(warmup=500, draws=500)


def offsets(n):
    return [
        scenario(simulated("power_law_offset", seed=i), "power_law_offset", name=f"o{i}") for i in range(n)
    ]


@pytest.fixture(scope="module")
def mixed():
    """Three tables of each of two laws, and one whose two far modes importance sampling cannot bridge."""
    easy = [scenario(simulated("chinchilla", seed=i), "chinchilla", name=f"c{i}") for i in range(3)]
    return [*offsets(3), scenario(two_terms_alike(0.001), "chinchilla[E=0]", name="hard"), *easy]


@pytest.fixture(scope="module")
def served(mixed):
    """Method → what it gives."""
    return {method: sample(mixed, SETTINGS, seed=2, method=method) for method in METHODS}


def drawn(one):
    """Draws as they were made."""
    return one.draws.position if one.weighted is None else one.weighted.position


def same(ones, others):
    for one, other in zip(ones, others, strict=True):
        assert (one.scenario.name, one.method, one.why) == (other.scenario.name, other.method, other.why)
        np.testing.assert_array_equal(drawn(one), drawn(other))
        np.testing.assert_array_equal(one.mode.position, other.mode.position)


# -- who serves whom ---------------------------------------------------------------------------------
def test_auto_takes_what_is_accepted_and_sends_the_rest_to_nuts(mixed, served):
    accepted_names = [one.scenario.name for one in served["importance"] if accepted(one.weighted)]
    assert "hard" not in accepted_names and len(accepted_names) >= 4
    for auto, importance, nuts in zip(*(served[m] for m in ("auto", "importance", "nuts")), strict=True):
        expected = importance if auto.scenario.name in accepted_names else nuts
        assert auto.method == expected.method
        np.testing.assert_array_equal(drawn(auto), drawn(expected))


def test_every_scenario_keeps_its_reason(served):
    for auto, importance, nuts in zip(*(served[m] for m in ("auto", "importance", "nuts")), strict=True):
        assert importance.why.startswith("Pareto k ") and "effective draws" in importance.why
        assert nuts.why == "as asked for"
        if auto.method == "nuts":
            assert auto.why == f"importance sampling was not accepted: {importance.why}"
        else:
            assert auto.why == importance.why


def test_each_method_gives_its_own_kind_of_draws(mixed, served):
    assert [one.scenario.name for one in served["auto"]] == [s.name for s in mixed]
    for method in ("nuts", "importance"):
        assert {one.method for one in served[method]} == {method}
    for one in served["auto"]:
        assert (one.draws is None) == (one.method == "importance") == (one.weighted is not None)
        shape = one.positions.shape
        assert one.values.shape == shape and one.log_density.shape == shape[:2]
        assert shape[:2] == ((4, 500) if one.method == "nuts" else (1, len(one.weighted.log_density)))
        assert (one.evidence == NOT_ASKED) == (one.method == "nuts")


@pytest.mark.parametrize(
    ("gate", "method"), [((-np.inf, 0.0), "nuts"), ((0.5, np.inf), "nuts"), ((np.inf, 0.0), "importance")]
)
def test_the_gate_decides(monkeypatch, gate, method):
    monkeypatch.setattr(routes, "ACCEPTED_K", gate[0])
    monkeypatch.setattr(routes, "FIRST_K", gate[0])
    monkeypatch.setattr(routes, "ACCEPTED_SHARE", gate[1])
    told = []
    out = sample(offsets(3), SETTINGS, method="auto", progress=told.append)
    assert [one.method for one in out] == [method] * 3
    assert ("sampling 3 of 3 posteriors by NUTS" in told) == (method == "nuts")
    if method == "nuts":  # tried again from where it stopped, in vain, and said so
        assert all(f"after {routes.PASSES} passes" in one.why for one in out)


def test_what_is_hopeless_is_not_tried_again(monkeypatch):
    monkeypatch.setattr(routes, "ACCEPTED_SHARE", np.inf)
    monkeypatch.setattr(routes, "HOPELESS_K", -np.inf)
    out = sample(offsets(2), SETTINGS, method="importance")
    assert not any("passes" in one.why for one in out)


def test_a_fit_says_how_it_was_served(served):
    fits = {
        method: sl.fit(simulated("power_law_offset"), "power_law_offset", method=method, bootstrap=0, **SHORT)
        for method in METHODS
    }
    assert [fits[m].recipe["method"] for m in METHODS] == ["importance", "importance", "nuts", "laplace"]
    np.testing.assert_array_equal(fits["auto"].positions, fits["importance"].positions)
    told = fits["auto"].to_json()
    assert told["method"] == "importance" and isinstance(told["log_evidence"], float)
    told = fits["nuts"].to_json()
    assert told["log_evidence"] is None and "not asked for" in told["no_evidence"]
    weights = fits["auto"].recipe["weights"]
    share = routes.ACCEPTED_SHARE + routes.SHARE_PER_K * max(weights["pareto_k"], 0.0)
    assert weights["pareto_k"] < routes.ACCEPTED_K and weights["kish"] >= share * EFFORT.draws
    assert all(p["ess_bulk"] == weights["kish"] and np.isnan(p["rhat"]) for p in fits["auto"].parameters)
    assert all(p["rhat"] is None and p["ess_tail"] is None for p in fits["auto"].to_json()["parameters"])
    for fit in fits.values():
        json.dumps(fit.to_json(), allow_nan=False)


def test_chains_have_an_evidence_where_it_is_asked_for(mixed, served):
    """In any company the same, and that of importance sampling where both can be trusted."""
    found = sample(mixed, SETTINGS, seed=2, method="nuts", evidence=True)
    same(found, served["nuts"])
    alone = sample(mixed[:1], SETTINGS, seed=2, method="nuts", evidence=True)
    assert alone[0].evidence == found[0].evidence
    compared = 0
    for one, other in zip(found, served["importance"], strict=True):
        assert (one.evidence.log_evidence is None) == bool(one.evidence.no_evidence)
        if accepted(other.weighted) and not (one.evidence.no_evidence or other.evidence.no_evidence):
            error = np.hypot(one.evidence.log_evidence_se, other.evidence.log_evidence_se)
            assert abs(one.evidence.log_evidence - other.evidence.log_evidence) < 4 * error
            compared += 1
    assert compared >= 4


def test_only_chains_are_bridged(mixed):
    found = sample(mixed, SETTINGS, seed=2, method="auto", evidence=True)
    assert [one.bridged is None for one in found] == [one.method == "importance" for one in found]
    (fit,) = (one for one in found if one.scenario.name == "hard")
    assert fit.evidence != NOT_ASKED


@pytest.mark.parametrize("method", ["map", "NUTS", ""])
def test_a_method_that_does_not_exist_is_refused(method):
    with pytest.raises(ScalawError) as caught:
        sl.fit(simulated("power_law_offset"), "power_law_offset", method=method)
    assert caught.value.code == "M013"


# -- Laplace's approximation -----------------------------------------------------------------------------
def test_a_normal_at_the_mode_is_drawn_with_equal_weights(served):
    for one in served["laplace"]:
        w, mode = one.weighted, one.mode
        covariance = mode.whiten @ mode.whiten.T
        sd = np.sqrt(np.diag(covariance))
        np.testing.assert_allclose((w.position.mean(axis=0) - mode.position) / sd, 0.0, atol=0.1)
        np.testing.assert_allclose(
            np.cov(w.position.T) / np.outer(sd, sd), covariance / np.outer(sd, sd), atol=0.15
        )
        e = np.linalg.solve(mode.whiten, (w.position - mode.position).T)
        height = -0.5 * np.sum(e**2, axis=0) - 0.5 * len(e) * np.log(2 * np.pi)
        np.testing.assert_allclose(w.log_proposal, height - np.linalg.slogdet(mode.whiten)[1], rtol=1e-6)
        inside = np.isfinite(w.log_density)
        np.testing.assert_allclose(np.exp(w.log_importance), inside / inside.sum())
        assert w.kish == pytest.approx(inside.sum())
        assert one.why == f"as asked for: Pareto k {w.pareto_k:.2f}, {w.kish:.0f} effective draws"


def test_a_normal_at_the_mode_is_never_called_a_posterior():
    fit = sl.fit(simulated("power_law_offset"), "power_law_offset", method="laplace", bootstrap=0)
    assert fit.verdict.level in ("LOOK", "BAD")
    assert any("normal approximation" in reason for reason in fit.verdict.reasons)
    many = sl.fit_many(simulated("power_law_offset"), "power_law_offset", method="laplace", loo=True)
    assert any("normal approximation" in reason for reason in many.told[0]["reasons"])
    assert many.told[0]["elpd_loo"] == pytest.approx(fit.elpd_loo, abs=0.5)


# -- what one scenario does to another -------------------------------------------------------------------
def test_the_order_of_scenarios_changes_nothing(mixed, served):
    back = sample(mixed[::-1], SETTINGS, seed=2, method="auto")
    same(back[::-1], served["auto"])


@pytest.mark.parametrize("method", ["auto", "importance"])
@pytest.mark.parametrize("fewer", [1, 2])
def test_adding_a_scenario_changes_no_other(mixed, served, method, fewer):
    same(sample(mixed[::fewer][:4], SETTINGS, seed=2, method=method), served[method][::fewer][:4])


def test_a_large_batch_changes_no_draw_of_a_small_one():
    """However many searches each scenario gets."""
    some = offsets(12)
    same(sample(some[:2], SETTINGS, method="importance"), sample(some, SETTINGS, method="importance")[:2])


def test_another_seed_or_name_gives_other_draws(mixed, served):
    other = sample(mixed[:1], SETTINGS, seed=3, method="importance")[0]
    one, two = served["importance"][:2]
    assert not np.any(drawn(one) == drawn(other))
    assert not np.any(drawn(one) == drawn(two))


def test_a_batch_of_another_size_and_other_data_compiles_nothing(served):
    with counting_compilations() as compiled:
        sample(offsets(11)[4:], SETTINGS, seed=9, method="auto")
        sample([scenario(simulated("chinchilla", seed=8), "chinchilla[E=0]")], SETTINGS, method="auto")
    assert len(compiled) == 0


# -- starts ------------------------------------------------------------------------------------------
def test_no_mode_is_left_out_of_the_start():
    (found,) = modes_of([scenario(two_terms_alike(0.01), "chinchilla[E=0]")])
    assert len(found.modes) == 2
    start = start_of(found)
    share = np.exp(start.log_share)
    assert start.log_share.shape == (COMPONENTS,)
    np.testing.assert_allclose(share, [0.5, 0.5, 0.0, 0.0, 0.0], atol=1e-3)  # they mirror each other
    for i, mode in enumerate(found.modes):
        np.testing.assert_array_equal(start.proposal.mean[i], mode.position)
    low = found._replace(
        modes=(found.modes[0], found.modes[1]._replace(log_density=found.mode.log_density - 11))
    )
    share = np.exp(start_of(low).log_share)
    assert share.sum() == pytest.approx(1.0) and share[1] == pytest.approx(0.1, abs=1e-3)


def test_going_on_starts_from_the_last_proposal_and_keeps_the_modes():
    (found,) = modes_of([scenario(two_terms_alike(0.01), "chinchilla[E=0]")])
    start = routes._stacked([start_of(found)] * 3)
    last = routes._rows(start.proposal, np.array([1, 1]))
    last = type(last)(*(leaf[:, 1] + 7.0 for leaf in last))
    onward = routes._onward(start, np.array([0, 2]), last)
    share = np.exp(onward.log_share)
    np.testing.assert_allclose(share[[0, 2]].sum(axis=1), 1.0)
    np.testing.assert_allclose(share[[0, 2], -1], ONWARD)
    np.testing.assert_allclose(share[[0, 2], :2], (1 - ONWARD) / 2, atol=1e-3)
    np.testing.assert_array_equal(onward.proposal.mean[0, -1], last.mean[0])
    np.testing.assert_array_equal(onward.proposal.mean[0, :2], start.proposal.mean[0, :2])
    for leaf, before in zip(onward.proposal, start.proposal, strict=True):
        np.testing.assert_array_equal(leaf[1], before[1])  # the one that was not gone on with
