"""Small relations that are no laws to fit: counts, budgets, prices, sampling. Plain functions of NumPy, with units."""

from scalaw.laws.relations.allocation import (
    chinchilla_allocation,
    fixed_ratio,
    kaplan_allocation,
    nonembedding_frontier,
    step_law,
)
from scalaw.laws.relations.batch import batch_noise_scale, batch_overhead, gradient_moments
from scalaw.laws.relations.components import Components, principal_components
from scalaw.laws.relations.compute import (
    PF_DAY,
    deepseek_parameters,
    embedding_parameters,
    granular_flops,
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
from scalaw.laws.relations.emergence import METRICS_2023, WEI_2022
from scalaw.laws.relations.filtering import pooled_error
from scalaw.laws.relations.sampling import (
    accepted_is_correct,
    best_of_n_kl,
    majority_vote,
    pass_at_k,
    plurality_vote,
    resolution,
    sampling_exchange,
    token_edit_distance,
)
from scalaw.laws.relations.tasks import exponent_of_dimension, over_optimised, quanta_tail, regime
from scalaw.laws.relations.vocabulary import (
    best_vocabulary,
    compute_of_outside,
    vocabulary_by_derivative,
    vocabulary_of_compute,
)

__all__ = [
    "METRICS_2023",
    "PF_DAY",
    "WEI_2022",
    "Components",
    "accepted_is_correct",
    "batch_noise_scale",
    "batch_overhead",
    "best_of_n_kl",
    "best_vocabulary",
    "break_even_tokens",
    "chinchilla_allocation",
    "compute_of_outside",
    "deepseek_parameters",
    "doubling_time",
    "embedding_parameters",
    "exhaustion_year",
    "exponent_of_dimension",
    "fixed_ratio",
    "gradient_moments",
    "granular_flops",
    "inference_flops",
    "kaplan_allocation",
    "lifetime_tokens",
    "majority_vote",
    "nonembedding_frontier",
    "nonembedding_parameters",
    "over_optimised",
    "pass_at_k",
    "pf_days",
    "plurality_vote",
    "pooled_error",
    "principal_components",
    "quanta_tail",
    "regime",
    "resolution",
    "sampling_exchange",
    "step_law",
    "token_edit_distance",
    "token_latency",
    "tokens_per_parameter",
    "training_flops",
    "vocabulary_by_derivative",
    "vocabulary_of_compute",
]
