"""Mixtures of trees as EM sees them: expected counts, and the trees they make best."""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from sklearn_gen._kernels import trees as kernels
from sklearn_gen._kernels import trees_missing as missing

# Where nothing smooths: so that a component without rows is the overall tree.
_TINY = 1e-12


class TreeParams(NamedTuple):
    """A mixture of K trees over D columns.

    Column j has the coordinates ``first[j]`` .. ``first[j + 1] - 1``, S in all; no
    column has more than L of them.
    """

    weights: np.ndarray  # (K,)
    parents: np.ndarray  # (K, D) int64, -1 for roots
    order: np.ndarray  # (K, D) int64, every parent before its children
    tables: np.ndarray  # (K, S, L) log p(x_j = b | x_parent = a) at [first[j] + b, a]
    information: np.ndarray  # (K, D) mutual information with the parent, nats


class TreeStats(NamedTuple):
    """Sums over rows, in one-hot coordinates without each column's code 0: R = S - D.

    r_ik is the weighted responsibility of tree k for row i.
    """

    log_likelihood: float
    weight: float
    totals: np.ndarray  # (K,) of r_ik
    singles: np.ndarray  # (K, R) of r_ik E[x_i]
    pairs: np.ndarray  # (K, R, R) of r_ik E[x_i x_i^T], upper triangle


def full_rows(block, n_features):
    """Rows of a block with all columns: those it lacks are NaN."""
    if block.observed is None:
        return block.X
    rows = np.full((len(block.X), n_features), np.nan)
    rows[:, block.observed] = block.X
    return rows


def one_hot(X, first):
    """One-hot rows without each column's code 0, float64; NaN stays NaN."""
    sizes = np.diff(first) - 1
    columns = np.repeat(np.arange(len(sizes)), sizes)
    codes = np.concatenate([np.arange(1, size + 1) for size in sizes])
    cells = X[:, columns]
    return np.where(np.isnan(cells), np.nan, cells == codes)


def posterior(X, params, first, with_resp=True):
    """Log mass of rows of codes, and responsibilities."""
    with np.errstate(divide="ignore"):
        log_weights = np.log(params.weights)
    if not np.isnan(X).any():
        return kernels.posterior(
            X, log_weights, params.parents, params.tables, first, with_resp
        )
    log_joint = missing.joint_missing(
        X,
        log_weights,
        params.parents,
        params.order,
        params.tables,
        np.exp(params.tables),
        first,
    )
    log_prob = logsumexp(log_joint, axis=1)
    possible = np.where(np.isneginf(log_prob), 0.0, log_prob)
    return kernels.Posterior(log_prob, np.exp(log_joint - possible[:, None]))


def suff_stats(block, params, first):
    """E-step of one block."""
    X = full_rows(block, len(first) - 1)
    log_prob, resp = posterior(X, params, first)
    weight = block.sample_weight if len(block.sample_weight) else np.ones(len(X))
    resp *= weight[:, None]
    if block.observed is None and not block.mixed:
        pairs = kernels.pair_counts(X, resp, first)
        singles = np.einsum("kss->ks", pairs).copy()
    else:
        singles, pairs = _expected_counts(X, resp, params, first)
    return TreeStats(weight @ log_prob, weight.sum(), resp.sum(axis=0), singles, pairs)


def _expected_counts(X, resp, params, first):
    n_trees, size = len(params.weights), first[-1] - len(first) + 1
    singles, pairs = np.empty((n_trees, size)), np.empty((n_trees, size, size))
    for k, r in enumerate(resp.T):
        # E[x x^T] = E[x] E[x]^T + Cov(x): of missing cells that vary together
        means, covariance = missing.expected_rows(
            X,
            r,
            params.parents[k],
            params.order[k],
            params.tables[k],
            np.exp(params.tables[k]),
            first,
        )
        singles[k] = r @ means
        pairs[k] = means.T @ (r[:, None] * means) + covariance
    return singles, pairs


