"""Student t mixtures without a fit: of given parameters, marginals, conditionals."""

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._columns import TableSchema
from sklearn_gen._gaussian import student
from sklearn_gen.mixture._fewer_columns import (
    gaps_of_one_row,
    take_columns,
    take_convergence,
)
from sklearn_gen.mixture._initial import given_parameters


class DerivedStudentMixtures:
    """Mixtures of known parameters, marginals and conditionals."""

    @classmethod
    def from_parameters(
        cls, weights, means, scales, dof, *, covariance_type="full", dtype=np.float64
    ):
        """Make a fitted mixture of known parameters.

        Parameters
        ----------
        weights : array-like of shape (n_components,)
            Non-negative, with sum 1.
        means : array-like of shape (n_components, n_features)
            Centers.
        scales : array-like
            Scale matrices: (K, D, D) full, (D, D) tied, (K, D) diag, (K,) spherical;
            positive definite.
        dof : float or array-like of shape (n_components,)
            Degrees of freedom, above 0.
        covariance_type : {'full', 'tied', 'diag', 'spherical'}, default='full'
            Structure of `scales`.
        dtype : dtype, default=float64
            Precision in which it draws, and keeps its attributes: float64 or float32.

        Returns
        -------
        mixture : StudentTMixture
            Fitted.

        Raises
        ------
        ValueError
            If shapes don't fit each other, or a value is out of its range.

        Examples
        --------
        >>> from sklearn_gen.mixture import StudentTMixture
        >>> cauchy = StudentTMixture.from_parameters([1], [[0]], [[[1]]], dof=1)
        >>> cauchy.score_samples([[0.0], [1.0]]).round(4)  # -log pi, -log 2 pi
        array([-1.1447, -1.8379])
        """
        if np.dtype(dtype) not in (np.float64, np.float32):
            raise ValueError(f"dtype must be float64 or float32, got {dtype!r}.")
        normal = given_parameters(weights, means, scales, covariance_type)
        degrees = np.asarray(dof, dtype=np.float64)
        if degrees.shape not in ((), normal.weights.shape) or not (
            np.isfinite(degrees).all() and (degrees > 0).all()
        ):
            raise ValueError(
                f"dof must be a finite number above 0, or one for each of the "
                f"{len(normal.weights)} components, got {dof!r}."
            )
        degrees = np.broadcast_to(degrees, normal.weights.shape)
        params = student.StudentParams(*normal, degrees)
        mixture = cls(covariance_type=covariance_type)
        nothing = params.means[:0].astype(dtype)
        mixture.schema_ = TableSchema.from_data(nothing, nothing)
        mixture.n_features_in_ = params.means.shape[1]
        return mixture._with_parameters(params, np.dtype(dtype).name)

    def _with_parameters(self, params, dtype):
        """Set what fit would; the schema is the caller's."""
        self.n_components = len(params.weights)
        self._dtype = dtype
        mean = params.weights @ params.means
        within = self._structure.variances(params.covariances, *params.means.shape)
        spread = (params.means - mean) ** 2
        self._variances = params.weights @ (spread + within)
        for name, value in self._fitted_attributes(params).items():
            setattr(self, name, value)
        self.converged_, self.n_iter_ = True, 0
        self.lower_bound_, self.lower_bounds_ = -np.inf, []
        return self

    def marginal(self, columns):
        """Return the mixture of some columns.

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
        check_is_fitted(self)
        columns = self.schema_.column_indices(columns, "columns")
        params = gaussian.marginal(self._structure, self._fitted_params(), columns)
        return self._derive(params, columns)

    def conditional(self, X):
        """Return the mixture of the NaN cells of one row given its other cells.

        Parameters
        ----------
        X : array-like of shape (1, n_features)
            One row with at least one NaN and one observed cell.

        Returns
        -------
        mixture : StudentTMixture
            Fitted, over the missing columns in their order. Its ``covariance_type`` is
            'full' where this one's is 'tied': the observed cells widen each component
            by a factor of its own.

        Raises
        ------
        ValueError
            If X isn't one row, or nothing or everything is missing.
        """
        rows = self._check_scored_rows(X)
        missing = gaps_of_one_row(rows)
        row = rows.astype(np.float64)
        weights, means, scales, dof = student.conditional(
            self._structure, self._fitted_params(), row[0], self._predict_proba(row)[0]
        )
        kind = "full" if self.covariance_type == "tied" else self.covariance_type
        estimate = gaussian.definite(gaussian.STRUCTURES[kind], scales, *means.shape)
        params = student.StudentParams(weights, means, *estimate, dof)
        return self._derive(params, np.flatnonzero(missing), kind)

    def _derive(self, params, columns, covariance_type=None):
        derived = clone(self).set_params(
            covariance_type=covariance_type or self.covariance_type,
            weights_init=None,
            means_init=None,
            precisions_init=None,
            dequantize=None,
        )
        derived._with_parameters(params, self._dtype)
        derived._variances = self._variances[columns]
        take_columns(derived, self, columns)
        take_convergence(derived, self)
        return derived
