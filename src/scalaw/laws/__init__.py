"""Scaling laws: records, registry, variants and formulas. Importing it registers every law, without JAX."""

from __future__ import annotations

from scalaw.laws import chinchilla as _chinchilla, kaplan as _kaplan, power as _power
from scalaw.laws.law import (
    Covariate,
    Law,
    Parameter,
    Published,
    Response,
    amplitude,
    exponent,
    irreducible,
    law,
    parameter,
    registry,
    scale,
)
from scalaw.laws.prior import Prior
from scalaw.laws.spec import get_law

_FAMILIES = (_chinchilla, _kaplan, _power)


def list_laws() -> list[Law]:
    """Every registered law, in order of name."""
    return [entry for _, entry in sorted(registry().items())]


__all__ = [
    "Covariate",
    "Law",
    "Parameter",
    "Prior",
    "Published",
    "Response",
    "amplitude",
    "exponent",
    "get_law",
    "irreducible",
    "law",
    "list_laws",
    "parameter",
    "registry",
    "scale",
]
