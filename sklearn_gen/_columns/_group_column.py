"""A column that names the sequence of each row, and is no part of the density."""

from typing import NamedTuple

import numpy as np

from sklearn_gen._columns._cells import as_array
from sklearn_gen._columns._containers import container_of


class TakenIds(NamedTuple):
    """Ids of sequences that a pipeline has taken out of their column.

    Attributes
    ----------
    ids : ndarray of shape (n_rows,)
    """

    ids: np.ndarray


class GroupColumn(NamedTuple):
    """The column of a table that holds the ids of its sequences.

    Attributes
    ----------
    name : str or None
        None in arrays.
    place : int
        Its index.
    """

    name: str | None
    place: int

    @classmethod
    def find(cls, X, column):
        """Find a column by name or index.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        names = [None] * np.shape(X)[-1] if container_of(X) == "numpy" else [*X.columns]
        if column in names and column is not None:
            return cls(column, names.index(column))
        if isinstance(column, int | np.integer) and -len(names) <= column < len(names):
            place = int(column) % len(names)
            return cls(names[place], place)
        known = "" if names[:1] in ([], [None]) else f": {names!r}"
        raise ValueError(
            f"group_column={column!r} is no column of X, which has {len(names)} "
            f"columns{known}. Give its name in a DataFrame, or its index."
        )

    def take(self, X):
        """The other columns of X, and the ids.

        Raises
        ------
        ValueError
            If there is no such column.
        """
        if container_of(X) == "numpy":
            X = as_array(X)
            if X.ndim != 2 or X.shape[1] <= self.place:
                raise ValueError(
                    f"X must have the ids of sequences in column {self.place} "
                    f"(group_column), got an array of shape {X.shape}. Reshape your "
                    "data: a column for the ids, and one for each feature."
                )
            return np.delete(X, self.place, axis=1), X[:, self.place]
        if self.name not in X.columns:
            raise ValueError(
                f"X has no column {self.name!r}, which names the sequence of each row "
                f"(group_column); it has {[*X.columns]!r}. Add the ids: one and the "
                "same in all rows where these are one sequence."
            )
        kept = [name for name in X.columns if name != self.name]
        return X[kept], np.asarray(X[self.name])

    def put(self, X, ids):
        """X with the ids in their place."""
        container = container_of(X)
        if container == "numpy":
            X = X.astype(np.result_type(X, ids), copy=False)
            return np.insert(X, self.place, ids, axis=1)
        if container == "polars":
            return X.insert_column(self.place, type(X)({self.name: ids})[self.name])
        X.insert(self.place, self.name, ids)
        return X
