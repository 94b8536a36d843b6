"""Broken neural scaling law: a power law whose exponent changes smoothly at any number of breaks.

On log–log axes the reducible part has slope ``-c0``, then ``-(c0 + c[0])``, and so on; break ``i`` lies at
``d[i]`` and ``f[i]`` is its width (small is sharp). A negative ``c`` makes the curve rise: with two breaks
the law draws the double descent of arXiv:1912.02292. Evaluated in log space, where no power can overflow.
"""

from __future__ import annotations

from scalaw.laws.law import law
from scalaw.laws.prior import Prior
from scalaw.laws.records import amplitude, exponent, irreducible, parameter
from scalaw.lazy import jnp

FAMILY = "Broken power laws"


@law(
    source="arXiv:2210.14891 eq. 1",
    options={"breaks": 1},
    pitfalls=(
        "A break beyond the runs is not identified: its posterior is its prior.",
        "At a wide break (large f_i) the change c_i and the width f_i trade.",
        "Choose the number of breaks by runs held out at large x: in the fit more breaks always look better.",
    ),
)
def bnsl(
    x,
    *,
    a=irreducible(meaning="loss at endless x"),
    b=amplitude("loss * x**c0", meaning="size of the term in x before the first break"),
    c0=exponent(meaning="how fast the term falls before the first break"),
    c=parameter(
        "change", Prior("Normal", (0.0, 0.3)), size="breaks", meaning="change of exponent at a break"
    ),
    d=parameter(
        "break",
        Prior("OrderedLogNormal", ("x_mid", "x_log_sd")),
        dimension="x",
        size="breaks",
        meaning="where a break lies",
    ),
    f=parameter("width", Prior("LogNormal", (0.3, 0.7)), size="breaks", meaning="width of a break in ln x"),
):
    """Power law above an irreducible loss whose exponent changes at breaks.

    loss = a + b x^-c0 prod_i (1 + (x/d_i)^(1/f_i))^(-c_i f_i)
    """
    log_x = jnp.log(x)
    beyond = (jnp.expand_dims(log_x, -1) - jnp.log(d)) / f
    bend = jnp.sum(c * f * jnp.logaddexp(beyond, 0.0), axis=-1)
    return a + b * jnp.exp(-c0 * log_x - bend)
