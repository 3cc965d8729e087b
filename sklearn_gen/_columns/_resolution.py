"""Grids that the values of a column lie on."""

import numpy as np

# A column is inspected on at most this many rows, evenly spaced: finding repeats costs
# a sort per column, which on all rows of a large table would rival the fit itself.
_ROWS_INSPECTED = 10_000
# "Repeats" means that more than this share of the inspected values is not the first
# of its kind (base measure: see DiscreteColumnWarning).
REPEAT_SHARE = 0.2
# A common divisor less probable than this, of numbers of that many decimals, is no
# chance.
_CHANCE = 1e-4


def resolution_of(column):
    """Width of the grid a column's values lie on where they repeat, else 0."""
    column = _inspected(column)
    gaps = np.diff(column)
    if np.count_nonzero(gaps == 0) <= REPEAT_SHARE * len(column):
        return 0.0
    # where values repeat but lie on no grid: the smallest gap
    smallest = gaps[gaps > 0].min(initial=np.inf)
    return grid_width(column) or (smallest if np.isfinite(smallest) else 0.0)


def cell_width(column):
    """Width of the cells that a column of a mixed table is scored by, 0 for none.

    Values lie on a grid, and are whole, take one point in a hundred of it or repeat in
    more than a fifth of the rows. Numbers that were never rounded lie on none, so that
    copies of rows (weights, bootstraps) make no cells.
    """
    values = np.unique(_inspected(column))
    if _grid_of(values) == 0.0:  # nor, then, do all
        return 0.0
    column = column[~np.isnan(column)]
    values = np.unique(column)  # one exception breaks the grid
    width = _grid_of(values)
    whole = not (values % 1).any()  # counts, if of floats, where some are missing
    taken = width * len(values) >= 0.01 * (values[-1] - values[0])
    repeats = len(values) < (1 - REPEAT_SHARE) * len(column)
    return width if whole or taken or repeats else 0.0


def _grid_of(values):
    """Width of the grid that sorted distinct values lie on, 0 for none.

    A few numbers have a common divisor by chance: their grid is that of their decimals.
    """
    if len(values) == 0 or np.abs(values).max() >= 2**53:  # floats skip integers
        return 0.0
    decimals = 0 if not (values % 1).any() else _decimals(values)
    if decimals is None and len(values) < 3:  # any two numbers lie on a grid
        return 0.0
    width = float(grid_width(values))
    if decimals is not None:
        width = max(round(width, decimals), 10.0**-decimals)
        if (width * 10.0**decimals) ** (1 - len(values)) > _CHANCE:
            width = 10.0**-decimals
    # Beside large values rounding would lose small ones.
    return width if (on_grid(values, width, values[0]) == values).all() else 0.0


def _decimals(values):
    """Decimals that the values were rounded to, None if more than six."""
    error = 4 * np.finfo(values.dtype).eps * np.abs(values)
    for decimals in range(1, 7):
        rounded = np.round(values.astype(np.float64), decimals)
        if (np.abs(rounded - values) <= error).all():
            return decimals
    return None


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


def on_grid(values, width, low):
    """Round to the grid of some width through `low`; width 0 is none."""
    if width == 0.0:
        return values
    nearest = low + width * np.rint((values - low) / width)
    decimal = decimal_width((low, width))
    if decimal:  # 0.30000000000000004 is not what 0.3 was
        return np.round(nearest, round(-np.log10(decimal)))
    return np.where(np.abs(values - nearest) > 1e-4 * width, nearest, values)


def decimal_width(numbers):
    """Width of the decimals that all of some numbers have, 0 for more than eleven."""
    for decimals in range(12):
        if all(_is_decimal(number, decimals) for number in numbers):
            return 10.0**-decimals
    return 0.0


def _is_decimal(number, decimals):
    return abs(number - round(number, decimals)) <= 4e-16 * abs(number)
