"""Commands that look things up, without JAX: ``laws``, ``data`` and ``explain``; and ``demo``."""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalaw.show.commands_shared import Result, Show

if TYPE_CHECKING:
    from scalaw.laws import Law


def laws(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="One law or variant, in full.")] = None,
    *,
    show: Show,
) -> Result:
    """List the laws, or show one: formula, parameters, priors, published values, source."""
    from scalaw.laws import get_law
    from scalaw.laws.law import registry

    if name is not None:
        law = get_law(name)
        return Result({"laws": [card(law)]}, card_lines(law))
    found = sorted(registry().values(), key=lambda law: law.name)
    return Result({"laws": [card(law) for law in found]}, law_tables(found))


def card(law: Law) -> dict[str, Any]:
    """Everything about a law as plain data."""
    fixed, ties = dict(law.fixed), dict(law.ties)
    return {
        "name": law.name,
        "about": law.doc,
        "family": law.family,
        "formula": formula(law),
        "source": law.source,
        "covariates": [
            {"name": c.name, "unit": c.unit, "domain": c.domain, "meaning": c.meaning} for c in law.covariates
        ],
        "response": law.response.name,
        "increasing": law.increasing,
        "decreasing": law.decreasing,
        "options": dict(law.options),
        "units": law.units,
        "parameters": [
            {
                "name": p.name,
                "role": p.role,
                "dimension": p.dimension,
                "prior": str(law.prior(p)),
                "meaning": p.meaning,
                "fixed": fixed.get(p.name),
                "tied_to": ties.get(p.name),
            }
            for p in law.parameters
        ],
        "published": [
            {
                "key": p.key,
                "values": dict(p.values),
                "se": dict(p.se),
                "source": p.source,
                "status": p.status,
                "note": p.note,
            }
            for p in law.published
        ],
    }


def formula(law: Law) -> str:
    """What the law computes: the text of a formula, or the body of its function without its docstring."""
    if own := getattr(law.function, "source_text", None):
        return own
    try:
        source = textwrap.dedent(inspect.getsource(law.function))
    except OSError:  # typed into a session that kept no lines
        return law.doc
    body = source.rsplit('"""', 1)[-1] if '"""' in source else source
    return textwrap.dedent(body).strip().removeprefix("return ")


def law_tables(found: list[Law]) -> list[Any]:
    """A table per family."""
    from scalaw.laws.law import OWN
    from scalaw.show.tables import table

    groups: dict[str, list[Law]] = {}
    for law in found:
        groups.setdefault(law.family, []).append(law)
    lines: list[Any] = []
    for title in sorted(groups, key=lambda title: (title == OWN, title)):
        out = table("law", "in", "what it says", "source", title=title, left=4)
        for law in groups[title]:
            out.add_row(law.name, ", ".join(c.name for c in law.covariates), law.doc, law.source)
        lines += [out, ""]
    return [
        *lines,
        "variants: chinchilla[alpha=beta], chinchilla[E=0], bnsl[breaks=2]; one law in full: scalaw laws NAME",
    ]


def card_lines(law: Law) -> list[Any]:
    """One law in full, as text."""
    from scalaw.data.covariates import column_words
    from scalaw.show.tables import published_lines, table

    fixed, ties = dict(law.fixed), dict(law.ties)
    parameters = table("parameter", "role", "dimension", "prior (reference units)", "meaning", left=5)
    for p in law.parameters:
        prior = str(law.prior(p))
        if p.name in fixed or p.name in ties:
            prior = f"held at {fixed[p.name]:g}" if p.name in fixed else f"tied to {ties[p.name]}"
        parameters.add_row(p.name, p.role, p.dimension, prior, p.meaning)
    named = {c.name: column_words(c) for c in law.covariates}
    covariates = ", ".join(
        f"{named[c.name]} ({c.meaning})" if c.meaning else named[c.name] for c in law.covariates
    )
    lines: list[Any] = [f"{law.name}: {law.doc}", "", textwrap.indent(formula(law), "    "), ""]
    lines += [f"covariates: {covariates}", f"response: {law.response.name}", f"source: {law.source}"]
    if law.decreasing or law.increasing:
        lines.append(
            f"falls with {', '.join(law.decreasing) or 'nothing'}, rises with {', '.join(law.increasing) or 'nothing'}"
        )
    if law.options:
        lines.append("options: " + ", ".join(f"{key}={value}" for key, value in law.options))
    lines += ["", parameters]
    return [*lines, "", *published_lines(law)]


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
