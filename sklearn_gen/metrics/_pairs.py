"""Columns two by two: whether they hang together in the same way."""

from itertools import combinations
from typing import NamedTuple

import numpy as np
from scipy.stats import rankdata

from sklearn_gen.metrics._tables import encode_tables

_N_BINS = 10  # of numbers beside categories


class PairSimilarity(NamedTuple):
    """Similarity of each pair of columns; see `pair_similarity`."""

    score: float
    columns: tuple
    similarity: np.ndarray


def pair_similarity(
    real, synthetic, *, correlation="pearson", categorical_features="from_dtype"
):
    r"""Compare how the columns of two tables hang together, pair by pair.

    Of two numeric columns their correlations ("CorrelationSimilarity"), of others their
    contingency tables ("ContingencySimilarity"),

    .. math:: 1 - \tfrac12 |\rho - \sigma|, \qquad
        1 - \tfrac12 \sum_{a, b} |p_{ab} - q_{ab}|.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        Real rows.
    synthetic : array-like of shape (n_synthetic, n_features)
        Synthetic rows.
    correlation : {"pearson", "spearman"}, default="pearson"
        "spearman" compares correlations of ranks, which outliers don't decide.
    categorical_features : "from_dtype", list or mask, default="from_dtype"
        Which columns are categories: those of such a dtype, or names or indices.

    Returns
    -------
    result : named tuple
        `score`, the mean over the pairs, the names of the `columns` and `similarity`,
        of shape (n_features, n_features) with ones on the diagonal. With a single
        column there is no pair, and the score is NaN.

    Raises
    ------
    ValueError
        If `correlation` is unknown; if the tables have different columns, too few rows,
        columns that are all missing, or infinities.

    See Also
    --------
    marginal_similarity : Columns one by one.

    Notes
    -----
    Beside a category, numbers are cut at the deciles of the real ones. A missing cell
    is a level of its own there; correlations are those of rows that have both cells,
    and 0 where one column is constant.

    Contingency tables of many cells differ by chance alone: with c cells and n rows in
    each table by about :math:`\sqrt{c / (\pi n)}`. Compare with what fresh real rows
    reach. Pairs that agree don't say that three columns do.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.metrics import pair_similarity
    >>> rng = np.random.default_rng(0)
    >>> real = rng.multivariate_normal([0, 0], [[1, 0.8], [0.8, 1]], size=1000)
    >>> pair_similarity(real, rng.permuted(real, axis=0)).similarity.round(1)
    array([[1. , 0.6],
           [0.6, 1. ]])
    """
    if correlation not in ("pearson", "spearman"):
        raise ValueError(
            f"correlation must be 'pearson' or 'spearman', got {correlation!r}."
        )
    columns, real, synthetic = encode_tables(
        categorical_features, real=real, synthetic=synthetic
    )
    d = len(columns.names)
    similarity = np.ones((d, d))
    numbers = np.flatnonzero(~columns.is_level)
    correlations = [
        _correlations(table[:, numbers], correlation) for table in (real, synthetic)
    ]
    similarity[np.ix_(numbers, numbers)] -= 0.5 * np.abs(np.subtract(*correlations))
    codes = [
        _codes(*cells)
        for cells in zip(real.T, synthetic.T, columns.is_level, strict=True)
    ]
    for i, j in combinations(range(d), 2):
        if columns.is_level[i] or columns.is_level[j]:
            similarity[i, j] = similarity[j, i] = _contingency(codes[i], codes[j])
    pairs = similarity[np.triu_indices(d, 1)]
    score = float(pairs.mean()) if len(pairs) else np.nan
    return PairSimilarity(score, columns.names, similarity)


def _correlations(X, kind):
    """Correlations from the rows that have both cells; 0 where undefined."""
    if kind == "spearman":
        X = rankdata(X, axis=0, nan_policy="omit")
    seen = ~np.isnan(X)
    X = np.where(seen, X - np.nanmean(X, axis=0), 0.0)
    seen = seen.astype(np.float64)
    n = np.maximum(seen.T @ seen, 1.0)
    sums = X.T @ seen  # of column i, over rows that have column j
    squares = (X**2).T @ seen - sums**2 / n
    covariance = X.T @ X - sums * sums.T / n
    scale = np.sqrt(np.maximum(squares * squares.T, 0.0))
    tiny = 1e-12 * np.outer(np.sum(X**2, axis=0), np.sum(X**2, axis=0)) ** 0.5
    known = scale > tiny
    result = np.divide(covariance, scale, out=np.zeros_like(scale), where=known)
    np.fill_diagonal(result, 1.0)
    return np.clip(result, -1.0, 1.0)


def _codes(x, y, is_level):
    """Codes of a column of both tables, and their number; numbers by decile."""
    if is_level:
        _, codes = np.unique(np.concatenate([x, y]), return_inverse=True)
    else:
        cuts = np.unique(np.nanquantile(x, np.arange(1, _N_BINS) / _N_BINS))
        both = np.concatenate([x, y])
        codes = np.where(np.isnan(both), len(cuts) + 1, np.searchsorted(cuts, both))
    return codes[: len(x)], codes[len(x) :], int(codes.max()) + 1


def _contingency(first, second):
    pairs = [a * second[2] + b for a, b in zip(first[:2], second[:2], strict=True)]
    # Only the cells that occur: of thousands of levels squared most don't.
    _, cells = np.unique(np.concatenate(pairs), return_inverse=True)
    parts = np.split(cells, [len(pairs[0])])
    counts = [np.bincount(part, minlength=cells.max() + 1) for part in parts]
    return (
        1.0 - 0.5 * np.abs(counts[0] / len(pairs[0]) - counts[1] / len(pairs[1])).sum()
    )
