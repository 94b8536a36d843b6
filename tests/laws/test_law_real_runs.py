"""Published coefficients describe the runs that they were fitted to."""

import numpy as np
import pandas as pd
import pytest
from helpers import value

pytestmark = pytest.mark.data


def residual(law, key, loss, **at):
    """Log of the law over the losses."""
    return np.log(value(law, key, **at)) - np.log(loss)


@pytest.mark.acceptance(31)
def test_repeated_data_reproduce_the_published_objective(data_folder):
    """The summed Huber loss (1e-3) of 182 runs at the coefficients of arXiv:2305.16264."""
    runs = pd.read_csv(data_folder / "datablations.csv")
    runs = runs[runs["in_published_fit_182"]]
    at = {
        "N": runs["params"].to_numpy(),
        "D": runs["tokens"].to_numpy(),
        "U": runs["unique_tokens"].to_numpy(),
    }
    off = np.abs(residual("data_constrained", "muennighoff_2023", runs["loss"].to_numpy(), **at))
    objective = np.sum(np.where(off <= 1e-3, 0.5 * off**2, 1e-3 * (off - 5e-4)))
    assert len(runs) == 182
    assert objective == pytest.approx(0.015825935, rel=1e-6)


@pytest.mark.acceptance(26)
@pytest.mark.parametrize(("router", "key"), [("S-Base", "s_base"), ("RL-R", "rl_r"), ("Hash", "hash")])
def test_routed_models_lie_near_their_law(data_folder, router, key):
    """Last losses of one expert per token: 2 % in the middle and scattered by 2 % (arXiv:2202.01169)."""
    runs = pd.read_csv(data_folder / "clark_routing.csv")
    runs = runs[(runs["step"] == 249_000) & (runs["router_type"] == router) & (runs["k"] == 1)].dropna(
        subset=["loss"]
    )
    at = {"N": runs["params"].to_numpy(), "E": runs["num_experts"].to_numpy(float)}
    off = residual("moe_clark", f"clark_2022_{key}", runs["loss"].to_numpy(), **at)
    assert len(runs) > 50
    assert abs(np.median(off)) < 0.02
    assert np.std(off) < 0.02


@pytest.mark.acceptance(14)
@pytest.mark.parametrize(
    ("trained_on", "key"), [("c4_original", "c4"), ("rpj", "redpajama"), ("rw_original", "refinedweb")]
)
def test_over_trained_models_lie_near_their_law(data_folder, trained_on, key):
    """Losses on C4 of models with 5 to 640 tokens per parameter: 1 % in the middle (arXiv:2403.08540)."""
    runs = pd.read_csv(data_folder / "gadre_loss.csv")
    runs = runs[(runs["train_dataset"] == trained_on) & runs["eval_data"].str.contains("/c4_val/")]
    at = {"C": runs["flops_6nd"].to_numpy(float), "M": runs["tokens_per_param_multiplier"].to_numpy()}
    off = residual("overtraining_gadre", f"gadre_2024_{key}", runs["loss"].to_numpy(), **at)
    assert len(runs) >= 34
    assert abs(np.median(off)) < 0.01
    assert np.std(off) < 0.04
