"""Categorical emissions: a table of probabilities per column."""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels import markov_tables as kernels


class CategoricalParams(NamedTuple):
    """Probabilities of all columns' codes, stacked."""

    log_tables: np.ndarray  # (K, R) log p(code | z = k)
    first: np.ndarray  # (D + 1,) row at which each column's codes start, and R


class CategoricalStats(NamedTuple):
    """Expected counts."""

    counts: np.ndarray  # (K, R)


class CategoricalEmission:
    """Rows given their states: products over columns of tables; -1 is missing."""

    def log_prob(self, X, params):
        """Log probability of each row under each state.

        Parameters
        ----------
        X : ndarray of shape (n, D), int32
            Codes, each column's from 0; -1: not observed.
        params : CategoricalParams
            Tables of all columns.

        Returns
        -------
        log_prob : ndarray of shape (n, K)
            The transpose of a C-contiguous array.
        """
        return kernels.table_log_prob(params.log_tables, params.first, X).T

    def stats(self, X, gamma, params):
        """Expected counts of the codes.

        Parameters
        ----------
        X : ndarray of shape (n, D), int32
            Codes.
        gamma : ndarray of shape (n, K)
            Weights of the states.
        params : CategoricalParams
            Those of the E-step.

        Returns
        -------
        stats : CategoricalStats
        """
        gamma = np.ascontiguousarray(gamma.T)
        return CategoricalStats(kernels.table_counts(gamma, params.first, X))

    def m_step(self, stats, params, pseudo_counts=0.0):
        """Parameters that maximise the expected log-likelihood, or with a prior.

        Parameters
        ----------
        stats : CategoricalStats
            Sums of `stats`.
        params : CategoricalParams
            Those of the E-step, kept for states that had no rows.
        pseudo_counts : float or ndarray of shape (K, R)
            Added to the counts: a Dirichlet prior's parameters less one.

        Returns
        -------
        params : CategoricalParams
        """
        counts = stats.counts + pseudo_counts
        log_tables = params.log_tables.copy()
        for begin, end in zip(params.first[:-1], params.first[1:], strict=True):
            part = counts[:, begin:end]
            total = part.sum(axis=1, keepdims=True)
            some = total[:, 0] > 0.0
            with np.errstate(divide="ignore"):
                log_tables[some, begin:end] = np.log(part[some] / total[some])
        return params._replace(log_tables=log_tables)
