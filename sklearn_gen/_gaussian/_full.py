"""Covariance matrices: one per component, or one for all."""

import numpy as np
from scipy.linalg import lapack

from sklearn_gen._gaussian._linalg import (
    cast,
    definite,
    from_precision,
    inverse_cholesky,
    weighted_deviations,
)
from sklearn_gen._kernels import gaussian as kernels
from sklearn_gen._kernels import missing as mixed_kernels


def _gram(deviations):
    return deviations.T @ deviations


class Full:
    """Each component has its own covariance matrix, (K, D, D)."""

    correlated = True
    derived = None  # covariance_type of marginals, where it isn't the same

    def kernel_args(self, params, dtype):
        """What the kernels take of the parameters: prepared once per iteration."""
        P = params.precisions_cholesky
        return cast(dtype, params.log_weights, params.means, P, self.log_det(P))

    def moments(self, X, sample_weight, args, centers):
        """E-step moments of complete rows: log-likelihood, s0, s1, s2."""
        return kernels.full_moments(X, sample_weight, *args, centers)

    def posterior(self, X, args, with_resp):
        """Log density of complete rows and, if asked, p(component | row)."""
        return kernels.full_posterior(X, *args, with_resp)

    def mixed_moments(self, X, sample_weight, params, centers):
        """Expected moments of rows that differ in which cells are NaN."""
        args = self._mixed_args(params)
        return mixed_kernels.full_moments(
            *cast(np.float64, X, sample_weight, *args, centers)
        )

    def mixed_posterior(self, X, params, with_resp):
        """As `posterior`, of the observed cells of rows that differ in them."""
        args = self._mixed_args(params)
        return mixed_kernels.full_posterior(*cast(np.float64, X, *args), with_resp)

    def fill_means(self, X, params):
        """Rows with their NaN cells replaced by E[missing | observed]."""
        args = self._mixed_args(params)
        return mixed_kernels.full_means(*cast(np.float64, X, *args))

    def _mixed_args(self, params):
        return params.log_weights, params.means, params.covariances

    def log_det(self, precisions_cholesky):
        """Half the log-determinant of each precision matrix."""
        diagonal = np.diagonal(precisions_cholesky, axis1=1, axis2=2)
        return np.log(diagonal).sum(axis=1)

    def covariance(self, s2, delta, nk):
        """Covariances from moments; `delta` is the step of the means."""
        return s2 / nk[:, None, None] - delta[:, :, None] * delta[:, None, :]

    def scatter(self, X, resp, centers):
        """Second moments about centers, of given responsibilities."""
        pairs = zip(resp.T, centers, strict=True)
        return np.array(
            [_gram(weighted_deviations(X, r, center)) for r, center in pairs]
        )

    def shift(self, s2, s1, s0, delta):
        """Moments about centers + delta instead of centers."""
        cross = s1[:, :, None] * delta[:, None, :]
        outer = delta[:, :, None] * delta[:, None, :]
        return s2 - cross - cross.swapaxes(1, 2) + s0[:, None, None] * outer

    def variances(self, covariances, n_components, n_features):
        """Variance of each column in each component, (K, D)."""
        return np.diagonal(covariances, axis1=1, axis2=2)

    def add_to_diagonal(self, covariances, amount):
        """Add a variance per column."""
        return covariances + np.diag(amount)

    def estimate(self, covariances, nk, ridge, previous=None):
        """Covariances of the M-step from unconstrained ones, as `cholesky` has them."""
        return self.cholesky(covariances, ridge)

    def cholesky(self, covariances, ridge):
        """Cholesky factors of the precisions, of covariances made definite.

        Returns
        -------
        covariances, precisions_cholesky : ndarray
        repaired : ndarray of bool, shape (n_features,)
            The columns whose variance had to be raised by `ridge`.
        """
        covariances = covariances.copy()
        factors = np.empty_like(covariances)
        repaired = np.zeros(covariances.shape[-1], dtype=bool)
        for k in range(len(covariances)):
            factors[k], columns = inverse_cholesky(covariances[k], ridge)
            repaired |= columns
        return covariances, factors, repaired

    def from_precisions(self, precisions):
        """Covariances and Cholesky factors of given precisions."""
        pairs = [from_precision(precision) for precision in precisions]
        return tuple(np.array(part) for part in zip(*pairs, strict=True))

    def from_factors(self, precisions_cholesky):
        """Covariances, definite also where the factors were rounded to float32."""
        roots = np.array([lapack.dtrtri(P, lower=0)[0] for P in precisions_cholesky])
        return roots.swapaxes(1, 2) @ roots

    def precisions(self, precisions_cholesky):
        """Precision matrices."""
        return precisions_cholesky @ precisions_cholesky.swapaxes(-1, -2)

    def factor(self, precisions_cholesky, k):
        """Cholesky factor of the precision of component k."""
        return precisions_cholesky[k]

    def matrix(self, covariances, k):
        """Covariance matrix of component k."""
        return covariances[k]

    def select(self, covariances, columns):
        """Covariances of some columns."""
        return covariances[:, columns][:, :, columns]

    def conditional_covariances(self, covariances, left, missing):
        """Covariances of the missing columns, from those `regression` left."""
        return left

    def regression(self, params, observed, factors=None):
        """B (K, M, O) of E[missing | observed], and the covariance left (K, M, M).

        `factors` are those of the observed columns' precisions, where already known.
        """
        S = params.covariances
        seen, hidden = np.flatnonzero(observed), np.flatnonzero(~observed)
        if factors is None:
            part = self.select(S, seen)
            factors = definite(self, part, len(S), len(seen))[1]
        cross = S[:, seen[:, None], hidden]
        B = cross.swapaxes(1, 2) @ factors @ factors.swapaxes(1, 2)
        return B, S[:, hidden[:, None], hidden] - B @ cross

    def lift(self, s1, s2, s0, params, observed, factors):
        """Expected moments of all cells from those of the observed ones."""
        B, left = self.regression(params, observed, factors)
        d = len(observed)
        s1_all, s2_all = np.zeros((len(s0), d)), np.zeros((len(s0), d, d))
        seen, hidden = np.flatnonzero(observed), np.flatnonzero(~observed)
        s1_all[:, seen] = s1
        s1_all[:, hidden] = (B @ s1[:, :, None])[:, :, 0]
        cross = B @ s2
        s2_all[:, seen[:, None], seen] = s2
        s2_all[:, hidden[:, None], seen] = cross
        s2_all[:, seen[:, None], hidden] = cross.swapaxes(1, 2)
        s2_all[:, hidden[:, None], hidden] = (
            cross @ B.swapaxes(1, 2) + s0[:, None, None] * left
        )
        return s1_all, s2_all

    def n_parameters(self, n_components, n_features):
        """Free parameters of the covariances."""
        return n_components * n_features * (n_features + 1) // 2

    def shape(self, n_components, n_features):
        """Shape of covariances and precisions."""
        return (n_components, n_features, n_features)


