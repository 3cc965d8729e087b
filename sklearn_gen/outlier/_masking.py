"""Tables with one column hidden, in the container the caller used."""

import numpy as np

from sklearn_gen._columns import container_of


def without_columns(X):
    """Yield X with its first column not observed, then its second, and so on.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Never changed.

    Yields
    ------
    hidden : ndarray or DataFrame of shape (n_samples, n_features)
        Valid until the next one is asked for: the arrays share one buffer.
    """
    if container_of(X) != "numpy":
        for j in range(X.shape[1]):
            yield _hide(X, [j])
        return
    values = np.asarray(X)
    hidden = _floats(values)
    for j in range(hidden.shape[1]):
        hidden[:, j] = np.nan
        yield hidden
        hidden[:, j] = values[:, j]


def single_columns(X):
    """Yield X with nothing observed but its first column, then its second, and so on.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Never changed.

    Yields
    ------
    alone : ndarray or DataFrame of shape (n_samples, n_features)
        In the container of X.
    """
    n_features = np.shape(X)[1]
    for j in range(n_features):
        yield _hide(X, [other for other in range(n_features) if other != j])


def _hide(X, columns):
    """Copy X with some columns, by index, not observed."""
    container = container_of(X)
    if container == "polars":  # as many nulls
        names = [X.columns[j] for j in columns]
        return X.with_columns(X[name].clear(len(X)) for name in names)
    if container == "numpy":
        hidden = _floats(X)
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


def _floats(X):
    values = np.asarray(X)
    return np.array(values, dtype=np.result_type(values.dtype, np.float32))


def missing_cells(X):
    """Say which cells of X are not observed.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        NaN, None and null all mean "not observed".

    Returns
    -------
    missing : ndarray of bool of shape (n_samples, n_features)
        In the order of the columns.
    """
    container = container_of(X)
    if container == "pandas":
        return X.isna().to_numpy()
    if container == "polars":
        columns = [
            column.is_null() | column.is_nan()
            if column.dtype.is_float()
            # is_nan of a null is null, and null | True is True
            else column.is_null()
            for column in X.iter_columns()
        ]
        return np.column_stack([column.to_numpy() for column in columns])
    return np.isnan(np.asarray(X, dtype=np.float64))
