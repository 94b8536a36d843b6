"""Commands about many fits at once: ``fit-many``, and ``warmup``, which compiles beforehand."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalaw.show.commands_fit import METHOD, Nuts, Sampling
from scalaw.show.commands_reader import NOISE, OwnLaw, Reader, notes_on, pairs, read
from scalaw.show.commands_shared import (
    BAD,
    INTERRUPTED,
    Options,
    Result,
    Show,
    check_place,
    named_noises,
    plain,
)

if TYPE_CHECKING:
    from scalaw.data import Runs
    from scalaw.infer import Fits

_HOSTS = "Several processes"
_SUFFIXES = (".csv", ".json", ".nc")
#: Notes on the tables that are printed; ``--json`` holds all.
MOST_NOTES = 8
LAWS = Annotated[
    list[str] | None, typer.Option("--law", help="A law or variant; chinchilla unless given. Repeatable.")
]


@dataclass(frozen=True)
class Hosts(Options):
    """Which of several processes this is; they share the work, and each makes the same call."""

    processes: Annotated[
        int | None, typer.Option("--processes", help="How many there are.", rich_help_panel=_HOSTS)
    ] = None
    process: Annotated[
        int | None, typer.Option("--process", help="Which one this is, from 0.", rich_help_panel=_HOSTS)
    ] = None
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="HOST:PORT", help="Of process 0.", rich_help_panel=_HOSTS),
    ] = None
    hosts: Annotated[
        bool,
        typer.Option(
            "--hosts", help="Find all three out: Slurm, Open MPI, a TPU pod.", rich_help_panel=_HOSTS
        ),
    ] = False

    def join(self) -> bool:
        """Join the others where there are any; whether this process is the one that speaks."""
        given = (self.address, self.processes, self.process)
        if not self.hosts and given == (None, None, None):
            return True
        if not self.hosts and None in given:
            raise typer.BadParameter("give --processes, --process and --address together, or --hosts")
        import jax

        from scalaw.infer.hosts import join

        keep_stdout()
        try:
            join(*given)
        except (ValueError, RuntimeError) as error:
            raise typer.BadParameter(f"the other processes were not found: {error}") from error
        return jax.process_index() == 0


def keep_stdout() -> None:
    """Send what libraries print to standard error (gloo greets on standard output, which is for the result alone)."""
    sys.stdout.flush()
    sys.stdout = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)


def fit_many(
    runs: Annotated[
        list[str],
        typer.Argument(metavar="RUNS…", help="Tables of runs, or names that `scalaw data` lists."),
    ],
    law: LAWS = None,
    by: Annotated[
        list[str] | None,
        typer.Option("--by", metavar="COLUMN", help="Cut every table by this column's labels. Repeatable."),
    ] = None,
    prior: Annotated[
        list[str] | None,
        typer.Option("--prior", metavar="NAME=PRIOR", help="For the laws that have the parameter."),
    ] = None,
    method: METHOD = "auto",
    keep: Annotated[int, typer.Option("--keep", help="Draws kept of each fit.")] = 1000,
    precision: Annotated[
        str | None, typer.Option("--precision", help="Of the draws: float64 or float32.")
    ] = None,
    loo: Annotated[
        bool, typer.Option("--loo", help="Also how well each fit predicts its runs when they are left out.")
    ] = False,
    resume: Annotated[
        Path | None,
        typer.Option("--resume", metavar="FOLDER", help="Keep what is finished there, and go on from it."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write all fits: .csv, .json or .nc (netCDF)."),
    ] = None,
    *,
    own: OwnLaw,
    sampling: Sampling,
    hosts: Hosts,
    reader: Reader,
    show: Show,
) -> Result:
    """Fit every law to every data set, in compiled batches; every fit has its verdict."""
    from scalaw.infer import fit_many as fit_all
    from scalaw.show.tables import note_lines
    from scalaw.show.tables_many import fits_tables, kinds, reason_lines, summary_line

    check_output(output)
    speaks = hosts.join()
    show = show if speaks else dataclasses.replace(show, quiet=True)
    laws = [*(law or ()), *(name for name in own.register(show) if name not in (law or ()))] or ["chinchilla"]
    tables = read_all(runs, reader, show)
    arguments: dict[str, Any] = dataclasses.asdict(sampling)
    arguments |= {"by": by, "priors": pairs(prior, "--prior"), "method": method, "keep": keep}
    arguments |= {"precision": precision, "loo": loo, "resume": resume}
    try:
        with show.progress("fitting") as step:
            fits = fit_all(
                tables if len(tables) > 1 else next(iter(tables.values())), laws, progress=step, **arguments
            )
    except KeyboardInterrupt:
        show.say(stopped(resume))
        raise typer.Exit(INTERRUPTED) from None
    if not speaks:
        raise typer.Exit(BAD if fits.verdict == "BAD" else 0)
    notes = list(dict.fromkeys(note for table in tables.values() for note in notes_on(table)))
    noise = named_noises(plan.model for plan in fits.planned)
    data = {"seed": sampling.seed, "noise": noise, "output": None if output is None else str(output)}
    if show.as_json or (output and output.suffix == ".json"):
        data |= fits.to_json()
    reasons = [str(kind) for kind in kinds(fits)]
    text = [*fits_tables(fits), *reason_lines(fits), summary_line(fits), *note_lines(notes[:MOST_NOTES])]
    result = Result(data, text, fits.verdict, reasons, notes)
    if output is not None:
        write(fits, result, output)
        show.say(f"wrote {output}")
    return result


def check_output(output: Path | None) -> None:
    """Refuse a place or a kind of file that cannot be written before the work is done."""
    if output is not None and output.suffix not in _SUFFIXES:
        raise typer.BadParameter(f"-o {output}: the name ends in {', '.join(_SUFFIXES)}")
    check_place(output)


def read_all(names: list[str], reader: Reader, show: Show) -> dict[str, Runs]:
    """Tables by file name, or as they were given where two files have one name."""
    found = {name: read(name, reader, show) for name in names}
    sources = [table.source for table in found.values()]
    return {name if sources.count(table.source) > 1 else table.source: table for name, table in found.items()}


def stopped(resume: Path | None) -> str:
    """What is said after Ctrl-C."""
    if resume is None:
        return "stopped: nothing was kept. With --resume FOLDER what is finished is kept, and the same call goes on"
    return f"stopped: what was finished is kept in {resume}; the same command with --resume {resume} goes on"


def write(fits: Fits, result: Result, path: Path) -> None:
    """Write all fits to a file, which is replaced in one step or not at all (S004)."""
    from scalaw.infer.store import write_aside

    def save(aside: Path) -> None:
        if path.suffix == ".nc":
            fits.dataset.to_netcdf(aside, engine="h5netcdf")
        elif path.suffix == ".csv":
            fits.to_frame().to_csv(aside, index=False)
        else:
            told = plain(result.to_json("fit-many"))
            aside.write_text(json.dumps(told, indent=2, allow_nan=False) + "\n", encoding="utf-8")

    write_aside(path, save)


def warmup(
    law: LAWS = None,
    rows: Annotated[
        list[int] | None,
        typer.Option("--rows", help="How many runs there will be; 245 unless given. Repeatable."),
    ] = None,
    noise: NOISE = "auto",
    method: METHOD = "auto",
    loo: Annotated[bool, typer.Option("--loo", help="For fit-many --loo too.")] = False,
    *,
    own: OwnLaw,
    nuts: Nuts,
    show: Show,
) -> Result:
    """Compile what fits will need into the cache, so that later ones start in seconds; runs nothing."""
    from scalaw.infer import warmup as compile_programs

    laws = [*(law or ()), *(name for name in own.register(show) if name not in (law or ()))] or ["chinchilla"]
    sizes = rows or [245]
    with show.progress(f"compiling for {', '.join(laws)}"):
        options = {**dataclasses.asdict(nuts), "loo": loo}
        found = compile_programs(laws, rows=sizes, noise=noise, method=method, **options)
    where = "the cache is off, so later processes compile again: see SCALAW_CACHE"
    if found.folder is not None:
        where = f"they are kept in {found.folder}"
    said = f"{found.programs} programs for {', '.join(laws)} are ready after {found.seconds:.1f} s; {where}"
    data = {"laws": laws, "rows": sizes, "noise": noise, "method": method}
    data |= {"programs": found.programs, "seconds": found.seconds}
    return Result({**data, "cache": None if found.folder is None else str(found.folder)}, [said])
