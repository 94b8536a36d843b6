"""Is this record a noise that can be fitted? Checks as :mod:`scalaw.laws.check_law` has them for laws.

``check_noise(noise)`` runs them all and raises at the first that fails; ``noise_checks(noise)`` gives them as pairs
of name and callable, to parametrise a test. Parameters are drawn from the noise's own priors, always with the same
seed, unless they are given; what it reads of a run is neutral unless it is given.

================  ==================================================================================================
``parameters``    each has the role ``"noise"``, a proper prior and a name of its own
``density``       the density integrates to one over ``y``, the probabilities of counts sum to one
``gradient``      gradients in location and parameters are finite and agree with finite differences
``draws``         draws follow the density (5 standard errors at 19 quantiles), also for columns of draws
``extremes``      finite with finite gradients far from the law and for small and large parameters
``padding``       a row that is padding or held out gives a finite density, so that weight 0 makes it exactly 0
``scale``         where it is given, one finite positive number per row
================  ==================================================================================================
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from scalaw.errors import ScalawError
from scalaw.laws.sample import draw_prior
from scalaw.model.noise_record import Noise

SEED = 20260101
SETTINGS = 6
DRAWS = 40_000
#: Nodes of a double-exponential quadrature on each side, in steps of 1/32.
_NODES = np.arange(-128, 129) / 32.0
_PROBS = np.arange(1, 20) / 20.0
_TYPICAL = np.array([1e-4, 0.03, 0.3, 0.52, 0.8, 0.97, 0.999])
#: Error allowed to the quadrature of a part of the density.
QUADRATURE = 2e-3


def check_noise(
    noise: Noise, values: Mapping[str, float] | None = None, rows: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """Run every check.

    Parameters
    ----------
    noise : Noise
    values : mapping, optional
        Parameter → value; draws of the priors by default.
    rows : mapping, optional
        What ``rows`` holds for a run, as numbers; neutral by default.

    Returns
    -------
    tuple of str
        Names of the checks passed.

    Raises
    ------
    ScalawError
        M017 for the first check that fails.
    """
    checks = noise_checks(noise, values, rows)
    for _, check in checks:
        check()
    return tuple(name for name, _ in checks)


def noise_checks(
    noise: Noise, values: Mapping[str, float] | None = None, rows: Mapping[str, float] | None = None
) -> list[tuple[str, Callable[[], None]]]:
    """Every check as (name, callable); a callable returns nothing or raises :class:`ScalawError`."""
    bench = _Bench(noise, values, rows)
    checks = {
        "parameters": check_parameters,
        "density": check_density,
        "gradient": check_gradient,
        "draws": check_draws,
        "extremes": check_extremes,
        "padding": check_padding,
        "scale": check_scale,
    }
    return [(name, functools.partial(check, bench)) for name, check in checks.items()]


class _Bench:
    """A noise with the settings of its parameters, the locations and the row data that its checks share."""

    def __init__(self, noise: Noise, values: Mapping[str, float] | None, rows: Mapping[str, float] | None):
        self.noise = noise
        self.rows = {data.name: data.neutral for data in noise.reads} | dict(rows or {})
        self.given = None if values is None else {p.name: float(values[p.name]) for p in noise.parameters}
        self.locations = (0.3,) if noise.unbounded else (0.08, 0.6)

    @functools.cached_property
    def settings(self) -> list[dict[str, float]]:
        if self.given is not None:
            return [self.given]
        rng = np.random.default_rng(SEED)
        priors = {p.name: p.prior for p in self.noise.parameters if p.prior is not None}
        return [
            {name: float(draw_prior(prior, rng, (1,))[0]) for name, prior in priors.items()}
            | dict(self.noise.fixed)
            for _ in range(SETTINGS)
        ]

    def cases(self) -> list[tuple[float, dict[str, float]]]:
        return [(location, values) for location in self.locations for values in self.settings]

    @functools.cached_property
    def compiled(self) -> Callable[..., Any]:
        import jax

        return jax.jit(self.noise.log_prob)

    @functools.cached_property
    def gradients(self) -> Callable[..., Any]:
        import jax

        def total(location: Any, values: Any, y: Any, weight: Any, rows: Any) -> Any:
            return (weight * self.noise.log_prob(y, location, values, rows)).sum()

        return jax.jit(jax.grad(total, (0, 1)))

    def log_prob(self, y: Any, location: Any, values: Mapping[str, float], rows: Any = None) -> np.ndarray:
        """At any number of ``y``, with one compiled program."""
        import jax

        padded, _ = _padded(y, 2 * len(_NODES))
        with jax.enable_x64(True):
            return np.asarray(self.compiled(padded, location, dict(values), rows or self.rows))[: len(y)]

    def gradient(
        self, y: Any, location: float, values: Mapping[str, float], rows: Any = None
    ) -> dict[str, float]:
        """Of the sum over ``y``; ``"the law"`` is the gradient in the location."""
        import jax

        padded, weight = _padded(y, len(_TYPICAL))
        with jax.enable_x64(True):
            at, of = self.gradients(location, dict(values), padded, weight, rows or self.rows)
            return {"the law": float(at), **{name: float(value) for name, value in of.items()}}

    def spread(self, location: float, values: Mapping[str, float]) -> float:
        """Rough standard deviation of ``y``, of a share in its log odds."""
        import jax

        sd = values.get("sigma", 0.01)
        if self.noise.scale is not None:
            with jax.enable_x64(True):
                sd = float(np.ravel(self.noise.scale(np.array([location]), dict(values), self.rows))[0])
        return sd / (location * (1.0 - location)) if self.noise.scatters == "share" else sd

    def grid(self, location: float, values: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
        """Points over which ``y`` is integrated, in order, and the probability that each stands for."""
        if self.noise.scatters == "count":
            y = np.arange(self.rows["trials"] + 1) / self.rows["trials"]
            return y, np.exp(self.log_prob(y, location, values))
        # away from the location to both sides, in steps that grow doubly exponentially
        size = np.exp(0.5 * np.pi * np.sinh(_NODES)) * self.spread(location, values)
        width = 0.5 * np.pi * np.cosh(_NODES) * size
        away, width = np.concatenate([-size[::-1], size]), np.concatenate([width[::-1], width])
        if self.noise.unbounded:
            y = location + away
        else:  # in log odds
            y = 1.0 / (1.0 + (1.0 / location - 1.0) * np.exp(-np.clip(away, -600.0, 600.0)))
            keep = (y > 0) & (y < 1)
            y, width = y[keep], (width[keep] * y[keep] * (1.0 - y[keep]))
        return y, width * np.exp(self.log_prob(y, location, values)) * (_NODES[1] - _NODES[0])

    def typical(self, location: float, values: Mapping[str, float]) -> np.ndarray:
        """Some likely and some odd values of ``y``, none on a kink at the location."""
        y, mass = self.grid(location, values)
        sums = np.cumsum(mass)
        return y[np.minimum(np.searchsorted(sums, _TYPICAL * sums[-1]), len(y) - 1)]

    def failed(self, check: str, what: str, fix: str) -> ScalawError:
        return ScalawError("M017", what, f"noise {self.noise.name}, check {check}", fix=fix)


def _padded(y: Any, size: int) -> tuple[np.ndarray, np.ndarray]:
    """``y`` repeated at its end up to a length, and weights of 1 and 0."""
    more = max(size - len(y), 0)
    return np.pad(np.asarray(y, float), (0, more), mode="edge"), np.repeat([1.0, 0.0], [len(y), more])


def check_parameters(bench: _Bench) -> None:
    """Parameters have the role of a noise, priors and names of their own."""
    names = [p.name for p in bench.noise.parameters]
    for p in bench.noise.parameters:
        if p.role != "noise" or p.prior is None:
            fix = 'write Parameter(name, "noise", prior=Prior(…))'
            raise bench.failed("parameters", f"'{p.name}' has no prior or another role", fix)
    if len(set(names)) < len(names):
        raise bench.failed("parameters", f"a name occurs twice in {', '.join(names)}", "rename one")


def check_density(bench: _Bench) -> None:
    """The density integrates to one."""
    for location, values in bench.cases():
        total = float(np.sum(bench.grid(location, values)[1]))
        if not abs(total - 1.0) < 1e-6:
            what = f"the density integrates to {total:.6g} at {values}"
            raise bench.failed("density", what, "log_prob is a log density of y: mind the log of its scale")


def check_gradient(bench: _Bench) -> None:
    """Gradients are finite and agree with central differences."""
    for location, values in bench.cases():
        y = bench.typical(location, values)
        for name, got in bench.gradient(y, location, values).items():
            spread = values.get("sigma", 0.01) if name == "the law" else values[name]
            h = 1e-6 * spread
            ends = [
                bench.log_prob(
                    y,
                    location + sign * h * (name == "the law"),
                    {k: v + sign * h * (k == name) for k, v in values.items()},
                )
                for sign in (1, -1)
            ]
            wanted = float(np.sum(ends[0] - ends[1])) / (2.0 * h)
            unit = float(np.sum(np.abs(ends[0] - ends[1]))) / (2.0 * h) + 1e-3 / spread
            if not abs(got - wanted) <= 1e-4 * unit:
                what = (
                    f"the gradient in {name} is {got:.6g}, finite differences give {wanted:.6g}, at {values}"
                )
                raise bench.failed(
                    "gradient", what, "use jnp, and harmless values on the other side of a jnp.where"
                )


def check_draws(bench: _Bench) -> None:
    """Draws follow the density, and columns of draws meet rows."""
    rng = np.random.default_rng(SEED)
    location, rows = (
        np.full((DRAWS, 1), bench.locations[0]),
        {k: np.array([v]) for k, v in bench.rows.items()},
    )
    for values in bench.settings:
        columns = {name: np.full((DRAWS, 1), value) for name, value in values.items()}
        drawn = np.asarray(bench.noise.draw(rng, location, columns, rows))
        if drawn.shape != location.shape or not np.all(np.isfinite(drawn)):
            raise bench.failed(
                "draws", f"draws have shape {drawn.shape} or are not finite", "give NumPy numbers"
            )
        y, mass = bench.grid(bench.locations[0], values)
        # a node of a quadrature stands for both its sides, a count for itself
        below = np.cumsum(mass) - (0.0 if bench.noise.scatters == "count" else 0.5 * mass)
        places = np.unique(np.minimum(np.searchsorted(below, _PROBS), len(y) - 1))
        wanted = np.clip(below[places], 0.0, 1.0)
        share = np.mean(drawn <= y[places] + 1e-12, axis=0)
        excess = np.abs(share - wanted) - 5.0 * np.sqrt(wanted * (1.0 - wanted) / DRAWS) - QUADRATURE
        if np.any(excess > 0):
            worst = int(np.argmax(excess))
            what = f"{share[worst]:.4f} of the draws lie below a point with {wanted[worst]:.4f} below it, at {values}"
            raise bench.failed("draws", what, "draw and log_prob describe two distributions")


def check_extremes(bench: _Bench) -> None:
    """Nothing overflows far from the law, at its limits, or for small and large parameters."""
    counted = bench.noise.scatters == "count"
    far = (
        (-1e3, -1.0, 1.0, 1e3) if bench.noise.unbounded else (0.0, 1.0) if counted else (1e-9, 0.5, 1 - 1e-9)
    )
    places = (-1e3, 0.3, 1e3) if bench.noise.unbounded else (0.0, 1e-12, 0.5, 1.0)
    held = dict(bench.noise.fixed)
    for size in (1e-3, 1.0, 1e3):
        values = {name: held.get(name, size * value) for name, value in bench.settings[0].items()}
        for location in places:
            for rows in (bench.rows, bench.rows | {"trials": 1e6}) if counted else (bench.rows,):
                found = bench.log_prob(np.array(far), location, values, rows)
                slopes = bench.gradient(np.array(far), location, values, rows)
                if not (np.all(np.isfinite(found)) and np.all(np.isfinite(list(slopes.values())))):
                    what = (
                        f"not finite at y in {far} with the law at {location:g}: {found}, gradients {slopes}"
                    )
                    raise bench.failed(
                        "extremes", f"{what}, at {values}", "write it in logs; clip a share off 0 and 1"
                    )


def check_padding(bench: _Bench) -> None:
    """A row that is padding gives a finite density with finite gradients, wherever the law is."""
    neutral, y = {data.name: data.neutral for data in bench.noise.reads}, np.array([bench.noise.neutral])
    for location, values in bench.cases():
        found = float(bench.log_prob(y, location, values, neutral)[0])
        slopes = bench.gradient(y, location, values, neutral)
        if not np.isfinite(found) or not np.all(np.isfinite(list(slopes.values()))):
            what = f"a padded row gives {found}, and gradients {slopes}"
            raise bench.failed("padding", what, "choose other neutral values of what it reads")


def check_scale(bench: _Bench) -> None:
    """The scale, where it is given, is one finite positive number per row."""
    import jax

    if bench.noise.scale is None:
        return
    for location, values in bench.cases():
        where = np.full(3, location)
        with jax.enable_x64(True):
            found = np.asarray(bench.noise.scale(where, dict(values), bench.rows))
        if found.shape != where.shape or not np.all(np.isfinite(found) & (found > 0)):
            raise bench.failed("scale", f"it is {found} at {values}", "give one positive number per row")
