"""What must be measured in a process of its own: :func:`probe` starts ``python -m benchmarks.elsewhere NAME …``.

The process prints one JSON object. ``chinchilla`` forks workers, which a process that runs JAX should not; start-up
and peak memory can only be measured in a fresh process.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.harness import Measured, Seconds, measure

ROOT = Path(__file__).parents[1]


def start(name: str, *arguments: object, environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """What the probe of that name prints, as a dictionary."""
    command = [sys.executable, "-m", "benchmarks.elsewhere", name, *map(str, arguments)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def probe(name: str, *arguments: object) -> Measured:
    """A probe that measures itself."""
    found = start(name, *arguments)
    return Measured(found["value"], Seconds(*found["run"]), Seconds(*found.get("compile", (0.0, 0.0))))


def chinchilla(turn: int) -> dict[str, Any]:
    """Fit by the package chinchilla from 32 starts of its README's grid, for the whole grid of 3125.

    Per round two of five values are drawn on each axis. What a fit costs besides its starts (a pool of
    processes) is measured with one start and not multiplied; the plot that it draws is left out.
    """
    import tempfile
    from functools import partial

    import numpy as np
    from chinchilla import Chinchilla
    from chinchilla._metrics import log_huber

    from benchmarks.practice import DELTA
    from benchmarks.tables import chinchilla_runs

    table = chinchilla_runs()
    axes = {"E": (1, 2), "a": (1, 10), "b": (1, 10), "alpha": (0.1, 0.7), "beta": (0.1, 0.7)}
    rng = np.random.default_rng(turn)
    grid = {name: rng.choice(np.linspace(*ends, 5), 2, replace=False) for name, ends in axes.items()}

    def fit(grid: dict[str, np.ndarray]) -> dict[str, float]:
        with tempfile.TemporaryDirectory() as folder:
            fitted = Chinchilla(folder, grid, loss_fn=partial(log_huber, delta=DELTA), log_level=100)
            fitted.visualizer.optim = lambda *_, **__: None
            for n, d, loss in zip(table.at["N"], table.at["D"], table.loss, strict=True):
                fitted.append(N=n, D=d, loss=loss)
            found, seconds = measure(fitted.fit)
            return {**fitted.params, "seconds": tuple(seconds)}

    one, many = fit({name: values[:1] for name, values in grid.items()}), fit(grid)
    per_start = [(b - a) / 31 for a, b in zip(one.pop("seconds"), many["seconds"], strict=True)]
    whole = [b + (5**5 - 32) * s for b, s in zip(many.pop("seconds"), per_start, strict=True)]
    return {"value": many, "run": whole}


def memory(count: int) -> dict[str, Any]:
    """Peak memory of posteriors of so many data sets."""
    from benchmarks import ours
    from benchmarks.tables import chinchilla_runs

    ours.posterior([ours.scenario(chinchilla_runs(seed), str(seed)) for seed in range(count)])
    return {"mb": peak_memory()}


def peak_memory() -> float:
    """Most memory that this process has had, in MB.

    Linux counts what the parent held when it forked into the resource usage of a child, so it is asked otherwise.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        kb = next(line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return float(kb) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def on_cores(cores: int, method: Any, count: int) -> dict[str, Any]:
    """Posteriors of so many data sets on as many cores, with one JAX device each.

    The digest is of all draws: the same on any number of devices.
    """
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(cores))
    os.environ |= {"JAX_NUM_CPU_DEVICES": str(cores), "JAX_PLATFORMS": "cpu"}
    from benchmarks import ours
    from benchmarks.tables import chinchilla_runs

    pool = [ours.scenario(chinchilla_runs(seed), str(seed)) for seed in range(count)]
    ours.posterior(pool, 0, method)
    found, run = measure(lambda: ours.posterior(pool, 1, method))
    digest = hashlib.sha256(b"".join(one.positions.tobytes() for one in found)).hexdigest()[:16]
    return {"value": digest, "run": run}


def first_ours() -> dict[str, Any]:
    """Our first posterior."""
    from benchmarks.tables import chinchilla_runs

    table = chinchilla_runs()
    ours, importing = measure(lambda: importlib.import_module("benchmarks.ours"))
    _, making = measure(lambda: ours.posterior([ours.scenario(table)]))
    return {"import": importing.wall, "posterior": making.wall}


def first_peer(module: str, sampler: Callable[[Any], Callable[[int], Any]]) -> dict[str, Any]:
    """A peer's first posterior."""
    from benchmarks.tables import chinchilla_runs

    table = chinchilla_runs()
    _, importing = measure(lambda: importlib.import_module(module))
    _, making = measure(lambda: sampler(table)(0))
    return {"import": importing.wall, "posterior": making.wall}


def _numpyro(table: Any) -> Callable[[int], Any]:
    from benchmarks.posteriors import NumPyro, centred

    return NumPyro(centred, table, x64=True)


def _nutpie(table: Any) -> Callable[[int], Any]:
    from benchmarks.posteriors import Nutpie

    return Nutpie(table)


PROBES: dict[str, Callable[..., dict[str, Any]]] = {
    "chinchilla": lambda turn: chinchilla(int(turn)),
    "memory": lambda count: memory(int(count)),
    "on_cores": lambda cores, method, count: on_cores(int(cores), method, int(count)),
    "first_ours": first_ours,
    "first_numpyro": lambda: first_peer("numpyro", _numpyro),
    "first_nutpie": lambda: first_peer("nutpie", _nutpie),
}

if __name__ == "__main__":
    print(json.dumps(PROBES[sys.argv[1]](*sys.argv[2:])))
