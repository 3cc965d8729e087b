"""Rows, parameters and statistics of mixtures of tables."""

from typing import NamedTuple

import numpy as np


class Rows(NamedTuple):
    """Rows of a table as the model takes them.

    Attributes
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Cells of the modelled columns, NaN where missing.
    codes : ndarray of shape (n_rows, n_lookups), int32
    offset : ndarray of shape (n_rows,)
        What is the same for all components: log densities given the codes.
    hidden : list
        Rows that tell something of modelled columns that they don't hold.
    """

    X: np.ndarray
    codes: np.ndarray
    offset: np.ndarray
    hidden: list


class TableBlock(NamedTuple):
    """Some rows with their weights.

    Attributes
    ----------
    rows : Rows
        Their codes also count which cells are missing.
    sample_weight : ndarray of shape (n_rows,) or (0,)
    """

    rows: Rows
    sample_weight: np.ndarray

    @property
    def weight(self):
        """Sum of the weights."""
        w = self.sample_weight
        return float(w.sum()) if w.size else float(len(self.rows.X))

    @property
    def offset(self):
        """Weighted sum of the rows' offsets."""
        w, offset = self.sample_weight, self.rows.offset
        return float(w @ offset) if w.size else float(offset.sum())


class TableParams(NamedTuple):
    """Parameters of a mixture of independent columns.

    Attributes
    ----------
    weights : ndarray of shape (K,)
    missing : tuple of ndarray of shape (2^size, K)
        Of each group of columns, probabilities of which are missing together.
    columns : tuple
        Each column's parameters, None for columns that take no part.
    """

    weights: np.ndarray
    missing: tuple
    columns: tuple


class TableStats(NamedTuple):
    """Expected sufficient statistics.

    Attributes
    ----------
    log_likelihood : float
    weight : float
    resp : ndarray of shape (K,)
        Sum of responsibilities.
    counts : ndarray of shape (n_codes, K)
        Of the codes of all columns that are tables, one after the other, then of what
        is missing together.
    moments : ndarray of shape (n_moments, K)
        Statistics of the columns that are no tables, one after the other.
    """

    log_likelihood: float
    weight: float
    resp: np.ndarray
    counts: np.ndarray
    moments: np.ndarray
