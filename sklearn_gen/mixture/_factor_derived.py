"""Draws, codes, marginals and conditionals of a mixture of factor analyzers."""

import numpy as np
from sklearn.base import TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._blocks import one_blas_thread
from sklearn_gen._components import draw_components
from sklearn_gen._gaussian import factors
from sklearn_gen.mixture._conditional_moments import ConditionalMeans
from sklearn_gen.mixture._fewer_columns import (
    gaps_of_one_row,
    take_columns,
    take_convergence,
)

_CHUNK = 256  # rows whose factors' covariances are in memory together


class FactorDraws(ConditionalMeans, TransformerMixin):
    """What follows from the factors of rows given their observed cells."""

    @property
    def covariances_(self):
        """Covariance matrices of the components, (K, D, D)."""
        params = self._fitted_params()
        low_rank = params.loadings @ params.loadings.swapaxes(1, 2)
        full = low_rank + params.noise[:, :, None] * np.eye(params.noise.shape[1])
        return full.astype(self._dtype)

    def marginal(self, columns):
        """Return the mixture of some columns.

        Parameters
        ----------
        columns : array-like of int, str or bool
            Indices or names, in the order wanted, or a mask.

        Returns
        -------
        mixture : MixtureOfFactorAnalyzers
            Fitted, of ``len(columns)`` features.

        Raises
        ------
        ValueError
            If a column is unknown or named twice.
        """
        check_is_fitted(self)
        columns = self.schema_.column_indices(columns, "columns")
        return self._derive(factors.marginal(self._fitted_params(), columns), columns)

    def conditional(self, X):
        """Return the mixture of the NaN cells of one row given its other cells.

        Parameters
        ----------
        X : array-like of shape (1, n_features)
            One row with at least one NaN and one observed cell.

        Returns
        -------
        mixture : MixtureOfFactorAnalyzers
            Fitted, over the missing columns in their order.

        Raises
        ------
        ValueError
            If X isn't one row, or nothing or everything is missing.
        """
        rows = self._check_scored_rows(X).astype(np.float64)
        missing = gaps_of_one_row(rows)
        weights = self._predict_proba(rows)[0]
        hidden = np.flatnonzero(missing)
        params = self._fitted_params()
        part = factors.marginal(params, hidden)
        means, loadings = part.means.copy(), part.loadings.copy()
        for k in range(len(weights)):
            found = self._factors(params, k, rows, ~missing)
            means[k] += part.loadings[k] @ found.mean[0]
            loadings[k] = part.loadings[k] @ np.linalg.cholesky(found.covariance[0])
        params = factors.params_of(weights, means, loadings, part.noise)
        return self._derive(params, hidden)

    def _derive(self, params, columns):
        derived = clone(self).set_params(dequantize=None)
        derived._dtype = self._dtype
        derived._variances = self._variances[columns]
        for name, value in derived._fitted_attributes(params).items():
            setattr(derived, name, value)
        take_columns(derived, self, columns)
        take_convergence(derived, self)
        return derived

    def _factors(self, params, k, X, observed):
        z = np.where(observed, X - params.means[k], 0.0)
        return factors.factors(params, k, z, observed)

    def _sample(self, n_samples, rng):
        params = self._fitted_params()
        cumulated = np.cumsum(params.weights)
        at = rng.random(n_samples) * cumulated[-1]
        labels = np.searchsorted(cumulated, at, side="right")
        labels = np.minimum(labels, len(cumulated) - 1)
        f = rng.standard_normal((n_samples, params.loadings.shape[2]))
        rows = rng.standard_normal((n_samples, params.means.shape[1]))
        rows *= np.sqrt(params.noise)[labels]
        with one_blas_thread():
            for k in np.unique(labels):
                at = labels == k
                rows[at] += params.means[k] + f[at] @ params.loadings[k].T
        return rows.astype(self._dtype)

    def _sample_conditional(self, X, rng):
        params = self._fitted_params()
        resp = self._predict_proba(X)
        labels = draw_components(resp, rng)
        f = rng.standard_normal((len(X), params.loadings.shape[2]))
        drawn = rng.standard_normal(X.shape) * np.sqrt(params.noise)[labels]
        with one_blas_thread():
            for k, rows in self._chunks(labels):
                cells = X[rows].astype(np.float64)
                found = self._factors(params, k, cells, ~np.isnan(cells))
                root = np.linalg.cholesky(found.covariance)
                f[rows] = found.mean + (root @ f[rows, :, None])[:, :, 0]
                drawn[rows] += params.means[k] + f[rows] @ params.loadings[k].T
        return np.where(np.isnan(X), drawn, X)

    def _chunks(self, labels):
        """Rows of each component, few at a time."""
        for k in np.unique(labels):
            rows = np.flatnonzero(labels == k)
            for start in range(0, len(rows), _CHUNK):
                yield k, rows[start : start + _CHUNK]

    def _expected_cells(self, X):
        # what decodes to rows without noise
        return self._inverse_transform(self._transform(X.astype(np.float64)))

    def _transform(self, X):
        params = self._fitted_params()
        K, _, q = params.loadings.shape
        resp = self._predict_proba(X).astype(np.float64)
        codes = np.empty((len(X), K, q))
        with one_blas_thread():
            for start in range(0, len(X), _CHUNK):
                cells = X[start : start + _CHUNK].astype(np.float64)
                observed = ~np.isnan(cells)
                for k in range(K):
                    found = self._factors(params, k, cells, observed)
                    codes[start : start + _CHUNK, k] = found.mean
        if K == 1:
            return codes[:, 0].astype(X.dtype)
        codes *= resp[:, :, None]
        return np.hstack([codes.reshape(len(X), -1), resp]).astype(X.dtype)

    def _inverse_transform(self, Z):
        params = self._fitted_params()
        K, _, q = params.loadings.shape
        width = q if K == 1 else K * q + K
        if Z.ndim != 2 or Z.shape[1] != width:
            raise ValueError(
                f"Z must have shape (n_samples, {width}), as transform returns it for "
                f"{K} component(s) of {q} factor(s), got {Z.shape}."
            )
        resp = np.ones((len(Z), 1)) if K == 1 else Z[:, K * q :]
        codes = Z[:, : K * q].reshape(len(Z), K, q)
        noiseless = resp @ params.means
        return noiseless + np.einsum("nkq,kdq->nd", codes, params.loadings)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
