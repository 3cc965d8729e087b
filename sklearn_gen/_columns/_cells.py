"""Read the columns of any table: numpy, pandas, polars or lists, of any type."""

import datetime
import sys
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import NamedTuple

import numpy as np

from sklearn_gen._columns._containers import at_start, column_label, container_of

NUMBERS = ("continuous", "integer", "boolean")
TIMES = ("datetime", "timedelta")


class Cells(NamedTuple):
    """One column as it is stored.

    `kind` is 'continuous', 'integer', 'boolean', 'datetime', 'timedelta', 'text',
    'category' (of a library) or 'empty' (nothing observed, nothing declared). `values`
    are numbers, ticks of `unit` (int64) or objects; where `missing` is True they mean
    nothing. `scalar` is the type of the cells of an object column, `gap` names what
    stands where one is missing.
    """

    kind: str
    values: np.ndarray
    missing: np.ndarray
    dtype: str
    scalar: str | None = None
    unit: str | None = None
    zone: str | None = None
    levels: tuple | None = None
    level_dtype: str | None = None
    ordered: bool = False
    gap: str = "None"

    def take(self, rows):
        """Return some rows."""
        return self._replace(values=self.values[rows], missing=self.missing[rows])


@dataclass(frozen=True)
class Table:
    """The cells of a table: what validation hands to the schema."""

    columns: tuple
    names: tuple | None
    container: str

    @classmethod
    def read(cls, X):
        """Read `X`, a data frame or a 2-D array of any dtype.

        Raises
        ------
        TypeError
            If a cell is of no type that a column can have; names the column and row.
        ValueError
            If a column mixes types or its dtype has no meaning here.
        """
        container = container_of(X)
        if container == "numpy":
            rows = np.ascontiguousarray(X.T)  # cells of a column beside one another
            columns = [_array_cells(x, f"column {j}") for j, x in enumerate(rows)]
            return cls(tuple(columns), None, container)
        names = tuple(X.columns)
        read = _pandas_cells if container == "pandas" else _polars_cells
        columns = []
        for j in range(len(names)):
            series = X.iloc[:, j] if container == "pandas" else X[names[j]]
            columns.append(read(series, column_label(names, j)))
        return cls(tuple(columns), names, container)

    def __len__(self):
        return len(self.columns[0].missing)

    def __getitem__(self, rows):
        columns = tuple(cells.take(rows) for cells in self.columns)
        return replace(self, columns=columns)


def as_table(X):
    """Read `X` unless it was read before."""
    if isinstance(X, Table):
        return X
    return Table.read(as_array(X) if container_of(X) == "numpy" else X)


def as_array(X):
    """Array of nested lists: with objects where numpy would make text of numbers."""
    array = np.asarray(X)
    if array.dtype.kind in "US" and not isinstance(X, np.ndarray):
        return np.array(X, dtype=object)
    return array


def _array_cells(column, label):
    kind, dtype = column.dtype.kind, str(column.dtype)
    if kind in "biuf":
        return _number_cells(column, np.isnan(column), dtype)
    if kind in "mM":
        unit = np.datetime_data(column.dtype)[0]
        return _ticks(column, "datetime" if kind == "M" else "timedelta", dtype, unit)
    return object_cells(column.astype(object), label, dtype)


def _number_cells(values, missing, dtype):
    kind = {"b": "boolean", "i": "integer", "u": "integer"}.get(values.dtype.kind)
    return Cells(kind or "continuous", values, missing, dtype)


def _ticks(values, kind, dtype, unit, zone=None, scalar=None):
    if unit not in TICKS_PER_DAY:  # months, hours, minutes: exact in seconds or days
        unit = "D" if unit in "YMW" and kind == "datetime" else "s"
        values = values.astype(f"{values.dtype.kind}8[{unit}]")
    ticks = values.astype(np.int64)
    return Cells(kind, ticks, np.isnat(values), dtype, scalar, unit, zone)


TICKS_PER_DAY = {
    unit: 86_400 * per_second
    for unit, per_second in {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}.items()
} | {"D": 1}


