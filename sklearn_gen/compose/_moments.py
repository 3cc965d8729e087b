"""Conditional means of a pipeline of scalers: only straight lines keep expectations."""

import numpy as np
from sklearn.utils.metaestimators import available_if

from sklearn_gen._columns import TableSchema
from sklearn_gen.compose._composite import pull
from sklearn_gen.compose._linear import SCALERS, coefficients
from sklearn_gen.compose._steps import PipelineSteps
from sklearn_gen.compose._tables import as_floats


def _scales_and_has(name):
    """Make a method available where the model has it and all else scales columns."""

    def check(self):
        for step, transformer in self.steps[:-1]:
            if transformer not in (None, "passthrough") and not isinstance(
                transformer, SCALERS
            ):
                raise AttributeError(
                    f"{type(self).__name__} has no {name}: step {step!r} "
                    f"({type(transformer).__name__}) is no scaler, and the mean of "
                    "what it makes isn't what it makes of the mean."
                )
        getattr(self._model, name)
        return True

    return check


class PipelineMoments(PipelineSteps):
    """Expected cells, and the conditional of a column, in units of the input."""

    @available_if(_scales_and_has("conditional_mean"))
    def conditional_mean(self, X):
        """Replace every NaN of X by its expectation given the row's other cells.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            NaN is not observed.

        Returns
        -------
        X_filled : ndarray or DataFrame of shape (n_samples, n_features)
            In the container of `X`; observed cells are untouched.
        """
        Z = self._push_inside(X)
        filled = as_floats(X, copy=True)
        missing = np.isnan(filled)
        if missing.any():
            with self._naming_model():
                Z = self._model.conditional_mean(Z)
            filled[missing] = pull(self.steps[:-1], Z)[missing]
        return self._restore(filled, like=X)

    @available_if(_scales_and_has("conditional_column"))
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
            mixture of normals per row, in units of the input.
        """
        Z = self._push_inside(X)
        (index,) = self._column_index(X, column)
        with self._naming_model():
            conditional = self._model.conditional_column(Z, index)
        slope, intercept = 1.0, 0.0
        for _, scaler in self.steps[:-1]:
            if scaler not in (None, "passthrough"):
                a, b = coefficients(scaler)
                slope, intercept = slope * a[index], intercept * a[index] + b[index]
        return conditional._replace(
            means=(conditional.means - intercept) / slope,
            deviations=conditional.deviations / slope,
        )

    def _column_index(self, X, column):
        schema = getattr(self, "schema_", None)
        if schema is None:  # put together from fitted steps
            schema = TableSchema.from_data(X, as_floats(X))
        return schema.column_indices([column], "column")
