"""Weighted sums and second moments of a block of rows about a center.

Two ways, because what fills vector registers differs. In the narrow one vectors run
over rows: 4 x 4 dot products at a time, for all rows. In the wide one they run over
features: each row that has some weight adds its outer product to a tile of 8 x 2
vectors, and the others cost nothing. Which one is taken depends on the block alone.
"""

import numpy as np

from sklearn_gen._kernels._jit import jit
from sklearn_gen._kernels.blocks import aligned_zeros
from sklearn_gen._kernels.lanes import accumulate, load, row_sum, splat, store

# p(k | x) below this leaves no trace in float64 sums of fewer than 1e9 rows.
NEGLIGIBLE = 1e-25


@jit
def narrow_scatter(rows, groups, d, resp, k, centers, weighted, s1, s2):
    """Add the weighted sums about centers[k] to s1[k] and s2[k], its lower triangle.

    rows (G, D, R) are 0 from feature d to the next multiple of 4; ``weighted`` (4, B)
    is work space: resp (x_a - center_a) of the 4 features of a strip of tiles, which
    saves a fifth of the work. Up to 8 features there is one tile to a strip, and None
    in its place compiles a version that neither writes nor reads it.
    """
    for a in range(0, d, 4):
        if d <= 8:
            _add_diagonal_tile(rows, groups, d, resp, k, centers, a, None, s1, s2)
        else:
            _add_diagonal_tile(rows, groups, d, resp, k, centers, a, weighted, s1, s2)
        for b in range(0, a, 4):
            if d <= 8:
                _add_tile(rows, groups, d, resp, k, centers, a, b, None, s2)
            else:
                _add_tile(rows, groups, d, resp, k, centers, a, b, weighted, s2)


@jit
def _center(centers, k, j, d):
    return splat(centers[k, j] if j < d else centers.dtype.type(0.0))


@jit
def _weighted_row(rows, g, i, width, resp, k, a, center, weighted, q):
    at = g * 4 * width + i
    if weighted is None:
        return load(resp, (k, at)) * (load(rows, (g, a + q, i)) - center)
    return load(weighted, (q, at))


@jit
def _add_tile(rows, groups, d, resp, k, centers, a, b, weighted, s2):
    width = 64 // rows.itemsize
    ma, mb = _center(centers, k, a, d), _center(centers, k, a + 1, d)
    mc, md = _center(centers, k, a + 2, d), _center(centers, k, a + 3, d)
    m0, m1 = splat(centers[k, b]), splat(centers[k, b + 1])
    m2, m3 = splat(centers[k, b + 2]), splat(centers[k, b + 3])
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = splat(rows.dtype.type(0.0))
    c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = a0
    for g in range(groups):
        for i in range(0, 4 * width, width):
            x0 = load(rows, (g, b, i)) - m0
            x1 = load(rows, (g, b + 1, i)) - m1
            x2 = load(rows, (g, b + 2, i)) - m2
            x3 = load(rows, (g, b + 3, i)) - m3
            p = _weighted_row(rows, g, i, width, resp, k, a, ma, weighted, 0)
            a0, a1, a2, a3 = a0 + p * x0, a1 + p * x1, a2 + p * x2, a3 + p * x3
            p = _weighted_row(rows, g, i, width, resp, k, a, mb, weighted, 1)
            b0, b1, b2, b3 = b0 + p * x0, b1 + p * x1, b2 + p * x2, b3 + p * x3
            p = _weighted_row(rows, g, i, width, resp, k, a, mc, weighted, 2)
            c0, c1, c2, c3 = c0 + p * x0, c1 + p * x1, c2 + p * x2, c3 + p * x3
            p = _weighted_row(rows, g, i, width, resp, k, a, md, weighted, 3)
            d0, d1, d2, d3 = d0 + p * x0, d1 + p * x1, d2 + p * x2, d3 + p * x3
    _add_row(s2, k, a, b, a0, a1, a2, a3)
    _add_row(s2, k, a + 1, b, b0, b1, b2, b3)
    _add_row(s2, k, a + 2, b, c0, c1, c2, c3)
    _add_row(s2, k, a + 3, b, d0, d1, d2, d3)


@jit
def _add_row(s2, k, a, b, x0, x1, x2, x3):
    s2[k, a, b] += row_sum(x0)
    s2[k, a, b + 1] += row_sum(x1)
    s2[k, a, b + 2] += row_sum(x2)
    s2[k, a, b + 3] += row_sum(x3)


