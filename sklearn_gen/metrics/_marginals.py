"""Columns one by one: whether their values have the same distribution."""

from typing import NamedTuple

import numpy as np

from sklearn_gen._validation import as_generator
from sklearn_gen.metrics._permutation import permutation_p_value, permuted_counts
from sklearn_gen.metrics._tables import encode_tables

# Numbers are tested at this many quantiles of both samples together, at most: exact
# under the null for any such grid, and hardly less powerful than at all values.
_N_CUTS = 256


class MarginalSimilarity(NamedTuple):
    """Similarity of each column; see `marginal_similarity`."""

    score: float
    columns: tuple
    metric: tuple
    similarity: np.ndarray
    p_value: np.ndarray


def marginal_similarity(
    real, synthetic, *, categorical_features="from_dtype", random_state=0
):
    r"""Compare the columns of two tables one by one.

    For numbers 1 minus the Kolmogorov-Smirnov distance ("KSComplement"), for categories
    and booleans 1 minus the total variation distance ("TVComplement"),

    .. math:: 1 - \sup_t |F(t) - G(t)|, \qquad
        1 - \tfrac12 \sum_c |p_c - q_c|.

    Parameters
    ----------
    real : array-like of shape (n_real, n_features)
        Real rows.
    synthetic : array-like of shape (n_synthetic, n_features)
        Synthetic rows.
    categorical_features : "from_dtype", list or mask, default="from_dtype"
        Which columns are categories: those of such a dtype, or names or indices.
    random_state : None, int, RandomState or Generator, default=0
        Seed of the permutations.

    Returns
    -------
    result : named tuple
        `score`, the mean over the columns, and per column its name in `columns`, the
        name of the `metric`, the `similarity` between 0 and 1 and the `p_value`, small
        where the distributions differ by more than chance.

    Raises
    ------
    ValueError
        If the tables have different columns, too few rows, columns that are all
        missing, or infinities.

    See Also
    --------
    pair_similarity : Columns two by two.
    classifier_two_sample_test : All columns at once.

    Notes
    -----
    Missing cells count: they are a level of a category, and of numbers a value below
    all others.

    P-values are those of a permutation test with 999 permutations, so at least 0.001:
    of the KS distance at up to 256 quantiles of both samples together, or of the
    chi-square statistic. They hold with ties and with rare levels. With many rows they
    tell the slightest difference from none; whether it matters the similarity says.
    They hold if the synthetic rows were drawn independently of each other and of the
    real rows; held-out real rows are such, those that the model was fitted to nearly.

    The names are those of SDMetrics, which drops missing cells.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.metrics import marginal_similarity
    >>> rng = np.random.default_rng(2)
    >>> real, synthetic = rng.normal(size=(2, 500, 2))
    >>> synthetic[:, 1] += 1.0
    >>> result = marginal_similarity(real, synthetic)
    >>> result.similarity.round(2)
    array([0.94, 0.58])
    >>> result.p_value.round(3)
    array([0.396, 0.001])
    """
    columns, real, synthetic = encode_tables(
        categorical_features, real=real, synthetic=synthetic
    )
    rng = as_generator(random_state)
    similarity, p_values = np.empty((2, len(columns.names)))
    for j, is_level in enumerate(columns.is_level):
        compare = _compare_levels if is_level else _compare_numbers
        similarity[j], p_values[j] = compare(real[:, j], synthetic[:, j], rng)
    metric = np.where(columns.is_level, "TVComplement", "KSComplement")
    return MarginalSimilarity(
        float(similarity.mean()),
        columns.names,
        tuple(str(m) for m in metric),
        similarity,
        p_values,
    )


def _compare_numbers(x, y, rng):
    x, y = (np.sort(np.where(np.isnan(cells), -np.inf, cells)) for cells in (x, y))
    pooled = np.sort(np.concatenate([x, y]))
    similarity = 1.0 - np.abs(_shares_below(x, pooled) - _shares_below(y, pooled)).max()
    ranks = np.linspace(0, len(pooled) - 1, _N_CUTS).astype(np.intp)
    cuts = np.unique(pooled if len(np.unique(pooled)) <= _N_CUTS else pooled[ranks])

    def distance(cumulated):  # of x, up to each cut
        rest = np.searchsorted(pooled, cuts, "right") - cumulated
        return np.abs(cumulated / len(x) - rest / len(y)).max(axis=-1)

    cells = np.diff(np.searchsorted(pooled, cuts, "right"), prepend=0)
    permuted = permuted_counts(cells, len(x), rng).cumsum(axis=1)
    observed = distance(np.searchsorted(x, cuts, "right"))
    return similarity, permutation_p_value(observed, distance(permuted))


def _shares_below(values, at):
    return np.searchsorted(values, at, side="right") / len(values)


def _compare_levels(x, y, rng):
    _, codes = np.unique(np.concatenate([x, y]), return_inverse=True)  # one code of NaN
    pooled = np.bincount(codes)
    counts = np.bincount(codes[: len(x)], minlength=len(pooled))
    similarity = 1.0 - 0.5 * np.abs(counts / len(x) - (pooled - counts) / len(y)).sum()
    expected = pooled * (len(x) / len(codes))

    def chi_square(counts):  # up to a factor
        return np.sum((counts - expected) ** 2 / pooled, axis=-1)

    permuted = permuted_counts(pooled, len(x), rng)
    return similarity, permutation_p_value(chi_square(counts), chi_square(permuted))
