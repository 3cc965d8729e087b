"""Values that users give for columns: as floats for models, and as they are stored."""

import re
import sys
from datetime import date, datetime, time
from numbers import Real
from typing import NamedTuple

import numpy as np

from sklearn_gen._columns._cells import (
    TICKS_PER_DAY,
    TIMES,
    Table,
    missing_objects,
    object_cells,
)
from sklearn_gen._columns._encoding import encode


class Given(NamedTuple):
    """Values of some columns.

    Attributes
    ----------
    encoded : ndarray of shape (1, n_features)
        As a row that models get, NaN where nothing is given; of tables of numbers in
        the precision of their draws.
    stored : dict of int to ndarray
        Of each column of a mixed table that is given and has no levels, the one value
        that tables hold, as in `Cells`.
    """

    encoded: np.ndarray
    stored: dict


def read_conditions(schema, conditions):
    """Read ``{column: value}``.

    Raises
    ------
    TypeError
        If `conditions` is no dict.
    ValueError
        If it names an unknown column, or a value that its column can't hold or, of
        levels, never saw.
    """
    if not isinstance(conditions, dict):
        raise TypeError(
            f"conditions must be a dict {{column: value}}, got {conditions!r}."
        )
    encoded, stored = np.full((1, len(schema.kinds)), np.nan, _precision(schema)), {}
    columns = schema.column_indices(list(conditions), "conditions")
    for j, value in zip(columns, conditions.values(), strict=True):
        label = schema.label(j)
        try:
            if not schema.columns:
                encoded[0, j] = _number(value, encoded.dtype)
                continue
            column = schema.columns[j]
            if column.is_empty:
                raise ValueError("fit observed nothing of it. Leave it out.")
            cells = _cells_of(column, value, label)
            encoded[0, j] = encode(column, cells, label)[0]
            if column.kind != "categorical":  # codes say all there is
                stored[j] = _stored(column, cells, value)
        except (OverflowError, TypeError, ValueError) as error:
            raise ValueError(f"conditions: {label}, value {value!r}: {error}") from None
        levels = schema.categories[j]
        if levels is not None and encoded[0, j] == len(levels):
            refuse_level(label, value, levels)
    return Given(encoded, stored)


def refuse_level(label, value, levels):
    """Refuse a value that is none of a column's levels."""
    known = ", ".join(map(repr, levels[:9])) + ", ..." * (len(levels) > 9)
    raise ValueError(
        f"conditions: {label} never saw {value!r} in fit. Its levels are {known}."
    )


def _precision(schema):
    """What models compute in: single only where all columns are, as in fit."""
    single = not schema.columns and set(schema.dtypes) <= {"float32", "Float32"}
    return np.dtype(np.float32 if single else np.float64)


def _number(value, dtype):
    """The value as a float, if a table of numbers can hold it."""
    _refuse_missing(value)
    if not isinstance(value, Real | np.bool_):
        raise ValueError("its values are numbers.")
    number = float(value)
    with np.errstate(over="ignore"):
        if not np.isfinite(dtype.type(number)):
            raise ValueError(f"its values are finite numbers of {dtype}.")
    return number


def _refuse_missing(value):
    cell = np.empty(1, dtype=object)
    cell[0] = value
    if missing_objects(cell)[0]:
        raise ValueError("it is missing. Leave it out: columns not named are drawn.")


def _cells_of(column, value, label):
    """A table of one cell; text is read as the date that it is."""
    _refuse_missing(value)
    pandas = sys.modules.get("pandas")
    if column.stored == "datetime" and column.unit == "period":
        freq = re.fullmatch(r"period\[(.*)\]", column.dtype)[1]
        if not isinstance(value, pandas.Period):
            value = pandas.Period(value, freq=freq)
        elif value.freqstr != pandas.Period(ordinal=0, freq=freq).freqstr:
            raise ValueError(f"its values are periods of frequency {freq}.")
    elif column.stored == "datetime" and isinstance(value, str):
        value = np.datetime64(value) if pandas is None else pandas.Timestamp(value)
        if column.zone is not None and getattr(value, "tzinfo", None) is None:
            value = pandas.Timestamp(value).tz_localize(column.zone)
    if column.dtype == "Time":  # of polars, a duration since midnight
        value = time.fromisoformat(value) if isinstance(value, str) else value
        if isinstance(value, time):
            value = datetime.combine(date.min, value) - datetime.min
    if column.stored in TIMES and pandas is not None:
        return Table.read(pandas.DataFrame({0: [value]})).columns[0]
    cell = np.empty(1, dtype=object)
    cell[0] = value
    return object_cells(cell, label, "object")


def _stored(column, cells, value):
    """The value as decoded columns hold it; an array of one."""
    if column.stored in TIMES:
        return np.array([_ticks(column, int(cells.values[0]), cells.unit)])
    if column.stored == "integer":
        return _integer(column, value)
    if column.stored == "continuous":
        number = np.array([float(value)])
        if np.isinf(number.astype(_width(column))).any():
            raise ValueError(f"its values are finite numbers of dtype {column.dtype}.")
        return number
    if column.stored == "boolean":
        return np.array([bool(value)])
    stored = np.empty(1, dtype=object)
    stored[0] = cells.values[0]
    if column.kind == "identifier" and cells.kind != "text":
        raise ValueError(f"its values are text, dtype {column.dtype}.")
    return stored


def _width(column):
    return np.float32 if column.dtype.lower().startswith("float32") else np.float64


def _integer(column, value):
    name = column.dtype.lower()
    limits = np.iinfo(name if re.fullmatch(r"u?int(8|16|32|64)", name) else np.int64)
    whole = not isinstance(value, str) and int(value) == value
    if not (whole and limits.min <= int(value) <= limits.max):
        raise ValueError(
            f"its values are integers from {limits.min} to {limits.max}, dtype "
            f"{column.dtype}."
        )
    return np.array([int(value)], dtype=np.uint64 if "uint" in name else np.int64)


def _ticks(column, tick, unit):
    """Convert a tick to the unit of the column, if nothing is lost."""
    if unit != column.unit:
        tick, rest = divmod(tick * TICKS_PER_DAY[column.unit], TICKS_PER_DAY[unit])
        limits = np.iinfo(np.int64)
        if rest or not limits.min < tick <= limits.max:
            raise ValueError(
                f"its values are of dtype {column.dtype}, in units of {column.unit!r}."
            )
    return tick
