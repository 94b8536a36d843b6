"""Pools of filtered data: what several buckets of samples give together (the authors' code of Goyal et al., CVPR 2024).

Buckets are ranked by quality and a pool takes the best of them. A larger pool has lesser samples and repeats each less
often; so the best number of buckets grows with compute.
"""

from __future__ import annotations

from typing import Any

import numpy as np

#: Samples that ``a`` counts by.
SAMPLES = 1e5


def pooled_error(n: float, per_bucket: float, b: Any, tau: Any, *, a: float, d: float) -> float:
    """Error after n samples seen of a pool of buckets.

    In epoch j over the pool the exponent is the mean of ``b_i 2**(-(j - 1) / (p tau_i))`` over its p buckets: a sample
    of a larger pool is seen less often, so its use lasts p times as long. With one bucket this is the law
    ``data_filtering_utility``.

    Parameters
    ----------
    n : float
        Samples seen, repeats counted.
    per_bucket : float
        Samples in each bucket.
    b, tau : array, shape (buckets,)
        Use of a sample seen once (positive) and epochs after which half of it is left, of every bucket in the pool.
    a, d : float
        Scale of the first epoch and floor of the error.
    """
    b, tau = np.atleast_1d(np.asarray(b, float)), np.atleast_1d(np.asarray(tau, float))
    pool = per_bucket * len(b)
    epoch = np.arange(1, max(int(np.ceil(n / pool)), 1) + 1)
    seen = np.minimum(epoch * pool, n)
    use = np.mean(b[:, None] * 0.5 ** ((epoch - 1) / (len(b) * tau[:, None])), axis=0)
    grown = np.log(np.concatenate([[a * seen[0] / SAMPLES], seen[1:] / seen[:-1]]))
    return float(np.exp(-use @ grown) + d)
