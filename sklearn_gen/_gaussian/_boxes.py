"""Probabilities of axis-aligned boxes under Gaussian mixtures."""

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from sklearn_gen._blocks import missing_patterns

# A column that leaves its interval with less than this probability is not integrated.
_NEGLIGIBLE = 1e-13
# Points of the quasi-Monte-Carlo integral. 32,768 of them leave an error in the log
# probability of 5e-6 in 13 correlated columns (quantiles of wine, probability 0.7) and
# of 3e-4 in 30 nearly collinear ones (breast cancer, 0.65), in 0.03 to 0.15 s a
# component; errors shrink with the probability of leaving the box.
_LOG2_POINTS = 15
_CELLS_AT_ONCE = 4_000_000


def box_probability(structure, params, lower, upper):
    """P(lower < x < upper); infinite bounds leave a column free.

    Exact where components are axis-aligned or one column is bounded in earnest;
    otherwise integrated numerically, always with the same points.
    """
    bounded = np.flatnonzero(np.isfinite(lower) | np.isfinite(upper))
    means, covariances = params.means[:, bounded], params.covariances
    covariances = structure.select(covariances, bounded)
    if structure.correlated:
        matrices = [structure.matrix(covariances, k) for k in range(len(means))]
    else:
        matrices = [np.diag(v) for v in structure.variances(covariances, *means.shape)]
    inside = [
        _box(mean[None], matrix, lower[bounded], upper[bounded])[0]
        for mean, matrix in zip(means, matrices, strict=True)
    ]
    return float(params.weights @ inside)


def conditional_box_probability(structure, params, X, resp, lower, upper):
    """P(missing cells in their intervals | observed cells) of each row of X.

    `resp` is p(component | observed cells), (N, K). Complete rows have probability one.
    """
    probability = np.ones(len(X))
    bounded = np.isfinite(lower) | np.isfinite(upper)
    for observed, rows in missing_patterns(X):
        if observed is None or not (bounded & ~observed).any():
            continue
        B, left = structure.regression(params, observed)
        missing = np.flatnonzero(~observed)
        at = np.flatnonzero(bounded[missing])
        total = 0.0
        for k, mean in enumerate(params.means):
            deviations = X[np.ix_(rows, observed)] - mean[observed]
            centers = mean[missing[at]] + deviations @ B[k][at].T
            inside = _box(
                centers, left[k][np.ix_(at, at)], lower[missing[at]], upper[missing[at]]
            )
            total = total + resp[rows, k] * inside
        probability[rows] = total
    return probability


def _box(means, covariance, lower, upper):
    """P(lower < x < upper) under normal distributions that share a covariance.

    Parameters
    ----------
    means : ndarray of shape (N, D)
    covariance : ndarray of shape (D, D)
    lower, upper : ndarray of shape (D,)

    Returns
    -------
    probability : ndarray of shape (N,)
    """
    deviations = np.sqrt(np.diagonal(covariance))
    low, high = (lower - means) / deviations, (upper - means) / deviations
    outside = (ndtr(low) + ndtr(-high)).max(axis=0, initial=0.0)
    kept = np.argsort(-outside)  # hardest first: less variance is left to the others
    kept = kept[outside[kept] > _NEGLIGIBLE]
    low, high = low[:, kept], high[:, kept]
    correlation = (covariance / np.outer(deviations, deviations))[np.ix_(kept, kept)]
    if np.count_nonzero(correlation) <= len(kept):  # diagonal
        return (ndtr(high) - ndtr(low)).prod(axis=1)
    factor = _cholesky(correlation)
    points = _points(len(kept) - 1)
    n_rows = max(1, _CELLS_AT_ONCE // points.size)
    return np.concatenate([
        _integral(low[i : i + n_rows], high[i : i + n_rows], factor, points)
        for i in range(0, len(means), n_rows)
    ])  # fmt: skip


def _integral(low, high, factor, points):
    """Genz's separation of variables (doi:10.1080/10618600.1992.10477010)."""
    n_points, d = points.shape
    shape = (len(low), n_points)
    probability, whitened = np.ones(shape), np.empty((d, *shape))
    for i, row in enumerate(factor):
        shift = np.tensordot(row[:i], whitened[:i], axes=1)
        below = ndtr((low[:, i, None] - shift) / row[i])
        width = ndtr((high[:, i, None] - shift) / row[i]) - below
        probability *= width
        if i < d:
            at = np.clip(below + points[:, i] * width, 1e-300, 1 - 1e-16)
            whitened[i] = ndtri(at)
    return probability.mean(axis=1)


def _points(d):
    """Points in the unit cube; the same at every call, so that scores repeat."""
    # Scrambled by a fixed seed, given as scipy >= 1.13 takes it.
    sobol = qmc.Sobol(d, scramble=True, seed=np.random.default_rng(0))
    return sobol.random_base2(_LOG2_POINTS)


def _cholesky(correlation):
    # Duplicated columns leave a pivot of zero; 1e-12 of variance stands in for it.
    return np.linalg.cholesky(correlation + 1e-12 * np.eye(len(correlation)))
