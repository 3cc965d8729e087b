"""Outlier detection with p-values that hold for any model and any distribution."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy.special import logsumexp
from sklearn.base import (
    BaseEstimator,
    MetaEstimatorMixin,
    OutlierMixin,
    clone,
    is_outlier_detector,
)
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import check_array, indexable
from sklearn.utils.parallel import Parallel, delayed
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_gen._compat import Interval, StrOptions, fit_context, safe_indexing
from sklearn_gen._inner._density import (
    allows_gaps,
    declares_kind,
    density_kind_of,
    log_density,
    refuse_without_scores,
    with_input_tags_of,
)
from sklearn_gen._inner._rows import Rows, table_like
from sklearn_gen._inner._sequences import rows_are_steps, sequence_starts
from sklearn_gen._inner._weights import weight_params
from sklearn_gen._validation import as_generator, check_weights, chosen
from sklearn_gen.outlier._calibration import (
    fit_one,
    folds,
    one_split,
    warn_of_few_rows,
)
from sklearn_gen.outlier._covariate_shift import check_covariate_shift
from sklearn_gen.outlier._detector import DensityOutlierDetector
from sklearn_gen.outlier._p_value_methods import PValueMixin

# Of the threshold of a detector no use is made: the rule that costs least.
_ANY_THRESHOLD = "quantile"


class ConformalOutlierDetector(
    PValueMixin, CallbackSupportMixin, MetaEstimatorMixin, OutlierMixin, BaseEstimator
):
    r"""Outlier detector whose p-values hold for any model and any distribution.

    A model is fitted to some of the rows; the others, the calibration rows, tell which
    of its scores are usual. The p-value of a new row is the share of calibration rows
    that score no higher, itself included:

    .. math:: p(x) = \frac{1 + \#\{i: s(x_i) \le s(x)\}}{n_{calibration} + 1}.

    For an inlier (a row exchangeable with the calibration rows) the probability of
    :math:`p(x) \le \alpha` is at most :math:`\alpha`, however bad the model is.

    Parameters
    ----------
    estimator : object or None, default=None
        Any estimator with `fit` and `score_samples` (higher is more normal): a density,
        a detector, scikit-learn's IsolationForest, a pipeline that ends in one. None
        means ``DensityOutlierDetector(regime="novelty")``: a kernel density.
    method : {"split", "cross"}, default="split"
        "split" fits one model and keeps calibration rows apart. "cross" fits one model
        per fold and calibrates with the rows left out, so that all rows do both; its
        guarantee is weaker (see Notes).
    calibration_size : float or int, default=0.5
        With ``method="split"``, the share of rows (in (0, 1)) or their number that
        calibrate. No p-value is below 1 / (number + 1).
    cv : int or splitter, default=5
        With ``method="cross"``, the number of shuffled folds (at most one per row), or
        a splitter, or a list of (train, test), whose test folds hold every row once.
    ties : {"conservative", "randomized"}, default="conservative"
        Whether calibration rows that score the same count fully, or a uniform share of
        them and of the row itself.
    level : float, default=0.05
        `predict` marks rows with p-values of at most this: the share of inliers that
        become false alarms.
    covariate_shift : None, "auto", classifier or callable, default=None
        Whether inliers to come may be distributed otherwise than the calibration rows,
        and how their density ratio is known: "auto" tells rows from calibration rows
        by a logistic regression, a classifier with `predict_proba` does it in its own
        way, and a callable gives each row's ratio, up to a factor. Calibration rows are
        then kept. With ``method="split"`` only.
    random_state : None, int, RandomState or Generator, default=None
        Splits the rows, draws the shares of ties and seeds the default estimator; one
        that is given has its own seed.
    n_jobs : int or None, default=None
        Folds fitted at once, with ``method="cross"``. None means 1.

    Attributes
    ----------
    estimators_ : list
        The fitted models: one, or one for each fold. Densities that take NaN are
        inside a :class:`DensityOutlierDetector`, by which rows with gaps compare.
    calibration_indices_ : ndarray of shape (n_calibration,)
        Which training rows calibrate.
    calibration_scores_ : ndarray of shape (n_calibration,)
        Their scores, by a model that wasn't fitted to them. Where that is, chooses or
        ends in a :class:`DensityOutlierDetector`, missing cells count as usual ones.
    calibration_folds_ : ndarray of shape (n_calibration,)
        Index in `estimators_` of that model.
    calibration_rows_ : array-like of shape (n_calibration, n_features)
        The rows themselves; only with `covariate_shift`.
    offset_ : float
        With ``method="split"`` and no `covariate_shift`, the threshold at the present
        `level`: complete rows whose `score_samples` is strictly below it have p-values
        of at most that. An AttributeError where so few rows calibrate that none can.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    DensityOutlierDetector : Thresholds at a share of the training rows.
    conformal_p_values, benjamini_hochberg, false_discovery_bound : Plain functions.

    Notes
    -----
    `density_kind` is that of the inner model. Fitting costs one fit of the model on the
    rows that don't calibrate (or one per fold), and one scoring pass; a density that
    takes NaN also scores the rows of its fit, and at most 1000 of them once per column.

    With ``method="split"`` p-values are valid on average over calibration rows: one
    split keeps its calibration rows, and with n of them the rate of false alarms it has
    from then on varies by about sqrt(level / n). With ``method="cross"`` [2]_ [3]_ the
    probability of :math:`p \le \alpha` is at most :math:`2\alpha + \min\{2 (1 - 1/K) /
    (n/K + 1), (1 - K/n) / (K + 1)\}` for K equal folds of n rows: double the p-values
    where that matters. It is usually close to :math:`\alpha`.

    Outliers among the training rows make p-values larger, on average: fewer rows are
    found, and inliers keep their rate [4]_. Clean calibration rows find more.

    Of a model whose rows are steps of sequences nothing is held out from between other
    rows: whole sequences, where its `group_column` names at least 8, else the ends of
    sequences (with ``method="cross"``, blocks of rows, hidden from the model). Steps
    are not exchangeable: false alarms are then near `level`, not bounded by it.

    Weights reach the fit of the model. Calibration counts rows, whatever they weigh,
    for it is rows that are exchangeable; rows of weight zero are left out of both.

    References
    ----------
    .. [1] Bates, Candès, Lei, Romano and Sesia (2023). Testing for outliers with
       conformal p-values. doi:10.1214/22-AOS2244
    .. [2] Vovk, Nouretdinov, Manokhin and Gammerman (2018). Cross-conformal predictive
       distributions. PMLR 91:37-51
    .. [3] Barber, Candès, Ramdas and Tibshirani (2021). Predictive inference with the
       jackknife+. doi:10.1214/20-AOS1965
    .. [4] Mary and Roquain (2022). Semi-supervised multiple testing.
       doi:10.1214/22-EJS2050

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.outlier import ConformalOutlierDetector
    >>> rng = np.random.default_rng(0)
    >>> detector = ConformalOutlierDetector(random_state=0)
    >>> detector.fit(rng.normal(size=(1998, 2))).p_values([[0.0, 0.0], [5.0, -5.0]])
    array([0.751, 0.001])
    >>> X = np.vstack([rng.normal(size=(95, 2)), rng.normal(6.0, size=(5, 2))])
    >>> np.flatnonzero(detector.select(X, fdr=0.1))
    array([19, 95, 96, 97, 98, 99])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": "no_validation",  # fit says what is missing
        "method": [StrOptions({"split", "cross"})],
        "calibration_size": [
            Interval(Real, 0, 1, closed="neither"),
            Interval(Integral, 1, None, closed="left"),
        ],
        "cv": [Interval(Integral, 2, None, closed="left"), "cv_object"],
        "ties": [StrOptions({"conservative", "randomized"})],
        "level": [Interval(Real, 0, 1, closed="neither")],
        "covariate_shift": "no_validation",  # fit says what it may be
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        method="split",
        calibration_size=0.5,
        cv=5,
        ties="conservative",
        level=0.05,
        covariate_shift=None,
        random_state=None,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.method = method
        self.calibration_size = calibration_size
        self.cv = cv
        self.ties = ties
        self.level = level
        self.covariate_shift = covariate_shift
        self.random_state = random_state
        self.n_jobs = n_jobs

    @property
    def density_kind(self):
        """Nature of `score_samples`: that of the inner model.

        One of 'exact', 'lower_bound' and 'estimate'.
        """
        return density_kind_of(chosen(self._inner()))

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None):
        """Split the rows, fit the model to some and score the others.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, in any container that the inner model takes; for the guarantee, of
            inliers only.
        y : array-like or None, default=None
            Handed to the inner model, most of which ignore it.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights, for the fit of the inner model; rows of weight zero
            don't calibrate either.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        TypeError
            If `estimator` has no fit or no score_samples.
        ValueError
            If there are too few rows, `sample_weight` is given but the inner model
            takes none, or the model scores a calibration row NaN.
        """
        rng = as_generator(self.random_state)
        model = self._new_model(rng)
        check_covariate_shift(self.covariate_shift, self.method)
        # Only their shape matters here: cells are the inner model's to check.
        n_rows = check_array(
            X,
            accept_sparse=True,
            dtype=None,
            ensure_all_finite=False,
            ensure_min_samples=2,
            estimator=self,
        ).shape[0]
        X, y = indexable(X, y)
        used = np.arange(n_rows)
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, n_rows)
            weight_params(model, sample_weight)
            used = np.flatnonzero(sample_weight)
        starts = sequence_starts(model, X) if rows_are_steps(model) else None
        if self.method == "split":
            splits = one_split(used, self.calibration_size, rng, starts)
        else:
            splits = folds(used, self.cv, X, y, n_rows, rng, starts)
        rows = Rows(X, y, sample_weight)
        task = self._init_callback_context(max_subtasks=len(splits))
        task.call_on_fit_task_begin(estimator=self, X=X, y=y)
        fitted = Parallel(n_jobs=self.n_jobs, prefer="threads")(
            delayed(fit_one)(
                self,
                clone(model),
                rows,
                split,
                task.subcontext("fit-model"),
            )
            for split in splits
        )
        models, scores = zip(*fitted, strict=True)
        places = [calibration for _, calibration in splits]
        # Only now: a fit that fails leaves the earlier one in place.
        validate_data(self, X, reset=True, skip_check_array=True)
        self.estimators_ = list(models)
        self.calibration_indices_ = np.concatenate(places)
        self.calibration_scores_ = np.concatenate(scores)
        self.calibration_folds_ = np.repeat(
            np.arange(len(places)), [len(place) for place in places]
        )
        vars(self).pop("calibration_rows_", None)
        if self.covariate_shift is not None:
            self.calibration_rows_ = safe_indexing(X, self.calibration_indices_)
        if self.covariate_shift is None:
            warn_of_few_rows(len(self.calibration_scores_), self.level)
        task.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _new_model(self, rng):
        model = self.estimator
        if model is None:
            return _default_estimator(int(rng.integers(2**31)))
        refuse_without_scores(
            model, "estimator", "a density or a detector", "higher is more normal"
        )
        scores_gaps = allows_gaps(model) and declares_kind(model)
        if scores_gaps and not is_outlier_detector(model):
            return DensityOutlierDetector(model, threshold=_ANY_THRESHOLD)
        return model

    def score_samples(self, X):
        """Compute the inner model's score of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            The lower, the more abnormal; in nats where the model is a density. With
            ``method="cross"``, the logarithm of the mean density of the folds' models.
        """
        scores = self._fold_scores(X)
        return logsumexp(scores, axis=0) - np.log(len(scores))

    def _fold_scores(self, X, score=log_density):
        check_is_fitted(self)
        if table_like(X):  # else the inner model says how to reshape one row
            validate_data(self, X, reset=False, skip_check_array=True)
        return [score(model, X) for model in self.estimators_]

    def _inner(self):
        if hasattr(self, "estimators_"):
            return self.estimators_[0]
        return self.estimator if self.estimator is not None else _default_estimator()

    def __sklearn_tags__(self):
        return with_input_tags_of(self._inner(), super().__sklearn_tags__())


def _default_estimator(random_state=None):
    return DensityOutlierDetector(
        regime="novelty", threshold=_ANY_THRESHOLD, random_state=random_state
    )
