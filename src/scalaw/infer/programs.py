"""Compiled programs: one per structure, shapes, kind of device and precision, compiled ahead and side by side.

A program is named by what builds it and by the shapes it takes, so a second fit of the same shapes compiles nothing.
Tracing is serial (NumPyro's handlers share one stack); compiling is not, so the programs of a batch are compiled
in as many threads as there are cores. A program is placed on one device: on several devices of one kind the same
program is compiled once for each (from one trace), so what it computes does not depend on how many there are.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import numpy as np

from scalaw.infer import kept
from scalaw.infer.devices import Device, Setting, computing, computing_in, setting

_TRACING = threading.Lock()
_NARROW = {"float64": "float32", "int64": "int32", "uint64": "uint32", "complex128": "complex64"}


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


class Key(NamedTuple):
    """Names one executable: program, shapes and types of its arguments, setting, and the device that runs it."""

    program: Program
    shapes: tuple[tuple[tuple[int, ...], str], ...]
    treedef: Any
    setting: Setting
    device: Device


@lru_cache(maxsize=128)
def _function(program: Program, _: Setting) -> Any:
    """The jitted function, made anew for every setting, since its trace depends on the setting."""
    return program.maker(*program.arguments)


@lru_cache(maxsize=256)
def executable(key: Key) -> Any:
    """The compiled program; loaded or compiled at the first call."""
    placed = jax.sharding.SingleDeviceSharding(key.device)
    leaves = [jax.ShapeDtypeStruct(shape, dtype, sharding=placed) for shape, dtype in key.shapes]
    with computing_in(key.setting):
        found = kept.load(key)
        if found is None:
            with _TRACING:
                function = _function(key.program, key.setting)
                lowered = function.lower(*jax.tree.unflatten(key.treedef, leaves))
            found = kept.compiled(key, lowered)
        return found


def key_of(program: Program, arguments: Any, device: Device | None = None) -> Key:
    """Name of a program for arrays (or shapes) in the setting in force; on its first device by default."""
    given = setting()
    leaves, treedef = jax.tree.flatten(arguments)
    leaves = [leaf if hasattr(leaf, "dtype") else np.asarray(leaf) for leaf in leaves]
    shapes = tuple((leaf.shape, _dtype(leaf.dtype, given)) for leaf in leaves)
    return Key(program, shapes, treedef, given, device or given.devices[0])


def fitting(tree: Any, given: Setting) -> Any:
    """NumPy arrays of the width that a setting computes in."""
    return jax.tree.map(lambda leaf: np.asarray(leaf, _dtype(np.asarray(leaf).dtype, given)), tree)


def _dtype(dtype: Any, given: Setting) -> str:
    name = np.dtype(dtype).name
    return name if given.precision == "float64" else _NARROW.get(name, name)


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def compile_all(wanted: Sequence[tuple[Program, tuple[Any, ...]]], clock: Clock) -> None:
    """Compile programs for the shapes of given arguments, in parallel."""
    compile_keys([key_of(program, arguments) for program, arguments in wanted], clock)


def compile_keys(keys: Sequence[Key], clock: Clock) -> None:
    """Compile named programs in parallel."""
    start = time.perf_counter()
    if len(keys) == 1:
        executable(keys[0])  # no thread for what is usually there already
    else:
        with ThreadPoolExecutor(max_workers=cores()) as pool:
            list(pool.map(executable, dict.fromkeys(keys)))
    clock.compile += time.perf_counter() - start


def call(program: Program, clock: Clock, *arguments: Any) -> Any:
    """Run a program on NumPy arrays, compiling it first where these shapes are new; returns NumPy arrays."""
    start = time.perf_counter()
    with computing():
        compiled = executable(key_of(program, arguments))
        middle = time.perf_counter()
        out = jax.tree.map(np.asarray, compiled(*fitting(arguments, setting())))
    clock.compile += middle - start
    clock.run += time.perf_counter() - middle
    return out