@jit
def _add_diagonal_tile(rows, groups, d, resp, k, centers, a, weighted, s1, s2):
    width = 64 // rows.itemsize
    m0, m1 = _center(centers, k, a, d), _center(centers, k, a + 1, d)
    m2, m3 = _center(centers, k, a + 2, d), _center(centers, k, a + 3, d)
    a0 = b0 = b1 = c0 = c1 = c2 = d0 = splat(rows.dtype.type(0.0))
    d1 = d2 = d3 = t0 = t1 = t2 = t3 = a0
    for g in range(groups):
        for i in range(0, 4 * width, width):
            at = g * 4 * width + i
            r = load(resp, (k, at))
            x0 = load(rows, (g, a, i)) - m0
            x1 = load(rows, (g, a + 1, i)) - m1
            x2 = load(rows, (g, a + 2, i)) - m2
            x3 = load(rows, (g, a + 3, i)) - m3
            p0, p1, p2, p3 = r * x0, r * x1, r * x2, r * x3
            t0, t1, t2, t3 = t0 + p0, t1 + p1, t2 + p2, t3 + p3
            a0, b0, c0, d0 = a0 + p0 * x0, b0 + p1 * x0, c0 + p2 * x0, d0 + p3 * x0
            b1, c1, d1 = b1 + p1 * x1, c1 + p2 * x1, d1 + p3 * x1
            c2, d2, d3 = c2 + p2 * x2, d2 + p3 * x2, d3 + p3 * x3
            if weighted is not None:
                store(weighted, (0, at), p0)
                store(weighted, (1, at), p1)
                store(weighted, (2, at), p2)
                store(weighted, (3, at), p3)
    s1[k, a] += row_sum(t0)
    s1[k, a + 1] += row_sum(t1)
    s1[k, a + 2] += row_sum(t2)
    s1[k, a + 3] += row_sum(t3)
    s2[k, a, a] += row_sum(a0)
    s2[k, a + 1, a] += row_sum(b0)
    s2[k, a + 1, a + 1] += row_sum(b1)
    s2[k, a + 2, a] += row_sum(c0)
    s2[k, a + 2, a + 1] += row_sum(c1)
    s2[k, a + 2, a + 2] += row_sum(c2)
    _add_row(s2, k, a + 3, a, d0, d1, d2, d3)


@jit
def wide_scatter(X, start, size, resp, k, weight, centers, u, root, s1, s2):
    """Add the weighted sums about centers[k] to s1[k] and s2[k], its lower triangle.

    ``u`` (C, D) and ``root`` (C,) are work space for C rows, D the features rounded up
    to two vectors; ``u`` must be 0 beyond the features.
    """
    d = X.shape[1]
    width = 64 // X.itemsize
    whole = d // width * width
    negligible = X.dtype.type(NEGLIGIBLE)
    active = np.empty(size + 1, np.int64)
    count = 0
    for i in range(size):
        active[count] = i
        count += resp[k, i] > negligible * weight[i]
    for first in range(0, count, len(u)):
        chunk = min(len(u), count - first)
        for c in range(chunk):
            i = active[first + c]
            square_root = np.sqrt(resp[k, i])
            root[c] = square_root
            factor = splat(square_root)
            for j in range(0, whole, width):
                z = load(X, (start + i, j)) - load(centers, (k, j))
                store(u, (c, j), factor * z)
            for j in range(whole, d):
                u[c, j] = square_root * (X[start + i, j] - centers[k, j])
        _add_outer_products(u, root, chunk, d, s1, s2, k)


@jit
def _add_outer_products(u, root, count, d, s1, s2, k):
    """Add sum_c root_c u_c to s1[k] and the lower part of sum_c u_c u_c^T to s2[k]."""
    width = 64 // u.itemsize
    zero = splat(u.dtype.type(0.0))
    for b in range(0, d, 2 * width):
        # The tile on the diagonal needs one vector, and has the time for s1.
        a0 = b0 = c0 = d0 = e0 = f0 = g0 = h0 = a1 = b1 = zero
        for c in range(count):
            x = load(u, (c, b))
            p = splat(root[c])
            a1, b1 = a1 + p * x, b1 + p * load(u, (c, b + width))
            a0, b0 = a0 + splat(u[c, b]) * x, b0 + splat(u[c, b + 1]) * x
            c0, d0 = c0 + splat(u[c, b + 2]) * x, d0 + splat(u[c, b + 3]) * x
            e0, f0 = e0 + splat(u[c, b + 4]) * x, f0 + splat(u[c, b + 5]) * x
            g0, h0 = g0 + splat(u[c, b + 6]) * x, h0 + splat(u[c, b + 7]) * x
        accumulate(s1, (k, b), a1)
        accumulate(s1, (k, b + width), b1)
        accumulate(s2, (k, b, b), a0)
        accumulate(s2, (k, b + 1, b), b0)
        accumulate(s2, (k, b + 2, b), c0)
        accumulate(s2, (k, b + 3, b), d0)
        accumulate(s2, (k, b + 4, b), e0)
        accumulate(s2, (k, b + 5, b), f0)
        accumulate(s2, (k, b + 6, b), g0)
        accumulate(s2, (k, b + 7, b), h0)
        for a in range(b + 8, d, 8):
            a0 = a1 = b0 = b1 = c0 = c1 = d0 = d1 = zero
            e0 = e1 = f0 = f1 = g0 = g1 = h0 = h1 = zero
            for c in range(count):
                x, y = load(u, (c, b)), load(u, (c, b + width))
                p = splat(u[c, a])
                a0, a1 = a0 + p * x, a1 + p * y
                p = splat(u[c, a + 1])
                b0, b1 = b0 + p * x, b1 + p * y
                p = splat(u[c, a + 2])
                c0, c1 = c0 + p * x, c1 + p * y
                p = splat(u[c, a + 3])
                d0, d1 = d0 + p * x, d1 + p * y
                p = splat(u[c, a + 4])
                e0, e1 = e0 + p * x, e1 + p * y
                p = splat(u[c, a + 5])
                f0, f1 = f0 + p * x, f1 + p * y
                p = splat(u[c, a + 6])
                g0, g1 = g0 + p * x, g1 + p * y
                p = splat(u[c, a + 7])
                h0, h1 = h0 + p * x, h1 + p * y
            _accumulate_row(s2, k, a, b, width, a0, a1)
            _accumulate_row(s2, k, a + 1, b, width, b0, b1)
            _accumulate_row(s2, k, a + 2, b, width, c0, c1)
            _accumulate_row(s2, k, a + 3, b, width, d0, d1)
            _accumulate_row(s2, k, a + 4, b, width, e0, e1)
            _accumulate_row(s2, k, a + 5, b, width, f0, f1)
            _accumulate_row(s2, k, a + 6, b, width, g0, g1)
            _accumulate_row(s2, k, a + 7, b, width, h0, h1)


