"""Gaussian emissions with a Normal-Wishart posterior, and what it predicts."""

import numpy as np

from sklearn_gen._gaussian import STRUCTURES, is_shared, student
from sklearn_gen.hmm._emissions_gaussian import GaussianEmission
from sklearn_gen.hmm._emissions_student import StudentEmission


class NormalWishartEmission(GaussianEmission):
    """Gaussian states with a posterior: expected log densities, predictive ones.

    Parameters
    ----------
    structure : Full, Diag or a class derived from them
        Of the covariances: a value of ``_gaussian.STRUCTURES``.

    Attributes
    ----------
    predicted : StudentEmission
        The t distributions of new rows. Where covariances are shared, their scale
        matrices are one per state: the more certain a mean, the smaller.
    """

    def __init__(self, structure):
        super().__init__(structure)
        self.predicted = StudentEmission(
            STRUCTURES["full"] if is_shared(structure) else structure
        )

    def log_prob(self, X, params):
        """Log density of new rows, or its expected logarithm under the posterior.

        Parameters
        ----------
        X : ndarray of shape (n, D)
            NaN means not observed.
        params : StudentParams or VariationalParams
            The predictive density, or the posterior.

        Returns
        -------
        log_prob : ndarray of shape (n, K)
        """
        if isinstance(params, student.StudentParams):
            return self.predicted.log_prob(X, params)
        observed = ~np.isnan(X).all(axis=1)
        found = super().log_prob(X, params)
        return found + observed[:, None] * params.log_weights
