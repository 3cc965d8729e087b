"""Fit a model to some rows and calibrate it with the others."""

from numbers import Integral

import numpy as np
from sklearn.model_selection import KFold, check_cv

from sklearn_gen._inner._density import log_density
from sklearn_gen._inner._sequences import rows_are_steps, select_steps
from sklearn_gen._splits import (
    as_indices,
    check_partition,
    folds_of_steps,
    hold_out,
    hold_out_steps,
)
from sklearn_gen._validation import chosen, warn


def one_split(rows, calibration_size, rng, starts=None):
    """Split rows once: at random, or those of sequences in order of time.

    Parameters
    ----------
    rows : ndarray of shape (n_rows,)
        Indices.
    calibration_size : float or int
        Share or number of rows that calibrate.
    rng : Generator
        Moves on.
    starts : ndarray of int or None, default=None
        Where rows are steps of sequences, the first row of each; `rows` are then all.

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
    if starts is not None:
        return [hold_out_steps(starts, n_rows, size, rng)]
    return [hold_out(rows, size, rng)]


def folds(used, cv, X, y, n_rows, rng, starts=None):
    """Split rows into folds, each of which calibrates once.

    Parameters
    ----------
    used : ndarray of shape (n_used,)
        Indices of the rows that count.
    cv : int, splitter or list of pairs
        Number of shuffled folds, or who splits all rows.
    X, y : array-like or None
        All rows, for splitters that look at them.
    n_rows : int
        How many they are.
    rng : Generator
        Moves on.
    starts : ndarray of int or None, default=None
        Where rows are steps of sequences, the first row of each: an integer `cv` then
        folds whole sequences or blocks of rows, and a splitter gets ids of sequences.

    Returns
    -------
    splits : list of pairs of ndarrays
        Indices to fit to, and to calibrate with.

    Raises
    ------
    ValueError
        If the splitter can't split the rows, its test folds don't hold every row
        once, or a fold has nothing to fit to.
    """
    n_used = _count(used)
    if isinstance(cv, Integral):
        seed = int(rng.integers(2**31))
        if starts is not None:
            return folds_of_steps(starts, n_rows, cv, seed)
        splitter = KFold(min(cv, n_used), shuffle=True, random_state=seed)
        return [(used[a], used[b]) for a, b in splitter.split(used)]
    ids = None
    if starts is not None:
        ids = np.searchsorted(starts, np.arange(n_rows), side="right")
    try:
        pairs = check_cv(cv).split(X, y, ids)
        splits = [as_indices(*pair, n_rows) for pair in pairs]
    except (TypeError, ValueError, IndexError) as error:
        raise ValueError(
            f"cv={cv!r} doesn't split {n_rows} rows, given X and the y of fit (no "
            f"groups): {error} Any splits may be given as a list of (train, test) "
            "indices, such as list(cv.split(X, y, groups))."
        ) from error
    check_partition(splits, n_rows)
    splits = [(np.intersect1d(a, used), np.intersect1d(b, used)) for a, b in splits]
    splits = [(train, test) for train, test in splits if len(test)]
    if not all(len(train) for train, _ in splits):
        raise ValueError(
            f"A fold of cv={cv!r} trains on no row of positive weight: give folds "
            "that leave some."
        )
    return splits


def _count(rows):
    if len(rows) < 2:
        raise ValueError(
            "At least 2 rows must have a positive sample_weight, one to fit to and one "
            f"to calibrate with; {len(rows)} has."
        )
    return len(rows)


def fit_one(detector, model, rows, split, task):
    """Fit a model to one part of the rows, score the other.

    Parameters
    ----------
    detector : estimator instance
        Whose callbacks hear of it.
    model : estimator instance
        Fitted in place.
    rows : Rows
        All of them.
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
    known, judged = rows.select(train), rows.select(calibration)
    observed = np.ones(len(calibration), dtype=bool)
    if rows_are_steps(model):
        known, _ = select_steps(model, rows, train)
        judged, observed = select_steps(model, rows, calibration)
    with task.propagate_callback_context(model):
        task.call_on_fit_task_begin(estimator=detector, X=known.X, y=known.y)
        model.fit(known.X, known.y, **known.weights_for(model))
        task.call_on_fit_task_end(estimator=detector, X=known.X, y=known.y)
    scores = conformity(model, judged.X)[observed]
    if np.isnan(scores).any():
        row = calibration[np.flatnonzero(np.isnan(scores))[0]]
        raise ValueError(
            f"{type(model).__name__} scores row {row} NaN, which can't be ranked. "
            "Choose a model whose scores are numbers (or -inf)."
        )
    return model, scores


def conformity(model, X):
    """Score rows by what makes them compare: cells that are missing count as usual.

    That is so where the model is, chooses or ends in a detector that judges gaps.
    """
    last = chosen(model)
    while hasattr(last, "steps"):
        last = chosen(last.steps[-1][1])
    if getattr(last, "usual_", None) is not None:
        return model.decision_function(X) + last.offset_
    return log_density(model, X)


def threshold(calibration_scores, level):
    """Find the score below which conformal p-values are at most the level.

    Returns
    -------
    offset : float
        -inf where no p-value can be as small.
    """
    n_rows = len(calibration_scores)
    # As p-values are computed: rounding then agrees.
    n_within = np.count_nonzero(np.arange(1, n_rows + 2) / (n_rows + 1) <= level)
    return float(np.sort(calibration_scores)[n_within - 1]) if n_within else -np.inf


def warn_of_few_rows(n_rows, level):
    """Warn where so few calibration rows allow no p-value of at most the level."""
    if 1 / (n_rows + 1) > level:
        warn(
            f"{n_rows} calibration rows allow no p-value below 1 / {n_rows + 1}, so at "
            f"level={level} predict finds no outlier. Raise level or give more rows.",
            UserWarning,
        )
