"""Principal components of a table of benchmark scores: the few directions in which models differ."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from scalaw.errors import ScalawError


class Components(NamedTuple):
    """Principal components of a table of scores.

    ``scores`` (models, k), ``loadings`` (k, benchmarks) of unit length, ``centre`` (benchmarks,) and ``share`` (k,) of
    the variance.
    """

    scores: np.ndarray
    loadings: np.ndarray
    centre: np.ndarray
    share: np.ndarray

    def of(self, table: Any) -> np.ndarray:
        """Components (models, k) of other models, by the same centre and loadings."""
        return (np.asarray(table, float) - self.centre) @ self.loadings.T


def principal_components(table: Any, k: int = 3) -> Components:
    """First components of scores of models (rows) on benchmarks (columns), as in arXiv:2405.10938.

    The sign of a component is free; here its first loading is above zero, and its length is one.

    Parameters
    ----------
    table : array, shape (models, benchmarks)
        Scores, or their log odds.
    k : int
        Components, at most as many as there are benchmarks and one fewer than models.

    Raises
    ------
    ScalawError
        D021 for scores that are missing or infinite, D063 for a table too small.
    """
    table = np.asarray(table, float)
    if table.ndim != 2 or not 1 <= k <= min(table.shape[0] - 1, table.shape[1]):
        what = f"a table of shape {table.shape} has no {k} components"
        raise ScalawError("D063", what, "scores", fix="give more models and benchmarks, or ask for fewer")
    if not np.isfinite(table).all():
        row, column = np.argwhere(~np.isfinite(table))[0]
        what = f"the score of model {row + 1} on benchmark {column + 1} is missing or infinite"
        raise ScalawError("D021", what, "scores", fix="leave that model or that benchmark out")
    centre = table.mean(axis=0)
    _, spread, loadings = np.linalg.svd(table - centre, full_matrices=False)
    first = loadings[:k, 0]
    loadings = loadings[:k] * np.where(first < 0, -1.0, 1.0)[:, None]
    share = spread[:k] ** 2 / np.sum(spread**2)
    return Components((table - centre) @ loadings.T, loadings, centre, share)
