"""Train on synthetic, test on real: whether synthetic rows teach what real ones do."""

from functools import partial
from numbers import Integral
from typing import NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.metrics import r2_score

from sklearn_gen._validation import as_generator
from sklearn_gen.metrics._tables import UndefinedMetricError, encode_tables

_MAX_LEVELS = 254  # of HistGradientBoosting's categories; beyond, codes are numbers


class Usefulness(NamedTuple):
    """Scores of both models; see `train_synthetic_test_real`."""

    metric: str
    synthetic: float
    synthetic_interval: tuple
    real: float
    real_interval: tuple
    difference: float
    difference_interval: tuple


def train_synthetic_test_real(
    real,
    synthetic,
    holdout,
    target,
    estimator=None,
    *,
    task="auto",
    n_bootstrap=200,
    confidence=0.95,
    categorical_features="from_dtype",
    random_state=0,
):
    """Score models fitted to synthetic rows and to real ones on held-out real rows.

    Train on synthetic, test on real (TSTR), beside the same model trained on real.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        Real training rows.
    synthetic : array-like of shape (n_synthetic, n_features)
        Synthetic rows.
    holdout : array-like of shape (n_holdout, n_features)
        Real rows that neither the model under test nor the generator saw.
    target : str or int
        The column to predict from the others. Rows where it is missing are left out.
    estimator : classifier, regressor or None, default=None
        It is given floats: codes of categories, NaN where missing. None means
        HistGradientBoosting, which is told which columns are categories.
    task : {"auto", "classification", "regression"}, default="auto"
        "auto" is classification for categories, booleans and columns of two values.
    n_bootstrap : int, default=200
        Replicates of the held-out rows for the intervals.
    confidence : float, default=0.95
        Confidence of the intervals.
    categorical_features : "from_dtype", list or mask, default="from_dtype"
        Which columns are categories: those of such a dtype, or names or indices.
    random_state : None, int, RandomState or Generator, default=0
        Seed of the default estimator and of the bootstrap.

    Returns
    -------
    result : named tuple
        `metric`, "ROC AUC" (of several classes, the mean of one against the rest) or
        "R2"; `synthetic` and `real`, the scores of the models fitted to either table,
        and `difference`, real minus synthetic; each with an interval.

    Raises
    ------
    ValueError
        If there is no such target, or it has one class only; if the tables have
        different columns, too few rows, columns that are all missing, or infinities.

    See Also
    --------
    classifier_two_sample_test : Whether the rows can be told apart at all.

    Notes
    -----
    Intervals are percentiles of a bootstrap of the held-out rows, the same for both
    models: they say how the scores would vary on other held-out rows, not with other
    synthetic tables. Classes that the synthetic rows lack get probability 0.

    References
    ----------
    C. Esteban, S. L. Hyland and G. Rätsch, "Real-valued (medical) time series
    generation with recurrent conditional GANs", 2017. arXiv:1706.02633

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn_gen.metrics import train_synthetic_test_real
    >>> from sklearn_gen.mixture import GaussianMixture
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(600, 2))
    >>> table = np.column_stack([X, X.sum(axis=1) + 0.3 * rng.normal(size=600)])
    >>> real, holdout = table[:300], table[300:]
    >>> synthetic = GaussianMixture(random_state=0).fit(real).sample(300)
    >>> result = train_synthetic_test_real(
    ...     real, synthetic, holdout, 2, LinearRegression()
    ... )
    >>> print(f"{result.metric} {result.synthetic:.3f}, real {result.real:.3f}")
    R2 0.950, real 0.950
    """
    if not isinstance(n_bootstrap, Integral) or n_bootstrap < 20:
        raise ValueError(
            f"n_bootstrap must be an integer of at least 20, got {n_bootstrap!r}."
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be above 0 and below 1, got {confidence!r}.")
    columns, *tables = encode_tables(
        categorical_features, real=real, synthetic=synthetic, holdout=holdout
    )
    j = columns.index(target, "target")
    if len(columns.names) < 2:
        raise ValueError(f"The tables have no column but the target {target!r}.")
    tables = [table[~np.isnan(table[:, j])] for table in tables]
    classify = _is_classification(task, columns.is_level[j], tables[0][:, j])
    rng = as_generator(random_state)
    if estimator is None:
        estimator = _default(columns, j, classify, rng)
    *training, (X_test, y_test) = [
        (np.delete(table, j, axis=1), table[:, j]) for table in tables
    ]
    if classify:
        classes = _check_classes(columns, j, y_test, training)
        predict = partial(_places, classes=classes)
        score = partial(_auc, classes=classes)
    else:
        predict, score = _predictions, r2_score
    predicted = [predict(clone(estimator).fit(X, y), X_test) for X, y in training]
    scores = np.array([score(y_test, p) for p in predicted])
    replicates = np.array(
        [
            [score(y_test, p, sample_weight=weight) for p in predicted]
            for weight in _bootstrap_weights(y_test, classify, n_bootstrap, rng)
        ]
    )
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]

    def interval(values):
        return tuple(float(q) for q in np.quantile(values, tails))

    return Usefulness(
        metric="ROC AUC" if classify else "R2",
        synthetic=float(scores[1]),
        synthetic_interval=interval(replicates[:, 1]),
        real=float(scores[0]),
        real_interval=interval(replicates[:, 0]),
        difference=float(scores[0] - scores[1]),
        difference_interval=interval(replicates[:, 0] - replicates[:, 1]),
    )


