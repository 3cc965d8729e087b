"""Tables to compare: the same columns, encoded once by what the real one holds."""

from dataclasses import dataclass

import numpy as np

from sklearn_gen._columns import Table, TableSchema, as_array, container_of


class UndefinedMetricError(ValueError):
    """Rows that a metric can say nothing of, though nothing is wrong with them.

    A report goes on without that metric, and says why.
    """


@dataclass(frozen=True, eq=False)
class Columns:
    """Columns of the tables that are compared.

    Attributes
    ----------
    names : tuple
        Names of a DataFrame's columns, indices of an array's.
    is_level : ndarray of bool of shape (n_features,)
        Booleans and categories, whose cells are codes.
    levels : tuple of tuple
        What the codes of each such column stand for; empty for numbers.
    schema : TableSchema
        That of the real table.
    """

    names: tuple
    is_level: np.ndarray
    levels: tuple
    schema: TableSchema

    @property
    def n_levels(self):
        """Number of levels of each column."""
        return np.array([len(levels) for levels in self.levels])

    def index(self, column, parameter):
        """Index of one column given by name or index."""
        return int(self.schema.column_indices([column], parameter)[0])


def encode_tables(categorical_features, *, min_rows=2, **tables):
    """Encode tables as floats, by the schema of the first.

    Parameters
    ----------
    categorical_features : "from_dtype", list or mask
        Which columns are categories.
    min_rows : int
        Fewest rows of each table.
    **tables : array-like of shape (n_rows, n_features)
        By what error messages call them; the first is the reference.

    Returns
    -------
    columns : Columns
        What they hold.
    *values : ndarray of shape (n_rows, n_features)
        In float64; NaN where missing.

    Raises
    ------
    ValueError
        If columns differ, are all missing, or hold infinities; if rows are too few.
    """
    tables = {name: _as_table(name, table) for name, table in tables.items()}
    reference, real = next(iter(tables.items()))
    for name, table in tables.items():
        tables[name] = _with_columns_of(real, reference, table, name)
        if len(table) < min_rows:
            raise ValueError(
                f"{name} has {len(table)} rows; at least {min_rows} are needed."
            )
    cells = [Table.read(table) for table in tables.values()]
    schema = TableSchema.from_table(cells[0], categorical_features)
    values = [
        _encode(schema, table, name, reference)
        for name, table in zip(tables, cells, strict=True)
    ]
    is_level = np.array([kind in ("boolean", "categorical") for kind in schema.kinds])
    levels = [
        (levels or (False, True)) if coded else ()
        for levels, coded in zip(schema.categories, is_level, strict=True)
    ]
    for name, encoded in zip(tables, values, strict=True):
        _check_cells(schema, encoded, name)
        encoded += 0.0  # no -0.0: rows are compared by their bytes
    for j in np.flatnonzero(is_level):
        levels[j] += _number_unseen(
            [table.columns[j].values for table in cells],
            [encoded[:, j] for encoded in values],
            len(levels[j]),
        )
    names = schema.names or tuple(range(len(is_level)))
    return Columns(names, is_level, tuple(levels), schema), *values


def _encode(schema, table, name, reference):
    """Encode a table; of columns of another type say which table has which."""
    try:
        return schema.encode(table)
    except ValueError as error:
        said = str(error).replace(" in fit, now", f" in {reference}, in {name}")
        raise ValueError(said.replace(", or fit again", "")) from None


def _as_table(name, table):
    if container_of(table) != "numpy":
        return table
    table = as_array(table)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(
            f"{name} must be a table with rows and columns, got an array of shape "
            f"{table.shape}."
        )
    return table


def _with_columns_of(real, reference, table, name):
    """Columns of the reference, in its order."""
    kind, wanted = container_of(table), container_of(real)
    if kind != "numpy" and len(set(table.columns)) < len(table.columns):
        raise ValueError(f"Columns of {name} share a name: names must be unique.")
    if kind != wanted:
        raise ValueError(
            f"{name} is a {kind} table and {reference} a {wanted} one: give both in "
            "the same container, with the same columns."
        )
    if kind == "numpy":
        if table.shape[1] != real.shape[1]:
            raise ValueError(
                f"{name} has {table.shape[1]} columns and {reference} "
                f"{real.shape[1]}: compare tables with the same columns."
            )
        return table
    lacking = [c for c in real.columns if c not in set(table.columns)]
    extra = [c for c in table.columns if c not in set(real.columns)]
    if lacking or extra:
        said = [f"lacks {lacking}"] * bool(lacking)
        said += [f"has {extra}, which {reference} lacks"] * bool(extra)
        raise ValueError(
            f"{name} {' and '.join(said)}: compare tables with the same columns. "
            f"Select those that both have, or drop the others."
        )
    return table[list(real.columns)]


def _check_cells(schema, values, name):
    for j, cells in enumerate(values.T):
        missing = np.isnan(cells)
        if missing.all():
            raise ValueError(
                f"{schema.label(j)} of {name} is missing in every row, so nothing can "
                "be said of it: drop it from all tables."
            )
        if np.isinf(cells).any():
            row = int(np.flatnonzero(np.isinf(cells))[0])
            raise ValueError(
                f"{schema.label(j)} of {name} is infinite in row {row}: clip it, or "
                "write NaN where it means 'missing'."
            )


def _number_unseen(cells, codes, n_levels):
    """Give levels that the real table lacks codes of their own; returns the levels.

    As one level they would be one of zero real rows by construction, and no p-value
    would hold.
    """
    unseen = [column == n_levels for column in codes]
    found = set()
    for values, rows in zip(cells, unseen, strict=True):
        found.update(values[rows].tolist())
    found = tuple(sorted(found, key=repr))
    code_of = {level: n_levels + i for i, level in enumerate(found)}
    for column, values, rows in zip(codes, cells, unseen, strict=True):
        column[rows] = [code_of[level] for level in values[rows].tolist()]
    return found


def row_ids(*tables):
    """Number rows of encoded tables so that equal rows, and only those, are alike.

    Returns
    -------
    *ids : ndarray of int of shape (n_rows,)
        One array per table.
    """
    rows = np.vstack(tables)
    rows[np.isnan(rows)] = np.nan  # one pattern of bits for all
    rows = np.ascontiguousarray(rows)
    as_bytes = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))[:, 0]
    _, ids = np.unique(as_bytes, return_inverse=True)
    return tuple(np.split(ids, np.cumsum([len(t) for t in tables])[:-1]))


def take(table, rows):
    """Some rows of a table in its container, by position."""
    if container_of(table) == "pandas":
        return table.iloc[rows]
    return table[rows]
