"""E-step of mixtures whose columns are tables of log probabilities.

A row holds one code per column, a row index into all columns' tables stacked, so that
log p(x_i, k) is a sum of D table rows that are contiguous in k. What a row needs are
D K additions and K exponentials: with 1,000 components and 15 columns that is 5 us.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.lanes import choose_less, load, row_sum, splat, store
from sklearn_gen._kernels.special import exp, log

_TILE = 4  # vectors of components whose sums stay in registers over all columns


class TableMoments(NamedTuple):
    """Sums over n rows; see :func:`table_moments`."""

    log_likelihood: float  # sum of w_i log p(x_i)
    s0: np.ndarray  # (K,) sum of r_ik = w_i p(k | x_i)
    counts: np.ndarray  # (R, K) sum of r_ik over the rows that have each code
    resp: np.ndarray  # (n, K) r_ik, or (0, K)


class TablePosterior(NamedTuple):
    """Log densities and component probabilities; see :func:`table_posterior`."""

    log_prob: np.ndarray  # (n,)
    resp: np.ndarray  # (n, K), or (0, K)


@jit
def _log_joint(log_tables, log_weights, codes, others, row, out):
    """Write log p(x_i, k) for all k, and return its largest value."""
    K, D = log_tables.shape[1], codes.shape[1]
    width = 64 // log_tables.itemsize
    lowest = splat(log_tables.dtype.type(-np.inf))
    top = lowest
    for k in range(0, K, _TILE * width):
        a, b = load(log_weights, (k,)), load(log_weights, (k + width,))
        c = load(log_weights, (k + 2 * width,))
        d = load(log_weights, (k + 3 * width,))
        if len(others):
            a = a + load(others, (row, k))
            b = b + load(others, (row, k + width))
            c = c + load(others, (row, k + 2 * width))
            d = d + load(others, (row, k + 3 * width))
        for j in range(D):
            code = codes[row, j]
            a = a + load(log_tables, (code, k))
            b = b + load(log_tables, (code, k + width))
            c = c + load(log_tables, (code, k + 2 * width))
            d = d + load(log_tables, (code, k + 3 * width))
        store(out, (k,), a)
        store(out, (k + width,), b)
        store(out, (k + 2 * width,), c)
        store(out, (k + 3 * width,), d)
        a = choose_less(a, b, b, a)
        c = choose_less(c, d, d, c)
        a = choose_less(a, c, c, a)
        top = choose_less(top, a, a, top)
    store(out, (K,), top)
    largest = out[K]
    for i in range(1, width):
        largest = max(largest, out[K + i])
    return largest


@jit
def _exponentials(joint, top, K):
    """Overwrite joint by exp(joint - top); return the sum."""
    width = 64 // joint.itemsize
    sums = splat(joint.dtype.type(0.0))
    for k in range(0, K, width):
        value = exp(load(joint, (k,)) - top)
        sums = sums + value
        store(joint, (k,), value)
    return row_sum(sums)


@kernel
def table_moments(
    log_tables, log_weights, codes, others, sample_weight, cutoff, with_resp
):
    """Expected counts of every code in every component.

    Parameters
    ----------
    log_tables : array of shape (R, K)
        All columns' tables stacked: log p(code | k). K is a multiple of 32 (64 in
        float32); surplus components have log_weights -inf.
    log_weights : array of shape (K,)
    codes : int32 array of shape (n, D)
        Row of `log_tables` for each cell.
    others : array of shape (n, K) or (0, K)
        What columns that are no tables add to log p(x_i, k).
    sample_weight : array of shape (n,) or (0,)
        Empty means ones.
    cutoff : float
        Groups of 32 components that share less than this of a row get none of it in
        `s0` and `counts`: most of a thousand components know nothing of a row.
    with_resp : bool
    """
    n, D = codes.shape
    R, K = log_tables.shape
    width = 64 // log_tables.itemsize
    joint = np.empty(K + width, log_tables.dtype)
    s0, counts = np.zeros(K, log_tables.dtype), np.zeros((R, K), log_tables.dtype)
    resp = np.zeros((n if with_resp else 0, K), log_tables.dtype)
    log_likelihood = 0.0
    for i in range(n):
        top = _log_joint(log_tables, log_weights, codes, others, i, joint)
        weight = sample_weight[i] if len(sample_weight) else 1.0
        if not top > -np.inf:
            log_likelihood += weight * top if weight != 0.0 else 0.0
            continue
        total = _exponentials(joint, top, K)
        log_likelihood += weight * (top + log(total))
        factor = weight / total
        for k in range(0, K, _TILE * width):
            a, b = load(joint, (k,)), load(joint, (k + width,))
            c = load(joint, (k + 2 * width,))
            d = load(joint, (k + 3 * width,))
            if row_sum((a + b) + (c + d)) <= cutoff * total:
                continue
            a, b, c, d = a * factor, b * factor, c * factor, d * factor
            _add(s0, (k,), a, b, c, d)
            for j in range(D):
                _add(counts, (codes[i, j], k), a, b, c, d)
            if with_resp:
                _add(resp, (i, k), a, b, c, d)
    return TableMoments(log_likelihood, s0, counts, resp)


@jit
def _add(array, index, a, b, c, d):
    width = 64 // array.itemsize
    if len(index) == 1:
        k = index[0]
        store(array, (k,), load(array, (k,)) + a)
        store(array, (k + width,), load(array, (k + width,)) + b)
        store(array, (k + 2 * width,), load(array, (k + 2 * width,)) + c)
        store(array, (k + 3 * width,), load(array, (k + 3 * width,)) + d)
    else:
        r, k = index
        store(array, (r, k), load(array, (r, k)) + a)
        store(array, (r, k + width), load(array, (r, k + width)) + b)
        store(array, (r, k + 2 * width), load(array, (r, k + 2 * width)) + c)
        store(array, (r, k + 3 * width), load(array, (r, k + 3 * width)) + d)


@kernel
def table_posterior(log_tables, log_weights, codes, others, with_resp):
    """Log densities of rows, and their components' probabilities if asked for.

    Parameters
    ----------
    log_tables, log_weights, codes, others, with_resp
        As in :func:`table_moments`.
    """
    n, K = len(codes), log_tables.shape[1]
    width = 64 // log_tables.itemsize
    joint = np.empty(K + width, log_tables.dtype)
    log_prob = np.empty(n, log_tables.dtype)
    resp = np.zeros((n if with_resp else 0, K), log_tables.dtype)
    for i in range(n):
        top = _log_joint(log_tables, log_weights, codes, others, i, joint)
        log_prob[i] = top
        if not top > -np.inf:
            continue
        total = _exponentials(joint, top, K)
        log_prob[i] += log(total)
        if with_resp:
            for k in range(K):
                resp[i, k] = joint[k] / total
    return TablePosterior(log_prob, resp)
