"""Distances of rows to means in the metric of triangular factors, on blocks of rows.

Differences x - mean are taken before whitening: means of 1e6 cost no digits.
"""

import numpy as np

from sklearn_gen._kernels._jit import jit
from sklearn_gen._kernels.blocks import store_row
from sklearn_gen._kernels.lanes import load, splat, store


@jit
def pack_triangles(triangles):
    """Upper triangles (K, d, d) in the order in which :func:`whiten` reads them.

    Strips of 4 columns: all 4 of each row above the diagonal tile, then the upper
    triangle of that tile. Rows and columns beyond d are 0.
    """
    K, d = triangles.shape[:2]
    length = 0
    for j in range(0, d, 4):
        length += 4 * j + 10
    packed = np.zeros((K, length), triangles.dtype)
    for k in range(K):
        at = 0
        for j in range(0, d, 4):
            for m in range(j + 4):
                for c in range(max(j, m), j + 4):
                    if m < d and c < d:
                        packed[k, at] = triangles[k, m, c]
                    at += 1
    return packed


@jit
def whiten(rows, groups, d, centers, c, packed, k, z, y, out, row, constant):
    """Log densities of a block: out[row] = constant - |y|^2 / 2.

    y = triangle_k^T (x - centers[c]) goes into ``y`` (G, D, R), unless that has 0
    groups. z (1, D, R) is work space and 0 beyond feature d.

    A tile of 4 columns by 4 vectors of rows stays in registers: 16 multiply-adds for 4
    loads. At d = 100 that is 64 useful Gflop/s on a core where BLAS has 75, and would
    compute the zeros too.
    """
    width = 64 // z.itemsize
    i1, i2, i3 = width, 2 * width, 3 * width
    zero, half = splat(z.dtype.type(0.0)), splat(z.dtype.type(0.5))
    constant = splat(constant)
    for g in range(groups):
        for j in range(d):
            center = splat(centers[c, j])
            for i in range(0, 4 * width, width):
                store(z, (0, j, i), load(rows, (g, j, i)) - center)
        n0 = n1 = n2 = n3 = zero
        at = 0
        for j in range(0, d, 4):
            a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = zero
            c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = zero
            for m in range(j):
                x0, x1 = load(z, (0, m, 0)), load(z, (0, m, i1))
                x2, x3 = load(z, (0, m, i2)), load(z, (0, m, i3))
                p = splat(packed[k, at])
                a0, a1, a2, a3 = a0 + p * x0, a1 + p * x1, a2 + p * x2, a3 + p * x3
                p = splat(packed[k, at + 1])
                b0, b1, b2, b3 = b0 + p * x0, b1 + p * x1, b2 + p * x2, b3 + p * x3
                p = splat(packed[k, at + 2])
                c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
                p = splat(packed[k, at + 3])
                d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
                at += 4
            x0, x1 = load(z, (0, j, 0)), load(z, (0, j, i1))
            x2, x3 = load(z, (0, j, i2)), load(z, (0, j, i3))
            p = splat(packed[k, at])
            a0, a1, a2, a3 = a0 + p * x0, a1 + p * x1, a2 + p * x2, a3 + p * x3
            p = splat(packed[k, at + 1])
            b0, b1, b2, b3 = b0 + p * x0, b1 + p * x1, b2 + p * x2, b3 + p * x3
            p = splat(packed[k, at + 2])
            c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
            p = splat(packed[k, at + 3])
            d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
            x0, x1 = load(z, (0, j + 1, 0)), load(z, (0, j + 1, i1))
            x2, x3 = load(z, (0, j + 1, i2)), load(z, (0, j + 1, i3))
            p = splat(packed[k, at + 4])
            b0, b1, b2, b3 = b0 + p * x0, b1 + p * x1, b2 + p * x2, b3 + p * x3
            p = splat(packed[k, at + 5])
            c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
            p = splat(packed[k, at + 6])
            d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
            if j + 2 < d:
                x0, x1 = load(z, (0, j + 2, 0)), load(z, (0, j + 2, i1))
                x2, x3 = load(z, (0, j + 2, i2)), load(z, (0, j + 2, i3))
                p = splat(packed[k, at + 7])
                c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
                p = splat(packed[k, at + 8])
                d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
                x0, x1 = load(z, (0, j + 3, 0)), load(z, (0, j + 3, i1))
                x2, x3 = load(z, (0, j + 3, i2)), load(z, (0, j + 3, i3))
                p = splat(packed[k, at + 9])
                d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
            at += 10
            n0 = n0 + a0 * a0 + b0 * b0 + c0 * c0 + d0 * d0
            n1 = n1 + a1 * a1 + b1 * b1 + c1 * c1 + d1 * d1
            n2 = n2 + a2 * a2 + b2 * b2 + c2 * c2 + d2 * d2
            n3 = n3 + a3 * a3 + b3 * b3 + c3 * c3 + d3 * d3
            if len(y):
                store_row(y, g, j, a0, a1, a2, a3)
                store_row(y, g, j + 1, b0, b1, b2, b3)
                store_row(y, g, j + 2, c0, c1, c2, c3)
                store_row(y, g, j + 3, d0, d1, d2, d3)
        first = g * 4 * width
        store(out, (row, first), constant - half * n0)
        store(out, (row, first + i1), constant - half * n1)
        store(out, (row, first + i2), constant - half * n2)
        store(out, (row, first + i3), constant - half * n3)


@jit
def diag_log_densities(rows, groups, d, means, scales, out, constants):
    """As :func:`whiten` for every k, with y_j = (x_j - means[k, j]) scales[k, j]."""
    width = 64 // rows.itemsize
    i1, i2, i3 = width, 2 * width, 3 * width
    half = splat(rows.dtype.type(0.5))
    for g in range(groups):
        row = g * 4 * width
        for k in range(len(constants)):
            n0 = n1 = n2 = n3 = splat(rows.dtype.type(0.0))
            for j in range(d):
                mean, factor = splat(means[k, j]), splat(scales[k, j])
                y0 = (load(rows, (g, j, 0)) - mean) * factor
                y1 = (load(rows, (g, j, i1)) - mean) * factor
                y2 = (load(rows, (g, j, i2)) - mean) * factor
                y3 = (load(rows, (g, j, i3)) - mean) * factor
                n0, n1, n2, n3 = n0 + y0 * y0, n1 + y1 * y1, n2 + y2 * y2, n3 + y3 * y3
            constant = splat(constants[k])
            store(out, (k, row), constant - half * n0)
            store(out, (k, row + i1), constant - half * n1)
            store(out, (k, row + i2), constant - half * n2)
            store(out, (k, row + i3), constant - half * n3)
