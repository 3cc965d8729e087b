"""Gaussian emissions: log densities under every state, moments weighted by given gamma.

Both are stored (state, row), as recursions have them. Blocks of rows and sums over them
are those of ``gaussian``, where responsibilities follow from the row alone.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.blocks import load_block, new_block, new_group
from sklearn_gen._kernels.lanes import load, row_sum, splat
from sklearn_gen._kernels.scatter import diag_scatter, new_scatter, scatter, symmetric
from sklearn_gen._kernels.whitening import diag_log_densities, pack_triangles, whiten

_HALF_LOG_2_PI = 0.9189385332046727
_ROWS = 256  # of a block: with twice as many, gamma leaves the first-level cache


class GivenMoments(NamedTuple):
    """Sums over rows, float64, with z_ik = x_i - center_k."""

    s0: np.ndarray  # (K,) sum of gamma_ki
    s1: np.ndarray  # (K, d) sum of gamma_ki z_ik
    s2: np.ndarray  # full (K, d, d), diag (K, d): sum of gamma_ki z_ik z_ik^T


@jit
def _constants(log_det, K, d, like):
    """log det P_k - d/2 log(2 pi); ``log_det`` has K values or 1."""
    out = np.empty(K, like.dtype)
    for k in range(K):
        out[k] = log_det[min(k, len(log_det) - 1)] - like.dtype.type(d * _HALF_LOG_2_PI)
    return out


@jit
def _part(array, start, size, R, block):
    """Columns of (K, n) from `start`, or `block` where they don't fill groups of R."""
    return array[:, start:] if size % R == 0 else block[:, :]


@jit
def _put(block, start, size, R, out):
    if size % R:
        for k in range(len(out)):
            for i in range(size):
                out[k, start + i] = block[k, i]


@jit
def _get(gamma, start, size, R, block, s0):
    """Columns of gamma, 0 to the end of their last group of rows, and sum them."""
    part = _part(gamma, start, size, R, block)
    zero = block.dtype.type(0.0)
    for k in range(len(gamma)):
        if size % R:
            for i in range(size):
                block[k, i] = gamma[k, start + i]
            block[k, size:] = zero
        total = splat(zero)
        for i in range(0, -(-size // R) * R, 64 // block.itemsize):
            total = total + load(part, (k, i))
        s0[k] += row_sum(total)
    return part


@kernel
def full_log_densities(X, means, precisions_cholesky, log_det):
    """Log density of every row (n, d) under every Gaussian, (K, n).

    Parameters are those of ``gaussian.full_moments``; there may be one triangle for all
    components, (1, d, d) and (1,).
    """
    n, d = X.shape
    K = len(means)
    rows, block, _ = new_block(X[:_ROWS], K)
    B, R = block.shape[1], rows.shape[2]
    constants = _constants(log_det, K, d, X)
    packed = pack_triangles(precisions_cholesky)
    z, out = new_group(rows), np.empty((K, n), X.dtype)
    for start in range(0, n, B):
        size = min(B, n - start)
        load_block(X, start, size, rows)
        part = _part(out, start, size, R, block)
        for k in range(K):
            t = min(k, len(packed) - 1)
            whiten(
                *(rows, -(-size // R), d, means, k, packed, t),
                *(z, z[:0], part, k, constants[k]),
            )
        _put(block, start, size, R, out)
    return out


@kernel
def diag_log_densities_of(X, means, sqrt_precisions, log_det):
    """As :func:`full_log_densities` with inverse standard deviations (K, d)."""
    n, d = X.shape
    K = len(means)
    rows, block, _ = new_block(X[:_ROWS], K)
    B, R = block.shape[1], rows.shape[2]
    constants = _constants(log_det, K, d, X)
    out = np.empty((K, n), X.dtype)
    for start in range(0, n, B):
        size = min(B, n - start)
        load_block(X, start, size, rows)
        part = _part(out, start, size, R, block)
        diag_log_densities(
            rows, -(-size // R), d, means, sqrt_precisions, part, constants
        )
        _put(block, start, size, R, out)
    return out


@kernel
def full_given_moments(X, gamma, centers):
    """Moments of rows (n, d) about centers (K, d), weighted by gamma (K, n)."""
    n, d = X.shape
    K = len(gamma)
    rows, block, work = new_block(X[:_ROWS], K)
    B, R = block.shape[1], rows.shape[2]
    space, D = new_scatter(rows, d)
    s0, s1, s2 = np.zeros(K), np.zeros((K, D)), np.zeros((K, D, D))
    work[0] = X.dtype.type(1.0)
    for start in range(0, n, B):
        size = min(B, n - start)
        load_block(X, start, size, rows)
        part = _get(gamma, start, size, R, block, s0)
        for k in range(K):
            scatter(
                *(X, start, size, rows, part, k, work[0]),
                *(centers, space, s1, s2),
            )
    return GivenMoments(s0, s1[:, :d].copy(), symmetric(s2, d))


@kernel
def diag_given_moments(X, gamma, centers):
    """As :func:`full_given_moments`, squares only, (K, d)."""
    n, d = X.shape
    K = len(gamma)
    rows, block, _ = new_block(X[:_ROWS], K)
    B, R = block.shape[1], rows.shape[2]
    s0, s1, s2 = np.zeros(K), np.zeros((K, d)), np.zeros((K, d))
    for start in range(0, n, B):
        size = min(B, n - start)
        load_block(X, start, size, rows)
        part = _get(gamma, start, size, R, block, s0)
        diag_scatter(rows, -(-size // R), d, part, centers, s1, s2)
    return GivenMoments(s0, s1, s2)
