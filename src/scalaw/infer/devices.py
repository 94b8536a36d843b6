"""Where and how scalaw computes: float64 inside a context, and a private compilation cache.

Importing scalaw changes no JAX setting. Computation runs inside :func:`computing`, which switches float64
on for its own thread and, at the first call of the process, points JAX's persistent compilation cache at a
folder of this user and this machine type, unless the user has configured one. A cached program is trusted
code, so the folder is created with mode 0700 and refused, with one warning and the cache left off, if
somebody else owns it or can write to it. ``SCALAW_CACHE=0`` turns the cache off;
``SCALAW_CACHE=/some/folder`` moves it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import jax

MAX_CACHE_BYTES = 512 * 1024**2


@contextmanager
def computing() -> Iterator[None]:
    """Context in which arrays are float64 and compiled programs are cached."""
    _configure_cache()
    with jax.enable_x64(True):
        yield


def cache_folder() -> Path | None:
    """Folder of the compilation cache, or None when it is switched off."""
    wanted = os.environ.get("SCALAW_CACHE", "")
    if wanted == "0":
        return None
    if wanted:
        root = Path(wanted)
    else:
        home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        root = Path(home) / "scalaw"
    return root / f"jax-{_machine_type()}"


def _machine_type() -> str:
    """Short hash of what compiled code depends on: architecture and processor features."""
    features = platform.processor()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                features = line
                break
    except OSError:
        pass  # not Linux: the architecture alone has to do
    return hashlib.sha256(f"{platform.system()} {platform.machine()} {features}".encode()).hexdigest()[:12]


def trusted(folder: Path) -> bool:
    """Create the folder privately where missing; whether only this user owns and can write it."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not hasattr(os, "getuid"):
        return True
    status = folder.stat()
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


@lru_cache(maxsize=1)
def _configure_cache() -> None:
    folder = cache_folder()
    if folder is None or jax.config.jax_compilation_cache_dir:
        return
    try:
        usable = trusted(folder)
    except OSError:
        usable = False
    if not usable:
        warnings.warn(
            f"compilation cache off: {folder} is not a folder that only you can write. "
            "Mend its owner or mode, or set SCALAW_CACHE to another folder (0 for none).",
            stacklevel=4,
        )
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_compilation_cache_max_size", MAX_CACHE_BYTES)
