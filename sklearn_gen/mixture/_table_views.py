"""What a fitted mixture of tables gives beside scores: draws on conditions, views."""

from copy import copy

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._validation import check_n_samples
from sklearn_gen.mixture._table_expectation import expected_cells

# Draws that don't meet conditions are drawn again so often: of rows that exist next to
# none need it.
_TRIES = 20


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
            ``{column: value}``: these columns have exactly these values in every row,
            also values that fit never saw (levels aside); the others are drawn given
            them. It takes no longer. Dates may be text, '2026-01-31'.
        reproduce_missing : bool, default=False
            Whether cells are missing as they were in fit: together, and depending on
            the row's component; identifiers as often, whatever else is missing.
            Otherwise rows are complete.
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
        rng = self._draw_generator(random_state)
        given, stored = None, None
        if conditions is not None and conditions != {}:
            given, stored = self._given(conditions)
            X, component = self._draw_given(given, conditions, n_samples, rng)
        else:
            X, component = self._draw(n_samples, rng)
        if reproduce_missing:
            hidden = self._columns.hidden(self._params, component, rng)
            if given is not None:
                hidden &= np.isnan(given)
            X = np.where(hidden, np.nan, X)
        return self.schema_.restore(X, rng=rng, stored=stored, gaps=reproduce_missing)

    def _draw_given(self, given, conditions, n_samples, rng):
        """Draw rows given one encoded row, and their components."""
        rows = np.tile(given, (n_samples, 1))
        asked = np.flatnonzero(~np.isnan(given[0]))
        component = self._components_of(rows, rng)
        X = self._columns.draw(self._params, component, rng, rows)
        # Columns that follow from others may come out otherwise: within their limits
        # and on their grids these can't make up what is asked for.
        for _ in range(_TRIES):
            near = np.isclose(X[:, asked], given[:, asked], rtol=1e-9, atol=1e-9)
            other = np.flatnonzero(~near.all(axis=1))
            if not len(other):
                return np.where(np.isnan(given), X, given), component
            component[other] = self._components_of(rows[other], rng)
            X[other] = self._columns.draw(
                self._params, component[other], rng, rows[other]
            )
        why = self._says_otherwise(asked, asked[~near.all(axis=0)])
        raise ValueError(
            f"conditions={conditions!r}: no row has these values, or next to none: "
            f"{why}. Leave one out."
        )

    def _says_otherwise(self, asked, different):
        """Say why columns come out different from what is asked for."""
        for columns in self._columns.twins_of_table():
            if columns[0] in asked and columns[1] in different:
                leader, follower = map(self.schema_.label, columns)
                return (
                    f"{follower} says the same as {leader}, in fit each value of one "
                    "came with one value of the other"
                )
        return (
            "columns that a constraint ties to them would leave the values they can "
            "have"
        )

    def _why_impossible(self, row):
        broken = self._columns.violated(row)
        return f"they violate {broken or 'what the families allow'}"

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
