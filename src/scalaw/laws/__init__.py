"""Scaling laws: records, registry, variants and formulas. Importing it registers every law, without JAX."""

from __future__ import annotations

from scalaw.laws import families as _families
from scalaw.laws.at_published import at_published
from scalaw.laws.check_law import check_law, law_checks
from scalaw.laws.formula import formula_law
from scalaw.laws.law import Law, law, registry
from scalaw.laws.law_file import load_law_file
from scalaw.laws.prior import Prior
from scalaw.laws.records import (
    Covariate,
    Parameter,
    Published,
    Response,
    amplitude,
    exponent,
    irreducible,
    parameter,
    scale,
)
from scalaw.laws.spec import get_law

_families.load()


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
    "at_published",
    "check_law",
    "exponent",
    "formula_law",
    "get_law",
    "irreducible",
    "law",
    "law_checks",
    "list_laws",
    "load_law_file",
    "parameter",
    "registry",
    "scale",
]
