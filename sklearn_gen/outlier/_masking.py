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
    container = container_of(X)
    if container == "polars":
        for name in X.columns:
            yield X.with_columns(X[name].clear(len(X)))  # as many nulls
    elif container == "pandas":
        for j in range(X.shape[1]):
            column, hidden = X.iloc[:, j], X.copy()
            if column.dtype.kind in "biuf":
                nothing = np.full(len(X), np.nan)
            else:
                nothing = column.where(np.zeros(len(X), dtype=bool))
            hidden.isetitem(j, nothing)  # by position: labels may repeat
            yield hidden
    else:
        values = np.asarray(X)
        hidden = np.array(values, dtype=np.result_type(values.dtype, np.float32))
        for j in range(hidden.shape[1]):
            hidden[:, j] = np.nan
            yield hidden
            hidden[:, j] = values[:, j]


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
