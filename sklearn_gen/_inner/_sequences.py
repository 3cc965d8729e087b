"""Models whose rows are steps of sequences: what they are given are rows in order."""

import numpy as np

from sklearn_gen._columns import GroupColumn
from sklearn_gen._inner._gaps import hide_rows
from sklearn_gen._inner._rows import Rows, count_rows, even_sample
from sklearn_gen._validation import chosen

# Of a long table so many steps, the first ones, tell what is usual.
_STEPS_TO_ASK = 100_000


def innermost(density):
    """Look through searches, pipelines and wrappers for the model itself."""
    while True:
        density = chosen(density)
        if getattr(density, "steps", None):
            density = density.steps[-1][1]
            continue
        inner = getattr(density, "estimator_", getattr(density, "estimator", None))
        if inner is None:
            return density
        density = inner


def rows_are_steps(density):
    """Say whether a density's rows are steps in time, each given those before it."""
    return getattr(innermost(density), "_rows_are_steps", False)


def columns_of_ids(density, X):
    """Indices of the columns that say which sequence a row is of: one, or none."""
    column = getattr(innermost(density), "group_column", None)
    return [] if column is None else [GroupColumn.find(X, column).place]


def sequence_starts(density, X):
    """First row of each sequence that ids in a column of X name, or of the only one.

    Returns
    -------
    starts : ndarray of shape (n_sequences,)
        The first is 0.
    """
    column = getattr(innermost(density), "group_column", None)
    if column is None:
        return np.zeros(1, dtype=int)
    return starts_of(GroupColumn.find(X, column).take(X)[1])


def starts_of(ids):
    """First row of each run of ids."""
    return np.r_[0, 1 + np.flatnonzero(ids[1:] != ids[:-1])]


def some_rows(density, n_rows, size):
    """Indices of some rows that stand for all: evenly spread, or steps in a row."""
    if rows_are_steps(density):
        return np.arange(min(n_rows, _STEPS_TO_ASK))
    return even_sample(n_rows, size)


def select_steps(density, rows, kept):
    """Some rows of sequences; those that lie between are there, not observed.

    Taken out, they would make neighbours of what is apart in time.

    Parameters
    ----------
    density : estimator instance
        Whose rows are steps.
    rows : Rows
        All of them.
    kept : ndarray of int
        Indices, ascending.

    Returns
    -------
    part : Rows
        Of each sequence all from the first row that is kept to the last.
    observed : ndarray of bool
        Which of these rows are kept.
    """
    n_rows = count_rows(rows.X)
    is_kept = np.isin(np.arange(n_rows), kept)
    starts = sequence_starts(density, rows.X)
    sequence = np.searchsorted(starts, np.arange(n_rows), side="right") - 1
    before = np.maximum.accumulate(np.where(is_kept, sequence, -1))
    after = np.minimum.accumulate(np.where(is_kept, sequence, len(starts))[::-1])[::-1]
    within = np.flatnonzero((before == sequence) & (after == sequence))
    part, observed = rows.select(within), is_kept[within]
    if not observed.all():
        ids = columns_of_ids(density, rows.X)
        part = Rows(hide_rows(part.X, ~observed, ids), part.y, part.sample_weight)
    return part, observed
