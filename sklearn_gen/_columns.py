"""Column types of a table: what went in, so that what comes out is the same."""

import importlib
import sys
from dataclasses import dataclass
from numbers import Integral

import numpy as np

# A column is inspected on at most this many rows, evenly spaced: finding repeats costs
# a sort per column, which on all rows of a large table would rival the fit itself.
_ROWS_INSPECTED = 10_000
# "Repeats" means that more than this share of the inspected values is not the first
# of its kind (base measure: see DiscreteColumnWarning).
REPEAT_SHARE = 0.2


def container_of(X):
    """Name the container of `X`: 'pandas', 'polars' or 'numpy' (anything else)."""
    for library in ("pandas", "polars"):
        module = sys.modules.get(library)  # never import what the caller didn't
        if module is not None and isinstance(X, module.DataFrame):
            return library
    return "numpy"


def column_label(names, index):
    """Say which column is meant, by name where there is one."""
    name = names[index] if names is not None else None
    return f"column {index}" if name is None else f"column {name!r}"


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
            resolution=_resolutions(values),
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
        return _in_container(values, self.container, self.names)


def rewrap(values, like):
    """Put an array into the container, column names and index of `like`."""
    container = container_of(like)
    if container == "numpy":
        return values
    return _in_container(values, container, like.columns, getattr(like, "index", None))


def _in_container(values, container, names, index=None):
    if container == "numpy":
        return values
    library = importlib.import_module(container)
    if container == "pandas":
        return library.DataFrame(values, columns=list(names), index=index)
    return library.DataFrame(values, schema=list(names))


def _kind(dtype):
    dtype = dtype.lower()
    if dtype.startswith("bool"):
        return "boolean"
    return "integer" if dtype.startswith(("int", "uint")) else "continuous"


def _resolutions(values):
    resolution = np.zeros(values.shape[1])
    for j in range(len(resolution)):
        column = _inspected(values, j)
        gaps = np.diff(column)
        if np.count_nonzero(gaps == 0) > REPEAT_SHARE * len(column):
            # where values repeat but lie on no grid: the smallest gap
            smallest = gaps[gaps > 0].min(initial=np.inf)
            resolution[j] = grid_width(column) or (
                smallest if np.isfinite(smallest) else 0.0
            )
    return resolution


def _inspected(values, j):
    """Observed values of a column, sorted; of a large table, those of some rows."""
    n_rows = len(values)
    column = values[:, j]
    if n_rows > _ROWS_INSPECTED:
        # Not evenly spaced: the sources of a table may take turns.
        places = np.random.default_rng(0).random(_ROWS_INSPECTED)
        places = (np.arange(_ROWS_INSPECTED) + places) * (n_rows / _ROWS_INSPECTED)
        column = column[places.astype(np.intp)]
    column = np.sort(column)  # NaN last
    return column[: len(column) - np.isnan(column).sum()]


def grid_width(column):
    """Width of the widest grid that holds all values of a sorted column, else 0.

    That is the greatest common divisor of the gaps, by Euclid's algorithm with room for
    rounding: 0.1 is no binary number. A constant column lies on no grid.
    """
    if len(column) == 0:
        return 0.0
    span, largest = column[-1] - column[0], np.abs(column[[0, -1]]).max()
    tolerance = max(4 * np.finfo(column.dtype).eps * largest, 1e-10 * span)
    gaps = np.diff(column).astype(np.float64)
    gaps = gaps[gaps > tolerance]
    smallest = width = gaps.min(initial=np.inf)
    # Grids much finer than the smallest gap hold any few numbers.
    while np.isfinite(width) and width > max(1000 * tolerance, smallest / 200):
        steps = np.round(gaps / width)
        rest = np.abs(gaps - steps * width)
        rest = rest[rest > 4 * tolerance * (1 + steps)]
        if len(rest) == 0:
            return float(span / np.round(span / width))
        width = rest.min()
    return 0.0  # any number would lie on it
