"""What commands start from: RUNS, a file or the name of a published table; and laws of one's own.

A file wins over a published table of the same name, and which one was used is said on standard error and noted.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalaw.show.commands_shared import Options, Show

if TYPE_CHECKING:
    from scalaw.data import Runs

RUNS = Annotated[
    str,
    typer.Argument(
        metavar="RUNS",
        help="Table of runs (CSV, TSV, JSON, JSONL, Parquet), or a name that `scalaw data` lists.",
    ),
]
NOISE = Annotated[
    str,
    typer.Option(
        "--noise",
        help="How losses scatter: student_t, normal, laplace, growing, one_sided, known_se or rounded; shares: "
        "binomial, beta_binomial or beta; numbers of any sign: additive. A parameter is held as in student_t:nu=5; "
        "auto is student_t, beta_binomial or additive, by what the law predicts.",
    ),
]
_PANEL = "Reading"
#: Options of this record that also make sense for a published table.
_FOR_PUBLISHED = {"metric", "convert_to", "bytes_per_token", "x"}


def _option(*names: str, help: str, metavar: str | None = None) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, rich_help_panel=_PANEL)


@dataclass(frozen=True)
class Reader(Options):
    """How to read RUNS; see :func:`scalaw.read_runs`."""

    column: Annotated[
        list[str] | None,
        _option("--column", "--columns", help="Which column plays a role, e.g. N=size.", metavar="ROLE=NAME"),
    ] = None
    units: Annotated[
        list[str] | None,
        _option("--units", help="Unit of a role's plain numbers, e.g. N=B; si for SI.", metavar="ROLE=UNIT"),
    ] = None
    x: Annotated[
        str | None, _option("--x", help="Column that one-dimensional laws scale, e.g. C.", metavar="COLUMN")
    ] = None
    loss_kind: Annotated[
        str | None,
        _option(
            "--loss-kind",
            help="nats, bits, bits_per_byte, perplexity, error, accuracy or signed (any number).",
            metavar="KIND",
        ),
    ] = None
    convert_to: Annotated[
        str | None, _option("--convert-to", help="Convert losses to this kind.", metavar="KIND")
    ] = None
    bytes_per_token: Annotated[
        float | None, _option("--bytes-per-token", help="Needed to convert bits per byte.")
    ] = None
    convention: Annotated[
        str, _option("--convention", help="What N counts: total, non-embedding, active.", metavar="WHAT")
    ] = "unknown"
    flops: Annotated[
        str | None,
        _option("--flops", help="How C was counted, in words; 6ND derives the third.", metavar="RULE"),
    ] = None
    missing: Annotated[
        str, _option("--missing", help="Rows that lack a number: refuse or drop.", metavar="WHAT")
    ] = "refuse"
    na_values: Annotated[
        list[str] | None, _option("--na-values", help="A further text that means missing.", metavar="TEXT")
    ] = None
    dedupe: Annotated[bool, _option("--dedupe", help="Leave out exact duplicates of earlier rows.")] = False
    sep: Annotated[str | None, _option("--sep", help="Delimiter; found from the header by default.")] = None
    decimal: Annotated[str, _option("--decimal", help="Decimal sign, . or ,")] = "."
    encoding: Annotated[str, _option("--encoding", help="Of text files.", metavar="NAME")] = "utf-8"
    groups: Annotated[
        list[str] | None, _option("--groups", help="Column of labels that group the runs.", metavar="COLUMN")
    ] = None
    metric: Annotated[
        str | None, _option("--metric", help="Of a published table with several metrics.", metavar="NAME")
    ] = None


@dataclass(frozen=True)
class OwnLaw(Options):
    """Laws that scalaw does not know by name."""

    formula: Annotated[
        str | None,
        typer.Option(
            "--formula", metavar="TEXT", help="A law in one line, e.g. 'E + A/N^alpha'; its name is formula."
        ),
    ] = None
    law_file: Annotated[
        Path | None,
        typer.Option("--law-file", metavar="FILE.py", help="Python file with laws of yours. It is run!"),
    ] = None

    def register(self, show: Show) -> list[str]:
        """Make the laws known; their names."""
        from scalaw.laws.formula import formula_law
        from scalaw.laws.law import register
        from scalaw.laws.law_file import load_law_file

        found = []
        if self.law_file is not None:
            show.say(f"running {self.law_file}: a law file is a program")
            found += [law.name for law in load_law_file(self.law_file)]
        if self.formula is not None:
            found.append(register(formula_law(self.formula)).name)
        return found

    def choose(self, law: str | None, show: Show, default: str | None = None) -> str:
        """The law that a command is about: the one named, the only one of a file or a formula, or the default."""
        if law and self.formula and not law.startswith("formula"):
            raise typer.BadParameter("give --law or --formula, not both")
        names = self.register(show)
        if law:
            return law
        if len(names) > 1:
            raise typer.BadParameter(f"say which law: --law {' or --law '.join(names)}")
        if not names and default is None:
            raise typer.BadParameter("say which law: --law NAME")
        return names[0] if names else str(default)


def read(runs: str, reader: Reader, show: Show) -> Runs:
    """The table that the argument RUNS names.

    Raises
    ------
    ScalawError
        What :func:`scalaw.read_runs` and :func:`scalaw.published` raise.
    """
    from scalaw.data import published_tables, read_runs

    # A name with a dot or a slash is a file's.
    names = [] if "." in runs or "/" in runs else [table.name for table in published_tables()]
    if not Path(runs).exists() and (runs in names or _close(runs, names)):
        return _published(runs, reader, show)
    if reader.metric:
        raise typer.BadParameter("--metric belongs to published tables; this is a file")
    show.say(f"reading file {runs}" + (" (a published table has the same name)" if runs in names else ""))
    units = reader.units or []
    return read_runs(
        runs,
        columns=pairs(reader.column, "--column"),
        units="si" if units == ["si"] else pairs(units, "--units"),
        sep={"\\t": "\t"}.get(reader.sep or "", reader.sep),
        decimal=reader.decimal,  # pyright: ignore[reportArgumentType] (read_runs checks the choices)
        encoding=reader.encoding,
        na_values=reader.na_values or (),
        missing=reader.missing,  # pyright: ignore[reportArgumentType]
        dedupe=reader.dedupe,
        loss_kind=reader.loss_kind,
        convert_to=reader.convert_to,
        bytes_per_token=reader.bytes_per_token,
        convention=reader.convention,  # pyright: ignore[reportArgumentType]
        flops=reader.flops,
        x=reader.x,
        groups=reader.groups or (),
    )


def _close(name: str, names: list[str]) -> bool:
    """Whether a name is meant to be a published table's."""
    import difflib

    return bool(difflib.get_close_matches(name, names, 1, 0.75))


