"""What a law is: a pure function of covariates and parameters, and the facts that make it fit well.

A law is written as in its paper and is evaluated twice over: in the paper's units, and in **reference
units**, where every covariate is divided by a reference (the centre of the runs) and the loss by a reference
loss. Raw amplitudes and exponents are almost perfectly correlated; in reference units they are not. The two
readings are tied by dimensional analysis: a parameter's ``dimension`` is a monomial in units whose powers may
contain other parameters, e.g. Chinchilla's A has ``loss * N**alpha``. Where a change of units mixes
parameters, the law gives ``to_paper``; where it is not closed under one, it says ``units="as in paper"``.

A new law needs a decorated function and nothing else::

    @law(source="arXiv:2203.15556 eq. 2", decreasing=("N", "D"))
    def chinchilla(N, D, *, E=irreducible(), A=amplitude("loss * N**alpha"), B=amplitude("loss * D**beta"),
                   alpha=exponent(), beta=exponent()):
        '''Irreducible loss plus one power law in parameters and one in tokens.'''
        return E + A / N**alpha + B / D**beta
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np

from scalaw.errors import ScalawError
from scalaw.laws.expression import evaluate, parse
from scalaw.laws.prior import Prior, default_prior
from scalaw.laws.records import COVARIATES, Covariate, Parameter, Published, Response
from scalaw.laws.source import defining_text
from scalaw.lazy import as_float64, float64, plain

Values = Mapping[str, Any]
#: Family of a law whose module does not say ``FAMILY = "…"``.
OWN = "Your own"
RESERVED = {"loss", "sigma", "nu", "run", "chain", "draw", "scenario", "y"}


@dataclass(frozen=True)
class Law:
    """A scaling law; made by :func:`law`, found by ``scalaw.laws.get_law("chinchilla[alpha=beta]")``.

    Parameters
    ----------
    name : str
        Registered name, with its variant if any.
    function : callable
        ``function(*covariates, **parameters)``; pure, made of ``jnp`` and arithmetic, broadcasting.
        Components of a vector-valued covariate and of an indexed parameter lie on the last axis.
    covariates, parameters, response
        Its records; ``parameters`` includes fixed and tied ones.
    source : str
        arXiv id and equation.
    increasing, decreasing : tuple of str
        Covariates in which the prediction is monotone.
    options : tuple of (str, int)
        Structural options, e.g. ``(("breaks", 1),)``; they set the size of indexed parameters.
    fixed, ties : tuple of pairs
        Variant: parameter → number (paper units), parameter → parameter.
    units : {"reference", "as in paper"}
        Whether the law is evaluated in reference units.
    to_paper : callable, optional
        ``to_paper(values, refs) -> values`` for laws whose parameters mix under a change of units.
    about : str
        One line for lists, where the function's docstring says something else (an alias, a formula).
    family : str
        Title that it is listed under: ``FAMILY`` of the module that it is written in.
    pitfalls : tuple of str
        Sentences on what goes wrong with this law, and when.
    """

    name: str
    function: Callable[..., Any] = field(repr=False)
    covariates: tuple[Covariate, ...]
    parameters: tuple[Parameter, ...]
    response: Response = Response()
    source: str = ""
    increasing: tuple[str, ...] = ()
    decreasing: tuple[str, ...] = ()
    options: tuple[tuple[str, int], ...] = ()
    fixed: tuple[tuple[str, float], ...] = ()
    ties: tuple[tuple[str, str], ...] = ()
    units: Literal["reference", "as in paper"] = "reference"
    to_paper: Callable[[Values, Values], dict[str, Any]] | None = field(default=None, repr=False)
    published: tuple[Published, ...] = field(default=(), repr=False)
    about: str = field(default="", repr=False)
    family: str = field(default=OWN, repr=False)
    pitfalls: tuple[str, ...] = field(default=(), repr=False)

    # -- what it is ------------------------------------------------------------------------------
    @property
    def doc(self) -> str:
        """What it says, in a line: ``about``, or the first line of the function's docstring."""
        return self.about or (inspect.getdoc(self.function) or "").split("\n")[0]

    @property
    def structure(self) -> tuple[Any, ...]:
        """What a compiled program depends on; variants that fix or tie parameters share it."""
        covariates = tuple((c.name, c.unit, c.scaling) for c in self.covariates)
        parameters = tuple((p.name, p.role, p.dimension) for p in self.parameters)
        return (self.function, self.options, self.units, self.response.scaling, covariates, parameters)

    @property
    def free(self) -> tuple[Parameter, ...]:
        """Parameters that are neither fixed nor tied."""
        held = {name for name, _ in (*self.fixed, *self.ties)}
        return tuple(p for p in self.parameters if p.name not in held)

    @property
    def digest(self) -> str:
        """Hash of everything a result depends on: what is computed, units and priors, variant."""
        reductions = [c.reduction for c in self.covariates]
        functions = [f for f in (self.function, self.to_paper, *reductions) if f is not None]
        covariates = [(c.name, c.unit, c.domain, c.scaling, c.size) for c in self.covariates]
        parameters = [(p.name, p.role, p.dimension, p.size, self.prior(p)) for p in self.parameters]
        records = (covariates, self.response, parameters, self.units)
        parts = ([defining_text(f) for f in functions], records, self.options, self.fixed, self.ties)
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def size(self, p: Parameter | Covariate) -> int | None:
        """Length of an indexed parameter or of a vector-valued covariate, None for a scalar."""
        return dict(self.options)[p.size] if isinstance(p.size, str) else p.size

    def prior(self, p: Parameter) -> Prior:
        """The parameter's own prior, or its role's default in this variant."""
        if p.prior is not None:
            return p.prior
        at_zero = {name for name, value in self.fixed if value == 0}
        offset = any(q.role == "irreducible" and q.name not in at_zero for q in self.parameters)
        amplitudes = sum(q.role == "amplitude" and q.name not in at_zero for q in self.parameters)
        prior = default_prior(p.role, offset, max(amplitudes, 1))
        assert prior is not None  # the decorator refuses roles without a default
        return prior

    # -- what it computes ------------------------------------------------------------------------
    def __call__(self, **arguments: Any) -> Any:
        """Prediction from covariates and parameters by keyword, all in the paper's units.

        Fixed and tied parameters need not be given. Numbers and NumPy arrays are computed in float64 and come
        back as NumPy; JAX arrays are left alone, so that a law can be traced.
        """
        values = {**dict(self.fixed), **arguments}
        values |= {name: values[other] for name, other in self.ties if other in values}
        wanted = [c.name for c in self.covariates] + [p.name for p in self.parameters]
        if missing := [name for name in wanted if name not in values]:
            raise ScalawError("M006", f"law {self.name} needs {', '.join(missing)}", fix="pass them by name")
        if unknown := [name for name in values if name not in wanted]:
            raise ScalawError("M006", f"law {self.name} has no {', '.join(unknown)}", fix="leave them out")
        with float64():
            values = {name: as_float64(value) for name, value in values.items()}
            covariates = [values[c.name] for c in self.covariates]
            return plain(self.function(*covariates, **{p.name: values[p.name] for p in self.parameters}))

    def at_published(self, key: str | None = None, *, counts: str = "", tokenizer: str = "") -> Law:
        """Same law with printed coefficients held, see :func:`scalaw.laws.at_published.at_published`."""
        from scalaw.laws.at_published import at_published

        return at_published(self, key, counts=counts, tokenizer=tokenizer)

    def reduce(self, covariates: Values, refs: Values) -> dict[str, Any]:
        """Covariates in reference units; ``refs`` maps unit kinds to references."""
        if self.units == "as in paper":
            return dict(covariates)
        reduced = {}
        for c in self.covariates:
            value = covariates[c.name]
            if c.scaling == "ratio":
                value = value / refs[c.unit]
            elif c.scaling == "interval":
                value = value - refs[c.unit]
            reduced[c.name] = value
        return reduced

    def loss_ref(self, refs: Values) -> Any:
        """Factor between the reduced and the real response."""
        return refs["loss"] if self.units == "reference" and self.response.scaling == "ratio" else 1.0

    def factor(self, p: Parameter, values: Values, refs: Values, xp: Any = np) -> Any:
        """A parameter's paper value divided by its value in reference units."""
        if self.units == "as in paper" or p.dimension == "1":
            return 1.0
        names = {**values, **refs, "loss": self.loss_ref(refs)}
        return evaluate(parse(p.dimension), names, xp)

    def paper_values(self, values: Values, refs: Values, xp: Any = np) -> dict[str, Any]:
        """Parameters in the paper's units from parameters in reference units (arrays broadcast)."""
        if self.to_paper is not None:
            return self.to_paper(values, refs)
        return {p.name: values[p.name] * self.factor(p, values, refs, xp) for p in self.parameters}


