"""The power law, alone and above an irreducible loss: the building block of most one-dimensional laws.

``power_law`` is ``power_law_offset`` with its offset held at 0. The two share one compiled program, but
not their priors: without an offset an exponent means something else, and is far smaller.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.records import amplitude, exponent, irreducible
from scalaw.laws.spec import alias

FAMILY = "Power laws in one quantity"


@law(
    source="arXiv:2010.14701, power law plus constant",
    decreasing=("x",),
    pitfalls=(
        "E and alpha trade unless the loss comes close to E over two decades of x.",
        "Without that the extrapolation hangs on the prior of E.",
    ),
)
def power_law_offset(
    x,
    *,
    E=irreducible(),
    k=amplitude("loss * x**alpha", meaning="size of the term in x"),
    alpha=exponent(meaning="how fast the term in x falls"),
):
    """Irreducible loss plus one power law in one quantity."""
    return E + k / x**alpha


power_law = alias(
    "power_law",
    power_law_offset,
    "One power law in one quantity, down to zero.",
    pitfalls=(
        "It has no irreducible loss: far beyond the runs it falls below what any model can reach.",
        "Its alpha is not that of power_law_offset, which is several times as large on the same runs.",
    ),
    E=0.0,
)
