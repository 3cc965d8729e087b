"""The smallest models that keep the contract: what tests break to try the checks."""

import warnings

import numpy as np

from sklearn_gen.base import (
    ConditionalMixin,
    DegenerateDataWarning,
    GenerativeModel,
    InformationCriteriaMixin,
)

LOG_2PI = np.log(2.0 * np.pi)


def _moments(X, sample_weight):
    if sample_weight is None:
        sample_weight = np.ones(len(X))
    total = sample_weight.sum()
    mean = sample_weight @ X / total
    centred = X - mean
    return total, mean, (sample_weight[:, None] * centred).T @ centred / total


class ReferenceGaussian(InformationCriteriaMixin, ConditionalMixin, GenerativeModel):
    """One Gaussian; its mean may be pulled half-way to a starting value."""

    _parameter_constraints = {  # noqa: RUF012  as scikit-learn has it
        "means_init": ["array-like", None],
        "n_jobs": [int, None],
        "random_state": ["random_state", np.random.Generator],
    }

    def __init__(self, *, means_init=None, n_jobs=None, random_state=None):
        self.means_init = means_init
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit(self, X, sample_weight, rng):
        X = self._fill(np.asarray(X, dtype=np.float64))
        self.total_, mean, covariance = _moments(X, sample_weight)
        if self.means_init is not None:
            mean = (mean + np.asarray(self.means_init)) / 2.0
        self._set(mean, covariance)

    def _fill(self, X):
        """Missing cells teach the mean of their column, if there is one."""
        observed = ~np.isnan(X)
        counts = observed.sum(axis=0)
        if not counts.all():
            empty = ", ".join(
                self.schema_.label(j) for j in np.flatnonzero(counts == 0)
            )
            raise ValueError(f"Nothing is observed in {empty}: drop it.")
        means = np.where(observed, X, 0.0).sum(axis=0) / counts
        return np.where(observed, X, means)

    def _set(self, mean, covariance):
        variance = np.diag(covariance)
        floor = 1e-9 * np.where(variance > 0, variance, 1.0 + mean**2)
        weak = variance <= 1e-12 * mean**2
        if weak.any() or np.linalg.matrix_rank(covariance, hermitian=True) < len(mean):
            columns = ", ".join(self.schema_.label(j) for j in range(len(mean)))
            message = f"Variances of {columns} are raised by 1e-9 of their size."
            warnings.warn(message, DegenerateDataWarning, stacklevel=4)
        self.means_ = mean
        self.covariance_ = covariance + np.diag(floor)

    def partial_fit(self, X, y=None, sample_weight=None):
        first = not hasattr(self, "means_")
        X, sample_weight = self._check_training_rows(X, sample_weight, reset=first)
        total, mean, covariance = _moments(self._fill(X), sample_weight)
        if not first:
            share = total / (self.total_ + total)
            step = mean - self.means_
            covariance = (1 - share) * self.covariance_ + share * covariance
            covariance = covariance + share * (1 - share) * np.outer(step, step)
            mean = self.means_ + share * step
            total += self.total_
        self.total_ = total
        self._set(mean, covariance)
        return self

    def _n_parameters(self):
        d = self.n_features_in_
        return d + d * (d + 1) // 2

    def _conditional(self, row):
        """Mean and covariance of the missing cells given the observed ones."""
        seen, hidden = ~np.isnan(row), np.isnan(row)
        cross = self.covariance_[np.ix_(hidden, seen)]
        gain = np.linalg.solve(self.covariance_[np.ix_(seen, seen)], cross.T).T
        mean = self.means_[hidden] + gain @ (row[seen] - self.means_[seen])
        return mean, self.covariance_[np.ix_(hidden, hidden)] - gain @ cross.T

    def _score_samples(self, X):
        X = np.asarray(X, dtype=np.float64)
        log_prob = np.empty(len(X))
        patterns, index = np.unique(np.isnan(X), axis=0, return_inverse=True)
        for p, pattern in enumerate(patterns):
            rows, seen = index.ravel() == p, ~pattern
            root = np.linalg.cholesky(self.covariance_[np.ix_(seen, seen)])
            white = np.linalg.solve(root, (X[rows][:, seen] - self.means_[seen]).T)
            log_det = np.log(np.diag(root)).sum()
            square = np.einsum("dn,dn->n", white, white)
            log_prob[rows] = -0.5 * (seen.sum() * LOG_2PI + square) - log_det
        return log_prob

    def _sample(self, n_samples, rng):
        return self._draw(self.means_, self.covariance_, rng, n_samples)

    def _sample_conditional(self, X, rng):
        drawn = np.array(X, dtype=np.float64)
        for row in drawn:
            if np.isnan(row).any():
                row[np.isnan(row)] = self._draw(*self._conditional(row), rng, 1)[0]
        return drawn

    def _draw(self, mean, covariance, rng, n_samples):
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        return mean + rng.standard_normal((n_samples, len(mean))) @ root.T


class ReferenceBernoulli(GenerativeModel):
    """Independent zeros and ones."""

    _base_measure = "counting"
    _parameter_constraints = {  # noqa: RUF012
        "random_state": ["random_state", np.random.Generator]
    }

    def __init__(self, *, random_state=None):
        self.random_state = random_state

    def _fit(self, X, sample_weight, rng):
        weight = np.ones(len(X)) if sample_weight is None else sample_weight
        self.chance_ = (weight @ X + 0.5) / (weight.sum() + 1.0)

    def _score_samples(self, X):
        log_chance, log_rest = np.log(self.chance_), np.log1p(-self.chance_)
        return np.where(X > 0, log_chance, log_rest).sum(axis=1)

    def _sample(self, n_samples, rng):
        uniform = rng.random((n_samples, self.n_features_in_))
        return (uniform < self.chance_).astype(np.float64)
