"""What learning starts from: rows in an order, and independent columns."""

import numpy as np

from sklearn_gen.rbm._machine import Machine
from sklearn_gen.rbm._units import CATEGORICAL, GAUSSIAN

# An epoch passes over at most so many times the rows, whatever their weights.
_MOST_REPEATS = 1000
_RARE = -2.0


def rows_in_order(X, sample_weight):
    """Rows as often as their weights say, in an order that only their values choose.

    Rows are sorted by a number that equal rows share, and then come as the inverse of
    the weighted distribution function has them at even steps. So weights, repeats and
    orders that mean the same data give the same sequence of values.

    Parameters
    ----------
    X : ndarray of shape (n, P)
        NaN where not observed.
    sample_weight : ndarray of shape (n,) or None
        Positive weights.

    Returns
    -------
    rows : ndarray of shape (N,), int64
        N is the sum of the weights, but at least n.
    """
    direction = np.random.default_rng(0).standard_normal(X.shape[1])
    key = np.empty(len(X))
    for start in range(0, len(X), 1024):
        block = X[start : start + 1024].astype(np.float64)
        block[np.isnan(block)] = -np.pi
        # einsum adds row by row: equal rows have equal sums wherever they are
        key[start : start + 1024] = np.einsum("ij,j->i", block, direction)
    order = np.argsort(key, kind="stable")
    if sample_weight is None:
        return order
    ends = np.cumsum(sample_weight[order])
    n_rows = min(max(round(ends[-1]), len(X)), _MOST_REPEATS * len(X))
    steps = (np.arange(n_rows) + 0.5) * (ends[-1] / n_rows)
    return order[np.minimum(np.searchsorted(ends, steps), len(X) - 1)]


def feature_means(F, rows):
    """Mean of each feature over the rows, and their number where it is observed.

    The same bytes for the same sequence of values, whether by weights or repeats.
    """
    total, count = np.zeros(F.shape[1]), np.zeros(F.shape[1])
    for start in range(0, len(rows), 1024):
        block = F[rows[start : start + 1024]].astype(np.float64)
        total += np.nansum(block, axis=0)
        count += np.sum(~np.isnan(block), axis=0)
    return total / np.maximum(count, 1.0), count


def independent_biases(mean, count, units):
    """Visible biases under which independent columns have these means.

    Half a row of each value is added, so that none is impossible.
    """
    kinds, trials = units.feature_kinds, units.feature_trials
    n_values = np.where(kinds == CATEGORICAL, units.n_levels[units.of_feature], 2.0)
    chance = (mean / trials * count + 0.5) / (count + 0.5 * n_values)
    chance = np.clip(chance, 1e-12, 1.0 - 1e-12)
    log_odds = np.log(chance) - np.where(kinds == CATEGORICAL, 0.0, np.log1p(-chance))
    return np.where(kinds == GAUSSIAN, mean, log_odds)


def first_machine(reference, units, n_hidden, rng, dtype):
    """Independent columns, nearly: hidden units must differ, or all learn the same.

    With weights of 0.01, as is customary, hundreds of steps pass until they do. Hidden
    units of numbers are rare at first: each then finds rows of its own.
    """
    n_features = len(reference)
    weights = rng.normal(0.0, n_features**-0.5, (n_hidden, n_features))
    rare = (units.kinds == GAUSSIAN).any()
    hidden = np.full(n_hidden, _RARE if rare else 0.0)
    parts = weights, reference, hidden, np.ones(n_features)
    return Machine(*(part.astype(dtype) for part in parts))
