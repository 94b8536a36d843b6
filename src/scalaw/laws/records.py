"""What a law is made of: covariates, a response, parameters, and the coefficients that papers printed.

All are frozen records of plain data. :func:`irreducible`, :func:`amplitude`, :func:`exponent`, :func:`scale` and
:func:`parameter` make the parameters that stand as defaults in a law's signature; their names are filled in there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from scalaw.laws.prior import Prior


@dataclass(frozen=True)
class Covariate:
    """An input of a law.

    Parameters
    ----------
    name : str
        Name of the function's argument, e.g. ``"N"``.
    unit : str
        Unit kind; covariates of one kind share one reference (D and unique tokens: ``"D"``).
    domain : {"positive", "share", "simplex", "integer", "real", "schedule"}
        What values it takes; ``integer`` is ≥ 1. The shares of a vector are at least 0: those of a ``simplex`` sum to
        one, those of a ``share`` to at most one.
    scaling : {"ratio", "interval", "absolute"}
        Divided by the reference, the reference is subtracted, or left alone.
    size : int or str, optional
        Length of the last axis of a vector-valued covariate, or the structural option that sets it.
    meaning : str
        One phrase, with the unit.
    reduction : callable, optional
        NumPy function from what a table holds for one run (a whole schedule) to an array of fixed shape,
        which is what the law's function gets; applied once, before the fit.
    """

    name: str
    unit: str
    domain: Literal["positive", "share", "simplex", "integer", "real", "schedule"] = "positive"
    scaling: Literal["ratio", "interval", "absolute"] = "ratio"
    size: int | str | None = None
    meaning: str = ""
    reduction: Callable[[Any], np.ndarray] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Response:
    """What a law predicts; ``ratio`` scaling only for a positive unbounded response such as a loss.

    For a ``count`` the law's function gives the expected share of successes; the noise makes counts of it. A ``real``
    response may have any sign: a difference of losses, or a share that a law follows beyond 0 and 1.
    """

    name: str = "loss"
    scaling: Literal["ratio", "absolute"] = "ratio"
    domain: Literal["positive", "share", "count", "real"] = "positive"


@dataclass(frozen=True)
class Parameter:
    """A parameter of a law; ``prior`` None is the default of its role, ``size`` names a structural option."""

    name: str
    role: str
    dimension: str = "1"
    prior: Prior | None = None
    size: str | None = None
    meaning: str = ""


@dataclass(frozen=True)
class Published:
    """Coefficients printed in a paper, in the paper's units.

    Parameters
    ----------
    key : str
        First author and year, and what else tells it from others of one paper: ``"hoffmann_2022"``.
    values, se : mapping of str to float
        By parameter, and their standard errors where they were printed. Units are those of a parameter's dimension.
    source : str
        arXiv id and table.
    status : {"checked", "second-hand", "unverified"}
        Read in the paper or its code; read in another text; recalled, and never to be relied on.
    note : str
        What else they belong to.
    counts : str
        What N counts: ``"total"``, ``"non-embedding"``, ``"active"`` or another phrase; empty where it was not said.
    tokenizer : str
        Tokenizer or data that the coefficients belong to; empty where it was not said.
    """

    key: str
    values: Mapping[str, float]
    source: str
    se: Mapping[str, float] = field(default_factory=dict)
    status: Literal["checked", "second-hand", "unverified"] = "checked"
    note: str = ""
    counts: str = ""
    tokenizer: str = ""


def irreducible(prior: Prior | None = None, meaning: str = "loss that no amount of scale removes") -> Any:
    """Parameter in the unit of the loss, below the smallest loss."""
    return Parameter("", "irreducible", "loss", prior, meaning=meaning)


def amplitude(dimension: str, prior: Prior | None = None, meaning: str = "size of its term") -> Any:
    """Positive factor of a term; its dimension is a monomial such as ``"loss * N**alpha"``."""
    return Parameter("", "amplitude", dimension, prior, meaning=meaning)


def exponent(prior: Prior | None = None, meaning: str = "how fast its term falls") -> Any:
    """Positive dimensionless power."""
    return Parameter("", "exponent", "1", prior, meaning=meaning)


def scale(dimension: str, prior: Prior | None = None, meaning: str = "where its term reaches one") -> Any:
    """Positive constant in the unit of a covariate, such as Kaplan's N_c."""
    return Parameter("", "scale", dimension, prior, meaning=meaning)


def parameter(
    role: str, prior: Prior, dimension: str = "1", size: str | None = None, meaning: str = ""
) -> Any:
    """Any other parameter: its prior must be given; ``size`` names a structural option of the law."""
    return Parameter("", role, dimension, prior, size, meaning)


COVARIATES = {
    covariate.name: covariate
    for covariate in (
        Covariate("N", "N", meaning="parameters"),
        Covariate("D", "D", meaning="training tokens"),
        Covariate("C", "C", meaning="training compute, FLOP"),
        Covariate("U", "D", meaning="unique training tokens"),
        Covariate("x", "x", meaning="the one quantity that is scaled up"),
    )
}
