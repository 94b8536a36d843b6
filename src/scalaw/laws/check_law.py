"""Is this function a law that can be fitted? Checks in the manner of scikit-learn's ``check_estimator``.

``check_law(law)`` runs them all and raises at the first that fails; ``law_checks(law)`` gives them as pairs
of name and callable, to parametrise a test. They draw parameters from the law's own priors and covariates
from all over its domain, always with the same seed.

=================  =====================================================================================
``source``         it says where it comes from
``units``          it says how parameters change with the units of the data
``traceable``      JAX can trace it: no ``np.log`` and no ``if x > 0``; one number per run comes out
``finite``         predictions are finite and in the response's domain
``broadcasting``   a column of draws meets a row of runs
``gradient``       gradients are finite, agree with finite differences, and every free parameter matters
``jit``, ``vmap``  compiled as eager; mapped as looped
``float32``        single precision is near double
``monotone``       it rises and falls in the covariates in which it says so
``dimensions``     in reference units it predicts what it predicts in the paper's units, to 1e-10
``prior``          at the centre of the runs the prior expects a loss near the reference loss
=================  =====================================================================================
"""

from __future__ import annotations

import functools
import inspect
import linecache
from collections.abc import Callable
from typing import Any

import numpy as np

from scalaw.errors import ScalawError
from scalaw.laws.law import Law
from scalaw.laws.sample import sample_covariates, sample_prior

SEED = 20260101
DRAWS = 256
NEAR_CENTRE = 1.5


def check_law(law: Law) -> tuple[str, ...]:
    """Run every check.

    Returns
    -------
    tuple of str
        Names of the checks passed.

    Raises
    ------
    ScalawError
        M003 for a law that cannot be traced or gives NaN or a wrong shape, M011 for any other failed check.
    """
    checks = law_checks(law)
    for _, check in checks:
        check()
    return tuple(name for name, _ in checks)


def law_checks(law: Law) -> list[tuple[str, Callable[[], None]]]:
    """Every check as (name, callable); a callable returns nothing or raises :class:`ScalawError`."""
    bench = _Bench(law)
    checks = {
        "source": check_source,
        "units": check_units,
        "traceable": check_traceable,
        "finite": check_finite,
        "broadcasting": check_broadcasting,
        "gradient": check_gradient,
        "jit": check_jit,
        "vmap": check_vmap,
        "float32": check_float32,
        "monotone": check_monotone,
        "dimensions": check_dimensions,
        "prior": check_prior,
    }
    return [(name, functools.partial(check, bench)) for name, check in checks.items()]


