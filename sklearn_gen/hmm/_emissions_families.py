"""Emissions of independent columns, each of a family."""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from sklearn_gen._columns import draw_within
from sklearn_gen.hmm._emissions_categorical import (
    CategoricalEmission,
    CategoricalParams,
)

# Columns of at most so many distinct values, which repeat, are looked up.
_MOST_VALUES = 1024


class FamiliesParams(NamedTuple):
    """Parameters of each column, K distributions side by side."""

    n_states: int
    columns: tuple


class FamiliesTables(NamedTuple):
    """Parameters, and log probabilities of the values that are looked up."""

    columns: tuple
    tables: CategoricalParams


class FamiliesStats(NamedTuple):
    """Expected sufficient statistics of all columns, one after the other."""

    moments: np.ndarray  # (S, K)


@dataclass(frozen=True, eq=False)
class CodedRows:
    """Rows whose columns of few values are codes.

    Attributes
    ----------
    codes : ndarray of shape (n, C), int32
        Of each column looked up, index of the value, -1 where not observed.
    X : ndarray of shape (n, D - C)
        The other columns, NaN where not observed.
    values : dict of int to ndarray
        Of the columns looked up, in their order, all values, ascending.
    others : tuple of int
        The other columns.
    """

    codes: np.ndarray
    X: np.ndarray
    values: dict
    others: tuple

    dtype = np.dtype(np.float64)

    def __getitem__(self, rows):
        codes, X = np.take(self.codes, rows, axis=0), np.take(self.X, rows, axis=0)
        return CodedRows(codes, X, self.values, self.others)

    def __len__(self):
        return len(self.X)

    @cached_property
    def first(self):
        """Where the values of each column start among all, and their number."""
        return np.cumsum([0, *map(len, self.values.values())]).astype(np.int64)


class FamiliesEmission:
    """Independent columns, given the state; cells that are missing say nothing.

    Parameters
    ----------
    families : sequence of Family or Tabulated
        One for each column.
    """

    def __init__(self, families):
        self.families = tuple(families)
        sizes = [len(family.overall) for family in self.families]
        self._spans = [
            slice(end - size, end)
            for end, size in zip(accumulate(sizes), sizes, strict=True)
        ]

    def code(self, X):
        """Find the columns of few values, whatever their family.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            NaN means not observed.

        Returns
        -------
        rows : CodedRows
        """
        codes, values = [], {}
        for j, x in enumerate(np.ascontiguousarray(X.T)):
            found, index = np.unique(x, return_inverse=True)
            found = found[: len(found) - bool(len(found) and np.isnan(found[-1]))]
            if len(found) <= min(_MOST_VALUES, len(x) // 2):
                values[j] = found
                codes.append(np.where(index < len(found), index, -1))
        shape = len(values), len(X)
        codes = np.reshape(codes, shape).T.astype(np.int32, order="C")
        others = tuple(j for j in range(X.shape[1]) if j not in values)
        return CodedRows(codes, X[:, others], values, others)

    def tabulate(self, rows, params):
        """Look up once what is asked for in every piece of the rows."""
        tables = [np.empty((0, params.n_states))]
        tables += [
            self.families[j].log_prob_once(values, params.columns[j])
            for j, values in rows.values.items()
        ]
        stacked = np.ascontiguousarray(np.concatenate(tables).T)
        return FamiliesTables(params.columns, CategoricalParams(stacked, rows.first))

    def log_prob(self, rows, params):
        """Log density or mass of each row's observed cells under each state.

        Parameters
        ----------
        rows : CodedRows
            Of n rows.
        params : FamiliesTables
            As `tabulate` gives.

        Returns
        -------
        log_prob : ndarray of shape (n, K)
        """
        out = CategoricalEmission().log_prob(rows.codes, params.tables)
        for column, j in zip(rows.X.T, rows.others, strict=True):
            there, x = _observed(column)
            out[there] += self.families[j].log_prob(x, params.columns[j])
        return out

    def stats(self, rows, gamma, params=None):
        """Expected statistics of the families.

        Parameters
        ----------
        rows : CodedRows
            Of n rows.
        gamma : ndarray of shape (n, K)
            Probabilities of the states, times weights.
        params : FamiliesParams or None
            Current ones; None before the first M-step.

        Returns
        -------
        stats : FamiliesStats
        """
        gamma = np.asarray(gamma)
        columns = (None,) * len(self.families) if params is None else params.columns
        first, K = rows.first, gamma.shape[1]
        size = self._spans[-1].stop if self._spans else 0
        moments = np.empty((size, K))
        tables = CategoricalParams(np.empty((K, first[-1])), first)
        counts = CategoricalEmission().stats(rows.codes, gamma, tables).counts.T
        ends = pairwise(first)
        for (j, values), (start, end) in zip(rows.values.items(), ends, strict=True):
            own = self.families[j].stats(values, counts[start:end], columns[j])
            moments[self._spans[j]] = own
        for column, j in zip(rows.X.T, rows.others, strict=True):
            there, x = _observed(column)
            own = self.families[j].stats(x, gamma[there], columns[j])
            moments[self._spans[j]] = own
        return FamiliesStats(moments)

    def m_step(self, stats, params=None, smoothing=0.0):
        """Parameters that maximise the expected log-likelihood, or with a prior.

        Parameters
        ----------
        stats : FamiliesStats
            Sums over all rows.
        params : FamiliesParams or None
            Those of the E-step.
        smoothing : float
            Pseudo-rows of the whole table's distribution in each state.

        Returns
        -------
        params : FamiliesParams
        """
        columns = []
        for j, family in enumerate(self.families):
            prior = family.prior(smoothing) if smoothing else None
            before = None if params is None else params.columns[j]
            columns.append(family.m_step(stats.moments[self._spans[j]], prior, before))
        return FamiliesParams(stats.moments.shape[1], tuple(columns))

    def draw(self, params, states, limits, rng):
        """Draw rows of given states.

        Parameters
        ----------
        params : FamiliesParams
            Parameters of all states.
        states : ndarray of shape (n,)
            State of each row.
        limits : sequence of tuple of float
            Between which each column's values are.
        rng : numpy.random.Generator
            Source of randomness.

        Returns
        -------
        X : ndarray of shape (n, D)
        """
        X = np.empty((len(states), len(self.families)))
        for j, (family, ends) in enumerate(zip(self.families, limits, strict=True)):
            X[:, j] = draw_within(ends, family, params.columns[j], states, rng)
        return X

    @property
    def n_parameters(self):
        """Free parameters of one state."""
        return sum(int(family.n_parameters) for family in self.families)


def _observed(x):
    there = np.flatnonzero(x == x)  # not NaN
    return there, x[there]
