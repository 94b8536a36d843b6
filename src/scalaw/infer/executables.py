"""What all compiled programs share: a loop of dynamic length, buckets of rows, and keys from names.

A program's shapes are its price: a NUTS program takes many seconds to compile and a fraction of one to run.
So rows are padded to a bucket, scenarios to a fixed number of places of which only the first ``count`` are
visited, and every other difference between two fits is data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from scalaw.infer.devices import setting

SMALLEST_BUCKET = 16


def bucket(rows: int) -> int:
    """Rows a table is padded to: a power of two, at least 16."""
    return max(SMALLEST_BUCKET, 1 << (max(rows, 1) - 1).bit_length())


def dynamic_map(function: Callable[[Any], Any], count: Any, places: int) -> Any:
    """Outputs of ``function(0) … function(count − 1)`` stacked on a new first axis of length ``places``.

    On a processor the calls follow one another in a loop whose length is data, and unvisited places hold zeros.
    On an accelerator all places are mapped side by side, so an unvisited one holds what its padding gives.

    Parameters
    ----------
    function : callable
        Of one integer.
    count : int64 scalar
        How many places are visited.
    places : int
    """
    if setting().platform != "cpu":
        return jax.vmap(function)(jnp.arange(places))
    function = jax.jit(function, inline=True)  # traced once, for its shapes and for the loop
    count = jnp.asarray(count)
    shapes = jax.eval_shape(function, jax.ShapeDtypeStruct((), count.dtype))
    empty = jax.tree.map(lambda s: jnp.zeros((places, *s.shape), s.dtype), shapes)

    def body(i: Any, out: Any) -> Any:
        return jax.tree.map(lambda o, v: o.at[i].set(v), out, function(i))

    return jax.lax.fori_loop(jnp.zeros_like(count), count, body, empty)


def take(tree: Any, i: Any) -> Any:
    """Element ``i`` of the first axis of every leaf."""
    return jax.tree.map(lambda leaf: leaf[i], tree)


def key_data(*names: object) -> np.ndarray:
    """Random key folded from names, shape (2,): adding a law or a scenario changes no other's draws."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.frombuffer(digest[:8], np.uint32).copy()
