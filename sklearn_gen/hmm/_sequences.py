"""Where sequences begin and end in a table whose rows are time steps."""

from typing import NamedTuple

import numpy as np


class Sequences(NamedTuple):
    """Sequences of consecutive rows, in their order.

    Attributes
    ----------
    starts : ndarray of shape (n_sequences,), int64
        First row of each.
    lengths : ndarray of shape (n_sequences,), int64
        Number of rows of each.
    """

    starts: np.ndarray
    lengths: np.ndarray

    @property
    def n_rows(self):
        """Number of rows of all sequences together."""
        return int(self.lengths.sum())

    @property
    def of_rows(self):
        """Index of each row's sequence, shape (n_rows,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)


def sequences_of(groups, n_rows):
    """Find the sequences that ids of rows name.

    Parameters
    ----------
    groups : array-like of shape (n_rows,) or None
        One id per row. None means that all rows are one sequence.
    n_rows : int
        Number of rows of the table.

    Returns
    -------
    sequences : Sequences
        In the order of their rows.

    Raises
    ------
    ValueError
        If there is not one id per row, if an id is missing, or if an id returns after
        rows of another: its rows would not be consecutive time steps.
    """
    if groups is None:
        count = min(1, n_rows)
        return Sequences(np.zeros(count, np.int64), np.full(count, n_rows, np.int64))
    ids = np.asarray(groups)
    if ids.shape != (n_rows,):
        raise ValueError(
            f"groups must have one id per row, shape ({n_rows},); got {ids.shape}."
        )
    if n_rows == 0:
        return Sequences(np.zeros(0, np.int64), np.zeros(0, np.int64))
    missing = _missing(ids)
    if missing.any():
        raise ValueError(
            f"groups has a missing value at row {int(np.argmax(missing))}; "
            "give every row the id of its sequence."
        )
    starts = np.r_[0, 1 + np.flatnonzero(ids[1:] != ids[:-1])].astype(np.int64)
    _check_no_return(ids[starts].tolist(), starts)
    return Sequences(starts, np.diff(np.r_[starts, n_rows]))


def _missing(ids):
    """Which ids are None, NaN, NaT or pandas.NA."""
    if ids.dtype != object:
        return ids != ids
    if any(x is None for x in ids):
        return np.array([x is None for x in ids])
    same = (x == x for x in ids)  # of pandas.NA no bool
    return np.array([not isinstance(s, bool | np.bool_) or not s for s in same])


def _check_no_return(ids, starts):
    """Raise if an id names two runs of rows."""
    if len(set(ids)) == len(ids):
        return
    seen = set()
    for name, row in zip(ids, starts, strict=True):
        if name in seen:
            raise ValueError(
                f"groups has {name!r} again at row {row}, after rows of other "
                "sequences. The rows of a sequence must be consecutive and in order "
                "of time: sort the rows, or give each sequence an id of its own."
            )
        seen.add(name)


def groups_from_lengths(lengths):
    """Ids of rows, for sequences that are given by their lengths.

    Parameters
    ----------
    lengths : array-like of shape (n_sequences,)
        Number of rows of each sequence, in the order of the rows.

    Returns
    -------
    groups : ndarray of shape (sum of lengths,)
        The index of each row's sequence: what ``groups=`` takes.

    Raises
    ------
    ValueError
        If a length is no positive integer.

    Examples
    --------
    >>> from sklearn_gen.hmm import groups_from_lengths
    >>> groups_from_lengths([3, 2])
    array([0, 0, 0, 1, 1])
    """
    values = np.asarray(lengths)
    if values.ndim != 1:
        raise ValueError(f"lengths must be one-dimensional; got shape {values.shape}.")
    if values.size and values.dtype.kind not in "iuf":
        raise ValueError(f"lengths must be positive integers; got {values[0]!r}.")
    wrong = ~(values >= 1) | (values != np.floor(values)) | np.isinf(values)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ValueError(
            f"lengths must be positive integers; got {values[at]} at position {at}."
        )
    return np.repeat(np.arange(len(values)), values.astype(np.int64))
