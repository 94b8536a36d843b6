"""What was counted of abilities that seem to emerge: thresholds that were read off plots, and metrics that show any.

A threshold in training compute belongs to one task, one metric and one family of models; 6·N·D counts the compute.
"""

from __future__ import annotations

from typing import NamedTuple


class Threshold(NamedTuple):
    """Training compute (FLOP) and parameters at which a task was first solved above chance; None: not told."""

    task: str
    C: float
    N: float | None
    source: str = "arXiv:2206.07682 Table 1"
    status: str = "second-hand"


class MetricCount(NamedTuple):
    """How many metrics were looked at, on how many at most some task and model show emergence, and by hand."""

    metrics: int
    at_most: int
    by_hand: int
    share_of_two: float
    source: str = "arXiv:2304.15004 sec. 4"
    status: str = "checked"


#: Thresholds of Wei et al. 2022, smallest compute first.
WEI_2022 = (
    Threshold("three-digit addition", 2.3e22, 13e9),
    Threshold("mathematics with a chain of thought", 1.3e23, 68e9),
    Threshold("MMLU", 3.1e23, 175e9),
    Threshold("TruthfulQA", 5.0e23, None),
    Threshold("words in context", 2.5e24, None),
)
#: Preferred metrics of BIG-Bench: at most 5 of 39 show emergence, 4 of 39 by hand; more than 92 % of all claims are
#: made under two of them, multiple-choice grade and exact string match.
METRICS_2023 = MetricCount(39, 5, 4, 0.92)
