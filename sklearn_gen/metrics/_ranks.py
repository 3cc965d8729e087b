"""The Mann-Whitney statistic: area under the ROC curve, its null and its interval."""

from typing import NamedTuple

import numpy as np
from scipy.stats import norm, rankdata


class RankTest(NamedTuple):
    """AUC of scores that should be larger in the first sample."""

    auc: float
    z: float  # standard normal where the samples have one distribution; ties are exact
    p_value: float  # one-sided: small where the first sample has larger scores


def rank_test(first, second):
    """Test whether one sample of scores lies above another (Mann and Whitney).

    The variance under the null is that of random labels on the pooled scores, ties
    included. If all scores are tied nothing can be said: the p-value is 1.
    """
    n, m = len(first), len(second)
    N = n + m
    ranks = rankdata(np.concatenate([first, second]))
    auc = (ranks[:n].sum() - n * (n + 1) / 2) / (n * m)
    # Random labels: n ranks drawn without replacement.
    variance = np.sum((ranks - (N + 1) / 2) ** 2) * m / (n * m**2 * N * (N - 1))
    if variance < 1e-12:
        return RankTest(0.5, 0.0, 1.0)  # all tied
    z = (auc - 0.5) / np.sqrt(variance)
    return RankTest(float(auc), float(z), float(norm.sf(z)))


def auc_interval(first, second, confidence):
    """Confidence interval of an AUC from the variances of its placements (DeLong)."""
    pooled = rankdata(np.concatenate([first, second]))
    n, m = len(first), len(second)
    above = (pooled[:n] - rankdata(first)) / m  # share of `second` below each score
    below = 1.0 - (pooled[n:] - rankdata(second)) / n
    error = np.sqrt(above.var(ddof=1) / n + below.var(ddof=1) / m)
    half = norm.ppf(0.5 + confidence / 2) * error
    auc = above.mean()
    return float(max(0.0, auc - half)), float(min(1.0, auc + half))
