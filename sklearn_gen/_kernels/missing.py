"""Gaussian mixtures on rows with missing cells, each row with a pattern of its own.

The columns of a covariance are taken in their order, and each observed one takes out of
all others what it explains of them (a Cholesky factorisation that passes over the
missing columns):

    U[j] = (S[j] - sum_i U[i, j] U[i]) / sqrt(pivot)    over observed i < j.

What is left of the missing columns, S[a, b] - sum_i U[i, a] U[i, b], is their
covariance given the observed ones, and a row's deviations, treated alike, give its log
density and the expected deviations of its missing cells. U[j] depends on the pattern up
to column j alone, so rows sorted by pattern share most of the work with the row before.

All is in float64: a covariance rounded to float32 need not be definite.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.blocks import aligned_zeros
from sklearn_gen._kernels.gaussian import Moments, Posterior
from sklearn_gen._kernels.lanes import load, splat, store
from sklearn_gen._kernels.scatter import NEGLIGIBLE, symmetric

_HALF_LOG_2_PI = 0.9189385332046727
_WIDTH = 8  # float64 in one value of ``lanes``


class _Factors(NamedTuple):
    """Covariances, T of them, and what their observed columns explain; D is padded."""

    S: np.ndarray  # (T, D, D) covariances
    U: np.ndarray  # (T, D, D) rows of observed columns; others are free
    inverse: np.ndarray  # (T, d) 1 / sqrt(pivot)
    log_norm: np.ndarray  # (T, d + 1) log normalisation of the columns before j
    ridge: np.ndarray  # (d,) what is added to the variances of a singular matrix
    repaired: np.ndarray  # (T,) whether it was
    observed: np.ndarray  # (d,) the pattern
    seen: np.ndarray  # (d,) its observed columns
    n_seen: np.ndarray  # (d + 1,) how many there are before column j


@jit
def new_factors(covariances):
    """Factors of the pattern in which all is missing."""
    T, d = covariances.shape[:2]
    D = -(-d // _WIDTH) * _WIDTH
    S = aligned_zeros(T * D * D, covariances.dtype).reshape(T, D, D)
    U = aligned_zeros(T * D * D, covariances.dtype).reshape(T, D, D)
    ridge = np.full(d, 2.3e-308)
    for t in range(T):
        for j in range(d):
            ridge[j] += 1e-8 * covariances[t, j, j] / T
            for c in range(d):
                S[t, j, c] = covariances[t, j, c]
    return _Factors(
        S,
        U,
        np.zeros((T, d)),
        np.zeros((T, d + 1)),
        ridge,
        np.zeros(T, np.bool_),
        np.zeros(d, np.bool_),
        np.zeros(d, np.intp),
        np.zeros(d + 1, np.intp),
    )


@jit
def shared_columns(factors, x):
    """Number of leading columns in which x has the pattern of the row before."""
    for j in range(len(x)):
        if factors.observed[j] != (x[j] == x[j]):
            return j
    return len(x)


@jit
def turn_to(factors, x, j):
    """Factorise for the pattern of x, from column j on."""
    for c in range(j, len(x)):
        factors.observed[c] = x[c] == x[c]
        factors.seen[factors.n_seen[c]] = c
        factors.n_seen[c + 1] = factors.n_seen[c] + factors.observed[c]
    for t in range(len(factors.S)):
        # What was repaired shares nothing with a pattern that may need no repair.
        start = 0 if factors.repaired[t] else j
        factors.repaired[t] = False
        raised, step = 0.0, 1.0
        while not _factorise(factors, t, start, raised) and np.isfinite(step):
            factors.repaired[t] = True
            start, raised, step = 0, raised + step, 10.0 * step


@jit
def _factorise(factors, t, start, raised):
    """Rows of U from column ``start``; False where a pivot is rounding error."""
    d = len(factors.observed)
    noise = 4 * d * 2.220446049250313e-16
    for j in range(start, d):
        factors.log_norm[t, j + 1] = factors.log_norm[t, j]
        if not factors.observed[j]:
            continue
        _explain(factors, t, j, factors.n_seen[j])
        extra = raised * factors.ridge[j] if raised else 0.0
        pivot = factors.U[t, j, j] + extra
        if not pivot > noise * (factors.S[t, j, j] + extra):
            return False
        scale = 1.0 / np.sqrt(pivot)
        for c in range(0, factors.U.shape[2], _WIDTH):
            store(factors.U, (t, j, c), splat(scale) * load(factors.U, (t, j, c)))
        factors.inverse[t, j] = scale
        factors.log_norm[t, j + 1] += np.log(scale) - _HALF_LOG_2_PI
    return True


@jit
def _explain(factors, t, j, count):
    """U[j] gets the covariances with j that the first ``count`` observed ones leave."""
    D = factors.S.shape[2]
    for c in range(0, D, 2 * _WIDTH):
        # two vectors at a time, so that no sum waits for its last addition
        e = min(c + _WIDTH, D - _WIDTH)
        x, y = load(factors.S, (t, j, c)), load(factors.S, (t, j, e))
        for n in range(count):
            i = factors.seen[n]
            u = splat(factors.U[t, i, j])
            x = x - u * load(factors.U, (t, i, c))
            y = y - u * load(factors.U, (t, i, e))
        store(factors.U, (t, j, c), x)
        store(factors.U, (t, j, e), y)


@jit
def log_densities(factors, x, means, log_weights, residual, log_joint):
    """log p(x, k), and in ``residual`` (K, D) minus the deviations of missing cells."""
    d = len(x)
    for k in range(len(means)):
        t = min(k, len(factors.S) - 1)
        for j in range(d):
            residual[k, j] = x[j] - means[k, j] if factors.observed[j] else 0.0
        squares = 0.0
        for n in range(factors.n_seen[d]):
            j = factors.seen[n]
            y = residual[k, j] * factors.inverse[t, j]
            squares += y * y
            for c in range(0, residual.shape[1], _WIDTH):
                left = load(residual, (k, c)) - splat(y) * load(factors.U, (t, j, c))
                store(residual, (k, c), left)
        value = log_weights[k] + factors.log_norm[t, d] - 0.5 * squares
        # squares that overflow may have left inf - inf
        log_joint[k] = value if value > -np.inf else -np.inf


@jit
def row_posterior(log_joint):
    """Overwrite log p(x, k) by p(k | x), 0 where p(x) is; returns log p(x)."""
    top = -np.inf
    for value in log_joint:
        top = max(top, value)
    if top == -np.inf:
        top = 0.0  # and every exponential is 0
    total = 0.0
    for k in range(len(log_joint)):
        log_joint[k] = np.exp(log_joint[k] - top)
        total += log_joint[k]
    for k in range(len(log_joint)):
        log_joint[k] /= total if total > 0.0 else 1.0
    return top + np.log(total)


@jit
def add_outer(s2, t, weight, deviations):
    """Add weight z z^T to the lower triangle of s2[t], whole vectors of it."""
    for a in range(s2.shape[1]):
        factor = splat(weight * deviations[a])
        for c in range(0, a + 1, _WIDTH):
            total = load(s2, (t, a, c)) + factor * load(deviations, (c,))
            store(s2, (t, a, c), total)


@jit
def add_left(factors, mass, s2):
    """Add the covariances of missing cells, ``mass`` (T,) times; sets that to 0."""
    d = len(factors.observed)
    for t in range(len(mass)):
        if mass[t] > 0.0:
            for a in range(d):
                if not factors.observed[a]:
                    _explain(factors, t, a, factors.n_seen[d])
                    for b in range(a + 1):
                        if not factors.observed[b]:
                            s2[t, a, b] += mass[t] * factors.U[t, a, b]
        mass[t] = 0.0


@kernel
def full_moments(X, sample_weight, log_weights, means, covariances, centers):
    """Expected moments of all cells given the observed ones; see ``gaussian``.

    Parameters
    ----------
    X : float64 array of shape (n, d)
        NaN means missing. Sorted by pattern it is fast.
    sample_weight : array of shape (n,) or (0,)
    log_weights : array of shape (K,)
    means : array of shape (K, d)
    covariances : array of shape (K, d, d) or (1, d, d)
    centers : array of shape (K, d)

    Returns
    -------
    Moments
        ``s2`` has the shape of ``covariances``: with one, summed over components.
    """
    n, d = X.shape
    K, T = len(means), len(covariances)
    factors = new_factors(covariances)
    D = factors.S.shape[2]
    residual = aligned_zeros(K * D, X.dtype).reshape(K, D)
    deviations = aligned_zeros(D, X.dtype)
    resp, mass = np.zeros(K), np.zeros(T)
    log_likelihood = 0.0
    s0, s1 = np.zeros(K), np.zeros((K, d))
    s2 = aligned_zeros(T * D * D, X.dtype).reshape(T, D, D)
    for i in range(n):
        weight = sample_weight[i] if len(sample_weight) else 1.0
        if weight == 0.0:
            continue
        shared = shared_columns(factors, X[i])
        if shared < d:
            add_left(factors, mass, s2)
            turn_to(factors, X[i], shared)
        log_densities(factors, X[i], means, log_weights, residual, resp)
        log_likelihood += weight * row_posterior(resp)
        for k in range(K):
            t = min(k, T - 1)
            r = weight * resp[k]
            s0[k] += r
            if not resp[k] > NEGLIGIBLE:
                continue
            for j in range(d):
                if factors.observed[j]:
                    deviations[j] = X[i, j] - centers[k, j]
                else:
                    deviations[j] = means[k, j] - centers[k, j] - residual[k, j]
                s1[k, j] += r * deviations[j]
            add_outer(s2, t, r, deviations)
            mass[t] += r
    add_left(factors, mass, s2)
    return Moments(log_likelihood, s0, s1, symmetric(s2, d))


@kernel
def full_posterior(X, log_weights, means, covariances, with_resp):
    """Log density of the observed cells of every row and, if asked for, p(k | them).

    Parameters are those of :func:`full_moments`; ``with_resp`` is a bool.
    """
    n, d = X.shape
    K = len(means)
    factors = new_factors(covariances)
    D = factors.S.shape[2]
    residual = aligned_zeros(K * D, X.dtype).reshape(K, D)
    log_joint = np.zeros(K)
    out, resp = np.empty(n), np.empty((n if with_resp else 0, K))
    for i in range(n):
        shared = shared_columns(factors, X[i])
        if shared < d:
            turn_to(factors, X[i], shared)
        log_densities(factors, X[i], means, log_weights, residual, log_joint)
        out[i] = row_posterior(log_joint)
        if with_resp:
            for k in range(K):
                resp[i, k] = log_joint[k]
    return Posterior(out, resp)


@kernel
def full_means(X, log_weights, means, covariances):
    """Rows with their missing cells replaced by E[missing | observed].

    Parameters are those of :func:`full_moments`.
    """
    n, d = X.shape
    K = len(means)
    factors = new_factors(covariances)
    D = factors.S.shape[2]
    residual = aligned_zeros(K * D, X.dtype).reshape(K, D)
    resp = np.zeros(K)
    filled = X.copy()
    for i in range(n):
        shared = shared_columns(factors, X[i])
        if shared < d:
            turn_to(factors, X[i], shared)
        log_densities(factors, X[i], means, log_weights, residual, resp)
        if (
            row_posterior(resp) == -np.inf
        ):  # too far out for any: the weights are all left
            resp[:] = np.exp(log_weights)
        for j in range(d):
            if not factors.observed[j]:
                filled[i, j] = 0.0
                for k in range(K):
                    if resp[k] > 0.0:
                        filled[i, j] += resp[k] * (means[k, j] - residual[k, j])
    return filled


@jit
def _diag_log_joint(x, means, log_weights, scales, log_scales, log_joint):
    """log p(x, k) of the observed cells."""
    for k in range(len(means)):
        log_norm, squares = log_weights[k], 0.0
        for j in range(len(x)):
            if x[j] == x[j]:
                y = (x[j] - means[k, j]) * scales[k, j]
                squares += y * y
                log_norm += log_scales[k, j] - _HALF_LOG_2_PI
        log_joint[k] = log_norm - 0.5 * squares


@kernel
def diag_moments(X, sample_weight, log_weights, means, scales, variances, centers):
    """As :func:`full_moments` with diagonal covariances; ``s2`` is (K, d).

    ``scales`` (K, d) are inverse standard deviations and ``variances`` (K, d) those of
    missing cells.
    """
    n, d = X.shape
    K = len(means)
    log_scales, resp = np.log(scales), np.zeros(K)
    log_likelihood = 0.0
    s0, s1, s2 = np.zeros(K), np.zeros((K, d)), np.zeros((K, d))
    for i in range(n):
        weight = sample_weight[i] if len(sample_weight) else 1.0
        if weight == 0.0:
            continue
        _diag_log_joint(X[i], means, log_weights, scales, log_scales, resp)
        log_likelihood += weight * row_posterior(resp)
        for k in range(K):
            r = weight * resp[k]
            s0[k] += r
            if not resp[k] > NEGLIGIBLE:
                continue
            for j in range(d):
                observed = X[i, j] == X[i, j]
                z = (X[i, j] if observed else means[k, j]) - centers[k, j]
                s1[k, j] += r * z
                s2[k, j] += r * (z * z + (0.0 if observed else variances[k, j]))
    return Moments(log_likelihood, s0, s1, s2)


@kernel
def diag_posterior(X, log_weights, means, scales, with_resp):
    """As :func:`full_posterior` with diagonal covariances."""
    n, K = len(X), len(means)
    log_scales, log_joint = np.log(scales), np.zeros(K)
    out, resp = np.empty(n), np.empty((n if with_resp else 0, K))
    for i in range(n):
        _diag_log_joint(X[i], means, log_weights, scales, log_scales, log_joint)
        out[i] = row_posterior(log_joint)
        if with_resp:
            for k in range(K):
                resp[i, k] = log_joint[k]
    return Posterior(out, resp)
