"""P-values of scores against those of calibration rows, weighted or not."""

import numpy as np

from sklearn_gen._validation import as_generator, check_weights
from sklearn_gen.outlier._multiple_testing import _ROUNDING, check_share


def conformal_p_values(
    scores,
    calibration_scores,
    *,
    weight=None,
    calibration_weight=None,
    ties="conservative",
    random_state=None,
):
    r"""Compute how usual scores are among those of calibration rows.

    The share of calibration rows that score no higher, the row itself included:

    .. math:: p(x) = \frac{\sum_i w_i 1\{s_i \le s(x)\} + w(x)}{\sum_i w_i + w(x)}.

    Where x and the calibration rows are exchangeable (weights 1), the probability that
    :math:`p(x) \le \alpha` is at most :math:`\alpha`, for any score and distribution.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        Scores of the rows, lower where more abnormal.
    calibration_scores : array-like of shape (n_calibration,)
        Scores, by the same model, of rows that it wasn't fitted to.
    weight, calibration_weight : array-like or None, default=None
        Density ratio of each row and calibration row: that of the rows' distribution
        to that of the calibration rows', up to a common factor. Both or neither. Not
        all calibration rows may weigh 0; rows may.
    ties : {"conservative", "randomized"}, default="conservative"
        Whether calibration rows that score the same count fully, or a uniform share of
        them and of the row itself: p-values are then exactly uniform.
    random_state : None, int, RandomState or Generator, default=None
        For ``ties="randomized"``.

    Returns
    -------
    p_values : ndarray of shape (n_samples,)
        In (0, 1]; small for outliers.

    Raises
    ------
    ValueError
        If a score is NaN, a weight negative, or only one of the weights is given.

    See Also
    --------
    ConformalOutlierDetector : Fits, splits and calls this.
    weighted_selection : Selects rows by weighted p-values.

    References
    ----------
    Bates, Candès, Lei, Romano and Sesia (2023). Testing for outliers with conformal
    p-values. doi:10.1214/22-AOS2244

    Tibshirani, Barber, Candès and Ramdas (2019). Conformal prediction under covariate
    shift. arXiv:1904.06019

    Examples
    --------
    >>> from sklearn_gen.outlier import conformal_p_values
    >>> conformal_p_values([-9.0, -2.0], [-4.0, -3.0, -2.0, -1.0])
    array([0.2, 0.8])
    """
    return pooled_p_values(
        [check_scores("scores", scores)],
        [check_scores("calibration_scores", calibration_scores)],
        weight=weight,
        calibration_weight=calibration_weight,
        ties=ties,
        random_state=random_state,
    )


def pooled_p_values(
    scores,
    calibration_scores,
    *,
    weight=None,
    calibration_weight=None,
    ties="conservative",
    random_state=None,
):
    """Compute p-values where each fold has its model, and so its scores.

    Parameters
    ----------
    scores : list of ndarrays of shape (n_samples,)
        Of all rows, by the model of each fold.
    calibration_scores : list of ndarrays
        Of the rows that the fold's model wasn't fitted to.
    weight, calibration_weight, ties, random_state : object
        As in `conformal_p_values`; weights with one fold only.

    Returns
    -------
    p_values : ndarray of shape (n_samples,)
    """
    if (weight is None) != (calibration_weight is None):
        raise ValueError(
            "weight and calibration_weight are the two sides of one density ratio: "
            "give both or neither."
        )
    own = 1.0
    if weight is not None:
        own, calibration_weight = _check_ratios(
            weight, calibration_weight, len(scores[0]), len(calibration_scores[0])
        )
    below = tied = total = 0.0
    for fold, calibration in zip(scores, calibration_scores, strict=True):
        more = masses(fold, calibration, calibration_weight)
        below, tied, total = below + more[0], tied + more[1], total + more[2]
    share = tie_share(ties, len(scores[0]), random_state)
    p_values = (below + share * (tied + own)) / (total + own)
    return np.maximum(p_values, np.finfo(np.float64).tiny)  # own may be 0


def _check_ratios(weight, calibration_weight, n_rows, n_calibration):
    """Validate both sides of a ratio, which may be 0 for all rows to be judged."""
    return (
        check_weights(weight, n_rows, name="weight", some_positive=False),
        check_weights(calibration_weight, n_calibration, name="calibration_weight"),
    )


def masses(scores, calibration_scores, calibration_weight=None):
    """Weigh the calibration rows below, and at, each score; and all of them."""
    order = np.argsort(calibration_scores)
    if calibration_weight is None:
        calibration_weight = np.ones(len(order))
    cumulated = np.r_[0.0, np.cumsum(calibration_weight[order])]
    calibration_scores = calibration_scores[order]
    below = cumulated[np.searchsorted(calibration_scores, scores, side="left")]
    up_to = cumulated[np.searchsorted(calibration_scores, scores, side="right")]
    return below, up_to - below, cumulated[-1]


def tie_share(ties, n_rows, random_state):
    """Return what of a tie counts: all of it, or a uniform share for each row."""
    if ties == "conservative":
        return 1.0
    if ties == "randomized":
        # In (0, 1], so that no p-value is 0.
        return 1.0 - as_generator(random_state).random(n_rows)
    raise ValueError(f"ties must be 'conservative' or 'randomized', got {ties!r}.")


