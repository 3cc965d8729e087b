"""The contract every generative model keeps, written once.

A model gives two or three private functions (``_fit``, ``_score_samples``,
``_sample``); fitting, containers, weights and error texts are here.
"""

from abc import ABCMeta, abstractmethod
from contextlib import contextmanager
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._compat import fit_context
from sklearn_gen._conditional import ConditionalMixin
from sklearn_gen._validation import (
    DegenerateDataWarning,
    DiscreteColumnWarning,
    as_generator,
    check_n_samples,
    check_rows,
    check_weights,
    describe_rows,
    weighted_sum,
)

__all__ = [
    "ComponentMixin",
    "ConditionalMixin",
    "DegenerateDataWarning",
    "DiscreteColumnWarning",
    "GenerativeModel",
    "InformationCriteriaMixin",
    "LatentMixin",
    "as_generator",
]


class GenerativeModel(
    CallbackSupportMixin, DensityMixin, BaseEstimator, metaclass=ABCMeta
):
    """Base class of all models of p(x).

    X arrives at the private functions validated, C-contiguous, in float64 or float32;
    rows of weight zero are already dropped.

    Attributes
    ----------
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.
    schema_ : TableSchema
        Names, kinds and resolution of the columns.
    """

    # Children with parameters of their own replace this.
    _parameter_constraints: ClassVar[dict] = {
        "random_state": ["random_state", np.random.Generator]
    }
    # NaN means "not observed" (tag: input_tags.allow_nan).
    _allow_nan = False
    # "lebesgue" for densities of continuous columns, "counting" for masses.
    _base_measure = "lebesgue"
    # Columns may be text, categories or dates: X arrives as TableSchema.encode has it.
    _mixed_columns = False
    # What a warning recommends where values repeat.
    _for_repeats = "TableMixture"
    # Whether a floor under variances bounds what repeated values can buy, so that
    # columns of them need no warning.
    _bounds_repeats = False
    # Rows are steps of sequences: each is scored, and drawn, given others.
    _rows_are_steps = False

    @abstractmethod
    def _fit(self, X, sample_weight, rng):
        """Learn from rows X with weights (None or shape (n_samples,))."""

    @abstractmethod
    def _score_samples(self, X):
        """Return log p(x) of each row, in nats."""

    @abstractmethod
    def _sample(self, n_samples, rng):
        """Return an array of n_samples rows."""

    @property
    def density_kind(self):
        """Nature of `score_samples`: 'exact', 'lower_bound' or 'estimate'.

        Scores of unlike kinds don't compare in one search.
        """
        return "exact"

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None, sample_weight=None):
        """Learn p(x) from the rows of X.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Numeric rows: numpy, pandas or polars.
        y : Ignored
            Present for pipelines and searches.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights; an integer weight equals that many repeats of the
            row, zero equals dropping it.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If a parameter, column or weight is invalid; the message names it. The
            earlier fitted state is then kept.
        """
        with self._kept_on_failure():
            X, sample_weight = self._check_training_rows(X, sample_weight)
            self._fit(X, sample_weight, as_generator(self.random_state))
        return self

    def _check_training_rows(self, X, sample_weight, reset=True):
        rows = check_rows(self, X, reset=reset, allow_nan=self._allow_nan)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, len(rows))
            if not sample_weight.all():
                kept = sample_weight > 0
                rows, sample_weight = rows[kept], sample_weight[kept]
            # Only ratios matter; sums of 1e-30 or, in float32, of 1e40 would not do. A
            # power of two changes no digit.
            _, exponent = np.frexp(sample_weight.max())
            if abs(exponent) > 20:
                sample_weight = np.ldexp(sample_weight, -exponent)
        if reset:  # of rows with weight: the others are as if they were not there
            rows = describe_rows(self, X, rows)
        return rows, sample_weight

    @contextmanager
    def _kept_on_failure(self):
        """Undo what a failed fit set; the callbacks' own state is theirs to end."""
        before = dict(self.__dict__)
        try:
            yield
        except Exception:
            for key in set(self.__dict__) - set(before):
                if not key.startswith(("_skl_callbacks", "_callback_fit_ctx")):
                    del self.__dict__[key]
            self.__dict__.update(before)
            raise

    def _dequantized_columns(self):
        """Columns whose repeats the model itself deals with."""
        return ()

    def _check_scored_rows(self, X):
        check_is_fitted(self)
        return check_rows(self, X, reset=False, allow_nan=self._allow_nan)

    def score_samples(self, X):
        """Compute log p(x) of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; where the model allows NaN, a NaN cell is not observed and the
            density is that of the observed cells.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            In nats.
        """
        return self._score_samples(self._check_scored_rows(X))

    def score(self, X, y=None, sample_weight=None):
        """Compute the weighted mean of `score_samples`.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : Ignored
            Present for pipelines and searches.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        score : float
            Mean log-likelihood, nats per row.
        """
        total, weight = weighted_sum(self.score_samples(X), sample_weight)
        return total / weight

    def sample(self, n_samples=1, *, random_state=None):
        """Draw rows from p(x).

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows, at least 1.
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
            If `n_samples` is not a positive integer.
        """
        check_is_fitted(self)
        n_samples = check_n_samples(n_samples)
        rng = self._draw_generator(random_state)
        return self.schema_.restore(self._sample(n_samples, rng), rng=rng)

    def _draw_generator(self, random_state):
        return as_generator(self.random_state if random_state is None else random_state)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._allow_nan
        tags.input_tags.categorical = self._mixed_columns
        return tags


class ComponentMixin:
    """Models with mixture components: which one a row belongs to."""

    def predict(self, X):
        """Name the most probable component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Component indices.
        """
        return self.predict_proba(X).argmax(axis=1)

    def predict_proba(self, X):
        """Compute p(component | x).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        resp : ndarray of shape (n_samples, n_components)
            Posterior probabilities; rows sum to one.
        """
        return self._predict_proba(self._check_scored_rows(X))

    def fit_predict(self, X, y=None, sample_weight=None):
        """Fit, then name the most probable component of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        y : Ignored
            Present for pipelines and searches.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            As in `fit`.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Component indices.
        """
        return self.fit(X, sample_weight=sample_weight).predict(X)


class LatentMixin:
    """Models that encode rows into a latent space and decode them again."""

    def transform(self, X):
        """Encode rows into the latent space.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        Z : ndarray of shape (n_samples, n_components)
            Latent coordinates.
        """
        return self._transform(self._check_scored_rows(X))

    def inverse_transform(self, Z):
        """Decode latent coordinates into rows.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_components)
            Latent coordinates.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            In the container that `fit` saw.
        """
        check_is_fitted(self)
        return self.schema_.restore(self._inverse_transform(np.asarray(Z)))


class InformationCriteriaMixin:
    """Models whose number of free parameters is known."""

    def bic(self, X, sample_weight=None):
        """Compute the Bayesian information criterion on X; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights; their sum is the number of rows.

        Returns
        -------
        bic : float
            -2 log-likelihood + n_parameters * log(n), in nats.
        """
        return self._criterion(X, sample_weight, np.log)

    def aic(self, X, sample_weight=None):
        """Compute Akaike's information criterion on X; lower is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Weights; their sum is the number of rows.

        Returns
        -------
        aic : float
            -2 log-likelihood + 2 * n_parameters, in nats.
        """
        return self._criterion(X, sample_weight, lambda n_rows: 2.0)

    def _criterion(self, X, sample_weight, penalty):
        total, n_rows = weighted_sum(self.score_samples(X), sample_weight)
        return float(-2.0 * total + penalty(n_rows) * self._n_parameters())
