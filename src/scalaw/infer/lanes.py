"""A batch of any size through one compiled program: chunks of one shape, run side by side.

A program for a batch is a function ``f(*shared, batch, count) -> outputs``. Every leaf of ``batch`` and of the
outputs has a leading axis of ``places``, of which the first ``count`` are visited
(:func:`~scalaw.infer.executables.dynamic_map`); ``shared`` arguments have no such axis. :func:`run_batch` cuts ``n``
rows into chunks, pads each to ``places`` and runs the chunks in lanes. A lane is a thread that feeds one device: on a
processor there are as many as cores (XLA gives up Python's lock while it computes, and a chunk is one serial loop),
else one per accelerator. All lanes run the same program, so results are the same to the bit with one lane and with
many. With several processes each runs its own block of rows (:mod:`scalaw.infer.hosts`).

Memory stays bounded: no more chunks are under way than lanes, and no more than that wait to be stored. Ctrl-C starts
no new chunk, waits for those under way, hands them to ``keep`` like all others, and goes on as ``KeyboardInterrupt``.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import lru_cache
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import jax
import numpy as np

from scalaw.infer.devices import Device, Setting, computing, computing_in, setting
from scalaw.infer.hosts import block_of, gathered
from scalaw.infer.programs import Clock, Key, Program, compile_keys, cores, executable, fitting, key_of

#: Chunks per lane that a batch is cut into on a processor, so that all lanes end at about the same time.
SHARES = 4
#: Numbers of places that programs are compiled for: few, since each is a compilation.
PLACES = (1, 2, 8, 32, 128)
ACCELERATOR_PLACES = (*PLACES, 512, 2048, 8192)
#: Bytes of a processor's chunk: what leaves its caches is slower, and a single fit pays for places nobody visits.
CHUNK = 8 * 1024**2
#: Part of the memory that the chunks under way may take, and what is assumed where it cannot be asked.
MEMORY_SHARE, MEMORY = 1 / 8, 8 * 1024**3

#: Bytes that arrays must begin at a multiple of.
ALIGNMENT = 64

Progress = Callable[[int, int, str], None]
Keep = Callable[[int, Any], None]


def run_batch(
    program: Program,
    batch: Any,
    *,
    places: int,
    clock: Clock,
    shared: Sequence[Any] = (),
    progress: Progress | None = None,
    words: str = "",
    keep: Keep | None = None,
    gather: bool = True,
    least: int = 1,
) -> Any:
    """Run a program on all rows of a batch, on the devices and in the precision in force.

    Parameters
    ----------
    program : Program
        Makes ``f(*shared, batch, count) -> outputs``, see the top of this page.
    batch : pytree of NumPy arrays, each (n, …)
    places : int
        Leading axis of the compiled program.
    clock : Clock
        Is told the seconds of compiling and running.
    shared : sequence of pytrees of NumPy arrays
        Sent once to every device.
    progress : callable, optional
        Told after every chunk how many rows of this process are done, of how many, and ``words``.
    keep : callable, optional
        Told in this thread, as soon as a chunk is done, its first row and its outputs (rows, …); after an
        interrupt possibly twice.
    gather : bool
        Whether every process gets the results of all. If not, each gets those of its rows,
        ``block_of(n, together)``, where chunks begin at multiples of ``together``: of all places on an
        accelerator, which maps them side by side.
    least : int
        Rows of a chunk, where there are as many: of a program that spends less than a millisecond on a row, feeding
        another lane takes longer.

    Returns
    -------
    pytree of NumPy arrays, each (n, …)
    """
    with computing():
        given, n = setting(), _rows(batch)
        together = 1 if given.platform == "cpu" else places
        mine = block_of(n, together)
        devices = lane_devices(given)
        chunks = _cut(mine, places, len(devices), together, least)
        devices = devices[: max(1, len(chunks))]
        abstract = chunk_arguments(batch, places, shared)
        keys = {device: key_of(program, abstract, device) for device in devices}
        compile_keys(list(keys.values()), clock)
        start = time.perf_counter()
        lanes = _Lanes(given, keys, batch, places, fitting(tuple(shared), given))
        results = _Results(mine, executable(keys[devices[0]]).out_info, keep, progress, words)
        if len(chunks) == 1 and keep is None:  # no thread for a chunk that need not outlive an interrupt
            results.store(chunks[0], lanes.compute(chunks[0], devices[0]))
        else:
            _side_by_side(lanes.compute, results.store, chunks, devices)
        out = gathered(results.out, n, together) if gather else results.out
        clock.run += time.perf_counter() - start
    return out


def chunk_arguments(batch: Any, places: int, shared: Sequence[Any] = ()) -> tuple[Any, ...]:
    """Arguments that :func:`run_batch` calls a program with, as shapes; for compiling it beforehand."""

    def chunk(leaf: Any) -> Any:
        return jax.ShapeDtypeStruct((places, *leaf.shape[1:]), leaf.dtype)

    return (*shared, jax.tree.map(chunk, batch), jax.ShapeDtypeStruct((), np.int64))


def lane_devices(given: Setting) -> list[Device]:
    """The device that each lane feeds: all cores are in use, and each accelerator by one lane."""
    per_device = max(1, cores() // len(given.devices)) if given.platform == "cpu" else 1
    return list(given.devices) * per_device


def places_for(row_bytes: int, limit: float | None = None, rows: int | None = None) -> int:
    """How many places a program gets, one of :data:`PLACES` (on an accelerator more).

    Parameters
    ----------
    row_bytes : int
        Memory of one place, inputs and outputs, see :func:`bytes_of_row`.
    limit : float, optional
        Bytes that one chunk may take; by default a share of the memory of the machine or the accelerator.
    rows : int, optional
        Of the batch: an accelerator computes every place, so it gets no more than hold them.
    """
    given = setting()
    limit = memory_limit(given) if limit is None else limit
    choices = PLACES if given.platform == "cpu" else ACCELERATOR_PLACES
    fit = [places for places in choices if places * row_bytes <= limit] or [choices[0]]
    if given.platform == "cpu" or rows is None:
        return fit[-1]
    per_device = math.ceil(rows / len(given.devices))
    return next((places for places in fit if places >= per_device), fit[-1])


def bytes_of_row(tree: Any) -> int:
    """Bytes of one row of a pytree of arrays or shapes with a common leading axis."""
    leaves = jax.tree.leaves(tree)
    return sum(math.prod(leaf.shape[1:]) * np.dtype(leaf.dtype).itemsize for leaf in leaves)


def memory_limit(given: Setting) -> float:
    """Bytes that one chunk may take; the chunks under way take an eighth of the memory at most."""
    if given.platform == "cpu":
        return min(CHUNK, MEMORY_SHARE * _host_memory() / (2 * len(lane_devices(given))))
    stats = given.devices[0].memory_stats() or {}
    return MEMORY_SHARE * stats.get("bytes_limit", MEMORY)


@lru_cache(maxsize=1)
def _host_memory() -> int:
    """Memory of the machine, or of the container where that is less."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return MEMORY  # not POSIX
    try:
        allowed = Path("/sys/fs/cgroup/memory.max").read_text().strip()
    except OSError:
        return total
    return min(total, int(allowed)) if allowed.isdigit() else total