def _pandas_cells(series, label):
    pandas = sys.modules["pandas"]
    types, dtype = pandas.api.types, series.dtype
    name, missing = str(dtype), series.isna().to_numpy()
    if isinstance(dtype, pandas.CategoricalDtype):
        levels = dtype.categories
        values = np.array([*levels, None], dtype=object)[series.cat.codes.to_numpy()]
        return Cells(
            "category",
            values,
            missing,
            name,
            levels=tuple(levels),
            level_dtype=str(levels.dtype),
            ordered=bool(dtype.ordered),
        )
    if isinstance(dtype, pandas.SparseDtype | pandas.IntervalDtype):
        raise _no_such_dtype(label, dtype)
    if isinstance(dtype, pandas.PeriodDtype):
        ordinals = np.asarray(series.array.asi8, dtype=np.int64)
        return Cells("datetime", ordinals, missing, name, unit="period")
    if types.is_bool_dtype(dtype):
        return _number_cells(_filled(series, bool, False), missing, name)
    if types.is_integer_dtype(dtype):
        wide = "uint64" if name.lower().startswith("uint") else "int64"
        return _number_cells(_filled(series, wide, 0), missing, name)
    if types.is_float_dtype(dtype):
        width = "float32" if name.lower().startswith("float32") else "float64"
        return _number_cells(_filled(series, width, np.nan), missing, name)
    if types.is_datetime64_any_dtype(dtype):
        zone = None
        if isinstance(dtype, pandas.DatetimeTZDtype):
            zone = str(dtype.tz)
            series = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return _ticks(series.to_numpy(), "datetime", name, series.dt.unit, zone)
    if types.is_timedelta64_dtype(dtype):
        return _ticks(series.to_numpy(), "timedelta", name, series.dt.unit)
    if not (types.is_object_dtype(dtype) or types.is_string_dtype(dtype)):
        raise _no_such_dtype(label, dtype)
    cells = object_cells(series.to_numpy(dtype=object), label, name)
    if name == "string":  # says not which of pandas' two storages
        cells = cells._replace(dtype=f"string[{dtype.storage}]")
    return cells


def _filled(series, dtype, na_value):
    if isinstance(series.dtype, np.dtype):
        return series.to_numpy(dtype=dtype)
    return series.to_numpy(dtype=dtype, na_value=na_value)


def _polars_cells(series, label):
    polars = sys.modules["polars"]
    dtype, missing = series.dtype, series.is_null().to_numpy()
    name = str(dtype)
    if dtype == polars.Null:
        return Cells("empty", np.full(len(series), np.nan), missing, name)
    if dtype == polars.Boolean or dtype.is_integer():
        values = series.fill_null(False if dtype == polars.Boolean else 0)
        if "128" in name:
            values = values.cast(polars.Float64)
            return Cells("integer", values.to_numpy(), missing, name)
        return _number_cells(values.to_numpy(), missing, name)
    if dtype.is_float() or dtype.is_decimal():
        if dtype.is_decimal():
            series = series.cast(polars.Float64)
        values = series.to_numpy()
        return _number_cells(values, missing | np.isnan(values), name)
    if dtype.is_temporal():
        unit = {"Date": "D", "Time": "ns"}.get(name) or dtype.time_unit
        ticks = series.to_physical().fill_null(0).to_numpy().astype(np.int64)
        is_date = dtype == polars.Date or dtype == polars.Datetime
        kind = "datetime" if is_date else "timedelta"
        zone = getattr(dtype, "time_zone", None)
        return Cells(kind, ticks, missing, name, unit=unit, zone=zone)
    if dtype == polars.Enum:
        levels = tuple(dtype.categories.to_list())
        values = np.array(series.to_list(), dtype=object)
        return Cells("category", values, missing, "Enum", levels=levels, ordered=True)
    if dtype == polars.String or dtype == polars.Categorical:
        name = "Categorical" if dtype == polars.Categorical else name
        return object_cells(np.array(series.to_list(), dtype=object), label, name)
    raise _no_such_dtype(label, dtype)


def _no_such_dtype(label, dtype):
    return ValueError(
        f"{at_start(label)} has dtype {dtype}; columns are numbers, booleans, text, "
        "categories, dates or durations. Encode it as one of these (sparse columns: "
        "column.sparse.to_dense()) or drop it."
    )


