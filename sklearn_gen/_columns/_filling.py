"""Fill the missing cells of a table and leave the others as they are."""

from importlib import import_module

import numpy as np

from sklearn_gen._columns._cells import as_array
from sklearn_gen._columns._containers import container_of
from sklearn_gen._columns._restoring import as_objects, write_column


def fill_table(X, schema, cells, decoded):
    """Copy `X` with what is missing replaced.

    Parameters
    ----------
    X : DataFrame or array-like of shape (n_samples, n_features)
    schema : TableSchema
        Of the columns in fit; its container may be another one.
    cells : tuple of Cells
        Of `X`.
    decoded : list of (values, missing)
        For each column what to put where `X` is missing and this is not.

    Returns
    -------
    filled : DataFrame or ndarray of shape (n_samples, n_features)
        In the container of `X`.
    """
    container = container_of(X)
    filled = np.array(as_array(X)) if container == "numpy" else X[:]
    for j, (column, cell) in enumerate(zip(schema.columns, cells, strict=True)):
        values, unknown = decoded[j]
        rows = cell.missing & ~unknown
        if not rows.any():
            continue
        if container == schema.container:
            given = write_column(container, column, values, unknown)
        else:
            given = _foreign_column(container, column, values, unknown)
        if container == "pandas":
            filled.isetitem(j, _fill_series(X.iloc[:, j], given, rows))
        elif container == "polars":
            series = _fill_polars(X[X.columns[j]], given, rows)
            filled = filled.with_columns(series.alias(X.columns[j]))
        else:
            filled = _fill_array(filled, j, given, rows)
    return filled


def _foreign_column(container, column, values, missing):
    """Make a column for another container than that of fit, of Python objects."""
    cells = as_objects(column, values, missing)
    if container == "numpy":
        return cells
    return import_module(container).Series(list(cells))


def _fill_series(series, given, rows):
    pandas = import_module("pandas")
    given.index = series.index
    if series.isna().all():
        return given
    if isinstance(series.dtype, pandas.CategoricalDtype):
        known = series.cat.categories
        new = [level for level in given.array[rows].unique() if level not in known]
        series = series.cat.add_categories(new)
    try:
        cells = given.array[rows].astype(series.dtype)
    except (TypeError, ValueError):  # of a dtype that can't hold them
        series, cells = series.astype(given.dtype), given.array[rows]
    filled = series.copy()
    filled[rows] = cells
    return filled


def _fill_polars(series, given, rows):
    polars = import_module("polars")
    if not (series.dtype == polars.Null or rows.all()):
        given = given.cast(series.dtype)
        chosen = polars.when(polars.Series(rows)).then(given).otherwise(series)
        given = polars.select(chosen).to_series()
    return given


def _fill_array(filled, j, given, rows):
    if filled.dtype.kind == "f" and given.dtype.kind not in "biufO":
        filled = filled.astype(object)
    try:
        filled[rows, j] = given[rows]
    except ValueError:  # text into a column of NaN
        filled = filled.astype(object)
        filled[rows, j] = given[rows]
    return filled
