"""The laws themselves, a file per family: a law in a new file here is known everywhere.

A file says ``FAMILY = "…"``, the title under which its laws are listed, and its docstring is the manual page of the
family. Nothing else has to be told of it.
"""

from __future__ import annotations

import importlib
import pkgutil


def load() -> None:
    """Import every file of this folder, which registers its laws."""
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
