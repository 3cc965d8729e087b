"""What a detector makes of a density: how abnormal a row is."""

from typing import NamedTuple

import numpy as np

from sklearn_gen._inner._density import (
    allows_gaps,
    declares_kind,
    log_density,
    refuse_without_marginals,
)
from sklearn_gen._inner._gaps import missing_cells
from sklearn_gen._inner._rows import Rows, count_rows
from sklearn_gen._inner._sequences import columns_of_ids, some_rows
from sklearn_gen._validation import chosen, weighted_sum
from sklearn_gen.outlier._masking import single_columns

_COLUMNS = "independent"
# Enough rows for a mean.
_ROWS_TO_ASK = 1000
_ROWS_BEHIND_TRANSFORMERS = 50


class Learned(NamedTuple):
    """What was learned of the rows."""

    density: object
    background: object  # "independent", or a density
    usual_cells: np.ndarray | None = None  # mean log density of each column alone
    mean_log_density: float | None = None  # of rows like those to come
    offset: float | None = None  # the threshold


def check_background(background, score_type):
    """Raise where a background is not what it must be.

    Raises
    ------
    ValueError
        If it is some other word, or given for another score.
    """
    if background is None or (isinstance(background, str) and background != _COLUMNS):
        raise ValueError(
            f"background must be {_COLUMNS!r} or a density, got {background!r}."
        )
    if score_type != "ratio" and not isinstance(background, str):
        raise ValueError(
            f"background={background!r} with score_type={score_type!r}, which has "
            "none: use score_type='ratio', or leave background out."
        )


def score_rows(score_type, learned, X):
    """Score rows by what is observed; the lower, the more abnormal.

    Parameters
    ----------
    score_type : {'nll', 'typicality', 'ratio'}
        What to make of the density.
    learned : Learned
        By which to score.
    X : array-like of shape (n_samples, n_features)
        Rows.

    Returns
    -------
    scores : ndarray of shape (n_samples,)
        In nats.
    """
    log_prob = log_density(learned.density, X)
    if score_type == "typicality":
        return -np.abs(log_prob + of_gaps(learned, X) - learned.mean_log_density)
    if score_type == "ratio":
        if isinstance(learned.background, str):
            return log_prob - _log_density_of_columns(learned.density, X)
        return log_prob - log_density(learned.background, X)
    return log_prob


def judge_rows(score_type, learned, X):
    """Score rows as if what is missing were usual, so that all rows compare.

    Densities of fewer cells are larger or smaller for that reason alone; typicality and
    ratios are not.
    """
    scores = score_rows(score_type, learned, X)
    return scores + of_gaps(learned, X) if score_type == "nll" else scores


def of_gaps(learned, X):
    """Usual log density of the cells that each row lacks."""
    if learned.usual_cells is None:  # such a density has none
        return 0.0
    missing = missing_cells(X)
    return missing @ learned.usual_cells if missing.any() else 0.0


def usual_cells(density, X, sample_weight):
    """Mean log density of each column alone; None for a density without marginals.

    Minus its entropy, that is. Of a column that is never observed 0. Behind
    transformers a row with gaps may take an integral: there few rows are asked, and
    those of a complete table not at all.
    """
    if not (declares_kind(density) and allows_gaps(density)):
        return None
    n_asked = _ROWS_TO_ASK
    if hasattr(chosen(density), "steps"):
        if not missing_cells(X).any():
            return None
        n_asked = _ROWS_BEHIND_TRANSFORMERS
    some = some_rows(density, count_rows(X), n_asked)
    X, _, weight = Rows(X, None, sample_weight).select(some)
    weight = np.ones(len(some)) if weight is None else weight
    cells = np.zeros(missing_cells(X).shape[1])
    for j, alone in enumerate(single_columns(X, columns_of_ids(density, X))):
        log_prob = log_density(density, alone)
        seen = weight * (~missing_cells(alone)[:, j] & np.isfinite(log_prob))
        if seen.any():
            cells[j] = np.average(np.where(seen > 0, log_prob, 0.0), weights=seen)
    return cells


def mean_log_density(learned, X, sample_weight):
    """Mean log density of rows that have any: minus the entropy, estimated."""
    log_prob = log_density(learned.density, X) + of_gaps(learned, X)
    possible = np.isfinite(log_prob)
    weight = possible.astype(float) if sample_weight is None else sample_weight
    weight = np.where(possible, weight, 0.0)
    if not weight.any():
        return -np.inf
    total, n_rows = weighted_sum(np.where(possible, log_prob, 0.0), weight)
    return total / n_rows


def _log_density_of_columns(density, X):
    """Log density of the rows if their columns were independent."""
    refuse_without_marginals(density, "score_type='ratio' with independent columns")
    parts = single_columns(X, columns_of_ids(density, X))
    columns = [log_density(density, alone) for alone in parts]
    return np.where(missing_cells(X).T, 0.0, columns).sum(axis=0)