def starting_stats(rows, resp):
    """Statistics of one-hot rows with given responsibilities."""
    pairs = np.stack([rows.T @ (r[:, None] * rows) for r in resp.T])
    return TreeStats(-np.inf, resp.sum(), resp.sum(axis=0), resp.T @ rows, pairs)


def m_step(stats, first, smoothing, edge_penalty, unit=1.0):
    """Chow & Liu's tree of each component, given pseudo-rows.

    Every component is given `smoothing` pseudo-rows of the overall distribution of
    pairs of columns; a single tree is given pseudo-rows of independent columns. `unit`
    is the weight of one row in the statistics.
    """
    weight = stats.totals.sum()
    n_levels = np.diff(first)
    uniform = np.repeat(1.0 / n_levels, n_levels - 1)
    single = (stats.singles.sum(axis=0) + unit * uniform) / (weight + unit)
    pair = np.outer(single, single)
    if len(stats.totals) > 1:  # the overall counts, and one row of independent columns
        pair = (stats.pairs.sum(axis=0) + unit * pair) / (weight + unit)
        single = (stats.singles.sum(axis=0) + unit * single) / (weight + unit)
    pseudo = max(smoothing, _TINY) * unit
    forest = kernels.chow_liu(
        stats.pairs + pseudo * pair,
        stats.singles + pseudo * single,
        stats.totals + pseudo,
        first,
        edge_penalty * unit,
    )
    return TreeParams(stats.totals / weight, *forest)


def pooled_params(parts):
    """One mixture of the trees of several, each mixture of equal weight."""
    pooled = TreeParams(*map(np.concatenate, zip(*parts, strict=True)))
    return pooled._replace(weights=pooled.weights / len(parts))


def pooled_stats(parts):
    """Statistics of the pooled mixture: each row belongs to all mixtures alike."""
    share = 1.0 / len(parts)
    log_likelihoods, weights, *sums = zip(*parts, strict=True)
    sums = [share * np.concatenate(values) for values in sums]
    return TreeStats(np.mean(log_likelihoods), np.mean(weights), *sums)


def draw(X, component, params, first, rng):
    """Fill NaN cells of rows of codes by draws, given each row's component."""
    return missing.draw_missing(
        X,
        rng.random(X.shape),
        component,
        params.parents,
        params.order,
        params.tables,
        np.exp(params.tables),
        first,
    )


def n_parameters(params, first):
    """Number of free parameters: weights and tables."""
    n_levels = np.diff(first)
    above = np.where(params.parents >= 0, n_levels[params.parents], 1)
    return len(params.weights) - 1 + int((above * (n_levels - 1)).sum())


def independent_columns(X, sample_weight, first):
    """One forest without edges: the levels' shares in the observed cells."""
    hot = np.nan_to_num(one_hot(X, first))
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    n_columns = len(first) - 1
    seen = weight @ ~np.isnan(X) + _TINY
    tables = np.zeros((1, first[-1], np.diff(first).max()))
    counts = weight @ hot
    for j in range(n_columns):
        above = counts[first[j] - j : first[j + 1] - j - 1] / seen[j]
        shares = np.concatenate([[1.0 - above.sum()], above])
        tables[0, first[j] : first[j + 1], 0] = np.log(np.maximum(shares, _TINY))
    return TreeParams(
        np.ones(1),
        np.full((1, n_columns), -1),
        np.arange(n_columns)[None],
        tables,
        np.zeros((1, n_columns)),
    )


def edges(parents, information):
    """Edges (parent, child) of one tree and their information, strongest first."""
    children = np.flatnonzero(parents >= 0)
    children = children[np.argsort(-information[children], kind="stable")]
    return np.column_stack([parents[children], children]), information[children]


def attributes(params):
    """Fitted attributes that hold parameters."""
    return {
        "weights_": params.weights,
        "parents_": params.parents,
        "_order": params.order,
        "_tables": params.tables,
        "_gains": params.information,
    }
