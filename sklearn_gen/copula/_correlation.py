"""Correlation matrix of normal scores: known, missing, or known up to an interval."""

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import ndtr, ndtri

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import row_blocks, sum_blocks

_TOLERANCE, _MAX_ITER = 1e-7, 300  # of EM over missing cells
_MAX_LEVELS = 64  # of a pair's table; more don't sharpen the estimate
_N_NODES = 128  # of quadrature along a table's rows
_MOST = 0.995  # correlation that a table of counts can show
_LEAST_EIGENVALUE = 1e-3  # of a matrix put together from pairs


def fit_correlation(lower, upper, weight, reg_corr, run):
    """Correlation matrix of the normal scores.

    Of columns whose scores are known: maximum likelihood, by EM where cells are
    missing. Of pairs with a column of intervals: polychoric, each pair's likelihood is
    maximised for itself (which needs no value within the interval to be made up).

    Parameters
    ----------
    lower, upper : ndarray of shape (n_samples, n_features)
        Intervals of scores; equal where the score is known, NaN where missing.
    weight : ndarray of shape (n_samples,)
        Positive.
    reg_corr : float
        Added to the diagonal before it is scaled back to one.
    run : callable
        As `workers` gives it.

    Returns
    -------
    correlation : ndarray of shape (n_features, n_features)
        Positive definite where `reg_corr` is positive.
    """
    d = lower.shape[1]
    wide = (lower < upper).any(axis=0)
    known = np.flatnonzero(~wide)
    correlation = np.eye(d)
    if len(known) > 1:
        block = _known_correlation(lower[:, known], weight, reg_corr, run)
        correlation[np.ix_(known, known)] = block
    if wide.any():
        codes, edges = zip(*(_levels(z, weight) for z in upper.T), strict=True)
        pairs = [(j, k) for k in range(d) for j in range(k) if wide[j] or wide[k]]

        def estimate(pair):
            j, k = pair
            table = _table(codes[j], codes[k], weight)
            return polychoric(table, edges[j], edges[k])

        for (j, k), r in zip(pairs, run(estimate, pairs), strict=True):
            correlation[j, k] = correlation[k, j] = r
        correlation = _made_definite(correlation)
    correlation[~np.eye(d, dtype=bool)] /= 1 + reg_corr
    return correlation


def _known_correlation(Z, weight, reg_corr, run):
    Z = np.ascontiguousarray(Z)
    blocks = row_blocks(Z, weight)
    structure = gaussian.STRUCTURES["full"]
    R = np.eye(Z.shape[1])
    zeros = np.zeros((1, len(R)))
    for _ in range(_MAX_ITER):
        covariances, factors, _ = structure.cholesky(
            (R + reg_corr * np.eye(len(R)))[None], np.full(len(R), 1e-8)
        )
        params = gaussian.GaussianParams(
            np.ones(1), zeros, covariances, factors, np.zeros(len(R), dtype=bool)
        )
        args = structure.kernel_args(params, np.float64)

        def moments(block, params=params, args=args):
            return gaussian.suff_stats(structure, block, params, args, zeros)

        second = sum_blocks(run, moments, blocks).s2[0]
        deviations = np.sqrt(np.maximum(np.diag(second), np.finfo(float).tiny))
        updated = second / np.outer(deviations, deviations)
        np.fill_diagonal(updated, 1.0)
        change, R = np.abs(updated - R).max(), updated
        if change < _TOLERANCE:
            break
    return R


def _levels(z, weight):
    """Cut the scores of a column into levels; no interval is cut.

    Returns
    -------
    codes : ndarray of shape (n_samples,)
        Level, -1 where missing.
    edges : ndarray of shape (n_levels - 1,)
        Scores between levels.
    """
    seen = ~np.isnan(z)
    values, inverse = np.unique(z[seen], return_inverse=True)
    if len(values) == 0:
        return np.full(len(z), -1), np.empty(0)
    share = np.cumsum(np.bincount(inverse, weight[seen]))
    share /= share[-1]
    if len(values) > _MAX_LEVELS:
        wanted = np.arange(1, _MAX_LEVELS + 1) / _MAX_LEVELS
        cut = np.unique(np.searchsorted(share, wanted - 1e-9))
        values = values[np.minimum(cut, len(values) - 1)]
    edges = values[:-1]
    edges = edges[np.isfinite(edges)]
    codes = np.where(seen, np.searchsorted(edges, np.where(seen, z, 0.0)), -1)
    return codes, edges


def _table(first, second, weight):
    n_rows, n_columns = first.max() + 1, second.max() + 1
    both = (first >= 0) & (second >= 0)
    cells = first[both] * n_columns + second[both]
    counts = np.bincount(cells, weight[both], n_rows * n_columns)
    return counts.reshape(n_rows, n_columns)


def polychoric(table, row_edges, column_edges):
    """Correlation of two normal scores, given how often they fall between edges.

    Parameters
    ----------
    table : ndarray of shape (n_rows, n_columns)
        Weight of every cell.
    row_edges, column_edges : ndarray
        Scores between rows and between columns, ascending.

    References
    ----------
    Olsson (1979), doi:10.1007/BF02296207.
    """
    if min(table.shape) < 2 or not table.any():
        return 0.0
    # sum over the rows' scores by quadrature on the scale of probabilities
    below = np.concatenate([[0.0], ndtr(row_edges), [1.0]])[: len(table) + 1]
    below[-1] = 1.0
    x, w = np.polynomial.legendre.leggauss(max(6, -(-_N_NODES // len(table))))
    mass = np.diff(below)[:, None]
    t = ndtri((below[:-1, None] + 0.5 * mass * (x + 1)).clip(1e-300, 1 - 1e-16))
    nodes = t[:, :, None]
    edges = column_edges[: table.shape[1] - 1]

    def loss(r):
        upto = ndtr((edges - r * nodes) / np.sqrt(1 - r * r))
        upto = np.einsum("rge,g->re", upto, 0.5 * w)
        ends = np.zeros((len(table), 1)), np.ones((len(table), 1))
        cells = np.diff(np.hstack([ends[0], upto, ends[1]]), axis=1)
        return -np.sum(table * np.log(np.maximum(cells, 1e-300)))

    found = minimize_scalar(
        loss, bounds=(-_MOST, _MOST), method="bounded", options={"xatol": 1e-5}
    )
    return float(found.x)


def _made_definite(correlation):
    """Raise small eigenvalues: pairs estimated one by one needn't fit together."""
    values, vectors = np.linalg.eigh(correlation)
    if values[0] >= _LEAST_EIGENVALUE:
        return correlation
    raised = (vectors * np.maximum(values, _LEAST_EIGENVALUE)) @ vectors.T
    deviations = np.sqrt(np.diag(raised))
    raised /= np.outer(deviations, deviations)
    np.fill_diagonal(raised, 1.0)
    return raised
