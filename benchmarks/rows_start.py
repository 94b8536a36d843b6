"""The first posterior of a fresh process: importing, tracing, compiling and running, with a cold and a warm cache."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.elsewhere import start
from benchmarks.harness import ROUNDS, Row, Task, compare, installed, interleave, missing, version

TITLE = "First posterior of a fresh process, 245 runs"
#: Peers take up to a minute each.
ROUNDS_OF_PEERS = 3


def rows(quick: bool) -> Iterator[Row]:
    """Rows of starts: ours cold and warm, each against every peer."""
    rounds, of_peers = (1, 1) if quick else (ROUNDS, ROUNDS_OF_PEERS)
    with tempfile.TemporaryDirectory() as warm:
        tasks = {
            "cold": Task("ours, empty cache", lambda _: cold(), rounds, first=False),
            "warm": Task("ours, filled cache", lambda _: fresh("ours", {"SCALAW_CACHE": warm}), rounds),
        }
        peers = {"numpyro": ("numpyro",), "nutpie": ("nutpie", "pymc")}
        for name, modules in peers.items():
            if all(map(installed, modules)):
                what = " on ".join(map(version, modules))
                run = lambda _, name=name: fresh(name, {})  # noqa: E731
                tasks[name] = Task(f"{what}, centred", run, of_peers, first=False)
        times = interleave(tasks)
    for name in peers:
        for kind in ("cold", "warm"):
            row = f"start_{kind}_{name}"
            if name not in times:
                yield missing(row, TITLE, name)
                continue
            parts = {f"parts_{kind}": times[kind].values[-1], "parts_peer": times[name].values[-1]}
            yield compare(row, TITLE, times[kind].without_compilation(), times[name], check=parts)


def cold() -> dict[str, Any]:
    """A fresh process whose cache is empty."""
    with tempfile.TemporaryDirectory() as folder:
        return fresh("ours", {"SCALAW_CACHE": folder})


def fresh(name: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Seconds of a fresh process's parts."""
    return start(f"first_{name}", environment=environment)
