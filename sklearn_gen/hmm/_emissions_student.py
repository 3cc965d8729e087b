"""Multivariate t emissions: one component per state, heavy-tailed."""

import numpy as np
from scipy.special import digamma

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import add, missing_patterns
from sklearn_gen._gaussian import student
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission

_HALF_LOG_2_PI = 0.9189385332046727
# A state with less than this share of the rows keeps its scale matrix.
_UNSEEN = 1e-12


class StudentEmission:
    """States are multivariate t; rows without any cell say nothing.

    A row is normal given a hidden scale u, with covariance S / u. Of p observed cells
    at squared distance delta, E[u] = (nu + p) / (nu + delta).

    Parameters
    ----------
    structure : Full, Diag or a class derived from them
        Of the scale matrices: a value of ``_gaussian.STRUCTURES``.
    """

    def __init__(self, structure):
        self.structure = structure
        self.normal = GaussianEmission(structure)

    def log_prob(self, X, params):
        """Log density of each row's observed cells under each state.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            NaN means not observed.
        params : StudentParams
            Its weights are not used.

        Returns
        -------
        log_prob : ndarray of shape (n, K)
            The transpose of a C-contiguous array.
        """
        out = np.zeros((len(params.means), len(X)), X.dtype)
        for _, rows, cells, part in self._patterns(X, params):
            p, nu = cells.shape[1], _column(part.dof, X.dtype)
            args = student.kernel_args(self.structure, part, X.dtype)
            tail = np.log1p(self._squared_distances(cells, part) / nu)
            out[:, rows] = args[0][:, None] - (nu + p) / 2 * tail
        return out.T

    def stats(self, X, gamma, params):
        """Expected moments about the means, weighted by gamma and by hidden scales.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            NaN means not observed.
        gamma : ndarray of shape (n, K)
            Weights of the states.
        params : StudentParams
            Of the E-step.

        Returns
        -------
        stats : StudentStats
            Its log-likelihood is 0.
        """
        gamma = gamma.T
        nothing = np.zeros(len(gamma))
        empty = self.normal.stats(X[:0], gamma[:, :0].T, params)
        total = student.StudentStats(
            *(0.0, 0.0, nothing, nothing, nothing, empty.s1, empty.s2)
        )
        for observed, rows, cells, part in self._patterns(X, params):
            p, nu = cells.shape[1], _column(part.dof, X.dtype)
            r = gamma[:, rows]
            scale = (nu + p) / (nu + self._squared_distances(cells, part))
            moments = self.normal.stats(cells, (r * scale).T, part)
            s0, s1, s2 = r.sum(axis=1, dtype=np.float64), moments.s1, moments.s2
            if observed is not None:
                s1, s2 = self.structure.lift(
                    *(s1, s2, s0, params, observed, part.precisions_cholesky)
                )
            half = (part.dof + p) / 2
            logs = np.einsum("kn,kn->k", r, np.log(scale), dtype=np.float64)
            logs += s0 * (digamma(half) - np.log(half))
            total = add(
                total,
                student.StudentStats(0.0, s0.sum(), s0, moments.s0, logs, s1, s2),
            )
        return total

    def m_step(self, stats, params, reg, ridge, fixed_dof):
        """Parameters that maximise the expected log-likelihood.

        States without rows keep theirs.

        Parameters
        ----------
        stats : StudentStats
            What `stats` gave.
        params : StudentParams
            Of the E-step.
        reg, ridge : ndarray of shape (D,)
            Variance added always, and where a scale matrix is singular nevertheless.
        fixed_dof : float or None
            Degrees of freedom; None: estimated.

        Returns
        -------
        params : StudentParams
        """
        updated = student.m_step(self.structure, stats, params, reg, ridge, fixed_dof)
        unseen = stats.s0 <= _UNSEEN * stats.s0.sum()
        one_for_all = self.structure.correlated and updated.covariances.ndim == 2
        if unseen.any() and not one_for_all:
            for new, old in (
                (updated.covariances, params.covariances),
                (updated.precisions_cholesky, params.precisions_cholesky),
            ):
                new[unseen] = old[unseen]
        return updated

    def _patterns(self, X, params):
        """Rows by what is observed: mask (None: all), rows, cells, parameters."""
        params = params._replace(weights=np.ones(len(params.means)))
        if not np.isnan(X).any():
            yield None, slice(None), X, params
            return
        for observed, rows in missing_patterns(X):
            if observed is None:
                yield None, rows, X[rows], params
            elif observed.any():
                part = gaussian.marginal(self.structure, params, observed)
                cells = np.ascontiguousarray(X[np.ix_(rows, observed)])
                yield observed, rows, cells, part

    def _squared_distances(self, X, params):
        """Of complete rows to the means, in the metric of the states, (K, n)."""
        log_det = self.structure.kernel_args(params, np.float64)[3]
        peak = _column(log_det - X.shape[1] * _HALF_LOG_2_PI, X.dtype)
        return np.maximum(2 * (peak - self.normal.log_prob(X, params).T), 0)


def _column(values, dtype):
    return values.astype(dtype)[:, None]
