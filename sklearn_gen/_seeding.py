"""Starting responsibilities of a mixture, from a weighted sample of rows.

Rows are drawn by weighted inverse CDF over sorted rows, so an integer weight gives the
same start as that many repeats of the row; where a table is so large that its rows are
sampled first, the repeats must stand together.
"""

import numpy as np

from sklearn_gen._kernels import kmeans as kernels

# Enough rows to place centers; more only costs time (k-means on all rows is half of
# scikit-learn's whole fit) and memory: of many columns, no more than 8 MB of cells.
_SAMPLE_ROWS = 20_000
_SAMPLE_CELLS = 2**20
_LLOYD_ITERATIONS = 300


def starting_responsibilities(init_params, X, sample_weight, n_components, rng):
    """Choose rows and their responsibilities to start EM from.

    Parameters
    ----------
    init_params : {'kmeans', 'k-means++', 'random', 'random_from_data'}
        As in scikit-learn.
    X : ndarray of shape (n_rows, n_features)
        May hold NaN; here they are replaced by column means.
    sample_weight : ndarray of shape (n_rows,) or None
        Weights.
    n_components : int
        Number of components.
    rng : Generator
        Source of randomness.

    Returns
    -------
    rows : ndarray of shape (n_used, n_features), float64
    resp : ndarray of shape (n_used, n_components)
        Weighted responsibilities.
    """
    rows, weight = _sample_rows(X, sample_weight, n_components, rng)
    if init_params == "random":
        # n * K draws: the one start for which a weight doesn't equal repeats.
        resp = rng.random((len(rows), n_components))
        resp *= (weight / resp.sum(axis=1))[:, None]
        return rows, resp
    if init_params == "random_from_data":
        chosen = _distinct_rows(rows, weight, n_components, rng)
        return rows[chosen], np.eye(n_components)
    chosen = _kmeans_plusplus(rows, weight, n_components, rng)
    if init_params == "k-means++":
        return rows[chosen], np.eye(n_components)
    labels = _kmeans(rows, weight, rows[chosen])
    resp = np.zeros((len(rows), n_components))
    resp[np.arange(len(rows)), labels] = weight
    return rows, resp


def _sample_rows(X, sample_weight, n_components, rng):
    n_rows = len(X)
    total = n_rows if sample_weight is None else sample_weight.sum()
    size = min(_SAMPLE_ROWS, _SAMPLE_CELLS // X.shape[1])
    size = max(size, 50 * n_components, 1000)
    if max(n_rows, total) > size:
        drawn, weight = _rows_of_equal_shares(n_rows, sample_weight, size, rng)
        rows = X[drawn]
    else:
        rows, weight = X, np.ones(n_rows) if sample_weight is None else sample_weight
        order = sorted_order(X)  # starts don't depend on the order of rows
        rows, weight = rows[order], weight[order]
    rows = rows.astype(np.float64)
    missing = np.isnan(rows)
    if missing.any():
        observed = np.where(missing, 0.0, weight[:, None])
        sums = (observed * np.where(missing, 0.0, rows)).sum(axis=0)
        means = sums / np.maximum(observed.sum(axis=0), np.finfo(float).tiny)
        rows = np.where(missing, means, rows)
    return rows, weight.astype(np.float64)


def sample_of_rows(X, sample_weight, size, rng):
    """Take at most `size` rows, evenly over the weight; all of them where they fit.

    Returns
    -------
    rows : ndarray of shape (n_drawn, n_features)
    weight : ndarray of shape (n_drawn,) or None
    """
    total = len(X) if sample_weight is None else sample_weight.sum()
    if max(len(X), total) <= size:
        return X, sample_weight
    drawn, counts = _rows_of_equal_shares(len(X), sample_weight, size, rng)
    return X[drawn], counts.astype(np.float64)


def _rows_of_equal_shares(n_rows, sample_weight, size, rng):
    """Draw one row from each of `size` equal shares of the weight.

    Each at a place of its own: even steps would miss half of a table whose sources take
    turns.

    Returns
    -------
    drawn : ndarray of shape (n_drawn,)
        Indices of rows, each once, in order.
    counts : ndarray of shape (n_drawn,)
        How often each was drawn.
    """
    at = (np.arange(size) + rng.random(size)) / size
    if sample_weight is None:
        drawn = (at * n_rows).astype(np.intp)
    else:
        drawn = inverse_cdf(sample_weight, at)
    return np.unique(drawn, return_counts=True)


def sorted_order(X):
    """Order of the rows by their values; ties in all columns are equal rows."""
    order = np.argsort(X[:, 0], kind="stable")
    first = X[order, 0]
    if (first[1:] > first[:-1]).all():
        return order
    return np.lexsort(X.T[::-1])


def inverse_cdf(weight, at):
    """Indices at which the cumulated weight passes `at`, shares of the total."""
    cumulated = np.cumsum(weight)
    found = np.searchsorted(cumulated, np.asarray(at) * cumulated[-1], side="right")
    return np.minimum(found, np.flatnonzero(weight)[-1])


def _distinct_rows(rows, weight, n_components, rng):
    left = weight.copy()
    chosen = np.empty(n_components, dtype=np.intp)
    for k in range(n_components):
        if not left.any():
            left = weight.copy()  # fewer distinct rows than components
        chosen[k] = inverse_cdf(left, rng.random())
        left[(rows == rows[chosen[k]]).all(axis=1)] = 0.0
    return chosen


def _kmeans_plusplus(rows, weight, n_components, rng):
    """Greedy k-means++ (Arthur & Vassilvitskii 2007): indices of the centers."""
    n_trials = 2 + int(np.log(n_components))
    chosen = np.empty(n_components, dtype=np.intp)
    chosen[0] = inverse_cdf(weight, rng.random())
    distances = kernels.closest(rows, rows[chosen[0]], np.full(len(rows), np.inf))
    for k in range(1, n_components):
        potential = weight * distances
        if not potential.any():  # fewer distinct rows than components
            potential = weight
        candidates = inverse_cdf(potential, rng.random(n_trials))
        trials = [kernels.closest(rows, rows[c], distances) for c in candidates]
        best = int(np.argmin([weight @ trial for trial in trials]))
        chosen[k], distances = candidates[best], trials[best]
    return chosen


def _kmeans(rows, weight, centers):
    """Lloyd's iterations from given centers: labels of the rows."""
    mean = weight @ rows / weight.sum()
    tol = 1e-4 * (weight @ (rows - mean) ** 2 / weight.sum()).mean()
    for _ in range(_LLOYD_ITERATIONS):
        step = kernels.lloyd(rows, weight, centers)
        counts = np.where(step.counts > 0, step.counts, 1.0)
        moved = step.sums / counts[:, None]  # sums are about the centers
        centers = centers + moved
        if (moved**2).sum() <= tol:
            break
    return kernels.lloyd(rows, weight, centers).labels
