"""Autoregressive emissions: linear in the rows before, with Gaussian noise."""

from typing import NamedTuple

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import missing_patterns
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission
from sklearn_gen.hmm._gaussian_m_step import m_step

# Directions of the rows before with less than this share of the largest are left alone.
_RANK = 1e-11


class AutoregressiveParams(NamedTuple):
    """Regressions on H = order D + 1 numbers: the rows before, scaled, and 1."""

    coefficients: np.ndarray  # (K, H, D)
    noise: gaussian.GaussianParams  # of K states, with means 0
    fresh: gaussian.GaussianParams  # of rows without the rows before: one, full


class AutoregressiveStats(NamedTuple):
    """Expected moments of residuals e, and of what they are regressed on, h."""

    s0: np.ndarray  # (K,)
    hh: np.ndarray  # (K, H, H)
    he: np.ndarray  # (K, H, D)
    ee: np.ndarray  # (K, D, D)

    def recentered(self, change):
        """Moments about regressions with other coefficients, by their change."""
        moved = self.hh @ change
        cross = change.swapaxes(1, 2) @ self.he
        ee = self.ee - cross - cross.swapaxes(1, 2)
        ee += change.swapaxes(1, 2) @ moved
        return self._replace(he=self.he - moved, ee=ee)


class AutoregressiveEmission:
    """States regress a row on those before it; without these, one Gaussian of all.

    Rows X are (n, (1 + order) D): a row, and those before it scaled, the last first;
    these are NaN where one of them is missing.

    Parameters
    ----------
    structure : Full, Diag or a class derived from them
        Of the covariances of the noise.
    """

    def __init__(self, structure):
        self.structure = structure
        self.noise = GaussianEmission(structure)
        self.fresh = GaussianEmission(gaussian.STRUCTURES["full"])

    def log_prob(self, X, params):
        """Log density of each row's observed cells under each state.

        Parameters
        ----------
        X : ndarray of shape (n, (1 + order) D)
            Rows and those before them.
        params : AutoregressiveParams
            Of all states.

        Returns
        -------
        log_prob : ndarray of shape (n, K)
            The transpose of a C-contiguous array.
        """
        rows, before, known = self._parts(X, params)
        out = np.empty((len(params.coefficients), len(X)), X.dtype)
        out[:, ~known] = self.fresh.log_prob(rows[~known], params.fresh).T
        for k, B in enumerate(params.coefficients):
            residuals = rows[known] - before @ B.astype(X.dtype)
            noise = self._of_state(params.noise, k)
            out[k, known] = self.noise.log_prob(residuals, noise)[:, 0]
        return out.T

    def stats(self, X, gamma, params):
        """Expected moments, weighted by gamma, of rows with all of those before them.

        Parameters
        ----------
        X : ndarray of shape (n, (1 + order) D)
            Rows and those before them.
        gamma : ndarray of shape (n, K)
            Weights of the states.
        params : AutoregressiveParams
            Of the E-step.

        Returns
        -------
        stats : AutoregressiveStats
        """
        rows, before, known = self._parts(X, params)
        seen = known & ~np.isnan(rows).all(axis=1)
        before = before[seen[known]].astype(np.float64)
        rows, gamma = rows[seen], gamma[seen].astype(np.float64)
        parts = []
        for k, B in enumerate(params.coefficients):
            r = gamma[:, k, None]
            e, left = self._completed(rows - before @ B, r[:, 0], params.noise, k)
            weighed = r * before
            parts.append(
                (r.sum(), before.T @ weighed, weighed.T @ e, e.T @ (r * e) + left)
            )
        return AutoregressiveStats(*map(np.array, zip(*parts, strict=True)))

    def m_step(self, stats, params, reg, ridge):
        """Parameters that maximise the expected log-likelihood.

        Parameters
        ----------
        stats : AutoregressiveStats
            What `stats` gave.
        params : AutoregressiveParams
            Of the E-step.
        reg, ridge : ndarray of shape (D,)
            Variance added always, and where a covariance is singular nevertheless.

        Returns
        -------
        params : AutoregressiveParams
        """
        change = np.linalg.pinv(stats.hh, rcond=_RANK, hermitian=True) @ stats.he
        stats = stats.recentered(change)
        s2, means = stats.ee, np.zeros_like(params.noise.means)
        if not self.structure.correlated:
            s2 = np.diagonal(s2, axis1=1, axis2=2)
        elif params.noise.covariances.ndim == 2:  # one for all
            s2 = s2.sum(axis=0)
        moments = gaussian.GaussianStats(0.0, stats.s0.sum(), stats.s0, means, s2)
        noise = m_step(self.structure, moments, params.noise, reg, ridge)
        return params._replace(coefficients=params.coefficients + change, noise=noise)

    def means(self, X, states, params):
        """Expected rows given the state, (n, D); NaN without the rows before.

        Parameters
        ----------
        X : ndarray of shape (n, (1 + order) D)
            Rows and those before them.
        states : ndarray of shape (n,)
            State of each row.
        params : AutoregressiveParams
            Of all states.

        Returns
        -------
        means : ndarray of shape (n, D)
        """
        rows, before, known = self._parts(X, params)
        means = np.full(rows.shape, np.nan)
        means[known] = np.einsum(
            "nh,nhd->nd", before, params.coefficients[states[known]]
        )
        return means

    def gradients(self, X, params):
        """Residuals of the first state times what they are regressed on, (n, D H).

        Zero without the rows before, and where cells are missing.

        Parameters
        ----------
        X : ndarray of shape (n, (1 + order) D)
            Rows and those before them.
        params : AutoregressiveParams
            Of the states.

        Returns
        -------
        gradients : ndarray of shape (n, D H)
        """
        rows, before, known = self._parts(X, params)
        residuals = np.nan_to_num(rows[known] - before @ params.coefficients[0])
        products = np.einsum("nd,nh->ndh", residuals, before)
        found = np.zeros((len(X), rows.shape[1] * before.shape[1]))
        found[known] = products.reshape(-1, found.shape[1])
        return found

    def _parts(self, X, params):
        """Rows, what the complete ones are regressed on, and which these are."""
        D = params.noise.means.shape[1]
        known = ~np.isnan(X[:, D])
        before = np.ones((known.sum(), X.shape[1] - D + 1), X.dtype)
        before[:, :-1] = X[known, D:]
        return X[:, :D], before, known

    def _of_state(self, noise, k):
        """Parameters of the noise of one state."""
        shared = self.structure.correlated and noise.covariances.ndim == 2
        part = slice(None) if shared else slice(k, k + 1)
        return noise._replace(
            weights=np.ones(1),
            means=noise.means[k : k + 1],
            covariances=noise.covariances[part],
            precisions_cholesky=noise.precisions_cholesky[part],
        )

    def _completed(self, residuals, r, noise, k):
        """Residuals with expected ones where cells are missing; covariance left."""
        D = residuals.shape[1]
        left = np.zeros((D, D))
        if not np.isnan(residuals).any():
            return residuals, left
        noise = self._of_state(noise, k)
        for observed, rows in missing_patterns(residuals):
            if observed is None:
                continue
            B, rest = self.structure.regression(noise, observed)
            hidden = np.flatnonzero(~observed)
            seen = residuals[np.ix_(rows, observed)]
            residuals[np.ix_(rows, hidden)] = seen @ B[0].T
            left[np.ix_(hidden, hidden)] += r[rows].sum() * rest[0]
        return residuals, left
