"""Categorical emissions: log probabilities under every state, expected counts.

Both are stored (state, row), as recursions have them.
"""

import numpy as np

from sklearn_gen._kernels._jit import kernel


@kernel
def table_log_prob(log_tables, first, codes):
    """Sum over columns of log_tables[k, first[j] + code], (K, n).

    Parameters
    ----------
    log_tables : array of shape (K, R)
        Log probabilities of all columns' codes, stacked.
    first : int64 array of shape (D + 1,)
        Where each column's codes start.
    codes : int32 array of shape (n, D)
        -1: not observed.
    """
    n, D = codes.shape
    K, R = log_tables.shape
    out = np.zeros((K, n), log_tables.dtype)
    at = np.empty(n, np.int64)
    # one more code, of log probability 0, for cells that are not observed
    table = np.zeros(R + 1, log_tables.dtype)
    for j in range(D):
        for i in range(n):
            code = codes[i, j]
            at[i] = first[j] + code if code >= 0 else R
        for k in range(K):
            for code in range(R):
                table[code] = log_tables[k, code]
            for i in range(n):
                out[k, i] += table[at[i]]
    return out


@kernel
def table_counts(gamma, first, codes):
    """Sum of gamma (K, n) over the rows that have each code, (K, R), float64."""
    n, D = codes.shape
    K, R = len(gamma), first[len(first) - 1]
    # by code, then state: a row's additions don't wait for one another
    sums = np.zeros((R + 1, K))
    block = np.empty((64, K), gamma.dtype)
    for start in range(0, n, 64):
        size = min(64, n - start)
        for k in range(K):
            for i in range(size):
                block[i, k] = gamma[k, start + i]
        for i in range(size):
            for j in range(D):
                code = codes[start + i, j]
                at = first[j] + code if code >= 0 else R
                for k in range(K):
                    sums[at, k] += block[i, k]
    return sums[:R].T.copy()
