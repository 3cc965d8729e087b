"""From log joint densities to responsibilities, on one block of rows."""

import numpy as np

from sklearn_gen._kernels._jit import jit
from sklearn_gen._kernels.special import log_sum_exp


@jit
def responsibilities(log_joint, size, scale, log_prob, total):
    """Overwrite log p(x_i, k) by scale_i p(k | x_i); returns nothing.

    Parameters
    ----------
    log_joint : array of shape (K, B)
        Only the first ``size`` columns are used.
    size : int
    scale : array of shape (B,)
        Sample weights of the rows.
    log_prob : array of shape (B,)
        Gets log p(x_i) = log sum_k p(x_i, k).
    total : array of shape (B,)
        Work space.

    Notes
    -----
    A row that is impossible under every component (log p = -inf) belongs to none: its
    responsibilities are 0.
    """
    log_sum_exp(log_joint, size, log_prob, total)
    zero = log_joint.dtype.type(0.0)
    for i in range(size):
        total[i] = scale[i] / total[i] if log_prob[i] > -np.inf else zero
    for k in range(len(log_joint)):
        row = log_joint[k]
        for i in range(size):
            row[i] *= total[i]
