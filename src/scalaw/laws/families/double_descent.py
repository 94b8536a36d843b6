"""Double descent as a broken power law with two breaks (arXiv:1912.02292; the form is that of arXiv:2210.14891).

Test error against parameters falls, rises to a peak where the model can just fit its runs, and falls again: the first
change of exponent is below zero and outweighs the first exponent, the second is above. Priors are those of ``bnsl``.
"""

from __future__ import annotations

from scalaw.laws.families.bnsl import bnsl
from scalaw.laws.spec import alias

FAMILY = "Broken power laws"

double_descent = alias(
    "double_descent",
    bnsl,
    "Falls, rises to a peak and falls again: two breaks.",
    source="arXiv:1912.02292; arXiv:2210.14891 eq. 1",
    pitfalls=(
        "The paper shows the curve and prints no law; the form is that of bnsl.",
        "Peak and second descent need runs on both sides of the peak.",
        "Label noise raises the peak: runs with different noise lie on different curves.",
    ),
    breaks=2,
)
