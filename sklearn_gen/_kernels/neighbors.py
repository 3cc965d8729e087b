"""Brute-force neighbours under a mixed distance, exact to the last bit.

The squared distance adds up (x - y)^2 over the first ``n_numeric`` columns and
min((x - y)^2, 1) over the others, whose integers are codes: 1 where they differ. Both
numbers of columns are multiples of 4, filled up with zeros.

Differences and not |x|^2 - 2 x'y + |y|^2, and sums in one order, without fused
products: equal rows are at distance 0, and a pair has the same distance, bit for bit,
whichever function or order asks for it. Without that, "within the radius of" and "as
near as" would be decided by rounding.

Nearly all pairs are too far apart to matter, and sums of float32 in registers show it;
where codes differ too often, without a look at the numbers. Precision and its kin of 2
x 30,000 rows of 20 columns so take 3.2 instead of 5.8 CPU seconds, and 4.5 instead of
10.8 where half of the columns are codes and cells are missing.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.blocks import aligned_zeros
from sklearn_gen._kernels.lanes import choose_less, load, row_sum, splat

_GROUPS, _ROWS = 4, 64  # a tile of Y: groups of 4 vectors, which fit into registers
_WIDTH = 16  # float32 in a vector
_UNIT = 2.0**-24  # relative error of rounding to float32
_UNDERFLOW = 2.0**-120  # above all of the errors where numbers are subnormal

# A pair within squared radius r has coordinates that are rounded by e in all, with
# e^2 <= 2 _UNIT^2 (|x|^2 + |y|^2), and (r^.5 + e)^2 <= r (1 + c) + e^2 (1 + 1 / c). So
# with c = 2^-20, its sum of float32 is at most r * _growth(d) + _slack(x) + _slack(y).
# Both have twice the room that this asks for; codes alone need none.


@jit
def _growth(d, n_numeric):
    return 1.0 + 2.0**-19 + 4 * (d + 6) * _UNIT if n_numeric else 1.0


@jit
def _slack(x, n_numeric):
    total = 0.0
    for j in range(n_numeric):
        total += np.float64(x[j]) ** 2
    return 2.0**-26 * total + _UNDERFLOW if n_numeric else 0.0


@jit
def _load(Y, start, n_numeric, rough, exact, slack):
    """Transpose a tile of Y; returns how many groups have rows."""
    size = min(_GROUPS * _ROWS, len(Y) - start)
    for r in range(size):
        g, i = r // _ROWS, r % _ROWS
        slack[g, i] = _slack(Y[start + r], n_numeric)
        for j in range(Y.shape[1]):
            rough[g, j, i] = exact[g, j, i] = Y[start + r, j]
    return -(-size // _ROWS)


@jit
def _near(x, tile, g, n_numeric, slack_x, slack, limit, limits):
    """Which of the 4 vectors of group g may hold a row within its limit of x, as bits.

    A row's limit is the larger of ``limit`` and its own. What isn't a number, because
    float32 doesn't reach as far, may be near.
    """
    i1, i2, i3 = _WIDTH, 2 * _WIDTH, 3 * _WIDTH
    d = tile.shape[1]
    zero, one, least = splat(np.float32(0.0)), splat(np.float32(1.0)), splat(limit)
    t0, t1 = load(limits, (g, 0)), load(limits, (g, i1))
    t2, t3 = load(limits, (g, i2)), load(limits, (g, i3))
    t0, t1 = choose_less(t0, least, least, t0), choose_less(t1, least, least, t1)
    t2, t3 = choose_less(t2, least, least, t2), choose_less(t3, least, least, t3)
    start = splat(-slack_x)  # sums start below zero by what rounding may have added
    s0, s1 = start - load(slack, (g, 0)), start - load(slack, (g, i1))
    s2, s3 = start - load(slack, (g, i2)), start - load(slack, (g, i3))
    for j in range(n_numeric, d):
        code = splat(x[j])
        z0, z1 = load(tile, (g, j, 0)) - code, load(tile, (g, j, i1)) - code
        z2, z3 = load(tile, (g, j, i2)) - code, load(tile, (g, j, i3)) - code
        z0, z1, z2, z3 = z0 * z0, z1 * z1, z2 * z2, z3 * z3
        s0, s1 = s0 + choose_less(z0, one, z0, one), s1 + choose_less(z1, one, z1, one)
        s2, s3 = s2 + choose_less(z2, one, z2, one), s3 + choose_less(z3, one, z3, one)
    if n_numeric < d:
        n0, n1 = choose_less(t0, s0, zero, one), choose_less(t1, s1, zero, one)
        n2, n3 = choose_less(t2, s2, zero, one), choose_less(t3, s3, zero, one)
        if row_sum((n0 + n1) + (n2 + n3)) == 0:
            return 0
    for j in range(n_numeric):
        number = splat(x[j])
        z0, z1 = load(tile, (g, j, 0)) - number, load(tile, (g, j, i1)) - number
        z2, z3 = load(tile, (g, j, i2)) - number, load(tile, (g, j, i3)) - number
        s0, s1, s2, s3 = s0 + z0 * z0, s1 + z1 * z1, s2 + z2 * z2, s3 + z3 * z3
    n0, n1 = choose_less(t0, s0, zero, one), choose_less(t1, s1, zero, one)
    n2, n3 = choose_less(t2, s2, zero, one), choose_less(t3, s3, zero, one)
    if row_sum((n0 + n1) + (n2 + n3)) == 0:
        return 0
    bits = int(row_sum(n0) > 0) + 2 * int(row_sum(n1) > 0)
    return bits + 4 * int(row_sum(n2) > 0) + 8 * int(row_sum(n3) > 0)


@jit(fastmath=())
def _mismatch(code, other):
    squared = (code - other) ** 2
    return squared if squared < 1.0 else 1.0


@jit(fastmath=())  # nothing is fused or reordered, wherever this is inlined
def _squared_distances(x, tile, g, at, n_numeric, squared):
    """From row x to the rows of one vector of a tile; four columns in one pass."""
    rows = tile[g]
    squared[:] = squared.dtype.type(0.0)
    for j in range(0, n_numeric, 4):
        a, b, c, d = rows[j], rows[j + 1], rows[j + 2], rows[j + 3]
        x_a, x_b, x_c, x_d = x[j], x[j + 1], x[j + 2], x[j + 3]
        for i in range(_WIDTH):
            squared[i] += (
                (a[at + i] - x_a) ** 2
                + (b[at + i] - x_b) ** 2
                + (c[at + i] - x_c) ** 2
                + (d[at + i] - x_d) ** 2
            )
    for j in range(n_numeric, len(rows), 4):
        a, b, c, d = rows[j], rows[j + 1], rows[j + 2], rows[j + 3]
        x_a, x_b, x_c, x_d = x[j], x[j + 1], x[j + 2], x[j + 3]
        for i in range(_WIDTH):
            squared[i] += (
                _mismatch(a[at + i], x_a)
                + _mismatch(b[at + i], x_b)
                + _mismatch(c[at + i], x_c)
                + _mismatch(d[at + i], x_d)
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
    (n, d), m = X.shape, len(Y)
    squared = np.full((n, k), X.dtype.type(np.inf))
    index = np.full((n, k), -1)
    growth, rough_x = _growth(d, n_numeric), X.astype(np.float32)
    work = aligned_zeros(_GROUPS * (d + 2) * _ROWS, np.float32)
    work = work.reshape(d + 2, _GROUPS, _ROWS)
    slack, limits, rough = work[0], work[1], work[2:].reshape(_GROUPS, d, _ROWS)
    exact = np.empty((_GROUPS, d, _ROWS), X.dtype)
    distances = np.empty(_WIDTH, X.dtype)
    for start in range(0, m, _GROUPS * _ROWS):
        groups = _load(Y, start, n_numeric, rough, exact, slack)
        for i in range(n):
            best, place = squared[i], index[i]
            slack_x = np.float32(_slack(X[i], n_numeric))
            for g in range(groups):
                limit = np.float32(best[k - 1] * growth)
                near = _near(
                    rough_x[i], rough, g, n_numeric, slack_x, slack, limit, limits
                )
                if near == 0:  # nearly always, after some tiles
                    continue
                for v in range(_ROWS // _WIDTH):
                    if not near >> v & 1:
                        continue
                    at = v * _WIDTH
                    _squared_distances(X[i], exact, g, at, n_numeric, distances)
                    y = start + g * _ROWS + at
                    for r in range(min(_WIDTH, m - y)):
                        if distances[r] < best[k - 1] and first + i != y + r:
                            p = k - 1
                            while p > 0 and distances[r] < best[p - 1]:
                                best[p], place[p] = best[p - 1], place[p - 1]
                                p -= 1
                            best[p], place[p] = distances[r], y + r
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
    (n, d), m = X.shape, len(Y)
    counts = np.zeros(n, np.int64)
    covered, reached = np.zeros(m, np.int64), np.zeros(m, np.int64)
    growth, rough_x = _growth(d, n_numeric), X.astype(np.float32)
    work = aligned_zeros(_GROUPS * (d + 2) * _ROWS, np.float32)
    work = work.reshape(d + 2, _GROUPS, _ROWS)
    slack, limits, rough = work[0], work[1], work[2:].reshape(_GROUPS, d, _ROWS)
    exact = np.empty((_GROUPS, d, _ROWS), X.dtype)
    distances = np.empty(_WIDTH, X.dtype)
    for start in range(0, m, _GROUPS * _ROWS):
        groups = _load(Y, start, n_numeric, rough, exact, slack)
        for r in range(min(_GROUPS * _ROWS, m - start)):
            limits[r // _ROWS, r % _ROWS] = squared_y[start + r] * growth
        for i in range(n):
            radius, slack_x = squared_x[i], np.float32(_slack(X[i], n_numeric))
            limit = np.float32(radius * growth)
            for g in range(groups):
                near = _near(
                    rough_x[i], rough, g, n_numeric, slack_x, slack, limit, limits
                )
                if near == 0:
                    continue
                for v in range(_ROWS // _WIDTH):
                    if not near >> v & 1:
                        continue
                    at = v * _WIDTH
                    _squared_distances(X[i], exact, g, at, n_numeric, distances)
                    y = start + g * _ROWS + at
                    for r in range(min(_WIDTH, m - y)):
                        inside = np.int64(distances[r] <= squared_y[y + r])
                        counts[i] += inside
                        covered[y + r] |= inside
                        reached[y + r] |= np.int64(distances[r] <= radius)
    return Balls(counts, covered, reached)
