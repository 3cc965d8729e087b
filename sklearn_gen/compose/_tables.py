"""Rows and columns of arrays and data frames, as the steps of a pipeline need them."""

import numpy as np
from sklearn.utils.validation import check_array

from sklearn_gen._columns import container_of
from sklearn_gen._compat import safe_indexing


def as_floats(X, *, copy=False):
    """Read any container as a float64 array; missing cells become NaN."""
    return check_array(X, dtype=np.float64, copy=copy, ensure_all_finite=False)


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
