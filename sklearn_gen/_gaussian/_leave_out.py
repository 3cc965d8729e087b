"""Cells, and pairs of cells, given the rest of their row.

With Lambda the precision matrix of component k and r = Lambda (x - mu), the columns S
given all others are Gaussian with precision Lambda_SS, and

    log N_k(x_S | x_-S) = (log det Lambda_SS - |S| log 2 pi - r_S' Lambda_SS^-1 r_S) / 2

(Rasmussen & Williams 2006, eqs. A.6 and A.11-13), so no component is ever restricted to
fewer columns. In a mixture p(x_-S) = sum_k p(x, k) / N_k(x_S | x_-S), hence

    log p(x_S | x_-S) = -log sum_k p(k | x) / N_k(x_S | x_-S),

which far from all components loses no digits to the size of log p(x).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from sklearn_gen._blocks import NO_WEIGHT, Block, row_blocks
from sklearn_gen._gaussian._linalg import log_weights
from sklearn_gen._gaussian._moments import marginal, posterior

# Numbers per array of (components, rows, cells): 1 MB stays in a core's cache.
_CELLS_AT_ONCE = 2**17
_HALF_LOG_2_PI = 0.5 * np.log(2 * np.pi)


class _Standardized(NamedTuple):
    """A chunk of rows as each component sees it."""

    log_resp: np.ndarray  # (K, N) log p(k | x)
    u: np.ndarray  # (K, N, D) r_j / sqrt(Lambda_jj), standard normal given the rest


def leave_out(structure, block, params, pairs=False):
    """Score each cell of a block, or each pair of cells, given the rest of its row.

    Returns
    -------
    scores : ndarray of shape (n_rows, n_features) or, of pairs, (n_rows, D, D)
        log p(x_S | x_-S), float64, with S = {j} or {i, j}. Cells that aren't observed
        count nothing: 0 alone, and in a pair the other one's score.
    """
    if block.mixed:
        n_rows, d = block.X.shape
        scores = np.empty((n_rows, d, d) if pairs else (n_rows, d))
        for part in row_blocks(block.X, mixed=False):
            scores[part.rows] = leave_out(structure, part, params, pairs)
        return scores
    observed = block.observed
    if observed is not None:
        params = marginal(structure, params, observed)
    X = block.X.astype(np.float64, copy=False)
    n_rows, d = X.shape
    n_scores = d * (d - 1) // 2 if pairs else d
    size = max(1, _CELLS_AT_ONCE // max(1, len(params.weights) * n_scores))
    scores = np.empty((n_rows, d, d) if pairs else (n_rows, d))
    roots = np.array([_roots(structure, params, k) for k in range(len(params.means))])
    partial = _partial(structure, params, roots) if pairs else None
    for start in range(0, n_rows, size):
        chunk = slice(start, start + size)
        # squares may overflow; what they leave is dealt with below
        with np.errstate(over="ignore", invalid="ignore"):
            seen = _standardize(structure, params, X[chunk], roots)
            singles = _singles(*seen, roots)
            scores[chunk] = _pairs(*seen, roots, partial, singles) if pairs else singles
    lost = ~np.isfinite(scores).reshape(n_rows, -1).all(axis=1)
    if lost.any():
        scores[lost] = _one_by_one(structure, params, X[lost], pairs)
    return scores if observed is None else _spread(scores, observed)


def _factor(structure, params, k):
    """P with P P^T = Lambda of component k, as (D, D) or the diagonal of one, (D,)."""
    factor = structure.factor(params.precisions_cholesky, k)
    return factor if factor.ndim else np.broadcast_to(factor, params.means.shape[1])


def _roots(structure, params, k):
    """sqrt(Lambda_jj): the inverse deviation of each column given all others."""
    factor = _factor(structure, params, k)
    return factor if factor.ndim == 1 else np.sqrt((factor**2).sum(axis=1))


def _partial(structure, params, roots):
    """Lambda scaled to a diagonal of one, (K, D, D): minus the partial correlations."""
    if not structure.correlated:
        return np.broadcast_to(np.eye(roots.shape[1]), (*roots.shape, roots.shape[1]))
    rows = [
        _factor(structure, params, k) / root[:, None] for k, root in enumerate(roots)
    ]
    return np.array([row @ row.T for row in rows])


def _standardize(structure, params, X, roots):
    (n_rows, d), K = X.shape, len(roots)
    if not structure.correlated:  # all at once: there may be one component per row
        u = (X - params.means[:, None]) * roots[:, None]
        log_joint = np.log(roots).sum(axis=1)[:, None] - 0.5 * (u**2).sum(axis=2)
    else:
        u, log_joint = np.empty((K, n_rows, d)), np.empty((K, n_rows))
        for k, mean in enumerate(params.means):
            factor = _factor(structure, params, k)
            z = (X - mean) @ factor
            u[k] = (z @ factor.T) / roots[k]
            log_det = np.log(np.diagonal(factor)).sum()
            log_joint[k] = log_det - 0.5 * (z**2).sum(axis=1)
    log_joint += log_weights(params.weights)[:, None]
    return _Standardized(log_joint - logsumexp(log_joint, axis=0), u)


def _singles(log_resp, u, roots):
    log_cells = (np.log(roots) - _HALF_LOG_2_PI)[:, None] - 0.5 * u**2
    return _mixed(log_resp, log_cells)


def _pairs(log_resp, u, roots, partial, singles):
    d = u.shape[2]
    i, j = np.triu_indices(d, 1)
    rho = partial[:, i, j]
    # two columns that tell each other all but exactly leave rounding error
    left = np.maximum((1 - rho) * (1 + rho), np.finfo(float).eps)
    log_norm = np.log(roots[:, i] * roots[:, j]) + 0.5 * np.log(left)
    # u_S' R^-1 u_S with R = [[1, rho], [rho, 1]], as a sum of squares
    second = u[:, :, j] - rho[:, None] * u[:, :, i]
    squares = u[:, :, i] ** 2 + second**2 / left[:, None]
    log_pairs = (log_norm - 2 * _HALF_LOG_2_PI)[:, None] - 0.5 * squares
    scores = np.empty((len(singles), d, d))
    scores[:, i, j] = scores[:, j, i] = _mixed(log_resp, log_pairs)
    scores[:, range(d), range(d)] = singles
    return scores


def _mixed(log_resp, log_cells):
    """-log sum_k p(k | x) / N_k; scipy's logsumexp takes four times as long."""
    terms = log_resp[:, :, None] - log_cells
    largest = terms.max(axis=0)
    terms -= largest
    return -(largest + np.log(np.exp(terms, out=terms).sum(axis=0)))


