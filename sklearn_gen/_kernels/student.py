"""Student t mixtures: log densities of rows, and moments of their hidden scales.

A row of component k is normal with covariance S_k / u, where u follows a gamma
distribution of mean 1. Given the row, with delta its squared distance in the metric of
S_k and nu the degrees of freedom,

    E[u] = (nu + d) / (nu + delta),

so that distant rows count little. Blocks and precision are those of ``gaussian``.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import REORDERED, jit, kernel
from sklearn_gen._kernels.blocks import aligned_zeros, load_block, new_block, new_group
from sklearn_gen._kernels.gaussian import Posterior
from sklearn_gen._kernels.mixture import expect, write_posterior
from sklearn_gen._kernels.scatter import diag_scatter, new_scatter, scatter, symmetric
from sklearn_gen._kernels.special import log
from sklearn_gen._kernels.whitening import diag_log_densities, pack_triangles, whiten


class StudentMoments(NamedTuple):
    """Sums over rows, float64: r_ik = w_i p(k | x_i), z_ik = x_i - center_k."""

    log_likelihood: float  # sum of w_i log p(x_i)
    s0: np.ndarray  # (K,) sum of r_ik
    su: np.ndarray  # (K,) sum of r_ik E[u_ik]
    sl: np.ndarray  # (K,) sum of r_ik log E[u_ik]; with missing cells of r_ik E[log u]
    s1: np.ndarray  # (K, d) sum of r_ik E[u_ik] z_ik
    s2: np.ndarray  # full (K, d, d), diag (K, d): sum of r_ik E[u_ik] z_ik z_ik^T


@jit
def log_of_sum(one, x):
    """log(1 + x) of x >= 0, to rounding also where x is small; x may be inf."""
    u = one + x
    # (x - (u - 1)) / u is what rounding of u lost; inf - inf is NaN
    return log(u) + (x - (u - one)) / u if u - u == u - u else x


@jit
def _tails(log_joint, size, d, constants, dof, scales):
    """Turn -delta / 2 into log p(x, k); ``scales``, unless it is empty, gets E[u]."""
    real = log_joint.dtype.type
    one, half, two = real(1.0), real(0.5), real(2.0)
    for k in range(len(constants)):
        nu = dof[k]
        power, constant = half * (nu + real(d)), constants[k]
        for i in range(size):
            ratio = -two * log_joint[k, i] / nu
            log_joint[k, i] = constant - power * log_of_sum(one, ratio)
            if len(scales):
                scales[k, i] = two * power / nu / (one + ratio)


@jit(fastmath=REORDERED)
def _weigh(log_joint, size, scales, su, sl):
    """Multiply responsibilities by E[u]; add sums of r E[u] to su, r log E[u] to sl."""
    for k in range(len(scales)):
        total = logs = log_joint.dtype.type(0.0)
        for i in range(size):
            r, u = log_joint[k, i], scales[k, i]
            # where u is 0, so is r, and log(0) some finite number
            logs += r * log(u)
            log_joint[k, i] = r * u
            total += r * u
        su[k] += total
        sl[k] += logs


@kernel
def full_moments(X, sample_weight, constants, dof, means, precisions_cholesky, centers):
    """One pass of EM over rows: responsibilities and the moments they weigh.

    Parameters
    ----------
    X : array of shape (n, d)
    sample_weight : array of shape (n,) or (0,)
        Empty means that every row has weight 1.
    constants : array of shape (K,)
        log of component weight times density at its mean; -inf switches it off.
    dof : array of shape (K,)
        Degrees of freedom.
    means : array of shape (K, d)
    precisions_cholesky : array of shape (K, d, d) or (1, d, d)
        Upper triangles P_k with P_k P_k^T the inverse scale matrix.
    centers : array of shape (K, d)
        What the moments are taken about.

    Returns
    -------
    StudentMoments
    """
    n, d = X.shape
    K = len(constants)
    rows, log_joint, work = new_block(X, K)
    B, R = log_joint.shape[1], rows.shape[2]
    scales = np.zeros_like(log_joint)
    packed = pack_triangles(precisions_cholesky)
    z = new_group(rows)
    space, D = new_scatter(rows, d)
    log_likelihood = 0.0
    s0, su, sl, s1 = np.zeros(K), np.zeros(K), np.zeros(K), np.zeros((K, D))
    s2 = aligned_zeros(K * D * D, s1.dtype).reshape(K, D, D)
    for start in range(0, n, B):
        size = min(B, n - start)
        groups = -(-size // R)
        load_block(X, start, size, rows)
        _distances(rows, groups, d, means, packed, z, log_joint)
        _tails(log_joint, groups * R, d, constants, dof, scales)
        log_likelihood += expect(log_joint, start, size, sample_weight, work, s0)
        _weigh(log_joint, size, scales, su, sl)
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
    return StudentMoments(
        log_likelihood, s0, su, sl, s1[:, :d].copy(), symmetric(s2, d)
    )


@jit
def _distances(rows, groups, d, means, packed, z, log_joint):
    """-delta / 2 of a block; ``packed`` has K triangles or 1."""
    for k in range(len(means)):
        t = min(k, len(packed) - 1)
        zero = rows.dtype.type(0.0)
        whiten(rows, groups, d, means, k, packed, t, z, z[:0], log_joint, k, zero)


@kernel
def full_posterior(X, constants, dof, means, precisions_cholesky, with_resp):
    """Log density of every row and, if asked for, its responsibilities.

    Parameters are those of :func:`full_moments`; ``with_resp`` is a bool.
    """
    n, d = X.shape
    K = len(constants)
    rows, log_joint, work = new_block(X, K)
    B, R = log_joint.shape[1], rows.shape[2]
    packed = pack_triangles(precisions_cholesky)
    z, s0, none = new_group(rows), np.zeros(K), log_joint[:0]
    out, resp = np.empty(n, X.dtype), np.empty((n if with_resp else 0, K), X.dtype)
    for start in range(0, n, B):
        size = min(B, n - start)
        groups = -(-size // R)
        load_block(X, start, size, rows)
        _distances(rows, groups, d, means, packed, z, log_joint)
        _tails(log_joint, groups * R, d, constants, dof, none)
        write_posterior(log_joint, start, size, work, s0, out, resp)
    return Posterior(out, resp)


@kernel
def diag_moments(X, sample_weight, constants, dof, means, sqrt_precisions, centers):
    """As :func:`full_moments` with diagonal scale matrices; ``s2`` is (K, d).

    ``sqrt_precisions`` (K, d) are roots of the inverse diagonals.
    """
    n, d = X.shape
    K = len(constants)
    rows, log_joint, work = new_block(X, K)
    B, R = log_joint.shape[1], rows.shape[2]
    scales, zeros = np.zeros_like(log_joint), np.zeros_like(constants)
    log_likelihood = 0.0
    s0, su, sl = np.zeros(K), np.zeros(K), np.zeros(K)
    s1, s2 = np.zeros((K, d)), np.zeros((K, d))
    for start in range(0, n, B):
        size = min(B, n - start)
        groups = -(-size // R)
        load_block(X, start, size, rows)
        diag_log_densities(rows, groups, d, means, sqrt_precisions, log_joint, zeros)
        _tails(log_joint, groups * R, d, constants, dof, scales)
        log_likelihood += expect(log_joint, start, size, sample_weight, work, s0)
        _weigh(log_joint, size, scales, su, sl)
        diag_scatter(rows, groups, d, log_joint, centers, s1, s2)
    return StudentMoments(log_likelihood, s0, su, sl, s1, s2)


@kernel
def diag_posterior(X, constants, dof, means, sqrt_precisions, with_resp):
    """As :func:`full_posterior` with diagonal scale matrices."""
    n, d = X.shape
    K = len(constants)
    rows, log_joint, work = new_block(X, K)
    B, R = log_joint.shape[1], rows.shape[2]
    zeros, s0, none = np.zeros_like(constants), np.zeros(K), log_joint[:0]
    out, resp = np.empty(n, X.dtype), np.empty((n if with_resp else 0, K), X.dtype)
    for start in range(0, n, B):
        size = min(B, n - start)
        groups = -(-size // R)
        load_block(X, start, size, rows)
        diag_log_densities(rows, groups, d, means, sqrt_precisions, log_joint, zeros)
        _tails(log_joint, groups * R, d, constants, dof, none)
        write_posterior(log_joint, start, size, work, s0, out, resp)
    return Posterior(out, resp)
