"""Classifier of sequences: one model per class, one label per sequence."""

from numbers import Integral
from typing import ClassVar

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import issparse
from scipy.special import logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin, clone
from sklearn.utils.validation import check_is_fitted, column_or_1d

from sklearn_gen._columns import GroupColumn, TakenIds, as_array, container_of
from sklearn_gen._compat import StrOptions, fit_context, safe_indexing
from sklearn_gen._inner._checking import check_rows_for
from sklearn_gen._inner._density import with_input_tags_of
from sklearn_gen._inner._labels import check_labels, class_prior
from sklearn_gen._inner._measures import warn_of_measures
from sklearn_gen.hmm._series import series_of


class SequenceClassifier(MetaEstimatorMixin, ClassifierMixin, BaseEstimator):
    r"""Classifier of sequences: one model per class, Bayes' theorem between them.

    .. math:: p(c \mid x_{1:T}) \propto \pi_c \, p(x_{1:T} \mid c)

    A row is a time step, and `groups` says which rows are one sequence, as in the
    models. Labels belong to sequences: `predict` gives one for each, in the order of
    the groups. Training labels may be given for each sequence or for each row.

    Parameters
    ----------
    estimator : object or dict
        A model of sequences with `score_sequences`, such as
        :class:`GaussianHMM`, of which each class fits a clone; or a dict from label to
        model, where classes differ in kind.
    priors : None, 'uniform', dict or array-like of shape (n_classes,), default=None
        Prior probabilities: None is the classes' shares of the training sequences; a
        dict goes from label to probability, an array follows `classes_`.
    group_column : int, str or None, default=None
        Column of X with the ids of the sequences, for pipelines and searches. That of
        the models stays None.
    n_jobs : int or None, default=None
        Threads, over classes; None is 1, -1 all cores.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels, sorted.
    estimators_ : list of object
        The fitted model of each class.
    class_prior_ : ndarray of shape (n_classes,)
        Prior probabilities.
    class_count_ : ndarray of shape (n_classes,)
        Number of training sequences of each class, or their weight.
    n_features_in_ : int
        Number of columns, without `group_column`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names, where all are strings.

    See Also
    --------
    sklearn_gen.classifier.GenerativeClassifier : Rows without order.

    Notes
    -----
    `score` is the share of sequences whose label is right, however long they are.
    scikit-learn's splitters and searches want as many labels as rows: give them the
    label of the sequence at each of its rows, `groups`, and a splitter that keeps
    groups together (``GroupKFold``, ``StratifiedGroupKFold``). `fit` and `score`
    take such labels, and refuse a sequence with two. `groups` are requested by default
    where metadata routing is on; elsewhere `group_column` is the way. Scorers by name
    (``scoring="accuracy"``) compare predictions with rows: leave `scoring` out.

    Lengths aren't modelled: sequences of a class are as long as they are. Fitting
    costs one fit per class, predicting one scoring of all sequences per class. A
    sequence that is impossible in all classes gets the priors.

    References
    ----------
    Rabiner (1989), "A tutorial on hidden Markov models", section V,
    doi:10.1109/5.18626.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.hmm import GaussianHMM, SequenceClassifier, groups_from_lengths
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat(["falling", "rising"], 20)  # of 40 sequences
    >>> trend = np.linspace(-2.0, 2.0, 10) * np.where(y == "rising", 1, -1)[:, None]
    >>> X = trend.reshape(-1, 1) + rng.normal(size=(400, 1))
    >>> groups = groups_from_lengths([10] * 40)
    >>> model = GaussianHMM(3, topology="left-right", sticky=1.0, random_state=0)
    >>> classifier = SequenceClassifier(model).fit(X, y, groups=groups)
    >>> classifier.predict([[-2.1], [-1.8], [0.3], [0.4], [2.0]])
    array(['rising'], dtype='<U7')
    """

    # Requested wherever metadata routing is on.
    __metadata_request__fit: ClassVar[dict] = {"groups": True}
    __metadata_request__score: ClassVar[dict] = {"groups": True}
    __metadata_request__predict: ClassVar[dict] = {"groups": True}
    __metadata_request__predict_proba: ClassVar[dict] = {"groups": True}
    __metadata_request__predict_log_proba: ClassVar[dict] = {"groups": True}

    _parameter_constraints: ClassVar[dict] = {
        "estimator": "no_validation",  # fit says what is missing
        "priors": [StrOptions({"uniform"}), dict, "array-like", None],
        "group_column": [Integral, str, None],
        "n_jobs": [Integral, None],
    }

    def __init__(self, estimator, *, priors=None, group_column=None, n_jobs=None):
        self.estimator = estimator
        self.priors = priors
        self.group_column = group_column
        self.n_jobs = n_jobs

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, *, groups=None, sequence_weight=None):
        """Fit a model to the sequences of each class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps of all sequences, one after the other.
        y : array-like of shape (n_samples,) or (n_sequences,)
            Label of each row's sequence, or of each sequence.
        groups : array-like of shape (n_samples,) or None, default=None
            Id of each row's sequence; rows of a sequence are consecutive. None: all
            rows are one sequence (or `group_column` says).
        sequence_weight : array-like of shape (n_sequences,) or None, default=None
            Non-negative weights; zero leaves a sequence out.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            If `estimator` is no model of sequences.
        ValueError
            If a label, id, weight or prior is invalid, or a sequence has two labels.
        """
        first = next(iter(_models(self.estimator)))
        X, column = _table(X), self.group_column
        inside = column is not None and not isinstance(groups, TakenIds)
        ids = GroupColumn.find(X, column) if inside and _has_columns(X) else None
        X, groups = self._take_groups(X, groups, ids)
        X = check_rows_for(first, self, X, reset=True)
        series = series_of(groups, len(X), sequence_weight=sequence_weight)
        labels = labels_of_sequences(y, series.sequences)
        seen = series.weight > 0.0
        classes, codes = check_labels(
            labels[seen], int(seen.sum()), name="SequenceClassifier"
        )
        count = np.bincount(codes, series.weight[seen])
        prior = class_prior(self.priors, count, classes)
        code = np.full(len(labels), -1)
        code[seen] = codes
        of_rows, code_of_rows = series.sequences.of_rows, code[series.sequences.of_rows]
        jobs = []
        for k, model in enumerate(_models_of(self.estimator, classes)):
            rows = np.flatnonzero(code_of_rows == k)
            weight = None if sequence_weight is None else series.weight[code == k]
            jobs.append(
                delayed(_fit)(model, safe_indexing(X, rows), of_rows[rows], weight)
            )
        self.estimators_ = Parallel(self.n_jobs, prefer="threads")(jobs)
        warn_of_measures(self.estimators_, "give all classes the same families")
        self.classes_, self.class_count_, self.class_prior_ = classes, count, prior
        self._ids = ids
        return self

    def _take_groups(self, X, groups, ids):
        X = _table(X)
        if isinstance(groups, TakenIds):
            return X, groups.ids
        if ids is None or not _has_columns(X):
            return X, groups
        if groups is not None:
            raise ValueError(
                f"Ids of sequences come in group_column={self.group_column!r} and as "
                "groups: give one of them."
            )
        return ids.take(X)

    def predict_joint_log_proba(self, X, *, groups=None):
        """Compute log p(sequence, class) of each sequence and class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `fit`.

        Returns
        -------
        log_joint : ndarray of shape (n_sequences, n_classes)
            In nats, in the order of the sequences.
        """
        check_is_fitted(self)
        X, groups = self._take_groups(X, groups, self._ids)
        X = check_rows_for(self.estimators_[0], self, X, reset=False)
        scores = Parallel(self.n_jobs, prefer="threads")(
            delayed(model.score_sequences)(X, groups=groups)
            for model in self.estimators_
        )
        return np.stack(scores, axis=1).astype(np.float64) + self._log_prior()

    def _log_prior(self):
        with np.errstate(divide="ignore"):
            return np.log(self.class_prior_)

    def predict_log_proba(self, X, *, groups=None):
        """Compute log p(class | sequence).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `fit`.

        Returns
        -------
        log_proba : ndarray of shape (n_sequences, n_classes)
            In nats; columns follow `classes_`.
        """
        joint = self.predict_joint_log_proba(X, groups=groups)
        nowhere = np.isneginf(joint).all(axis=1, keepdims=True)
        joint = np.where(nowhere, self._log_prior(), joint)
        return joint - logsumexp(joint, axis=1, keepdims=True)

    def predict_proba(self, X, *, groups=None):
        """Compute p(class | sequence).

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `fit`.

        Returns
        -------
        proba : ndarray of shape (n_sequences, n_classes)
            Rows sum to one; columns follow `classes_`.
        """
        return np.exp(self.predict_log_proba(X, groups=groups))

    def predict(self, X, *, groups=None):
        """Name the most probable class of each sequence.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `fit`; None: one sequence, and one label.

        Returns
        -------
        labels : ndarray of shape (n_sequences,)
            Of `classes_`, in the order of the sequences.
        """
        found = self.predict_log_proba(X, groups=groups)
        return self.classes_[found.argmax(axis=1)]

    def score(self, X, y, *, groups=None, sequence_weight=None):
        """Compute the share of sequences whose label is right.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Time steps.
        y : array-like of shape (n_samples,) or (n_sequences,)
            True labels, as in `fit`.
        groups : array-like of shape (n_samples,) or None, default=None
            Ids, as in `fit`.
        sequence_weight : array-like of shape (n_sequences,) or None, default=None
            Non-negative weights.

        Returns
        -------
        score : float
            Accuracy, each sequence counting once, or by its weight.
        """
        found = self.predict(X, groups=groups)
        X, groups = self._take_groups(X, groups, self._ids)
        series = series_of(groups, len(X), sequence_weight=sequence_weight)
        right = found == labels_of_sequences(y, series.sequences)
        return float(np.average(right, weights=series.weight))

    def __sklearn_tags__(self):
        model = next(iter(_models(self.estimator)))
        return with_input_tags_of(model, super().__sklearn_tags__())


