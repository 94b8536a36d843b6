"""Scaling laws: records, registry, variants and formulas. Importing it registers every law, without JAX."""

from __future__ import annotations

from scalaw.laws import (
    alabdulmohsin as _alabdulmohsin,
    autoencoder as _autoencoder,
    bnsl as _bnsl,
    chinchilla as _chinchilla,
    coverage as _coverage,
    critical_batch as _critical_batch,
    data_constrained as _data_constrained,
    data_mixing as _data_mixing,
    distillation as _distillation,
    double_descent as _double_descent,
    downstream as _downstream,
    farseer as _farseer,
    filtering as _filtering,
    kaplan as _kaplan,
    kaplan_single as _kaplan_single,
    moe as _moe,
    multimodal as _multimodal,
    nonembedding as _nonembedding,
    overtraining as _overtraining,
    power as _power,
    precision as _precision,
    progress as _progress,
    regimes as _regimes,
    schedule as _schedule,
    sparsity as _sparsity,
    transfer as _transfer,
)
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

_FAMILIES = (
    _alabdulmohsin,
    _autoencoder,
    _bnsl,
    _chinchilla,
    _coverage,
    _critical_batch,
    _data_constrained,
    _data_mixing,
    _distillation,
    _double_descent,
    _downstream,
    _farseer,
    _filtering,
    _kaplan,
    _kaplan_single,
    _moe,
    _multimodal,
    _nonembedding,
    _overtraining,
    _power,
    _precision,
    _progress,
    _regimes,
    _schedule,
    _sparsity,
    _transfer,
)


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
