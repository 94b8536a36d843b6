"""The same posteriors in the languages of several samplers: a law with Student-t noise on the log loss.

The priors are scalaw's defaults, written out here a second time from what they say, in reference units (covariates over
their geometric means, losses over their median): a share of the smallest loss for E, shares of the loss for the two
terms at the centre of the runs, and log-normal exponents. Chinchilla's law has two parametrisations:

- *as printed*: A, B and E of the paper, raw N and D;
- *centred*: the terms' shares at the centre of the runs, N and D over their geometric means.

The law with one break is written centred. Every sampler's answer is turned into the same quantities, so that it can
be laid beside ours.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from benchmarks.harness import Measured, Seconds, measure
from benchmarks.tables import Table

CHAINS, WARMUP, DRAWS = 4, 1000, 1000
#: Median share of each term at the centre of the runs.
SHARE = 0.15


class Centre(NamedTuple):
    """References of a table."""

    n: float
    d: float
    loss: float
    least: float


def centre(table: Table) -> Centre:
    """Geometric means of N and D, median and smallest loss."""
    n, d = (float(np.exp(np.mean(np.log(table.at[name])))) for name in ("N", "D"))
    return Centre(n, d, float(np.median(table.loss)), float(table.loss.min()))


def as_printed(table: Table) -> None:
    """NumPyro model of the law as its paper prints it."""
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist
    from numpyro.distributions.transforms import AffineTransform

    ref, unit = centre(table), dist.constraints.unit_interval
    share = dist.TransformedDistribution(dist.Beta(4.0, 2.0), AffineTransform(0.0, ref.least, domain=unit))
    e = numpyro.sample("E", share)
    alpha = numpyro.sample("alpha", dist.LogNormal(np.log(0.3), 0.5))
    beta = numpyro.sample("beta", dist.LogNormal(np.log(0.3), 0.5))
    a = numpyro.sample("A", dist.LogNormal(np.log(SHARE * ref.loss) + alpha * np.log(ref.n), 1.0))
    b = numpyro.sample("B", dist.LogNormal(np.log(SHARE * ref.loss) + beta * np.log(ref.d), 1.0))
    sigma = numpyro.sample("sigma", dist.LogNormal(np.log(0.005), 1.0))
    more = numpyro.sample("more", dist.Gamma(2.0, 0.1))
    law = e + a / table.at["N"] ** alpha + b / table.at["D"] ** beta
    numpyro.sample("loss", dist.StudentT(1.0 + more, jnp.log(law), sigma), obs=np.log(table.loss))


def centred(table: Table) -> None:
    """NumPyro model with centred covariates."""
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist

    ref = centre(table)
    log_n, log_d = np.log(table.at["N"] / ref.n), np.log(table.at["D"] / ref.d)
    e = numpyro.sample("e", dist.Beta(4.0, 2.0))
    alpha = numpyro.sample("alpha", dist.LogNormal(np.log(0.3), 0.5))
    beta = numpyro.sample("beta", dist.LogNormal(np.log(0.3), 0.5))
    a = numpyro.sample("a", dist.LogNormal(np.log(SHARE), 1.0))
    b = numpyro.sample("b", dist.LogNormal(np.log(SHARE), 1.0))
    sigma = numpyro.sample("sigma", dist.LogNormal(np.log(0.005), 1.0))
    more = numpyro.sample("more", dist.Gamma(2.0, 0.1))
    law = e * (ref.least / ref.loss) + a * jnp.exp(-alpha * log_n) + b * jnp.exp(-beta * log_d)
    obs = np.log(table.loss / ref.loss)
    numpyro.sample("loss", dist.StudentT(1.0 + more, jnp.log(law), sigma), obs=obs)


def pymc_centred(table: Table) -> Any:
    """The same model for PyMC."""
    import pymc as pm

    ref = centre(table)
    log_n, log_d = np.log(table.at["N"] / ref.n), np.log(table.at["D"] / ref.d)
    with pm.Model() as model:
        e = pm.Beta("e", 4.0, 2.0)
        alpha = pm.LogNormal("alpha", np.log(0.3), 0.5)
        beta = pm.LogNormal("beta", np.log(0.3), 0.5)
        a = pm.LogNormal("a", np.log(SHARE), 1.0)
        b = pm.LogNormal("b", np.log(SHARE), 1.0)
        sigma = pm.LogNormal("sigma", np.log(0.005), 1.0)
        more = pm.Gamma("more", alpha=2.0, beta=0.1)
        law = e * (ref.least / ref.loss) + a * pm.math.exp(-alpha * log_n) + b * pm.math.exp(-beta * log_d)
        observed = np.log(table.loss / ref.loss)
        pm.StudentT("loss", nu=1.0 + more, mu=pm.math.log(law), sigma=sigma, observed=observed)
    return model


def curve_centred(table: Table) -> None:
    """NumPyro model of the law with one break (arXiv:2210.14891 eq. 1), x over its geometric mean."""
    import jax.numpy as jnp
    import numpyro
    from numpyro import distributions as dist

    log_x = np.log(table.at["x"])
    log_x, loss = log_x - log_x.mean(), float(np.median(table.loss))
    middle, half = 0.5 * (log_x.min() + log_x.max()), max(0.5 * np.ptp(log_x), 0.5)
    a = numpyro.sample("share", dist.Beta(4.0, 2.0)) * (table.loss.min() / loss)
    b = numpyro.sample("term", dist.LogNormal(np.log(0.3), 1.0))
    c0 = numpyro.sample("c0", dist.LogNormal(np.log(0.3), 0.5))
    c = numpyro.sample("c", dist.Normal(0.0, 0.3))
    log_d = numpyro.sample("log_d", dist.Normal(middle, half))
    f = numpyro.sample("f", dist.LogNormal(np.log(0.3), 0.7))
    sigma = numpyro.sample("sigma", dist.LogNormal(np.log(0.005), 1.0))
    more = numpyro.sample("more", dist.Gamma(2.0, 0.1))
    bend = c * f * jnp.logaddexp((log_x - log_d) / f, 0.0)
    law = a + b * jnp.exp(-c0 * log_x - bend)
    obs = np.log(table.loss / loss)
    numpyro.sample("loss", dist.StudentT(1.0 + more, jnp.log(law), sigma), obs=obs)


def quantities(table: Table, draws: dict[str, Any]) -> np.ndarray:
    """Draws of whatever parametrisation as the same quantities, shape (chains, draws, quantities).

    E, ln A, ln B, α, β of Chinchilla's law, a, ln b, c0, c, ln d, ln f of the law with one break, in the paper's units;
    then ln σ and ln (ν − 1).
    """
    found = {name: np.asarray(value, float) for name, value in draws.items()}
    more = found["more"] if "more" in found else found["nu"] - 1.0
    of_law = _of_curve(table, found) if table.law == "bnsl" else _of_chinchilla(table, found)
    return np.stack([*of_law, np.log(found["sigma"]), np.log(more)], axis=-1)


def _of_chinchilla(table: Table, found: dict[str, np.ndarray]) -> list[np.ndarray]:
    ref, alpha, beta = centre(table), found["alpha"], found["beta"]
    if "A" in found:
        return [found["E"], np.log(found["A"]), np.log(found["B"]), alpha, beta]
    log_a = np.log(found["a"] * ref.loss) + alpha * np.log(ref.n)
    log_b = np.log(found["b"] * ref.loss) + beta * np.log(ref.d)
    return [found["e"] * ref.least, log_a, log_b, alpha, beta]


def _of_curve(table: Table, found: dict[str, np.ndarray]) -> list[np.ndarray]:
    if "term" not in found:
        c, d, f = (found[name][..., 0] for name in ("c", "d", "f"))
        return [found["a"], np.log(found["b"]), found["c0"], c, np.log(d), np.log(f)]
    log_x = float(np.mean(np.log(table.at["x"])))
    log_b = np.log(found["term"] * np.median(table.loss)) + found["c0"] * log_x
    a = found["share"] * table.loss.min()
    return [a, log_b, found["c0"], found["c"], found["log_d"] + log_x, np.log(found["f"])]


class NumPyro:
    """``MCMC(NUTS(model))`` at its defaults, chains one after the other, in float64 or in NumPyro's float32.

    It compiles its loop anew in every chain of every run; what JAX reports to have spent on that is told apart.
    """

    def __init__(self, model: Callable[[Table], None], table: Table, x64: bool):
        kind = np.float64 if x64 else np.float32
        cast = Table(table.law, {k: v.astype(kind) for k, v in table.at.items()}, table.loss.astype(kind))
        self.table, self.model, self.x64, self.sampler = table, lambda: model(cast), x64, None

    def __call__(self, seed: int) -> Measured:
        """Sample."""
        import jax
        from numpyro.infer import MCMC, NUTS

        from benchmarks.compilations import compilations

        options = {"num_warmup": WARMUP, "num_samples": DRAWS, "num_chains": CHAINS}
        with jax.enable_x64(self.x64):
            self.sampler = self.sampler or MCMC(
                NUTS(self.model), **options, chain_method="sequential", progress_bar=False
            )
            with compilations() as seen:
                draws, seconds = measure(lambda: self._run(jax.random.key(seed)))
        # JAX reports wall seconds; on a busy machine fewer of them are CPU seconds.
        compiling = Seconds(seen.seconds, seen.seconds * min(1.0, seconds.cpu / seconds.wall))
        return Measured(quantities(self.table, draws), seconds + compiling.times(-1.0), compiling)

    def _run(self, key: Any) -> dict[str, np.ndarray]:
        self.sampler.run(key)
        return {name: np.asarray(v) for name, v in self.sampler.get_samples(group_by_chain=True).items()}


class Nutpie:
    """nutpie on the PyMC model; the model is built and compiled once."""

    def __init__(self, table: Table):
        self.table, self.compiled = table, None

    def __call__(self, seed: int) -> Measured:
        """Sample, compiling first where that has not been done."""
        import nutpie

        compiling = Seconds(0.0, 0.0)
        if self.compiled is None:
            make = lambda: nutpie.compile_pymc_model(pymc_centred(self.table))  # noqa: E731
            self.compiled, compiling = measure(make)
        options = {"draws": DRAWS, "tune": WARMUP, "chains": CHAINS}
        sample = lambda: nutpie.sample(self.compiled, **options, seed=seed, progress_bar=False)  # noqa: E731
        tree, running = measure(sample)
        found = tree["posterior"].to_dataset()
        names = ("e", "a", "b", "alpha", "beta", "sigma", "more")
        return Measured(quantities(self.table, {name: found[name] for name in names}), running, compiling)


class Blackjax:
    """blackjax's window adaptation and NUTS on the centred model, all chains in one compiled call."""

    def __init__(self, table: Table):
        self.table, self.program = table, None

    def __call__(self, seed: int) -> np.ndarray:
        """Sample; the first call compiles."""
        import jax

        with jax.enable_x64(True):
            keys = jax.random.split(jax.random.key(seed), CHAINS)
            self.program = self.program or jax.jit(lambda keys: jax.lax.map(self._chain, keys))
            draws = jax.block_until_ready(self.program(keys))
        return quantities(self.table, draws)

    def _chain(self, key: Any) -> Any:
        import blackjax
        import jax
        from numpyro.infer.util import initialize_model

        of_start, of_warmup, of_run = jax.random.split(key, 3)
        prepared = initialize_model(of_start, lambda: centred(self.table), validate_grad=False)
        log_density = lambda z: -prepared.potential_fn(z)  # noqa: E731
        warmup = blackjax.window_adaptation(blackjax.nuts, log_density)
        (state, tuned), _ = warmup.run(of_warmup, prepared.param_info.z, num_steps=WARMUP)
        kernel = blackjax.nuts(log_density, **tuned).step

        def step(state: Any, key: Any) -> tuple[Any, Any]:
            state, _ = kernel(key, state)
            return state, prepared.postprocess_fn(state.position)

        return jax.lax.scan(step, state, jax.random.split(of_run, DRAWS))[1]