_FULL = Full()


class Tied(Full):
    """All components share one covariance matrix, (D, D)."""

    def kernel_args(self, params, dtype):
        """As for Full; then the point about which rows are whitened."""
        (center,) = cast(dtype, params.weights @ params.means)
        return *super().kernel_args(params, dtype), center

    def moments(self, X, sample_weight, args, centers):
        """As for Full, but rows are whitened once, not once per component."""
        sums = kernels.tied_moments(X, sample_weight, *args)
        # From the total scatter about one center to that within components.
        delta = centers.astype(np.float64) - args[-1]
        cross = sums.s1.T @ delta
        within = sums.s2 - cross - cross.T + (sums.s0[:, None] * delta).T @ delta
        noise = np.finfo(X.dtype).eps ** 0.4
        if np.any(np.diagonal(within) < noise * np.diagonal(sums.s2)):
            # Components so far apart that the difference above cancels: take
            # differences from each center, at K times the cost.
            log_w, means, P, log_det, _ = args
            n_components = len(means)
            P = np.broadcast_to(P, (n_components, *P.shape))
            log_det = np.broadcast_to(log_det, n_components)
            full = (log_w, means, P, log_det)
            sums = _FULL.moments(X, sample_weight, full, centers)
            return sums._replace(s2=sums.s2.sum(axis=0))
        return sums._replace(s1=sums.s1 - sums.s0[:, None] * delta, s2=within)

    def posterior(self, X, args, with_resp):
        """As for Full."""
        return kernels.tied_posterior(X, *args, with_resp)

    def mixed_moments(self, X, sample_weight, params, centers):
        """As for Full, with one scatter matrix."""
        sums = super().mixed_moments(X, sample_weight, params, centers)
        return sums._replace(s2=sums.s2[0])

    def _mixed_args(self, params):
        return super()._mixed_args(
            params._replace(covariances=params.covariances[None])
        )

    def log_det(self, precisions_cholesky):
        """Half the log-determinant of the precision matrix, (1,)."""
        return super().log_det(precisions_cholesky[None])

    def covariance(self, s2, delta, nk):
        """The shared covariance."""
        return (s2 - (nk[:, None] * delta).T @ delta) / nk.sum()

    def scatter(self, X, resp, centers):
        """As for Full, summed over components."""
        return super().scatter(X, resp, centers).sum(axis=0)

    def shift(self, s2, s1, s0, delta):
        """As for Full."""
        cross = s1.T @ delta
        return s2 - cross - cross.T + (s0[:, None] * delta).T @ delta

    def variances(self, covariances, n_components, n_features):
        """As for Full."""
        return np.broadcast_to(np.diagonal(covariances), (n_components, n_features))

    def cholesky(self, covariances, ridge):
        """As for Full."""
        covariances, factors, repaired = super().cholesky(covariances[None], ridge)
        return covariances[0], factors[0], repaired

    def from_factors(self, precisions_cholesky):
        """As for Full."""
        return super().from_factors(precisions_cholesky[None])[0]

    def from_precisions(self, precisions):
        """As for Full."""
        return from_precision(precisions)

    def factor(self, precisions_cholesky, k):
        """As for Full."""
        return precisions_cholesky

    def matrix(self, covariances, k):
        """As for Full."""
        return covariances

    def select(self, covariances, columns):
        """As for Full."""
        return covariances[np.ix_(columns, columns)]

    def conditional_covariances(self, covariances, left, missing):
        """As for Full."""
        return left[0]

    def regression(self, params, observed, factors=None):
        """As for Full, the same for every component."""
        one = params._replace(covariances=params.covariances[None])
        B, left = _FULL.regression(one, observed)
        n_components = len(params.weights)
        return tuple(
            np.broadcast_to(a, (n_components, *a.shape[1:])) for a in (B, left)
        )

    def lift(self, s1, s2, s0, params, observed, factors):
        """As for Full, with one scatter matrix."""
        one = params._replace(covariances=params.covariances[None])
        factors = factors[None]
        B, _ = _FULL.regression(one, observed, factors)
        lifted = np.zeros((len(s0), len(observed)))
        lifted[:, observed] = s1
        lifted[:, ~observed] = s1 @ B[0].T
        _, s2 = _FULL.lift(
            s1[:1], s2[None], s0.sum(keepdims=True), one, observed, factors
        )
        return lifted, s2[0]

    def n_parameters(self, n_components, n_features):
        """Free parameters of the covariance."""
        return n_features * (n_features + 1) // 2

    def shape(self, n_components, n_features):
        """Shape of covariances and precisions."""
        return (n_features, n_features)