def _table(X):
    """Rows and columns; what is none, validation refuses."""
    return X if container_of(X) != "numpy" or issparse(X) else as_array(X)


def _has_columns(X):
    return X.ndim == 2 and X.shape[1] > 0 and not issparse(X)


def labels_of_sequences(y, sequences):
    """Labels of sequences, of labels that they or their rows have.

    Raises
    ------
    ValueError
        If there are neither as many as rows nor as sequences, or a sequence has two.
    """
    n_rows, n_sequences = sequences.n_rows, len(sequences.lengths)
    codes = check_labels(y, len(np.atleast_1d(y)), name="SequenceClassifier")[1]
    y = column_or_1d(y)
    if len(y) not in (n_rows, n_sequences):
        raise ValueError(
            f"y has {len(y)} labels for {n_rows} rows of {n_sequences} sequences: give "
            "one for each row, or one for each sequence."
        )
    if len(y) == n_sequences:
        return y
    other = codes != codes[sequences.starts][sequences.of_rows]
    if other.any():
        row = int(np.argmax(other))
        start = int(sequences.starts[sequences.of_rows[row]])
        whole = n_sequences == 1
        raise ValueError(
            f"y has the labels {y[start].item()!r} at row {start} and "
            f"{y[row].item()!r} at row {row}, of the same sequence: a sequence has one "
            "label. " + "All rows are one sequence where there are no ids: give "
            "groups=, or set group_column." * whole
        )
    return y[sequences.starts]


