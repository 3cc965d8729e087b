"""Brute-force neighbours under a mixed distance, exact to the last bit.

The squared distance adds up (x - y)^2 over the first ``n_numeric`` columns and
min((x - y)^2, 1) over the others, whose integers are codes: 1 where they differ. Both
numbers of columns are multiples of 4, filled up with zeros.

Differences and not |x|^2 - 2 x'y + |y|^2: equal rows are at distance 0, and a pair has
the same distance, bit for bit, whichever function or order asks for it. Without that,
"within the radius of" and "as near as" would be decided by rounding.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel

BLOCK = 256  # rows of Y, transposed, so that the loop over them vectorises


@jit
def _load(Y, start, size, tile):
    for i in range(size):
        for j in range(Y.shape[1]):
            tile[j, i] = Y[start + i, j]


@jit
def _mismatch(code, other):
    squared = (code - other) ** 2
    return squared if squared < 1.0 else 1.0


@jit
def _squared_distances(x, tile, n_numeric, squared):
    """From row x to all rows of a tile (d, BLOCK); four columns in one pass."""
    squared[:] = squared.dtype.type(0.0)
    for j in range(0, n_numeric, 4):
        a, b, c, d = tile[j], tile[j + 1], tile[j + 2], tile[j + 3]
        x_a, x_b, x_c, x_d = x[j], x[j + 1], x[j + 2], x[j + 3]
        for i in range(BLOCK):
            squared[i] += (
                (a[i] - x_a) ** 2
                + (b[i] - x_b) ** 2
                + (c[i] - x_c) ** 2
                + (d[i] - x_d) ** 2
            )
    for j in range(n_numeric, len(tile), 4):
        a, b, c, d = tile[j], tile[j + 1], tile[j + 2], tile[j + 3]
        x_a, x_b, x_c, x_d = x[j], x[j + 1], x[j + 2], x[j + 3]
        for i in range(BLOCK):
            squared[i] += (
                _mismatch(a[i], x_a)
                + _mismatch(b[i], x_b)
                + _mismatch(c[i], x_c)
                + _mismatch(d[i], x_d)
            )


class Nearest(NamedTuple):
    """The k nearest rows of Y to each row of X, ascending; see :func:`nearest`."""

    squared: np.ndarray  # (n, k), +inf where Y has fewer rows
    index: np.ndarray  # (n, k) int64, of equal distances the first; -1 where none


@kernel
def nearest(X, Y, n_numeric, k, first):
    """Find the k nearest rows of Y to each row of X.

    Parameters
    ----------
    X : array of shape (n, d)
    Y : array of shape (m, d)
    n_numeric : int
        Number of numeric columns.
    k : int
        Number of neighbours.
    first : int
        Row i of X is row ``first + i`` of Y, and no neighbour of itself; -n or less
        where X isn't part of Y.

    Returns
    -------
    Nearest
    """
    n, m = len(X), len(Y)
    squared = np.full((n, k), X.dtype.type(np.inf))
    index = np.full((n, k), -1)
    tile = np.zeros((X.shape[1], BLOCK), X.dtype)
    distances = np.zeros(BLOCK, X.dtype)
    for start in range(0, m, BLOCK):
        size = min(BLOCK, m - start)
        _load(Y, start, size, tile)
        for i in range(n):
            _squared_distances(X[i], tile, n_numeric, distances)
            best, place = squared[i], index[i]
            nearer = 0
            for r in range(size):
                nearer += distances[r] < best[k - 1]
            if nearer == 0:  # nearly always, after some tiles
                continue
            for r in range(size):
                if distances[r] < best[k - 1] and first + i != start + r:
                    p = k - 1
                    while p > 0 and distances[r] < best[p - 1]:
                        best[p], place[p] = best[p - 1], place[p - 1]
                        p -= 1
                    best[p], place[p] = distances[r], start + r
    return Nearest(squared, index)


class Balls(NamedTuple):
    """Who lies in whose closed ball; see :func:`balls`."""

    counts: np.ndarray  # (n,) int64, balls of Y that hold x
    covered: np.ndarray  # (m,) int64, 1 where the ball of y holds a row of X
    reached: np.ndarray  # (m,) int64, 1 where y lies in a ball of X


@kernel
def balls(X, Y, n_numeric, squared_x, squared_y):
    """Compare rows with the closed balls around the rows of another table.

    Parameters
    ----------
    X : array of shape (n, d)
    Y : array of shape (m, d)
    n_numeric : int
        Number of numeric columns.
    squared_x : array of shape (n,)
        Squared radii of the balls around the rows of X.
    squared_y : array of shape (m,)
        Squared radii of the balls around the rows of Y.

    Returns
    -------
    Balls
    """
    n, m = len(X), len(Y)
    counts = np.zeros(n, np.int64)
    covered, reached = np.zeros(m, np.int64), np.zeros(m, np.int64)
    tile = np.zeros((X.shape[1], BLOCK), X.dtype)
    distances = np.zeros(BLOCK, X.dtype)
    for start in range(0, m, BLOCK):
        size = min(BLOCK, m - start)
        _load(Y, start, size, tile)
        radii = squared_y[start : start + size]
        covers, reaches = covered[start : start + size], reached[start : start + size]
        for i in range(n):
            _squared_distances(X[i], tile, n_numeric, distances)
            radius = squared_x[i]
            count = 0
            for r in range(size):
                inside = np.int64(distances[r] <= radii[r])
                count += inside
                covers[r] |= inside
                reaches[r] |= np.int64(distances[r] <= radius)
            counts[i] += count
    return Balls(counts, covered, reached)
