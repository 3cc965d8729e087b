"""Variances: one per component and column, or one per component."""

import numpy as np

from sklearn_gen._gaussian._linalg import cast, weighted_deviations
from sklearn_gen._kernels import gaussian as kernels
from sklearn_gen._kernels import missing as mixed_kernels


class Diag:
    """Each component has its own variance per column, (K, D)."""

    correlated = False
    derived = None  # covariance_type of marginals, where it isn't the same

    def kernel_args(self, params, dtype):
        """What the kernels take of the parameters: prepared once per iteration."""
        P = self._per_column(params.precisions_cholesky, params.means.shape[1])
        log_det = np.log(P).sum(axis=1)
        return cast(dtype, params.log_weights, params.means, P, log_det)

    def moments(self, X, sample_weight, args, centers):
        """E-step moments of complete rows: log-likelihood, s0, s1, s2."""
        return kernels.diag_moments(X, sample_weight, *args, centers)

    def posterior(self, X, args, with_resp):
        """Log density of complete rows and, if asked, p(component | row)."""
        return kernels.diag_posterior(X, *args, with_resp)

    def mixed_moments(self, X, sample_weight, params, centers):
        """Expected moments of rows that differ in which cells are NaN."""
        args = self._mixed_args(params)
        variances = self._per_column(params.covariances, X.shape[1])
        return mixed_kernels.diag_moments(
            *cast(np.float64, X, sample_weight, *args, variances, centers)
        )

    def mixed_posterior(self, X, params, with_resp):
        """As `posterior`, of the observed cells of rows that differ in them."""
        args = self._mixed_args(params)
        return mixed_kernels.diag_posterior(*cast(np.float64, X, *args), with_resp)

    def fill_means(self, X, params):
        """Rows with their NaN cells replaced by E[missing | observed]."""
        resp = self.mixed_posterior(X, params, True).resp
        resp[~resp.any(axis=1)] = params.weights
        return np.where(np.isnan(X), resp @ params.means, X)

    def _mixed_args(self, params):
        scales = self._per_column(params.precisions_cholesky, params.means.shape[1])
        return params.log_weights, params.means, scales

    def _per_column(self, values, n_features):
        return values

    def covariance(self, s2, delta, nk):
        """Variances from moments; `delta` is the step of the means."""
        return s2 / nk[:, None] - delta**2

    def scatter(self, X, resp, centers):
        """Second moments about centers, of given responsibilities."""
        pairs = zip(resp.T, centers, strict=True)
        return np.array(
            [(weighted_deviations(X, r, c) ** 2).sum(axis=0) for r, c in pairs]
        )

    def shift(self, s2, s1, s0, delta):
        """Moments about centers + delta instead of centers."""
        return s2 - 2 * s1 * delta + s0[:, None] * delta**2

    def variances(self, covariances, n_components, n_features):
        """Variance of each column in each component, (K, D)."""
        return covariances

    def add_to_diagonal(self, covariances, amount):
        """Add a variance per column."""
        return covariances + amount

    def estimate(self, covariances, nk, ridge, previous=None):
        """Variances of the M-step from unconstrained ones, as `cholesky` has them."""
        return self.cholesky(covariances, ridge)

    def cholesky(self, covariances, ridge):
        """Inverse deviations, of variances that are positive."""
        flat = ~(covariances > 1e-6 * ridge)  # rounding error, or a point
        covariances = np.where(flat, np.maximum(covariances, 0.0) + ridge, covariances)
        return covariances, covariances**-0.5, flat.any(axis=0)

    def from_precisions(self, precisions):
        """Variances and inverse deviations of given precisions."""
        return 1.0 / precisions, np.sqrt(precisions)

    def from_factors(self, precisions_cholesky):
        """Variances."""
        return precisions_cholesky**-2.0

    def precisions(self, precisions_cholesky):
        """Inverse variances."""
        return precisions_cholesky**2

    def factor(self, precisions_cholesky, k):
        """Inverse deviations of component k."""
        return precisions_cholesky[k]

    def select(self, covariances, columns):
        """Variances of some columns."""
        return covariances[:, columns]

    def conditional_covariances(self, covariances, left, missing):
        """Variances of the missing columns."""
        return self.select(covariances, missing)

    def regression(self, params, observed, factors=None):
        """No regression: columns are independent within a component."""
        n_missing = np.count_nonzero(~observed)
        variances = self._per_column(params.covariances, len(observed))[:, ~observed]
        B = np.zeros((len(params.weights), n_missing, np.count_nonzero(observed)))
        return B, variances[:, :, None] * np.eye(n_missing)

    def lift(self, s1, s2, s0, params, observed, factors):
        """Expected moments of all cells from those of the observed ones."""
        variances = self._per_column(params.covariances, len(observed))
        s1_all, s2_all = np.zeros(variances.shape), s0[:, None] * variances
        s1_all[:, observed] = s1
        s2_all[:, observed] = s2
        return s1_all, s2_all

    def n_parameters(self, n_components, n_features):
        """Free parameters of the covariances."""
        return n_components * n_features

    def shape(self, n_components, n_features):
        """Shape of covariances and precisions."""
        return (n_components, n_features)


class Spherical(Diag):
    """Each component has one variance, (K,)."""

    def _per_column(self, values, n_features):
        return np.broadcast_to(values[:, None], (len(values), n_features))

    def covariance(self, s2, delta, nk):
        """One variance per component."""
        return super().covariance(s2, delta, nk).mean(axis=1)

    def variances(self, covariances, n_components, n_features):
        """As for Diag."""
        return self._per_column(covariances, n_features)

    def add_to_diagonal(self, covariances, amount):
        """Add the mean of the variances to add per column."""
        return covariances + amount.mean()

    def cholesky(self, covariances, ridge):
        """As for Diag."""
        mean_ridge = ridge.mean() if ridge.size else 0.0
        covariances, factors, flat = super().cholesky(covariances, mean_ridge)
        return covariances, factors, np.broadcast_to(flat, ridge.shape)

    def select(self, covariances, columns):
        """The same variance for any columns."""
        return covariances

    def n_parameters(self, n_components, n_features):
        """Free parameters of the covariances."""
        return n_components

    def shape(self, n_components, n_features):
        """Shape of covariances and precisions."""
        return (n_components,)
