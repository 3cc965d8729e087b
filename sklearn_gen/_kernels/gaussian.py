"""Gaussian mixtures: log densities of rows, and moments weighted by responsibilities.

Rows are taken in blocks of a few hundred that stay in the cache, and no array has n
rows but the results. float32 data are worked on in float32 within a block and summed
over blocks in float64.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.blocks import aligned_zeros, load_block, new_block, new_group
from sklearn_gen._kernels.mixture import expect, write_posterior
from sklearn_gen._kernels.scatter import diag_scatter, new_scatter, scatter, symmetric
from sklearn_gen._kernels.whitening import diag_log_densities, pack_triangles, whiten

_HALF_LOG_2_PI = 0.9189385332046727


class Moments(NamedTuple):
    """Sums over rows, float64, with r_ik = w_i p(k | x_i) and z_ik = x_i - center_k."""

    log_likelihood: float  # sum of w_i log p(x_i)
    s0: np.ndarray  # (K,) sum of r_ik
    s1: np.ndarray  # (K, d) sum of r_ik z_ik
    s2: np.ndarray  # full (K, d, d), diag (K, d), tied (d, d) = sum of w_i z_i z_i^T


class Posterior(NamedTuple):
    """Scores of rows, in their dtype."""

    log_prob: np.ndarray  # (n,) log p(x_i)
    resp: np.ndarray  # (n, K) p(k | x_i), or (0, K) where it was not asked for


@jit
def _constants(log_weights, log_det, d):
    """log w_k + log det P_k - d/2 log(2 pi); ``log_det`` has K values or 1."""
    out = np.empty_like(log_weights)
    for k in range(len(out)):
        out[k] = log_weights[k] + log_det[min(k, len(log_det) - 1)]
        out[k] -= out.dtype.type(d * _HALF_LOG_2_PI)
    return out


# -- full ------------------------------------------------------------------------


@jit
def _full_log_joint(rows, groups, d, constants, means, packed, z, log_joint):
    """log p(x_i, k) of a block; ``packed`` has K triangles or 1."""
    for k in range(len(constants)):
        t = min(k, len(packed) - 1)
        whiten(
            rows, groups, d, means, k, packed, t, z, z[:0], log_joint, k, constants[k]
        )


@kernel
def full_moments(
    X, sample_weight, log_weights, means, precisions_cholesky, log_det, centers
):
    """One pass of EM over rows: responsibilities and the moments they weigh.

    Parameters
    ----------
    X : array of shape (n, d)
    sample_weight : array of shape (n,) or (0,)
        Empty means that every row has weight 1.
    log_weights : array of shape (K,)
        -inf switches a component off.
    means : array of shape (K, d)
    precisions_cholesky : array of shape (K, d, d)
        Upper triangles P_k with P_k P_k^T the precision.
    log_det : array of shape (K,)
        Sums of log diag P_k.
    centers : array of shape (K, d)
        What the moments are taken about.

    Returns
    -------
    Moments
    """
    n, d = X.shape
    K = len(log_weights)
    rows, log_joint, work = new_block(X, K)
    B, R = log_joint.shape[1], rows.shape[2]
    constants = _constants(log_weights, log_det, d)
    packed = pack_triangles(precisions_cholesky)
    z = new_group(rows)
    space, D = new_scatter(rows, d)
    log_likelihood = 0.0
    s0, s1 = np.zeros(K), np.zeros((K, D))
    s2 = aligned_zeros(K * D * D, s1.dtype).reshape(K, D, D)
    for start in range(0, n, B):
        size = min(B, n - start)
        groups = -(-size // R)
        load_block(X, start, size, rows)
        _full_log_joint(rows, groups, d, constants, means, packed, z, log_joint)
        log_likelihood += expect(log_joint, start, size, sample_weight, work, s0)
        for k in range(K):
            scatter(
                X,
                start,
                size,
                rows,
                log_joint,
                k,
                work[0],
                centers,
                space,
                s1,
                s2,
            )
    return Moments(log_likelihood, s0, s1[:, :d].copy(), symmetric(s2, d))


@kernel
def full_posterior(X, log_weights, means, precisions_cholesky, log_det, with_resp):
    """Log density of every row and, if asked for, its responsibilities.

    Parameters are those of :func:`full_moments`; ``with_resp`` is a bool.
    """
    n, d = X.shape
    K = len(log_weights)
    rows, log_joint, work = new_block(X, K)
    B, R = log_joint.shape[1], rows.shape[2]
    constants = _constants(log_weights, log_det, d)
    packed = pack_triangles(precisions_cholesky)
    z, s0 = new_group(rows), np.zeros(K)
    out, resp = np.empty(n, X.dtype), np.empty((n if with_resp else 0, K), X.dtype)
    for start in range(0, n, B):
        size = min(B, n - start)
        load_block(X, start, size, rows)
        _full_log_joint(rows, -(-size // R), d, constants, means, packed, z, log_joint)
        write_posterior(log_joint, start, size, work, s0, out, resp)
    return Posterior(out, resp)


# -- diag ------------------------------------------------------------------------


@kernel
def diag_moments(
    X, sample_weight, log_weights, means, sqrt_precisions, log_det, centers
):
    """As :func:`full_moments` with diagonal covariances; ``s2`` is (K, d).

    ``sqrt_precisions`` (K, d) are inverse standard deviations and ``log_det`` (K,) the
    sums of their logarithms.
    """
    n, d = X.shape
    K = len(log_weights)
    rows, log_joint, work = new_block(X, K)
    B, R = log_joint.shape[1], rows.shape[2]
    constants = _constants(log_weights, log_det, d)
    log_likelihood = 0.0
    s0, s1, s2 = np.zeros(K), np.zeros((K, d)), np.zeros((K, d))
    for start in range(0, n, B):
        size = min(B, n - start)
        groups = -(-size // R)
        load_block(X, start, size, rows)
        diag_log_densities(
            rows, groups, d, means, sqrt_precisions, log_joint, constants
        )
        log_likelihood += expect(log_joint, start, size, sample_weight, work, s0)
        diag_scatter(rows, groups, d, log_joint, centers, s1, s2)
    return Moments(log_likelihood, s0, s1, s2)


@kernel
def diag_posterior(X, log_weights, means, sqrt_precisions, log_det, with_resp):
    """As :func:`full_posterior` with diagonal covariances."""
    n, d = X.shape
    K = len(log_weights)
    rows, log_joint, work = new_block(X, K)
    B, R = log_joint.shape[1], rows.shape[2]
    constants, s0 = _constants(log_weights, log_det, d), np.zeros(K)
    out, resp = np.empty(n, X.dtype), np.empty((n if with_resp else 0, K), X.dtype)
    for start in range(0, n, B):
        size = min(B, n - start)
        groups = -(-size // R)
        load_block(X, start, size, rows)
        diag_log_densities(
            rows, groups, d, means, sqrt_precisions, log_joint, constants
        )
        write_posterior(log_joint, start, size, work, s0, out, resp)
    return Posterior(out, resp)


# -- tied ------------------------------------------------------------------------


@jit
def _whitened_means(means, center, triangle):
    """triangle^T (means - center), (K, d)."""
    K, d = means.shape
    out = np.zeros((K, d), means.dtype)
    for k in range(K):
        for m in range(d):
            difference = means[k, m] - center[m]
            for j in range(m, d):
                out[k, j] += triangle[m, j] * difference
    return out


@jit
def _largest(values):
    largest = values.dtype.type(0.0)
    for value in values.flat:
        largest = max(largest, abs(value))
    return largest


@jit
def _tied_log_joint(
    rows, groups, d, constants, means, packed, center, white_means, z, y, log_joint
):
    """log p(x_i, k) of a block: whitens it once, about the center of all means.

    That loses digits where means lie 1e5 standard deviations from the center; there
    every mean is subtracted before whitening, as for full covariances.
    """
    if _largest(white_means) > 1e5:
        _full_log_joint(rows, groups, d, constants, means, packed, z, log_joint)
        return
    # The log densities that whiten writes are those of the center: overwritten.
    k = np.intp(0)  # the constant 0 would be a type of its own and compile again
    whiten(rows, groups, d, center, k, packed, k, z, y, log_joint, k, constants[0])
    ones = np.ones(white_means.shape, rows.dtype)
    diag_log_densities(y, groups, d, white_means, ones, log_joint, constants)


@kernel
def tied_moments(
    X, sample_weight, log_weights, means, precision_cholesky, log_det, center
):
    """As :func:`full_moments` with one covariance; each row is whitened once.

    ``precision_cholesky`` is (d, d), ``log_det`` (1,) and ``center`` (d,), what all
    moments are taken about. ``s2`` (d, d) is the scatter of all rows.
    """
    n, d = X.shape
    K = len(log_weights)
    rows, log_joint, work = new_block(X, K)
    B, R = log_joint.shape[1], rows.shape[2]
    constants = _constants(log_weights, log_det, d)
    packed = pack_triangles(precision_cholesky.reshape(1, d, d))
    white_means = _whitened_means(means, center, precision_cholesky)
    centers = center.reshape(1, d)
    space, D = new_scatter(rows, d)
    z, y = new_group(rows), np.zeros_like(rows)
    log_likelihood = 0.0
    s0, s1, none = np.zeros(K), np.zeros((K, d)), np.zeros((0, d))
    ignored, s2 = np.zeros((1, D)), np.zeros((1, D, D))
    for start in range(0, n, B):
        size = min(B, n - start)
        groups = -(-size // R)
        load_block(X, start, size, rows)
        _tied_log_joint(
            rows,
            groups,
            d,
            constants,
            means,
            packed,
            centers,
            white_means,
            z,
            y,
            log_joint,
        )
        log_likelihood += expect(log_joint, start, size, sample_weight, work, s0)
        diag_scatter(rows, groups, d, log_joint, centers, s1, none)
        # The total scatter is that of one component with p(k | x) = 1.
        weight = work[:1]
        weight[0, size:] = X.dtype.type(0.0)
        scatter(
            X,
            start,
            size,
            rows,
            weight,
            np.intp(0),  # see _tied_log_joint
            weight[0],
            centers,
            space,
            ignored,
            s2,
        )
    return Moments(log_likelihood, s0, s1, symmetric(s2, d)[0])


@kernel
def tied_posterior(
    X, log_weights, means, precision_cholesky, log_det, center, with_resp
):
    """As :func:`full_posterior` with one covariance; ``center`` as in tied_moments."""
    n, d = X.shape
    K = len(log_weights)
    rows, log_joint, work = new_block(X, K)
    B, R = log_joint.shape[1], rows.shape[2]
    constants = _constants(log_weights, log_det, d)
    packed = pack_triangles(precision_cholesky.reshape(1, d, d))
    white_means = _whitened_means(means, center, precision_cholesky)
    z, y = new_group(rows), np.zeros_like(rows)
    out, resp = np.empty(n, X.dtype), np.empty((n if with_resp else 0, K), X.dtype)
    s0 = np.zeros(K)
    for start in range(0, n, B):
        size = min(B, n - start)
        load_block(X, start, size, rows)
        _tied_log_joint(
            rows,
            -(-size // R),
            d,
            constants,
            means,
            packed,
            center.reshape(1, d),
            white_means,
            z,
            y,
            log_joint,
        )
        write_posterior(log_joint, start, size, work, s0, out, resp)
    return Posterior(out, resp)
