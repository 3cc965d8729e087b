"""A complete model: independent Laplace distributions, one per column."""

import warnings

import numpy as np

from sklearn_gen import DegenerateDataWarning, GenerativeModel


class LaplaceDensity(GenerativeModel):
    """p(x) is a product over columns of exp(-|x - center| / scale) / (2 scale)."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def _fit(self, X, sample_weight, rng):
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        self.center_ = np.quantile(
            X, 0.5, axis=0, weights=weight, method="inverted_cdf"
        )
        spread = np.average(np.abs(X - self.center_), axis=0, weights=weight)
        for column in np.flatnonzero(spread == 0):
            warnings.warn(
                f"{self.schema_.label(column)} is constant; its scale is set to 1e-9.",
                DegenerateDataWarning,
                stacklevel=2,
            )
        self.scale_ = np.maximum(spread, 1e-9)

    def _score_samples(self, X):
        distance = np.abs(X - self.center_) / self.scale_
        return -(distance + np.log(2 * self.scale_)).sum(axis=1)

    def _sample(self, n_samples, rng):
        size = (n_samples, len(self.center_))
        return rng.laplace(self.center_, self.scale_, size=size)
