"""Where to cut scores: below the threshold are outliers."""

import numpy as np
from scipy import stats

from sklearn_gen._inner._quantiles import sorted_weights, weighted_quantile
from sklearn_gen._validation import warn

# Tukey's fences: 0.7 % of normal scores lie beyond both.
_FENCE = 1.5
# Level of the modified Thompson tau test.
_TAU_LEVEL = 0.01


# What contamination="auto" means to the quantile.
_AUTO_CONTAMINATION = 0.1
# What false_alarm_rate=None means.
_USUAL_RATE = 0.05


def cut(rule, scores, contamination, false_alarm_rate, sample_weight=None):
    """Find the threshold by a rule.

    Parameters
    ----------
    rule : {'quantile', 'iqr', 'mtt', 'holdout'}
        As the detector's parameter.
    scores : ndarray of shape (n_samples,)
        Of the training rows; for 'holdout', of rows the model didn't see.
    contamination : "auto" or float
        Share of rows below the threshold, for 'quantile'.
    false_alarm_rate : float or None
        The same of new rows, for 'holdout'.
    sample_weight : ndarray of shape (n_samples,) or None, default=None
        Weights of the scores.

    Returns
    -------
    threshold : float
        Rows strictly below it are outliers. NaN if a score is.

    Raises
    ------
    ValueError
        If the rule takes no contamination and one is given.
    """
    if np.isnan(scores).any():
        return np.nan
    if rule != "holdout" and false_alarm_rate is not None:
        raise ValueError(
            f"false_alarm_rate={false_alarm_rate!r} with threshold={rule!r}, a rule "
            "that doesn't go by false alarms: use threshold='holdout', or leave "
            "false_alarm_rate at None."
        )
    if rule == "quantile":
        share = _AUTO_CONTAMINATION if contamination == "auto" else contamination
        return weighted_quantile(scores, share, sample_weight)
    if contamination != "auto":
        raise ValueError(
            f"contamination={contamination!r} with threshold={rule!r}, a rule that "
            "doesn't go by the share of outliers: leave contamination at 'auto', or "
            "use threshold='quantile'."
        )
    if rule == "holdout":
        rate = _USUAL_RATE if false_alarm_rate is None else false_alarm_rate
        return false_alarm_threshold(scores, rate, sample_weight)
    return {"iqr": tukey_fence, "mtt": thompson_tau}[rule](scores, sample_weight)


def tukey_fence(scores, sample_weight=None):
    """First quartile less 1.5 times the quartile range (Tukey 1977).

    -inf counts as a low score; where a quartile is -inf, so is the fence.
    """
    low = weighted_quantile(scores, 0.25, sample_weight)
    high = weighted_quantile(scores, 0.75, sample_weight)
    return low - _FENCE * (high - low) if np.isfinite(low) else low


def thompson_tau(scores, sample_weight=None):
    """Remove the lowest score while it is too far from the mean of those left.

    The modified Thompson tau test at level 0.01, of the low tail alone. Of scores that
    are roughly normal it takes the few that can't be; the tails of log densities are
    longer, so it takes more of those.

    Returns
    -------
    threshold : float
        The lowest score left.
    """
    values, weight, _ = sorted_weights(scores, sample_weight)
    possible = np.isfinite(values)  # the others go first
    if not possible.any():
        return -np.inf
    values, weight = values[possible], weight[possible]
    deviations = values - np.average(values, weights=weight)

    def from_each_on(terms):
        return np.cumsum((weight * terms)[::-1])[::-1]

    n = from_each_on(np.ones(len(values)))
    mean = from_each_on(deviations) / n
    variance = np.maximum(from_each_on(deviations**2) / n - mean**2, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        deviation = np.sqrt(variance * n / (n - 1))
        stays = ~(mean - deviations > _tau(n) * deviation)  # also where n <= 2
    return float(values[np.argmax(stays)])


def _tau(n):
    t = stats.t.isf(_TAU_LEVEL / 2, n - 2)
    return t * (n - 1) / np.sqrt(n * (n - 2 + t * t))


def false_alarm_threshold(scores, rate, sample_weight=None):
    """Threshold that a new inlier falls below with probability `rate` at most.

    Of n scores of held-out rows the floor(rate * (n + 1))-th lowest: with them that of
    the new row is exchangeable. Too few rows for the rate give the lowest, and a
    warning. Weights count relative to one another: it is rows that make n.
    """
    if sample_weight is not None:
        used = sample_weight > 0
        sample_weight = np.where(used, sample_weight / sample_weight[used].mean(), 0.0)
    values, _, cumulated = sorted_weights(scores, sample_weight)
    rank = np.floor(rate * (cumulated[-1] + 1) + 1e-9)  # 0.1 * 30 may be below 3
    if rank < 1:
        warn(
            f"A false-alarm rate of {rate:g} needs {int(np.ceil(1 / rate)) - 1} "
            f"held-out rows, and there are {len(values)}: the threshold is their "
            "lowest score. Raise false_alarm_rate, or fit on more rows.",
            UserWarning,
        )
    return float(values[np.searchsorted(cumulated, rank - 1e-9)])