class _Lanes:
    """One program loaded on the devices of all lanes, with what its chunks share."""

    def __init__(self, given: Setting, keys: dict[Device, Key], batch: Any, places: int, shared: Any):
        self.setting, self.batch, self.places = given, batch, places
        self.compiled = {device: executable(key) for device, key in keys.items()}
        self.shared = {device: jax.device_put(shared, device) for device in keys}

    def compute(self, rows: range, device: Device) -> Any:
        """Outputs of a chunk of rows."""
        with computing_in(self.setting):
            chunk = _padded(self.batch, rows, self.places, repeat=self.setting.platform != "cpu")
            chunk, count = fitting((chunk, np.int64(len(rows))), self.setting)
            out = self.compiled[device](*self.shared[device], chunk, count)
            return jax.tree.map(lambda leaf: np.asarray(leaf)[: len(rows)], out)


class _Results:
    """Outputs of this process's rows; chunks may come in any order, and twice."""

    def __init__(self, mine: range, shapes: Any, keep: Keep | None, progress: Progress | None, words: str):
        self.mine, self.keep, self.progress, self.words = mine, keep, progress, words
        self.done: set[int] = set()
        self.out = jax.tree.map(lambda leaf: np.empty((len(mine), *leaf.shape[1:]), leaf.dtype), shapes)

    def store(self, rows: range, results: Any) -> None:
        """Take a chunk in and tell the caller."""
        here = slice(rows.start - self.mine.start, rows.stop - self.mine.start)
        jax.tree.map(lambda whole, part: whole.__setitem__(here, part), self.out, results)
        if self.keep is not None:
            self.keep(rows.start, results)
        self.done.update(rows)
        if self.progress is not None:
            self.progress(len(self.done), len(self.mine), self.words)