def object_cells(cells, label, dtype):
    """Read an array of Python objects: all of one type, or missing."""
    missing = missing_objects(cells)
    present = cells[~missing]
    found = {}
    for cell_type in dict.fromkeys(map(type, present)):
        found.setdefault(_scalar_name(cell_type), cell_type)
    if None in found:
        row = next(i for i, cell in enumerate(cells) if type(cell) is found[None])
        raise TypeError(
            f"{at_start(label)}, row {row} holds {_shown(cells[row])} of type "
            f"{found[None].__name__}: argument must be a string, a number, a boolean, "
            "a date or a duration. Convert, encode or drop the column."
        )
    if set(found) == {"int", "float"}:
        found = {"float": float}
    if len(found) > 1:
        raise _mixed_types(cells, missing, found, label)
    if not found:
        typed = Cells("empty", np.full(len(cells), np.nan), missing, dtype)
    else:
        typed = _typed_cells(cells, missing, next(iter(found)), dtype, label)
    gaps = {str(cell) for cell in cells[missing]}
    return typed._replace(gap=next(iter(sorted(gaps)), "None"))


def _typed_cells(cells, missing, scalar, dtype, label):
    present, numbers = cells[~missing], {"bool": bool, "int": np.int64, "float": float}
    if scalar in ("str", "bytes"):
        return Cells("text", cells, missing, dtype, scalar)
    if scalar in numbers:
        try:
            native = present.astype(numbers[scalar])
        except OverflowError:
            native = present.astype(float)
        values = np.zeros(len(cells), dtype=native.dtype)
        values[~missing] = native
        return _number_cells(values, missing, dtype)._replace(scalar=scalar)
    if any(getattr(cell, "tzinfo", None) is not None for cell in present):
        raise ValueError(
            f"{at_start(label)} holds date objects with time zones: make it a "
            "column of dates first (pandas.to_datetime)."
        )
    if scalar in ("Timestamp", "Timedelta"):
        pandas = sys.modules["pandas"]
        index = pandas.DatetimeIndex if scalar == "Timestamp" else pandas.TimedeltaIndex
        native = index(list(present)).to_numpy()
    else:
        kind = "M8" if scalar.startswith("date") else "m8"
        unit = "[D]" if scalar == "date" else "" if scalar.endswith("64") else "[us]"
        native = np.array(list(present), dtype=kind + unit)
    values = np.full(len(cells), "NaT", dtype=native.dtype)
    values[~missing] = native
    kind = "datetime" if native.dtype.kind == "M" else "timedelta"
    return _ticks(values, kind, dtype, np.datetime_data(native.dtype)[0], None, scalar)


def _scalar_name(cell_type):
    """Name the kind of scalar a type is; None for what no column can hold."""
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        for name in ("Timestamp", "Timedelta"):
            if issubclass(cell_type, getattr(pandas, name)):
                return name
    for name, types in (
        ("bool", (bool, np.bool_)),
        ("timedelta64", np.timedelta64),  # which numpy says is an integer
        ("int", Integral),
        ("float", Real),
        ("str", str),
        ("bytes", bytes),
        ("datetime", datetime.datetime),
        ("date", datetime.date),
        ("timedelta", datetime.timedelta),
        ("datetime64", np.datetime64),
    ):
        if issubclass(cell_type, types):
            return name
    return None


def _mixed_types(cells, missing, found, label):
    examples = []
    for cell_type in list(found.values())[:3]:
        row = next(
            i
            for i, cell in enumerate(cells)
            if not missing[i] and isinstance(cell, cell_type)
        )
        examples.append(f"{cell_type.__name__} ({_shown(cells[row])}, row {row})")
    return ValueError(
        f"{at_start(label)} mixes types: {' and '.join(examples)}. Make all of one "
        "type (column.astype(str) for text), encode the column or drop it."
    )


def _shown(cell):
    text = repr(cell)
    return text if len(text) <= 60 else f"{text[:57]}..."


def missing_objects(cells):
    """Tell which objects mean 'not observed': None, NaN, NaT, pandas' NA."""
    pandas = sys.modules.get("pandas")
    if pandas is not None:
        return np.asarray(pandas.isna(cells))
    return np.fromiter((_is_missing(cell) for cell in cells), bool, len(cells))


def _is_missing(cell):
    if isinstance(cell, np.datetime64 | np.timedelta64):
        return bool(np.isnat(cell))
    return cell is None or (isinstance(cell, Real) and cell != cell)
