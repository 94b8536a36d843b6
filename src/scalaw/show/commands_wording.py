"""Advice for the shell: errors speak of Python arguments, the command line has options.

``missing='drop'`` becomes ``--missing drop``, ``columns={'D': 'tokens'}`` becomes ``--column D=tokens``.
"""

from __future__ import annotations

import re

_SWITCHES = ("dedupe", "allow_prior_dominated")
_PLAIN = (
    "x",
    "sep",
    "decimal",
    "encoding",
    "missing",
    "loss_kind",
    "convert_to",
    "convention",
    "flops",
    "metric",
    "method",
    "noise",
    "kind",
    "by",
)
_MAPPED = {"columns": "column", "units": "units", "priors": "prior"}


def in_shell(text: str) -> str:
    """Same sentence with Python arguments written as options of the command line."""

    def mapped(match: re.Match[str]) -> str:
        return f"--{_MAPPED[match[1]]} {match[2]}={_quoted(match[3])}"

    def valued(match: re.Match[str]) -> str:
        return f"--{match[1].replace('_', '-')} {_quoted(match[2])}"

    text = re.sub(r" \(on the command line [^)]*\)", "", text)  # said in full below
    text = re.sub(rf"\b({'|'.join(_MAPPED)})=\{{'([^']+)': ?'([^']+)'\}}", mapped, text)
    text = re.sub(r"\bna_values=\['([^']+)'\]", r"--na-values '\1'", text)
    text = re.sub(rf"\b({'|'.join(_PLAIN)}|units)='([^']*)'", valued, text)
    text = re.sub(rf"\b({'|'.join(_SWITCHES)})=True", lambda m: f"--{m[1].replace('_', '-')}", text)
    return re.sub(r"\bbytes_per_token=", "--bytes-per-token ", text)


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w%…-][\w.,%…-]*", value) else f"'{value}'"
