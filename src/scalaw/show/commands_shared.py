"""What every command has in common: its result, how it is printed, and how it ends.

A command is a plain function that returns a :class:`Result`; :func:`command` makes of it what Typer calls. It
prints the result as text or, with ``--json``, as exactly one object on standard output; everything else goes to
standard error. The exit status is 0 when all is well, 1 for a refused input, 2 for wrong usage, 3 when the
verdict is BAD.

Options that several commands share are dataclasses derived from :class:`Options`, one field per option: a
command that takes such a record has all of its options.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from scalaw.errors import Problem, ScalawError
from scalaw.show.commands_wording import in_shell

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from scalaw.model import ScalingModel

REFUSED = 1
BAD = 3
#: After Ctrl-C, as shells have it.
INTERRUPTED = 130
#: Columns of a table that goes to a file or a pipe.
PLAIN_WIDTH = 120
#: No table is wider.
WIDEST = 1000


@dataclasses.dataclass(frozen=True)
class Options:
    """Base of records whose fields are options of a command."""


@dataclasses.dataclass(frozen=True)
class Show(Options):
    """How to answer."""

    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; numbers unrounded, in base units.")
    ] = False
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No progress and no messages on standard error.")
    ] = False

    def say(self, text: str) -> None:
        """One message on standard error."""
        if not self.quiet:
            print(text, file=sys.stderr)

    @contextmanager
    def progress(self, what: str, steps: int | None = None) -> Iterator[Callable[[str], None]]:
        """Progress on standard error, with a bar where steps are known; the function starts the next one, by name."""
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        bar = (BarColumn(bar_width=20), TextColumn("{task.completed:.0f}/{task.total:.0f}"))
        columns = (
            SpinnerColumn(),
            *(bar if steps is not None else ()),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
        )
        with Progress(*columns, console=console(sys.stderr), transient=True, disable=self.quiet) as shown:
            task = shown.add_task(what, total=steps)
            started = 0

            def step(text: str) -> None:
                nonlocal started
                done = started if steps is None else min(started, steps)
                shown.update(task, completed=done, description=f"{what}: {text}")
                started += 1

            yield step


@dataclasses.dataclass(frozen=True)
class Result:
    """What a command found out.

    Parameters
    ----------
    data : mapping
        Further keys of the JSON object.
    text : sequence
        Rich renderables, printed in order; a ``str`` is printed as it is, without wrapping.
    verdict : {"OK", "LOOK", "BAD"} or None
    reasons, notes : sequence of str
    refused : sequence of Problem
        Reasons to exit with 1.
    """

    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    text: Sequence[RenderableType] = ()
    verdict: str | None = None
    reasons: Sequence[str] = ()
    notes: Sequence[str] = ()
    refused: Sequence[Problem] = ()

    def to_json(self, name: str) -> dict[str, Any]:
        """The JSON object of the command ``name``."""
        head = {
            "scalaw": 1,
            "command": name,
            "verdict": self.verdict,
            "reasons": self.reasons,
            "notes": self.notes,
        }
        return plain({**head, **self.data})


def plain(value: Any) -> Any:
    """Same value made of what JSON knows; NaN and infinities become null."""
    if isinstance(value, Problem):
        return {**value.to_dict(), "why": in_shell(value.why), "fix": in_shell(value.fix)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | bool | int) else str(value)


def console(file: Any = None, width: int | None = None) -> Console:
    """A console that prints text as it is: no markup, no highlighting; wide enough for tables in a pipe."""
    from rich.console import Console

    file = file or sys.stdout
    if width is None and not (file.isatty() or "COLUMNS" in os.environ):
        width = PLAIN_WIDTH
    return Console(file=file, width=width, markup=False, highlight=False, emoji=False)


def check_place(path: Path | None) -> None:
    """Refuse a place that cannot be written before the work is done (S004)."""
    if path is None:
        return
    if path.is_dir():
        raise ScalawError("S004", "this is a folder", str(path), fix="name a file in it")
    if not path.parent.is_dir():
        raise ScalawError("S004", "there is no such folder", str(path.parent), fix="make it first")


def named_noises(models: Iterable[ScalingModel]) -> str:
    """Names of the noises that were used, which ``auto`` chose by each law's response."""
    return ", ".join(dict.fromkeys(model.noise.name for model in models))