def _is_classification(task, is_level, values):
    if task not in ("auto", "classification", "regression"):
        raise ValueError(
            f"task must be 'auto', 'classification' or 'regression', got {task!r}."
        )
    if task == "auto":
        return bool(is_level) or len(np.unique(values)) <= 2
    return task == "classification"


def _default(columns, target, classify, rng):
    categorical = columns.is_level & (columns.n_levels <= _MAX_LEVELS)
    categorical = np.delete(categorical, target)
    kind = HistGradientBoostingClassifier if classify else HistGradientBoostingRegressor
    return kind(
        categorical_features=categorical if categorical.any() else None,
        random_state=int(rng.integers(2**31)),
    )


def _check_classes(columns, j, y_test, training):
    classes = np.unique(y_test)
    label = columns.schema.label(j)
    if len(classes) < 2:
        raise UndefinedMetricError(
            f"The target, {label}, has one class in holdout: give rows of at least two."
        )
    for name, (_, y) in zip(("real", "synthetic"), training, strict=True):
        if len(np.unique(y)) < 2:
            raise UndefinedMetricError(
                f"The target, {label}, has one class in {name}: nothing can be learned "
                "from it."
            )
    return classes


def _places(model, X, classes):
    """Places of the rows in the order of each class's probability; ties share one.

    The probability of a class that the model doesn't know is 0. Of two classes the
    order of the second says all.
    """
    given = model.predict_proba(X)
    places = []
    for value in classes if len(classes) > 2 else classes[1:]:
        known = model.classes_ == value
        probability = given[:, known].sum(axis=1)
        places.append(np.unique(probability, return_inverse=True)[1])
    return places


def _auc(y, places, classes, sample_weight=None):
    """Mean over the classes; scikit-learn's would sort anew for each replicate."""
    weight = np.ones(len(y)) if sample_weight is None else sample_weight
    aucs = []
    for value, place in zip(classes[-len(places) :], places, strict=True):
        positive = np.bincount(place, weight * (y == value))
        negative = np.bincount(place, weight * (y != value))
        below = np.cumsum(negative) - 0.5 * negative
        aucs.append(positive @ below / (positive.sum() * negative.sum()))
    return float(np.mean(aucs))


def _predictions(model, X):
    return model.predict(X)


def _bootstrap_weights(y, classify, n_bootstrap, rng):
    """How often each row is drawn; class by class, so that none is lost."""
    strata = np.unique(y, return_inverse=True)[1] if classify else np.zeros(len(y), int)
    groups = [np.flatnonzero(strata == s) for s in range(strata.max() + 1)]
    for _ in range(n_bootstrap):
        weight = np.zeros(len(y))
        for rows in groups:
            weight[rows] = rng.multinomial(len(rows), np.full(len(rows), 1 / len(rows)))
        yield weight
