"""Outliers are the rows that a density finds improbable."""

from numbers import Real
from typing import ClassVar

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, OutlierMixin, clone
from sklearn.callback import CallbackSupportMixin, with_callbacks
from sklearn.utils import get_tags
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_gen._compat import Interval, StrOptions, fit_context
from sklearn_gen._validation import check_weights, chosen, refuse_plain_pipeline
from sklearn_gen.outlier._explain import ExplanationMixin
from sklearn_gen.outlier._inner import density_kind_of, log_density
from sklearn_gen.outlier._threshold import weighted_quantile
from sklearn_gen.outlier._weights import weight_params

# Share of the training weight below the threshold when contamination="auto".
_AUTO_CONTAMINATION = 0.1


class DensityOutlierDetector(
    ExplanationMixin,
    CallbackSupportMixin,
    MetaEstimatorMixin,
    OutlierMixin,
    BaseEstimator,
):
    r"""Outlier detector that wraps any density.

    A row is an outlier where :math:`\log p(x)`, as the inner model estimates it, is
    below a threshold: a quantile of the training rows' scores.

    Parameters
    ----------
    estimator : object or None, default=None
        A density: it has `fit` and `score_samples` (log density, nats per row). A
        pipeline must be a :class:`~sklearn_gen.compose.GenerativePipeline`, which
        accounts for its transformers. None means one Gaussian with a full covariance
        matrix, ``GaussianMixture(n_components=1, reg_covar="scale")``: it needs no
        seed, no scaler (the result is the same in any units) and allows NaN.
    contamination : "auto" or float, default="auto"
        Share of outliers among the training rows (by weight), in (0, 0.5]: sets
        `offset_`. "auto" uses the inner model's own `offset_` where it defines one and
        0.1 otherwise.

    Attributes
    ----------
    estimator_ : object
        The fitted density.
    offset_ : float
        Threshold on `score_samples`, in nats: rows strictly below it are outliers.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    sklearn_gen.compose.GenerativePipeline : Densities behind transformers.
    sklearn.ensemble.IsolationForest : Isolates rows by random splits.

    Notes
    -----
    `density_kind` is that of the inner model ('exact' for scikit-learn's KernelDensity
    and GaussianMixture; an AttributeError where a model doesn't declare it).
    Fitting costs one fit and one scoring pass of the inner model, :meth:`explain` one
    scoring pass per column.

    The threshold is the weighted quantile with midpoints at the steps of the
    distribution function: without ties, exactly ``floor(contamination * n_samples)``
    training rows are below it. A sample weight of k equals k repeats of the row.

    Warnings of the fit are the inner model's, and so are the parameters they name. The
    default warns of columns whose values repeat (DiscreteColumnWarning: counts, rounded
    numbers) and of columns that are constant or given by others
    (DegenerateDataWarning). For the first, pass ``estimator=GaussianMixture(
    dequantize="auto", reg_covar="scale")``; for the second, drop those columns.

    Why one Gaussian by default: over the 29 tables of ADBench it ranked the outliers
    better than a mixture of several chosen by BIC (mean average precision 0.33 against
    0.29), because small clusters of outliers get a component of their own.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.outlier import DensityOutlierDetector
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 2))
    >>> X[:, 1] += X[:, 0]
    >>> detector = DensityOutlierDetector(contamination=0.01).fit(X)
    >>> rows = np.array([[1.0, 1.0], [0.0, 5.0], [np.nan, 9.0]])
    >>> detector.predict(rows)
    array([ 1, -1, -1])
    >>> detector.explain(rows[1:]).argmin(axis=1)
    array([1, 1])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": "no_validation",  # fit says what is missing
        "contamination": [
            StrOptions({"auto"}),
            Interval(Real, 0, 0.5, closed="right"),
        ],
    }

    def __init__(self, estimator=None, *, contamination="auto"):
        self.estimator = estimator
        self.contamination = contamination

    @property
    def density_kind(self):
        """Nature of `score_samples`: that of the inner model.

        One of 'exact', 'lower_bound' and 'estimate'.
        """
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
            Non-negative weights, for the density and for the threshold. In a pipeline
            every step that takes weights gets them. A search over a pipeline fits with
            them but scores its folds without, unless metadata routing is enabled.

        Returns
        -------
        self : object
            The fitted detector.

        Raises
        ------
        TypeError
            If `estimator` isn't a density.
        ValueError
            If `sample_weight` is given but the inner model takes none, or if the model
            gives more than the share `contamination` of the rows no density at all.
        """
        task = self._init_callback_context(max_subtasks=1)
        task.call_on_fit_task_begin(estimator=self, X=X, y=y)
        density = self._new_density()
        fit_params = {}
        if sample_weight is not None:
            # X itself is the density's to check.
            shape = X.shape if hasattr(X, "shape") else np.asarray(X).shape
            sample_weight = check_weights(sample_weight, shape[0] if shape else 1)
            fit_params = weight_params(density, sample_weight)
        subtask = task.subcontext(task_name="fit-density")
        with subtask.propagate_callback_context(density):
            subtask.call_on_fit_task_begin(estimator=self, X=X, y=y)
            density.fit(X, y, **fit_params)
            subtask.call_on_fit_task_end(estimator=self, X=X, y=y)
        offset = self._threshold(density, X, sample_weight)
        # Only now: a fit that fails leaves the earlier one in place.
        validate_data(self, X, reset=True, skip_check_array=True)
        self.estimator_, self.offset_ = density, offset
        task.call_on_fit_task_end(estimator=self, X=X, y=y)
        return self

    def _new_density(self):
        density = self._unfitted()
        missing = [m for m in ("fit", "score_samples") if not hasattr(density, m)]
        if missing or isinstance(density, type):
            lacks = f" without {' and '.join(missing)}" if missing else ", a class"
            raise TypeError(
                "estimator must be a density, an estimator instance with fit and "
                f"score_samples (log density, nats per row); got {density!r}{lacks}. "
                "sklearn_gen.all_estimators('density') lists some."
            )
        refuse_plain_pipeline(density)
        return clone(density)

    def _threshold(self, density, X, sample_weight):
        own = getattr(density, "offset_", None)
        if self.contamination == "auto" and isinstance(own, Real):
            return float(own)
        share = _AUTO_CONTAMINATION
        if self.contamination != "auto":
            share = self.contamination
        scores = log_density(density, X)
        offset = np.nan
        if not np.isnan(scores).any():
            offset = weighted_quantile(scores, share, sample_weight)
        if not np.isfinite(offset):
            bad = int(np.count_nonzero(~np.isfinite(scores)))
            raise ValueError(
                f"{type(density).__name__} gives {bad} of {len(scores)} training rows "
                f"a log density that isn't finite, so no threshold is below a share of "
                f"{share:g} of them (contamination={self.contamination!r}). Choose a "
                "density that is positive on the training rows, or raise "
                "contamination."
            )
        return offset

    def score_samples(self, X):
        """Compute the inner model's log density of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            In nats; the lower, the more abnormal.
        """
        self._check_columns(X)
        return log_density(self.estimator_, X)

    def decision_function(self, X):
        """Compute how far above the threshold each row's log density is.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        decision : ndarray of shape (n_samples,)
            ``score_samples(X) - offset_``, in nats; negative for outliers.
        """
        return self.score_samples(X) - self.offset_

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
        if getattr(X, "ndim", 2) != 1:  # the inner model says how to reshape one row
            validate_data(self, X, reset=False, skip_check_array=True)

    def _density(self):
        if hasattr(self, "estimator_"):
            return chosen(self.estimator_)
        return self._unfitted()

    def _unfitted(self):
        if self.estimator is not None:
            return self.estimator
        from sklearn_gen.mixture import GaussianMixture

        return GaussianMixture(n_components=1, reg_covar="scale")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        density = self._density()
        if hasattr(density, "__sklearn_tags__"):
            inner = get_tags(density).input_tags
            tags.input_tags.allow_nan = inner.allow_nan
            tags.input_tags.sparse = inner.sparse
        return tags
