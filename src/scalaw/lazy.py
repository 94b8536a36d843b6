"""``jnp``, JAX's NumPy imported on first use, and float64 around a law.

Laws are written with ``jnp`` but importing them must not import JAX, so that ``scalaw --help`` and ``scalaw
check`` answer at once.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import jax.numpy as jnp
else:

    class _Lazy:
        def __init__(self, name: str):
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(importlib.import_module(self._name), attribute)

    jnp = _Lazy("jax.numpy")

__all__ = ["as_float64", "float64", "jnp", "plain"]


@contextmanager
def float64() -> Iterator[None]:
    """Context in which JAX computes in float64, for this thread alone."""
    import jax

    with jax.enable_x64(True):
        yield


def as_float64(value: Any) -> Any:
    """Numbers and NumPy arrays as float64, so that counts never pass through 32 bits; JAX arrays as they are."""
    import jax

    return value if isinstance(value, jax.Array) else np.asarray(value, np.float64)[()]


def plain(value: Any) -> Any:
    """A concrete JAX array as NumPy; what is being traced as it is."""
    from jax.core import Tracer

    return value if isinstance(value, Tracer) else np.asarray(value)[()]
