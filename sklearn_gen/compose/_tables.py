"""Rows and columns of arrays and data frames, as the steps of a pipeline need them."""

import numpy as np
from sklearn.utils.validation import check_array

from sklearn_gen._columns import container_of
from sklearn_gen._compat import safe_indexing


def as_floats(X, *, copy=False):
    """Read any container as a float64 array; missing cells become NaN."""
    return check_array(X, dtype=np.float64, copy=copy, ensure_all_finite=False)


def overwrites(transformer):
    """Say whether a transformer, or one inside it, was told to work in place."""
    if isinstance(transformer, type) or not hasattr(transformer, "get_params"):
        return False
    return any(
        value is False and (name == "copy" or name.endswith("__copy"))
        for name, value in transformer.get_params(deep=True).items()
    )


def untouched(transformer, X):
    """Return X, or a copy for a transformer that would write to it (copy=False)."""
    return X.copy() if overwrites(transformer) and hasattr(X, "copy") else X


def take_rows(X, kept):
    """Keep the rows of a boolean mask."""
    if container_of(X) == "numpy":
        X = np.asarray(X)  # lists, and what only has __array__
    return safe_indexing(X, np.flatnonzero(kept))


def take_columns(X, indices, names=None):
    """Select columns: by name where both X and the transformer have them."""
    if names is not None and container_of(X) != "numpy":
        return X[[names[j] for j in indices]]
    return safe_indexing(X, indices, axis=1)
