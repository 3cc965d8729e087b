"""A model that does nothing, and says so."""

from typing import ClassVar

import numpy as np

from sklearn_gen.base import GenerativeModel


class Recorder(GenerativeModel):
    """Standard normal that records what it is given."""

    _parameter_constraints: ClassVar[dict] = {"random_state": ["random_state"]}

    def __init__(self, random_state=None):
        self.random_state = random_state

    def _fit(self, X, sample_weight, rng):
        self.weight_ = sample_weight

    def _score_samples(self, X):
        return -0.5 * (X**2).sum(axis=1) - 0.5 * X.shape[1] * np.log(2 * np.pi)

    def _sample(self, n_samples, rng):
        return rng.normal(size=(n_samples, self.n_features_in_))

    def sample(self, n_samples=1, *, random_state=None, shift=0.0):
        return super().sample(n_samples, random_state=random_state) + shift
