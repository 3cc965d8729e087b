"""Thresholds of classes: log densities that few of their rows to come fall below."""

import warnings

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.model_selection import KFold

from sklearn_gen._inner._density import log_density
from sklearn_gen._inner._gaps import hide, missing_cells
from sklearn_gen._inner._quantiles import weighted_quantile
from sklearn_gen._inner._rows import Rows
from sklearn_gen.classifier._refits import going_on, learns_measures

# Densities score rows of their own fit too high: each fold is judged by a fit to the
# others. Classes of fewer rows are judged by their own fit all the same.
_FOLDS = 5
_FEWEST_ROWS = 4 * _FOLDS
# Of unlabelled rows, smaller shares in a class are left out.
_NEGLIGIBLE = 1e-6
# Of each class, for thresholds of rows with gaps: a share of 0.01 is met to 0.003.
_DRAWS = 1000


def class_thresholds(densities, rows, share, n_jobs=None):
    """Find the log density of each class that a share of its rows is below.

    Parameters
    ----------
    densities : list of estimator
        Fitted; what judges rows held out are clones of them.
    rows : ClassRows
        What they were fitted to.
    share : float or None
        Of each class, by weight; None is none at all.
    n_jobs : int or None
        Threads, over classes.

    Returns
    -------
    offsets : ndarray of shape (n_classes,)
        In nats.
    """
    if share is None:
        return np.full(len(densities), -np.inf)
    weights = rows.weights().T
    with warnings.catch_warnings():  # those of the fits to all rows were said
        warnings.simplefilter("ignore")
        scored = Parallel(n_jobs, prefer="threads")(
            delayed(_scores)(density, rows.X, weight)
            for density, weight in zip(densities, weights, strict=True)
        )
    return np.array([weighted_quantile(s, share, weight) for s, weight in scored])


def threshold(density, rows, share):
    """Find the log density that a share of rows is below, by the density's own fit."""
    if share is None:
        return -np.inf
    scores = log_density(density, rows.X)
    return weighted_quantile(scores, share, rows.sample_weight)


def _scores(density, X, weight):
    """Log density of each row of a class, held out where there are enough."""
    used = np.flatnonzero(weight > _NEGLIGIBLE * weight.max(initial=0.0))
    plain = (weight[used] == 1.0).all()
    part = Rows(X, None, None if plain else weight).select(used)
    if len(used) >= _FEWEST_ROWS:
        splits = KFold(_FOLDS, shuffle=True, random_state=0).split(used)
        try:
            scores = np.empty(len(used))
            for train, test in splits:
                known = part.select(train)
                fresh = going_on if learns_measures(density) else clone
                fitted = fresh(density).fit(known.X, **known.weights_for(density))
                scores[test] = log_density(fitted, part.select(test).X)
        except ValueError:  # four fifths of the rows are too few for this density
            pass
        else:
            return scores, part.sample_weight
    return log_density(density, part.X), part.sample_weight


def unlikely_in_all(classifier, log_joint, X):
    """Say which rows are below the thresholds of all classes.

    Parameters
    ----------
    classifier : GenerativeClassifier
        Fitted.
    log_joint : ndarray of shape (n_samples, n_classes)
        log p(x, class), in nats.
    X : array-like of shape (n_samples, n_features)
        The rows.

    Returns
    -------
    unlikely : ndarray of bool, shape (n_samples,)
    """
    possible = np.flatnonzero(classifier.class_prior_ > 0)
    thresholds = _thresholds_of_rows(
        [classifier.estimators_[k] for k in possible],
        classifier.offsets_[possible],
        classifier.contamination,
        X,
    )
    log_density = log_joint[:, possible] - np.log(classifier.class_prior_[possible])
    return (log_density < thresholds).all(axis=1)


def _thresholds_of_rows(densities, offsets, share, X):
    """Find the thresholds of rows, (n_samples, n_classes), by what is observed of each.

    Densities of fewer cells are larger or smaller for that reason alone. So draws of
    each class are given the same gaps, and the threshold is what that share of them is
    below. It is moved as the one of complete rows is against that of complete draws,
    in proportion to the cells observed: rows to come score lower than draws.
    """
    missing = missing_cells(X)
    if not (missing.any() and np.isfinite(offsets).any()):
        return offsets
    patterns, of_row = np.unique(missing, axis=0, return_inverse=True)
    by_pattern = np.tile(offsets, (len(patterns), 1))
    for k in np.flatnonzero(np.isfinite(offsets)):
        draws = densities[k].sample(_DRAWS, random_state=0)
        moved = offsets[k] - weighted_quantile(log_density(densities[k], draws), share)
        for p in np.flatnonzero(patterns.any(axis=1)):
            hidden = hide(draws, np.flatnonzero(patterns[p]))
            usual = weighted_quantile(log_density(densities[k], hidden), share)
            by_pattern[p, k] = usual + moved * (1.0 - patterns[p].mean())
    return by_pattern[of_row.ravel()]
