"""The command ``scalaw audit``: whether the figures of a claim agree with each other."""

from __future__ import annotations

from typing import Annotated

import typer

from scalaw.show.commands_reader import pairs
from scalaw.show.commands_shared import Result, Show


def audit(
    C: Annotated[str | None, typer.Option("-C", metavar="FLOP", help="Budget, e.g. 1e23.")] = None,
    N: Annotated[
        str | None, typer.Option("-N", metavar="SIZE", help="Parameters, or a formula such as '(C/120)^0.5'.")
    ] = None,
    D: Annotated[
        str | None, typer.Option("-D", metavar="TOKENS", help="Training tokens, or a formula in C.")
    ] = None,
    tokens_per_parameter: Annotated[
        float | None, typer.Option("--tokens-per-parameter", help="As claimed; without -D it says what D is.")
    ] = None,
    law: Annotated[str | None, typer.Option("--law", help="Law whose coefficients are claimed.")] = None,
    value: Annotated[
        list[str] | None,
        typer.Option("--value", metavar="NAME=NUMBER", help="A claimed coefficient; repeatable."),
    ] = None,
    *,
    show: Show,
) -> Result:
    """Check a claim's arithmetic: whether 6·N·D meets the budget, and coefficients are those that were printed."""
    from scalaw.decide import audit_claim

    try:
        coefficients = {name: float(number) for name, number in pairs(value, "--value").items()}
    except ValueError as error:
        raise typer.BadParameter(f"--value: {error}") from error
    if not coefficients and not (N and (D or tokens_per_parameter)):
        raise typer.BadParameter("give -N with -D or --tokens-per-parameter, or --law with --value")
    told = audit_claim(
        C=C, N=N, D=D, tokens_per_parameter=tokens_per_parameter, law=law, coefficients=coefficients
    )
    return Result({"figures": dict(told.figures)}, [str(told)], verdict=told.level, reasons=told.findings)
