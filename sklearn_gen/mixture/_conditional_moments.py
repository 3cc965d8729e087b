"""What mixtures expect of cells that are missing, in closed form."""

from typing import NamedTuple

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import one_blas_thread


class ColumnConditional(NamedTuple):
    """Mixtures of normals, one for each row: a column given the rest of the row.

    Attributes
    ----------
    weights : ndarray of shape (n_samples, n_components)
        Rows sum to one.
    means : ndarray of shape (n_samples, n_components)
        In units of the column.
    deviations : ndarray of shape (n_samples, n_components)
        Standard deviations, in units of the column.
    """

    weights: np.ndarray
    means: np.ndarray
    deviations: np.ndarray


class ConditionalMeans:
    """Models that know E[missing | observed] without draws."""

    def conditional_mean(self, X):
        """Replace every NaN of X by its expectation given the row's other cells.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            NaN is not observed.

        Returns
        -------
        X_filled : ndarray or DataFrame of shape (n_samples, n_features)
            In the container of `X`; observed cells are untouched. A row too far out
            for any component gets the means of all.

        See Also
        --------
        conditional : The whole distribution, for one row.

        Examples
        --------
        >>> import numpy as np
        >>> from sklearn_gen.mixture import GaussianMixture
        >>> mixture = GaussianMixture.from_parameters(
        ...     [1.0], [[0.0, 10.0]], [[[1.0, 0.5], [0.5, 1.0]]]
        ... )
        >>> mixture.conditional_mean([[2.0, np.nan], [np.nan, np.nan]])
        array([[ 2., 11.],
               [ 0., 10.]])
        """
        rows = self._check_scored_rows(X)
        filled, missing = rows.copy(), np.isnan(rows)
        incomplete = missing.any(axis=1)
        if incomplete.any():
            expected = self._expected_cells(rows[incomplete])
            filled[missing] = expected[missing[incomplete]]
        return self.schema_.restore(filled, like=X)


class ConditionalMoments(ConditionalMeans):
    """Conditional means of all missing cells, and the conditional of one column."""

    def _expected_cells(self, X):
        center = gaussian.fill_means(self._structure, self._fitted_params(), X)
        if self._noise is not None:
            share = self._predict_proba(X)[:, -1:]
            center = share * self._noise.means() + (1.0 - share) * center
        return center

    def conditional_column(self, X, column):
        """Return the distribution of one column given the other observed cells.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; what they hold in `column` is not looked at.
        column : int or str
            Index or name.

        Returns
        -------
        conditional : ColumnConditional
            Weights, means and standard deviations (n_samples, n_components) of a
            mixture of normals per row.

        Raises
        ------
        ValueError
            If the column is unknown, or the mixture has uniform noise.
        """
        if self._noise is not None:
            raise ValueError(
                "conditional_column gives mixtures of normals, and this one has "
                "uniform noise besides. Use conditional, row by row, or fit with "
                "noise=None."
            )
        rows = self._check_scored_rows(X).astype(np.float64)  # a copy
        (index,) = self.schema_.column_indices([column], "column")
        rows[:, index] = np.nan
        weights = self._predict_proba(rows)
        with one_blas_thread():
            means, variances = gaussian.column_moments(
                self._structure, self._fitted_params(), rows, index
            )
        return ColumnConditional(weights, means, np.sqrt(np.maximum(variances, 0.0)))