@jit
def _accumulate_row(s2, k, a, b, width, x, y):
    accumulate(s2, (k, a, b), x)
    accumulate(s2, (k, a, b + width), y)


@jit
def symmetric(s2, d):
    """(K, d, d) from lower triangles that are padded."""
    out = np.empty((len(s2), d, d))
    for k in range(len(s2)):
        for a in range(d):
            for b in range(a + 1):
                out[k, a, b] = out[k, b, a] = s2[k, a, b]
    return out


@jit
def diag_scatter(rows, groups, d, resp, centers, s1, s2):
    """Add sum_i resp_ki z and sum_i resp_ki z^2 to s1, s2 (K, d), z = x - centers[k].

    ``centers`` and ``s2`` have K rows, or one and none: no squares are summed then.
    """
    width = 64 // rows.itemsize
    for k in range(len(resp)):
        origin = min(k, len(centers) - 1)
        for j in range(0, d, 2):
            # two features at a time, so that no sum waits for its last addition
            last = min(j + 1, d - 1)
            c0, c1 = splat(centers[origin, j]), splat(centers[origin, last])
            x0 = x1 = y0 = y1 = splat(rows.dtype.type(0.0))
            for g in range(groups):
                for i in range(0, 4 * width, width):
                    r = load(resp, (k, g * 4 * width + i))
                    z0, z1 = load(rows, (g, j, i)) - c0, load(rows, (g, last, i)) - c1
                    p0, p1 = r * z0, r * z1
                    x0, x1, y0, y1 = x0 + p0, x1 + p1, y0 + p0 * z0, y1 + p1 * z1
            _add_pair(s1, k, j, last, x0, x1)
            if len(s2):
                _add_pair(s2, k, j, last, y0, y1)


@jit
def _add_pair(sums, k, j, last, x0, x1):
    sums[k, j] += row_sum(x0)
    if last > j:
        sums[k, last] += row_sum(x1)


@jit
def new_scatter(rows, d):
    """Work space of the two ways to sum second moments, and d padded for them."""
    R, itemsize = rows.shape[2], rows.itemsize
    D = -(-d // (R // 2)) * (R // 2)  # to two vectors
    # as many rows as fit the first-level cache
    chunk = max(16, 32768 // max(1, D * itemsize))
    u = aligned_zeros(chunk * D, rows.dtype).reshape(chunk, D)
    root = np.zeros(chunk, rows.dtype)
    B = len(rows) * R
    weighted = aligned_zeros(4 * B, rows.dtype).reshape(4, B)
    return (weighted, u, root), D


@jit
def scatter(X, start, size, rows, resp, k, weight, centers, space, s1, s2):
    """Add the moments of a block about centers[k], weighted by resp[k], to s1, s2."""
    d = X.shape[1]
    weighted, u, root = space
    # Nanoseconds per row, measured on one core in float64: narrow 2.1 (d = 8), 6.8
    # (16), 22 (32) and 192 (100), in proportion to d^2; wide 8.1, 13, 28 and 205, about
    # 1 + 200 / d^2 times as much. Below 8 features wide never wins.
    count = 0
    if d >= 8:
        negligible = X.dtype.type(NEGLIGIBLE)
        for i in range(size):
            count += resp[k, i] > negligible * weight[i]
    if d < 8 or count * (d * d + 200) > size * d * d:
        groups = -(-size // rows.shape[2])
        narrow_scatter(rows, groups, d, resp, k, centers, weighted, s1, s2)
    else:
        wide_scatter(X, start, size, resp, k, weight, centers, u, root, s1, s2)
