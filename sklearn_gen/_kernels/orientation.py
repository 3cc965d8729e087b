"""Axes that several covariance matrices share."""

import numpy as np

from sklearn_gen._kernels._jit import kernel


@kernel
def turn_axes(axes, scatter, precisions):
    """Turn axes in each plane, once, to fit K scatter matrices with given variances.

    Lowers sum_k sum_j precisions[k, j] scatter[k, j, j], over rotations of one plane
    after the other. With the angle t between old and new axes (i, j) it is a constant
    plus a cos(2 t) + b sin(2 t), so the best angle of each plane is known.

    Parameters
    ----------
    axes : array of shape (d, d)
        In columns.
    scatter : array of shape (K, d, d)
        Of each component, along these axes.
    precisions : array of shape (K, d)
        Inverse variances along them.

    Returns
    -------
    axes, scatter : array
        Of the same shapes, after one turn in each of the d (d - 1) / 2 planes.
    """
    K, d = precisions.shape
    axes, scatter = axes.copy(), scatter.copy()
    for i in range(d):
        for j in range(i + 1, d):
            a, b = 0.0, 0.0
            for k in range(K):
                difference = precisions[k, i] - precisions[k, j]
                a += difference * 0.5 * (scatter[k, i, i] - scatter[k, j, j])
                b += difference * scatter[k, i, j]
            if b == 0.0 and a <= 0.0:
                continue
            angle = 0.5 * np.arctan2(-b, -a)
            c, s = np.cos(angle), np.sin(angle)
            for m in range(d):
                x, y = axes[m, i], axes[m, j]
                axes[m, i], axes[m, j] = c * x + s * y, c * y - s * x
            for k in range(K):
                for m in range(d):
                    x, y = scatter[k, m, i], scatter[k, m, j]
                    scatter[k, m, i], scatter[k, m, j] = c * x + s * y, c * y - s * x
                for m in range(d):
                    x, y = scatter[k, i, m], scatter[k, j, m]
                    scatter[k, i, m], scatter[k, j, m] = c * x + s * y, c * y - s * x
    return axes, scatter
