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


def dynamic_map(function: Callable[[Any], Any], count: Any, places: int, block: int = 1) -> Any:
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
    block : int
        On a processor, calls mapped side by side within the loop; a divisor of ``places``. The places that fill
        up the last block are visited too.
    """
    if setting().platform != "cpu":
        return jax.vmap(function)(jnp.arange(places))
    if block > 1:
        one, kept = function, jnp.arange(block)
        blocks = dynamic_map(lambda b: jax.vmap(one)(b * block + kept), -(-count // block), places // block)
        return jax.tree.map(lambda leaf: leaf.reshape(places, *leaf.shape[2:]), blocks)
    function = jax.jit(function, inline=True)  # traced once, for its shapes and for the loop
    shapes = jax.eval_shape(function, jax.ShapeDtypeStruct((), jnp.result_type(count)))
    empty = jax.tree.map(lambda s: jnp.zeros((places, *s.shape), s.dtype), shapes)

    def body(i: Any, out: Any) -> Any:
        return jax.tree.map(lambda o, v: o.at[i].set(v), out, function(i))

    return jax.lax.fori_loop(0, count, body, empty)


def take(tree: Any, i: Any) -> Any:
    """Element ``i`` of the first axis of every leaf."""
    return jax.tree.map(lambda leaf: leaf[i], tree)


def key_data(*names: object) -> np.ndarray:
    """Random key folded from names, shape (2,): adding a law or a scenario changes no other's draws."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.frombuffer(digest[:8], np.uint32).copy()
