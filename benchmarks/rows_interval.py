"""A 90 % interval of the loss of a larger model: ours against the bootstrap of simple-scaling-laws."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping

import numpy as np

from benchmarks import ours
from benchmarks.harness import ROUNDS, Row, Task, compare, installed, interleave, missing, version
from benchmarks.tables import Table, chinchilla_runs

AT = {"N": 70e9, "D": 1.4e12}
ENDS = (0.05, 0.95)
DRAWS = 1000
TITLE = "90 % interval of the loss at N = 70B, D = 1.4T from 245 runs"


def rows(quick: bool) -> Iterator[Row]:
    """Rows of intervals: by our posterior, and by our bootstrap of as many replicates as the peer draws."""
    if not installed("simple_scaling_laws"):
        for name in ("posterior", "bootstrap"):
            yield missing(f"interval_{name}", TITLE, "simple_scaling_laws")
        return
    table, rounds, draws = chinchilla_runs(), 1 if quick else ROUNDS, 50 if quick else DRAWS
    one = ours.scenario(table)

    def by_posterior(turn: int) -> list[float]:
        return interval(*ours.draws_of(ours.posterior([one], turn)[0]))

    def by_bootstrap(turn: int) -> list[float]:
        mode = ours.modes([one], turn)[0]
        return interval(ours.in_paper_units(one, ours.bootstrap(one, mode, draws, turn)), None)

    what = f"{version('simple_scaling_laws')}, {draws} draws"
    times = interleave(
        {
            "posterior": Task("posterior", by_posterior, rounds),
            "bootstrap": Task(f"mode and {draws} replicates", by_bootstrap, rounds),
            "peer": Task(what, lambda turn: simple_scaling_laws(table, draws, turn), rounds, first=False),
        }
    )
    theirs = np.median(times["peer"].values, axis=0).tolist()
    said = "the peer fits by least squares, which outliers pull at; ours has a Student-t noise"
    for name in ("posterior", "bootstrap"):
        check = {"interval_ours": np.median(times[name].values, axis=0).tolist(), "interval_peer": theirs}
        yield compare(f"interval_{name}", TITLE, times[name], times["peer"], check=check, notes=(said,))


def interval(values: Mapping[str, np.ndarray], log_weight: np.ndarray | None) -> list[float]:
    """Ends of the interval of the law's curve from (weighted) draws in the paper's units."""
    loss = values["E"] + values["A"] / AT["N"] ** values["alpha"] + values["B"] / AT["D"] ** values["beta"]
    weight = None if log_weight is None else np.exp(log_weight - log_weight.max()).ravel()
    return np.quantile(loss.ravel(), ENDS, method="inverted_cdf", weights=weight).tolist()


def simple_scaling_laws(table: Table, draws: int, seed: int) -> list[float]:
    """Interval of the expected loss by the package's wild bootstrap."""
    import polars as pl
    from simple_scaling_laws import fit

    frame = pl.DataFrame(
        {
            "training_run_id": [f"run {i}" for i in range(len(table.loss))],
            "model_size__n_params": table.at["N"],
            "dataset_size__n_tokens": table.at["D"],
            "test_loss__nats": table.loss,
        }
    )
    point = {"model_size__n_params": [AT["N"]], "dataset_size__n_tokens": [AT["D"]]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the point lies beyond the runs
        found = fit(frame, n_draws=draws, seed=seed).predict(point, quantiles=ENDS)
    columns = [name for name in found.columns if name.startswith("test_loss__nats__")]
    return [float(found[name][0]) for name in columns]
