"""Gaussian emissions: one component per state, some cells missing or not."""

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import add, missing_patterns
from sklearn_gen._kernels import markov_gaussian as kernels


class GaussianEmission:
    """Rows given their states: Gaussians; rows without any cell say nothing.

    Parameters
    ----------
    structure : Full, Diag or a class derived from them
        Of the covariances: a value of ``_gaussian.STRUCTURES``.
    """

    def __init__(self, structure):
        self.structure = structure

    def log_prob(self, X, params):
        """Log density of each row's observed cells under each state.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            NaN means not observed.
        params : GaussianParams
            Its weights are not used.

        Returns
        -------
        log_prob : ndarray of shape (n, K)
            The transpose of a C-contiguous array.
        """
        if _complete(X):
            return self._log_densities(X, params).T
        out = np.zeros((len(params.means), len(X)), X.dtype)
        for observed, rows in missing_patterns(X):
            if observed is None:
                out[:, rows] = self._log_densities(X[rows], params)
            elif observed.any():
                part = gaussian.marginal(self.structure, params, observed)
                cells = np.ascontiguousarray(X[np.ix_(rows, observed)])
                out[:, rows] = self._log_densities(cells, part)
        return out.T

    def stats(self, X, gamma, params):
        """Expected moments about the means, weighted by gamma.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            NaN means not observed.
        gamma : ndarray of shape (n, K)
            Weights of the states.
        params : GaussianParams
            Those of the E-step.

        Returns
        -------
        stats : GaussianStats
            Its log-likelihood is 0.
        """
        gamma = np.ascontiguousarray(gamma.T)
        moments = self._moments(X, gamma, params)
        if not np.isnan(moments.s1).any():  # a NaN that counts would be in there
            return moments
        total = None
        for observed, rows in missing_patterns(X):
            if observed is not None and not observed.any():
                continue
            weights = np.ascontiguousarray(gamma[:, rows])
            if observed is None:
                stats = self._moments(X[rows], weights, params)
            else:
                part = gaussian.marginal(self.structure, params, observed)
                cells = np.ascontiguousarray(X[np.ix_(rows, observed)])
                seen = self._moments(cells, weights, part)
                lifted = self.structure.lift(
                    *(seen.s1, seen.s2, seen.s0, params),
                    *(observed, part.precisions_cholesky),
                )
                stats = seen._replace(s1=lifted[0], s2=lifted[1])
            total = stats if total is None else add(total, stats)
        return self._moments(X[:0], gamma[:, :0], params) if total is None else total

    def m_step(self, stats, params, reg, ridge):
        """Parameters that maximise the expected log-likelihood.

        Parameters
        ----------
        stats : GaussianStats
            Sums of `stats`.
        params : GaussianParams
            Those of the E-step.
        reg, ridge : ndarray of shape (D,)
            Variance added always, and where a covariance is singular nevertheless.

        Returns
        -------
        params : GaussianParams
        """
        return gaussian.m_step(
            *(self.structure, stats, params.means, reg, ridge),
            previous=params.covariances,
        )

    def _log_densities(self, X, params):
        _, means, factors, log_det, *_ = self.structure.kernel_args(params, X.dtype)
        if factors.ndim == 2 and not self.structure.correlated:
            return kernels.diag_log_densities_of(X, means, factors, log_det)
        factors = factors.reshape(-1, *factors.shape[-2:])
        return kernels.full_log_densities(X, means, factors, log_det)

    def _moments(self, X, gamma, params):
        centers = params.means.astype(X.dtype, copy=False)
        if not self.structure.correlated:
            sums = kernels.diag_given_moments(X, gamma, centers)
        else:
            sums = kernels.full_given_moments(X, gamma, centers)
            if params.covariances.ndim == 2:
                sums = sums._replace(s2=sums.s2.sum(axis=0))
        stats = gaussian.GaussianStats(0.0, float(sums.s0.sum()), *sums)
        if X.dtype == params.means.dtype:
            return stats
        # about the means themselves, not what float32 made of them
        delta = params.means - centers.astype(params.means.dtype)
        return gaussian.recenter(self.structure, stats, delta)


def _complete(X):
    """Whether no cell is NaN: a dot product is a quarter of the time of a mask."""
    return not np.isnan(np.vdot(X, X))
