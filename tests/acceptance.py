"""What must work: 47 claims about scaling and systems built on them, and the laws and relations that each concerns.

A test shows a row when it carries the mark ``acceptance(row)``; a single parameter may carry it too. ``waits`` is said
of a row, or of the part of one, that no test shows yet, and why. ``make acceptance`` writes the list of rows and their
tests to ``docs/acceptance.md``; :mod:`test_acceptance` holds the list, the table and the marks against each other.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """A claim in one line, registered laws, names of ``scalaw.laws.relations``, and what is not shown yet."""

    claim: str
    laws: tuple[str, ...] = ()
    relations: tuple[str, ...] = ()
    waits: str = ""


ROWS: dict[int, Row] = {
    1: Row(
        "Loss falls with parameters to the power 0.076; the exponent is found again in simulated runs",
        ("kaplan_l_n", "power_law"),
    ),
    2: Row(
        "Loss falls with tokens to the power 0.095; the exponent is found again in simulated runs",
        ("kaplan_l_d",),
    ),
    3: Row(
        "Loss falls with least compute to the power 0.050; FLOP and PF-days cannot be mixed up",
        ("kaplan_l_cmin", "kaplan_l_c"),
        ("pf_days", "PF_DAY"),
    ),
    4: Row(
        "Kaplan's joint law has both limits and is not the sum of two power laws, which warns of it",
        ("kaplan_l_nd", "kaplan_additive"),
    ),
    5: Row(
        "The critical batch doubles for every 13 % off the loss; two batches tell the noise scale of gradients",
        ("kaplan_b_crit", "steps_to_loss"),
        ("batch_overhead", "gradient_moments", "batch_noise_scale"),
    ),
    6: Row(
        "Kaplan's allocation: ten times the compute is 5.37 times the parameters and 1.86 times the tokens",
        ("optimal_allocation",),
        ("kaplan_allocation",),
    ),
    7: Row(
        "Larger models need fewer steps to a loss; efficient training stops a tenth above the converged loss",
        ("kaplan_l_ns",),
    ),
    8: Row(
        "The shape of a model at a fixed size matters little",
        ("architecture_shift",),
    ),
    9: Row(
        "The compute optimum of Chinchilla in closed form, and twenty tokens per parameter",
        ("chinchilla",),
        ("chinchilla_allocation", "fixed_ratio"),
        "the interval of an optimum as an answer of its own needs the search for compute-optimal plans",
    ),
    10: Row("The 240 digitised Chinchilla runs give their published coefficients", ("chinchilla",)),
    11: Row(
        "Three ways to the compute optimum agree, up to a known bias of the parabolas",
        ("chinchilla",),
        ("chinchilla_allocation",),
        "the envelope of training curves and the parabolas through one budget need the search for "
        "compute-optimal plans",
    ),
    12: Row("A recipe that forgets the six of C = 6 N D is told that it spends six budgets", ()),
    13: Row(
        "Models that serve many tokens should be smaller than the compute optimum",
        (),
        ("break_even_tokens", "inference_flops"),
        "the cheapest size for a loss and a number of served tokens needs the search for the cheapest plan",
    ),
    14: Row(
        "Over-training is Chinchilla in tokens per parameter, its lines are parallel, and error follows from loss",
        ("overtraining_gadre", "loss_to_error_gadre"),
    ),
    15: Row(
        "Whether loss falls for ever with the log of tokens or levels off is a comparison with an error",
        ("power_law_offset", "optimal_allocation"),
    ),
    16: Row(
        "Test-time compute: coverage, votes and verifiers from counts; three points are no law",
        ("coverage_power", "coverage_betabinomial", "log_linear_accuracy"),
        ("pass_at_k", "majority_vote", "plurality_vote", "accepted_is_correct"),
    ),
    17: Row("Samples can be exchanged for a larger model at the same FLOP", (), ("sampling_exchange",)),
    18: Row(
        "An exact match jumps where the edit distance of the same answers is smooth",
        ("exact_match", "emergence_threshold"),
        ("token_edit_distance", "resolution"),
    ),
    19: Row("Thresholds of abilities in compute", ("emergence_threshold",), ("WEI_2022",)),
    20: Row("At most 5 of 39 metrics show emergence", (), ("METRICS_2023",)),
    21: Row(
        "Broken power laws extrapolate four-digit addition better than a power law",
        ("bnsl", "power_law_offset"),
    ),
    22: Row("A broken power law draws one valley, one peak and a second descent", ("double_descent", "bnsl")),
    23: Row(
        "Variance-limited gaps fall like 1/x, resolution-limited losses by the dimension of the data",
        ("variance_limited", "resolution_limited"),
        ("exponent_of_dimension",),
    ),
    24: Row("Neither regime holds where parameters and data are of one size", (), ("regime",)),
    25: Row(
        "A sigmoidal learning curve is extrapolated better by a law with a chance level",
        ("m1", "m2", "m3", "m4"),
    ),
    26: Row(
        "Mixtures of experts: about seven active ones, laws of dense models as a limit, finer experts at scale",
        ("moe_comprehensive", "moe_finegrained", "moe_joint", "moe_clark", "moe_sparsity_abnar"),
        ("granular_flops",),
    ),
    27: Row(
        "The gap that no pre-training closes is found again; transfer is worth hundreds of times the data",
        ("barnett_transfer", "hernandez_transfer"),
    ),
    28: Row(
        "Fine-tuning: the log law of scores, and misaligned data that no such law describes",
        ("isik_downstream", "finetune_joint_zhang"),
    ),
    29: Row(
        "The more compute, the more of the lesser data belongs in the pool",
        ("data_filtering_utility",),
        ("pooled_error",),
    ),
    30: Row(
        "Whether less but better data beat more and noisier data is a probability",
        ("quality_multiplier",),
    ),
    31: Row("Up to four epochs are nearly free, forty worth little", ("data_constrained",)),
    32: Row(
        "The best mixture of data is found on the simplex; in the additive law it is the same at every scale",
        ("data_mixing_ye", "data_mixing_shukor"),
        (),
        "a law whose best mixture moves with scale: its form was not published in full",
    ),
    33: Row("Subtasks learned in order leave a power law", (), ("quanta_tail",)),
    34: Row(
        "Latency grows like the root of the size; serving three times the training tokens doubles the cost",
        ("inference_latency",),
        ("token_latency", "break_even_tokens", "lifetime_tokens"),
    ),
    35: Row(
        "Sparse autoencoders have scaling laws of their own",
        ("sae_scaling", "power_law_offset"),
        (),
        "parabolas through one budget of latents and steps need the search for compute-optimal plans",
    ),
    36: Row(
        "Another tokenizer, another exponent of the optimal size",
        ("chinchilla",),
        ("chinchilla_allocation",),
        "fits in which groups of runs share part of their parameters need pooling",
    ),
    37: Row(
        "Two modalities help each other once gain exceeds competition",
        ("mixed_modal", "henighan_autoregressive"),
    ),
    38: Row(
        "Reinforcement learning follows a sigmoid in compute; rewards can be over-optimised",
        ("rl_sigmoid", "overoptimised_best_of_n", "overoptimised_rl"),
        ("best_of_n_kl", "over_optimised"),
    ),
    39: Row(
        "The stock of text runs out, in a year that has an interval",
        ("data_constrained",),
        ("exhaustion_year",),
    ),
    40: Row(
        "Another architecture, precision or vocabulary shifts the curve",
        ("architecture_shift", "precision_kumar", "delta_ptq", "vocabulary_tao"),
        ("deepseek_parameters", "best_vocabulary", "vocabulary_of_compute", "vocabulary_by_derivative"),
    ),
    41: Row(
        "Large runs are forecast from small ones: intervals hold what was held out",
        ("chinchilla", "power_law_offset"),
        (),
        "intervals that leave room for the law's own error: on real runs those of the parameters alone are too narrow",
    ),
    42: Row(
        "Training longer pays, and a decaying learning rate pays more",
        ("kaplan_l_ns", "lr_annealing_tissue", "lr_multipower"),
    ),
    43: Row(
        "Accuracy follows from loss up to a ceiling that must be seen to be known; both stages' errors add up",
        ("downstream_sigmoid", "log_linear", "observational_sigmoid"),
        ("principal_components",),
    ),
    44: Row(
        "Algorithms halve the compute for a loss every nine months; only the total rate is identified",
        ("algorithmic_progress",),
        ("doubling_time",),
        "a fit does not say by itself which combination of its parameters is identified",
    ),
    45: Row(
        "Synthetic data and state-space models have no settled law",
        waits="no law was published to hold a test against",
    ),
    46: Row(
        "A student lies between its teacher and what it reaches alone",
        ("supervised_busbridge", "distillation_busbridge", "overtraining_gadre"),
    ),
    47: Row("FLOP and tokens per parameter of known models", (), ("training_flops", "tokens_per_parameter")),
}
