"""Real runs, each fitted by its own law: the verdict, and how far the runs lie from it.

The tables are those in the folder that ``SCALAW_DATA`` names; a table that is not there gets a row that says so.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

import scalaw as sl
from benchmarks.harness import Row, measure

TITLE = "Real runs, each by its own law"
#: Draws over which a law is averaged.
DRAWS = 400


class Case(NamedTuple):
    """A table, which of its rows, its columns by the law's covariates, and the law."""

    name: str
    file: str
    chosen: Callable[[pd.DataFrame], pd.DataFrame]
    columns: dict[str, str]
    law: str


def _best(table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The run of least loss of every setting: learning rate and batch are searched over."""
    return table.loc[table.groupby(by)["loss"].idxmin()]


CASES = (
    Case(
        "datablations",
        "datablations.csv",
        lambda t: t[t["in_published_fit_182"]],
        {"N": "params", "D": "tokens", "U": "unique_tokens"},
        "data_constrained",
    ),
    Case(
        "gadre, C4",
        "gadre_loss.csv",
        lambda t: t[(t["train_dataset"] == "c4_original") & t["eval_data"].str.contains("/c4_val/")],
        {"C": "flops_6nd", "M": "tokens_per_param_multiplier"},
        "overtraining_gadre",
    ),
    *(
        Case(
            f"clark, {router}",
            "clark_routing.csv",
            lambda t, router=router: t[
                (t["step"] == 249_000) & (t["router_type"] == router) & (t["k"] == 1) & t["loss"].notna()
            ],
            {"N": "params", "E": "num_experts"},
            "moe_clark",
        )
        for router in ("S-Base", "RL-R", "Hash")
    ),
    Case("llama3 isoflop", "llama3_isoflop.csv", lambda t: t, {"N": "params", "D": "tokens"}, "chinchilla"),
    Case(
        "step law, experts",
        "steplaw_moe.csv",
        lambda t: _best(t, ["active_params", "tokens", "n_experts"]),
        {"N": "active_params", "D": "tokens", "E": "n_experts"},
        "moe_joint",
    ),
    *(
        Case(
            f"xlstm isoflop, {architecture}",
            "xlstm_isoflop.csv",
            lambda t, architecture=architecture: t[
                (t["architecture"] == architecture)
                & (t["context_length"] == 16_384)
                & t["complete"]
                & (t["loss"] < 7)
            ],
            {"N": "params", "D": "tokens"},
            "chinchilla",
        )
        for architecture in ("llama", "mlstm")
    ),
    *(
        Case(
            name,
            "nonmonotone_curves.csv",
            lambda t, curve=curve: t[t["curve"] == curve].drop_duplicates("x").rename(columns={"y": "loss"}),
            {"x": "x"},
            law,
        )
        for name, curve, law in (
            ("double descent", "cifar10-mcnn-p20-sgd", "double_descent"),
            ("4-digit addition", "bnsl_4digit_addition", "bnsl"),
        )
    ),
    Case(
        "mixtures of three, Github",
        "mixing_laws.csv",
        lambda t: t[
            (t["experiment"] == "3Mix")
            & (t["model"] == "410M")
            & (t["step"] == 60_000)
            & (t["valid_domain"] == "Github")
        ],
        {"r[Github]": "p0", "r[Books3]": "p1", "r[Pile-CC]": "p2"},
        "data_mixing_ye[domains=3]",
    ),
)


def rows(quick: bool) -> Iterator[Row]:
    """One row, a table of all fits."""
    folder = Path(os.environ.get("SCALAW_DATA") or Path(__file__).parents[2] / "shared" / "data")
    if not folder.is_dir():
        yield Row("real_runs", TITLE, "the run tables are not here: set SCALAW_DATA")
        return
    yield Row("real_runs", TITLE, table=[fitted(case, folder) for case in CASES[: 1 if quick else None]])


def fitted(case: Case, folder: Path) -> dict[str, Any]:
    """Fit one table and look at it."""
    table = case.chosen(pd.read_csv(folder / case.file))
    given = {name: table[column].to_numpy(float) for name, column in case.columns.items()}
    runs = sl.Runs(pd.DataFrame({**given, "loss": table["loss"].to_numpy(float)}))
    fit, seconds = measure(lambda: sl.fit(runs, case.law, method="auto"))
    off = np.log(table["loss"].to_numpy(float)) - np.log(at_draws(fit))
    return {
        "runs": case.name,
        "law": case.law,
        "rows": len(runs),
        "verdict": fit.verdict.level,
        "method": fit.recipe["method"],
        "residual sd, %": 100 * float(np.std(off)),
        "residual median of size, %": 100 * float(np.median(np.abs(off))),
        "wall s": seconds.wall,
        "first reason": (fit.verdict.reasons or ("",))[0].replace("|", "/"),
    }


def at_draws(fit: Any) -> np.ndarray:
    """The law at the runs, mean over draws, shape (rows,)."""
    law = fit.model.law
    chosen = slice(None, None, max(1, fit.draws("sigma").size // DRAWS))
    values = {p.name: fit.draws(p.name)[chosen][:, None] for p in law.free}
    return np.mean(law(**fit.scenario.covariates, **values), axis=0)
