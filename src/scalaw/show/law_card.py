"""What ``scalaw laws`` says: the list of laws, and the card of one.

A formula is the second paragraph of a law's docstring where that has an equation in its first line, and else what the
function returns, written with ``^``. A card holds all that is known of a law: formula, covariates, parameters with
priors, pitfalls, published coefficients with their status, and where all that comes from. Nothing here needs JAX.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from scalaw.data.covariates import column_words
from scalaw.errors import ScalawError
from scalaw.laws.law import OWN, registry
from scalaw.laws.spec import variant
from scalaw.show.tables import published_table, sentence, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from scalaw.laws import Law
    from scalaw.laws.records import Covariate, Published

HOW_TO_NAME = (
    "variants: chinchilla[alpha=beta], chinchilla[E=0], bnsl[breaks=2]; published coefficients: "
    "chinchilla@besiroglu_2024; one law in full: scalaw laws NAME; its figure: scalaw laws NAME --plot"
)
#: What the values of a covariate are.
DOMAINS = {
    "positive": "positive numbers",
    "share": "a share, 0 to 1",
    "simplex": "shares that sum to one",
    "integer": "whole numbers from 1",
    "real": "any number",
    "schedule": "a builder such as cosine(peak=3e-4, end=3e-5, steps=10000), or a file",
}


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
            {
                "name": c.name,
                "unit": c.unit,
                "domain": c.domain,
                "scaling": c.scaling,
                "size": law.size(c),
                "meaning": c.meaning,
            }
            for c in law.covariates
        ],
        "response": law.response.name,
        "response_domain": law.response.domain,
        "increasing": law.increasing,
        "decreasing": law.decreasing,
        "options": dict(law.options),
        "units": law.units,
        "parameters": [
            {
                "name": p.name,
                "role": p.role,
                "dimension": p.dimension,
                "size": law.size(p),
                "prior": str(law.prior(p)),
                "prior_unit": law.prior(p).unit,
                "meaning": p.meaning,
                "fixed": fixed.get(p.name),
                "tied_to": ties.get(p.name),
            }
            for p in law.parameters
        ],
        "pitfalls": law.pitfalls,
        "held_set": held_set(law),
        "published": [asdict(entry) for entry in law.published],
        "references": references(law),
        "use": [{"write": text, "for": purpose} for text, purpose in use(law)],
    }


def formula(law: Law) -> str:
    """What the law computes, as text; on a last line of its own, what this variant holds or ties."""
    held = held_words(law)
    return "\n".join([*_formula_lines(law), *([f"with {held}"] if held else [])])


def held_words(law: Law) -> str:
    """What a variant holds or ties and which options it sets, e.g. ``E = 0, alpha = beta``."""
    base = registry().get(getattr(law.function, "__name__", ""))
    usual = dict(base.options) if base is not None else {}
    options = [f"{key} = {value}" for key, value in law.options if usual.get(key, value) != value]
    values = [f"{name} = {value:.6g}" for name, value in law.fixed]
    return ", ".join([*options, *values, *(f"{name} = {other}" for name, other in law.ties)])


def _formula_lines(law: Law) -> list[str]:
    if own := getattr(law.function, "source_text", None):
        return [f"{law.response.name} = {own}"]
    paragraphs = (inspect.getdoc(law.function) or "").split("\n\n")
    if len(paragraphs) > 1 and _is_equation(paragraphs[1].split("\n")[0]):
        return [line.strip() for line in paragraphs[1].splitlines()]
    try:
        (function,) = ast.parse(textwrap.dedent(inspect.getsource(law.function))).body
    except (
        OSError,
        ValueError,
        SyntaxError,
    ):  # typed into a session that kept no lines, or no plain function
        return [law.doc]
    body = function.body if isinstance(function, ast.FunctionDef) else []
    return [_tidy(node, law.response.name) for node in body if not _is_text(node)] or [law.doc]


def _is_equation(line: str) -> bool:
    return " = " in line and not line.endswith((".", ":"))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _tidy(node: ast.stmt, response: str) -> str:
    text = ast.unparse(node).replace("jnp.", "").replace(" ** ", "^").replace("**", "^")
    return f"{response} = {text.removeprefix('return ')}" if isinstance(node, ast.Return) else text


def held_set(law: Law) -> str | None:
    """Key of the published coefficients that the law holds, as in ``chinchilla@besiroglu_2024``."""
    return law.name.partition("@")[2] or None


def shown_sets(law: Law) -> list[Published]:
    """Published coefficients that belong on the card: those that are held, or all."""
    key = held_set(law)
    return [entry for entry in law.published if key in (None, entry.key)]


def references(law: Law) -> list[str]:
    """Where the law and its published coefficients come from, each once."""
    return list(dict.fromkeys([law.source, *(entry.source for entry in shown_sets(law))]))


def use(law: Law) -> list[tuple[str, str]]:
    """What to write to fit the law, to vary it and to draw it, with what each is for."""
    plain = law.name.partition("@")[0]
    lines = [(f"scalaw laws {law.name} --plot", "draw it")]
    if law.free:
        lines.insert(0, (f"scalaw fit RUNS --law {law.name}", "fit it to runs"))
    if held_set(law):
        values = ", ".join(f"{c.name}=…" for c in law.covariates)
        return [
            *lines,
            (f'scalaw.get_law("{law.name}")({values})', "evaluate it in Python"),
            (plain, "free again"),
        ]
    if not (law.fixed or law.ties):
        lines += [(f"{plain}[{key}={value + 1}]", "set an option") for key, value in law.options]
        lines += [
            (f"{plain}[{name}=NUMBER]", "hold a parameter, in the paper's units")
            for name in _holdable(law)[:1]
        ]
        alike = [
            p.name for p in law.parameters if p.role == "exponent" and p.name.startswith(("alpha", "beta"))
        ]
        if len(alike) > 1:
            lines += [(f"{plain}[{alike[0]}={alike[1]}]", "let one follow another")]
        lines += [(f"{plain}@{entry.key}", "hold published coefficients") for entry in law.published[:1]]
    return lines


def _holdable(law: Law) -> list[str]:
    """Parameters that can be held: not those that a change of units mixes with others."""

    def fits(name: str) -> bool:
        try:
            variant(law, [(name, "0.5")])
        except ScalawError:
            return False
        return True

    return [p.name for p in law.parameters if fits(p.name)]


def law_tables(found: Sequence[Law]) -> list[RenderableType]:
    """A table per family: a law with its covariates, its formula, and below it what it says and its source."""
    groups: dict[str, list[Law]] = {}
    for law in found:
        groups.setdefault(law.family, []).append(law)
    lines: list[Any] = []
    for title in sorted(groups, key=lambda title: (title == OWN, title)):
        out = table("law(covariates)", "formula, what it says, source", title=title, left=2)
        out.columns[0].no_wrap = True
        for law in groups[title]:
            held = held_words(law)
            first = _formula_lines(law)[0] + (f", with {held}" if held else "")
            told = Text.assemble(first, "\n", (f"{law.doc} {law.source}", "dim"))
            out.add_row(f"{law.name}({', '.join(c.name for c in law.covariates)})", told)
        lines += [out, ""]
    return [*lines, sentence(HOW_TO_NAME)]


def card_lines(law: Law) -> list[RenderableType]:
    """One law in full, as text."""
    equation = Padding(Text(formula(law)), (1, 0, 1, 4), expand=False)
    lines: list[Any] = [sentence(f"{law.name}: {law.doc}", style="bold"), equation, _covariates(law), ""]
    directions = [
        f"{word} with {', '.join(names)}"
        for word, names in (("falls", law.decreasing), ("rises", law.increasing))
        if names
    ]
    lines += [sentence("; ".join([f"response: {law.response.name}", *directions]))]
    if law.options:
        lines += [sentence("options: " + ", ".join(f"{key}={value}" for key, value in law.options))]
    lines += ["", _parameters(law)]
    if law.pitfalls:
        lines += ["", _heading("Pitfalls"), _bullets(law.pitfalls)]
    if sets := shown_sets(law):
        lines += ["", _heading("Published coefficients"), published_table(sets)]
    lines += ["", _heading("References"), _bullets(references(law))]
    how = table("write", "to", left=2)
    for text, purpose in use(law):
        how.add_row(text, purpose)
    return [*lines, "", _heading("How to use it"), how]


def _heading(text: str) -> Text:
    return Text(text, style="bold")


def _bullets(texts: Sequence[str]) -> RenderableType:
    out = Table.grid(padding=(0, 1))
    for text in texts:
        out.add_row("  -", text)
    return out


def _covariates(law: Law) -> RenderableType:
    out = table("covariate", "unit", "values", "meaning", left=4)
    for c in law.covariates:
        out.add_row(column_words(c), _unit(law, c), DOMAINS[c.domain], c.meaning)
    return out


def _unit(law: Law, c: Covariate) -> str:
    size = law.size(c)
    return c.unit if size is None or c.domain == "schedule" else f"{c.unit}, {size} of them"


def _parameters(law: Law) -> RenderableType:
    fixed, ties = dict(law.fixed), dict(law.ties)
    where = "the paper's units" if law.units == "as in paper" else "reference units"
    out = table("parameter", "role", "dimension", f"prior\n({where})", "meaning", left=5)
    for p in law.parameters:
        prior = law.prior(p)
        told = str(prior) + (" in the paper's units" if prior.unit == "paper" else "")
        if p.name in fixed or p.name in ties:
            told = f"held at {fixed[p.name]:.6g}" if p.name in fixed else f"tied to {ties[p.name]}"
        size = law.size(p)
        name = p.name if size is None else f"{p.name}[1 to {size}]"
        out.add_row(name, p.role, p.dimension, told, p.meaning)
    return out
