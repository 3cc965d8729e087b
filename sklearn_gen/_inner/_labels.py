"""Class labels: which rows have one, and the prior probability of each."""

import numpy as np
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d


def check_labels(y, n_rows, unlabeled=None, *, name="GenerativeClassifier"):
    """Validate targets.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels, and the marker of rows that have none.
    n_rows : int
        Number of rows.
    unlabeled : object
        The marker; None where all rows have a label.
    name : str
        Whose labels they are, for messages.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted.
    codes : ndarray of int, shape (n_samples,)
        Index of each row's class; -1 without a label.

    Raises
    ------
    ValueError
        If y isn't one label per row, or no row has one; or one is NaN.
    """
    if y is None:
        raise ValueError(
            f"This {name} estimator requires y to be passed, but the target y is None."
        )
    y = column_or_1d(y, warn=True)
    if len(y) != n_rows:
        raise ValueError(
            f"y has {len(y)} labels for {n_rows} rows: give one for each row."
        )
    known = np.ones(len(y), dtype=bool)
    if unlabeled is not None:
        if y.dtype.kind in "US" and not isinstance(unlabeled, str):
            raise ValueError(
                f"y has dtype {y.dtype}, whose labels can't equal unlabeled="
                f"{unlabeled!r}. Use strings and the marker in an array of dtype "
                "object, or a string as the marker."
            )
        known = np.array([label != unlabeled for label in y.tolist()], dtype=bool)
    if not known.any():
        raise ValueError(
            f"No row has a label: all {len(y)} are unlabeled={unlabeled!r}. Label some "
            "rows of each class, or fit a mixture to X alone."
        )
    labels = y[known]
    if labels.dtype == object:  # without the marker they may be of one type
        labels = np.asarray(labels.tolist())
    if labels.dtype.kind == "f" and np.isnan(labels).any():
        row = int(np.flatnonzero(known)[np.isnan(labels).argmax()])
        raise ValueError(
            f"Input y contains NaN (row {row}), which is no label. Drop such rows; "
            "GenerativeClassifier learns from them if another value marks them "
            "(unlabeled)."
        )
    check_classification_targets(labels)
    classes, found = np.unique(labels, return_inverse=True)
    codes = np.full(len(y), -1)
    codes[known] = found
    return classes, codes


def codes_of(y, classes, name="y"):
    """Index of each label in the classes.

    Raises
    ------
    ValueError
        If a label is none of them.
    """
    y = np.atleast_1d(np.asarray(y))
    places = {label: k for k, label in enumerate(classes.tolist())}
    unknown = [label for label in y.tolist() if label not in places]
    if unknown:
        raise ValueError(
            f"{name} holds {unknown[0]!r}, which is none of the classes "
            f"{classes.tolist()}."
        )
    return np.array([places[label] for label in y.tolist()], dtype=np.intp)


def class_prior(priors, counts, classes):
    """Prior probability of each class.

    Parameters
    ----------
    priors : None, 'uniform', dict or array-like
        As the classifier's parameter.
    counts : ndarray of shape (n_classes,)
        Weight of each class in the training rows.
    classes : ndarray of shape (n_classes,)
        Labels.

    Raises
    ------
    ValueError
        If they aren't probabilities of these classes.
    """
    n_classes = len(classes)
    if priors is None:
        return counts / counts.sum()
    if isinstance(priors, str):
        return np.full(n_classes, 1.0 / n_classes)
    if isinstance(priors, dict):
        missing = [label for label in classes.tolist() if label not in priors]
        if missing or len(priors) != n_classes:
            raise ValueError(
                f"priors must name each of the classes {classes.tolist()} once, got "
                f"{list(priors)}."
            )
        priors = [priors[label] for label in classes.tolist()]
    priors = np.asarray(priors, dtype=np.float64)
    if priors.shape != (n_classes,):
        raise ValueError(
            f"priors must have one entry for each of the {n_classes} classes "
            f"{classes.tolist()}, got shape {priors.shape}."
        )
    if not (priors >= 0).all() or not np.isclose(priors.sum(), 1.0):
        raise ValueError(
            f"priors must not be negative and sum to 1, got {priors.tolist()} with "
            f"sum {priors.sum():g}."
        )
    return priors / priors.sum()
