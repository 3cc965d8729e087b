"""Student t mixtures on rows with missing cells, each row with a pattern of its own.

The observed cells of a t vector are t with the same degrees of freedom, so p observed
cells take the place of d in ``student``. Given them and u, the missing cells are normal
about their regression on them, with covariance left / u: what is left of the scale
matrix enters the moments with weight r, not r E[u].

Factorisations are those of ``missing``, in float64.
"""

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.blocks import aligned_zeros
from sklearn_gen._kernels.gaussian import Posterior
from sklearn_gen._kernels.missing import (
    add_left,
    add_outer,
    log_densities,
    new_factors,
    row_posterior,
    shared_columns,
    turn_to,
)
from sklearn_gen._kernels.scatter import NEGLIGIBLE, symmetric
from sklearn_gen._kernels.student import StudentMoments

_HALF_LOG_2_PI = 0.9189385332046727


@jit
def _score(factors, x, constants, dof, means, residual, normal, scales, log_joint):
    """log p(x, k), E[u] and minus the deviations of the missing cells of one row.

    ``normal`` (2, K) is work space; ``scales`` (K,) gets E[u].
    """
    d = len(x)
    p = factors.n_seen[d]
    normal[0] = 0.0
    log_densities(factors, x, means, normal[0], residual, normal[1])
    for k in range(len(dof)):
        at_mean = factors.log_norm[min(k, len(factors.S) - 1), d]
        ratio = 2.0 * (at_mean - normal[1, k]) / dof[k]
        power = 0.5 * (dof[k] + p)
        log_joint[k] = constants[p, k] + at_mean - power * np.log1p(ratio)
        scales[k] = 2.0 * power / dof[k] / (1.0 + ratio)


@kernel
def full_moments(
    X, sample_weight, constants, dof, mean_logs, means, covariances, centers
):
    """Expected moments of all cells given the observed ones; see ``student``.

    Parameters
    ----------
    X : float64 array of shape (n, d)
        NaN means missing. Sorted by pattern it is fast.
    sample_weight : array of shape (n,) or (0,)
    constants : array of shape (d + 1, K)
        log of component weight, plus log of t over normal density at the mean, of p
        observed columns.
    dof : array of shape (K,)
    mean_logs : array of shape (d + 1, K)
        E[log u] - log E[u] given p observed columns.
    means : array of shape (K, d)
    covariances : array of shape (K, d, d) or (1, d, d)
        Scale matrices.
    centers : array of shape (K, d)

    Returns
    -------
    StudentMoments
        ``s2`` has the shape of ``covariances``: with one, summed over components.
    """
    n, d = X.shape
    K, T = len(means), len(covariances)
    factors = new_factors(covariances)
    D = factors.S.shape[2]
    residual = aligned_zeros(K * D, X.dtype).reshape(K, D)
    deviations = aligned_zeros(D, X.dtype)
    normal, scales = np.zeros((2, K)), np.zeros(K)
    resp, mass = np.zeros(K), np.zeros(T)
    log_likelihood = 0.0
    s0, su, sl, s1 = np.zeros(K), np.zeros(K), np.zeros(K), np.zeros((K, d))
    s2 = aligned_zeros(T * D * D, X.dtype).reshape(T, D, D)
    for i in range(n):
        weight = sample_weight[i] if len(sample_weight) else 1.0
        if weight == 0.0:
            continue
        shared = shared_columns(factors, X[i])
        if shared < d:
            add_left(factors, mass, s2)
            turn_to(factors, X[i], shared)
        p = factors.n_seen[d]
        _score(factors, X[i], constants, dof, means, residual, normal, scales, resp)
        log_likelihood += weight * row_posterior(resp)
        for k in range(K):
            t = min(k, T - 1)
            r = weight * resp[k]
            s0[k] += r
            if not resp[k] > NEGLIGIBLE:
                continue
            ru = r * scales[k]
            su[k] += ru
            sl[k] += r * (np.log(scales[k]) + mean_logs[p, k])
            for j in range(d):
                if factors.observed[j]:
                    deviations[j] = X[i, j] - centers[k, j]
                else:
                    deviations[j] = means[k, j] - centers[k, j] - residual[k, j]
                s1[k, j] += ru * deviations[j]
            add_outer(s2, t, ru, deviations)
            mass[t] += r
    add_left(factors, mass, s2)
    return StudentMoments(log_likelihood, s0, su, sl, s1, symmetric(s2, d))


