"""Scores and draws of a variational posterior: those of its predictive density."""

from sklearn.utils.validation import check_is_fitted

from sklearn_gen._gaussian import variational
from sklearn_gen.mixture._conditional_moments import ConditionalMeans
from sklearn_gen.mixture._student_t_mixture import StudentTMixture


class PredictiveDensity(ConditionalMeans):
    """A mixture whose density is a mixture of t distributions."""

    def predictive(self):
        """Return the density that `score_samples` and `sample` are of.

        Returns
        -------
        mixture : StudentTMixture
            Fitted. Its ``covariance_type`` is 'full' where this one's is 'tied': scale
            matrices depend on how certain each mean is.
        """
        check_is_fitted(self)
        tied = self.covariance_type == "tied"
        mixture = StudentTMixture(
            covariance_type="full" if tied else self.covariance_type,
            reg_covar=self.reg_covar,
            random_state=self.random_state,
            n_jobs=self.n_jobs,
        )
        for name in ("schema_", "n_features_in_", "feature_names_in_"):
            if hasattr(self, name):
                setattr(mixture, name, getattr(self, name))
        params = variational.predictive(self._structure, self._fitted_params())
        return mixture._with_parameters(params, self._dtype)

    def marginal(self, columns):
        """Return the predictive density of some columns.

        Parameters
        ----------
        columns : array-like of int, str or bool
            Indices or names, in the order wanted, or a mask.

        Returns
        -------
        mixture : StudentTMixture
            Fitted, of ``len(columns)`` features.

        Raises
        ------
        ValueError
            If a column is unknown or named twice.
        """
        return self.predictive().marginal(columns)

    def conditional(self, X):
        """Return the predictive density of a row's NaN cells given its other cells.

        Parameters
        ----------
        X : array-like of shape (1, n_features)
            One row with at least one NaN and one observed cell.

        Returns
        -------
        mixture : StudentTMixture
            Fitted, over the missing columns in their order.

        Raises
        ------
        ValueError
            If X isn't one row, or nothing or everything is missing.
        """
        return self.predictive().conditional(X)

    def _score_samples(self, X):
        return self.predictive()._score_samples(X)

    def _sample(self, n_samples, rng):
        return self.predictive()._sample(n_samples, rng)

    def _expected_cells(self, X):
        return self.predictive()._expected_cells(X)

    def _sample_conditional(self, X, rng):
        return self.predictive()._sample_conditional(X, rng)
