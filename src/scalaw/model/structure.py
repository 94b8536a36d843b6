"""What a compiled program depends on, and the arrays that everything else is.

:class:`Structure` is the hashable key of a program; :class:`Arrays` is its input. Whatever differs between data sets,
folds, priors or nested laws is in the arrays: rows are padded, selected or repeated by ``row_weight`` (never a
measurement precision), prior *numbers* are inputs (families are structure), parameters are held or tied by a mask.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from scalaw.laws.law import Law
from scalaw.model.noise_record import Noise


class Arrays(NamedTuple):
    """One scenario, all float64 (in a batch every leaf has a leading scenario axis).

    ``covariates``: dict of (rows,) or (rows, size); ``y``, ``row_weight``: (rows,);
    ``prior``: (coordinates, 5); ``fixed``, ``fixed_value``, ``tie``: (coordinates,);
    ``refs``: dict of scalars, references of units, empty unless parameters are floating;
    ``rows``: dict of (rows,), what the noise reads beside ``y`` (empty for most).
    """

    covariates: dict[str, Any]
    y: Any
    row_weight: Any
    prior: Any
    fixed: Any
    fixed_value: Any
    tie: Any
    refs: dict[str, Any]
    rows: dict[str, Any]


class Parts:
    """Law and noise carried along without taking part in equality: the structure's key already says it all."""

    def __init__(self, law: Law, noise: Noise):
        self.law, self.noise = law, noise

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parts)

    def __hash__(self) -> int:
        return 0


class Structure(NamedTuple):
    """Hashable key of a compiled program: law and options, noise, prior families, sizes.

    ``floating`` names parameters that are held in paper units whose size depends on learned parameters.
    """

    law: tuple[Any, ...]
    noise: tuple[Any, ...]
    families: tuple[str, ...]
    sizes: tuple[int | None, ...]
    floating: tuple[str, ...]
    parts: Parts

    @property
    def names(self) -> tuple[str, ...]:
        """Parameter names."""
        return tuple(p.name for p in (*self.parts.law.parameters, *self.parts.noise.parameters))

    @property
    def n_coordinates(self) -> int:
        """Length of the flat vector."""
        return sum(n or 1 for n in self.sizes)

    @property
    def n_law_coordinates(self) -> int:
        """How many coordinates, at the start of the flat vector, belong to the law."""
        return sum(n or 1 for n in self.sizes[: len(self.parts.law.parameters)])

    @property
    def blocks(self) -> dict[str, tuple[str, int, int]]:
        """Neighbouring coordinates of one prior family: names → family, first coordinate, how many.

        What is worked out for a block together compiles to a fraction of the code. Ordered vectors stay alone.
        """
        found: list[tuple[list[str], str, int, int]] = []
        at = 0
        for name, family, n in zip(self.names, self.families, self.sizes, strict=True):
            if found and found[-1][1] == family != "OrderedLogNormal":
                names, _, first, size = found.pop()
                found.append(([*names, name], family, first, size + (n or 1)))
            else:
                found.append(([name], family, at, n or 1))
            at += n or 1
        return {", ".join(names): (family, first, size) for names, family, first, size in found}

    def cut(self, flat: Any) -> dict[str, Any]:
        """Flat vector → dictionary by block."""
        pieces = jax.lax.split(flat, [size for _, _, size in self.blocks.values()])
        return dict(zip(self.blocks, pieces, strict=True))

    def split(self, flat: Any) -> dict[str, Any]:
        """Flat vector → dictionary by parameter; the last axis is split."""
        sizes, axis = [n or 1 for n in self.sizes], flat.ndim - 1
        if isinstance(flat, np.ndarray):
            pieces = np.split(flat, np.cumsum(sizes)[:-1], axis)
        else:  # one operation, of which the derivative is one too; slices compile to a kernel each
            pieces = jax.lax.split(flat, sizes, axis)
        return {
            name: piece[..., 0] if n is None else piece
            for name, n, piece in zip(self.names, self.sizes, pieces, strict=True)
        }

    def join(self, values: dict[str, Any]) -> Any:
        """Inverse of :meth:`split` for one draw."""
        return jnp.concatenate([jnp.atleast_1d(values[name]) for name in self.names])
