"""The smallest model of mixed columns: what the base class is tried with."""

import numpy as np
from scipy.special import ndtr

from sklearn_gen.base import ConditionalMixin, GenerativeModel


class ReferenceTable(ConditionalMixin, GenerativeModel):
    """Independent columns: frequencies of levels, normal numbers, masses of cells."""

    _mixed_columns = True
    _parameter_constraints = {  # noqa: RUF012  as scikit-learn has it
        "categorical_features": ["array-like", str],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(self, *, categorical_features="from_dtype", random_state=None):
        self.categorical_features = categorical_features
        self.random_state = random_state

    def _fit(self, X, sample_weight, rng):
        assert X.dtype == np.float64
        assert X.flags.c_contiguous
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        self.columns_ = [
            self._learn(j, x[~np.isnan(x)], weight[~np.isnan(x)])
            for j, x in enumerate(X.T)
        ]

    def _learn(self, j, x, weight):
        if len(x) == 0:
            return None
        if self.schema_.kinds[j] == "categorical":
            n_levels = len(self.schema_.categories[j])
            counts = np.bincount(x.astype(int), weight, minlength=n_levels + 1)
            return (counts + 0.5) / (counts + 0.5).sum()
        mean = np.average(x, weights=weight)
        return mean, np.sqrt(np.average((x - mean) ** 2, weights=weight) + 1e-9)

    def _score_samples(self, X):
        log_prob = np.zeros(len(X))
        for j, known in enumerate(self.columns_):
            seen = ~np.isnan(X[:, j])
            if known is not None:
                log_prob[seen] += self._log_prob(j, known, X[seen, j])
        return log_prob

    def _log_prob(self, j, known, x):
        if self.schema_.kinds[j] == "categorical":
            return np.log(known[x.astype(int)])
        mean, scale = known
        half = self.schema_.resolution[j] / 2
        z = np.abs(x - mean)
        if half:
            with np.errstate(divide="ignore"):
                return np.log(ndtr((half - z) / scale) - ndtr((-half - z) / scale))
        return -0.5 * (z / scale) ** 2 - np.log(scale * np.sqrt(2 * np.pi))

    def _sample(self, n_samples, rng):
        drawn = np.full((n_samples, len(self.columns_)), np.nan)
        for j, known in enumerate(self.columns_):
            if self.schema_.kinds[j] == "categorical" and known is not None:
                seen = known[:-1] / known[:-1].sum()
                drawn[:, j] = rng.choice(len(seen), size=n_samples, p=seen)
            elif known is not None:
                drawn[:, j] = rng.normal(*known, size=n_samples)
        return drawn

    def _sample_conditional(self, X, rng):
        return np.where(np.isnan(X), self._sample(len(X), rng), X)
