"""Compiled programs on disk, by name: a later process loads them without tracing them first.

JAX's own compilation cache is asked with the traced program, and tracing takes longer than loading: most of the time
until a fresh process has its first posterior. Here a program is asked for by what it is made of: the functions and
numbers that build it, the shapes it takes, precision and device, the source text of scalaw, and the versions of what
compiles it. Only functions of scalaw itself without anything in their closure can be named so; programs of a
user's own law or noise are traced, and found in JAX's cache.

Files lie in the folder of the compilation cache (:mod:`scalaw.infer.devices`) and are as trusted as it is: it is
this user's alone. What cannot be read is compiled anew. The least recently used are removed. What came out of JAX's
cache is not kept: written once more, a program of a processor lacks the functions that it calls.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import secrets
import sys
import threading
import zlib
from collections.abc import Iterator
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING, Any

import jax
import jax.monitoring
import numpy as np

from scalaw.infer.devices import cache_folder
from scalaw.model.structure import Parts

if TYPE_CHECKING:
    from scalaw.infer.programs import Key

#: Files in the folder, of one to two megabytes before they are compressed.
MOST_FILES = 256
_PACKAGES = ("jax", "jaxlib", "numpyro", "numpy")
_OF_THREAD = threading.local()


class _Nameless(Exception):
    """Something that has no name that holds in another process."""


def load(key: Key) -> Any:
    """The compiled program, or None where it is not kept or cannot be read."""
    path = _path(key)
    if path is None or not path.is_file():
        return None
    from jax.experimental.serialize_executable import deserialize_and_load

    try:
        _ready()
        parts = pickle.loads(zlib.decompress(path.read_bytes()))
        found = deserialize_and_load(*parts, execution_devices=[key.device])
        os.utime(path)
    except Exception:  # a file may be damaged in any way: what it held is compiled anew
        return None
    return found


@lru_cache(maxsize=1)
def _ready() -> None:
    """Have JAX look its linear algebra up, which it does when it lowers some, and a loaded program calls blindly."""
    jax.jit(jax.numpy.linalg.cholesky).lower(jax.ShapeDtypeStruct((1, 1), np.float32))


def compiled(key: Key, lowered: Any) -> Any:
    """Compile a traced program, and keep it where it has a name and there is room."""
    _listen()
    _OF_THREAD.cached = False
    made = lowered.compile()
    path = None if _OF_THREAD.cached else _path(key)
    if path is not None:
        _keep(path, made)
    return made


@lru_cache(maxsize=1)
def _listen() -> None:
    """Be told by JAX, in the thread that compiles, of what its own cache had."""

    def heard(event: str, **_: Any) -> None:
        if event == "/jax/compilation_cache/cache_hits":
            _OF_THREAD.cached = True

    jax.monitoring.register_event_listener(heard)


def _keep(path: Path, made: Any) -> None:
    from jax.experimental.serialize_executable import serialize

    aside = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        aside.write_bytes(zlib.compress(pickle.dumps(serialize(made)), level=1))
        aside.replace(path)
        _tidy(path.parent)
    except (OSError, ValueError, NotImplementedError, pickle.PicklingError, jax.errors.JaxRuntimeError):
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    files = sorted(folder.glob("*.bin"), key=lambda path: path.stat().st_mtime)
    for path in files[:-MOST_FILES]:
        path.unlink(missing_ok=True)


def _path(key: Key) -> Path | None:
    """File of a program; None where it has no name, or where the cache is off or the user's own."""
    folder = cache_folder()
    if folder is None or jax.config.jax_compilation_cache_dir != str(folder) or jax.process_count() > 1:
        return None
    try:
        program = "".join(_text((key.program.maker, key.program.arguments)))
    except _Nameless:
        return None
    where = (key.setting.precision, key.device.platform, key.device.device_kind, key.device.id)
    about = (_surroundings(), program, key.shapes, str(key.treedef), where, _settings())
    return folder / "programs" / f"{hashlib.sha256(repr(about).encode()).hexdigest()[:32]}.bin"


def _text(value: Any) -> Iterator[str]:
    """Text that says the same of a value in every process."""
    if isinstance(value, tuple):
        yield f"{type(value).__name__}("
        for item in value:
            yield from _text(item)
        yield ")"
    elif isinstance(value, Parts):
        yield "parts,"  # said by their neighbours in the structure
    elif value is None or isinstance(value, str | bool | int | float):
        yield f"{value!r},"
    elif isinstance(value, FunctionType) and value.__module__.startswith("scalaw.") and not value.__closure__:
        # the source is part of the name, so a function is known by where in it its instructions come from
        yield f"{value.__module__}.{value.__qualname__}:{list(value.__code__.co_positions())},"
    else:
        raise _Nameless


def _settings() -> tuple[Any, ...]:
    """Settings of JAX and XLA, all but those of the cache: any may matter to what is compiled."""
    told = sorted((name, repr(value)) for name, value in jax.config.values.items() if "cache" not in name)
    return told, os.environ.get("XLA_FLAGS", "")


@lru_cache(maxsize=1)
def _surroundings() -> str:
    """Hash of scalaw's own source and of the versions of all that compiles it."""
    state = hashlib.sha256(repr((sys.version, [version(name) for name in _PACKAGES])).encode())
    root = Path(__file__).parent.parent
    for path in sorted(root.rglob("*.py")):
        state.update(str(path.relative_to(root)).encode())
        state.update(path.read_bytes())
    return state.hexdigest()
