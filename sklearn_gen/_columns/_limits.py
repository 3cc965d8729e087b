"""Between which values draws of a column are."""

import re

import numpy as np

from sklearn_gen._columns._tabulated import Tabulated

# Values beyond the limits of their column are drawn again so often.
_TRIES = 20


def limits_seen(column, schema, largest):
    """Between which values a column was seen; of numbers without a grid none."""
    counted = column.kind not in ("continuous", "categorical")
    if column.is_gap:
        return 0.0, float(largest) if counted else np.inf
    # Whole numbers with gaps are floats to pandas; as masses they are clipped like
    # integers, while a density would get atoms at its ends.
    if counted or (column.kind == "continuous" and column.grid > 0.0):
        return schema.columns[column.sources[0]].bounds
    return -np.inf, np.inf


def limits_of_family(column, schema, family):
    """Between which values a family may draw a column.

    Tables of what was seen, and dates, stay within the bounds seen. Other families
    score what lies beyond, and so draw it; cut off or piled up at the bounds, draws
    would not be what is scored. They keep to what the dtype holds and, where no value
    seen was negative, to zero and above.
    """
    if column.kind in ("datetime", "categorical", "boolean"):
        return column.limits
    kept = family is None or isinstance(family, Tabulated)
    if kept and (column.is_gap or column.grid > 0.0):
        return column.limits
    if column.is_gap:
        return 0.0, np.inf
    return hard_limits(schema.columns[column.sources[0]])


def hard_limits(column):
    """Least and largest number, encoded, that a column can hold and its sign allows."""
    low, high, zero = -np.inf, np.inf, float(-column.origin)
    name = column.dtype.lower()
    if column.kind == "integer" and re.fullmatch(r"u?int(8|16|32|64)", name):
        ends = np.iinfo(name)
        low, high = float(ends.min - column.origin), float(ends.max - column.origin)
    return (max(low, zero) if column.bounds[0] >= zero else low), high


def draw_within(limits, family, params, component, rng):
    """Draw values, again those that the limits of their column would cut off.

    Parameters
    ----------
    limits : tuple of float
        Of the column; a few values may be beyond them nevertheless.
    family : Family or Tabulated
        Of the column.
    params : NamedTuple
        Its parameters.
    component : ndarray of shape (n,)
        A component for each value.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    x : ndarray of shape (n,)
    """
    x = family.draw(params, component, rng)
    low, high = limits
    for _ in range(_TRIES):
        beyond = np.flatnonzero((x < low) | (x > high))
        if not len(beyond):
            break
        x[beyond] = family.draw(params, component[beyond], rng)
    return x
