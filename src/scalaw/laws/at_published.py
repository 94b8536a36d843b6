"""A law at the coefficients that a paper printed: ``get_law("chinchilla").at_published("besiroglu_2024")``.

What comes back is the law with every printed parameter held, ready to be called, drawn or planned with; its name is
``chinchilla@besiroglu_2024``, which reads back as the same law. Parameters that were not printed stay free.

Coefficients belong to the law, the data, the tokenizer and the way of counting parameters that they were fitted with.
Kaplan's A is no Chinchilla's A; a loss per token changes with the tokenizer; N without embeddings is a third of N for
a small model. So asking for those of another law, or naming a tokenizer or a way of counting that they do not belong
to, is refused with the reason (M022).

A law whose parameters a change of units mixes (``to_paper``) is evaluated in the paper's units once all are held: there
is nothing left that reference units could help to learn.
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from scalaw.errors import ScalawError
from scalaw.laws.law import registry
from scalaw.laws.spec import variant

if TYPE_CHECKING:
    from scalaw.laws.law import Law
    from scalaw.laws.records import Published


def at_published(law: Law, key: str | None = None, *, counts: str = "", tokenizer: str = "") -> Law:
    """The law with a printed set of coefficients held.

    Parameters
    ----------
    law : Law
        A registered law, not a variant that holds or ties parameters.
    key : str, optional
        Of :class:`~scalaw.laws.records.Published`; may be left out where the law has one set only.
    counts, tokenizer : str
        What N counts and which tokenizer or data the coefficients are needed for, e.g. ``"total"`` and
        ``"MassiveText"``: the set's own words, or one of those between its commas. Refused where the set's own differ
        or were not printed. Empty: no demand.

    Returns
    -------
    Law
        Named ``law@key``; parameters that were not printed are free.

    Raises
    ------
    ScalawError
        M022 for a set that this law does not have, or that belongs to another tokenizer or way of counting; M009 where
        a change of units would mix what is held with what is free.
    """
    chosen = _chosen(law, key)
    for what, wanted, own in (
        ("N counts", counts, chosen.counts),
        ("tokenizer", tokenizer, chosen.tokenizer),
    ):
        if wanted and not _meets(wanted, own):
            told = f"{what}: {own or 'not printed'}; asked for: {wanted}"
            why = "coefficients hold for the counting and the tokenizer they were fitted with"
            raise ScalawError(
                "M022", told, f"{law.name}@{chosen.key}", why, "fit the law to runs of your own"
            )
    held = tuple((p.name, float(chosen.values[p.name])) for p in law.parameters if p.name in chosen.values)
    found = replace(law, name=f"{law.name}@{chosen.key}", fixed=held)
    if law.to_paper is None:
        return found
    if found.free:
        variant(law, [(name, repr(value)) for name, value in held])
        return found
    return replace(found, units="as in paper", to_paper=None)


def complete(law: Law) -> list[Published]:
    """The law's published sets that leave no parameter free."""
    names = {p.name for p in law.parameters}
    return [entry for entry in law.published if names <= entry.values.keys()]


def _meets(wanted: str, own: str) -> bool:
    words = wanted.strip().casefold()
    return words in {own.casefold(), *(part.strip() for part in own.casefold().split(","))}


def _chosen(law: Law, key: str | None) -> Published:
    if law.fixed or law.ties:
        what = f"{law.name} holds or ties parameters, and printed coefficients are of the law without that"
        raise ScalawError("M022", what, fix=f"ask the law itself: scalaw laws {law.name.split('[')[0]}")
    keys = [entry.key for entry in law.published]
    if key in keys:
        return law.published[keys.index(key)]
    if key is None and len(keys) == 1:
        return law.published[0]
    if owners := [other for other in registry().values() if any(p.key == key for p in other.published)]:
        raise _of_others(law, key, owners)
    near = difflib.get_close_matches(key or "", keys, 1)
    fix = (f"did you mean {near[0]}? " if near else "") + f"it has {', '.join(keys)}"
    what = f"no published coefficients '{key}'" if key else "no published coefficients"
    if key is None and keys:
        what = "several sets of published coefficients: name one"
    raise ScalawError("M022", what, law.name, fix=fix if keys else "fit it to runs")


def _of_others(law: Law, key: str | None, owners: list[Law]) -> ScalawError:
    names = ", ".join(sorted(other.name for other in owners))
    where, what = f"{law.name}@{key}", f"'{key}' is of {names}, not of {law.name}"
    if same := [other.name for other in owners if other.function is law.function]:
        why, fix = f"{law.name} is {same[0]} under another name", f"ask for {same[0]}@{key}"
    else:
        why = "another formula: there the same letters mean something else"
        fix = f"take a law that it is of, or fit {law.name} to runs of your own"
    return ScalawError("M022", what, where, why, fix)