def _published(name: str, reader: Reader, show: Show) -> Runs:
    from scalaw.data import published

    for field in fields(Reader):
        if field.name not in _FOR_PUBLISHED and getattr(reader, field.name) != field.default:
            option = "--" + field.name.replace("_", "-")
            raise typer.BadParameter(f"{option} is for files; {name} is a published table")
    runs = published(name, metric=reader.metric)
    show.say(f"using the published table {name}: {runs.citation}")
    if reader.convert_to:
        runs = runs.convert(reader.convert_to, reader.bytes_per_token)
    return runs.along(reader.x) if reader.x else runs


def notes_on(runs: Runs) -> list[str]:
    """What a reader of any result must know about the table: conventions, conversions, caveats."""
    counted = f"N counts: {runs.convention}; " if "N" in runs.frame else ""
    cited = [f"runs cited from {runs.citation}"] if runs.citation else []
    conversions = [f"conversion: {text}" for text in runs.conversions]
    caveats = [f"caveat: {text}" for text in runs.caveats]
    return [f"{counted}loss kind: {runs.loss_kind}", *cited, *conversions, *caveats]


def pairs(items: list[str] | None, option: str) -> dict[str, str]:
    """``["N=size"]`` → ``{"N": "size"}``; wrong usage otherwise."""
    out = {}
    for item in items or ():
        key, equals, value = (part.strip() for part in item.partition("="))
        if not (key and equals and value):
            raise typer.BadParameter(f"{option} {item}: write it as NAME=VALUE")
        if key in out:
            raise typer.BadParameter(f"{option} {key} is given twice")
        out[key] = value
    return out
