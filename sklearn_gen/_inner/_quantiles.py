"""Quantiles of weighted scores."""

import numpy as np


def weighted_quantile(values, q, sample_weight=None):
    """Compute the q-quantile of weighted values.

    At a step of the distribution function it is the midpoint of the two values, so
    that the weight strictly below it is the largest that does not exceed q (ties
    apart). Integer weights equal repeated values; zero weights equal dropped ones.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
        Not NaN; -inf is allowed.
    q : float
        Between 0 and 1, both excluded.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Non-negative, with a positive sum.

    Returns
    -------
    quantile : float
        In the unit of `values`.
    """
    values, _, cumulated = sorted_weights(values, sample_weight)
    # q times the sum is a few roundings off the step that is meant: 0.1 * 30 > 3.
    slack = 4 * np.finfo(np.float64).eps * len(values) * cumulated[-1]
    target = q * cumulated[-1]
    k = int(np.searchsorted(cumulated, target - slack))
    at_step = abs(cumulated[k] - target) <= slack and k + 1 < len(values)
    if not at_step:
        return float(values[k])
    if not np.isfinite(values[k]):
        return float(values[k + 1])
    return float(values[k] + 0.5 * (values[k + 1] - values[k]))


def sorted_weights(values, sample_weight):
    """Values of positive weight in order, their weights, and those cumulated."""
    if sample_weight is None:
        sample_weight = np.ones(len(values))
    order = np.argsort(values, kind="stable")
    order = order[sample_weight[order] > 0]
    weight = sample_weight[order]
    return values[order], weight, np.cumsum(weight)
