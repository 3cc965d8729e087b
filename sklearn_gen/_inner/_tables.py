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