@kernel
def full_posterior(X, constants, dof, means, covariances, with_resp):
    """Log density of the observed cells of every row and, if asked for, p(k | them).

    Parameters are those of :func:`full_moments`; ``with_resp`` is a bool.
    """
    n, d = X.shape
    K = len(means)
    factors = new_factors(covariances)
    D = factors.S.shape[2]
    residual = aligned_zeros(K * D, X.dtype).reshape(K, D)
    normal, scales, joint = np.zeros((2, K)), np.zeros(K), np.zeros(K)
    out, resp = np.empty(n), np.empty((n if with_resp else 0, K))
    for i in range(n):
        shared = shared_columns(factors, X[i])
        if shared < d:
            turn_to(factors, X[i], shared)
        _score(factors, X[i], constants, dof, means, residual, normal, scales, joint)
        out[i] = row_posterior(joint)
        if with_resp:
            for k in range(K):
                resp[i, k] = joint[k]
    return Posterior(out, resp)


@jit
def _diag_score(x, constants, dof, means, scales, log_scales, u, out):
    """log p(x, k) and E[u]; returns the number of observed cells."""
    p = 0
    for j in range(len(x)):
        p += x[j] == x[j]
    for k in range(len(dof)):
        log_det, squares = 0.0, 0.0
        for j in range(len(x)):
            if x[j] == x[j]:
                y = (x[j] - means[k, j]) * scales[k, j]
                squares += y * y
                log_det += log_scales[k, j] - _HALF_LOG_2_PI
        ratio = squares / dof[k]
        out[k] = constants[p, k] + log_det - 0.5 * (dof[k] + p) * np.log1p(ratio)
        u[k] = (dof[k] + p) / dof[k] / (1.0 + ratio)
    return p


@kernel
def diag_moments(
    X, sample_weight, constants, dof, mean_logs, means, scales, variances, centers
):
    """As :func:`full_moments` with diagonal scale matrices; ``s2`` is (K, d).

    ``variances`` (K, d) are the diagonals, ``scales`` (K, d) their inverse roots.
    """
    n, d = X.shape
    K = len(means)
    log_scales, resp, u = np.log(scales), np.zeros(K), np.zeros(K)
    log_likelihood = 0.0
    s0, su, sl = np.zeros(K), np.zeros(K), np.zeros(K)
    s1, s2 = np.zeros((K, d)), np.zeros((K, d))
    for i in range(n):
        weight = sample_weight[i] if len(sample_weight) else 1.0
        if weight == 0.0:
            continue
        p = _diag_score(X[i], constants, dof, means, scales, log_scales, u, resp)
        log_likelihood += weight * row_posterior(resp)
        for k in range(K):
            r = weight * resp[k]
            s0[k] += r
            if not resp[k] > NEGLIGIBLE:
                continue
            su[k] += r * u[k]
            sl[k] += r * (np.log(u[k]) + mean_logs[p, k])
            for j in range(d):
                observed = X[i, j] == X[i, j]
                z = (X[i, j] if observed else means[k, j]) - centers[k, j]
                s1[k, j] += r * u[k] * z
                s2[k, j] += r * (u[k] * z * z + (0.0 if observed else variances[k, j]))
    return StudentMoments(log_likelihood, s0, su, sl, s1, s2)


@kernel
def diag_posterior(X, constants, dof, means, scales, with_resp):
    """As :func:`full_posterior` with diagonal scale matrices."""
    n, K = len(X), len(means)
    log_scales, joint, u = np.log(scales), np.zeros(K), np.zeros(K)
    out, resp = np.empty(n), np.empty((n if with_resp else 0, K))
    for i in range(n):
        _diag_score(X[i], constants, dof, means, scales, log_scales, u, joint)
        out[i] = row_posterior(joint)
        if with_resp:
            for k in range(K):
                resp[i, k] = joint[k]
    return Posterior(out, resp)
