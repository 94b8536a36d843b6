"""Which column plays which role: found by name, or given with ``columns={"N": "size"}``.

Names are compared without case, surrounding blanks, and with blanks, hyphens and dots read as underscores.
Two columns that could play one role are refused (D013): choosing for the user would be a guess. A column
named after a kind of loss (``perplexity``, ``bpb``, ``accuracy``) is the response only where no loss column
exists.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from scalaw.data.wording import names_text, quoted
from scalaw.errors import Problem

NAMES: dict[str, tuple[str, ...]] = {
    "N": (
        "n", "params", "n_params", "num_params", "parameters", "n_parameters", "num_parameters", "model_size",
    ),
    "D": (
        "d", "tokens", "n_tokens", "num_tokens", "train_tokens", "training_tokens", "n_train_tokens",
        "tokens_seen",
    ),
    "C": (
        "c", "flops", "flop", "compute", "train_flops", "train_flop", "training_flops", "training_flop",
        "training_compute", "train_compute", "total_flops",
    ),
    "U": ("u", "unique_tokens", "n_unique_tokens", "num_unique_tokens"),
    "loss": (
        "loss", "val_loss", "valid_loss", "validation_loss", "test_loss", "eval_loss", "final_loss",
        "train_loss", "training_loss", "cross_entropy",
    ),
}  # fmt: skip

#: Names that say the kind of a response; used only where no loss column exists.
KIND_NAMES = {
    "perplexity": "perplexity", "ppl": "perplexity", "val_perplexity": "perplexity", "val_ppl": "perplexity",
    "bits_per_byte": "bits_per_byte", "bpb": "bits_per_byte", "val_bpb": "bits_per_byte",
    "error": "error", "error_rate": "error", "test_error": "error",
    "accuracy": "accuracy", "acc": "accuracy", "test_accuracy": "accuracy", "coverage": "accuracy",
}  # fmt: skip

#: Letters of other scripts that look like the letters of a role.
_LOOKALIKES = {
    "\N{GREEK CAPITAL LETTER NU}": "N",
    "\N{CYRILLIC CAPITAL LETTER ES}": "C",
    "\N{CYRILLIC SMALL LETTER ES}": "c",
    "\N{GREEK CAPITAL LUNATE SIGMA SYMBOL}": "C",
    "\N{CYRILLIC SMALL LETTER O}": "o",
    "\N{GREEK SMALL LETTER OMICRON}": "o",
    "\N{CYRILLIC SMALL LETTER A}": "a",
    "\N{CYRILLIC SMALL LETTER IE}": "e",
    "\N{CYRILLIC SMALL LETTER ER}": "p",
    "\N{CYRILLIC SMALL LETTER DZE}": "s",
}


@dataclass
class Assignment:
    """Role → position of its column, with what was met on the way.

    ``x`` is the position of the column of a one-dimensional curve; it may have a role as well.
    """

    positions: dict[str, int] = field(default_factory=dict)
    x: int | None = None
    duplicates: bool = False
    problems: list[Problem] = field(default_factory=list)
    conversions: list[str] = field(default_factory=list)
    loss_kind: str | None = None

    def sources(self, header: Sequence[str]) -> dict[str, str]:
        """Role → column name; ``x`` → canonical name of its column."""
        result = {role: header[place] for role, place in self.positions.items()}
        if self.x is not None:
            result["x"] = next(
                (r for r, place in self.positions.items() if place == self.x), header[self.x].strip()
            )
        return result


def plain_name(name: str) -> str:
    """Name as compared: no case, no surrounding blanks, one underscore for blanks, hyphens and dots."""
    text = "".join(_LOOKALIKES.get(letter, letter) for letter in unicodedata.normalize("NFKC", name))
    return re.sub(r"[\s.\-]+", "_", text.strip()).casefold()


def assign_roles(
    header: Sequence[str], given: Mapping[str, str | None], x: str | None, groups: Sequence[str], source: str
) -> Assignment:
    """Find the column of every role.

    Parameters
    ----------
    header : sequence of str
        Column names of the table, as they are.
    given : mapping
        Role (or any covariate's name) → column name, or None for a role that no column plays.
    x : str, optional
        Column of a one-dimensional curve.
    groups : sequence of str
        Columns of labels; they must exist.
    source : str
        Table name for messages.
    """
    result = Assignment()
    _refuse_duplicates(header, source, result)
    wanted = {**{name: name for name in groups}, **({"x": x} if x is not None else {}), **given}
    for role, name in wanted.items():
        position = None if name is None else _position(header, name)
        if name is None:
            continue
        if position is None:
            result.problems.append(_no_column(header, name, role, source))
        elif role in given:
            result.positions[role] = position
        elif role == "x":
            result.x = position
    _refuse_shared(header, source, result)
    taken = set(result.positions.values())
    for role, names in NAMES.items():
        if role not in given:
            _search(header, role, names, taken, source, result)
    if "loss" not in given and not any(plain_name(name) in NAMES["loss"] for name in header):
        _search(header, "loss", tuple(KIND_NAMES), taken, source, result)
        if "loss" in result.positions:
            result.loss_kind = KIND_NAMES[plain_name(header[result.positions["loss"]])]
    _tell_odd_names(header, source, result)
    return result


def _position(header: Sequence[str], name: str) -> int | None:
    if name in header:
        return header.index(name)
    stripped = [column.strip() for column in header]
    return stripped.index(name.strip()) if name.strip() in stripped else None


def _no_column(header: Sequence[str], name: str, role: str, source: str) -> Problem:
    near = difflib.get_close_matches(name, header, 1, 0.6)
    hint = f"; the nearest is {quoted(near[0])}" if near else ""
    what = f"no column {quoted(name)} for {role}; found {names_text(header)}"
    return Problem(
        "D012", "E", what + hint, source, fix=f"name a column of the table: columns={{'{role}': '…'}}"
    )


def _refuse_duplicates(header: Sequence[str], source: str, result: Assignment) -> None:
    stripped = [name.strip() for name in header]
    for name in dict.fromkeys(stripped):
        places = [place + 1 for place, other in enumerate(stripped) if other == name]
        if len(places) > 1:
            shown = ", ".join(map(str, places[:5]))
            what = f"column {quoted(name)} appears {len(places)} times (places {shown})"
            result.problems.append(Problem("D011", "E", what, source, fix="rename all but one"))
            result.duplicates = True


def _refuse_shared(header: Sequence[str], source: str, result: Assignment) -> None:
    for place in set(result.positions.values()):
        roles = [role for role, other in result.positions.items() if other == place]
        if len(roles) > 1:
            what = f"column {quoted(header[place])} is given as {' and as '.join(roles)}"
            result.problems.append(Problem("D013", "E", what, source, fix="give each role its own column"))


def _search(
    header: Sequence[str], role: str, names: Sequence[str], taken: set[int], source: str, result: Assignment
) -> None:
    found = [place for place, name in enumerate(header) if plain_name(name) in names and place not in taken]
    different = list(dict.fromkeys(header[place] for place in found))
    if len(different) > 1:
        shown = [quoted(name) for name in different]
        what = f"{len(shown)} columns could be {role}: {', '.join(shown[:6])}"
        held_out = [name for name in different if plain_name(name).startswith(("val", "test", "eval"))]
        why = "validation loss is usual" if role == "loss" and held_out else ""
        fix = f"choose one: columns={{'{role}': {quoted((held_out or different)[0])}}}"
        result.problems.append(Problem("D013", "E", what, source, why, fix))
    elif found:
        result.positions[role] = found[0]


def _tell_odd_names(header: Sequence[str], source: str, result: Assignment) -> None:
    for role, place in result.positions.items():
        name = header[place]
        strange = [letter for letter in name if not letter.isascii()]
        if strange and plain_name(name) in NAMES.get(role, ()):
            letter = f"U+{ord(strange[0]):04X} {unicodedata.name(strange[0], 'unnamed')}"
            what = f"read column {quoted(name)} as {role}, though it is written with {letter}"
            result.problems.append(Problem("D014", "W", what, source, fix=f"rename the column to {role}"))
        elif name != name.strip():
            what = f"read column {quoted(name)} as {role}"
            result.problems.append(
                Problem("D014", "W", what, source, "its name has blanks around it", "strip them")
            )
        elif plain_name(name) in ("train_loss", "training_loss") and role == "loss":
            why = "training loss is not held-out loss"
            result.problems.append(Problem("D013", "W", f"read column {quoted(name)} as loss", source, why))
        if name.strip() != role:
            result.conversions.append(f"{role} read from column {quoted(name)}")
