"""A forecast in two stages carries what neither stage knows."""

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import STAGES

import scalaw as sl
from scalaw.errors import ScalawError
from scalaw.infer.fit import model_of

pytestmark = pytest.mark.compiles

LINE, STEP = STAGES


@pytest.mark.acceptance(43)
def test_a_chain_is_wider_than_either_stage_alone(stages):
    """At a loss of 0.875, steep for the second stage: the middle of one stage through the other leaves width out."""
    first, second = stages
    chained = sl.chain(first, second, x=3.2e20)
    low, high = np.quantile(chained.predictive[:, 0], [0.05, 0.95])
    loss = sl.forecast(first, x=3.2e20)
    second_alone = sl.forecast(second, L=float(np.median(loss.predictive)))
    law = second.model.law
    middle = {p.name: np.median(second.draws(p.name)) for p in law.free}
    first_alone = np.quantile(law(L=loss.predictive[:, 0], **middle), [0.05, 0.95])
    assert high - low > 1.05 * np.ptp(np.quantile(second_alone.predictive[:, 0], [0.05, 0.95]))
    assert high - low > 1.05 * np.ptp(first_alone)
    truth = law(L=LINE["a"] + LINE["b"] * np.log10(3.2e20), **STEP)
    assert low < truth < high


def test_draws_of_the_curve_are_one_law_at_draws_of_the_other(stages):
    """Every draw of either stage is used about as often as any other, and lies where the second law puts it."""
    first, second = stages
    chained = sl.chain(first, second, x=[1e20, 1e21])
    loss = sl.forecast(first, x=[1e20, 1e21]).curve
    assert chained.curve.shape == loss.shape
    assert np.all(np.diff(chained.curve, axis=1) > 0)  # more compute, less loss, more accuracy, in every draw
    assert 0 < chained.curve.min() < chained.curve.max() < 1
    same = sl.chain(first, second, x=[1e20, 1e21])
    np.testing.assert_array_equal(chained.predictive, same.predictive)


def test_a_second_stage_beyond_the_losses_it_has_seen_says_so(stages):
    near, far = (sl.chain(*stages, x=x).notes for x in (1e20, 1e25))
    assert not any("draws of L" in note for note in near)
    assert any("draws of L lie beyond the 0.3 to 1.3" in note for note in far)


def test_a_second_stage_in_two_quantities_is_refused(stages):
    second = SimpleNamespace(model=model_of("chinchilla"))
    with pytest.raises(ScalawError) as caught:
        sl.chain(stages[0], second, x=1e20)
    assert caught.value.code == "P004"
