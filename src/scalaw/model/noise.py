"""How an observation scatters around a law: every noise by name.

A noise is a record (:class:`~scalaw.model.noise_record.Noise`): its parameters with their priors, a log density, a
sampler, and what it reads of each run. Laws never see noises and noises never see laws. Those of a loss are described
in :mod:`scalaw.model.noise_log`, those of a share in :mod:`scalaw.model.noise_share`, that of a number of any sign in
:mod:`scalaw.model.noise_value`; ``"auto"`` is the usual one of what a law predicts. Parameters are held as those of a
law are: ``"student_t[nu=5]"``, or ``"student_t:nu=5"`` where brackets are globs. ``"huber"`` is an objective and no
noise (:mod:`scalaw.model.noise_huber`): it has a name for point fits, and is none of :func:`noises`.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace

from scalaw.errors import ScalawError
from scalaw.laws.law import Law
from scalaw.model.noise_huber import OBJECTIVES
from scalaw.model.noise_log import LOG_NOISES
from scalaw.model.noise_record import Noise
from scalaw.model.noise_share import SHARE_NOISES
from scalaw.model.noise_value import VALUE_NOISES

_NOISES = {noise.name: noise for noise in (*LOG_NOISES, *SHARE_NOISES, *VALUE_NOISES)}
_KNOWN = _NOISES | {objective.name: objective for objective in OBJECTIVES}
#: What a law predicts → the noise that is used where none is chosen.
USUAL = {"positive": "student_t", "share": "beta_binomial", "count": "beta_binomial", "real": "additive"}
_SPEC = re.compile(r"(\w+)(?:\[(.+)\]|:(.+))?")


def get_noise(noise: str | Noise) -> Noise:
    """Noise by name, with parameters held where the name says so: ``"student_t[nu=5]"``.

    Raises
    ------
    ScalawError
        M002 for an unknown name, M009 for a variant that the noise does not have.
    """
    if isinstance(noise, Noise):
        return noise
    match = _SPEC.fullmatch(noise.strip())
    inside = "" if match is None else match[2] or match[3]
    items = inside.split(",") if inside else []
    readable = all(re.fullmatch(r"\s*\w+\s*=.+", item) for item in items)
    if match is None or match[1] not in _KNOWN or not readable:
        raise ScalawError("M002", f"unknown noise '{noise}'", fix=f"use one of {', '.join(_NOISES)}")
    found = _KNOWN[match[1]]
    held: dict[str, float] = {}
    for item in items:
        name, _, text = item.partition("=")
        held[name.strip()] = _number(found, name.strip(), text, noise, name.strip() in held)
    if not held:
        return found
    shown = ",".join(f"{name}={repr(value).removesuffix('.0')}" for name, value in held.items())
    return replace(found, name=f"{found.name}[{shown}]", fixed=tuple(held.items()))


def noise_of(law: Law, noise: str | Noise = "auto") -> Noise:
    """The noise of that name, or for ``"auto"`` the usual one of the law's response (see :data:`USUAL`)."""
    return get_noise(USUAL[law.response.domain] if noise == "auto" else noise)


def _number(noise: Noise, name: str, text: str, spec: str, twice: bool) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    known = {p.name for p in noise.parameters}
    fine = 0 < value < math.inf or (value == 0 and name in noise.may_be_zero)
    if twice or name not in known or not fine:
        zero = f" ({', '.join(noise.may_be_zero)}: 0 too)" if noise.may_be_zero else ""
        fix = f"hold {', '.join(sorted(known))} at a finite number > 0{zero}, e.g. student_t[nu=5]"
        raise ScalawError("M009", f"noise '{spec}'", fix=fix if known else f"{noise.name} has no parameters")
    return value


def noises() -> tuple[Noise, ...]:
    """Every noise there is: all that have a density."""
    return tuple(_NOISES.values())


__all__ = ["Noise", "get_noise", "noise_of", "noises"]
