"""A class is a density, and Bayes' theorem tells them apart."""

from numbers import Integral, Real
from typing import ClassVar

import numpy as np
from scipy.special import logsumexp, softmax
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from sklearn_gen._compat import Interval, StrOptions, fit_context
from sklearn_gen._inner._class_densities import log_joint
from sklearn_gen._inner._class_draws import draw_classes
from sklearn_gen._inner._density import density_kind_of, with_input_tags_of
from sklearn_gen._inner._labels import codes_of
from sklearn_gen._validation import as_generator
from sklearn_gen.classifier._default import default_density
from sklearn_gen.classifier._learning import ClassLearning
from sklearn_gen.classifier._thresholds import unlikely_in_all


def _learns_in_batches(self):
    return hasattr(self._unfitted(), "partial_fit")


class GenerativeClassifier(
    ClassLearning, MetaEstimatorMixin, ClassifierMixin, BaseEstimator
):
    r"""Classifier made of one density per class.

    With :math:`p(x \mid c)` the density of class c and :math:`\pi_c` its prior, the
    posterior is exact by Bayes' theorem, and the whole is a density as well:

    .. math:: p(c \mid x) = \pi_c \, p(x \mid c) / p(x), \quad
              p(x) = \sum_c \pi_c \, p(x \mid c)

    Parameters
    ----------
    estimator : object or None, default=None
        A density, of which each class fits a clone: one Gaussian makes it quadratic
        discriminant analysis, a diagonal one Gaussian naive Bayes. Transformers belong
        into a :class:`~sklearn_gen.compose.GenerativePipeline`. None is a mixture of
        Gaussians or Student's t of scaled columns, of the size and floor under
        variances that predict best (by cross-validated log loss); of frames with text,
        categories or dates a :class:`~sklearn_gen.mixture.TableMixture`.
    priors : None, 'uniform', dict or array-like of shape (n_classes,), default=None
        Prior probabilities: None is the classes' shares of the training rows; a dict
        goes from label to probability, an array follows `classes_`.
    unlabeled : object, default=None
        Label that marks training rows whose class isn't known, such as -1: EM then
        learns from them too. None: all rows have a label, as -1 often is one.
    unlabeled_weight : float, default=1.0
        Weight of an unlabelled row, in (0, 1]. Where the densities can't follow the
        classes, unlabelled rows mislead, and less weight helps.
    tol : float, default=1e-3
        EM stops when its bound changes by less, nats per row.
    max_iter : int, default=50
        Most EM iterations.
    contamination : float or None, default=0.01
        Share of each class below its threshold in `offsets_`, of rows held out in five
        folds; of training rows where a class has fewer than 20. None saves these fits:
        no row is an outlier.
    outlier_label : object, default=None
        What `predict` says of rows that are unlikely in every class; None: the most
        probable class of them, too.
    random_state : None, int, RandomState or Generator, default=None
        Seeds the default densities and draws. None is fresh entropy.
    n_jobs : int or None, default=None
        Threads, over classes; None is 1, -1 all cores.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    estimators_ : list of object
        The fitted density of each class; of a search, the model it chose.
    class_prior_ : ndarray of shape (n_classes,)
        Prior probabilities.
    class_count_ : ndarray of shape (n_classes,)
        Weight of each class in the training rows.
    offsets_ : ndarray of shape (n_classes,)
        Thresholds on log p(x | class) of complete rows, in nats.
    lower_bounds_ : list of float
        With unlabelled rows: mean log-likelihood of labelled rows with their labels and
        of unlabelled ones without, at each E-step, nats per row.
    n_iter_ : int
        EM iterations; 1 where all rows have labels.
    converged_ : bool
        With unlabelled rows: whether the last change was below `tol`.
    n_features_in_ : int
        Number of columns seen during fit.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis : One Gaussian each.
    sklearn.semi_supervised.SelfTrainingClassifier : Other classifiers, by their own
        predictions.
    sklearn_gen.outlier.DensityOutlierDetector : Outliers without classes.

    Notes
    -----
    `density_kind` is that of the inner density. Fitting costs one fit per class and
    five for `offsets_`, with unlabelled rows one more per iteration; the default tries
    up to ten settings three times, and one component where a class has fewer rows than
    columns. Draws of it are as wide as predicts best.

    A class of fewer than 5 distinct rows also learns from all others, which weigh as
    much as one of its own. Rows without a density in any class get the priors.

    Tables (:class:`~sklearn_gen.mixture.TableMixture`) go on from one fit to all rows,
    so that classes have their columns' measures in common. M-steps go on where
    densities have `warm_start`; others start anew with one seed, and once the bound
    rises no more, the best is kept.

    References
    ----------
    Nigam, McCallum, Thrun & Mitchell (2000), "Text classification from labeled and
    unlabeled documents using EM", doi:10.1023/A:1007692713085.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_gen.classifier import GenerativeClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = GenerativeClassifier(random_state=0).fit(X, y)
    >>> rows = np.array([[5.0, 3.4, 1.5, 0.2], [np.nan, np.nan, 5.5, np.nan]])
    >>> model.predict(rows)
    array([0, 2])
    >>> model.is_outlier([[5.0, 3.4, 5.5, 0.2]])
    array([ True])
    """

    _parameter_constraints: ClassVar[dict] = {
        "estimator": "no_validation",  # fit says what is missing
        "priors": [StrOptions({"uniform"}), dict, "array-like", None],
        "unlabeled": "no_validation",
        "unlabeled_weight": [Interval(Real, 0.0, 1.0, closed="right")],
        "tol": [Interval(Real, 0.0, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "contamination": [Interval(Real, 0.0, 0.5, closed="neither"), None],
        "outlier_label": "no_validation",
        "random_state": ["random_state", np.random.Generator],
        "n_jobs": [Integral, None],
    }

    def __init__(
        self,
        estimator=None,
        *,
        priors=None,
        unlabeled=None,
        unlabeled_weight=1.0,
        tol=1e-3,
        max_iter=50,
        contamination=0.01,
        outlier_label=None,
        random_state=None,
        n_jobs=None,
    ):
        self.estimator = estimator
        self.priors = priors
        self.unlabeled = unlabeled
        self.unlabeled_weight = unlabeled_weight
        self.tol = tol
        self.max_iter = max_iter
        self.contamination = contamination
        self.outlier_label = outlier_label
        self.random_state = random_state
        self.n_jobs = n_jobs

    @property
    def density_kind(self):
        """Nature of `score_samples`: that of the inner density."""
        return density_kind_of(self._unfitted())

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Fit a density to the rows of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows, in any container that the density takes.
        y : array-like of shape (n_samples,)
            Labels; `unlabeled` marks rows without one. Strings with a marker that is
            none need an array of dtype object.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError, ValueError
            If `estimator` isn't a density, a label, weight or prior is invalid, or
            weights are needed (also by unlabelled rows) and the density takes none.
        """
        return self._learn(X, y, sample_weight)

    @available_if(_learns_in_batches)
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Learn from a batch; `offsets_` are means over batches, judged before learned.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            One batch.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,) or None, default=None
            All labels there will be; needed at the first call.
        sample_weight : array-like of shape (n_samples,) or None, default=None
            Non-negative weights.

        Returns
        -------
        self : object

        Raises
        ------
        ValueError
            If the first call names no classes, or a label is none of them.
        """
        return self._learn_batch(X, y, classes, sample_weight)

    def _unfitted(self):
        if self.estimator is not None:
            return self.estimator
        return default_density()

    def _log_prior(self):
        with np.errstate(divide="ignore"):
            return np.log(self.class_prior_)

    def predict_joint_log_proba(self, X):
        """Compute log p(x, class) of each row and class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows; where the density allows NaN, it is not observed.

        Returns
        -------
        log_joint : ndarray of shape (n_samples, n_classes)
            In nats.
        """
        check_is_fitted(self)
        X = self._check_rows(X, reset=False)
        return log_joint(self.estimators_, self._log_prior(), X, self.n_jobs)

    def score_samples(self, X):
        """Compute log p(x) of each row, over all classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_prob : ndarray of shape (n_samples,)
            In nats.
        """
        return logsumexp(self.predict_joint_log_proba(X), axis=1)

    def predict_log_proba(self, X):
        """Compute log p(class | x).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
            In nats; columns follow `classes_`.
        """
        joint = self._or_prior(self.predict_joint_log_proba(X))
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X):
        """Compute p(class | x).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            Rows sum to one; columns follow `classes_`.
        """
        return softmax(self._or_prior(self.predict_joint_log_proba(X)), axis=1)

    def decision_function(self, X):
        """Compute log posteriors, or their difference for two classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        decision : ndarray of shape (n_samples,) or (n_samples, n_classes)
            For two classes log p(second | x) - log p(first | x), in nats.
        """
        joint = self._or_prior(self.predict_joint_log_proba(X))
        if joint.shape[1] == 2:
            return joint[:, 1] - joint[:, 0]
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def _or_prior(self, joint):
        nowhere = np.isneginf(joint).all(axis=1, keepdims=True)
        return np.where(nowhere, self._log_prior(), joint)

    def predict(self, X):
        """Name the most probable class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            Of `classes_`, or `outlier_label` where that is set and the row an outlier.
        """
        joint = self.predict_joint_log_proba(X)
        labels = self.classes_[self._or_prior(joint).argmax(axis=1)]
        if self.outlier_label is None:
            return labels
        if isinstance(self.outlier_label, str) != (labels.dtype.kind in "US"):
            labels = labels.astype(object)
        outlier = unlikely_in_all(self, joint, X)
        return np.where(outlier, self.outlier_label, labels)

    def is_outlier(self, X):
        """Say which rows are unlikely in every class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows. Those with gaps are held against draws with the same gaps.

        Returns
        -------
        outlier : ndarray of bool, shape (n_samples,)
            True where log p(x | class) is below the threshold for all classes.
        """
        return unlikely_in_all(self, self.predict_joint_log_proba(X), X)

    def sample(self, n_samples=1, *, y=None, random_state=None):
        """Draw rows, of all classes or of those wanted.

        Parameters
        ----------
        n_samples : int, default=1
            Number of rows; with an array of labels, ignored.
        y : label or array-like of labels, default=None
            The class of all rows, or of each. None draws classes by `class_prior_`.
        random_state : None, int, RandomState or Generator, default=None
            None uses the classifier's own.

        Returns
        -------
        X : ndarray or DataFrame of shape (n_samples, n_features)
            In the container that `fit` saw.

        Raises
        ------
        ValueError
            If a label is none of the classes, or `n_samples` no positive integer.
        """
        check_is_fitted(self)
        if not isinstance(n_samples, Integral) or n_samples < 1:
            raise ValueError(
                f"n_samples must be an integer of at least 1, got {n_samples!r}."
            )
        rng = as_generator(self.random_state if random_state is None else random_state)
        if y is None:
            codes = rng.choice(len(self.classes_), size=n_samples, p=self.class_prior_)
        else:
            codes = codes_of(y, self.classes_)
            codes = np.full(n_samples, codes[0]) if np.ndim(y) == 0 else codes
        return draw_classes(self.estimators_, codes, rng, self._names)

    def __sklearn_tags__(self):
        return with_input_tags_of(self._unfitted(), super().__sklearn_tags__())
