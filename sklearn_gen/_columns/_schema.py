"""TableSchema: names, types and grids of the columns of a table."""

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np

from sklearn_gen._columns._cells import as_table
from sklearn_gen._columns._containers import (
    at_start,
    column_label,
    container_of,
    in_container,
    rewrap,
)
from sklearn_gen._columns._encoding import column_of, decode, encode
from sklearn_gen._columns._filling import fill_table
from sklearn_gen._columns._identifiers import names_rows
from sklearn_gen._columns._resolution import resolution_of
from sklearn_gen._columns._restoring import assemble, write_column


@dataclass(frozen=True, eq=False)
class TableSchema:
    """Names, kinds and resolution of the columns of a table.

    Attributes
    ----------
    names : tuple of str or None
        Column names; None for arrays.
    kinds : tuple of str
        One of 'continuous', 'integer', 'boolean' per column, by dtype; of mixed tables
        also 'categorical', 'datetime', 'timedelta' and 'identifier'.
    categories : tuple
        The levels of each categorical column, None for the others.
    resolution : ndarray of shape (n_features,)
        Width of the grid a column's values lie on where they repeat (1.0 for counts,
        0.1 for one decimal), in units of the column; 0.0 for columns without one. Of
        mixed tables in units of the encoded column, and above 0 for all but numbers.
    dtypes : tuple of str
        Each column's dtype as it came in.
    container : {'numpy', 'pandas', 'polars'}
        What `fit` was given.
    columns : tuple of Column
        How the cells of a mixed table become floats; empty for tables of numbers.
    """

    names: tuple | None
    kinds: tuple
    categories: tuple
    resolution: np.ndarray
    dtypes: tuple
    container: str
    columns: tuple = ()

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

    @classmethod
    def from_table(
        cls,
        X,
        categorical_features="from_dtype",
        sample_weight=None,
        identifiers=None,
        constraints=None,
    ):
        """Describe a table of mixed columns.

        Parameters
        ----------
        X : Table, DataFrame or array-like of shape (n_samples, n_features)
            Columns of numbers, booleans, text, categories, dates and durations.
        categorical_features : "from_dtype", list of names or indices, or mask
            Columns whose values are levels, beside those of text and categories.
        sample_weight : ndarray of shape (n_samples,) or None, default=None
            Rows of weight zero are as if they were not there.
        identifiers : "auto", list of names or indices, mask, or None, default=None
            Columns that only name rows: encoded as missing, decoded from serial numbers
            as new names of the same pattern. "auto" finds them (`names_rows`).
        constraints : sequence of Inequality, Sum and FixedCombinations, or None
            Dates that they compare are encoded in UTC, whatever clocks show.

        Returns
        -------
        schema : TableSchema
            With `encode` and `decode`.

        Raises
        ------
        TypeError, ValueError
            If a column has no meaning here, or `categorical_features` names none.
        """
        table = as_table(X)
        if sample_weight is not None:
            table = table[np.asarray(sample_weight) > 0]
        n_features = len(table.columns)
        schema = cls(
            names=table.names,
            kinds=("continuous",) * n_features,
            categories=(None,) * n_features,
            resolution=np.zeros(n_features),
            dtypes=tuple(cells.dtype for cells in table.columns),
            container=table.container,
        )
        levels = schema._chosen(
            categorical_features, "categorical_features", "from_dtype"
        )
        declared = frozenset(() if levels is None else levels)
        names = schema._chosen(identifiers, "identifiers", "auto")
        if names is None:
            names = [
                j
                for j, cells in enumerate(table.columns)
                if j not in declared and names_rows(cells, schema._name(j))
            ]
        compared = {
            column
            for constraint in (() if constraints is None else constraints)
            for column in getattr(constraint, "columns", ())
        }
        columns = tuple(
            column_of(
                cells,
                schema.label(j),
                categorical=j in declared,
                identifier=j in names,
                instant=not {j, j - n_features, schema._name(j)}.isdisjoint(compared),
            )
            for j, cells in enumerate(table.columns)
        )
        return replace(
            schema,
            kinds=tuple(column.kind for column in columns),
            categories=tuple(column.categories for column in columns),
            resolution=np.array([column.resolution for column in columns]),
            columns=columns,
        )

    def _chosen(self, columns, parameter, default):
        """Indices of columns that a parameter names; None for its `default`."""
        if isinstance(columns, str) and columns == default:
            return None
        if isinstance(columns, str):
            raise ValueError(
                f"{parameter} must be {default!r}, or names, indices or a mask of "
                f"columns, got {columns!r}."
            )
        return self.column_indices(() if columns is None else columns, parameter)

    def _name(self, j):
        return None if self.names is None else self.names[j]

    @property
    def identifier_columns(self):
        """Indices of columns that only name rows."""
        return [j for j, kind in enumerate(self.kinds) if kind == "identifier"]

    @property
    def empty_columns(self):
        """Indices of columns of which nothing was observed."""
        return [j for j, column in enumerate(self.columns) if column.is_empty]

    def without_clipping(self, widths):
        """Schema that decodes some columns without clipping them to the bounds seen.

        `widths` says what they are rounded to instead, by index.
        """
        columns = tuple(
            replace(column, is_clipped=False, resolution=widths[j])
            if j in widths
            else column
            for j, column in enumerate(self.columns)
        )
        return replace(self, columns=columns)

    def encode(self, X):
        """Turn a table into floats.

        Parameters
        ----------
        X : Table, DataFrame or array-like of shape (n_samples, n_features)
            With the columns that the schema describes.

        Returns
        -------
        values : ndarray of shape (n_samples, n_features)
            float64: numbers as they are, booleans 0 and 1, levels as their position in
            `categories` (their number for a level not among them), dates and durations
            as steps since the earliest one of fit, NaN where missing. A column of which
            nothing was observed in fit is missing throughout.

        Raises
        ------
        TypeError, ValueError
            If a column is of another type than in fit.
        """
        table = as_table(X)
        columns = zip(self.columns, table.columns, strict=True)
        return np.stack(
            [encode(column, x, self.label(j)) for j, (column, x) in enumerate(columns)],
            axis=1,
        )

    def decode(self, values, rng=None, stored=None, gaps=False):
        """Turn floats into a table with the container and dtypes that `X` had.

        Parameters
        ----------
        values : ndarray of shape (n_samples, n_features)
            As `encode` gives; NaN means missing.
        rng : numpy.random.Generator or None, default=None
            Draws new identifiers; without it they are missing.
        stored : dict of int to ndarray of shape (1,), or None, default=None
            Columns that hold one value throughout, and that value as in `Cells`.
        gaps : bool, default=False
            Whether identifiers are missing as often as in fit.

        Returns
        -------
        X : DataFrame or ndarray of shape (n_samples, n_features)
            Integers and dates are rounded and clipped to the bounds seen, numbers on a
            grid are rounded to it. An integer column of a dtype without a missing value
            becomes one of floats where something is missing.
        """
        wanted = np.ones(values.shape, bool)
        if gaps:
            for j in self.identifier_columns:
                share = self.columns[j].missing_share
                wanted[:, j] = rng.random(len(values)) >= share
        values = self._with_identifiers(values, rng, wanted)
        stored, n_rows = stored or {}, len(values)
        series = []
        for j, column in enumerate(self.columns):
            if j in stored:
                cells, missing = np.repeat(stored[j], n_rows), np.zeros(n_rows, bool)
            else:
                cells, missing = decode(column, values[:, j])
            series.append(write_column(self.container, column, cells, missing))
        return assemble(self.container, self.names, series)

    def _with_identifiers(self, values, rng, wanted):
        """Draw serial numbers of new identifiers for the cells wanted."""
        if rng is None or not self.identifier_columns:
            return values
        values = values.copy()
        for j in self.identifier_columns:
            n_names = int(wanted[:, j].sum())
            try:
                values[wanted[:, j], j] = self.columns[j].pattern.draw(n_names, rng)
            except ValueError as error:
                raise ValueError(f"{at_start(self.label(j))}: {error}") from None
        return values

    def fill(self, X, values, rng=None):
        """Copy `X` with its missing cells replaced by decoded values.

        Parameters
        ----------
        X : DataFrame or array-like of shape (n_samples, n_features)
            What is observed in it stays as it is, and so does the container; a column
            that can't hold the values gets the dtype that it had in fit.
        values : ndarray of shape (n_samples, n_features)
            As `encode` gives.
        rng : numpy.random.Generator or None, default=None
            Draws new identifiers; without it they stay missing.

        Returns
        -------
        X_filled : DataFrame or ndarray of shape (n_samples, n_features)
        """
        cells = as_table(X).columns
        wanted = np.stack([cell.missing for cell in cells], axis=1)
        values = self._with_identifiers(values, rng, wanted)
        decoded = [
            decode(column, np.where(cell.missing, values[:, j], np.nan))
            for j, (column, cell) in enumerate(zip(self.columns, cells, strict=True))
        ]
        return fill_table(X, self, cells, decoded)

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
            columns=pick(self.columns) if self.columns else (),
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

    def restore(self, values, like=None, rng=None, stored=None, gaps=False):
        """Put `values` into the container that `fit` saw, or that of `like`.

        Values stay floats: rounding a continuous draw to the column's dtype would make
        draws disagree with scores. Mixed tables are decoded, and only what is missing
        in `like` is taken from `values`; `rng` draws new identifiers, `stored` and
        `gaps` are as for `decode`.
        """
        if self.columns:
            if like is None:
                return self.decode(values, rng, stored, gaps)
            return self.fill(like, values, rng)
        if like is not None:
            return rewrap(values, like)
        return in_container(values, self.container, self.names)


def _kind(dtype):
    dtype = dtype.lower()
    if dtype.startswith("bool"):
        return "boolean"
    return "integer" if dtype.startswith(("int", "uint")) else "continuous"
