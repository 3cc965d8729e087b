"""TableSchema: names, types and grids of the columns of a table."""

from dataclasses import dataclass
from numbers import Integral

import numpy as np

from sklearn_gen._columns._containers import (
    column_label,
    container_of,
    in_container,
    rewrap,
)
from sklearn_gen._columns._resolution import resolution_of


@dataclass(frozen=True, eq=False)
class TableSchema:
    """Names, kinds and resolution of the columns of a table.

    Attributes
    ----------
    names : tuple of str or None
        Column names; None for arrays.
    kinds : tuple of str
        One of 'continuous', 'integer', 'boolean' per column, by dtype.
    categories : tuple
        The levels of each categorical column, None for the others.
    resolution : ndarray of shape (n_features,)
        Width of the grid a column's values lie on where they repeat (1.0 for counts,
        0.1 for one decimal), in units of the column; 0.0 for columns without one.
    dtypes : tuple of str
        Each column's dtype as it came in.
    container : {'numpy', 'pandas', 'polars'}
        What `fit` was given.
    """

    names: tuple | None
    kinds: tuple
    categories: tuple
    resolution: np.ndarray
    dtypes: tuple
    container: str

    @classmethod
    def from_data(cls, X, values):
        """Describe `X` (as the user gave it) and `values`, its float array."""
        container = container_of(X)
        n_features = values.shape[1]
        if container == "numpy":
            names = None
            dtypes = (str(getattr(X, "dtype", values.dtype)),) * n_features
        else:
            names = tuple(X.columns)
            dtypes = tuple(str(dtype) for dtype in X.dtypes)
        return cls(
            names=names,
            kinds=tuple(_kind(dtype) for dtype in dtypes),
            categories=(None,) * n_features,
            resolution=np.array([resolution_of(x) for x in values.T], dtype=float),
            dtypes=dtypes,
            container=container,
        )

    def select(self, columns):
        """Schema of some columns, by index."""

        def pick(values):
            return tuple(values[j] for j in columns)

        return TableSchema(
            names=None if self.names is None else pick(self.names),
            kinds=pick(self.kinds),
            categories=pick(self.categories),
            resolution=self.resolution[columns],
            dtypes=pick(self.dtypes),
            container=self.container,
        )

    def column_indices(self, columns, parameter):
        """Indices of columns given by index, name or mask.

        Raises
        ------
        ValueError
            If `columns` (the value of `parameter`) names an unknown column, or one
            twice.
        """
        n_features = len(self.kinds)
        columns = np.atleast_1d(np.asarray(columns, dtype=object))
        if len(columns) and all(isinstance(c, bool | np.bool_) for c in columns):
            if len(columns) != n_features:
                raise ValueError(
                    f"{parameter} is a mask of {len(columns)} columns; there are "
                    f"{n_features}."
                )
            return np.flatnonzero(columns.astype(bool))
        indices = []
        for column in columns:
            if self.names is not None and column in self.names:
                indices.append(self.names.index(column))
            elif isinstance(column, Integral) and -n_features <= column < n_features:
                indices.append(int(column) % n_features)
            else:
                known = list(self.names or range(n_features))
                raise ValueError(
                    f"{parameter} names {column!r}, which is no column; columns are "
                    f"{known}."
                )
        if len(set(indices)) < len(indices):
            raise ValueError(f"{parameter} names a column twice: {list(columns)}.")
        return np.array(indices, dtype=np.intp)

    def label(self, index):
        """Name column `index` for a message."""
        return column_label(self.names, index)

    def restore(self, values, like=None):
        """Put `values` into the container that `fit` saw, or that of `like`.

        Values stay floats: rounding a continuous draw to the column's dtype would make
        draws disagree with scores.
        """
        if like is not None:
            return rewrap(values, like)
        return in_container(values, self.container, self.names)


def _kind(dtype):
    dtype = dtype.lower()
    if dtype.startswith("bool"):
        return "boolean"
    return "integer" if dtype.startswith(("int", "uint")) else "continuous"
