"""Many p-values at once: which rows to select, and how many of them are false alarms.

Functions of arrays, made for conformal p-values: those of rows like the calibration
rows follow, whatever their distribution, the law of a Pólya urn.
"""

from numbers import Integral, Real

import numpy as np
from scipy.stats import false_discovery_control

from sklearn_gen._validation import as_generator

# Rounding may not decide: k * fdr / m and (1 + c) / (n + 1) meet often.
_ROUNDING = 1.0 + 1e-12
# The simulated law of the urn: draws for the shape of the envelope, and as many for its
# height. A confidence of 0.9 is then met within 0.005 (one standard error).
_N_DRAWS = 4000
# Thresholds at which the envelope holds by simulation; between them by counting.
_N_NODES = 80


def null_proportion(p_values, threshold=0.5):
    r"""Estimate the share of rows that are no outliers, from above (Storey).

    Few outliers have large p-values, so those above a threshold :math:`\lambda` are
    nearly all of inliers, who leave :math:`1 - \lambda` of theirs there:

    .. math:: \hat\pi_0 = \frac{1 + \#\{j: p_j > \lambda\}}{m (1 - \lambda)}.

    Parameters
    ----------
    p_values : array-like of shape (n_samples,)
        P-values, between 0 and 1.
    threshold : float, default=0.5
        The :math:`\lambda`, at least 0 and below 1. Smaller values vary less, larger
        ones count fewer outliers as inliers.

    Returns
    -------
    proportion : float
        At most 1. The 1 in the numerator is what keeps the false-discovery rate of
        :func:`benjamini_hochberg` in finite samples.

    Raises
    ------
    ValueError
        If a p-value isn't between 0 and 1, or `threshold` out of range.

    See Also
    --------
    benjamini_hochberg : Uses it.

    References
    ----------
    Storey, Taylor and Siegmund (2004). Strong control, conservative point estimation
    and simultaneous conservative consistency of false discovery rates.
    doi:10.1111/j.1467-9868.2004.00439.x

    Examples
    --------
    >>> from sklearn_gen.outlier import null_proportion
    >>> null_proportion([0.01, 0.01, 0.02, 0.2, 0.4, 0.6, 0.7, 0.9])
    1.0
    >>> null_proportion([0.01, 0.01, 0.02, 0.02, 0.03, 0.03, 0.3, 0.8])
    0.5
    """
    p_values = _check_p_values(p_values)
    if not isinstance(threshold, Real) or not 0 <= threshold < 1:
        raise ValueError(
            f"threshold must be a number of at least 0 and below 1, got {threshold!r}."
        )
    above = np.count_nonzero(p_values > threshold)
    return float(min(1.0, (1 + above) / (len(p_values) * (1 - threshold))))


def benjamini_hochberg(p_values, fdr=0.1, *, pi0="storey"):
    r"""Select rows such that, on average, at most a share `fdr` are false alarms.

    The k smallest p-values, for the largest k with :math:`\pi_0 p_{(k)} \le k q / m`.

    Parameters
    ----------
    p_values : array-like of shape (n_samples,)
        P-values, between 0 and 1.
    fdr : float, default=0.1
        The false-discovery rate q: the mean of (inliers selected) / (rows selected).
    pi0 : "storey" or float, default="storey"
        Share of inliers among the rows, or :func:`null_proportion` to estimate it. 1
        is the procedure of Benjamini and Hochberg.

    Returns
    -------
    selected : ndarray of bool of shape (n_samples,)
        True where a row is selected.

    Raises
    ------
    ValueError
        If a p-value, `fdr` or `pi0` isn't between 0 and 1.

    See Also
    --------
    scipy.stats.false_discovery_control : The adjusted p-values it compares with `fdr`.
    weighted_selection : For rows that come from elsewhere than the calibration rows.

    Notes
    -----
    P-values from one set of calibration rows (split conformal) depend on one another,
    but positively (PRDS), so that the rate holds, also with `pi0` estimated [1]_.

    References
    ----------
    .. [1] Bates, Candès, Lei, Romano and Sesia (2023). Testing for outliers with
       conformal p-values. doi:10.1214/22-AOS2244

    Examples
    --------
    >>> from sklearn_gen.outlier import benjamini_hochberg
    >>> benjamini_hochberg([0.01, 0.02, 0.3, 0.8], fdr=0.1)
    array([ True,  True, False, False])
    """
    p_values = _check_p_values(p_values)
    check_share("fdr", fdr)
    if isinstance(pi0, str) and pi0 == "storey":
        pi0 = null_proportion(p_values)
    elif not isinstance(pi0, Real) or not 0 < pi0 <= 1:
        raise ValueError(
            f"pi0 must be 'storey' or a share above 0 and at most 1, got {pi0!r}."
        )
    return pi0 * false_discovery_control(p_values) <= fdr * _ROUNDING


