"""The command ``scalaw``: from a table of runs to a forecast, in the shell.

Every command is a function of a ``commands_*`` file; here they get their names and their places in ``scalaw --help``.
Starting it imports Typer and nothing heavy: a command imports what it needs when it is called, and JAX is needed only
where something is sampled or evaluated. ``SCALAW_DEBUG=1`` shows tracebacks.
"""

from __future__ import annotations

from typing import Annotated

import typer

from scalaw.show import (
    commands_audit,
    commands_bootstrap,
    commands_fit,
    commands_info,
    commands_many,
    commands_runs,
    commands_saved,
)
from scalaw.show.commands_shared import command

app = typer.Typer(
    name="scalaw",
    help="Neural scaling laws the Bayesian way: from a table of training runs to a forecast with an honest interval.",
    epilog="Start with: scalaw demo. Exit status: 0 fine, 1 refused input, 2 wrong usage, 3 verdict BAD.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_PANELS = {
    "Runs": (commands_runs.check, commands_runs.priors),
    "Fits": (
        commands_fit.fit,
        commands_bootstrap.bootstrap,
        commands_fit.compare,
        commands_saved.forecast,
        commands_saved.report,
    ),
    "Many fits": (commands_many.fit_many, commands_many.warmup),
    "Look up": (
        commands_info.laws,
        commands_info.data,
        commands_audit.audit,
        commands_info.explain,
        commands_info.demo,
    ),
}
for _panel, _functions in _PANELS.items():
    for _function in _functions:
        app.command(_function.__name__.replace("_", "-"), rich_help_panel=_panel)(command(_function))


def _version(wanted: bool) -> None:
    if wanted:
        from scalaw import __version__

        typer.echo(f"scalaw {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Options before the command."""


def main() -> None:
    """Entry point of the console script."""
    app()
