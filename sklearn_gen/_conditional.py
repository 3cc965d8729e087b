"""Draws of what is missing given what is observed, for every model alike."""

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._columns import read_conditions
from sklearn_gen._validation import check_n_samples


class ConditionalMixin:
    """Models that draw missing cells given observed ones, without rejection."""

    _allow_nan = True

    @property
    def conditional_kind(self):
        """Nature of `sample_conditional`: 'exact' or 'estimate'."""
        return "exact"

    def sample(self, n_samples=1, *, conditions=None, random_state=None):
        """Draw rows from p(x), or given the values of some columns.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows, at least 1.
        conditions : dict or None, default=None
            ``{column: value}``, columns by name or index: these have exactly these
            values in every row, also values that fit never saw (levels aside); the
            others are drawn given them, by `sample_conditional`. Nothing is rejected,
            so rare values take no longer.
        random_state : None, int, RandomState or Generator, default=None
            None uses the estimator's own `random_state`: an int there repeats its
            draws at every call.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            In the container that `fit` saw, with the same columns.

        Raises
        ------
        ValueError
            If `n_samples` is not a positive integer, or `conditions` names an unknown
            column, a value that its column can't have, or what no row can have.
        TypeError
            If `conditions` is no dict.
        """
        if conditions is None or (isinstance(conditions, dict) and not conditions):
            return super().sample(n_samples, random_state=random_state)
        check_is_fitted(self)
        n_samples = check_n_samples(n_samples)
        given, stored = self._given(conditions)
        rng = self._draw_generator(random_state)
        drawn = self._complete(np.repeat(given, n_samples, axis=0), rng)
        return self.schema_.restore(drawn, rng=rng, stored=stored)

    def sample_conditional(self, X, *, random_state=None):
        """Replace every NaN of X by a draw from p(missing | observed).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            NaN means "draw this"; observed cells are returned untouched.
        random_state : None, int, RandomState or Generator, default=None
            None uses the estimator's own `random_state`.

        Returns
        -------
        X_drawn : ndarray or DataFrame of shape (n_samples, n_features)
            In the container of `X`.
        """
        rows, rng = self._check_scored_rows(X), None
        if np.isnan(rows).any():
            rng = self._draw_generator(random_state)
        return self.schema_.restore(self._complete(rows, rng), like=X, rng=rng)

    def _complete(self, rows, rng):
        """Draw the cells that are NaN."""
        missing, drawn = np.isnan(rows), rows.copy()
        if missing.any():
            drawn[missing] = self._sample_conditional(rows, rng)[missing]
        return drawn

    def _given(self, conditions):
        """One row, NaN where no condition is, and the values that tables hold."""
        encoded, stored = read_conditions(self.schema_, conditions)
        given = self._coerce(encoded)
        if self._score_samples(given)[0] == -np.inf:
            raise ValueError(
                f"conditions={conditions!r}: no row has these values; "
                f"{self._why_impossible(given)}. Leave one out."
            )
        same = (given == encoded)[0] | np.isnan(encoded[0])
        return given, {j: value for j, value in stored.items() if same[j]}

    def _coerce(self, rows):
        """Make of cells what the model takes them for."""
        return rows

    def _why_impossible(self, row):
        """What is wrong with a row of density zero."""
        return "their density is zero"
