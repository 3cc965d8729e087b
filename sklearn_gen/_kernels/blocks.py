"""Blocks of rows as kernels work on them: few enough for the first-level cache.

A block is G groups of 4 vectors of rows (``lanes``), stored (group, feature, row): what
one pass over the features of a group touches is contiguous. G R rows make a block.
"""

import numpy as np

from sklearn_gen._kernels._jit import jit
from sklearn_gen._kernels.lanes import store


@jit
def aligned_empty(count, dtype):
    """Memory that starts on a cache line, so that no vector straddles two."""
    raw = np.empty(count + 16, dtype)
    first = -raw.ctypes.data % 64 // raw.itemsize
    return raw[first : first + count]


@jit
def aligned_zeros(count, dtype):
    """As :func:`aligned_empty`, of zeros."""
    zeros = aligned_empty(count, dtype)
    zeros[:] = 0
    return zeros


@jit
def copy_to(out, values):
    """out[:] = values, of two dimensions.

    Numba's own compiles what writes the text of its error: 2 s in a new process.
    """
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            out[i, j] = values[i, j]


@jit
def new_block(X, K):
    """Work space: rows (G, D, R); log_joint (K, B); weight, log_prob, total (B,)."""
    D = -(-X.shape[1] // 4) * 4
    R = 256 // X.itemsize
    # 512 rows of float64; with 256, what is done once per block costs 12 % at d = 32
    groups = max(1, min(16, -(-len(X) // R)))
    B = groups * R
    # an odd number of rows of memory in a group: no two groups share cache sets
    rows = aligned_zeros(B * (D + 1), X.dtype).reshape(groups, D + 1, R)
    log_joint = aligned_zeros(K * B, X.dtype).reshape(K, B)
    return rows, log_joint, aligned_zeros(3 * B, X.dtype).reshape(3, B)


@jit
def new_group(rows):
    """Work space for one group of rows, (1, D, R)."""
    D, R = rows.shape[1:]
    return aligned_zeros(D * R, rows.dtype).reshape(1, D, R)


@jit
def load_block(X, start, size, rows):
    """Transpose ``size`` rows of X (n, d) from ``start`` into rows (G, D, R).

    Rows from ``size`` to the end of their group become 0.
    """
    d = X.shape[1]
    R = rows.shape[2]
    for g in range(-(-size // R)):
        first = start + g * R
        count = min(R, start + size - first)
        if d < 5:
            for j in range(d):
                for i in range(count):
                    rows[g, j, i] = X[first + i, j]
        else:
            for i in range(count):
                for j in range(d):
                    rows[g, j, i] = X[first + i, j]
        for j in range(d):
            rows[g, j, count:] = X.dtype.type(0.0)


@jit
def store_row(y, g, j, y0, y1, y2, y3):
    """Write feature j of group g of y (G, D, R)."""
    width = 64 // y.itemsize
    store(y, (g, j, 0), y0)
    store(y, (g, j, width), y1)
    store(y, (g, j, 2 * width), y2)
    store(y, (g, j, 3 * width), y3)
