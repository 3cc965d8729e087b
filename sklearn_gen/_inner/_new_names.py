"""Names of rows that several densities draw, each of which knows but its own."""

import numpy as np

from sklearn_gen._columns import TableSchema, container_of
from sklearn_gen._validation import chosen


def schema_of_names(X, densities):
    """Describe the columns of a table that only name its rows.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        All rows that the densities learned from.
    densities : iterable of object
        Fitted to some each. What one takes for identifiers is none but that: to
        another, of fewer rows, the same column may hold levels.

    Returns
    -------
    schema : TableSchema or None
        None where no density looks for identifiers, or there are none.
    """
    models = [chosen(density) for density in densities if density is not None]
    models = [m for m in models if getattr(m, "identifiers", None) is not None]
    if not models:
        return None
    schemas = [model.schema_ for model in models]
    if any(isinstance(model.identifiers, str) for model in models):
        schemas.append(TableSchema.from_table(X, identifiers="auto"))
    columns = sorted({j for schema in schemas for j in schema.identifier_columns})
    return TableSchema.from_table(X, identifiers=columns) if columns else None


def with_new_names(drawn, schema, rng):
    """Name drawn rows anew, since each of several densities knows but its own names.

    Parameters
    ----------
    drawn : array-like of shape (n_rows, n_features)
        Draws of all densities, in the container that the schema describes.
    schema : TableSchema or None
        As `schema_of_names` gives.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    drawn : array-like of shape (n_rows, n_features)
        Names are distinct, and none is known.
    """
    if schema is None:
        return drawn
    columns = schema.identifier_columns
    schema = schema.select(columns)
    names = schema.decode(np.full((len(drawn), len(columns)), np.nan), rng)
    container = container_of(drawn)
    if container == "polars":
        return drawn.with_columns(names.iter_columns())
    drawn = drawn.copy()
    for k, j in enumerate(columns):
        if container == "pandas":
            drawn.isetitem(j, names.iloc[:, k].set_axis(drawn.index))
        else:
            drawn[:, j] = names[:, k]
    return drawn
