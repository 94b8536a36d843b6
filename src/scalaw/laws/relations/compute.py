"""Parameters and FLOP of dense transformers, counted in the ways that papers count them.

N in a law means one of these counts, and coefficients found with one are wrong with another: say which. ``d`` is the
width of the model.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scalaw.data.units import FLOP_PER_PF_DAY as PF_DAY


class DeepSeekCounts(NamedTuple):
    """Non-embedding parameters, all parameters with tied embeddings, and non-embedding FLOP per token."""

    nonembedding: Any
    total: Any
    flops_per_token: Any


def training_flops(N: Any, D: Any, per_parameter: float = 6.0) -> Any:
    """FLOP of training N parameters on D tokens: two forward and four backward per parameter and token."""
    return per_parameter * np.asarray(N, float) * np.asarray(D, float)


def inference_flops(N: Any, tokens: Any) -> Any:
    """FLOP of a forward pass over so many tokens, attention over the context left out."""
    return 2.0 * np.asarray(N, float) * np.asarray(tokens, float)


def pf_days(C: Any) -> Any:
    """PF-days of 8.64e19 FLOP, Kaplan's unit of compute (arXiv:2001.08361)."""
    return np.asarray(C, float) / PF_DAY


def tokens_per_parameter(N: Any, D: Any) -> Any:
    """Training tokens per parameter."""
    return np.asarray(D, float) / np.asarray(N, float)


def nonembedding_parameters(n_layer: Any, d: Any) -> Any:
    """Parameters of attention and of a feed-forward part four times as wide: 12 per layer and squared width."""
    return 12.0 * np.asarray(n_layer, float) * np.asarray(d, float) ** 2


def embedding_parameters(vocabulary: Any, d: Any, tied: bool = True) -> Any:
    """Parameters of the embedding, and of the output head where it is one of its own."""
    return (1.0 if tied else 2.0) * np.asarray(vocabulary, float) * np.asarray(d, float)


def deepseek_parameters(n_layer: Any, d: Any, vocabulary: Any, context: Any) -> DeepSeekCounts:
    """Counts of arXiv:2401.02954: ``6 N1``, ``6 N2`` and M, the FLOP per token with attention."""
    layers = nonembedding_parameters(n_layer, d)
    attention = 12.0 * np.asarray(n_layer, float) * np.asarray(d, float) * np.asarray(context, float)
    return DeepSeekCounts(layers, layers + embedding_parameters(vocabulary, d), 6.0 * layers + attention)


def granular_flops(N: Any, D: Any, G: Any, experts: float = 64.0) -> Any:
    """FLOP of training a mixture of so many experts, each cut into G finer ones (arXiv:2402.07871, second-hand).

    ``(12 d**2 6 + d E G 14) D n_blocks``: routing costs 14 per token, width and finer expert. A model of N active
    parameters has ``N = 12 d**2 n_blocks`` and 64 of width per block.
    """
    n_blocks = np.cbrt(np.asarray(N, float) / (12.0 * 64.0**2))
    d = 64.0 * n_blocks
    return (72.0 * d**2 + 14.0 * d * experts * np.asarray(G, float)) * np.asarray(D, float) * n_blocks
