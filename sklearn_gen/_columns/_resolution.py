"""Grids that the values of a column lie on."""

import numpy as np

# A column is inspected on at most this many rows, evenly spaced: finding repeats costs
# a sort per column, which on all rows of a large table would rival the fit itself.
_ROWS_INSPECTED = 10_000
# "Repeats" means that more than this share of the inspected values is not the first
# of its kind (base measure: see DiscreteColumnWarning).
REPEAT_SHARE = 0.2


def resolution_of(column):
    """Width of the grid a column's values lie on where they repeat, else 0."""
    column = _inspected(column)
    gaps = np.diff(column)
    if np.count_nonzero(gaps == 0) <= REPEAT_SHARE * len(column):
        return 0.0
    # where values repeat but lie on no grid: the smallest gap
    smallest = gaps[gaps > 0].min(initial=np.inf)
    return grid_width(column) or (smallest if np.isfinite(smallest) else 0.0)


def _inspected(column):
    """Observed values of a column, sorted; of a large table, those of some rows."""
    n_rows = len(column)
    if n_rows > _ROWS_INSPECTED:
        # Not evenly spaced: the sources of a table may take turns.
        places = np.random.default_rng(0).random(_ROWS_INSPECTED)
        places = (np.arange(_ROWS_INSPECTED) + places) * (n_rows / _ROWS_INSPECTED)
        column = column[places.astype(np.intp)]
    column = np.sort(column)  # NaN last
    return column[: len(column) - np.isnan(column).sum()]


def grid_width(column):
    """Width of the widest grid that holds all values of a sorted column, else 0.

    That is the greatest common divisor of the gaps, by Euclid's algorithm with room for
    rounding: 0.1 is no binary number. A constant column lies on no grid.
    """
    if len(column) == 0:
        return 0.0
    span, largest = column[-1] - column[0], np.abs(column[[0, -1]]).max()
    tolerance = max(4 * np.finfo(column.dtype).eps * largest, 1e-10 * span)
    gaps = np.diff(column).astype(np.float64)
    gaps = gaps[gaps > tolerance]
    smallest = width = gaps.min(initial=np.inf)
    # Grids much finer than the smallest gap hold any few numbers.
    while np.isfinite(width) and width > max(1000 * tolerance, smallest / 200):
        steps = np.round(gaps / width)
        rest = np.abs(gaps - steps * width)
        rest = rest[rest > 4 * tolerance * (1 + steps)]
        if len(rest) == 0:
            return float(span / np.round(span / width))
        width = rest.min()
    return 0.0  # any number would lie on it
