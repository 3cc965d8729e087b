"""Which columns make a row improbable."""

import numpy as np

from sklearn_gen._columns import TableSchema
from sklearn_gen._inner._density import log_density, refuse_without_marginals
from sklearn_gen._inner._gaps import missing_cells
from sklearn_gen._inner._rows import Rows, count_rows
from sklearn_gen._inner._sequences import columns_of_ids, some_rows
from sklearn_gen._validation import chosen
from sklearn_gen.outlier._masking import without_columns

# Enough for a median; flexible densities take a second per thousand rows.
_REFERENCE_ROWS = 2000


class ExplanationMixin:
    """Contributions of columns to the log density of a row."""

    def explain(self, X, *, reference=None, pairs=False):
        r"""Compute what each column adds to a row's log density.

        The contribution of column j is :math:`\log p(x_j \mid x_{-j}) = \log p(x) -
        \log p(x_{-j})`: the lower, the less the cell fits the rest of its row. That of
        a pair is :math:`\log p(x_i, x_j \mid x_{-ij}) = \log p(x) - \log p(x_{-ij})`:
        low also where two cells agree with each other but not with the rest.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; NaN cells are not observed.
        reference : array-like of shape (n_reference, n_features) or None, default=None
            Rows whose median contribution per column (or pair) is subtracted (of more
            than 2,000 an even sample): those of the fit or, of a density that learns
            single rows, usual rows that it hasn't seen. A density is per unit of its
            column (the same lengths score 6.9 nats less in millimetres than in metres),
            so raw contributions compare rows but not columns; relative to a reference
            they compare both.
        pairs : bool, default=False
            Whether to give the contributions of pairs of columns as well.

        Returns
        -------
        contributions : ndarray or DataFrame of shape (n_samples, n_features)
            In nats; a DataFrame with the same columns (and index) where X is one. 0.0
            for cells that aren't observed. Contributions needn't add up to log p(x):
            they do where columns are independent. With `pairs`, always an ndarray C of
            shape (n_samples, n_features, n_features), symmetric, with the single
            columns on its diagonal; a pair of which one cell is observed contributes
            what that cell does.

        Raises
        ------
        TypeError
            If the inner model doesn't allow NaN, by which a column is left out.

        See Also
        --------
        sklearn_gen.display.ExplanationDisplay : Draws contributions.

        Notes
        -----
        It is the density that is explained, whatever score the threshold is on.

        Exact for an exact density. Where the inner model has
        ``score_cells(X, pairs=False)``, as GaussianMixture and a pipeline around it
        do, that is used: one pass. Otherwise one scoring pass per column, or pair.

        The interaction ``C[:, i, j] - C[:, i, i] - C[:, j, j]`` has no unit; it is
        minus the pointwise mutual information of the two cells given the rest. About
        zero, the pair says no more than its cells do. Negative, the two vouch for each
        other and are wrong together, which neither shows alone. Positive, they
        contradict each other, and both contributions count the same contradiction.
        """
        self._check_columns(X)
        contributions = self._contributions(X, pairs)
        if reference is not None:
            self._check_columns(reference)
            some = some_rows(self.estimator_, count_rows(reference), _REFERENCE_ROWS)
            reference = Rows(reference, None, None).select(some).X
            usual = np.ma.masked_array(
                self._contributions(reference, pairs),
                mask=~_observed(reference, pairs),
            )
            median = np.ma.median(usual, axis=0).filled(0.0)
            contributions -= _where_observed(median, X, pairs)
        if pairs:
            return contributions
        container = TableSchema.from_data(X, np.zeros_like(contributions))
        return container.restore(contributions, like=X)

    def _contributions(self, X, pairs):
        density = chosen(self.estimator_)
        if hasattr(density, "score_cells"):
            return np.array(density.score_cells(X, pairs=pairs), dtype=np.float64)
        refuse_without_marginals(density, "explain")
        whole = log_density(density, X)
        d = self.n_features_in_
        contributions = np.empty((len(whole), d, d) if pairs else (len(whole), d))
        ids = columns_of_ids(density, X)
        with np.errstate(invalid="ignore"):
            for i, rest in enumerate(without_columns(X, ids)):
                if not pairs:
                    contributions[:, i] = whole - log_density(density, rest)
                    continue
                for j, less in enumerate(without_columns(rest, ids)):
                    if j <= i:
                        both = whole - log_density(density, less)
                        contributions[:, i, j] = contributions[:, j, i] = both
        # -inf less -inf: the row is impossible with or without those columns.
        contributions[np.isnan(contributions)] = 0.0
        return contributions


def _observed(X, pairs):
    """Say which cells, or pairs of cells, are observed."""
    observed = ~missing_cells(X)
    return observed[:, :, None] & observed[:, None] if pairs else observed


def _where_observed(median, X, pairs):
    """Give each row the medians of what it has; of half a pair, the single cell's."""
    observed = _observed(X, False)
    if not pairs:
        return np.where(observed, median, 0.0)
    single = np.where(observed, np.diagonal(median), 0.0)
    return np.where(_observed(X, True), median, single[:, :, None] + single[:, None])
