"""Any density, fitted to the rows that it finds densest."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, DensityMixin, MetaEstimatorMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_gen._compat import Interval, fit_context
from sklearn_gen._inner._density import density_kind_of, new_density, with_input_tags_of
from sklearn_gen._inner._gaps import missing_cells
from sklearn_gen._inner._rows import Rows, count_rows
from sklearn_gen._inner._sequences import rows_are_steps, select_steps
from sklearn_gen._validation import check_weights, chosen, weighted_sum
from sklearn_gen.outlier._score_types import Learned, judge_rows, usual_cells
from sklearn_gen.outlier._threshold import weighted_quantile


def _inner_has(method):
    """Whether the fitted density, or the one to fit, has a method."""

    def has_method(self):
        getattr(chosen(getattr(self, "estimator_", self.estimator)), method)
        return True

    return has_method


class TrimmedDensity(
    CallbackSupportMixin, MetaEstimatorMixin, DensityMixin, BaseEstimator
):
    """Density of the densest rows: any density, fitted again without the others.

    Outliers among the training rows bend a density towards themselves. Here the density
    is fitted, the share `trim` of the rows of lowest density is left out, and the
    density is fitted to the rest; and so on, `n_refits` times. With a Gaussian inside
    these are the concentration steps of the minimum covariance determinant.

    Parameters
    ----------
    estimator : estimator instance
        A density: it has `fit` and `score_samples` (log density, nats per row).
    trim : float, default=0.25
        Share of the rows (by weight) left out of each refit, in [0, 1): more than the
        share of outliers that is feared.
    n_refits : int, default=2
        Fits after the first, at most: it ends where the rows kept stay the same.

    Attributes
    ----------
    estimator_ : object
        The density, fitted to the rows kept.
    support_ : ndarray of bool of shape (n_samples,)
        The rows that the last fit kept.
    n_features_in_ : int
        Number of columns.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    DensityOutlierDetector : Thresholds and reasons.
    sklearn_gen.mixture.RobustGaussianMixture : Leaves out components instead of rows.
    sklearn.covariance.MinCovDet : The minimum covariance determinant.

    Notes
    -----
    Scores, draws and `density_kind` are those of `estimator_`: it integrates to one
    where that does. It is the density of the rows kept, so it is narrower than the
    inliers' own: right for ranking rows, too low in the inliers' tails. Costs
    O(``1 + n_refits``) fits and scoring passes of the inner model.

    Of a model of sequences rows are hidden, not left out: their neighbours stay as far
    apart in time as they were.

    `partial_fit` leaves out the rows of each batch that are less dense than the share
    `trim` of it.

    References
    ----------
    Rousseeuw & Van Driessen (1999), "A fast algorithm for the minimum covariance
    determinant estimator", doi:10.1080/00401706.1999.10485670.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> from sklearn_gen.outlier import TrimmedDensity
    >>> rng = np.random.default_rng(0)
    >>> X = np.r_[rng.normal(size=(90, 1)), rng.normal(20, 1, size=(10, 1))]
    >>> plain = GaussianMixture().fit(X)
    >>> trimmed = TrimmedDensity(GaussianMixture()).fit(X)
    >>> plain.means_.round(1), trimmed.estimator_.means_.round(1)
    (array([[2.1]]), array([[0.3]]))
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": "no_validation",  # fit says what is missing
        "trim": [Interval(Real, 0.0, 1.0, closed="left")],
        "n_refits": [Interval(Integral, 0, None, closed="left")],
    }

    def __init__(self, estimator, *, trim=0.25, n_refits=2):
        self.estimator = estimator
        self.trim = trim
        self.n_refits = n_refits

    @property
    def density_kind(self):
        """Nature of `score_samples`: that of the inner model."""
        return density_kind_of(getattr(self, "estimator_", self.estimator))

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None):
        """Fit the density to all rows, then to the densest.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, in any container that the inner model takes.
        y : array-like or None, default=None
            Handed to the inner model, most of which ignore it.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights: the share `trim` is a share of weight.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If `estimator` isn't a density.
        ValueError
            If `sample_weight` is given but the inner model takes none.
        """
        task = self._init_callback_context(max_subtasks=1 + self.n_refits)
        task.call_on_fit_task_begin(estimator=self, X=X, y=y)
        density = new_density(self.estimator)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, count_rows(X))
        rows, kept = Rows(X, y, sample_weight), None
        for _ in range(1 + self.n_refits):
            subtask = task.subcontext(task_name="fit-density")
            with subtask.propagate_callback_context(density):
                subtask.call_on_fit_task_begin(estimator=self, X=X, y=y)
                part = _part(density, rows, kept)
                density.fit(part.X, part.y, **part.weights_for(density))
                subtask.call_on_fit_task_end(estimator=self, X=X, y=y)
            used, kept = kept, self._densest(density, X, sample_weight)
            if np.array_equal(used, kept):
                break
        validate_data(self, X, reset=True, skip_check_array=True)
        self.estimator_ = density
        self.support_ = np.ones(count_rows(X), dtype=bool)
        if used is not None:
            self.support_ = np.isin(np.arange(count_rows(X)), used)
        task.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _densest(self, density, X, sample_weight):
        """Indices of the rows to keep."""
        cells = None
        if missing_cells(X).any():
            cells = usual_cells(density, X, sample_weight)
        scores = judge_rows("nll", Learned(density, None, cells), X)
        lowest = -np.inf
        if self.trim > 0.0:
            lowest = weighted_quantile(scores, self.trim, sample_weight)
        return np.flatnonzero(scores >= lowest)

    @available_if(_inner_has("partial_fit"))
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y=None, sample_weight=None):
        """Learn from the densest rows of one batch.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One batch; the first is fitted as `fit` does.
        y : array-like or None, default=None
            Handed to the inner model.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object
        """
        if not hasattr(self, "estimator_"):
            return self.fit(X, y, sample_weight)
        validate_data(self, X, reset=False, skip_check_array=True)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, count_rows(X))
        kept = self._densest(self.estimator_, X, sample_weight)
        part = _part(self.estimator_, Rows(X, y, sample_weight), kept)
        model = chosen(self.estimator_)
        model.partial_fit(part.X, part.y, **part.weights_for(model))
        self.support_ = np.isin(np.arange(count_rows(X)), kept)
        return self

    def score_samples(self, X):
        """Compute log p(x) of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            In nats.
        """
        check_is_fitted(self)
        return self.estimator_.score_samples(X)

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

    @available_if(_inner_has("sample"))
    def sample(self, n_samples=1, **params):
        """Draw rows from p(x).

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows.
        **params : dict
            Of the inner model's `sample`, such as ``random_state`` or ``conditions``.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            As the inner model returns them.
        """
        check_is_fitted(self)
        return chosen(self.estimator_).sample(n_samples, **params)

    @available_if(_inner_has("sample_conditional"))
    def sample_conditional(self, X, **params):
        """Replace every NaN of X by a draw from p(missing | observed).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            NaN means "draw this".
        **params : dict
            Of the inner model's `sample_conditional`, such as ``random_state``.

        Returns
        -------
        X_drawn : ndarray or DataFrame of shape (n_samples, n_features)
            In the container of `X`.
        """
        check_is_fitted(self)
        return chosen(self.estimator_).sample_conditional(X, **params)

    @property
    def conditional_kind(self):
        """Nature of `sample_conditional`: that of the inner model."""
        return chosen(getattr(self, "estimator_", self.estimator)).conditional_kind

    @available_if(_inner_has("score_cells"))
    def score_cells(self, X, *, pairs=False):
        """Compute the log density of each cell given the rest of its row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.
        pairs : bool, default=False
            Whether to score pairs of cells as well.

        Returns
        -------
        scores : ndarray of shape (n_samples, n_features)
            In nats, as the inner model gives them.
        """
        check_is_fitted(self)
        return chosen(self.estimator_).score_cells(X, pairs=pairs)

    def __sklearn_tags__(self):
        return with_input_tags_of(chosen(self.estimator), super().__sklearn_tags__())


def _part(density, rows, kept):
    """The rows to keep; in sequences, the others stay as gaps in time."""
    if kept is None or not rows_are_steps(density):
        return rows.select(kept)
    return select_steps(density, rows, kept)[0]
