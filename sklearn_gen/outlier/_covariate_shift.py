"""How much likelier rows are where they come from than among calibration rows."""

from importlib import import_module

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gen._columns import container_of
from sklearn_gen._inner._rows import count_rows
from sklearn_gen._validation import check_weights

# A probability of 0 or 1 would give one row all the weight.
_MARGIN = 1e-6


def check_covariate_shift(covariate_shift, method):
    """Refuse what says nothing about densities, and methods without a weighted form.

    Raises
    ------
    ValueError
        Saying what was given and what may be.
    """
    if covariate_shift is None:
        return
    if isinstance(covariate_shift, str):
        known = covariate_shift == "auto"
    elif isinstance(covariate_shift, type):
        known = False
    else:
        known = hasattr(covariate_shift, "predict_proba") or callable(covariate_shift)
    if not known:
        raise ValueError(
            "covariate_shift must be None, 'auto', a classifier with predict_proba or "
            f"a callable that gives each row's density ratio, got {covariate_shift!r}."
        )
    if method == "cross":
        raise ValueError(
            f"covariate_shift={covariate_shift!r} needs method='split': no weighted "
            "form of cross-conformal p-values is known to be valid."
        )


def density_ratio(covariate_shift, calibration_rows, rows):
    """Weigh calibration rows and rows by the ratio of their densities.

    Parameters
    ----------
    covariate_shift : "auto", classifier or callable
        What `ConformalOutlierDetector` was given.
    calibration_rows : array-like of shape (n_calibration, n_features)
        Rows that the p-values compare with.
    rows : array-like of shape (n_samples, n_features)
        Rows that need p-values.

    Returns
    -------
    calibration_weight : ndarray of shape (n_calibration,)
        Up to the same factor as `weight`.
    weight : ndarray of shape (n_samples,)
        Large where rows are likelier than calibration rows.

    Raises
    ------
    ValueError
        If what a callable gives is no ratio for each row.
    """
    n_calibration, n_rows = count_rows(calibration_rows), count_rows(rows)
    if not isinstance(covariate_shift, str) and not hasattr(covariate_shift, "fit"):
        name = "covariate_shift of the calibration rows"
        weight = check_weights(
            covariate_shift(calibration_rows), n_calibration, name=name
        )
        name = "covariate_shift of X"
        return weight, check_weights(
            covariate_shift(rows), n_rows, name=name, some_positive=False
        )
    both = _stacked(calibration_rows, rows)
    auto = isinstance(covariate_shift, str)
    classifier = _logistic(both) if auto else clone(covariate_shift)
    is_new = np.arange(n_calibration + n_rows) >= n_calibration
    probability = classifier.fit(both, is_new).predict_proba(both)[:, 1]
    odds = np.clip(probability, _MARGIN, 1 - _MARGIN)
    odds /= 1 - odds
    return odds[:n_calibration], odds[n_calibration:]


def _logistic(rows):
    scaler = StandardScaler(with_mean=not sparse.issparse(rows))  # zeros stay zeros
    return make_pipeline(
        SimpleImputer(keep_empty_features=True), scaler, LogisticRegression()
    )


def _stacked(above, below):
    if sparse.issparse(above) or sparse.issparse(below):
        return sparse.vstack([above, below], format="csr")
    container = container_of(below)
    if container == "numpy" or container != container_of(above):
        return np.vstack([np.asarray(above), np.asarray(below)])
    return import_module(container).concat([above, below])
