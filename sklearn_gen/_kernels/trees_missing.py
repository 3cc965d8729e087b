"""Trees of discrete columns where cells are missing: belief propagation.

Codes, coordinates and tables are those of ``trees``; ``chances`` is exp(tables). Every
row may miss other cells.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen._kernels._jit import jit, kernel


class Expected(NamedTuple):
    """One-hot rows in expectation under one tree, given what is observed."""

    means: np.ndarray  # (n, R)
    covariances: np.ndarray  # (R, R) sum over rows of weight * covariance of the row


@jit
def _upward(row, parents, order, tables, chances, first, lam):
    """Messages from the leaves to the roots; returns log p(observed cells).

    ``lam`` (S,) gets, for each level of a missing column, the chance of all that is
    observed below it, up to a factor per column.
    """
    log_prob = 0.0
    for j in range(len(row)):
        for s in range(first[j], first[j + 1]):
            lam[s] = 1.0
    for t in range(len(row) - 1, -1, -1):
        j = order[t]
        p = parents[j]
        start, end = first[j], first[j + 1]
        seen = not np.isnan(row[j])
        own = start + int(row[j]) if seen else start
        if p < 0 or not np.isnan(row[p]):
            a = 0 if p < 0 else int(row[p])
            if seen:
                log_prob += tables[own, a]
            else:
                message = 0.0
                for s in range(start, end):
                    message += chances[s, a] * lam[s]
                log_prob += np.log(message)
            continue
        largest = 0.0
        for a in range(first[p + 1] - first[p]):
            if seen:
                message = chances[own, a]
            else:
                message = 0.0
                for s in range(start, end):
                    message += chances[s, a] * lam[s]
            lam[first[p] + a] *= message
            largest = max(largest, lam[first[p] + a])
        if largest > 0.0:
            for a in range(first[p], first[p + 1]):
                lam[a] /= largest
        log_prob += np.log(largest)
    return log_prob


@kernel
def joint_missing(X, log_weights, parents, order, tables, chances, first):
    """Log joint mass of rows and trees; NaN cells are summed out.

    ``chances`` is exp(tables), the rest as in `posterior`. Returns log p(x_i, k),
    (n, K).
    """
    n = len(X)
    K = len(log_weights)
    out = np.empty((n, K))
    lam = np.empty(first[len(first) - 1])
    for i in range(n):
        for k in range(K):
            out[i, k] = log_weights[k]
            if log_weights[k] > -np.inf:
                out[i, k] += _upward(
                    X[i], parents[k], order[k], tables[k], chances[k], first, lam
                )
    return out


@jit
def _transition(chances, first, lam, j, a, out):
    """p(x_j = b | x_parent = a, observed) of a missing column, into out (L_j,)."""
    total = 0.0
    n_levels = first[j + 1] - first[j]
    for b in range(n_levels):
        out[b] = chances[first[j] + b, a] * lam[first[j] + b]
        total += out[b]
    for b in range(n_levels):
        out[b] = out[b] / total if total > 0.0 else 0.0
    return n_levels


@jit
def _downward(row, parents, order, chances, first, lam, steps, mu):
    """Means of all one-hot coordinates, and transitions (S, largest L) into ``steps``.

    ``steps[first[j] + b, a]`` is p(x_j = b | x_parent = a, observed) of missing j.
    """
    buffer = np.empty(steps.shape[1])
    for t in range(len(row)):
        j = order[t]
        p = parents[j]
        start, end = first[j], first[j + 1]
        mu[start:end] = 0.0
        if not np.isnan(row[j]):
            mu[start + int(row[j])] = 1.0
            continue
        if p < 0 or not np.isnan(row[p]):
            a = 0 if p < 0 else int(row[p])
            n_levels = _transition(chances, first, lam, j, a, buffer)
            mu[start:end] = buffer[:n_levels]
            continue
        for a in range(first[p + 1] - first[p]):
            n_levels = _transition(chances, first, lam, j, a, buffer)
            for b in range(n_levels):
                steps[start + b, a] = buffer[b]
                mu[start + b] += mu[first[p] + a] * buffer[b]


@jit
def _add_covariances(row, weight, parents, order, first, steps, mu, cov, total):
    """Add weight * Cov(x_v, x_u) of all pairs of missing columns to total (R, R).

    Cov(v, u) = Cov(v, parent of u) C_u, with C_u the transition of u: only columns
    that a path of missing columns joins vary together.
    """
    D = len(row)
    tree = np.full(D, -1)
    members = np.empty(D, np.int64)
    n_members = 0
    for t in range(D):
        u = order[t]
        if not np.isnan(row[u]):
            continue
        p = parents[u]
        tree[u] = u
        if p >= 0 and np.isnan(row[p]):
            tree[u] = tree[p]
            for m in range(n_members):
                v = members[m]
                if tree[v] != tree[u]:
                    continue
                for x in range(first[v], first[v + 1]):
                    for y in range(first[u], first[u + 1]):
                        value = 0.0
                        for a in range(first[p], first[p + 1]):
                            value += cov[x, a] * steps[y, a - first[p]]
                        cov[x, y] = value
                        cov[y, x] = value
                        if x > first[v] and y > first[u]:
                            total[x - v - 1, y - u - 1] += weight * value
                            total[y - u - 1, x - v - 1] += weight * value
        for x in range(first[u], first[u + 1]):
            for y in range(first[u], first[u + 1]):
                cov[x, y] = -mu[x] * mu[y]
            cov[x, x] += mu[x]
        members[n_members] = u
        n_members += 1


@kernel
def expected_rows(X, weight, parents, order, tables, chances, first):
    """Expected one-hot rows under one tree, and the covariances about them.

    Parameters
    ----------
    X : array of shape (n, D)
    weight : array of shape (n,)
        Of each row; rows of weight 0 get means of 0.
    parents, order : int arrays of shape (D,)
    tables, chances : arrays of shape (S, largest L)
        Log probabilities and probabilities.
    first : int array of shape (D + 1,)

    Returns
    -------
    Expected
    """
    n, D = X.shape
    S = first[D]
    lam, mu = np.empty(S), np.empty(S)
    steps, cov = np.zeros(tables.shape), np.zeros((S, S))
    means, total = np.zeros((n, S - D)), np.zeros((S - D, S - D))
    for i in range(n):
        if weight[i] == 0.0:
            continue
        _upward(X[i], parents, order, tables, chances, first, lam)
        _downward(X[i], parents, order, chances, first, lam, steps, mu)
        for j in range(D):
            for s in range(first[j] + 1, first[j + 1]):
                means[i, s - j - 1] = mu[s]
        _add_covariances(X[i], weight[i], parents, order, first, steps, mu, cov, total)
    return Expected(means, total)


@kernel
def draw_missing(X, uniforms, component, parents, order, tables, chances, first):
    """Fill NaN cells by draws from p(missing | observed) of each row's component.

    Parameters
    ----------
    X : array of shape (n, D)
    uniforms : array of shape (n, D)
        Numbers in [0, 1).
    component : int array of shape (n,)
    parents, order, tables, chances, first : arrays
        See `Forest`.

    Returns
    -------
    array of shape (n, D)
        Codes.
    """
    out = X.copy()
    lam, buffer = np.empty(first[len(first) - 1]), np.empty(tables.shape[2])
    for i in range(len(X)):
        k = component[i]
        _upward(X[i], parents[k], order[k], tables[k], chances[k], first, lam)
        for t in range(X.shape[1]):
            j = order[k, t]
            if not np.isnan(X[i, j]):
                continue
            p = parents[k, j]
            a = int(out[i, p]) if p >= 0 else 0
            n_levels = _transition(chances[k], first, lam, j, a, buffer)
            left, b = uniforms[i, j], 0
            while b < n_levels - 1 and left >= buffer[b]:
                left -= buffer[b]
                b += 1
            out[i, j] = b
    return out