def false_discovery_bound(
    p_values, n_calibration, thresholds=None, *, confidence=0.9, random_state=0
):
    r"""Bound the share of false alarms among rows with small conformal p-values.

    The bounds hold at all thresholds at once: with probability `confidence`, none of
    them is exceeded, so a threshold may be chosen after looking at them.

    Parameters
    ----------
    p_values : array-like of shape (n_samples,)
        Split-conformal p-values, all from the same calibration rows.
    n_calibration : int
        Number of calibration rows.
    thresholds : array-like of shape (n_thresholds,) or None, default=None
        Rows with p-values of at most a threshold are its discoveries. None means the
        p-values themselves: one bound per row, for the rows at least as abnormal.
    confidence : float, default=0.9
        Probability, over calibration and test rows, that all bounds hold.
    random_state : None, int, RandomState or Generator, default=0
        Seed of the simulated law of the counts.

    Returns
    -------
    bound : ndarray of shape (n_thresholds,)
        Upper bounds on (inliers among the discoveries) / (discoveries); 0 where there
        are no discoveries.

    Raises
    ------
    ValueError
        If an argument is out of range.

    See Also
    --------
    benjamini_hochberg : Controls the mean of that share, at one threshold.

    Notes
    -----
    Scores without ties of n calibration rows cut the line into n + 1 gaps of Dirichlet
    mass, into which inliers fall at random: a Pólya urn, whatever the distribution
    [1]_. From simulated counts of inliers below each rank comes an envelope that leaves
    the same margin, as a quantile, at every rank [2]_; a second, independent simulation
    sets that quantile. Ties make p-values larger, never smaller.

    The number of inliers is at first taken to be that of all rows; what the envelope
    leaves for them then bounds it, and the envelope is computed again (a step down, as
    in closed testing). Cost: O(n_samples) and about 0.2 s of simulation.

    References
    ----------
    .. [1] Gazin, Blanchard and Roquain (2024). Transductive conformal inference with
       adaptive scores. arXiv:2310.18108
    .. [2] Blanchard, Neuvial and Roquain (2020). Post hoc confidence bounds on false
       positives using reference families. doi:10.1214/19-AOS1847

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.outlier import false_discovery_bound
    >>> p_values = np.r_[np.full(50, 0.001), np.linspace(0.01, 1.0, 100)]
    >>> false_discovery_bound(p_values, 999, [0.001, 0.1, 1.0]).round(2)
    array([0.02, 0.18, 0.67])
    """
    p_values = _check_p_values(p_values)
    if not isinstance(n_calibration, Integral) or n_calibration < 1:
        raise ValueError(
            f"n_calibration must be a positive integer, got {n_calibration!r}."
        )
    check_share("confidence", confidence)
    if thresholds is None:
        thresholds = p_values
    thresholds = np.asarray(thresholds, dtype=np.float64)
    if thresholds.ndim != 1 or np.isnan(thresholds).any():
        raise ValueError(f"thresholds must be 1-D and not NaN, got {thresholds!r}.")
    p_values = np.sort(p_values)
    nodes = np.unique(np.geomspace(1, n_calibration, _N_NODES).round().astype(int))
    at_nodes = np.searchsorted(p_values, nodes / (n_calibration + 1), side="right")
    seed = as_generator(random_state).integers(2**32, size=4)
    n_inliers = len(p_values)
    for _ in range(3):
        envelope = _envelope(n_calibration, n_inliers, nodes, confidence, seed)
        left = np.min(len(p_values) - at_nodes + envelope)
        if left >= n_inliers:
            break
        n_inliers = left
    found = np.searchsorted(p_values, thresholds, side="right")
    # Up to a node as many inliers as its envelope allows, beyond it every row.
    beyond = np.maximum(found[:, np.newaxis] - at_nodes, 0)
    inliers = np.minimum(found, (envelope + beyond).min(axis=1))
    return np.minimum(inliers, n_inliers) / np.maximum(found, 1)


def _envelope(n_calibration, n_inliers, ranks, confidence, seed):
    """Number of inliers that, at no rank, have p-values of at most rank / (n + 1)."""
    rng = np.random.default_rng(seed)
    gaps = np.diff(np.r_[0, ranks, n_calibration + 1])
    masses = rng.dirichlet(gaps, size=2 * _N_DRAWS)
    counts = rng.multinomial(n_inliers, masses)[:, :-1].cumsum(axis=1)
    shape, height = np.sort(counts[:_N_DRAWS], axis=0), counts[_N_DRAWS:]
    levels = [
        np.searchsorted(column, values)
        for column, values in zip(shape.T, height.T, strict=True)
    ]
    # The observed counts are exchangeable with the simulated ones, hence the 1.
    place = int(np.ceil(confidence * (_N_DRAWS + 1))) - 1
    if place >= _N_DRAWS:
        return np.full(len(ranks), n_inliers)
    level = np.sort(np.max(levels, axis=0))[place]
    return shape[level] if level < _N_DRAWS else np.full(len(ranks), n_inliers)


def check_share(name, value):
    """Raise unless a parameter is a number between 0 and 1, both excluded."""
    if not isinstance(value, Real) or not 0 < value < 1:
        raise ValueError(f"{name} must be a number above 0 and below 1, got {value!r}.")


def _check_p_values(p_values):
    p_values = np.asarray(p_values, dtype=np.float64)
    if p_values.ndim != 1 or len(p_values) == 0:
        raise ValueError(
            "p_values must be 1-D with at least one value, got an array of shape "
            f"{p_values.shape}."
        )
    bad = np.flatnonzero(~((p_values >= 0) & (p_values <= 1)))
    if len(bad):
        raise ValueError(
            f"p_values[{bad[0]}] is {p_values[bad[0]]}: p-values lie between 0 and 1."
        )
    return p_values