def safe_name(label: str) -> str:
    """A law's name as the name of a file, without an ending."""
    return re.sub(r"[^A-Za-z0-9_.=-]+", "_", label).strip("_")


def write_json(result: Result, name: str) -> None:
    """Print the one JSON object."""
    print(json.dumps(result.to_json(name), indent=2, allow_nan=False))


def write_text(result: Result) -> None:
    """Print the result for a person."""
    from rich.measure import Measurement
    from rich.table import Table

    out = console()
    for part in result.text:
        numbers = isinstance(part, Table) and all(column.no_wrap for column in part.columns[1:])
        if numbers:  # a narrow terminal may break its lines, and must not cut a number
            natural = Measurement.get(out, out.options.update(width=WIDEST), part).maximum
            console(width=max(natural, out.width)).print(part)
        else:
            out.print(part, soft_wrap=isinstance(part, str))


def command(function: Callable[..., Result]) -> Callable[..., None]:
    """What Typer calls for a command: records of options are spread out, results printed, errors told."""
    hints = get_type_hints(function, include_extras=True)
    signature = inspect.signature(function)
    groups = {
        name: hint
        for name, hint in hints.items()
        if name in signature.parameters and isinstance(hint, type) and issubclass(hint, Options)
    }
    name = function.__name__.rstrip("_").replace("_", "-")

    @functools.wraps(function)
    def run(**given: Any) -> None:
        records = {
            key: group(**{field.name: given.pop(field.name) for field in dataclasses.fields(group)})
            for key, group in groups.items()
        }
        show = records.get("show")
        show = show if isinstance(show, Show) else Show()
        result = _answer(function, name, show, {**given, **records})
        for problem in result.refused:
            print(in_shell(str(problem)), file=sys.stderr)
        write_json(result, name) if show.as_json else write_text(result)
        sys.stdout.flush()
        if result.refused or "error" in result.data:
            raise typer.Exit(REFUSED)
        if result.verdict == "BAD":
            raise typer.Exit(BAD)

    parameters = _spread(signature, hints, groups)
    run.__signature__ = inspect.Signature(parameters)  # pyright: ignore[reportAttributeAccessIssue]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


def _spread(
    signature: inspect.Signature, hints: Mapping[str, Any], groups: Mapping[str, type]
) -> list[inspect.Parameter]:
    """Parameters of a command with every record replaced by its fields."""
    parameters = []
    for p in signature.parameters.values():
        if p.name not in groups:
            kind = inspect.Parameter.KEYWORD_ONLY
            parameters.append(p.replace(kind=kind, annotation=hints[p.name]))
            continue
        fields = get_type_hints(groups[p.name], include_extras=True)
        for field in dataclasses.fields(groups[p.name]):
            parameters.append(
                inspect.Parameter(
                    field.name,
                    inspect.Parameter.KEYWORD_ONLY,
                    default=field.default,
                    annotation=fields[field.name],
                )
            )
    return parameters


def _answer(function: Callable[..., Result], name: str, show: Show, arguments: dict[str, Any]) -> Result:
    """The command's result; a refused input and a defect of scalaw are results too, never tracebacks."""
    try:
        return function(**arguments)
    except ScalawError as error:
        return Result({"problems": error.problems}, refused=error.problems)
    except (typer.Exit, typer.Abort, typer.BadParameter, BrokenPipeError):
        raise
    except Exception as error:  # whatever else is raised is a defect of scalaw, and is said to be one
        if os.environ.get("SCALAW_DEBUG") == "1":
            raise
        told = f"{type(error).__name__}: {(str(error) or 'no message').splitlines()[0][:200]}"
        print(
            f"scalaw {name}: unexpected {told}. This is a defect of scalaw: please report it, with what "
            "SCALAW_DEBUG=1 adds.",
            file=sys.stderr,
        )
        return Result({"problems": [], "error": told})
