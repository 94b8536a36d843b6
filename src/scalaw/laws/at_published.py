"""A law at the coefficients that a paper printed: ``get_law("chinchilla").at_published("besiroglu_2024")``.

What comes back is the law with every printed parameter held, ready to be called, drawn or planned with; its name is
``chinchilla@besiroglu_2024``, which reads back as the same law. Parameters that were not printed stay free.

Coefficients belong to the law, the data, the tokenizer and the way of counting parameters that they were fitted with.
Kaplan's A is no Chinchilla's A; a loss per token changes with the tokenizer; N without embeddings is a third of N for
a small model. So asking for those of another law, or naming a tokenizer or a way of counting that they do not belong
to, is refused with the reason (M022).
"""

from __future__ import annotations

import difflib
from dataclasses import replace
from typing import TYPE_CHECKING

from scalaw.errors import ScalawError

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
        What N counts and which tokenizer or data the coefficients are needed for; refused where the set's own differ
        or were not printed. Empty: no demand.

    Returns
    -------
    Law
        Named ``law@key``; parameters that were not printed are free.

    Raises
    ------
    ScalawError
        M022 for a set that this law does not have, or that belongs to another tokenizer or way of counting.
    """
    chosen = _chosen(law, key)
    for what, wanted, own in (
        ("N counts", counts, chosen.counts),
        ("tokenizer", tokenizer, chosen.tokenizer),
    ):
        if wanted and wanted != own:
            told = f"{what}: {own or 'not printed'}; asked for: {wanted}"
            why = "coefficients hold for the counting and the tokenizer they were fitted with"
            raise ScalawError(
                "M022", told, f"{law.name}@{chosen.key}", why, "fit the law to runs of your own"
            )
    held = tuple((p.name, float(chosen.values[p.name])) for p in law.parameters if p.name in chosen.values)
    return replace(law, name=f"{law.name}@{chosen.key}", fixed=held)


def _chosen(law: Law, key: str | None) -> Published:
    if law.fixed or law.ties:
        what = f"{law.name} holds or ties parameters, and printed coefficients are of the law without that"
        raise ScalawError("M022", what, fix=f"ask the law itself: scalaw laws {law.name.split('[')[0]}")
    if not law.published:
        raise ScalawError("M022", f"no coefficients are known for {law.name}{_elsewhere(law, key)}", fix=_FIT)
    keys = [entry.key for entry in law.published]
    if key is None and len(keys) == 1:
        return law.published[0]
    if key not in keys:
        what = f"{law.name} has no coefficients '{key}'" if key else f"{law.name} has several sets"
        near = difflib.get_close_matches(key or "", keys, 1)
        fix = (f"did you mean {near[0]}? " if near else "") + f"it has {', '.join(keys)}"
        raise ScalawError("M022", what + _elsewhere(law, key), fix=fix)
    return law.published[keys.index(key)]


_FIT = "fit it to runs; coefficients never move from one law to another"


def _elsewhere(law: Law, key: str | None) -> str:
    """Which laws the set belongs to, where it is one of others."""
    from scalaw.laws.law import registry

    owners = [name for name, other in registry().items() if any(p.key == key for p in other.published)]
    return f"; they are of {', '.join(sorted(owners))}, another formula" if key and owners else ""
