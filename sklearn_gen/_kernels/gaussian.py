"""Gaussian mixtures: log densities of rows, and moments weighted by responsibilities.

Rows are taken in blocks of 256, stored (feature, row), so that every inner loop runs
over rows and vectorises, and everything of a block stays in the cache. Differences
x - mean are taken before whitening: means of 1e6 cost no digits. float32 data are
worked on in float32 within a block and summed over blocks in float64.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import REORDERED, jit, kernel
from sklearn_gen._kernels.mixture import responsibilities

BLOCK = 256
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
def load_rows(X, start, size, rows):
    """Transpose ``size`` rows of X (n, d) from ``start`` into rows (d, B)."""
    for j in range(X.shape[1]):
        row = rows[j]
        for i in range(size):
            row[i] = X[start + i, j]


@jit
def _subtract(rows, size, center, out):
    for j in range(len(rows)):
        source, target, value = rows[j], out[j], center[j]
        for i in range(size):
            target[i] = source[i] - value


@jit(fastmath=REORDERED)
def _squared_norm(z, size, triangle, y, out):
    """out (B,) = |z^T triangle|^2 for z (d, B) and an upper triangle (d, d)."""
    d = len(z)
    out[:size] = z.dtype.type(0.0)
    for j in range(d):
        p = triangle[j, j]
        last = z[j]
        for i in range(size):
            y[i] = p * last[i]
        odd = j % 4
        for m in range(odd):
            p, first = triangle[m, j], z[m]
            for i in range(size):
                y[i] += p * first[i]
        for m in range(odd, j, 4):
            p0, p1 = triangle[m, j], triangle[m + 1, j]
            p2, p3 = triangle[m + 2, j], triangle[m + 3, j]
            z0, z1, z2, z3 = z[m], z[m + 1], z[m + 2], z[m + 3]
            for i in range(size):
                y[i] += p0 * z0[i] + p1 * z1[i] + p2 * z2[i] + p3 * z3[i]
        for i in range(size):
            out[i] += y[i] * y[i]


@jit(fastmath=REORDERED)
def _scatter(z, weighted, size, s2):
    """Add sum_i weighted_i z_i^T to the lower triangle of s2 (d, d)."""
    d = len(z)
    for a in range(d):
        left = weighted[a]
        for b in range(a + 1):
            right = z[b]
            total = z.dtype.type(0.0)
            for i in range(size):
                total += left[i] * right[i]
            s2[a, b] += total


@jit(fastmath=REORDERED)
def _weigh(z, resp, size, weighted, s1):
    """weighted = resp z, and its sum over rows is added to s1 (d,)."""
    for j in range(len(z)):
        source, target = z[j], weighted[j]
        total = z.dtype.type(0.0)
        for i in range(size):
            value = resp[i] * source[i]
            target[i] = value
            total += value
        s1[j] += total


@jit
def _mirror(s2):
    for a in range(len(s2)):
        for b in range(a):
            s2[b, a] = s2[a, b]


@jit
def _load_weights(sample_weight, start, size, scale):
    if len(sample_weight):
        scale[:size] = sample_weight[start : start + size]
    else:
        scale[:size] = scale.dtype.type(1.0)


@jit(fastmath=REORDERED)
def _sum(values, size):
    total = values.dtype.type(0.0)
    for i in range(size):
        total += values[i]
    return total


@jit
def _log_likelihood(scale, log_prob, size):
    """Sum of scale log_prob, where a row of weight 0 counts nothing, even at -inf."""
    total = scale.dtype.type(0.0)
    for i in range(size):
        if scale[i] != 0:
            total += scale[i] * log_prob[i]
    return total


@jit
def _finish_posterior(log_joint, start, size, scale, log_prob, total, out, resp):
    """Write log p and, if resp has rows, p(k | x) of one block into the results."""
    scale[:size] = scale.dtype.type(1.0)
    responsibilities(log_joint, size, scale, log_prob, total)
    out[start : start + size] = log_prob[:size]
    if len(resp):
        for i in range(size):
            for k in range(len(log_joint)):
                resp[start + i, k] = log_joint[k, i]


# -- full ------------------------------------------------------------------------


@jit
def _full_log_joint(
    rows, size, log_weights, means, triangles, log_det, z, y, log_joint
):
    half = rows.dtype.type(0.5)
    for k in range(len(log_weights)):
        out = log_joint[k]
        _subtract(rows, size, means[k], z)
        _squared_norm(z, size, triangles[k], y, out)
        constant = log_weights[k] + log_det[k]
        constant -= rows.dtype.type(len(rows) * _HALF_LOG_2_PI)
        for i in range(size):
            out[i] = constant - half * out[i]


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
    log_likelihood = 0.0
    s0, s1, s2 = np.zeros(K), np.zeros((K, d)), np.zeros((K, d, d))
    rows, z = np.empty((d, BLOCK), X.dtype), np.empty((d, BLOCK), X.dtype)
    weighted, log_joint = np.empty((d, BLOCK), X.dtype), np.empty((K, BLOCK), X.dtype)
    y, scale = np.empty(BLOCK, X.dtype), np.empty(BLOCK, X.dtype)
    log_prob = np.empty(BLOCK, X.dtype)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        load_rows(X, start, size, rows)
        _load_weights(sample_weight, start, size, scale)
        _full_log_joint(
            rows,
            size,
            log_weights,
            means,
            precisions_cholesky,
            log_det,
            z,
            y,
            log_joint,
        )
        responsibilities(log_joint, size, scale, log_prob, y)
        log_likelihood += _log_likelihood(scale, log_prob, size)
        for k in range(K):
            s0[k] += _sum(log_joint[k], size)
            _subtract(rows, size, centers[k], z)
            _weigh(z, log_joint[k], size, weighted, s1[k])
            _scatter(z, weighted, size, s2[k])
    for k in range(K):
        _mirror(s2[k])
    return Moments(log_likelihood, s0, s1, s2)


@kernel
def full_posterior(X, log_weights, means, precisions_cholesky, log_det, with_resp):
    """Log density of every row and, if asked for, its responsibilities.

    Parameters are those of :func:`full_moments`; ``with_resp`` is a bool.
    """
    n, d = X.shape
    K = len(log_weights)
    out, resp = np.empty(n, X.dtype), np.empty((n if with_resp else 0, K), X.dtype)
    rows, z = np.empty((d, BLOCK), X.dtype), np.empty((d, BLOCK), X.dtype)
    log_joint, y = np.empty((K, BLOCK), X.dtype), np.empty(BLOCK, X.dtype)
    scale, log_prob = np.empty(BLOCK, X.dtype), np.empty(BLOCK, X.dtype)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        load_rows(X, start, size, rows)
        _full_log_joint(
            rows,
            size,
            log_weights,
            means,
            precisions_cholesky,
            log_det,
            z,
            y,
            log_joint,
        )
        _finish_posterior(log_joint, start, size, scale, log_prob, y, out, resp)
    return Posterior(out, resp)


# -- diag ------------------------------------------------------------------------


@jit(fastmath=REORDERED)
def _diag_squared_norm(rows, size, mean, sqrt_precision, out):
    out[:size] = rows.dtype.type(0.0)
    for j in range(len(rows)):
        row, center, scale = rows[j], mean[j], sqrt_precision[j]
        for i in range(size):
            y = (row[i] - center) * scale
            out[i] += y * y


@jit
def _diag_log_joint(
    rows, size, log_weights, means, sqrt_precisions, log_det, log_joint
):
    half = rows.dtype.type(0.5)
    for k in range(len(log_weights)):
        out = log_joint[k]
        _diag_squared_norm(rows, size, means[k], sqrt_precisions[k], out)
        constant = log_weights[k] + log_det[k]
        constant -= rows.dtype.type(len(rows) * _HALF_LOG_2_PI)
        for i in range(size):
            out[i] = constant - half * out[i]


@jit(fastmath=REORDERED)
def _diag_sums(rows, resp, size, center, s1, s2):
    for j in range(len(rows)):
        row, origin = rows[j], center[j]
        first = second = rows.dtype.type(0.0)
        for i in range(size):
            z = row[i] - origin
            weighted = resp[i] * z
            first += weighted
            second += weighted * z
        s1[j] += first
        s2[j] += second


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
    log_likelihood = 0.0
    s0, s1, s2 = np.zeros(K), np.zeros((K, d)), np.zeros((K, d))
    rows, log_joint = np.empty((d, BLOCK), X.dtype), np.empty((K, BLOCK), X.dtype)
    scale, log_prob = np.empty(BLOCK, X.dtype), np.empty(BLOCK, X.dtype)
    total = np.empty(BLOCK, X.dtype)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        load_rows(X, start, size, rows)
        _load_weights(sample_weight, start, size, scale)
        _diag_log_joint(
            rows, size, log_weights, means, sqrt_precisions, log_det, log_joint
        )
        responsibilities(log_joint, size, scale, log_prob, total)
        log_likelihood += _log_likelihood(scale, log_prob, size)
        for k in range(K):
            s0[k] += _sum(log_joint[k], size)
            _diag_sums(rows, log_joint[k], size, centers[k], s1[k], s2[k])
    return Moments(log_likelihood, s0, s1, s2)


@kernel
def diag_posterior(X, log_weights, means, sqrt_precisions, log_det, with_resp):
    """As :func:`full_posterior` with diagonal covariances."""
    n, d = X.shape
    K = len(log_weights)
    out, resp = np.empty(n, X.dtype), np.empty((n if with_resp else 0, K), X.dtype)
    rows, log_joint = np.empty((d, BLOCK), X.dtype), np.empty((K, BLOCK), X.dtype)
    scale, log_prob = np.empty(BLOCK, X.dtype), np.empty(BLOCK, X.dtype)
    total = np.empty(BLOCK, X.dtype)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        load_rows(X, start, size, rows)
        _diag_log_joint(
            rows, size, log_weights, means, sqrt_precisions, log_det, log_joint
        )
        _finish_posterior(log_joint, start, size, scale, log_prob, total, out, resp)
    return Posterior(out, resp)


# -- tied ------------------------------------------------------------------------


@jit(fastmath=REORDERED)
def _whiten(z, size, triangle, out):
    """out (d, B) = triangle^T z for an upper triangle (d, d)."""
    for j in range(len(z)):
        y, last, p = out[j], z[j], triangle[j, j]
        for i in range(size):
            y[i] = p * last[i]
        for m in range(j):
            p, row = triangle[m, j], z[m]
            for i in range(size):
                y[i] += p * row[i]


@jit
def _tied_log_joint(white, size, log_weights, white_means, log_det, log_joint):
    half = white.dtype.type(0.5)
    one = np.ones(len(white), white.dtype)
    for k in range(len(log_weights)):
        out = log_joint[k]
        _diag_squared_norm(white, size, white_means[k], one, out)
        constant = log_weights[k] + log_det[0]
        constant -= white.dtype.type(len(white) * _HALF_LOG_2_PI)
        for i in range(size):
            out[i] = constant - half * out[i]


@jit
def _whiten_means(means, center, triangle):
    K, d = means.shape
    z, out = np.empty((d, K), means.dtype), np.empty((d, K), means.dtype)
    for j in range(d):
        for k in range(K):
            z[j, k] = means[k, j] - center[j]
    _whiten(z, K, triangle, out)
    return np.ascontiguousarray(out.T)


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
    log_likelihood = 0.0
    s0, s1, s2 = np.zeros(K), np.zeros((K, d)), np.zeros((d, d))
    rows, white = np.empty((d, BLOCK), X.dtype), np.empty((d, BLOCK), X.dtype)
    log_joint, total = np.empty((K, BLOCK), X.dtype), np.empty(BLOCK, X.dtype)
    scale, log_prob = np.empty(BLOCK, X.dtype), np.empty(BLOCK, X.dtype)
    ignored = np.zeros(d)
    white_means = _whiten_means(means, center, precision_cholesky)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        load_rows(X, start, size, rows)
        _load_weights(sample_weight, start, size, scale)
        _subtract(rows, size, center, rows)
        _whiten(rows, size, precision_cholesky, white)
        _tied_log_joint(white, size, log_weights, white_means, log_det, log_joint)
        responsibilities(log_joint, size, scale, log_prob, total)
        log_likelihood += _log_likelihood(scale, log_prob, size)
        for k in range(K):
            s0[k] += _sum(log_joint[k], size)
            _weigh(rows, log_joint[k], size, white, s1[k])
        _weigh(rows, scale, size, white, ignored)
        _scatter(rows, white, size, s2)
    _mirror(s2)
    return Moments(log_likelihood, s0, s1, s2)


@kernel
def tied_posterior(
    X, log_weights, means, precision_cholesky, log_det, center, with_resp
):
    """As :func:`full_posterior` with one covariance; ``center`` as in tied_moments."""
    n, d = X.shape
    K = len(log_weights)
    out, resp = np.empty(n, X.dtype), np.empty((n if with_resp else 0, K), X.dtype)
    rows, white = np.empty((d, BLOCK), X.dtype), np.empty((d, BLOCK), X.dtype)
    log_joint, total = np.empty((K, BLOCK), X.dtype), np.empty(BLOCK, X.dtype)
    scale, log_prob = np.empty(BLOCK, X.dtype), np.empty(BLOCK, X.dtype)
    white_means = _whiten_means(means, center, precision_cholesky)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        load_rows(X, start, size, rows)
        _subtract(rows, size, center, rows)
        _whiten(rows, size, precision_cholesky, white)
        _tied_log_joint(white, size, log_weights, white_means, log_det, log_joint)
        _finish_posterior(log_joint, start, size, scale, log_prob, total, out, resp)
    return Posterior(out, resp)
