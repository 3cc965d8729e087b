"""Rows of several tables, put together."""

import importlib

import numpy as np

from sklearn_gen._columns import container_of


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
        return np.column_stack([X, values.astype(np.asarray(X).dtype)])
    if not all(isinstance(column, str) for column in X.columns):
        return with_column(np.asarray(X, dtype=np.float64), values, name)
    taken = set(X.columns)
    while name in taken:
        name += "_"
    if container == "pandas":
        return X.assign(**{name: values})
    polars = importlib.import_module(container)
    return X.with_columns(polars.Series(name, values))
