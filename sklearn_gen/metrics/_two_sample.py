"""The classifier two-sample test: whether anything tells synthetic from real rows."""

from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy.stats import norm
from sklearn.base import clone
from sklearn.ensemble import HistGradientBoostingClassifier

from sklearn_gen._validation import as_generator
from sklearn_gen.metrics._ranks import rank_test
from sklearn_gen.metrics._tables import UndefinedMetricError, encode_tables, row_ids

_MAX_LEVELS = 254  # of HistGradientBoosting's categories; beyond, codes are numbers
_ROWS_SHUFFLED = 2000  # of each fold: enough for how telling a column is


class TwoSampleTest(NamedTuple):
    """Whether a classifier tells two tables apart; see `classifier_two_sample_test`."""

    auc: float
    detection_score: float
    p_value: float
    shared: float
    columns: tuple
    importance: np.ndarray
    is_synthetic: np.ndarray
    predictions: np.ndarray
    fold: np.ndarray


def classifier_two_sample_test(
    real,
    synthetic,
    estimator=None,
    *,
    cv=5,
    shared_rows="group",
    categorical_features="from_dtype",
    random_state=0,
):
    r"""Test whether a classifier tells synthetic rows from real ones (C2ST).

    The area under the ROC curve of a classifier on rows that it wasn't fitted to: 1/2
    where it finds no difference, 1 where it sees every row's origin.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        Real rows. Held-out ones make the fairest test; rows that the model was fitted
        to hide what it copied.
    synthetic : array-like of shape (n_synthetic, n_features)
        Synthetic rows.
    estimator : classifier or None, default=None
        With `predict_proba` or `decision_function`. It is given floats: codes of
        categories, NaN where missing. None means HistGradientBoostingClassifier, which
        is told which columns are categories.
    cv : int, default=5
        Number of folds, at least 2.
    shared_rows : {"group", "refuse"}, default="group"
        What to do with rows that are in both tables. A classifier that saw one of two
        equal rows knows the other: "group" puts all equal rows into one fold, "refuse"
        raises.
    categorical_features : "from_dtype", list or mask, default="from_dtype"
        Which columns are categories: those of such a dtype, or names or indices.
    random_state : None, int, RandomState or Generator, default=0
        Seed of the folds and of the default classifier.

    Returns
    -------
    result : named tuple
        - `auc`: mean of the folds' AUCs.
        - `detection_score`: ``1 - (2 * auc - 1)``, at most 1, where they can't be told
          apart.
        - `p_value`: for both tables having one distribution.
        - `shared`: share of the synthetic rows that equal a real one.
        - `columns` and `importance`: how much AUC is lost where a column's values are
          shuffled, the most telling columns first.
        - `is_synthetic`, `predictions`, `fold`: of each row, real ones first, for
          curves; predictions compare within a fold.

    Raises
    ------
    ValueError
        If a fold has too few rows of a table, or rows are shared and `shared_rows` is
        "refuse"; if the tables have different columns, too few rows, columns that are
        all missing, or infinities.

    See Also
    --------
    marginal_similarity : Where the difference is seen in single columns.
    train_synthetic_test_real : Whether the rows serve their purpose.

    Notes
    -----
    Folds' AUCs depend on one another: each row is judged in one fold and teaches in the
    others, which can double the variance of their mean, and p-values that ignore it are
    too small. So the p-value comes from further fits, in which each fold is judged by a
    classifier fitted only to the folds before it: given those, its labels are still in
    random order, so that the standardised statistics of the folds (Mann and Whitney,
    ties included) add up like independent ones. It costs cv - 2 smaller fits more.

    The AUC depends on the classifier: one that finds nothing proves little. Equal rows
    are in one fold, so that a table that repeats its training rows isn't found out
    here: see `shared`, and :func:`closest_record_share`.

    References
    ----------
    D. Lopez-Paz and M. Oquab, "Revisiting classifier two-sample tests", 2017.
    arXiv:1610.06545

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.naive_bayes import GaussianNB
    >>> from sklearn_gen.metrics import classifier_two_sample_test
    >>> rng = np.random.default_rng(0)
    >>> real, synthetic = rng.normal(size=(2, 300, 3))
    >>> synthetic[:, 2] *= 2.0
    >>> result = classifier_two_sample_test(real, synthetic, GaussianNB())
    >>> print(f"AUC {result.auc:.2f}, p-value {result.p_value:.1g}")
    AUC 0.72, p-value 3e-14
    >>> result.columns[0]
    2
    """
    if not isinstance(cv, Integral) or cv < 2:
        raise ValueError(f"cv must be an integer of at least 2, got {cv!r}.")
    if shared_rows not in ("group", "refuse"):
        raise ValueError(
            f"shared_rows must be 'group' or 'refuse', got {shared_rows!r}."
        )
    columns, real, synthetic = encode_tables(
        categorical_features, real=real, synthetic=synthetic, min_rows=2 * int(cv)
    )
    rng = as_generator(random_state)
    ids = row_ids(real, synthetic)
    shared = np.isin(ids[1], ids[0])
    if shared.any() and shared_rows == "refuse":
        raise ValueError(
            f"{shared.sum()} synthetic rows equal real ones (the first is row "
            f"{np.flatnonzero(shared)[0]}): drop them, or pass shared_rows='group'."
        )
    X = np.vstack([real, synthetic])
    y = np.repeat([0, 1], [len(real), len(synthetic)])
    fold = _folds(np.concatenate(ids), y, int(cv), rng)
    if estimator is None:
        estimator = _default_classifier(columns, rng)
    predictions, importance = np.empty(len(X)), np.empty((cv, X.shape[1]))
    tests = []
    for f in range(cv):
        judged, before = fold == f, fold < f
        model = clone(estimator).fit(X[~judged], y[~judged])
        predictions[judged] = _scores(model, X[judged])
        some = rng.permutation(np.flatnonzero(judged))[:_ROWS_SHUFFLED]
        importance[f] = _auc_lost(model, X[some], y[some], rng)
        if f == cv - 1:  # all other folds come before it
            tests.append(_test(predictions[judged], y[judged]))
        elif f > 0:
            early = clone(estimator).fit(X[before], y[before])
            tests.append(_test(_scores(early, X[judged]), y[judged]))
    aucs = [_test(predictions[fold == f], y[fold == f]).auc for f in range(cv)]
    importance = importance.mean(axis=0)
    order = np.argsort(-importance, kind="stable")
    auc = float(np.mean(aucs))
    return TwoSampleTest(
        auc=auc,
        detection_score=1.0 - max(2.0 * auc - 1.0, 0.0),
        p_value=_combined_p_value(tests),
        shared=float(shared.mean()),
        columns=tuple(columns.names[j] for j in order),
        importance=importance[order],
        is_synthetic=y.astype(bool),
        predictions=predictions,
        fold=fold,
    )


