"""Priors of a Bayesian Gaussian mixture: given, or from the rows."""

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._column_moments import column_means
from sklearn_gen._gaussian import variational
from sklearn_gen.mixture._initial import as_array, check_definite


class WishartPriors:
    """Checks priors and keeps them as fitted attributes."""

    @property
    def _prior(self):
        return variational.NormalWishartPrior(
            self.weight_concentration_prior_,
            self.weight_concentration_prior_type == "dirichlet_process",
            self.mean_precision_prior_,
            self.mean_prior_,
            self.degrees_of_freedom_prior_,
            np.asarray(self.covariance_prior_),
        )

    def _set_priors(self, X, sample_weight):
        D = X.shape[1]
        concentration, precision = (
            self.weight_concentration_prior,
            self.mean_precision_prior,
        )
        dof = self.degrees_of_freedom_prior
        if dof is not None and dof <= D - 1:
            raise ValueError(
                f"degrees_of_freedom_prior must exceed n_features - 1 = {D - 1}, got "
                f"{dof:g}: with fewer the prior isn't a distribution."
            )
        self.weight_concentration_prior_ = concentration or 1.0 / self.n_components
        self.mean_precision_prior_ = precision or 1.0
        self.degrees_of_freedom_prior_ = dof or float(D)
        mean = as_array(self.mean_prior, "mean_prior", (D,))
        usual = column_means(X, sample_weight)
        self.mean_prior_ = usual if mean is None else mean
        correlated = self._structure.correlated
        shape = (D, D) if correlated else (D,)
        shape = () if self.covariance_type == "spherical" else shape
        covariance = as_array(self.covariance_prior, "covariance_prior", shape)
        if covariance is None:
            covariance = self._usual_covariance(X, sample_weight, usual)
        else:
            check_definite(covariance, correlated, "covariance_prior")
        self.covariance_prior_ = covariance[()]

    def _usual_covariance(self, X, sample_weight, means):
        """Unbiased covariance of the rows; missing cells are taken to be independent.

        Variances are those of the observed cells, and correlations those of rows whose
        missing cells are the means: so the matrix is positive semidefinite.
        """
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        missing = np.isnan(X)
        if missing.any():
            Z = np.where(missing, 0.0, X - means)
            filled = np.average(Z**2, axis=0, weights=weight)
            X = Z * np.sqrt(self._variances / np.where(filled > 0, filled, 1.0))
        structure = self._structure
        stats, centers = gaussian.initial_stats(structure, X, weight[:, None])
        usual = structure.covariance(stats.s2, np.zeros_like(centers), stats.s0)
        total = float(weight.sum(dtype=np.float64))
        usual = usual * (total / (total - 1.0) if total > 1.0 else 1.0)
        return usual if self.covariance_type == "tied" else usual[0]
