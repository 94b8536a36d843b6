"""The 240 digitised Chinchilla runs, fitted as a user would: default settings, Laplace noise."""

import numpy as np
import pytest

import scalaw as sl

pytestmark = [pytest.mark.compiles, pytest.mark.data]

#: Least-absolute-deviation fit of arXiv:2404.10102 on the same runs.
PUBLISHED = {"alpha": 0.3478, "beta": 0.3658, "E": 1.8169}


@pytest.fixture(scope="module")
def fit(data_folder):
    runs = sl.read_runs(data_folder / "chinchilla_fig4.csv")
    runs = runs.select(np.argsort(np.argsort(-runs.values("loss"))) >= 5)  # all but the five largest losses
    assert len(runs) == 240
    return sl.fit(runs, "chinchilla", noise="laplace", seed=0)


@pytest.mark.acceptance(10)
def test_the_sampler_has_nothing_to_complain_about(fit):
    assert all(p["rhat"] < 1.01 for p in fit.parameters)
    assert all(p["ess_bulk"] > 1000 and p["ess_tail"] > 1000 for p in fit.parameters)
    assert int(fit.tree["sample_stats"]["diverging"].sum()) == 0
    assert fit.recipe["searches"]["agreed"] > 1


@pytest.mark.parametrize("name", PUBLISHED)
def test_means_are_near_the_published_fit(fit, name):
    draws = fit.draws(name)
    assert abs(draws.mean() - PUBLISHED[name]) < 1.5 * draws.std()


def test_the_bootstrap_ratios_are_shown_and_explained(fit):
    """Published bootstrap standard errors (arXiv:2404.10102) are wider than the posterior."""
    ratios = {p["name"]: p["bootstrap_ratio"] for p in fit.parameters}
    assert all(ratio is not None and 0.5 < ratio < 5 for ratio in ratios.values())
    frame = fit.to_frame()
    assert "bootstrap_ratio" in frame
    assert f"{ratios['alpha']:.5g}"[:4] in str(fit)
    assert max(ratios[name] for name in ("E", "A", "B", "alpha", "beta")) > 1.3
    assert fit.verdict.level == "LOOK"
    assert [reason for reason in fit.verdict.reasons if "bootstrap sd is" in reason]
    published_se = {"alpha": 0.0154, "beta": 0.0206, "E": 0.0257}
    for name, se in published_se.items():
        assert ratios[name] * fit.draws(name).std() == pytest.approx(se, rel=0.4)
