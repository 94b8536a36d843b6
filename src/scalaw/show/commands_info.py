"""Commands that look things up, without JAX: ``laws``, ``data`` and ``explain``; and ``demo``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalaw.show.commands_shared import Result, Show, check_place, safe_name

if TYPE_CHECKING:
    from scalaw.laws import Law


def laws(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="One law, variant or LAW@KEY, in full.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw it to a file instead of printing it.")] = False,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Of the figure: .svg, .png or .pdf; NAME.svg unless given."
        ),
    ] = None,
    *,
    show: Show,
) -> Result:
    """List the laws, or show one: formula, parameters, priors, pitfalls, published values, source; or draw it."""
    from scalaw.laws import get_law
    from scalaw.laws.law import registry
    from scalaw.show.law_card import card, card_lines, law_tables

    if (plot and name is None) or (output is not None and not plot):
        raise typer.BadParameter("--plot needs the name of a law" if plot else "-o needs --plot")
    if name is None:
        found = sorted(registry().values(), key=lambda law: law.name)
        return Result({"laws": [card(law) for law in found]}, law_tables(found))
    law = get_law(name)
    if not plot:
        return Result({"laws": [card(law)]}, card_lines(law))
    drawn = _draw(law, output or Path(f"{safe_name(law.name)}.svg"))
    return replace(drawn, data={"laws": [card(law)], **drawn.data})


def _draw(law: Law, path: Path) -> Result:
    """Draw a law to a file, and say at which coefficients, and whether a file was there before."""
    from scalaw.show.drawing import save_figure
    from scalaw.show.plots_law import drawing_of, plot_law
    from scalaw.show.tables import STATUSES, sentence

    check_place(path)
    what = drawing_of(law)
    figure, word = plot_law(law), "replaced" if path.exists() else "wrote"
    save_figure(figure, path)
    text = [sentence(f"{word} {path}: {law.name} {what.source}")]
    data: dict[str, Any] = {"output": str(path), "drawn_at": None}
    if what.entry is not None:
        data["drawn_at"] = {"key": what.entry.key, "status": what.entry.status}
        told, style = STATUSES[what.entry.status]
        text.append(sentence(told, style=style))
        others = [entry.key for entry in law.published if entry.key != what.entry.key]
        if others and "@" not in law.name:
            text.append(sentence(f"other sets: {', '.join(f'{law.name}@{key}' for key in others)}"))
    return Result(data, text)


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
