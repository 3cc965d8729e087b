"""From log joint densities to responsibilities, on one block of rows."""

import numpy as np

from sklearn_gen._kernels._jit import jit
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
