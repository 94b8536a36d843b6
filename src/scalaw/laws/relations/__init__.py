"""Small relations that are no laws to fit: counts, budgets, prices, sampling. Plain functions of NumPy, with units."""

from scalaw.laws.relations.batch import (
    batch_noise_scale,
    batch_overhead,
    gradient_moments,
    kaplan_allocation,
)
from scalaw.laws.relations.compute import (
    PF_DAY,
    deepseek_parameters,
    embedding_parameters,
    inference_flops,
    nonembedding_parameters,
    pf_days,
    tokens_per_parameter,
    training_flops,
)
from scalaw.laws.relations.economics import (
    break_even_tokens,
    doubling_time,
    exhaustion_year,
    lifetime_tokens,
    token_latency,
)
from scalaw.laws.relations.sampling import (
    accepted_is_correct,
    best_of_n_kl,
    majority_vote,
    pass_at_k,
    resolution,
    sampling_exchange,
    token_edit_distance,
)

__all__ = [
    "PF_DAY",
    "accepted_is_correct",
    "batch_noise_scale",
    "batch_overhead",
    "best_of_n_kl",
    "break_even_tokens",
    "deepseek_parameters",
    "doubling_time",
    "embedding_parameters",
    "exhaustion_year",
    "gradient_moments",
    "inference_flops",
    "kaplan_allocation",
    "lifetime_tokens",
    "majority_vote",
    "nonembedding_parameters",
    "pass_at_k",
    "pf_days",
    "resolution",
    "sampling_exchange",
    "token_edit_distance",
    "token_latency",
    "tokens_per_parameter",
    "training_flops",
]
