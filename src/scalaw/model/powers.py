"""Powers as exponentials: a law is written ``A / N**alpha`` and run as ``A * exp(-alpha * log N)``.

A general power costs twenty times an exponential on a CPU, a division as much as one, and a law is mostly powers of
covariates whose logarithm is the same for every draw. So a law's function is traced once and its ``pow`` operations are
replaced by ``exp(y log x)``, and by ``exp(-y log x)`` where something is divided by them, which differs by rounding
errors of size ``|y log x|`` units in the last place.
Bases must be positive or zero, as those of laws are; a negative base gives NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Literal


def with_exponentials(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function of arrays (positional and by keyword) with every power written as an exponential."""

    def run(*arguments: Any, **keywords: Any) -> Any:
        traced, shape = jax.make_jaxpr(function, return_shape=True)(*arguments, **keywords)
        out = _evaluate(traced, jax.tree.leaves((arguments, keywords)))
        return jax.tree.unflatten(jax.tree.structure(shape), out)

    return run


def _evaluate(closed: Any, arguments: list[Any]) -> list[Any]:
    """Run traced operations one by one, powers replaced; inlined calls are entered."""
    logs: dict[Any, Any] = {}  # of powers
    values = dict(zip(closed.jaxpr.constvars, closed.consts, strict=True))
    values |= dict(zip(closed.jaxpr.invars, arguments, strict=True))
    for equation in closed.jaxpr.eqns:
        inputs = [v.val if isinstance(v, Literal) else values[v] for v in equation.invars]
        name = equation.primitive.name
        if name == "pow":
            logs[equation.outvars[0]] = log = _log_power(*inputs)
            out = [jnp.exp(log)]
        elif name == "div" and not isinstance(below := equation.invars[1], Literal) and below in logs:
            out = [inputs[0] * jnp.exp(-logs[below])]
        elif name in ("jit", "pjit"):
            out = _evaluate(equation.params["jaxpr"], inputs)
        else:
            parameters = equation.primitive.get_bind_params(equation.params)
            found = equation.primitive.bind(*inputs, **parameters)
            out = found if equation.primitive.multiple_results else [found]
        values |= dict(zip(equation.outvars, out, strict=True))
    return [v.val if isinstance(v, Literal) else values[v] for v in closed.jaxpr.outvars]


def _log_power(base: Any, exponent: Any) -> Any:
    if isinstance(base, np.ndarray | float | int) and np.all(base == 1):
        return jnp.zeros_like(exponent)  # at the centre of the runs, where the compiler cannot know it
    # for zero a logarithm so low that any positive power is 0, and finite, which keeps derivatives finite
    lowest = -(jnp.finfo(jnp.result_type(base)).max ** 0.25)
    log = jnp.where(base == 0, lowest, jnp.log(jnp.where(base == 0, 1.0, base)))
    return exponent * log
