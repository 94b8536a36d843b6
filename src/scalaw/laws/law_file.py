"""Laws from a user's own Python file, for ``--law-file mylaws.py``.

Loading **runs the file** with all the rights of whoever loads it, as Python's ``import`` does. Load only
files whose contents you would run. For a one-line law from elsewhere use a formula, which runs nothing
(:mod:`scalaw.laws.formula`).
"""

from __future__ import annotations

import hashlib
import linecache
import sys
import traceback
from pathlib import Path
from types import ModuleType

from scalaw.errors import ScalawError
from scalaw.laws.check_law import law_checks
from scalaw.laws.law import Law, registry


def load_law_file(path: str | Path) -> list[Law]:
    """Run a Python file and return the laws it defines; decorated ones are registered too.

    Parameters
    ----------
    path : str or Path
        A Python file with functions under ``@scalaw.law(…)``.

    Raises
    ------
    ScalawError
        M003, with the line, for a file that cannot be run, defines no law, or whose law JAX cannot trace;
        what the decorator itself refuses keeps its own code.
    """
    file = Path(path).resolve()
    try:
        source = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        what = f"it cannot be read ({error.__class__.__name__})"
        raise ScalawError("M003", what, str(path), fix="give the path of a Python file in UTF-8") from error
    module = ModuleType(f"law_file_{hashlib.sha256(str(file).encode()).hexdigest()[:12]}")
    module.__file__ = str(file)
    before = set(map(id, registry().values()))
    linecache.checkcache(str(file))
    sys.modules[module.__name__] = module
    try:
        exec(compile(source, str(file), "exec"), vars(module))
    except ScalawError:
        raise
    except (Exception, SystemExit) as error:  # whatever a user's file raises is reported as its fault
        raise _failed(path, file, error) from error
    found = {id(v): v for v in vars(module).values() if isinstance(v, Law) and id(v) not in before}
    if not found:
        raise ScalawError("M003", "it defines no law", str(path), fix="decorate a function with @law(…)")
    for entry in found.values():
        dict(law_checks(entry))["traceable"]()
    return list(found.values())


def _failed(path: str | Path, file: Path, error: BaseException) -> ScalawError:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(file)]
    line = error.lineno if isinstance(error, SyntaxError) else (lines or [None])[-1]
    where = f"{path}, line {line}" if line else str(path)
    message = (str(error) or "no message").splitlines()[0][:80]
    return ScalawError("M003", f"{type(error).__name__}: {message}", where, fix="correct the file")
