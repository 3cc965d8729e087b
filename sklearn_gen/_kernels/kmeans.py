"""Lloyd's step and the distances of k-means++ seeding."""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import kernel

BLOCK = 256


class Lloyd(NamedTuple):
    """Sums of one assignment of n rows to K centers; see :func:`lloyd`."""

    inertia: float  # sum of w_i |x_i - nearest center|^2
    counts: np.ndarray  # (K,) sum of w_i
    sums: np.ndarray  # (K, d) sum of w_i (x_i - center)
    labels: np.ndarray  # (n,) int32, the nearest center, the first of equal ones
    distances: np.ndarray  # (n,) squared distance to it


@kernel
def lloyd(X, sample_weight, centers):
    """Assign rows to their nearest center and sum them about it.

    Parameters
    ----------
    X : array of shape (n, d)
    sample_weight : array of shape (n,) or (0,)
        Empty means that every row has weight 1.
    centers : array of shape (K, d)

    Returns
    -------
    Lloyd
        ``inertia``, ``counts`` and ``sums`` in float64, ``distances`` in X's dtype.
    """
    n, d = X.shape
    K = len(centers)
    zero = X.dtype.type(0.0)
    infinity = X.dtype.type(np.inf)
    inertia = 0.0
    counts, sums = np.zeros(K), np.zeros((K, d))
    labels, distances = np.empty(n, np.int32), np.empty(n, X.dtype)
    rows = np.empty((d, BLOCK), X.dtype)
    squared, nearest = np.empty(BLOCK, X.dtype), np.empty(BLOCK, X.dtype)
    label = np.empty(BLOCK, np.int32)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        for j in range(d):
            row = rows[j]
            for i in range(size):
                row[i] = X[start + i, j]
        nearest[:] = infinity
        label[:] = 0
        for k in range(K):
            squared[:] = zero
            for j in range(d):
                row, center = rows[j], centers[k, j]
                for i in range(size):
                    squared[i] += (row[i] - center) ** 2
            for i in range(size):
                label[i] = k if squared[i] < nearest[i] else label[i]
                nearest[i] = min(squared[i], nearest[i])
        for i in range(size):
            k = label[i]
            labels[start + i] = k
            distances[start + i] = nearest[i]
            weight = sample_weight[start + i] if len(sample_weight) else X.dtype.type(1)
            inertia += weight * nearest[i]
            counts[k] += weight
            for j in range(d):
                sums[k, j] += weight * (X[start + i, j] - centers[k, j])
    return Lloyd(inertia, counts, sums, labels, distances)


@kernel
def closest(X, center, distances):
    """Squared distances to the nearest center, after one more center.

    Parameters
    ----------
    X : array of shape (n, d)
    center : array of shape (d,)
        The new center.
    distances : array of shape (n,)
        Squared distances to the nearest of the centers so far; +inf before the first.

    Returns
    -------
    array of shape (n,)
        min(distances, |x - center|^2), in X's dtype.
    """
    n, d = X.shape
    out = np.empty(n, X.dtype)
    for i in range(n):
        squared = X.dtype.type(0.0)
        for j in range(d):
            squared += (X[i, j] - center[j]) ** 2
        out[i] = min(distances[i], squared)
    return out
