"""Permutation tests of two samples that need no permuted samples, only counts."""

import numpy as np

# P-values then start at 0.001, and one near 0.05 is met within 0.007.
N_PERMUTATIONS = 999
_ROUNDING = 1e-12  # statistics that differ by less are equal


def permuted_counts(pooled, n_first, rng, n_permutations=N_PERMUTATIONS):
    """Draw how many rows of a sample fall into each cell under random labels.

    Where two samples have one distribution, which rows are in the first is as random
    as a draw without replacement: the multivariate hypergeometric distribution.

    Parameters
    ----------
    pooled : array-like of int of shape (n_cells,)
        Number of rows of both samples in each cell.
    n_first : int
        Rows of the first sample.
    rng : numpy.random.Generator
        Source of randomness.
    n_permutations : int
        Number of draws.

    Returns
    -------
    counts : ndarray of shape (n_permutations, n_cells)
    """
    return rng.multivariate_hypergeometric(
        pooled, n_first, size=n_permutations, method="marginals"
    )


def permutation_p_value(observed, permuted):
    """Share of statistics as large as the observed one, which counts among them."""
    permuted = np.asarray(permuted)
    as_large = permuted >= observed - _ROUNDING * (1.0 + abs(observed))
    return float((1 + np.count_nonzero(as_large)) / (1 + len(permuted)))
