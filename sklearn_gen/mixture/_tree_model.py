"""What a tree and a mixture of trees share: codes, EM, scores, draws, views."""

from functools import partial
from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._columns import UNSEEN_MASS, refuse_level
from sklearn_gen._compat import Interval
from sklearn_gen._components import draw_components
from sklearn_gen._em import EMModel
from sklearn_gen._validation import warn
from sklearn_gen.base import (
    ConditionalMixin,
    DegenerateDataWarning,
    InformationCriteriaMixin,
)
from sklearn_gen.mixture import _trees as trees
from sklearn_gen.mixture._fewer_columns import gaps_of_one_row, take_columns
from sklearn_gen.mixture._levels import Coding, decode, encode, learn_levels
from sklearn_gen.mixture._posterior import posterior_of_rows


class TreeModel(ConditionalMixin, InformationCriteriaMixin, EMModel):
    """A mixture of K trees; the children say what K is and how EM starts."""

    _base_measure = "counting"
    _mixed_columns = True
    _open_levels = True
    _parameter_constraints: ClassVar[dict] = {
        "smoothing": [Interval(Real, 0.0, None, closed="left")],
        "edge_penalty": [Interval(Real, 0.0, None, closed="left")],
        "max_levels": [Interval(Integral, 2, None, closed="left")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 0, None, closed="left")],
        "random_state": ["random_state", np.random.Generator],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
        "verbose_interval": [Interval(Integral, 1, None, closed="left")],
        "n_jobs": [Integral, None],
    }

    # -- codes ---------------------------------------------------------------------

    @property
    def _coding(self):
        return Coding(self.levels_, self._codes, self._shares)

    def _prepare(self, X, sample_weight, rng, first=True):
        goes_on = not first or (self.warm_start and hasattr(self, "converged_"))
        if goes_on:
            self._check_goes_on(X.shape[1])
        else:
            self._learn_levels(X, sample_weight)
            self._view = None
        weight = float(len(X) if sample_weight is None else sample_weight.sum())
        self._weight_seen = weight + (0.0 if first else self._weight_seen)
        return encode(X, self._coding).X

    def _learn_levels(self, X, sample_weight):
        declared = [
            None if names is None else np.arange(len(names), dtype=X.dtype)
            for names in self.schema_.categories
        ]
        coding, grouped = learn_levels(X, sample_weight, self.max_levels, declared)
        self.levels_, self._codes, self._shares = coding
        if grouped:
            labels = ", ".join(self.schema_.label(j) for j in grouped[:5])
            more = f" and {len(grouped) - 5} more" if len(grouped) > 5 else ""
            warn(
                f"There are more than max_levels={self.max_levels} levels in {labels}"
                f"{more}: they are grouped, and within a group levels keep their "
                "overall shares. For continuous columns take a model of densities, or "
                "bin them; for others raise max_levels.",
                DegenerateDataWarning,
            )

    def _check_goes_on(self, n_features):
        if self._view is not None:
            raise ValueError(
                "A marginal or conditional of a fitted model can't learn: fit a clone "
                "of it, or the model it was made from."
            )
        n_trees, n_columns = self._params_arrays()[1].shape
        if n_columns != n_features or n_trees % self._n_trees():
            raise ValueError(
                f"Can't go on from the last fit: it has {n_trees} trees of {n_columns} "
                f"columns, where {self._n_trees()} trees and {n_features} columns are "
                "asked for. Set the parameters back, or fit a clone of the model."
            )

    # -- EM --------------------------------------------------------------------------

    def _e_step(self, params):
        return partial(trees.suff_stats, params=params, first=self._coding.first)

    def _suff_stats(self, block, params):
        return trees.suff_stats(block, params, self._coding.first)

    def _m_step(self, stats, params):
        # partial_fit gives statistics per unit of weight
        unit = stats.weight / self._weight_seen
        return trees.m_step(
            stats, self._coding.first, self.smoothing, self.edge_penalty, unit
        )

    def _params_arrays(self):
        return self.weights_, self.parents_, self._order, self._tables, self._gains

    def _fitted_params(self):
        return trees.TreeParams(*self._params_arrays())

    def _n_parameters(self):
        coding = self._coding
        return trees.n_parameters(self._fitted_params(), coding.first) + coding.n_shares

    # -- scores ----------------------------------------------------------------------

    def _whole_rows(self, X):
        """Rows with all columns: of a view, those it lacks as the view has them."""
        if self._view is None:
            return X
        columns, row, _ = self._view
        rows = np.repeat(row[None].astype(X.dtype, copy=False), len(X), axis=0)
        rows[:, columns] = X
        return rows

    def _coded(self, X):
        return encode(self._whole_rows(X), self._coding)

    def _posterior(self, codes, with_resp):
        params, first = self._fitted_params(), self._coding.first

        def score(block):
            rows = trees.full_rows(block, codes.shape[1])
            return trees.posterior(rows, params, first, with_resp)

        K = len(params.weights)
        return posterior_of_rows(score, codes, K, self.n_jobs, with_resp)

    def _score_samples(self, X):
        coded = self._coded(X)
        log_prob, _ = self._posterior(coded.X, with_resp=False)
        # Apart from all else, each cell is of a level never seen with the same chance.
        log_prob += coded.log_share + coded.n_known * np.log1p(-UNSEEN_MASS)
        log_prob += coded.n_new * np.log(UNSEEN_MASS)
        return log_prob - (0.0 if self._view is None else self._view[2])

    # -- draws -----------------------------------------------------------------------

    def _sample(self, n_samples, rng):
        row = np.full((1, self.n_features_in_), np.nan)
        coded = self._coded(row).X
        _, resp = self._posterior(coded, with_resp=True)
        return self._draw(
            np.repeat(coded, n_samples, axis=0), np.repeat(resp, n_samples, axis=0), rng
        )

    def _sample_conditional(self, X, rng):
        coded = self._coded(X).X
        _, resp = self._posterior(coded, with_resp=True)
        return self._draw(coded, resp, rng)

    def _draw(self, coded, resp, rng):
        component = draw_components(resp, rng)
        coding = self._coding
        codes = trees.draw(coded, component, self._fitted_params(), coding.first, rng)
        values = decode(codes, coding, rng)
        return values if self._view is None else values[:, self._view[0]]

    def _given(self, conditions):
        given, stored = super()._given(conditions)
        codes = encode(self._whole_rows(given), self._coding).X[0]
        shown = np.arange(len(codes)) if self._view is None else self._view[0]
        columns = self.schema_.column_indices(list(conditions), "conditions")
        for j, value in zip(columns, conditions.values(), strict=True):
            if np.isnan(codes[shown[j]]) and not np.isnan(given[0, j]):
                levels = self.levels_[shown[j]]
                rows = np.full((len(levels), len(shown)), np.nan)
                rows[:, j] = levels
                known = np.asarray(self.schema_.restore(rows))[:, j].tolist()
                refuse_level(self.schema_.label(j), value, known)
        return given, stored

    # -- views -----------------------------------------------------------------------

    def marginal(self, columns):
        """Return the model of some columns.

        A tree with columns summed out is in general no tree: the derived model keeps
        all trees and takes the left-out columns as not observed. It scores and draws,
        but can't learn on.

        Parameters
        ----------
        columns : array-like of int, str or bool
            Indices or names, in the order wanted, or a mask.

        Returns
        -------
        model : object of the same class
            Fitted, of ``len(columns)`` features; what describes trees (``parents_``,
            ``levels_``) is of all columns.

        Raises
        ------
        ValueError
            If a column is unknown or named twice.
        """
        check_is_fitted(self)
        columns = self.schema_.column_indices(columns, "columns")
        hidden = self._whole_rows(np.full((1, self.n_features_in_), np.nan))[0]
        return self._derive(columns, hidden)

    def conditional(self, X):
        """Return the model of the NaN cells of one row given its other cells.

        Parameters
        ----------
        X : array-like of shape (1, n_features)
            One row with at least one NaN and one observed cell.

        Returns
        -------
        model : object of the same class
            Fitted, over the missing columns in their order; see `marginal`.

        Raises
        ------
        ValueError
            If X isn't one row, or nothing or everything is missing.
        """
        rows = self._check_scored_rows(X)
        missing = gaps_of_one_row(rows)
        return self._derive(np.flatnonzero(missing), self._whole_rows(rows)[0])

    def _derive(self, columns, row):
        derived = clone(self)
        derived.__dict__.update(self.__dict__)
        before = 0.0 if self._view is None else self._view[2]
        rows = np.full((1, self.n_features_in_), np.nan)
        shown = np.arange(len(row)) if self._view is None else self._view[0]
        rows[0] = row[shown]
        log_given = before + float(self._score_samples(rows)[0])
        derived._view = (shown[columns], row, log_given)
        take_columns(derived, self, columns)
        return derived
