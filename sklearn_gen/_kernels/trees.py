"""Mixtures of trees of discrete columns: structure, scores and counts.

Rows hold codes 0 .. L_j - 1, NaN where not observed. Column j owns the coordinates
``first[j]`` .. ``first[j + 1] - 1`` of one-hot rows, S in all; counts leave out each
column's level 0, which the totals imply, and have R = S - D coordinates. Tables are
log p(x_j = b | x_parent = a) at ``[first[j] + b, a]``; a root has a = 0 only.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel
from sklearn_gen._kernels.blocks import aligned_zeros
from sklearn_gen._kernels.lanes import accumulate, load
from sklearn_gen._kernels.mixture import write_posterior

BLOCK = 256
_LOWEST = 1e-300  # stands for probability 0 where nothing smooths


class Forest(NamedTuple):
    """K trees, or forests where edges were not worth their penalty."""

    parents: np.ndarray  # (K, D) int64, -1 for roots
    order: np.ndarray  # (K, D) int64, every parent before its children
    tables: np.ndarray  # (K, S, largest L) log p(x_j | x_parent)
    information: np.ndarray  # (K, D) mutual information with the parent, nats


class Posterior(NamedTuple):
    """Scores of rows."""

    log_prob: np.ndarray  # (n,) log p(x_i)
    resp: np.ndarray  # (n, K) p(k | x_i), or (0, K) where it was not asked for


@jit
def _joint(pairs, singles, total, first, u, v, table):
    """Fill table (L_u, L_v) with the counts of two columns, level 0 by difference."""
    i, j = first[u] - u, first[v] - v
    rows, columns = first[u + 1] - first[u] - 1, first[v + 1] - first[v] - 1
    rest = total
    for b in range(columns):
        table[0, b + 1] = singles[j + b]
    for a in range(rows):
        left = singles[i + a]
        rest -= left
        for b in range(columns):
            count = pairs[i + a, j + b] if u < v else pairs[j + b, i + a]
            table[a + 1, b + 1] = max(count, 0.0)
            table[0, b + 1] -= count
            left -= count
        table[a + 1, 0] = max(left, 0.0)
    for b in range(columns):
        table[0, b + 1] = max(table[0, b + 1], 0.0)
        rest -= table[0, b + 1]
    table[0, 0] = max(rest, 0.0)


@jit
def _marginal(singles, total, first, j, out):
    """Counts of the levels of one column; returns their number."""
    n_levels = first[j + 1] - first[j]
    out[0] = total
    for a in range(1, n_levels):
        out[a] = max(singles[first[j] - j + a - 1], 0.0)
        out[0] -= out[a]
    out[0] = max(out[0], 0.0)
    return n_levels


@jit
def _x_log_x(x):
    return x * np.log(x) if x > 0.0 else 0.0


@jit
def _all_information(pairs, singles, total, first, table, out):
    """Mutual information of all pairs of columns in nats, into out (D, D)."""
    D = len(first) - 1
    # I(u; v) = H(u) + H(v) - H(u, v), with n H = n log n - sum of n_a log n_a
    own = np.zeros(D)
    for j in range(D):
        n_levels = _marginal(singles, total, first, j, table[0])
        for a in range(n_levels):
            own[j] += _x_log_x(table[0, a])
    log_total = np.log(total)
    for u in range(D):
        for v in range(u):
            _joint(pairs, singles, total, first, u, v, table)
            both = 0.0
            for a in range(first[u + 1] - first[u]):
                for b in range(first[v + 1] - first[v]):
                    both += _x_log_x(table[a, b])
            out[u, v] = max((both - own[u] - own[v]) / total + log_total, 0.0)
            out[v, u] = out[u, v]


@jit
def _spanning_forest(information, total, edge_penalty, first, parents, order, gained):
    """Prim's algorithm; an edge must gain more than its free parameters' penalty."""
    D = len(parents)
    # filled in a loop: np.full and np.ones take a fifth of a second each to compile
    best = np.empty(D)
    link, free = np.empty(D, np.int64), np.empty(D, np.int64)
    for j in range(D):
        best[j], link[j], free[j] = -np.inf, -1, 1
    for t in range(D):
        u = -1
        for j in range(D):
            if free[j] and (u < 0 or best[j] > best[u]):
                u = j
        free[u] = 0
        order[t] = u
        joined = best[u] > 0.0 or (edge_penalty == 0.0 and t > 0)
        parents[u] = link[u] if joined else -1
        gained[u] = information[u, link[u]] if joined else 0.0
        for j in range(D):
            if free[j]:
                size = (first[u + 1] - first[u] - 1) * (first[j + 1] - first[j] - 1)
                gain = total * information[u, j] - edge_penalty * size
                if gain > best[j]:
                    best[j], link[j] = gain, u


@jit
def _fill_tables(pairs, singles, total, first, parents, table, out):
    for j in range(len(parents)):
        n_levels = first[j + 1] - first[j]
        p = parents[j]
        n_above = 1
        if p < 0:
            _marginal(singles, total, first, j, table[0])
        else:
            _joint(pairs, singles, total, first, p, j, table)
            n_above = first[p + 1] - first[p]
        for a in range(n_above):
            above = 0.0
            for b in range(n_levels):
                above += table[a, b]
            for b in range(n_levels):
                share = table[a, b] / above if above > 0.0 else 1.0 / n_levels
                out[first[j] + b, a] = np.log(max(share, _LOWEST))


@kernel
def chow_liu(pairs, singles, totals, first, edge_penalty):
    """Trees of maximum likelihood, by Chow & Liu's algorithm, one per component.

    Parameters
    ----------
    pairs : array of shape (K, R, R)
        Weighted counts of pairs of levels; blocks of a column with itself are not used.
    singles : array of shape (K, R)
        Weighted counts of levels.
    totals : array of shape (K,)
        Weights, positive.
    first : int array of shape (D + 1,)
    edge_penalty : float
        Nats that an edge must gain for each of its free parameters.

    Returns
    -------
    Forest
    """
    K, D = len(totals), len(first) - 1
    widest = 1
    for j in range(D):
        widest = max(widest, first[j + 1] - first[j])
    parents, order = np.empty((K, D), np.int64), np.empty((K, D), np.int64)
    tables = np.zeros((K, first[D], widest))
    gained, information = np.zeros((K, D)), np.zeros((D, D))
    table = np.empty((widest, widest))
    for k in range(K):
        _all_information(pairs[k], singles[k], totals[k], first, table, information)
        _spanning_forest(
            information, totals[k], edge_penalty, first, parents[k], order[k], gained[k]
        )
        _fill_tables(
            pairs[k], singles[k], totals[k], first, parents[k], table, tables[k]
        )
    return Forest(parents, order, tables, gained)


# -- complete rows -----------------------------------------------------------------


@jit
def _add_table(rows, size, first, j, p, tables, out):
    """Add log p(x_j | x_p) of a block of rows (D, B) to out (B,)."""
    start = first[j]
    codes = rows[j]
    n_levels = first[j + 1] - start
    n_above = first[p + 1] - first[p] if p >= 0 else 1
    if n_levels == 1:
        return
    if p < 0 and n_levels == 2:
        low, step = tables[start, 0], tables[start + 1, 0] - tables[start, 0]
        for i in range(size):
            out[i] += low + step * codes[i]
    elif p < 0:
        for i in range(size):
            out[i] += tables[start + int(codes[i]), 0]
    elif n_levels == 2 and n_above == 2:
        # arithmetic on zeros and ones instead of look-ups: it vectorises
        above = rows[p]
        low, own = tables[start, 0], tables[start + 1, 0] - tables[start, 0]
        shift = tables[start, 1] - low
        both = tables[start + 1, 1] - tables[start, 1] - own
        for i in range(size):
            out[i] += low + own * codes[i] + above[i] * (shift + both * codes[i])
    else:
        above = rows[p]
        for i in range(size):
            out[i] += tables[start + int(codes[i]), int(above[i])]


@kernel
def posterior(X, log_weights, parents, tables, first, with_resp):
    """Log mass of complete rows and, if asked for, their responsibilities.

    Parameters
    ----------
    X : array of shape (n, D)
        Codes, as float64.
    log_weights : array of shape (K,)
        -inf switches a component off.
    parents, tables : arrays
        See `Forest`.
    first : int array of shape (D + 1,)
    with_resp : bool

    Returns
    -------
    Posterior
    """
    n, D = X.shape
    K = len(log_weights)
    out, resp = np.empty(n), np.empty((n if with_resp else 0, K))
    rows = aligned_zeros(D * BLOCK, X.dtype).reshape(D, BLOCK)
    log_joint = aligned_zeros(K * BLOCK, X.dtype).reshape(K, BLOCK)
    work, s0 = aligned_zeros(3 * BLOCK, X.dtype).reshape(3, BLOCK), np.zeros(K)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        for i in range(size):
            for j in range(D):
                rows[j, i] = X[start + i, j]
        for k in range(K):
            log_joint[k] = log_weights[k]
            for j in range(D):
                _add_table(rows, size, first, j, parents[k, j], tables[k], log_joint[k])
        write_posterior(log_joint, start, size, work, s0, out, resp)
    return Posterior(out, resp)


@kernel
def pair_counts(X, resp, first):
    """Weighted counts of pairs of levels, other than level 0, in each component.

    Only the levels above 0 of a row are visited, and their counts added for eight
    components at a time: with the most frequent level as level 0, that is a tenth of
    the work of a matrix product for a typical table of zeros and ones.

    Parameters
    ----------
    X : array of shape (n, D)
        Codes, as float64.
    resp : array of shape (n, K)
        Weight of each row in each component.
    first : int array of shape (D + 1,)

    Returns
    -------
    array of shape (K, R, R)
        The upper triangle; its diagonal holds the counts of levels.
    """
    n, D = X.shape
    K, R = resp.shape[1], first[D] - D
    chunks = -(-K // 8)
    counts = aligned_zeros(chunks * R * R * 8, X.dtype).reshape(chunks * R, R, 8)
    weight = aligned_zeros(BLOCK * 8, X.dtype).reshape(BLOCK, 8)
    found = np.empty((BLOCK, D), np.int64)
    n_found = np.empty(BLOCK, np.int64)
    for start in range(0, n, BLOCK):
        size = min(BLOCK, n - start)
        for i in range(size):
            n_found[i] = 0
            for j in range(D):
                code = int(X[start + i, j])
                if code > 0:
                    found[i, n_found[i]] = first[j] - j + code - 1
                    n_found[i] += 1
        for c in range(chunks):
            for i in range(size):
                for k in range(8 * c, min(8 * c + 8, K)):
                    weight[i, k - 8 * c] = resp[start + i, k]
            for i in range(size):
                values = load(weight, (i, 0))
                for a in range(n_found[i]):
                    s = c * R + found[i, a]
                    for b in range(a, n_found[i]):
                        accumulate(counts, (s, found[i, b], 0), values)
    out = np.empty((K, R, R))
    for k in range(K):
        for s in range(R):
            for t in range(R):
                out[k, s, t] = counts[k // 8 * R + s, t, k % 8]
    return out
