"""Densities and responsibilities of all rows, block by block."""

import numpy as np

from sklearn_gen._blocks import row_blocks, workers


def posterior_of_rows(function, X, n_components, n_jobs, with_resp):
    """Apply a posterior to blocks of rows, on threads.

    Parameters
    ----------
    function : callable
        From a block to an object with `log_prob` and, if wanted, `resp` of its rows.
    X : ndarray of shape (n_samples, n_features)
        Rows.
    n_components : int
        Columns of `resp`.
    n_jobs : int or None
        Threads.
    with_resp : bool
        Whether responsibilities are wanted.

    Returns
    -------
    log_prob : ndarray of shape (n_samples,)
        In nats, in the precision of X where that is a float.
    resp : ndarray of shape (n_samples, n_components), or (0, n_components)
        Responsibilities.
    """
    dtype = X.dtype if X.dtype.kind == "f" else np.float64
    blocks = row_blocks(X)
    log_prob = np.empty(len(X), dtype)
    resp = np.empty((len(X) if with_resp else 0, n_components), dtype)
    with workers(n_jobs) as run:
        for block, result in zip(blocks, run(function, blocks), strict=True):
            log_prob[block.rows] = result.log_prob
            if with_resp:
                resp[block.rows] = result.resp
    return log_prob, resp
