"""Rows of several tables, put together."""

import importlib

import numpy as np

from sklearn_gen._columns import container_of
from sklearn_gen._inner._checking import has_other_columns


def stack_rows(tables):
    """Put tables of the same columns below each other.

    Parameters
    ----------
    tables : list of array-like of shape (n_rows, n_features)
        Of one container.

    Returns
    -------
    table : ndarray or DataFrame
        In that container; a pandas index is counted anew.
    """
    container = container_of(tables[0])
    if container == "pandas":
        pandas = importlib.import_module(container)
        return pandas.concat(tables, ignore_index=True)
    if container == "polars":
        polars = importlib.import_module(container)
        return polars.concat(tables, how="vertical_relaxed")
    return np.concatenate(tables)


def with_column(X, values, name):
    """Append a column of numbers, under a name that X doesn't have.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Of any container.
    values : ndarray of shape (n_samples,)
        The column.
    name : str
        What it is called in a frame, with underscores behind it where X has that name.

    Returns
    -------
    table : ndarray or DataFrame of shape (n_samples, n_features + 1)
        An array where names aren't strings, which can't be mixed with one that is.
    """
    container = container_of(X)
    if container == "numpy":
        X = X if hasattr(X, "dtype") else np.array(X, dtype=object)
        return np.column_stack([X, values.astype(X.dtype)])
    if not all(isinstance(column, str) for column in X.columns):
        dtype = object if has_other_columns(X) else np.float64
        return with_column(np.asarray(X, dtype=dtype), values, name)
    taken = set(X.columns)
    while name in taken:
        name += "_"
    if container == "pandas":
        return X.assign(**{name: values})
    polars = importlib.import_module(container)
    return X.with_columns(polars.Series(name, values))
