"""Means and variances of columns, weighted, cells missing or not."""

import numpy as np

_BLOCK_CELLS = 2**15  # looked at together, in the cache
_FOLD = 32


def column_variances(X, sample_weight):
    """Weighted variance of the observed cells of each column, (D,), in float64."""
    mean = column_means(X, sample_weight)
    variances = _weighted_mean(X, sample_weight, mean, 2)
    # Rounding leaves a constant column with about (eps * value)^2.
    noise = (4 * np.finfo(X.dtype).eps * mean) ** 2
    return np.where(variances <= noise, 0.0, variances)


def column_means(X, sample_weight):
    """Weighted mean of the observed cells of each column, (D,), in float64."""
    shift = np.nan_to_num(X[0]).astype(np.float64)
    return shift + _weighted_mean(X, sample_weight, shift, 1)


def _weighted_mean(X, sample_weight, center, power):
    """Weighted mean of (X - center) ** power over the observed cells."""
    n_features = X.shape[1]
    total, weight = np.zeros(n_features), np.zeros(n_features)
    size = max(1, _BLOCK_CELLS // n_features // _FOLD) * _FOLD
    for start in range(0, len(X), size):
        rows = X[start : start + size]
        if sample_weight is None:
            # Side by side, rows make inner loops that are long enough for NumPy.
            fold = _FOLD if len(rows) % _FOLD == 0 else 1
            rows, w = rows.reshape(len(rows) // fold, -1), np.ones(len(rows) // fold)
        else:
            fold, w = 1, sample_weight[start : start + size]
        deviations = rows - np.tile(center, fold)
        missing = np.isnan(deviations)
        if missing.any():
            deviations[missing] = 0.0
            observed = np.einsum("i,ij->j", w, ~missing)
            weight += observed.reshape(fold, n_features).sum(axis=0)
        else:
            weight += fold * w.sum()
        if power == 2:
            deviations *= deviations
        sums = np.einsum("i,ij->j", w, deviations)
        total += sums.reshape(fold, n_features).sum(axis=0)
    return total / np.maximum(weight, np.finfo(float).tiny)
