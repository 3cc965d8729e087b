"""Which columns of a table are jointly Gaussian within components."""

import numpy as np

from sklearn_gen._columns import REPEAT_SHARE
from sklearn_gen._validation import warn
from sklearn_gen.base import DiscreteColumnWarning

_KINDS = ("continuous", "integer", "timedelta")


def block_columns(table, wanted, families):
    """Look up which modelled columns are jointly Gaussian.

    Parameters
    ----------
    table : Layout
        What is modelled.
    wanted : array-like, 'continuous' or None
        Columns of the table, by name, index or mask; 'continuous' are all that are
        scored by a density and may be in it.
    families : str or dict
        As given to the model.

    Returns
    -------
    columns : tuple of int
        Modelled columns, in the order named.

    Raises
    ------
    ValueError
        If a column is no number of its own.
    """
    if wanted is None:
        return ()
    schema, places = table.schema, {c.sources: m for m, c in enumerate(table.columns)}
    named = list(families) if isinstance(families, dict) else []
    named = schema.column_indices(named, "families")
    bound = {
        int(j)
        for constraint in table.constraints
        for j in schema.column_indices(list(constraint.columns), f"{constraint}")
    }
    if isinstance(wanted, str):
        wanted = [
            c.sources[0]
            for c in table.columns
            if c.kind == "continuous" and not (c.resolution or c.is_gap)
        ]
        wanted = [j for j in wanted if j not in bound and j not in named]
    found = []
    for j in schema.column_indices(wanted, "gaussian_block"):
        place = places.get((int(j),))
        why = None
        if j in bound:
            why = "has a constraint: take it out of one or the other"
        elif j in schema.identifier_columns:
            why = "only names rows: set `identifiers` to those that do, or None"
        elif j in schema.empty_columns:
            why = "is missing in all rows: drop it"
        elif j in named:
            why = "also has a family in `families`: name it once"
        elif place is None or table.columns[place].kind not in _KINDS:
            kind = schema.kinds[j]
            why = f"is {kind}: only numbers can be Gaussian, leave it out"
        if why is not None:
            raise ValueError(f"gaussian_block: {schema.label(j)} {why}.")
        found.append(place)
    return tuple(found)


def warn_of_repeats(table, X, columns):
    """Warn of block columns whose values repeat: they are scored by a density."""
    labels = []
    for m in columns:
        x = X[~np.isnan(X[:, m]), m]
        if len(np.unique(x)) < (1 - REPEAT_SHARE) * len(x):
            labels.append(table.schema.label(table.columns[m].sources[0]))
    if labels:
        warn(
            f"More than {REPEAT_SHARE:.0%} of the values repeat in "
            f"{', '.join(labels)}: in gaussian_block they are scored by a density, so "
            "that scores don't compare with those of masses. Leave such columns out "
            "of the block unless they stand for continuous ones.",
            DiscreteColumnWarning,
        )
