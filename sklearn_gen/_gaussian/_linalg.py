"""Linear algebra of covariances: Cholesky factors that survive singular ones."""

import numpy as np
from scipy.linalg import lapack, solve_triangular


def inverse_cholesky(covariance, ridge):
    """Upper P with P P^T = covariance^-1; raises `covariance` in place if singular.

    A pivot counts as zero where what is left of a column's variance, given the columns
    before it, is rounding error. Such columns get their `ridge`, ten times as much at
    each attempt.
    """
    d = len(covariance)
    repaired = np.zeros(d, dtype=bool)
    if d == 0:
        return covariance, repaired  # LAPACK takes no empty matrix
    noise = 4 * d * np.finfo(float).eps
    ridge = np.maximum(ridge, np.finfo(float).tiny)
    while True:
        if not np.isfinite(covariance).all():
            raise ValueError(
                "A covariance matrix is not finite: values of X are so large that "
                "their squares overflow. Rescale the columns, for instance with "
                "StandardScaler."
            )
        diagonal = np.diagonal(covariance)
        factor, info = lapack.dpotrf(covariance, lower=1, clean=1)
        n_done = d if info == 0 else info - 1
        pivots = np.diagonal(factor)[:n_done] ** 2
        singular = np.zeros(d, dtype=bool)
        singular[:n_done] = ~(pivots > noise * diagonal[:n_done])
        singular[n_done : n_done + 1] = True  # the pivot where dpotrf gave up
        if not singular.any():
            inverse, _ = lapack.dtrtri(factor, lower=1)
            return inverse.T, repaired
        repaired |= singular
        # All columns are raised: raising only the singular ones would tilt the
        # ellipsoid by the order of the columns.
        covariance[np.diag_indices(d)] += ridge
        ridge = 10 * ridge


def from_precision(precision):
    """Covariance and upper P with P P^T = precision."""
    flipped, _ = lapack.dpotrf(precision[::-1, ::-1], lower=1, clean=1)
    factor = np.ascontiguousarray(flipped[::-1, ::-1])
    return np.linalg.inv(precision), factor


def unwhiten(noise, factor):
    """Turn rows z into y with z = y @ factor; a 1-D or 0-D factor is diagonal."""
    if factor.ndim < 2:
        return noise / factor
    if factor.size == 0:
        return noise
    return solve_triangular(factor.T, noise.T, lower=True).T


def log_weights(weights):
    """Logarithm of mixture weights; zero weight switches a component off."""
    with np.errstate(divide="ignore"):
        return np.log(weights)


def cast(dtype, *arrays):
    """Arrays as kernels take them: C-contiguous, of one dtype."""
    return tuple(np.ascontiguousarray(array, dtype=dtype) for array in arrays)


def weighted_deviations(X, r, center):
    """Deviations from a center times the root of their weights, zeros left out."""
    kept = np.flatnonzero(r)
    deviations = X[kept] - center
    deviations *= np.sqrt(r[kept])[:, None]
    return deviations


def is_shared(structure):
    """Whether all components have one covariance matrix, of shape (D, D)."""
    return structure.correlated and len(structure.shape(1, 1)) == 2


def definite(structure, covariances, n_components, n_features):
    """`structure.cholesky` of covariances that are definite but for rounding.

    Any columns of a definite matrix make a definite one, but not always in floating
    point: copies of a column may differ by no more than regularisation.
    """
    variances = structure.variances(covariances, n_components, n_features)
    return structure.cholesky(covariances, 1e-8 * variances.mean(axis=0))
