"""Rows whose scores are known alike: exactly, up to an interval, or not at all."""

from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

_KNOWN_AT_ONCE = 8192  # rows of a block
_INTERVALS_AT_ONCE = 512


class Pattern(NamedTuple):
    """Some rows, and which of their scores are what.

    Attributes
    ----------
    rows : ndarray of shape (n,)
    known, wide, missing : ndarray of int
        Columns whose score is known, known up to an interval, and unknown.
    """

    rows: np.ndarray
    known: np.ndarray
    wide: np.ndarray
    missing: np.ndarray


def patterns_of(lower, upper, ease):
    """Group rows by what is known of their scores, in blocks of a fixed size.

    Columns of intervals come in ascending order of `ease`, (n_features,).
    """
    if len(lower) == 0:
        return []
    state = np.where(np.isnan(lower), 0, np.where(lower == upper, 1, 2)).astype(np.int8)
    order = np.lexsort(state.T[::-1])
    new = (state[order][1:] != state[order][:-1]).any(axis=1)
    patterns = []
    for rows in np.split(order, 1 + np.flatnonzero(new)):
        missing, known, wide = (np.flatnonzero(state[rows[0]] == s) for s in range(3))
        wide = wide[np.argsort(ease[wide], kind="stable")]
        size = _INTERVALS_AT_ONCE if len(wide) > 1 else _KNOWN_AT_ONCE
        patterns += [
            Pattern(rows[i : i + size], known, wide, missing)
            for i in range(0, len(rows), size)
        ]
    return patterns


class Known(NamedTuple):
    """Some scores given others: z[target] is normal about B @ z[given].

    Attributes
    ----------
    log_ratio : ndarray of shape (n,)
        log of the given scores' joint density over their standard normal ones.
    means : ndarray of shape (n, n_target)
    factor : ndarray of shape (n_target, n_target)
        Lower Cholesky factor of the covariance.
    """

    log_ratio: np.ndarray
    means: np.ndarray
    factor: np.ndarray


def given_scores(correlation, z, given, target):
    """Distribution of some scores given others, z of shape (n, n_given)."""
    if len(given) == 0:
        factor = np.linalg.cholesky(correlation[np.ix_(target, target)])
        return Known(np.zeros(len(z)), np.zeros((len(z), len(target))), factor)
    L = np.linalg.cholesky(correlation[np.ix_(given, given)])
    white = solve_triangular(L, z.T, lower=True)
    # (w - z)(w + z), summed: scores far out would cancel as squares
    quadratic = 0.5 * ((white - z.T) * (white + z.T)).sum(axis=0)
    log_ratio = -quadratic - np.log(np.diag(L)).sum()
    B = solve_triangular(L, correlation[np.ix_(given, target)], lower=True)
    left = correlation[np.ix_(target, target)] - B.T @ B
    factor = np.linalg.cholesky(left) if len(target) else left
    return Known(log_ratio, white.T @ B, factor)
