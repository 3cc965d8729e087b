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
        n_components, n_features = params.means.shape
        # Stepwise EM has statistics per unit of weight.
        weight = self.prior_rows * stats.weight / self._rows_seen
        usual = np.diag(self._variances / n_components ** (2 / n_features))
        return gaussian.m_step(
            self._structure,
            stats,
            params.means,
            self._reg,
            self._ridge,
            (weight, usual),
        )

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
