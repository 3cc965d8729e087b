r"""One distance between rows of mixed tables, and exact neighbours under it.

.. math:: d(x, y)^2 = \sum_j \left(\frac{x_j - y_j}{s_j}\right)^2
    + \sum_l 1[x_l \ne y_l],

numeric columns j in units of the range s_j that holds the middle nine tenths of the
reference's values, categories l by overlap: with the whole range this is the
heterogeneous Euclidean-overlap metric (Wilson and Martinez 1997, doi:10.1613/jair.346),
which one outlier would stretch (it serves where nine tenths are one value). A missing
cell is a category's own level; a missing number lies at the reference's median and
differs from an observed one by 1 more.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._blocks import workers
from sklearn_gen._kernels import neighbors as kernels

# Rows of one task: tiles of the other table are transposed once for all of them.
_BLOCK_ROWS = 2048
_MIDDLE = (0.05, 0.95)


class Space(NamedTuple):
    """Tables as points, whose squared distances the kernels sum up."""

    points: tuple  # of float64 arrays (n_rows, n_dimensions), columns as kernels want
    n_numeric: int


def embed(columns, reference, *tables):
    """Scale encoded tables so that distances between rows are those of the module.

    Parameters
    ----------
    columns : Columns
        Which columns hold levels.
    reference : ndarray of shape (n_rows, n_features)
        The encoded table that sets units and medians: the real one.
    *tables : ndarray
        Encoded tables to embed, the reference among them where it is wanted.

    Returns
    -------
    space : Space
    """
    numbers, levels = [], []
    for j, is_level in enumerate(columns.is_level):
        cells = [table[:, j] for table in tables]
        seen = reference[:, j]
        seen = seen[~np.isnan(seen)]
        scale = 0.0 if is_level else _scale(seen)
        if is_level:
            levels.append([np.nan_to_num(x, nan=-1.0) for x in cells])
            continue
        if scale == 0.0:  # a constant: others are elsewhere, however far
            levels.append([np.where(np.isnan(x), -1.0, x != seen[0]) for x in cells])
            continue
        median = np.median(seen)
        missing = [np.isnan(x) for x in cells]
        numbers.append(
            [
                np.where(m, 0.0, (x - median) / scale)
                for x, m in zip(cells, missing, strict=True)
            ]
        )
        if any(m.any() for m in missing):
            # 0 and 1: their squared differences need no clipping, which is faster.
            numbers.append([m.astype(np.float64) for m in missing])
    points = tuple(
        np.hstack([_stack(numbers, i, len(table)), _stack(levels, i, len(table))])
        for i, table in enumerate(tables)
    )
    return Space(points, _multiple_of_four(len(numbers)))


def _scale(seen):
    low, high = np.quantile(seen, _MIDDLE)
    return high - low if high > low else np.ptp(seen)


def _multiple_of_four(number):
    return -(-number // 4) * 4


def _stack(part, i, n_rows):
    """Columns of table i, filled up with zeros as the kernels want."""
    stacked = np.zeros((n_rows, _multiple_of_four(len(part))))
    for j, cells in enumerate(part):
        stacked[:, j] = cells[i]
    return stacked


def nearest(points, others, n_numeric, k=1, *, same=False, n_jobs=None):
    """Find the k nearest of other points, exactly.

    Parameters
    ----------
    points, others : ndarray
        Of one :class:`Space`.
    n_numeric : int
        Its numeric columns.
    k : int
        Number of neighbours.
    same : bool
        Whether both are one table, and no row is its own neighbour.
    n_jobs : int or None
        Threads.

    Returns
    -------
    squared : ndarray of shape (n_rows, k)
        Squared distances, ascending.
    index : ndarray of shape (n_rows, k)
        Rows of `others`, the first of equally near ones.
    """
    starts = _starts(points)

    def search(start):
        first = start if same else -len(points)
        block = points[start : start + _BLOCK_ROWS]
        return kernels.nearest(block, others, n_numeric, k, first)

    with workers(n_jobs) as run:
        found = list(run(search, starts))
    return np.vstack([f.squared for f in found]), np.vstack([f.index for f in found])


def balls(points, others, n_numeric, squared, squared_others, *, n_jobs=None):
    """Count whose closed balls hold whom.

    Returns
    -------
    counts : ndarray of shape (n_points,)
        Balls of `others` that hold each point.
    covered : ndarray of bool of shape (n_others,)
        Whether a row's ball holds one of the points.
    reached : ndarray of bool of shape (n_others,)
        Whether a row lies in the ball of one of the points.
    """
    counts = np.empty(len(points), np.int64)
    covered = np.zeros(len(others), bool)
    reached = np.zeros(len(others), bool)

    def compare(start):
        rows = slice(start, start + _BLOCK_ROWS)
        return rows, kernels.balls(
            points[rows], others, n_numeric, squared[rows], squared_others
        )

    with workers(n_jobs) as run:
        for rows, found in run(compare, _starts(points)):
            counts[rows] = found.counts
            covered |= found.covered.astype(bool)
            reached |= found.reached.astype(bool)
    return counts, covered, reached


def _starts(points):
    return range(0, len(points), _BLOCK_ROWS)