def _side_by_side(
    compute: Callable[[range, Device], Any],
    store: Callable[[range, Any], None],
    chunks: Iterable[range],
    devices: Sequence[Device],
) -> None:
    """Compute chunks in one thread per device and store them in this one; an error lets the others end first."""
    free: SimpleQueue[Device] = SimpleQueue()
    for device in devices:
        free.put(device)

    def task(rows: range) -> Any:
        device = free.get()  # never waits: there are as many threads as devices
        try:
            return compute(rows, device)
        finally:
            free.put(device)

    to_do, under_way = iter(chunks), {}
    with ThreadPoolExecutor(len(devices), "scalaw-lane") as pool:

        def begin(how_many: int) -> None:
            for rows in islice(to_do, how_many):
                under_way[pool.submit(task, rows)] = rows

        try:
            begin(2 * len(devices))
            while under_way:
                ended = wait(under_way, return_when=FIRST_COMPLETED).done
                for future in ended:
                    store(under_way[future], future.result())
                    del under_way[future]
                begin(len(ended))
        except BaseException:
            _store_the_rest(under_way, store)
            raise


def _store_the_rest(under_way: dict[Future[Any], range], store: Callable[[range, Any], None]) -> None:
    """Cancel what has not begun, wait for what has, and store what came out well."""
    for future in under_way:
        future.cancel()
    wait(under_way)
    for future, rows in under_way.items():
        if not future.cancelled() and future.exception() is None:
            store(rows, future.result())


def _cut(mine: range, places: int, lanes: int, together: int, least: int) -> list[range]:
    """Chunks of at most ``places`` rows; smaller ones where that gives every lane its share."""
    share = math.ceil(len(mine) / (lanes * SHARES * together)) * together
    rows = places if lanes == 1 else min(places, max(share, together, least))
    return [range(first, min(first + rows, mine.stop)) for first in range(mine.start, mine.stop, rows)]


def _padded(batch: Any, rows: range, places: int, repeat: bool) -> Any:
    """A chunk of a batch, whose free places hold zeros, or ``repeat`` its first row, harmless to compute.

    Zeros that nobody reads cost nothing: the system clears a page when it is touched.
    """

    def pad(leaf: Any) -> np.ndarray:
        part = leaf[rows.start : rows.stop]
        whole = _aligned_zeros((places, *part.shape[1:]), part.dtype)
        whole[: len(part)] = part
        if repeat:
            whole[len(part) :] = part[0]
        return whole

    return jax.tree.map(pad, batch)


def _aligned_zeros(shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Zeros where a processor's program reads them in place; from elsewhere JAX copies them first."""
    size = math.prod(shape) * dtype.itemsize
    raw = np.zeros(size + ALIGNMENT, np.uint8)
    first = -raw.ctypes.data % ALIGNMENT
    return raw[first : first + size].view(dtype).reshape(shape)


def _rows(batch: Any) -> int:
    lengths = {len(leaf) for leaf in jax.tree.leaves(batch)}
    if len(lengths) != 1:
        raise ValueError(f"arrays of a batch have one length along their first axis, not {sorted(lengths)}")
    return lengths.pop()
