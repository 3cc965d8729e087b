"""Column types of a table: what went in, so that what comes out is the same."""

import importlib
import sys
from dataclasses import dataclass

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
    n_rows, n_features = values.shape
    resolution = np.zeros(n_features)
    step = max(1, -(-n_rows // _ROWS_INSPECTED))
    for j in range(n_features):
        column = np.sort(values[::step, j])  # NaN last
        column = column[: len(column) - np.isnan(column).sum()]
        gaps = np.diff(column)
        n_repeats = np.count_nonzero(gaps == 0)
        if n_repeats > REPEAT_SHARE * len(column):
            resolution[j] = _grid(column, gaps[gaps > 0])
    return resolution


def _grid(column, gaps):
    """Find the widest decimal grid that holds all values, else the smallest gap."""
    if len(gaps) == 0:
        return 0.0  # a constant: a point, not a grid
    scale = np.abs(column).max()
    # A decimal such as 0.1 is off its grid by half a unit in the last place.
    tolerance = 4 * np.finfo(column.dtype).eps * scale
    for decimals in range(8):
        grid = 10.0**-decimals
        if grid < 1000 * tolerance:
            break  # any number would lie on it
        if np.abs(column - np.round(column / grid) * grid).max() <= tolerance:
            return grid
    return float(gaps.min())
