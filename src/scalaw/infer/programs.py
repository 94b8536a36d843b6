"""Compiled programs: one per structure and shapes, compiled ahead of time and side by side.

A program is named by what builds it and by the shapes it takes, so a second fit of the same shapes compiles nothing.
Tracing is serial (NumPyro's handlers share one stack); compiling is not, so the programs of a batch are compiled
in as many threads as there are cores.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from scalaw.infer.devices import computing

_TRACING = threading.Lock()


@dataclass
class Clock:
    """Seconds spent compiling and running."""

    compile: float = 0.0
    run: float = 0.0


@dataclass(frozen=True)
class Program:
    """A maker of a jitted function and its (hashable) arguments."""

    maker: Callable[..., Any]
    arguments: tuple[Any, ...]


@lru_cache(maxsize=128)
def _compiled(program: Program, shapes: Any, treedef: Any) -> Any:
    abstract = jax.tree.unflatten(treedef, [jax.ShapeDtypeStruct(s, d) for s, d in shapes])
    with computing():
        with _TRACING:
            lowered = program.maker(*program.arguments).lower(*abstract)
        return lowered.compile()


def _key(program: Program, arguments: Any) -> tuple[Any, Any, Any]:
    leaves, treedef = jax.tree.flatten(jax.tree.map(np.asarray, arguments))
    return program, tuple((leaf.shape, leaf.dtype) for leaf in leaves), treedef


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compile_all(wanted: Sequence[tuple[Program, tuple[Any, ...]]], clock: Clock) -> None:
    """Compile programs for the shapes of given arguments, in parallel."""
    start = time.perf_counter()
    keys = dict.fromkeys(_key(program, arguments) for program, arguments in wanted)
    with ThreadPoolExecutor(max_workers=_cores()) as pool:
        list(pool.map(lambda key: _compiled(*key), keys))
    clock.compile += time.perf_counter() - start


def call(program: Program, clock: Clock, *arguments: Any) -> Any:
    """Run a program on NumPy arrays, compiling it first where these shapes are new; returns NumPy arrays."""
    start = time.perf_counter()
    compiled = _compiled(*_key(program, arguments))
    middle = time.perf_counter()
    with computing():
        out = jax.tree.map(np.asarray, compiled(*jax.tree.map(np.asarray, arguments)))
    clock.compile += middle - start
    clock.run += time.perf_counter() - middle
    return out
