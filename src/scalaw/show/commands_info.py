"""Commands that look things up, without JAX: ``laws``, ``data`` and ``explain``; and ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from scalaw.show.commands_shared import Result, Show


def laws(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One law or variant, in full.")] = None,
    *,
    show: Show,
) -> Result:
    """List the laws, or show one: formula, parameters, priors, published values, source."""
    from scalaw.laws import get_law
    from scalaw.laws.law import registry
    from scalaw.show.law_card import card, card_lines, law_tables

    if name is not None:
        law = get_law(name)
        return Result({"laws": [card(law)]}, card_lines(law))
    found = sorted(registry().values(), key=lambda law: law.name)
    return Result({"laws": [card(law) for law in found]}, law_tables(found))


def data(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One table, in full.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print the table as CSV.")] = False,
    *,
    show: Show,
) -> Result:
    """List the published tables that ship with scalaw, or show one with its citation and caveats."""
    from scalaw.data import published, published_tables

    tables = published_tables()
    if name is None:
        if csv:
            raise typer.BadParameter("--csv needs the name of a table")
        return Result({"tables": [vars(entry) for entry in tables]}, table_list(tables))
    runs = published(name)
    entry = next(entry for entry in tables if entry.name == name)
    frame = runs.to_frame()
    rows = frame.astype(object).where(frame.notna(), None).to_dict(orient="records")
    if csv:
        return Result({"tables": [vars(entry)], "rows": rows}, [frame.to_csv(index=False).rstrip("\n")])
    lines = [runs.describe(), f"  may be fitted as: {entry.fitted_as}"]
    lines += [f"  metrics: {', '.join(entry.metrics)}"] * bool(entry.metrics)
    return Result({"tables": [vars(entry)], "rows": rows}, [*lines, "", frame.to_string(index=False)])


def table_list(tables: list[Any]) -> list[Any]:
    """Published tables as a table."""
    from scalaw.show.tables import table

    out = table("name", "may be fitted as", "from", "rows", left=3)
    for entry in tables:
        out.add_row(entry.name, entry.fitted_as, f"{entry.citation}, {entry.table}", str(entry.rows))
    return [out, "", "one table in full: scalaw data NAME; a fit: scalaw fit NAME --law …"]


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="As printed with a problem, e.g. D012.")],
    *,
    show: Show,
) -> Result:
    """Say what a problem's code means and what to do about it."""
    from scalaw.data import explain as paragraph
    from scalaw.show.commands_wording import in_shell
    from scalaw.show.tables import sentence

    text, wanted = paragraph(code), code.strip().upper()
    lines = [sentence(f"{wanted}: {text}")]
    if in_shell(text) != text:
        lines.append(
            sentence("On the command line an argument such as missing='drop' is written --missing drop.")
        )
    return Result({"code": wanted, "text": text}, lines)


def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE.html", help="Where to write the report.")
    ] = Path("scalaw-demo.html"),
    seed: Annotated[int, typer.Option("--seed", help="Same seed, same draws.")] = 0,
    draws: Annotated[int, typer.Option("--draws", help="Per chain.")] = 1000,
    warmup: Annotated[int, typer.Option("--warmup", help="Per chain.")] = 1000,
    *,
    show: Show,
) -> Result:
    """Fit ten published runs, forecast two larger ones, and print what became of them."""
    from scalaw.show import demo as script

    return script.demo(output, seed=seed, draws=draws, warmup=warmup, show=show)