_REGISTRY: dict[str, Law] = {}


def register(entry: Law) -> Law:
    """Add a law under its name; the name of a law from another module is refused (M007).

    The same module may define it again: a notebook cell or an edited file is run twice.
    """
    before = _REGISTRY.get(entry.name)
    if before is not None and before.function.__module__ != entry.function.__module__:
        raise ScalawError("M007", f"a law named '{entry.name}' exists already", fix="choose another name")
    _REGISTRY[entry.name] = entry
    return entry


def registry() -> Mapping[str, Law]:
    """Every registered law by name."""
    return dict(_REGISTRY)


def law(
    *,
    source: str,
    increasing: tuple[str, ...] = (),
    decreasing: tuple[str, ...] = (),
    covariates: Mapping[str, Covariate] | None = None,
    response: Response = Response(),
    options: Mapping[str, int] | None = None,
    units: Literal["reference", "as in paper"] = "reference",
    to_paper: Callable[[Values, Values], dict[str, Any]] | None = None,
    published: tuple[Published, ...] = (),
    pitfalls: tuple[str, ...] = (),
) -> Callable[[Callable[..., Any]], Law]:
    """Decorator that turns a function into a registered :class:`Law`.

    Positional arguments of the function are covariates, keyword-only ones are parameters whose defaults are
    :func:`irreducible`, :func:`amplitude`, :func:`exponent`, :func:`scale` or :func:`parameter`.

    Parameters
    ----------
    source : str
        arXiv id and equation.
    increasing, decreasing : tuple of str
        Covariates in which the prediction is monotone.
    covariates : mapping, optional
        Argument → :class:`Covariate`, for those other than N, D, C, U and x.
    response : Response
        What is predicted; a loss by default.
    options : mapping, optional
        Structural option → default, e.g. ``{"breaks": 1}``.
    units, to_paper, published, pitfalls
        As in :class:`Law`.

    Raises
    ------
    ScalawError
        M004 for a reserved or clashing name, M008 for an argument that is neither a known covariate nor a
        parameter, or a role without a prior.
    """

    def decorate(function: Callable[..., Any]) -> Law:
        name = function.__name__
        signature = inspect.signature(function).parameters.values()
        known = {**COVARIATES, **(covariates or {})}
        positional = [a.name for a in signature if a.kind is not inspect.Parameter.KEYWORD_ONLY]
        if unknown := [argument for argument in positional if argument not in known]:
            fix = "name it N, D, C, U or x, or describe it in covariates={…}"
            raise ScalawError("M008", f"law {name}: unknown covariate '{unknown[0]}'", fix=fix)
        parameters = []
        for argument in signature:
            if argument.kind is not inspect.Parameter.KEYWORD_ONLY:
                continue
            if argument.name in RESERVED or argument.name in positional:
                raise ScalawError(
                    "M004", f"law {name}: '{argument.name}' is reserved", fix="rename the parameter"
                )
            p = argument.default
            if not isinstance(p, Parameter) or (p.prior is None and default_prior(p.role, True, 1) is None):
                fix = f"write {argument.name}=exponent() or parameter(role, prior)"
                raise ScalawError(
                    "M008", f"law {name}: '{argument.name}' is no parameter with a prior", fix=fix
                )
            parameters.append(replace(p, name=argument.name))
        return register(
            Law(
                name=name,
                function=function,
                covariates=tuple(known[argument] for argument in positional),
                parameters=tuple(parameters),
                response=response,
                source=source,
                increasing=increasing,
                decreasing=decreasing,
                options=tuple(sorted((options or {}).items())),
                units=units,
                to_paper=to_paper,
                published=published,
                family=function.__globals__.get("FAMILY", OWN),
                pitfalls=pitfalls,
            )
        )

    return decorate
