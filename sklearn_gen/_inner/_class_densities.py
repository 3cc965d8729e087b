"""One density for each class, fitted to weighted rows."""

import warnings
from contextlib import nullcontext
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone

from sklearn_gen._inner._density import log_density
from sklearn_gen._inner._rows import Rows
from sklearn_gen._inner._weights import takes_weights
from sklearn_gen._validation import chosen, warn

# Classes of fewer rows borrow one row's weight from all others.
FEW_ROWS = 5
_ROWS_LOOKED_AT = 200
# Of unlabelled rows, smaller shares in a class are left out of its fit.
_NEGLIGIBLE = 1e-6


class ClassRows(NamedTuple):
    """Training rows, and how much of each belongs to which class.

    Attributes
    ----------
    X : array-like of shape (n_samples, n_features)
        Rows.
    sample_weight : ndarray of shape (n_samples,) or None
        Weights.
    shares : ndarray of shape (n_samples, n_classes)
        Of labelled rows zeros and a one.
    """

    X: object
    sample_weight: np.ndarray | None
    shares: np.ndarray

    def weights(self):
        """Weight of each row in each class, (n_samples, n_classes)."""
        if self.sample_weight is None:
            return self.shares
        return self.shares * self.sample_weight[:, None]


def fit_densities(densities, rows, labels, n_jobs=None, *, quiet=False, say=True):
    """Fit each density to the rows of its class.

    Parameters
    ----------
    densities : list of estimator
        Unfitted, one for each class.
    rows : ClassRows
        What to learn from.
    labels : ndarray of shape (n_classes,)
        For messages.
    n_jobs : int or None
        Threads.
    quiet : bool
        Whether to keep warnings of the fits from the user: a default answers for them.
    say : bool
        Whether to warn of classes with few rows.

    Returns
    -------
    densities : list of estimator
        Fitted; of a search, what it chose.
    """
    jobs = []
    weights = rows.weights()
    for k, density in enumerate(densities):
        weight = weights[:, k]
        n_rows = _count_distinct(rows.X, rows.shares[:, k])
        if n_rows < FEW_ROWS:
            if say:
                _warn_of_few(n_rows, labels.tolist()[k])
            if takes_weights(density):
                weight = _borrowed(weight, rows, n_rows)
        used = np.flatnonzero(weight > _NEGLIGIBLE * weight.max(initial=0.0))
        plain = rows.sample_weight is None and (weight[used] == 1.0).all()
        part = Rows(rows.X, None, None if plain else weight).select(used)
        jobs.append(delayed(_fit)(density, part))
    with warnings.catch_warnings() if quiet else nullcontext():
        if quiet:
            warnings.simplefilter("ignore")
        return Parallel(n_jobs, prefer="threads")(jobs)


def _fit(density, rows):
    return chosen(density.fit(rows.X, **rows.weights_for(density)))


def _count_distinct(X, share):
    """Number of distinct rows of a class, as far as that is few."""
    members = np.flatnonzero(share > 0.5)[:_ROWS_LOOKED_AT]
    if len(members) == 0:
        return 0
    cells = np.asarray(Rows(X, None, None).select(members).X, dtype=object)
    return len({tuple(row) for row in cells.tolist()})


def _warn_of_few(n_rows, label):
    warn(
        f"Class {label!r} has {n_rows} distinct rows, too few for a density of its "
        "own: where the density takes weights, all other rows together count as one "
        "of them.",
        UserWarning,
    )


def _borrowed(weight, rows, n_rows):
    """Weights of a class with few rows: those of the others make up one row."""
    whole = np.ones(len(weight))
    others = np.where(
        weight > 0, 0.0, rows._replace(shares=whole[:, None]).weights()[:, 0]
    )
    total = others.sum()
    if total == 0:
        return weight
    return weight + others * (weight.sum() / max(n_rows, 1) / total)


def log_joint(densities, log_prior, X, n_jobs=None):
    """Compute log p(x, class), (n_samples, n_classes); None has no density."""
    n_rows = len(X) if hasattr(X, "__len__") else X.shape[0]
    never = np.full(n_rows, -np.inf)
    scores = Parallel(n_jobs, prefer="threads")(
        delayed(_score)(density, X, never) for density in densities
    )
    return np.stack(scores, axis=1) + log_prior


def _score(density, X, never):
    return never if density is None else log_density(density, X)


def clones(density, n_classes):
    """Unfitted copies, one for each class."""
    return [clone(density) for _ in range(n_classes)]
