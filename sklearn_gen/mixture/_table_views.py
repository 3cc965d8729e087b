"""What a fitted mixture of tables gives beside scores: draws on conditions, views."""

from copy import copy

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._validation import check_n_samples
from sklearn_gen.mixture._table_expectation import expected_cells


class TableViews:
    """Draws given values of columns, expected cells, mixtures of some columns."""

    def sample(
        self,
        n_samples=1,
        *,
        conditions=None,
        reproduce_missing=False,
        random_state=None,
    ):
        """Draw rows from p(x), or given the values of some columns.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows, at least 1.
        conditions : dict or None, default=None
            ``{column: value}``: these columns have these values in every row, the
            others are drawn given them. Nothing is rejected: it takes no longer.
        reproduce_missing : bool, default=False
            Whether cells are missing as they were in fit: together, and depending on
            the row's component. Otherwise rows are complete.
        random_state : None, int, RandomState or Generator, default=None
            None uses the estimator's own `random_state`: an int there repeats its
            draws at every call.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            In the container and dtypes that `fit` saw.

        Raises
        ------
        ValueError
            If `n_samples` is not a positive integer, or `conditions` names an unknown
            column, or what no row can have.
        TypeError
            If `conditions` is no dict.
        """
        check_is_fitted(self)
        n_samples = check_n_samples(n_samples)
        rng, schema = self._draw_generator(random_state), self.schema_
        if conditions:
            given = np.tile(self._given(conditions), (n_samples, 1))
            component = self._components_of(given, rng)
            X = self._columns.draw(self._params, component, rng, given)
            X = np.where(np.isnan(given), X, given)
            # what is asked for may lie beyond the bounds seen
            asked = np.flatnonzero(~np.isnan(given[0]))
            widths = {j: schema.columns[j].resolution for j in asked}
            schema = schema.without_clipping(widths)
        else:
            X, component = self._draw(n_samples, rng)
        if reproduce_missing:
            hidden = self._columns.hidden(self._params, component, rng)
            if conditions:
                hidden &= np.isnan(given)
            X = np.where(hidden, np.nan, X)
        return schema.restore(X, rng=rng)

    def _given(self, conditions):
        """One encoded row, NaN where no condition is."""
        if not isinstance(conditions, dict):
            raise TypeError(
                "conditions must be a dict {column: value}, got "
                f"{type(conditions).__name__}."
            )
        columns = self.schema_.column_indices(list(conditions), "conditions")
        row = np.full((1, len(self.schema_.kinds)), None, dtype=object)
        for j, value in zip(columns, conditions.values(), strict=True):
            row[0, j] = value
        given = self._coerce(self.schema_.encode(row))
        for j in columns:
            levels = self.schema_.categories[j]
            if levels is not None and given[0, j] == len(levels):
                known = ", ".join(map(repr, levels[:9])) + ", ..." * (len(levels) > 9)
                raise ValueError(
                    f"conditions: {self.schema_.label(j)} never saw {row[0, j]!r} in "
                    f"fit. Its levels are {known}."
                )
        if self._score_samples(given)[0] == -np.inf:
            broken = self._columns.violated(given)
            raise ValueError(
                f"conditions={conditions!r}: no row has these values; they violate "
                f"{broken or 'what the families allow'}. Leave one out."
            )
        return given

    def _coerce(self, rows):
        """Make the families' values of encoded cells."""
        return rows

    def conditional_mean(self, X):
        """Replace every missing cell by its expectation given the row's other cells.

        Cells of categories, booleans and dates get their most probable value instead.
        Constraints hold in what is filled.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Missing cells are not observed.

        Returns
        -------
        X_filled : ndarray or DataFrame of shape (n_samples, n_features)
            In the container of `X`; observed cells are untouched.
        """
        rows = self._check_scored_rows(X)
        filled = expected_cells(
            self._columns, self._params, rows, self._predict_proba(rows), by_mean=True
        )
        return self.schema_.fill(X, np.where(np.isnan(rows), filled, rows))

    def conditional_mode(self, X):
        """Replace every missing cell by its most probable value given the others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Missing cells are not observed.

        Returns
        -------
        X_filled : ndarray or DataFrame of shape (n_samples, n_features)
            In the container of `X`; observed cells are untouched. Each cell is on its
            own: two modes need not be likely together.
        """
        rows = self._check_scored_rows(X)
        resp = self._predict_proba(rows)
        filled = expected_cells(self._columns, self._params, rows, resp, by_mean=False)
        return self.schema_.fill(X, np.where(np.isnan(rows), filled, rows))

    def marginal(self, columns):
        """Return the mixture of some columns.

        Parameters
        ----------
        columns : array-like of int, str or bool
            Indices or names, in the order wanted, or a mask.

        Returns
        -------
        mixture : TableMixture
            Fitted, of ``len(columns)`` columns.

        Raises
        ------
        ValueError
            If a column is unknown or named twice.
        """
        check_is_fitted(self)
        chosen = self.schema_.column_indices(columns, "columns")
        derived = copy(self)
        derived._columns = self._columns.select(chosen)
        derived.schema_ = self.schema_.select(chosen)
        derived.n_features_in_ = len(chosen)
        names = self.schema_.names or range(len(self.schema_.kinds))
        own = derived.schema_.names or range(len(chosen))
        for attribute in ("families_", "base_measure_"):
            of_all = getattr(self, attribute)
            of_own = {a: of_all[names[j]] for a, j in zip(own, chosen, strict=True)}
            setattr(derived, attribute, of_own)
        derived._running = None
        if hasattr(self, "feature_names_in_"):
            derived.feature_names_in_ = self.feature_names_in_[chosen]
        return derived
