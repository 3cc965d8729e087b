"""Cells that are not observed: which they are, and copies of tables that have more."""

import numpy as np

from sklearn_gen._columns import container_of


def missing_cells(X):
    """Mask of the missing cells, (n_samples, n_features): NaN, None, NA, NaT."""
    container = container_of(X)
    if container == "pandas":
        return X.isna().to_numpy()
    if container == "polars":
        columns = [column.is_null() for column in X.iter_columns()]
        floating = [column.dtype.is_float() for column in X.iter_columns()]
        columns = [
            null | column.is_nan().fill_null(False) if is_float else null
            for null, column, is_float in zip(
                columns, X.iter_columns(), floating, strict=True
            )
        ]
        return np.stack([column.to_numpy() for column in columns], axis=1)
    X = np.asarray(X)
    if X.dtype == object:
        return np.vectorize(lambda cell: cell is None or cell != cell, otypes=[bool])(X)
    return np.isnan(X) if X.dtype.kind == "f" else np.zeros(X.shape, dtype=bool)


def hide(X, columns):
    """Copy X with some columns, by index, not observed."""
    container = container_of(X)
    if container == "polars":  # as many nulls
        names = [X.columns[j] for j in columns]
        return X.with_columns(X[name].clear(len(X)) for name in names)
    if container == "numpy":
        hidden = floats(X)
        hidden[:, columns] = np.nan
        return hidden
    hidden = X.copy()
    for j in columns:
        column = X.iloc[:, j]
        if column.dtype.kind in "biuf":
            nothing = np.full(len(X), np.nan)
        else:
            nothing = column.where(np.zeros(len(X), dtype=bool))
        hidden.isetitem(j, nothing)  # by position: labels may repeat
    return hidden


def hide_rows(X, rows, kept=()):
    """Copy X with some rows, by mask, not observed but for the columns `kept`."""
    container = container_of(X)
    hidden = [j for j in range(np.shape(X)[1]) if j not in kept]
    if container == "polars":
        shown = type(X)({"shown": ~rows})["shown"]
        names = [X.columns[j] for j in hidden]
        columns = [X[n].zip_with(shown, X[n].clear(len(X))) for n in names]
        return X.with_columns(columns)
    if container == "numpy":
        values = floats(X)
        values[np.ix_(rows, hidden)] = np.nan
        return values
    table = X.copy()
    for j in hidden:
        column = X.iloc[:, j]
        whole = {"b": "boolean", "i": "Int64", "u": "UInt64"}.get(column.dtype.kind)
        if whole is not None:
            column = column.astype(whole)
        table.isetitem(j, column.mask(rows))
    return table


def floats(X):
    values = np.asarray(X)
    return np.array(values, dtype=np.result_type(values.dtype, np.float32))