def _folds(ids, y, cv, rng):
    """Number of each row's fold: equal rows have one; else at random, of equal size."""
    order = rng.permutation(ids.max() + 1)
    sizes = np.bincount(ids)[order]
    before = np.cumsum(sizes) - sizes
    fold_of = np.empty(len(order), np.intp)
    fold_of[order] = before * cv // len(ids)
    fold = fold_of[ids]
    counts = np.bincount(2 * fold + y, minlength=2 * cv)
    if counts.min() < 2:
        raise UndefinedMetricError(
            f"One of {cv} folds has {counts.min()} rows of one of the tables: there "
            "are too few different rows, or too many equal ones. Give more rows, or "
            "set cv lower."
        )
    return fold


def _default_classifier(columns, rng):
    categorical = columns.is_level & (columns.n_levels <= _MAX_LEVELS)
    return HistGradientBoostingClassifier(
        categorical_features=categorical if categorical.any() else None,
        random_state=int(rng.integers(2**31)),
    )


def _scores(model, X):
    if hasattr(model, "predict_proba"):
        return model.predict_proba(X)[:, 1]
    return model.decision_function(X)


def _test(scores, y):
    return rank_test(scores[y == 1], scores[y == 0])


def _combined_p_value(tests):
    # A later fold is judged by a classifier that saw more: it has the larger weight.
    weights = np.arange(1.0, len(tests) + 1) * [t.p_value < 1.0 for t in tests]
    if not weights.any():  # the classifier gives all rows one score
        return 1.0
    z = np.dot(weights, [t.z for t in tests]) / np.linalg.norm(weights)
    return float(norm.sf(z))


def _auc_lost(model, X, y, rng):
    """How much smaller the AUC is where one column is shuffled, for each."""
    auc = _test(_scores(model, X), y).auc
    lost = np.empty(X.shape[1])
    for j in range(X.shape[1]):
        shuffled = X.copy()
        shuffled[:, j] = rng.permutation(X[:, j])
        lost[j] = auc - _test(_scores(model, shuffled), y).auc
    return lost
