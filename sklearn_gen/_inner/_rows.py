"""Rows with what belongs to them."""

from typing import NamedTuple

import numpy as np
from sklearn.utils import indexable

from sklearn_gen._compat import safe_indexing
from sklearn_gen._inner._weights import weight_params

# Multiples of it, modulo 1, are spread evenly, and periods in the order of rows don't
# matter to them.
_GOLDEN = 0.6180339887498949


def even_places(start, stop):
    """Places in [0, 1) of the numbers from start on: any stretch of them is even."""
    return (np.arange(start, stop) * _GOLDEN) % 1.0


def even_sample(n_rows, size):
    """Indices of at most `size` rows, evenly over all; the same at each call."""
    if n_rows <= size:
        return np.arange(n_rows)
    return np.unique((even_places(0, size) * n_rows).astype(np.intp))


def count_rows(X):
    """Count rows of any container; what is no table counts as one."""
    shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
    return shape[0] if shape else 1


def table_like(X):
    """Say whether X isn't plainly something else: a list of numbers, a series."""
    if isinstance(X, list | tuple):
        return len(X) == 0 or np.ndim(X[0]) > 0
    return getattr(X, "ndim", 2) != 1


class Rows(NamedTuple):
    """Rows, in the container the caller used, with targets and weights or None."""

    X: object
    y: object
    sample_weight: np.ndarray | None

    def select(self, rows):
        """Some of them, by index; None is all."""
        if rows is None:
            return self
        parts = indexable(*self)  # sparse or other rows to what can be indexed
        return Rows(
            *(None if part is None else safe_indexing(part, rows) for part in parts)
        )

    def weights_for(self, density):
        """Weights, as parameters of the density's fit.

        Raises
        ------
        ValueError
            If there are weights and the density takes none.
        """
        if self.sample_weight is None:
            return {}
        return weight_params(density, self.sample_weight)
