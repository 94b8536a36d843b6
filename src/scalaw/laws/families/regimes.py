"""The regimes of arXiv:2102.06701: one of model size and data grows while the other is plentiful.

Where the one that grows limits the *variance* of what is learned, the loss approaches its limit like 1/x, whatever
the task (``variance_limited``). Where it limits the *resolution*, the loss falls with an exponent that the data
decide (``resolution_limited``): about 4/d for a smooth target on a manifold of d dimensions. When both are of one
size neither holds.
"""

from __future__ import annotations

from scalaw.laws.families.power import power_law_offset
from scalaw.laws.spec import alias

FAMILY = "Power laws in one quantity"

SOURCE = "arXiv:2102.06701"

variance_limited = alias(
    "variance_limited",
    power_law_offset,
    "Falls to its limit like 1/x: variance-limited regime.",
    source=SOURCE,
    pitfalls=(
        "The exponent 1 is assumed: power_law_offset tells whether the runs have it.",
        "E is best known from a run at plentiful x, not from the law's own extrapolation.",
    ),
    alpha=1.0,
)
resolution_limited = alias(
    "resolution_limited",
    power_law_offset,
    "Power law down to zero: resolution-limited regime.",
    source=SOURCE,
    pitfalls=(
        "It holds only while what does not grow is plentiful; where both are of one size neither regime does.",
        "The loss is that above its limit: take off the limit, or use power_law_offset.",
        "4/d is what a smooth target allows at least, no prediction for a data set.",
    ),
    E=0.0,
)
henighan_autoregressive = alias(
    "henighan_autoregressive",
    power_law_offset,
    "Power law plus constant, for any modality.",
    source="arXiv:2010.14701",
    pitfalls=(
        "E and alpha trade unless the loss comes close to E over two decades of x.",
        "A loss per image and one per token have different units, and different constants.",
    ),
)