def _one_by_one(structure, params, X, pairs):
    """By the marginals without S, for rows so far out that squares overflow."""
    d = X.shape[1]

    def log_prob(columns):
        cells = np.ascontiguousarray(X[:, columns])
        block = Block(cells, NO_WEIGHT, slice(None), columns)
        return posterior(structure, block, params, None, False).log_prob

    def without(*columns):
        return log_prob(~np.isin(np.arange(d), columns))

    whole = log_prob(np.ones(d, dtype=bool))
    with np.errstate(invalid="ignore"):
        if pairs:
            rest = [[without(i, j) for j in range(d)] for i in range(d)]
        else:
            rest = [without(j) for j in range(d)]
        scores = (whole - np.array(rest)).T
    # -inf less -inf: the row is impossible with or without those cells
    return np.where(np.isnan(scores), 0.0, scores)


def _spread(scores, observed):
    """Scores of all columns from those of the observed ones."""
    n_rows, rows = len(scores), slice(None)
    seen, hidden = np.flatnonzero(observed), np.flatnonzero(~observed)
    out = np.zeros((n_rows, *[len(observed)] * (scores.ndim - 1)))
    if scores.ndim == 2:
        out[:, seen] = scores
        return out
    out[rows, seen[:, None], seen] = scores
    singles = np.diagonal(scores, axis1=1, axis2=2)
    out[rows, seen[:, None], hidden] = singles[:, :, None]
    out[rows, hidden[:, None], seen] = singles[:, None, :]
    return out