class _Bench:
    """A law with the draws, covariates and compiled functions that its checks share, ``DRAWS`` rows each."""

    def __init__(self, law: Law):
        self.law = law
        rng = np.random.default_rng(SEED)
        units = sorted({c.unit for c in law.covariates})
        self.refs = {unit: float(np.exp(rng.uniform(2.0, 9.0))) for unit in units} | {"loss": 2.5}
        self.paper_covariates = sample_covariates(law, rng, DRAWS, self.refs)
        self.covariates = law.reduce(self.paper_covariates, self.refs)
        self.values = sample_prior(law, rng, DRAWS, refs=self.refs)
        self.directions = {
            name: value * rng.standard_normal(value.shape) for name, value in self.values.items()
        }

    def call(self, covariates: dict[str, Any], values: dict[str, Any]) -> Any:
        return self.law.function(*(covariates[c.name] for c in self.law.covariates), **values)

    @functools.cached_property
    def compiled(self) -> Callable[..., Any]:
        import jax

        return jax.jit(self.call)

    def predict(self, covariates: dict[str, Any], values: dict[str, Any]) -> np.ndarray:
        """Compiled prediction in float64."""
        import jax

        with jax.enable_x64(True):
            return np.asarray(self.compiled(covariates, values))

    @functools.cached_property
    def prediction(self) -> np.ndarray:
        check_traceable(self)
        return self.predict(self.covariates, self.values)

    @functools.cached_property
    def gradients(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Gradients in covariates and in parameters, row by row."""
        import jax

        check_traceable(self)
        with jax.enable_x64(True):
            total = jax.jit(jax.grad(lambda *a: self.call(*a).sum(), argnums=(0, 1)))
            found = total(self.covariates, self.values)
            return jax.tree.map(np.asarray, found)

    def failed(self, check: str, what: str, why: str = "", fix: str = "", code: str = "M011") -> ScalawError:
        return ScalawError(code, what, f"law {self.law.name}, check {check}", why, fix)

    def close(self, check: str, got: Any, wanted: Any, tolerance: float, what: str, fix: str = "") -> None:
        """Refuse when two arrays differ, relative to the second one (or to a thousandth of its scale)."""
        wanted = np.asarray(wanted, float)
        floor = 1e-3 * np.median(np.abs(wanted)) + np.finfo(float).tiny
        error = np.max(np.abs(np.asarray(got, float) - wanted) / np.maximum(np.abs(wanted), floor))
        if not error <= tolerance:
            raise self.failed(check, f"{what} (relative difference {error:.2g})", fix=fix)


def check_source(bench: _Bench) -> None:
    """The law says where it comes from."""
    if not bench.law.source.strip():
        raise bench.failed("source", "no source is given", fix='write e.g. source="arXiv:2203.15556 eq. 2"')


def check_units(bench: _Bench) -> None:
    """The law declares one of the three ways in which parameters change with the units of the data."""
    law = bench.law
    has_units = law.response.scaling == "ratio" or any(c.scaling != "absolute" for c in law.covariates)
    declared = law.to_paper is not None or any(p.dimension != "1" for p in law.parameters)
    if has_units and not declared and law.units != "as in paper":
        fix = "give parameters dimensions, or to_paper=…, or units='as in paper'"
        raise bench.failed("units", "nothing says how its parameters change with units", fix=fix)


def check_traceable(bench: _Bench) -> None:
    """JAX can trace the function, and one number per run comes out."""
    import jax

    with jax.enable_x64(True):
        try:
            shape = jax.eval_shape(bench.call, bench.covariates, bench.values).shape
        except ScalawError:
            raise
        except Exception as error:  # whatever a law's function raises is reported as that law's fault
            where = offending_line(error, bench.law.function)
            what = f"{type(error).__name__}: {str(error).splitlines()[0][:60]}{where}"
            fix = "use jnp instead of np and math, jnp.where instead of if"
            raise bench.failed("traceable", what, fix=fix, code="M003") from error
    if shape != (DRAWS,):
        fix = "sum over the last axis of vectors, and over nothing else"
        raise bench.failed("traceable", f"{DRAWS} runs gave the shape {shape}", fix=fix, code="M003")


def offending_line(error: BaseException, function: Callable[..., Any]) -> str:
    """Where in the law's own file an exception came up, as ``" at line 3: y = np.log(x)"``."""
    try:
        file = inspect.getsourcefile(function)
    except TypeError:
        return ""
    frame, found = error.__traceback__, 0
    while frame is not None:
        if frame.tb_frame.f_code.co_filename == file:
            found = frame.tb_lineno
        frame = frame.tb_next
    return f" at line {found}: {linecache.getline(file or '', found).strip()[:60]}" if found else ""


def check_finite(bench: _Bench) -> None:
    """Predictions are finite; a share lies in [0, 1] and 99 % of a positive response are positive."""
    y = bench.prediction
    if bad := int((~np.isfinite(y)).sum()):
        row = int(np.argmin(np.isfinite(y)))
        at = ", ".join(f"{name}={_brief(v[row])}" for name, v in {**bench.covariates, **bench.values}.items())
        what = f"{bad} of {DRAWS} predictions are not finite"
        raise bench.failed("finite", what, f"first at {at[:120]}", "restrict it or use jnp.where", "M003")
    if bench.law.response.domain == "positive":
        if (y > 0).mean() < 0.99:
            raise bench.failed(
                "finite", f"{(y <= 0).mean():.0%} of predictions are not positive", fix=_PRIORS
            )
    elif bench.law.response.domain != "real" and (y.min() < 0 or y.max() > 1):
        raise bench.failed(
            "finite", f"a {bench.law.response.domain} is predicted outside 0 to 1", fix=_PRIORS
        )


_PRIORS = "tighten the priors or say what it predicts with response=…"


def _brief(value: Any) -> str:
    return f"{value:.3g}" if np.ndim(value) == 0 else "(…)"


def check_gradient(bench: _Bench) -> None:
    """Gradients are finite, and along a random direction agree with finite differences."""
    in_covariates, in_values = bench.gradients
    for name, gradient in {**in_covariates, **in_values}.items():
        if bad := int((~np.isfinite(gradient)).sum()):
            what = f"{bad} gradients in {name} are not finite"
            fix = "keep both branches of a jnp.where finite"
            raise bench.failed("gradient", what, fix=fix, code="M003")
    if idle := [p.name for p in bench.law.free if not np.any(in_values[p.name])]:
        fix = "leave it out, or replace the step or rounding that it goes through"
        raise bench.failed("gradient", f"nothing depends on {idle[0]}, or by steps only", fix=fix)
    along, step = np.zeros(DRAWS), 1e-6
    for name, direction in bench.directions.items():
        along += (in_values[name] * direction).reshape(DRAWS, -1).sum(1)
    ends = [
        bench.predict(
            bench.covariates, {n: v + s * step * bench.directions[n] for n, v in bench.values.items()}
        )
        for s in (1.0, -1.0)
    ]
    differences = (ends[0] - ends[1]) / (2 * step)
    scale = np.maximum(np.abs(along), np.abs(bench.prediction))
    wrong = ~(np.abs(differences - along) <= 1e-5 * scale + 1e-8)
    if wrong.mean() > 0.01:  # a kink may fall between the two ends of a few differences
        what = f"{wrong.mean():.0%} of gradients differ from finite differences"
        raise bench.failed("gradient", what, fix="a step or a rounding has no useful gradient")


def check_broadcasting(bench: _Bench) -> None:
    """Draws in a column and runs in a row give a table."""
    import jax

    n_draws, n_runs = 3, 4
    i, j = (index.ravel() for index in np.indices((n_draws, n_runs)))
    with jax.enable_x64(True):
        table = np.asarray(
            bench.call(
                {name: v[:n_runs] for name, v in bench.covariates.items()},
                {name: v[:n_draws, None] for name, v in bench.values.items()},
            )
        )
    if table.shape != (n_draws, n_runs):
        what = f"3 draws and 4 runs gave the shape {table.shape}, expected (3, 4)"
        raise bench.failed(
            "broadcasting", what, fix="put vectors on the last axis and sum over it", code="M003"
        )
    i, j = np.resize(i, DRAWS), np.resize(j, DRAWS)
    flat = bench.predict(
        {name: v[j] for name, v in bench.covariates.items()}, {name: v[i] for name, v in bench.values.items()}
    )
    bench.close("broadcasting", table.ravel(), flat[: table.size], 1e-11, "draws × runs differ from pairs")


def check_jit(bench: _Bench) -> None:
    """Compiled and eager evaluation agree."""
    import jax

    with jax.enable_x64(True):
        eager = bench.call(bench.covariates, bench.values)
    bench.close("jit", bench.prediction, eager, 1e-11, "compiled differs from eager")


def check_vmap(bench: _Bench) -> None:
    """A mapped scalar function gives what a loop gives."""
    import jax

    with jax.enable_x64(True):
        mapped = np.asarray(jax.jit(jax.vmap(bench.call))(bench.covariates, bench.values))
    bench.close("vmap", mapped, bench.prediction, 1e-11, "mapped over runs differs from all at once")
    for row in (0, DRAWS - 1):
        one = ({n: v[row] for n, v in part.items()} for part in (bench.covariates, bench.values))
        with jax.enable_x64(True):
            alone = bench.call(*one)
        bench.close("vmap", mapped[row], alone, 1e-11, "mapped over runs differs from a loop")


def check_float32(bench: _Bench) -> None:
    """Single precision is within 2e-4 of double."""
    import jax

    single = jax.tree.map(np.float32, (bench.covariates, bench.values))
    with jax.enable_x64(False):
        got = np.asarray(bench.compiled(*single))
    if got.dtype != np.float32:
        raise bench.failed(
            "float32", f"single precision went in, {got.dtype} came out", fix="leave dtypes alone"
        )
    fix = "write it in logs, with log1p, expm1 and logaddexp"
    bench.close("float32", got, bench.prediction, 2e-4, "single precision is far from double", fix)


def check_monotone(bench: _Bench) -> None:
    """The law rises and falls in the covariates in which it says so."""
    in_covariates, _ = bench.gradients
    signs = {name: 1.0 for name in bench.law.increasing} | {name: -1.0 for name in bench.law.decreasing}
    for name, sign in signs.items():
        if name not in in_covariates:
            raise bench.failed("monotone", f"it has no covariate '{name}'", fix="name one of its covariates")
        x = bench.covariates[name]
        slope = sign * (in_covariates[name] * np.abs(x)).reshape(DRAWS, -1).min(1) / np.abs(bench.prediction)
        if bad := int((slope < -1e-9).sum()):
            way = "rise" if sign > 0 else "fall"
            what = f"it does not {way} with {name} at {bad} of {DRAWS} prior draws"
            raise bench.failed("monotone", what, fix="correct increasing=… and decreasing=…, or its signs")


def check_dimensions(bench: _Bench) -> None:
    """The prediction is the same in reference units and in the paper's."""
    law = bench.law
    if law.units == "as in paper":
        return
    paper = law.paper_values(bench.values, bench.refs)
    reduced = bench.prediction
    whole = bench.predict(bench.paper_covariates, {p.name: paper[p.name] for p in law.parameters})
    whole = whole / law.loss_ref(bench.refs)
    positive = (reduced > 0) & (whole > 0)
    if law.response.scaling == "ratio":
        error = np.abs(np.log(whole[positive] / reduced[positive]))
    else:
        error = np.abs(whole - reduced) / np.maximum(np.abs(whole), 1.0)
    if not error.max(initial=0.0) <= 1e-10:
        what = f"a change of units changes the log prediction by up to {error.max():.2g}"
        fix = "correct the dimensions of its parameters, or to_paper"
        raise bench.failed("dimensions", what, fix=fix)


def check_prior(bench: _Bench) -> None:
    """At the centre of the runs 90 % of prior draws lie within a factor e^1.5 of the reference loss."""
    law = bench.law
    if law.units == "as in paper" or law.response.scaling == "absolute":
        return  # no reference loss to compare with; ``finite`` has looked at the domain
    if any(law.prior(p).unit == "paper" and p.dimension != "1" for p in law.free):
        return  # such a prior speaks of one data set and its units, which are not here
    centre = {
        c.name: np.ones_like(bench.covariates[c.name]) if c.scaling == "ratio" and c.domain == "positive"
        else bench.covariates[c.name]
        for c in law.covariates
    }  # fmt: skip
    y = bench.predict(centre, bench.values)
    outside = ~(np.abs(np.log(np.maximum(y, np.finfo(float).tiny))) <= NEAR_CENTRE)
    if outside.mean() > 0.1:
        low, high = np.quantile(y, [0.05, 0.95])
        what = f"90 % of the prior is a loss of {low:.2g} to {high:.2g} times the reference loss"
        raise bench.failed("prior", what, "it should be near 1", "give its parameters tighter priors")