def weighted_selection(
    scores,
    calibration_scores,
    *,
    weight,
    calibration_weight,
    fdr=0.1,
    pruning="deterministic",
    random_state=None,
):
    r"""Select outliers among rows that come from elsewhere than the calibration rows.

    Weighted p-values aren't positively dependent, so Benjamini and Hochberg's procedure
    needn't hold its rate on them. Weighted conformalised selection [1]_ does: row j is
    compared with :math:`q |R_j| / m`, where :math:`R_j` are the rows selected with row
    j's p-value put to 0 and the others computed as if j were a calibration row.

    Parameters
    ----------
    scores : array-like of shape (n_samples,)
        Scores of the rows, lower where more abnormal.
    calibration_scores : array-like of shape (n_calibration,)
        Scores, by the same model, of rows that it wasn't fitted to.
    weight : array-like of shape (n_samples,)
        Density ratio of each row: that of inliers among the rows to that of the
        calibration rows, up to a factor.
    calibration_weight : array-like of shape (n_calibration,)
        The same ratio of each calibration row.
    fdr : float, default=0.1
        The false-discovery rate q.
    pruning : {"deterministic", "homogeneous", "heterogeneous"}, default="deterministic"
        How rows whose :math:`R_j` are larger than the selection are taken back: by
        sizes alone, or by sizes times a uniform number, the same for all rows or one
        each. Randomness keeps more rows.
    random_state : None, int, RandomState or Generator, default=None
        For the two that draw.

    Returns
    -------
    selected : ndarray of bool of shape (n_samples,)
        With equal weights, the selection of :func:`benjamini_hochberg` at ``pi0=1``.

    Raises
    ------
    ValueError
        If an argument is out of range.

    See Also
    --------
    conformal_p_values : The p-values.

    Notes
    -----
    The rate holds for the true ratio of densities; for an estimated one, about as well
    as the estimate. Cost: O(n_samples) for each row with a p-value of at most `fdr`.

    References
    ----------
    .. [1] Jin and Candès (2023). Model-free selective inference under covariate shift
       via weighted conformal p-values. arXiv:2307.09291

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_gen.outlier import weighted_selection
    >>> calibration = np.linspace(-1.0, 1.0, 99)
    >>> weighted_selection(
    ...     [-3.0, -2.0, 0.0, 0.5],
    ...     calibration,
    ...     weight=np.ones(4),
    ...     calibration_weight=np.exp(calibration),
    ... )
    array([ True,  True, False, False])
    """
    check_share("fdr", fdr)
    if pruning not in ("deterministic", "homogeneous", "heterogeneous"):
        raise ValueError(
            "pruning must be 'deterministic', 'homogeneous' or 'heterogeneous', got "
            f"{pruning!r}."
        )
    p_values = conformal_p_values(
        scores,
        calibration_scores,
        weight=weight,
        calibration_weight=calibration_weight,
    )
    scores = np.asarray(scores, dtype=np.float64)
    weight, calibration_weight = _check_ratios(
        weight, calibration_weight, len(scores), len(calibration_scores)
    )
    calibration_scores = np.asarray(calibration_scores, dtype=np.float64)
    # |R_j| of the rows that may be selected at all; all p-values rise with the scores.
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    below, tied, total = masses(ordered, calibration_scores, calibration_weight)
    up_to = below + tied
    line = fdr * _ROUNDING * np.arange(1, len(scores) + 1) / len(scores)
    sizes = np.full(len(scores), len(scores))
    candidates = np.flatnonzero(p_values[order] <= line[-1])
    for j in candidates:
        own = weight[order[j]]
        others = (up_to + own * (ordered[j] <= ordered)) / (total + own)
        others[1 : j + 1] = others[:j].copy()  # row j comes first,
        others[0] = 0.0  # with p-value 0
        sizes[order[j]] = np.flatnonzero(others <= line)[-1] + 1
    first = p_values <= line[sizes - 1]
    draws = {"deterministic": 0, "homogeneous": 1, "heterogeneous": len(scores)}
    share = 1.0
    if draws[pruning]:
        share = as_generator(random_state).random(draws[pruning])
    shrunk = share * sizes
    n_within = np.searchsorted(
        np.sort(shrunk[first]), np.arange(1, first.sum() + 1), side="right"
    )
    enough = np.flatnonzero(n_within >= np.arange(1, first.sum() + 1))
    n_selected = enough[-1] + 1 if len(enough) else 0
    return first & (shrunk <= n_selected)


def check_scores(name, scores):
    """Return scores as a 1-D array without NaN."""
    scores = np.asarray(scores, dtype=np.float64)
    if scores.ndim != 1 or len(scores) == 0:
        raise ValueError(
            f"{name} must be 1-D with at least one score, got an array of shape "
            f"{scores.shape}."
        )
    if np.isnan(scores).any():
        raise ValueError(
            f"{name}[{np.flatnonzero(np.isnan(scores))[0]}] is NaN: scores must be "
            "numbers (or -inf), or rows can't be ranked."
        )
    return scores
