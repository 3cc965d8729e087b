"""Outliers are the rows that a density finds improbable."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, OutlierMixin
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_gen._compat import Interval, StrOptions, fit_context
from sklearn_gen._inner._density import density_kind_of, with_input_tags_of
from sklearn_gen._inner._rows import Rows, count_rows, table_like
from sklearn_gen._validation import check_weights
from sklearn_gen.outlier._explain import ExplanationMixin
from sklearn_gen.outlier._learning import LearningMixin
from sklearn_gen.outlier._score_types import judge_rows, score_rows
from sklearn_gen.outlier._streaming import StreamingMixin


class DensityOutlierDetector(
    LearningMixin,
    ExplanationMixin,
    StreamingMixin,
    CallbackSupportMixin,
    MetaEstimatorMixin,
    OutlierMixin,
    BaseEstimator,
):
    r"""Outlier detector that wraps any density.

    A row is an outlier where :math:`\log p(x)`, as the inner model estimates it, is
    below a threshold.

    Parameters
    ----------
    estimator : object or None, default=None
        A density: it has `fit` and `score_samples` (log density, nats per row). It is
        used as it is; :class:`TrimmedDensity` makes it robust. A pipeline must be a
        :class:`~sklearn_gen.compose.GenerativePipeline`, which accounts for its
        transformers. None leaves the choice to `regime`.
    regime : {'contaminated', 'novelty'}, default='contaminated'
        What the training rows are. Outliers may be among them ('contaminated'): the
        default density is a :class:`~sklearn_gen.mixture.RobustGaussianMixture`, which
        doesn't follow small groups. Or they are clean and outliers come later
        ('novelty'): it is an :class:`~sklearn_gen.mixture.AdaptiveKernelDensity`,
        which follows all of them.
    contamination : "auto" or float, default="auto"
        Share of outliers among the training rows (by weight), in (0, 0.5], for
        ``threshold="quantile"``. "auto" uses the inner model's own `offset_` where it
        defines one and 0.1 otherwise. For novelty, the share of the rows held out.
    threshold : {'auto', 'quantile', 'iqr', 'mtt', 'holdout'}, default='auto'
        How `offset_` is set:

        - 'quantile': below it is the share `contamination` of the training rows;
        - 'iqr': Tukey's fence, first quartile of the training scores less 1.5 times
          the quartile range;
        - 'mtt': the modified Thompson tau test, which removes the lowest score while it
          is too far from the mean of the others;
        - 'holdout': of rows like the training rows, the share `false_alarm_rate` falls
          below it, measured on a quarter of them held out;
        - 'auto': 'holdout' where `false_alarm_rate` is given, or for novelty without
          `contamination`; else 'quantile'.

        For novelty every rule goes by a quarter of the rows that a first fit doesn't
        see, because a flexible density scores the rows of its fit too high. Of models
        of sequences these are whole sequences where `group_column` names at least 8,
        else the last quarter of each.
    false_alarm_rate : float or None, default=None
        Share of inliers to come that may be taken for outliers, in (0, 0.5], for
        'holdout'. None is 0.05.
    score_type : {'nll', 'typicality', 'ratio'}, default='nll'
        What is compared with the threshold:

        - 'nll': the log density: how rare a row is;
        - 'typicality': minus the distance of the log density from its mean: also rows
          that are too probable are outliers, such as a blank image;
        - 'ratio': the log density less that of `background`: what all rows share
          (units, rare columns, complexity) cancels.
    background : "independent" or object, default="independent"
        For 'ratio': the product of the density's own marginals, so that outliers are
        rows whose columns don't go together; or a density fitted to the same rows (in
        a :class:`~sklearn.frozen.FrozenEstimator`, to others).
    random_state : None, int, RandomState or Generator, default=None
        Seeds the default densities and the rows held out. None is fresh entropy.
    n_jobs : int or None, default=None
        Threads of the default densities; None is 1, -1 all cores.

    Attributes
    ----------
    estimator_ : object
        The fitted density.
    background_ : object
        The fitted background, or "independent"; with ``score_type="ratio"``.
    offset_ : float
        Threshold on the `score_samples` of complete rows, in nats: rows strictly below
        it are outliers.
    usual_ : ndarray of shape (n_features,) or None
        Mean log density of each column by itself, by which rows with missing cells are
        made to compare. None for densities that take no NaN, and behind transformers
        where no cell was missing in fit.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    ConformalOutlierDetector : P-values, and selections with few false discoveries.
    TrimmedDensity : Makes any density robust.
    sklearn.ensemble.IsolationForest : Isolates rows by random splits.

    Notes
    -----
    `density_kind` is that of the inner model ('exact' for scikit-learn's KernelDensity
    and GaussianMixture; an AttributeError where a model doesn't declare it, or
    `score_type` isn't a density). Fitting costs one fit and one scoring pass of the
    inner model (with 'holdout' two), :meth:`explain` one pass where the model has
    `score_cells`, and otherwise one per column.

    The quantile is weighted, with midpoints at the steps of the distribution function:
    without ties, exactly ``floor(contamination * n_samples)`` training rows are below
    it. A sample weight of k equals k repeats of the row, but where rows are held out:
    then a repeat may be learned and another one judged, so drop repeats or turn them
    into weights.

    Warnings of the fit are the inner model's, and so are the parameters they name.

    References
    ----------
    Nalisnick et al. (2019), "Detecting out-of-distribution inputs to deep generative
    models using typicality", arXiv:1906.02994. Ren et al. (2019), "Likelihood ratios
    for out-of-distribution detection", arXiv:1906.02845.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.outlier import DensityOutlierDetector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> X[:, 1] += X[:, 0]
    >>> detector = DensityOutlierDetector(contamination=0.01, random_state=0).fit(X)
    >>> rows = np.array([[1.0, 1.0], [0.0, 5.0], [np.nan, 9.0]])
    >>> detector.predict(rows)
    array([ 1, -1, -1])
    >>> detector.explain(rows[1:]).argmin(axis=1)
    array([1, 1])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": "no_validation",  # fit says what is missing
        "regime": [StrOptions({"contaminated", "novelty"})],
        "contamination": [
            StrOptions({"auto"}),
            Interval(Real, 0, 0.5, closed="right"),
        ],
        "threshold": [StrOptions({"auto", "quantile", "iqr", "mtt", "holdout"})],
        "false_alarm_rate": [Interval(Real, 0, 0.5, closed="right"), None],
        "score_type": [StrOptions({"nll", "typicality", "ratio"})],
        "background": "no_validation",
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        regime="contaminated",
        contamination="auto",
        threshold="auto",
        false_alarm_rate=None,
        score_type="nll",
        background="independent",
        random_state=None,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.regime = regime
        self.contamination = contamination
        self.threshold = threshold
        self.false_alarm_rate = false_alarm_rate
        self.score_type = score_type
        self.background = background
        self.random_state = random_state
        self.n_jobs = n_jobs

    @property
    def density_kind(self):
        """Nature of `score_samples`: that of the inner model."""
        if self.score_type != "nll":
            raise AttributeError(
                f"A score with score_type={self.score_type!r} is no log density and "
                "has no density_kind."
            )
        return density_kind_of(self._density())

    @with_callbacks
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None, sample_weight=None):
        """Fit the density, then set the threshold.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, in any container that the inner model takes.
        y : array-like or None, default=None
            Handed to the inner model, most of which ignore it.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights, for the density and for the threshold. They count
            rows: a sum far below the number of rows is a table of few. In a pipeline
            every step that takes weights gets them. A search over a pipeline fits with
            them but scores its folds without, unless metadata routing is enabled.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        TypeError
            If `estimator` or `background` isn't a density.
        ValueError
            If `sample_weight` is given but the inner model takes none, if `threshold`
            takes no `contamination` and one is given, or if the model gives more than
            the share `contamination` of the rows no density at all.
        """
        task = self._init_callback_context(max_subtasks=1)
        task.call_on_fit_task_begin(estimator=self, X=X, y=y)
        n_rows = count_rows(X)  # X itself is the density's to check
        if sample_weight is not None:
            sample_weight = check_weights(sample_weight, n_rows)
        rows = Rows(X, y, sample_weight)
        to_learn, to_judge = self._split(rows, n_rows)
        judge = None
        if to_judge is not None:
            judged = rows.select(to_judge)
            judge = self._learn(rows.select(to_learn))
            judge = self._calibrate(judge, judged.X, judged.sample_weight)
        learned = self._learn(rows, task)
        if judge is None:
            judge = self._calibrate(learned, X, sample_weight)
        # Only now: a fit that fails leaves the earlier one in place.
        validate_data(self, X, reset=True, skip_check_array=True)
        vars(self).pop("_reservoir", None)
        self._keep(
            judge._replace(density=learned.density, background=learned.background)
        )
        task.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def score_samples(self, X):
        """Score each row: by default, the inner model's log density.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            In nats; the lower, the more abnormal.
        """
        self._check_columns(X)
        return score_rows(self.score_type, self._learned(), X)

    def decision_function(self, X):
        """Compute how far above the threshold each row's score is.

        Cells that are missing count as usual ones (`usual_`): by less observed cells
        alone a row is neither more nor less of an outlier.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            For complete rows ``score_samples(X) - offset_``, in nats; negative for
            outliers.
        """
        self._check_columns(X)
        return judge_rows(self.score_type, self._learned(), X) - self.offset_

    def predict(self, X):
        """Tell outliers from inliers.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            -1 for outliers, +1 for inliers.
        """
        return np.where(self.decision_function(X) < 0, -1, 1)

    def _check_columns(self, X):
        check_is_fitted(self)
        if table_like(X):  # else the inner model says how to reshape one row
            validate_data(self, X, reset=False, skip_check_array=True)

    def __sklearn_tags__(self):
        return with_input_tags_of(self._density(), super().__sklearn_tags__())
