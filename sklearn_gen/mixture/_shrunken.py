"""Gaussian mixture whose covariances are drawn towards a diagonal one."""

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen.mixture._gaussian_mixture import GaussianMixture


class ShrunkenGaussianMixture(GaussianMixture):
    """Member of an ensemble: maximum a posteriori instead of maximum likelihood.

    The inverse-Wishart prior of Fraley & Raftery (2007, doi:10.1007/s00357-007-0004-5):
    it counts as `prior_rows` rows per component whose covariance is diagonal, with the
    variances of the columns divided by K^(2/D). So a component of a few rows keeps a
    volume. It says nothing of repeated values and convergence: the ensemble does.
    """

    prior_rows = 0.0
    _bounds_repeats = True

    def _prepare(self, X, sample_weight, rng, first=True):
        X = super()._prepare(X, sample_weight, rng, first)
        total = len(X) if sample_weight is None else sample_weight.sum()
        self._rows_seen = total if first else self._rows_seen + total
        return X

    def _m_step(self, stats, params):
        likely = super()._m_step(stats, params)
        n_components, n_features = likely.means.shape
        # Stepwise EM has statistics per unit of weight.
        prior = self.prior_rows * stats.weight / self._rows_seen
        prior_covariance = np.diag(self._variances / n_components ** (2 / n_features))
        rows = stats.s0[:, None, None] + np.finfo(float).tiny
        covariances = rows * likely.covariances + prior * prior_covariance
        covariances /= rows + prior
        factors = self._structure.cholesky(covariances, self._ridge)
        return gaussian.GaussianParams(likely.weights, likely.means, *factors)

    def largest_components(self, kept_weight):
        """Parameters of the fewest components that have `kept_weight` together."""
        params = self._fitted_params()
        order = np.argsort(-params.weights, kind="stable")
        cumulated = np.cumsum(params.weights[order])
        slack = 1e-9  # weights are quotients of sums
        kept = order[: 1 + np.searchsorted(cumulated, kept_weight - slack)]
        weights = params.weights[kept] / params.weights[kept].sum()
        return params._replace(
            weights=weights,
            means=params.means[kept],
            covariances=params.covariances[kept],
            precisions_cholesky=params.precisions_cholesky[kept],
        )

    def _warn_of_scale(self):
        """Regularisation is meant."""

    def _warn_of_degeneracy(self, params):
        """What the data left undetermined, the prior gives."""

    def _warn_unless_converged(self, result):
        """An ensemble of unfinished members is as good."""
