"""From log joint densities to responsibilities, on one block of rows."""

import numpy as np

from sklearn_gen._kernels._jit import REORDERED, jit
from sklearn_gen._kernels.lanes import load, row_sum, splat, store
from sklearn_gen._kernels.special import log_sum_exp


@jit
def responsibilities(log_joint, size, weight, log_prob, total, s0):
    """Overwrite log p(x_i, k) by weight_i p(k | x_i), and sum it over rows.

    Parameters
    ----------
    log_joint : array of shape (K, B)
        Only the first ``size`` columns are used; those from there to the next multiple
        of 4 vectors of ``Lanes``, of which B is one, become 0.
    size : int
    weight : array of shape (B,)
        Sample weights of the rows.
    log_prob : array of shape (B,)
        Gets log p(x_i) = log sum_k p(x_i, k).
    total : array of shape (B,)
        Work space.
    s0 : float64 array of shape (K,)
        The sums over rows are added to it.

    Notes
    -----
    A row that is impossible under every component (log p = -inf) belongs to none: its
    responsibilities are 0.
    """
    zero = log_joint.dtype.type(0.0)
    width = 64 // log_joint.itemsize
    end = -(-size // (4 * width)) * 4 * width
    log_sum_exp(log_joint, end, log_prob, total)
    for i in range(size):
        total[i] = weight[i] / total[i] if log_prob[i] > -np.inf else zero
    total[size:end] = zero
    for k in range(len(log_joint)):
        sums = splat(zero)
        for i in range(0, end, width):
            value = load(log_joint, (k, i)) * load(total, (i,))
            store(log_joint, (k, i), value)
            sums = sums + value
        s0[k] += row_sum(sums)


@jit(fastmath=REORDERED)
def _log_likelihood(weight, log_prob, size):
    """Sum of weight log_prob, where a row of weight 0 counts nothing, even at -inf."""
    zero = weight.dtype.type(0.0)
    total = zero
    for i in range(size):
        total += weight[i] * log_prob[i] if weight[i] != zero else zero
    return total


@jit
def expect(log_joint, start, size, sample_weight, work, s0):
    """Responsibilities of one block; returns its log-likelihood."""
    weight, log_prob, total = work[0], work[1], work[2]
    one = weight.dtype.type(1.0)
    for i in range(size):
        weight[i] = sample_weight[start + i] if len(sample_weight) else one
    responsibilities(log_joint, size, weight, log_prob, total, s0)
    return _log_likelihood(weight, log_prob, size)


@jit
def write_posterior(log_joint, start, size, work, s0, out, resp):
    """Write log p and, if resp has rows, p(k | x) of one block into the results."""
    weight, log_prob, total = work[0], work[1], work[2]
    weight[:size] = weight.dtype.type(1.0)
    responsibilities(log_joint, size, weight, log_prob, total, s0)
    K = resp.shape[1] if len(resp) else 0
    for i in range(size):
        out[start + i] = log_prob[i]
        for k in range(K):
            resp[start + i, k] = log_joint[k, i]
