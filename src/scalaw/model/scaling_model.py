"""The scaling model: law × noise (× discrepancy × pooling), a record of what is believed about runs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scalaw.errors import ScalawError
from scalaw.laws.expression import names, parse
from scalaw.laws.law import Law
from scalaw.laws.prior import Prior
from scalaw.laws.records import Parameter
from scalaw.model.noise_record import Noise
from scalaw.model.row_data import size_covariates
from scalaw.model.structure import Parts, Structure

_SHARE = (
    ("share", "count"),
    "a share",
    "use noise binomial or beta_binomial for counts, beta for shares without counts",
)
#: Domain of a law's response → what a noise of it scatters, what it is in words, and which noise to use.
RESPONSES = {
    "positive": (("log",), "any positive number", "use a noise of the log, such as student_t"),
    "share": _SHARE,
    "count": _SHARE,
    "real": (("value",), "a number of any sign", "use noise additive"),
}
_OF = {
    "log": "the log of a positive loss",
    "share": "a share",
    "count": "counts",
    "value": "a number of any sign",
}


@dataclass(frozen=True)
class ScalingModel:
    """What is believed about a table of runs.

    Parameters
    ----------
    law : Law
        A law or a variant of one.
    noise : Noise
        Observation model; it must be one of what the law predicts.
    priors : tuple of (str, Prior)
        Overrides by parameter name (see :func:`scalaw.infer.references.reference_prior`).
    discrepancy, pooling : None
        Their place in the signature; not built yet.
    """

    law: Law
    noise: Noise
    priors: tuple[tuple[str, Prior], ...] = ()
    discrepancy: None = None
    pooling: None = None

    def __post_init__(self) -> None:
        self._check_noise()
        free = {p.name for p in self.free}
        if idle := [name for name, _ in self.priors if name not in free and name in self.coordinates]:
            fix = "leave its prior out, or give it to the parameter that it follows"
            raise ScalawError("M009", f"{idle[0]} is held or tied in {self.label}", "prior", fix=fix)
        known = {p.name for p in self.parameters}
        for name, _ in (*self.priors, *self.fixed):
            if name not in known:
                fix = f"use one of {', '.join(sorted(known))}"
                raise ScalawError("M009", f"model {self.label} has no parameter '{name}'", fix=fix)

    def _check_noise(self) -> None:
        """The noise is one of the law's response, and can tell the law's parameters from its own."""
        law, noise = self.law, self.noise
        scatters, kind, fix = RESPONSES[law.response.domain]
        if noise.scatters not in scatters:
            of = _OF[noise.scatters]
            what = f"law {self.label} predicts {law.response.name}, {kind}, and noise {noise.name} is of {of}"
            raise ScalawError("M015", what, fix=fix)
        if both := {p.name for p in law.parameters} & {p.name for p in noise.parameters}:
            what = f"law {self.label} and noise {noise.name} both have a parameter '{min(both)}'"
            raise ScalawError("M004", what, fix="rename the law's")
        if any(data.name == "log_size" for data in noise.reads) and not size_covariates(law):
            what = f"law {self.label} has no N, D, C or other scaled covariate that says how large a run is"
            raise ScalawError("M015", what, fix=f"noise {noise.name} needs one; use student_t")

    @property
    def label(self) -> str:
        """Name shown to people, e.g. ``chinchilla[alpha=beta]``."""
        return self.law.name

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Parameters of the law, then of the noise."""
        size = "·".join(size_covariates(self.law))
        told = (replace(p, meaning=p.meaning.replace("{size}", size)) for p in self.noise.parameters)
        return (*self.law.parameters, *told)

    @property
    def fixed(self) -> tuple[tuple[str, float], ...]:
        """Held parameters and their values in the paper's units."""
        return (*self.law.fixed, *self.noise.fixed)

    @property
    def free(self) -> tuple[Parameter, ...]:
        """Parameters that are learned."""
        held = {name for name, _ in self.noise.fixed}
        noise = self.parameters[len(self.law.parameters) :]
        return (*self.law.free, *(p for p in noise if p.name not in held))

    @property
    def sizes(self) -> tuple[int | None, ...]:
        """Length of each indexed parameter, None for scalars."""
        return tuple(self.law.size(p) for p in self.parameters)

    @property
    def coordinates(self) -> tuple[str, ...]:
        """Parameter name of every coordinate of the flat vector of values."""
        return tuple(p.name for p, n in zip(self.parameters, self.sizes, strict=True) for _ in range(n or 1))

    @property
    def floating(self) -> tuple[str, ...]:
        """Held parameters of the law, but for zeros, whose paper unit contains a parameter that is not held."""
        if self.law.units == "as in paper":
            return ()
        held = dict(self.law.fixed)
        learned = {p.name for p in self.law.parameters if p.name not in held}
        return tuple(
            p.name
            for p in self.law.parameters
            if held.get(p.name) and learned & set(names(parse(p.dimension)))
        )

    def prior(self, p: Parameter) -> Prior:
        """The prior in force; its numbers may still be names of statistics."""
        return dict(self.priors).get(p.name) or self.law.prior(p)

    def structure(self) -> Structure:
        """What a compiled program depends on."""
        families = tuple(self.prior(p).family for p in self.parameters)
        return Structure(
            self.law.structure,
            self.noise.structure,
            families,
            self.sizes,
            self.floating,
            Parts(self.law, self.noise),
        )