def _models(estimator):
    """The models that a parameter holds, checked."""
    given = list(estimator.values()) if isinstance(estimator, dict) else [estimator]
    for model in given or [None]:
        missing = [m for m in ("fit", "score_sequences") if not hasattr(model, m)]
        if missing or isinstance(model, type):
            lacks = f" without {' and '.join(missing)}" if missing else ", a class"
            raise TypeError(
                "estimator must be a model of sequences with fit and score_sequences, "
                f"or a dict from label to such models; got {model!r}{lacks}. "
                "GaussianHMM is one."
            )
        if getattr(model, "group_column", None) is not None:
            raise ValueError(
                f"The model in estimator has group_column={model.group_column!r}. Set "
                "that of SequenceClassifier instead: it takes the column off and hands "
                "the ids to the models."
            )
    return given


def _models_of(estimator, classes):
    """An unfitted model for each class."""
    if not isinstance(estimator, dict):
        return [clone(estimator) for _ in classes]
    labels = classes.tolist()
    if set(estimator) != set(labels):
        raise ValueError(
            f"estimator must have a model for each of the classes {labels}, got those "
            f"of {list(estimator)}."
        )
    return [clone(estimator[label]) for label in labels]


def _fit(model, X, groups, sequence_weight):
    return model.fit(X, groups=groups, sequence_weight=sequence_weight)
