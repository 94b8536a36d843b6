"""Kinds of loss and the conversions between them.

==================  ==========================================================================
``nats``            cross-entropy per token, natural logarithm (the default)
``bits``            cross-entropy per token, base 2; nats = bits × ln 2
``bits_per_byte``   nats per token = bits per byte × bytes per token × ln 2
``perplexity``      nats = ln(perplexity)
``error``           share of wrong answers, between 0 and 1
``accuracy``        1 − error
``signed``          a number of any sign: a difference of losses, a reward, a normalised loss
==================  ==========================================================================

Cross-entropies convert into one another, error and accuracy into each other, and nothing else.
"""

from __future__ import annotations

import math

import numpy as np

from scalaw.errors import ScalawError

ENTROPIES = ("nats", "bits", "bits_per_byte", "perplexity")
SHARES = ("error", "accuracy")
SIGNED = "signed"
LOSS_KINDS = (*ENTROPIES, *SHARES, SIGNED)


def check_kind(kind: str) -> str:
    """Return ``kind`` if it is known, else raise D032."""
    if kind not in LOSS_KINDS:
        raise ScalawError("D032", f"no loss kind '{kind}'", fix=f"use one of {', '.join(LOSS_KINDS)}")
    return kind


def convert_width(
    width: np.ndarray, loss: np.ndarray, kind: str, to: str, bytes_per_token: float | None = None
) -> np.ndarray:
    """A standard error or rounding step of losses of one kind as one of another kind, to first order.

    Parameters
    ----------
    width, loss : float64 array, shape (runs,)
        In units of ``kind``.
    kind, to, bytes_per_token
        As in :func:`convert_loss`.
    """
    if kind not in ENTROPIES or kind == to:
        return width
    converted = convert_loss(loss, kind, to, bytes_per_token)[0]
    # cross-entropies are proportional to each other, and perplexity is the exponential of nats
    slope_in = (
        1.0 / loss if kind == "perplexity" else convert_loss(np.ones(1), kind, "nats", bytes_per_token)[0]
    )
    slope_out = converted if to == "perplexity" else convert_loss(np.ones(1), "nats", to, bytes_per_token)[0]
    return width * slope_in * slope_out


def convert_loss(
    loss: np.ndarray, kind: str, to: str, bytes_per_token: float | None = None
) -> tuple[np.ndarray, str]:
    """Loss of one kind as another kind.

    Parameters
    ----------
    loss : float64 array, shape (runs,)
        In units of ``kind``.
    kind, to : str
        See the table above.
    bytes_per_token : float, optional
        Needed to or from bits per byte.

    Returns
    -------
    loss : float64 array, shape (runs,)
    text : str
        What was done, for the record of conversions; empty when nothing was.

    Raises
    ------
    ScalawError
        D032 for an unknown kind, a pair without a conversion or a missing ``bytes_per_token``.
    """
    if check_kind(kind) == check_kind(to):
        return loss, ""
    if kind in SHARES and to in SHARES:
        return 1.0 - loss, f"loss: {to} = 1 - {kind}"
    if not {kind, to} <= set(ENTROPIES):
        raise ScalawError("D032", f"{kind} cannot be turned into {to}", fix="fit it as it is")
    if "bits_per_byte" in (kind, to) and not (bytes_per_token and 0 < bytes_per_token < math.inf):
        fix = "pass bytes_per_token=…, a property of tokenizer and text, e.g. 4.3"
        raise ScalawError("D032", f"{kind} to {to} needs the bytes per token", fix=fix)
    ratio = float(bytes_per_token or 1.0)
    scale = {"nats": 1.0, "bits": math.log(2.0), "bits_per_byte": ratio * math.log(2.0)}
    words = {"bits": "ln 2", "bits_per_byte": f"{ratio:g} bytes per token x ln 2"}
    nats = np.log(loss) if kind == "perplexity" else loss * scale[kind]
    result = np.exp(nats) if to == "perplexity" else nats / scale[to]
    first = "ln(perplexity)" if kind == "perplexity" else " x ".join(filter(None, (kind, words.get(kind))))
    text = f"exp({first})" if to == "perplexity" else " / ".join(filter(None, (first, words.get(to))))
    return result, f"loss: {to} = {text}"
