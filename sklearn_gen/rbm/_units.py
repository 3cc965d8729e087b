"""Visible units: what the columns of a machine are, and their features.

A unit is a column. What a machine sees of it are its features: the value itself, or of
a categorical unit one feature per level, a one where the level is.
"""

from typing import NamedTuple

import numpy as np

BERNOULLI, GAUSSIAN, CATEGORICAL, BINOMIAL = range(4)
KINDS = {
    "bernoulli": BERNOULLI,
    "gaussian": GAUSSIAN,
    "categorical": CATEGORICAL,
    "binomial": BINOMIAL,
}


class Units(NamedTuple):
    """The U visible units, whose features are P columns, unit by unit.

    Attributes
    ----------
    kinds : ndarray of shape (U,), int64
        BERNOULLI, GAUSSIAN, CATEGORICAL or BINOMIAL.
    first : ndarray of shape (U + 1,), int64
        The first feature of each unit, and P.
    trials : ndarray of shape (U,)
        Largest count of a binomial unit; 1 for the others.
    """

    kinds: np.ndarray
    first: np.ndarray
    trials: np.ndarray

    @property
    def n_units(self):
        """Number of units U."""
        return len(self.kinds)

    @property
    def n_features(self):
        """Number of features P."""
        return int(self.first[-1])

    @property
    def n_levels(self):
        """Number of features of each unit, shape (U,)."""
        return np.diff(self.first)

    @property
    def of_feature(self):
        """The unit that each feature is of, shape (P,)."""
        return np.repeat(np.arange(self.n_units), self.n_levels)

    @property
    def feature_kinds(self):
        """The kind of each feature's unit, shape (P,)."""
        return np.repeat(self.kinds, self.n_levels)

    @property
    def feature_trials(self):
        """The trials of each feature's unit, shape (P,)."""
        return np.repeat(self.trials, self.n_levels)

    def are(self, kind):
        """Say whether all units are of one kind."""
        return bool((self.kinds == kind).all())


def make_units(kinds, n_levels=None, trials=None):
    """Line up units.

    Parameters
    ----------
    kinds : sequence of int, of length U
        BERNOULLI, GAUSSIAN, CATEGORICAL or BINOMIAL.
    n_levels : sequence of int or None, default=None
        Of each unit its number of features: 1 but for categorical units. None: all 1.
    trials : sequence of float or None, default=None
        Of each unit its largest count: 1 but for binomial units. None: all 1.

    Returns
    -------
    units : Units
    """
    kinds = np.asarray(kinds, dtype=np.int64)
    n_levels = np.ones(len(kinds), np.int64) if n_levels is None else n_levels
    trials = np.ones(len(kinds)) if trials is None else trials
    first = np.concatenate([[0], np.cumsum(n_levels)]).astype(np.int64)
    return Units(kinds, first, np.asarray(trials, dtype=np.float64))


def features(X, units):
    """Features of rows.

    Parameters
    ----------
    X : ndarray of shape (n, U)
        Values; of categorical units codes from 0. NaN means not observed.
    units : Units
        What the columns are.

    Returns
    -------
    F : ndarray of shape (n, P)
        In the dtype of `X`, NaN in every feature of a cell that is not observed. A
        code beyond the levels has zeros alone.
    """
    if not (units.kinds == CATEGORICAL).any():
        return X
    of = units.of_feature
    level = (np.arange(units.n_features) - units.first[of]).astype(X.dtype)
    repeated = X[:, of]
    hot = (repeated == level).astype(X.dtype)
    hot[np.isnan(repeated)] = np.nan
    return np.where(units.feature_kinds == CATEGORICAL, hot, repeated)


def values(F, units):
    """Values of rows, from features: the inverse of `features`.

    Parameters
    ----------
    F : ndarray of shape (n, P)
        Features; probabilities of levels give the likeliest level.
    units : Units
        What the features are of.

    Returns
    -------
    X : ndarray of shape (n, U)
        In the dtype of `F`.
    """
    X = F[:, units.first[:-1]]
    if not (units.kinds == CATEGORICAL).any():
        return X
    X = X.copy()
    for u in np.flatnonzero(units.kinds == CATEGORICAL):
        levels = F[:, units.first[u] : units.first[u + 1]]
        code = levels.argmax(axis=1)
        X[:, u] = np.where(np.isnan(levels[:, 0]), np.nan, code)
    return X
