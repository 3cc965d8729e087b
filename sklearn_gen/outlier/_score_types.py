"""What a detector makes of a density: how abnormal a row is."""

from typing import NamedTuple

import numpy as np

from sklearn_gen._validation import weighted_sum
from sklearn_gen.outlier._inner import log_density, refuse_without_marginals
from sklearn_gen.outlier._masking import missing_cells, single_columns


class Learned(NamedTuple):
    """What was learned of the rows."""

    density: object
    background: object  # "independent", or a density
    usual: float | None = None  # mean log density of rows like those to come
    offset: float | None = None  # the threshold


def score_rows(score_type, learned, X):
    """Score rows; the lower, the more abnormal.

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
        return -np.abs(log_prob - learned.usual)
    if score_type == "ratio":
        if isinstance(learned.background, str):
            return log_prob - _log_density_of_columns(learned.density, X)
        return log_prob - log_density(learned.background, X)
    return log_prob


def usual_log_density(density, X, sample_weight):
    """Mean log density of rows that have any: minus the entropy, estimated."""
    log_prob = log_density(density, X)
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
    columns = [log_density(density, alone) for alone in single_columns(X)]
    return np.where(missing_cells(X).T, 0.0, columns).sum(axis=0)
