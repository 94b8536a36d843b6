"""Several processes, one batch: each takes a contiguous block of the scenarios, and all get the results.

Start the same program once per host (or per processor), call :func:`join` first, and every
:func:`~scalaw.infer.lanes.run_batch` deals its rows to the processes. Which rows a process takes depends on its number
alone, not on who is done first, and random keys come from the names of scenarios, so draws are those of one process.
Nothing is exchanged while programs run; results are gathered once, as bytes, at the end of a batch.
"""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np


def join(address: str | None = None, processes: int | None = None, process: int | None = None) -> None:
    """Make this process one of several; to be called once, before anything is computed.

    Parameters
    ----------
    address : str, optional
        ``host:port`` of process 0. All three are found out by JAX under Slurm, Open MPI and on a TPU pod.
    processes, process : int, optional
        How many there are, and which this one is.
    """
    if jax.config.jax_cpu_collectives_implementation in (None, "none"):
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    jax.distributed.initialize(address, processes, process)
    # the first exchange connects the processes and waits 30 seconds for the last, later ones as long as it takes
    gathered(np.zeros((1, 1), np.uint8), jax.process_count())


def block_of(n: int, together: int = 1, process: int | None = None, processes: int | None = None) -> range:
    """Rows of ``n`` that a process takes: contiguous, as even as multiples of ``together`` allow.

    ``process`` of ``processes`` is this one by default.
    """
    processes = jax.process_count() if processes is None else processes
    process = jax.process_index() if process is None else process
    groups = math.ceil(n / together)
    first, last = (groups * k // processes * together for k in (process, process + 1))
    return range(min(first, n), min(last, n))


def gathered(tree: Any, n: int, together: int = 1) -> Any:
    """Results of all processes from each one's own, as NumPy arrays with ``n`` rows; every process must call it.

    Parameters
    ----------
    tree : pytree of NumPy arrays
        Results of the rows ``block_of(n, together)``.
    """
    processes = jax.process_count()
    if processes == 1:
        return tree
    from jax.experimental.multihost_utils import process_allgather

    leaves, treedef = jax.tree.flatten(tree)
    sizes = [leaf.dtype.itemsize * math.prod(leaf.shape[1:]) for leaf in leaves]
    blocks = [block_of(n, together, k, processes) for k in range(processes)]
    longest = max(len(block) for block in blocks)
    mine = np.zeros((longest, sum(sizes)), np.uint8)
    mine[: len(leaves[0])] = np.concatenate([_bytes(leaf) for leaf in leaves], axis=1)
    everyone = np.asarray(process_allgather(mine))
    out = [np.empty((n, *leaf.shape[1:]), leaf.dtype) for leaf in leaves]
    ends = np.cumsum(sizes)
    for block, theirs in zip(blocks, everyone, strict=True):
        for leaf, part in zip(out, np.split(theirs[: len(block)], ends[:-1], axis=1), strict=True):
            _bytes(leaf)[block.start : block.stop] = part
    return jax.tree.unflatten(treedef, out)


def _bytes(leaf: np.ndarray) -> np.ndarray:
    """A view of a contiguous array as bytes, shape (rows, bytes of one row)."""
    return leaf.reshape(len(leaf), math.prod(leaf.shape[1:])).view(np.uint8)
