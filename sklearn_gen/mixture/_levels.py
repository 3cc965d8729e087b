"""Levels of discrete columns: which value has which code, and what was never seen.

Codes go by frequency, the most frequent level first (the kernels visit all others).
Columns of more levels than a table can hold have groups of levels: the model knows the
group, and within it levels keep their overall shares.
"""

from typing import NamedTuple

import numpy as np


class Coding(NamedTuple):
    """Lists of one array per column, each over its levels in ascending order."""

    levels: list  # values
    codes: list  # int64: 0 for the most frequent level or group
    shares: list  # of the level within its group: 1 where it has none

    @property
    def first(self):
        """Where the coordinates of each column begin, and their number: (D + 1,)."""
        sizes = [codes.max() + 1 for codes in self.codes]
        return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)

    @property
    def n_shares(self):
        """Number of free parameters within groups."""
        sizes = [codes.max() + 1 for codes in self.codes]
        return sum(map(len, self.levels)) - sum(sizes)


class Coded(NamedTuple):
    """Rows as codes."""

    X: np.ndarray  # (n, D) float64, NaN where not observed or never seen in fit
    log_share: np.ndarray  # (n,) log chance of the levels within their groups
    n_known: np.ndarray  # (n,) number of observed cells whose level is known
    n_new: np.ndarray  # (n,) number of observed cells whose level isn't


def learn_levels(X, sample_weight, max_levels, declared):
    """Collect the levels of each column.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        NaN means not observed.
    sample_weight : ndarray of shape (n_rows,) or None
        Weights.
    max_levels : int
        Of more levels, groups are made.
    declared : list of ndarray or None
        Levels of the columns that name them, such as categories: of those that are too
        many the rarest make up one group. Of other columns neighbours do, and groups
        are as even as they can be.

    Returns
    -------
    coding : Coding
    grouped : list of int
        Columns with groups.
    """
    coding, grouped = Coding([], [], []), []
    for j, column in enumerate(X.T):
        seen = ~np.isnan(column)
        weight = None if sample_weight is None else sample_weight[seen]
        levels = np.unique(column[seen])
        if declared[j] is not None:
            levels = np.union1d(levels, declared[j])
        if not len(levels):  # nothing observed: the schema has said so
            levels = np.zeros(1, X.dtype)
        index = np.searchsorted(levels, column[seen])
        counts = np.bincount(index, weight, minlength=len(levels)).astype(np.float64)
        groups = np.arange(len(levels))
        if len(levels) > max_levels:
            grouped.append(j)
            counts += 1.0 / len(levels)  # none is impossible
            groups = _groups(counts, max_levels, declared[j] is None)
        sums = np.bincount(groups, counts)
        rank = np.empty(len(sums), dtype=np.int64)
        rank[np.argsort(-sums, kind="stable")] = np.arange(len(sums))
        coding.levels.append(levels)
        coding.codes.append(rank[groups])
        shares = counts / sums[groups] if j in grouped else np.ones(len(levels))
        coding.shares.append(shares)
    return coding, grouped


def _groups(counts, n_groups, ordered):
    """Index of the group of each level, none empty."""
    if ordered:
        middle = (np.cumsum(counts) - 0.5 * counts) / counts.sum()
        groups = (middle * n_groups).astype(np.int64)
    else:
        groups = np.full(len(counts), n_groups - 1)
        groups[np.argsort(-counts, kind="stable")[: n_groups - 1]] = np.arange(
            n_groups - 1
        )
    return np.unique(groups, return_inverse=True)[1]


def encode(X, coding):
    """Turn values into codes."""
    out = np.empty((X.shape[1], len(X)))
    log_share = np.zeros(len(X))
    n_known, n_new = np.zeros(len(X)), np.zeros(len(X))
    # column after column in memory: three times as fast
    for j, column in enumerate(np.ascontiguousarray(X.T)):
        levels, codes, shares = coding.levels[j], coding.codes[j], coding.shares[j]
        if len(levels) == 2:  # no search: twice as fast again
            at = (column == levels[1]).astype(np.intp)
            known = (column == levels[0]) | (at == 1)
        else:
            at = np.minimum(np.searchsorted(levels, column), len(levels) - 1)
            known = levels[at] == column
        out[j] = np.where(known, codes[at], np.nan)
        if (shares < 1.0).any():
            log_share += np.where(known, np.log(shares)[at], 0.0)
        n_known += known
        if not known.all():
            n_new += ~(known | np.isnan(column))
    return Coded(np.ascontiguousarray(out.T), log_share, n_known, n_new)


def decode(X, coding, rng):
    """Turn codes into values; within a group the level is drawn."""
    out = np.empty(X.shape, coding.levels[0].dtype)
    for j, (levels, codes, shares) in enumerate(zip(*coding, strict=True)):
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(shares[order])  # group g ends at g + 1
        at = X[:, j] + (rng.random(len(X)) if (shares < 1.0).any() else 0.5)
        chosen = np.minimum(np.searchsorted(ends, at), len(levels) - 1)
        out[:, j] = levels[order[chosen]]
    return out
