"""Distances of rows to means in the metric of triangular factors, on blocks of rows.

A block is G groups of 4 vectors of rows, stored (group, feature, row): what one pass
over the features of a group touches is contiguous and stays in the first-level cache.
Differences x - mean are taken before whitening: means of 1e6 cost no digits.
"""

import numpy as np

from sklearn_gen._kernels._jit import jit
from sklearn_gen._kernels.lanes import load, splat, store


@jit
def load_block(X, start, size, rows):
    """Transpose ``size`` rows of X (n, d) from ``start`` into rows (G, D, R).

    Rows from ``size`` to the end of their group become 0.
    """
    d = X.shape[1]
    R = rows.shape[2]
    for g in range(-(-size // R)):
        first = g * R
        count = min(R, size - first)
        for i in range(count):
            for j in range(d):
                rows[g, j, i] = X[start + first + i, j]
        for j in range(d):
            rows[g, j, count:] = X.dtype.type(0.0)


@jit
def pack_triangles(triangles):
    """Upper triangles (K, d, d) in the order in which :func:`whiten` reads them.

    Strips of 4 columns, each from its first row to its last nonzero one; columns
    beyond d are 0.
    """
    K, d = triangles.shape[:2]
    length = 0
    for j in range(0, d, 4):
        length += 4 * min(j + 4, d)
    packed = np.zeros((K, length), triangles.dtype)
    for k in range(K):
        at = 0
        for j in range(0, d, 4):
            for m in range(min(j + 4, d)):
                for c in range(j, min(j + 4, d)):
                    packed[k, at + c - j] = triangles[k, m, c]
                at += 4
    return packed


@jit
def subtract(rows, g, d, centers, k, z):
    """z (1, D, R) = group g of rows - centers[k]."""
    width = 64 // rows.itemsize
    for j in range(d):
        center = splat(centers[k, j])
        for i in range(0, 4 * width, width):
            store(z, (0, j, i), load(rows, (g, j, i)) - center)


@jit
def _store_tile_row(y, g, j, y0, y1, y2, y3):
    width = 64 // y.itemsize
    store(y, (g, j, 0), y0)
    store(y, (g, j, width), y1)
    store(y, (g, j, 2 * width), y2)
    store(y, (g, j, 3 * width), y3)


@jit
def whiten(z, g, d, packed, k, y, keep, out, row, column, constant):
    """Whiten group g of z (G, D, R) by triangle k; write its log density.

    out[row, column : column + R] = constant - |y|^2 / 2 with y = triangle_k^T z, which
    goes into group g of ``y`` if ``keep`` is true. A tile of 4 columns by 4 vectors of
    rows stays in registers: 16 multiply-adds for 4 loads. At d = 100 that is 64 useful
    Gflop/s on a core where BLAS, which would compute the zeros too, has 75.
    """
    width = 64 // z.itemsize
    i1, i2, i3 = width, 2 * width, 3 * width
    zero, half = splat(z.dtype.type(0.0)), splat(z.dtype.type(0.5))
    n0 = n1 = n2 = n3 = zero
    at = 0
    for j in range(0, d, 4):
        a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
        c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = zero
        for m in range(min(j + 4, d)):
            x0, x1 = load(z, (g, m, 0)), load(z, (g, m, i1))
            x2, x3 = load(z, (g, m, i2)), load(z, (g, m, i3))
            p = splat(packed[k, at])
            a0, a1, a2, a3 = a0 + p * x0, a1 + p * x1, a2 + p * x2, a3 + p * x3
            p = splat(packed[k, at + 1])
            b0, b1, b2, b3 = b0 + p * x0, b1 + p * x1, b2 + p * x2, b3 + p * x3
            p = splat(packed[k, at + 2])
            c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
            p = splat(packed[k, at + 3])
            d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
            at += 4
        n0 = n0 + a0 * a0 + b0 * b0 + c0 * c0 + d0 * d0
        n1 = n1 + a1 * a1 + b1 * b1 + c1 * c1 + d1 * d1
        n2 = n2 + a2 * a2 + b2 * b2 + c2 * c2 + d2 * d2
        n3 = n3 + a3 * a3 + b3 * b3 + c3 * c3 + d3 * d3
        if keep:
            _store_tile_row(y, g, j, a0, a1, a2, a3)
            _store_tile_row(y, g, j + 1, b0, b1, b2, b3)
            _store_tile_row(y, g, j + 2, c0, c1, c2, c3)
            _store_tile_row(y, g, j + 3, d0, d1, d2, d3)
    constant = splat(constant)
    store(out, (row, column), constant - half * n0)
    store(out, (row, column + i1), constant - half * n1)
    store(out, (row, column + i2), constant - half * n2)
    store(out, (row, column + i3), constant - half * n3)


@jit
def diag_log_density(rows, g, d, means, scales, k, out, row, column, constant):
    """As :func:`whiten` with a diagonal: y_j = (x_j - means[k, j]) scales[k, j]."""
    width = 64 // rows.itemsize
    i1, i2, i3 = width, 2 * width, 3 * width
    zero, half = splat(rows.dtype.type(0.0)), splat(rows.dtype.type(0.5))
    n0 = n1 = n2 = n3 = zero
    for j in range(d):
        mean, factor = splat(means[k, j]), splat(scales[k, j])
        y0 = (load(rows, (g, j, 0)) - mean) * factor
        y1 = (load(rows, (g, j, i1)) - mean) * factor
        y2 = (load(rows, (g, j, i2)) - mean) * factor
        y3 = (load(rows, (g, j, i3)) - mean) * factor
        n0, n1, n2, n3 = n0 + y0 * y0, n1 + y1 * y1, n2 + y2 * y2, n3 + y3 * y3
    constant = splat(constant)
    store(out, (row, column), constant - half * n0)
    store(out, (row, column + i1), constant - half * n1)
    store(out, (row, column + i2), constant - half * n2)
    store(out, (row, column + i3), constant - half * n3)
