"""Compilations: counting them, timing them, and forgetting what was compiled."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import jax
import jax.monitoring
from jax.experimental.compilation_cache import compilation_cache

#: What JAX reports of tracing, lowering and compiling; the last is counted.
STAGES = tuple(
    f"/jax/core/compile/{stage}_duration"
    for stage in ("jaxpr_trace", "jaxpr_to_mlir_module", "backend_compile")
)


@dataclass
class Seen:
    """Programs compiled, and the seconds spent on tracing, lowering and compiling."""

    programs: int = 0
    seconds: float = 0.0


@contextmanager
def compilations() -> Iterator[Seen]:
    """Watch what is compiled inside."""
    seen, watching = Seen(), True

    def listen(event: str, seconds: float, **_: Any) -> None:
        if watching and event in STAGES:
            seen.programs += event == STAGES[-1]
            seen.seconds += seconds

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield seen
    finally:
        watching = False


def forget() -> None:
    """Forget every compiled program; what is compiled from now on is cached in a new, empty folder.

    So a first call compiles in earnest, and a peer that compiles the same program in every call does not
    pay for it again.
    """
    from benchmarks import ours

    ours.forget()
    jax.clear_caches()
    compilation_cache.reset_cache()
    jax.config.update("jax_compilation_cache_dir", tempfile.mkdtemp(prefix="bench-"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
