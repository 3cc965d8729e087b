"""Columns that only name rows: found in the real table, left out of all."""

import numpy as np

from sklearn_gen._columns import Table, TableSchema, container_of


def leave_out_names(tables, identifiers, features, target):
    """Leave out columns that only name rows, as those tell real from synthetic.

    Parameters
    ----------
    tables : dict
        The first is the real one; arrays or DataFrames.
    identifiers : "auto", list of names or indices, mask, or None
        Which they are.
    features : "from_dtype", list or mask
        Which columns are categories.
    target : str, int or None
        A column that stays.

    Returns
    -------
    tables : dict
        Of the other columns.
    features, target : object
        What they are of those.
    names : tuple
        Names, or indices, of the columns left out.

    Raises
    ------
    ValueError
        If `identifiers` names no column, or no other column is left.
    """
    real = next(iter(tables.values()))
    if identifiers is None or not _comparable(list(tables.values())):
        return tables, features, target, ()
    schema = TableSchema.from_table(Table.read(real), features, identifiers=identifiers)
    wanted = None
    if target is not None:
        wanted = int(schema.column_indices([target], "target")[0])
    out = [j for j in schema.identifier_columns if j != wanted]
    if not out:
        return tables, features, target, ()
    if len(out) == real.shape[1]:
        raise ValueError(
            "All columns only name rows, so that nothing is left to compare. If they "
            "do say something, set identifiers=None."
        )
    names = schema.names or range(real.shape[1])
    out_names = tuple(names[j] for j in out)
    if schema.names:
        tables = {
            name: table[[c for c in table.columns if c not in out_names]]
            for name, table in tables.items()
        }
        places = names
    else:
        tables = {name: np.delete(table, out, axis=1) for name, table in tables.items()}
        places = (np.cumsum(~np.isin(names, out)) - 1).tolist()
    if not isinstance(features, str):
        chosen = schema.column_indices(features, "categorical_features")
        features = [places[j] for j in chosen if j not in out]
    return tables, features, None if wanted is None else places[wanted], out_names


def _comparable(tables):
    """Whether there is something to look at; what is wrong otherwise is said later."""
    real = tables[0]
    if len({container_of(table) for table in tables}) > 1:
        return False
    if container_of(real) != "numpy":
        return len(set(real.columns)) == len(real.columns) > 0
    shapes = {table.shape[1:] for table in tables}
    return real.ndim == 2 and real.shape[1] > 0 and len(shapes) == 1
