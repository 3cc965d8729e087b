"""Write values back into columns of the dtype they came in."""

import re
from importlib import import_module

import numpy as np

from sklearn_gen._columns._cells import TIMES


def write_column(container, column, values, missing):
    """Make a Series of one column, or an array where the container is numpy.

    `values` are as in `Cells`: numbers, ticks or objects; the dtype is that of
    `column`, or the nearest one that can hold what is missing.
    """
    if container == "pandas":
        return _pandas_series(column, values, missing)
    if container == "polars":
        return _polars_series(column, values, missing)
    return _array(column, values, missing)


def _array(column, values, missing):
    if column.dtype == "object" or column.stored in ("text", "category", "empty"):
        return as_objects(column, values, missing)
    values = _natural(column, values)
    if not missing.any():
        return values.astype(column.dtype)
    if column.stored in TIMES:
        values[missing] = "NaT"
        return values.astype(column.dtype)
    values = values.astype(np.promote_types(column.dtype, np.float32))
    values[missing] = np.nan
    return values


def _natural(column, values):
    """Turn ticks into dates."""
    if column.stored not in TIMES or column.unit == "period":
        return values
    letter = "M" if column.stored == "datetime" else "m"
    return values.astype(f"{letter}8[{column.unit}]")


def as_objects(column, values, missing):
    """Array of Python objects of the type that the column held."""
    values = _natural(column, values)
    if column.scalar in ("Timestamp", "Timedelta"):
        pandas = import_module("pandas")
        kind = pandas.DatetimeIndex if values.dtype.kind == "M" else None
        index = (kind or pandas.TimedeltaIndex)(values)
        cells = np.array([*index, None], dtype=object)[:-1]
    elif column.scalar in ("datetime64", "timedelta64"):
        cells = np.array([*values, None], dtype=object)[:-1]
    else:
        cells = values.astype(object)  # numpy's own: int, float, bool, date, datetime
    cells[missing] = _gap(column.gap)
    return cells


def _gap(name):
    """Missing value of Python by its name."""
    if name in ("NaT", "<NA>"):
        return getattr(import_module("pandas"), name.strip("<>"))
    return None if name == "None" else np.nan


def _pandas_series(column, values, missing):
    pandas = import_module("pandas")
    dtype = column.dtype
    if column.stored == "category":
        levels = pandas.Index(list(column.levels), dtype=column.level_dtype)
        codes = levels.get_indexer(pandas.Index(values)) if len(levels) else None
        codes = np.full(len(values), -1) if codes is None else codes
        codes[missing] = -1
        return pandas.Series(
            pandas.Categorical.from_codes(codes, levels, ordered=column.ordered)
        )
    if column.unit == "period":
        ordinals = np.where(missing, np.iinfo(np.int64).min, values)
        freq = re.fullmatch(r"period\[(.*)\]", dtype)[1]
        return pandas.Series(pandas.PeriodIndex.from_ordinals(ordinals, freq=freq))
    if column.stored == "empty":
        return pandas.Series(np.full(len(values), None, dtype=object)).astype(dtype)
    if dtype == "object" or column.stored == "text":
        cells = as_objects(column, values, missing)
        return pandas.Series(cells, dtype=dtype)
    if column.stored in TIMES:
        series = pandas.Series(_natural(column, values))
        if column.zone is not None:
            series = series.dt.tz_localize("UTC").dt.tz_convert(column.zone)
        return series.mask(missing) if missing.any() else series
    if not missing.any():
        return pandas.Series(values).astype(dtype)
    if dtype[0].isupper() or dtype == "boolean" or "pyarrow" in dtype:  # nullable
        return pandas.Series(values).astype(dtype).mask(missing)
    if column.stored == "boolean":
        return pandas.Series(values.astype(object)).mask(missing, None)
    wide = dtype if column.stored == "continuous" else "float64"
    return pandas.Series(values.astype(wide)).mask(missing)


def _polars_series(column, values, missing):
    polars = import_module("polars")
    dtype = _polars_dtype(polars, column)
    if column.stored in ("text", "category", "empty"):
        cells = [
            None if gone else cell for cell, gone in zip(values, missing, strict=True)
        ]
        return polars.Series(cells, dtype=dtype)
    if dtype in (polars.Time, polars.Date) or column.stored in TIMES:
        values = np.where(missing, 0, values).astype(np.int64)
    series = polars.Series(np.ascontiguousarray(values))
    if dtype == polars.Date:
        series = series.cast(polars.Int32)
    series = series.cast(dtype)
    if missing.any():
        gone = polars.Series(missing)
        series = polars.select(polars.when(~gone).then(series)).to_series()
    return series


def _polars_dtype(polars, column):
    name = column.dtype.split("(")[0]
    if name == "Datetime":
        return polars.Datetime(column.unit, column.zone)
    if name == "Duration":
        return polars.Duration(column.unit)
    if name == "Enum":
        return polars.Enum(list(column.levels))
    if name == "Decimal":
        precision, scale = map(int, re.findall(r"=(\d+)", column.dtype))
        return polars.Decimal(precision, scale)
    return getattr(polars, name)


def assemble(container, names, columns):
    """Put columns, each from `write_column`, together."""
    if container == "polars":
        library = import_module("polars")
        return library.DataFrame(dict(zip(names, columns, strict=True)))
    if container == "pandas":
        library = import_module("pandas")
        frame = library.concat(columns, axis=1, ignore_index=True)
        frame.columns = list(names)
        return frame
    is_object = any(column.dtype == object for column in columns)
    dtype = object if is_object else np.result_type(*columns)
    table = np.empty((len(columns[0]), len(columns)), dtype=dtype)
    for j, column in enumerate(columns):
        table[:, j] = column
    return table
