"""Fit a model to some rows and calibrate it with the others."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import KFold, check_cv

from sklearn_gen._compat import safe_indexing
from sklearn_gen._validation import warn
from sklearn_gen.outlier._weights import weight_params


def one_split(rows, calibration_size, rng):
    """Split rows at random, once.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,)
        Indices.
    calibration_size : float or int
        Share or number of rows that calibrate.
    rng : Generator
        Moves on.

    Returns
    -------
    splits : list of one pair of ndarrays
        Indices to fit to, and to calibrate with.

    Raises
    ------
    ValueError
        If one of the two would be empty.
    """
    n_rows = _count(rows)
    size = calibration_size
    if not isinstance(size, Integral):
        size = min(max(round(size * n_rows), 1), n_rows - 1)
    if size >= n_rows:
        raise ValueError(
            f"calibration_size={size} leaves none of {n_rows} rows to fit to: give a "
            "smaller number, or a share below 1."
        )
    order = rng.permutation(rows)
    return [(np.sort(order[size:]), np.sort(order[:size]))]


def folds(rows, cv, rng):
    """Split rows into folds, each of which calibrates once.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,)
        Indices.
    cv : int or splitter
        Number of shuffled folds, or who makes them.
    rng : Generator
        Moves on.

    Returns
    -------
    splits : list of pairs of ndarrays
        Indices to fit to, and to calibrate with.

    Raises
    ------
    ValueError
        If the test folds don't hold every row once.
    """
    n_rows = _count(rows)
    splitter = cv
    if isinstance(cv, Integral):
        seed = int(rng.integers(2**31))
        splitter = KFold(min(cv, n_rows), shuffle=True, random_state=seed)
    splits = [(rows[a], rows[b]) for a, b in check_cv(splitter).split(rows)]
    tested = np.concatenate([calibration for _, calibration in splits])
    if not np.array_equal(np.sort(tested), np.sort(rows)):
        raise ValueError(
            f"The test folds of cv={cv!r} must hold each of {n_rows} rows once; they "
            f"hold {len(tested)} rows, {len(np.unique(tested))} of them different."
        )
    return splits


def _count(rows):
    if len(rows) < 2:
        raise ValueError(
            "At least 2 rows must have a positive sample_weight, one to fit to and one "
            f"to calibrate with; {len(rows)} has."
        )
    return len(rows)


def fit_one(detector, model, X, y, sample_weight, split, task):
    """Fit a model to one part of the rows, score the other.

    Parameters
    ----------
    detector : estimator instance
        Whose callbacks hear of it.
    model : estimator instance
        Fitted in place.
    X, y, sample_weight : array-like or None
        All rows.
    split : pair of ndarrays
        Indices to fit to, and to calibrate with.
    task : callback context
        Under which the fit runs.

    Returns
    -------
    model : estimator instance
    scores : ndarray of shape (n_calibration,)

    Raises
    ------
    ValueError
        If a score is NaN.
    """
    train, calibration = split
    params = {}
    if sample_weight is not None:
        params = weight_params(model, sample_weight[train])
    rows = safe_indexing(X, train)
    labels = None if y is None else safe_indexing(y, train)
    with task.propagate_callback_context(model):
        task.call_on_fit_task_begin(estimator=detector, X=rows, y=labels)
        model.fit(rows, labels, **params)
        task.call_on_fit_task_end(estimator=detector, X=rows, y=labels)
    scores = conformity(model, safe_indexing(X, calibration))
    if np.isnan(scores).any():
        row = calibration[np.flatnonzero(np.isnan(scores))[0]]
        raise ValueError(
            f"{type(model).__name__} scores row {row} NaN, which can't be ranked. "
            "Choose a model whose scores are numbers (or -inf)."
        )
    return model, scores


def model_scores(model, X):
    """Score rows, as float64."""
    return np.asarray(model.score_samples(X), dtype=np.float64)


def conformity(model, X):
    """Score rows by what makes them compare: cells that are missing count as usual."""
    if getattr(model, "usual_", None) is not None:
        return model.decision_function(X) + model.offset_
    return model_scores(model, X)


def threshold(calibration_scores, level):
    """Find the score below which conformal p-values are at most the level."""
    n_rows = len(calibration_scores)
    # As p-values are computed: rounding then agrees.
    n_within = np.count_nonzero(np.arange(1, n_rows + 2) / (n_rows + 1) <= level)
    if n_within == 0:
        warn(
            f"{n_rows} calibration rows allow no p-value below 1 / {n_rows + 1}, so at "
            f"level={level} predict finds no outlier. Raise level or give more rows.",
            UserWarning,
        )
        return -np.inf
    return float(np.sort(calibration_scores)[n_within - 1])
