"""Where and how scalaw computes: devices and precision inside a context, and a private compilation cache.

Importing scalaw changes no JAX setting. Computation runs inside :func:`computing`, for its own thread alone: in
float64 on the devices that JAX would take, unless asked otherwise. Searches of a mode stay in float64 even where
the accelerator has none, on the processor of the host (:func:`host_computing`)::

    with host_computing():
        modes = run_batch(search, ...)
    with computing("float32"):
        draws = run_batch(sampler, ...)

At the first computation of the process JAX's persistent compilation cache is pointed at a folder of this user and
this machine type, unless the user has configured one. A cached program is trusted code, so the folder is created
with mode 0700 and refused, with one warning and the cache left off, if somebody else owns it or can write to
it. ``SCALAW_CACHE=0`` turns the cache off; ``SCALAW_CACHE=/some/folder`` moves it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import stat
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import jax

MAX_CACHE_BYTES = 512 * 1024**2

type Device = Any  # jax.Device, a name that type checkers do not take for a type
type Precision = Literal["float64", "float32"]


@dataclass(frozen=True)
class Setting:
    """What computation runs on: devices of one kind that this process owns, and the width of its numbers."""

    devices: tuple[Device, ...]
    precision: Precision = "float64"

    @property
    def platform(self) -> str:
        """Kind of the devices: ``"cpu"``, ``"gpu"`` or ``"tpu"``."""
        return self.devices[0].platform


_IN_FORCE: ContextVar[Setting | None] = ContextVar("scalaw_setting", default=None)


def setting() -> Setting:
    """The setting in force in this thread: that of the innermost :func:`computing`, else float64."""
    return _IN_FORCE.get() or Setting(_devices_of_jax())


@contextmanager
def computing(precision: Precision | None = None, platform: str | None = None) -> Iterator[None]:
    """Context in which arrays have a precision, programs run on one kind of device and are cached.

    Parameters
    ----------
    precision : {"float64", "float32"}, optional
        By default that of the surrounding context, else float64.
    platform : str, optional
        ``"cpu"``, ``"gpu"`` or ``"tpu"``: all local devices of this kind. By default those of the surrounding
        context, else the device that the user has pinned with ``jax.default_device``, else JAX's default.
    """
    outer = setting()
    devices = outer.devices if platform is None else tuple(jax.local_devices(backend=platform))
    with computing_in(Setting(devices, precision or outer.precision)):
        yield


def host_computing() -> AbstractContextManager[None]:
    """Context of float64 on the host's processor, whatever accelerator there is."""
    return computing("float64", "cpu")


@contextmanager
def computing_in(given: Setting) -> Iterator[None]:
    """Context of a setting that another thread read off; its first device takes what is not placed."""
    _configure_cache()
    token = _IN_FORCE.set(given)
    try:
        with jax.enable_x64(given.precision == "float64"), jax.default_device(given.devices[0]):
            yield
    finally:
        _IN_FORCE.reset(token)


def _devices_of_jax() -> tuple[Device, ...]:
    pinned = jax.config.jax_default_device
    if isinstance(pinned, jax.Device):
        return (pinned,)
    return tuple(jax.local_devices(backend=pinned or None))


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
            stacklevel=6,
        )
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    jax.config.update("jax_compilation_cache_max_size", MAX_CACHE_BYTES)
