"""A model quick enough to be fitted a thousand times, and rows for it."""

import numpy as np
from sklearn.base import BaseEstimator

NEW = np.random.default_rng(1).normal(scale=1.5, size=(60, 2)).round(1)


class Distance(BaseEstimator):
    """Scores rows by the distance to their mean or, overfitted, the nearest row."""

    def __init__(self, nearest=False, decimals=12):
        self.nearest = nearest
        self.decimals = decimals

    def fit(self, X, y=None, sample_weight=None):
        X = np.asarray(X)
        self.rows_ = X
        if not self.nearest:
            self.rows_ = np.average(X, axis=0, weights=sample_weight)[np.newaxis]
        self.n_features_in_ = X.shape[1]
        return self

    def score_samples(self, X):
        gaps = np.asarray(X)[:, np.newaxis] - self.rows_
        return -np.round(np.sqrt((gaps**2).sum(axis=2)).min(axis=1), self.decimals)
