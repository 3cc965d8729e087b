"""Which columns make a row improbable."""

import numpy as np
from sklearn.utils import get_tags

from sklearn_gen._columns import TableSchema
from sklearn_gen._validation import chosen
from sklearn_gen.outlier._inner import log_density
from sklearn_gen.outlier._masking import missing_cells, without_columns


class ExplanationMixin:
    """Contributions of columns to the log density of a row."""

    def explain(self, X, *, reference=None):
        r"""Compute what each column adds to a row's log density.

        The contribution of column j is :math:`\log p(x_j \mid x_{-j}) = \log p(x) -
        \log p(x_{-j})`: the lower, the less the cell fits the rest of its row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN cells are not observed.
        reference : array-like of shape (n_reference, n_features) or None, default=None
            Rows, normally those of the fit, whose median contribution per column is
            subtracted. A density is per unit of its column (the same lengths score 6.9
            nats less in millimetres than in metres), so raw contributions compare rows
            but not columns; relative to a reference they compare both.

        Returns
        -------
        contributions : ndarray or DataFrame of shape (n_samples, n_features)
            In nats; a DataFrame with the same columns (and index) where X is one. 0.0
            for cells that aren't observed. Contributions needn't add up to log p(x):
            they do where columns are independent.

        Raises
        ------
        TypeError
            If the inner model doesn't allow NaN, by which a column is left out.
        """
        self._check_columns(X)
        model = chosen(self.estimator_)
        if hasattr(model, "steps"):  # transformers say themselves where NaN stops them
            model = model.steps[-1][1]
        if not get_tags(model).input_tags.allow_nan:
            raise TypeError(
                "explain needs a density that scores rows with cells left out, and "
                f"{model!r} doesn't allow NaN. Fit the detector "
                "with one that does: sklearn_gen.all_estimators('missing') lists them."
            )
        contributions = self._contributions(X)
        if reference is not None:
            self._check_columns(reference)
            usual = self._contributions(reference)
            seen = np.ma.masked_array(usual, mask=missing_cells(reference))
            median = np.ma.median(seen, axis=0).filled(0.0)
            contributions = np.where(
                missing_cells(X), contributions, contributions - median
            )
        container = TableSchema.from_data(X, np.zeros_like(contributions))
        return container.restore(contributions, like=X)

    def _contributions(self, X):
        density = self.estimator_
        whole = log_density(density, X)
        with np.errstate(invalid="ignore"):
            columns = [
                whole - log_density(density, rest) for rest in without_columns(X)
            ]
        contributions = np.column_stack(columns)
        # -inf less -inf: the row is impossible with or without that column.
        contributions[missing_cells(X) | np.isnan(contributions)] = 0.0
        return contributions
