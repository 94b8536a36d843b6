"""``jnp``: JAX's NumPy, imported on first use.

Laws are written with ``jnp`` but importing them must not import JAX, so that ``scalaw --help`` and ``scalaw
check`` answer at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jax.numpy as jnp
else:

    class _Lazy:
        def __init__(self, name: str):
            self._name = name

        def __getattr__(self, attribute: str) -> Any:
            return getattr(importlib.import_module(self._name), attribute)

    jnp = _Lazy("jax.numpy")

__all__ = ["jnp"]
