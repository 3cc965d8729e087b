"""Drawn rows in the types of the table that they join."""

import numpy as np

from sklearn_gen._columns import container_of


def cast_like(drawn, X):
    """Give drawn rows the dtypes of X: whole numbers, and no others than X could have.

    Parameters
    ----------
    drawn : array-like of shape (n_rows, n_features)
        In the container of X.
    X : array-like of shape (n_samples, n_features)
        The table.

    Returns
    -------
    drawn : array-like of shape (n_rows, n_features)
        Values of integer columns are rounded and clipped to the range of X.
    """
    container = container_of(X)
    if container == "numpy":
        return _whole(np.asarray(drawn), X, X.dtype).astype(X.dtype)
    if container == "pandas":
        drawn = drawn.copy()
        for j, dtype in enumerate(X.dtypes):
            new = drawn.iloc[:, j]
            if new.dtype != dtype:
                cells = _whole(new.to_numpy(), X.iloc[:, j].dropna().to_numpy(), dtype)
                drawn.isetitem(j, type(new)(cells, index=new.index).astype(dtype))
        return drawn
    columns = []
    for new, old in zip(drawn.iter_columns(), X.iter_columns(), strict=True):
        if new.dtype != old.dtype:
            cells = _whole(new.to_numpy(), old.drop_nulls().to_numpy(), old.dtype)
            new = type(new)(old.name, cells).cast(old.dtype)
        columns.append(new)
    return type(X)(columns)


def _whole(cells, like, dtype):
    """Round numbers that are to be integers or truth values."""
    if not str(dtype).lower().startswith(("int", "uint", "bool")):
        return cells
    low, high = np.min(like, axis=0), np.max(like, axis=0)
    return np.clip(np.round(cells), low.astype(float), high.astype(float))
