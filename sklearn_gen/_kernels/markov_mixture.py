"""Mixtures as emissions: states' log densities from components', and gamma split up.

Everything is stored (state, row) or (state, component, row), as recursions have it.
"""

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.blocks import aligned_zeros, copy_to
from sklearn_gen._kernels.mixture import responsibilities
from sklearn_gen._kernels.special import log_sum_exp

_GROUPS = 8  # of 256 bytes of rows each: a block of 10 components is 20 kB


@jit
def _new_block(parts):
    """Work space: log_joint (M, B); weight, log_prob, total (B,)."""
    M, B = parts.shape[1], _GROUPS * (256 // parts.itemsize)
    log_joint = aligned_zeros(M * B, parts.dtype).reshape(M, B)
    return log_joint, aligned_zeros(3 * B, parts.dtype).reshape(3, B)


@jit
def _load_joint(parts, log_weights, k, start, size, log_joint):
    """Weighted densities of the components of state k; 0 beyond the last row."""
    for m in range(len(log_joint)):
        for i in range(size):
            log_joint[m, i] = parts[k, m, start + i] + log_weights[k, m]
        log_joint[m, size:] = log_joint.dtype.type(0.0)


@kernel
def state_log_densities(parts, log_weights):
    """Log of the sum over m of weight_km density_km of each row, (K, n).

    Parameters
    ----------
    parts : array of shape (K, M, n)
        Log densities of rows under every component of every state.
    log_weights : array of shape (K, M)
        -inf switches a component off.
    """
    K, _, n = parts.shape
    log_joint, work = _new_block(parts)
    B = log_joint.shape[1]
    out = np.empty((K, n), parts.dtype)
    for start in range(0, n, B):
        size = min(B, n - start)
        for k in range(K):
            _load_joint(parts, log_weights, k, start, size, log_joint)
            log_sum_exp(log_joint, size, work[0], work[1])
            for i in range(size):
                out[k, start + i] = work[0, i]
    return out


@kernel
def split_by_component(parts, log_weights, gamma):
    """Share gamma (K, n) out among components by their posterior, (K, M, n).

    Parameters are those of :func:`state_log_densities`. A row that is impossible under
    all components of a state gives them nothing.
    """
    K, M, n = parts.shape
    log_joint, work = _new_block(parts)
    weight, log_prob, total = work[0], work[1], work[2]
    B = log_joint.shape[1]
    out, sums = np.empty((K, M, n), parts.dtype), np.zeros(M)
    for start in range(0, n, B):
        size = min(B, n - start)
        for k in range(K):
            _load_joint(parts, log_weights, k, start, size, log_joint)
            for i in range(size):
                weight[i] = gamma[k, start + i]
            responsibilities(log_joint, size, weight, log_prob, total, sums)
            copy_to(out[k, :, start : start + size], log_joint[:, :size])
    return out
