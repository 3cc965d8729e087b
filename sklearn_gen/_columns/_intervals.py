"""Log masses of intervals, stable in both tails."""

import numpy as np
from scipy.special import log_ndtr

LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)


def log_sinhc(t):
    """log(sinh(t) / t)."""
    t = np.abs(t)
    small = t < 1e-2
    safe = np.where(small, 1.0, t)
    large = safe + np.log1p(-np.exp(-2 * safe)) - np.log(2 * safe)
    return np.where(small, t * t / 6 - t**4 / 180, large)


def log_normal_interval(lower, upper, width=None):
    """Log probability that a standard normal lies in (lower, upper).

    ``width`` is their difference without the rounding errors of large ends, if known.
    Where the interval is narrow, the density at its middle times its width, and what
    slope and curvature add, to 1e-9; elsewhere the difference of log cdfs.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        width = upper - lower if width is None else width
        middle = 0.5 * (lower + upper)
        t, square = 0.5 * width * middle, width * width
        narrow = (square < 1e-4) & (np.abs(t) < 0.2)
        s = t * t
        slope = s * (1 / 6 - s * (1 / 180 - s / 2835))
        curvature = square * (1 / 24 + s / 180)
        result = np.log(width) - (0.5 * middle**2 + LOG_ROOT_2PI)
        result += slope - curvature
    if not narrow.all():
        wide = ~narrow
        lower, upper = np.broadcast_arrays(lower, upper)
        result[wide] = _log_wide_interval(lower[wide], upper[wide])
    return result


def _log_wide_interval(lower, upper):
    """Difference of log cdfs, in the lower tail, where they have all their digits.

    Far out, where even these cancel, the density's exponential is integrated.
    """
    width = upper - lower
    with np.errstate(invalid="ignore"):
        middle = 0.5 * (lower + upper)
    flip = middle > 0
    a, b = np.where(flip, -upper, lower), np.where(flip, -lower, upper)
    narrow = width < 1e-4
    log_b = log_ndtr(b)
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = log_b + np.log(-np.expm1(log_ndtr(a) - log_b))
        if not narrow.any():
            return wide
        exponential = (np.log(width) - 0.5 * middle**2 - LOG_ROOT_2PI) + log_sinhc(
            0.5 * width * middle
        )
    return np.where(narrow, exponential, wide)


def log_interval(lower, upper, width, family, params):
    """Log probability of (lower, upper) under K unimodal distributions.

    Where the interval is narrow, the density at its middle times its width, and what
    its logarithm's four derivatives add, to 1e-10: 50 ns instead of the 360 of
    two cdfs of gamma, 60 instead of 640 of student_t.

    Elsewhere the difference of cdfs or, above the mode, of survival functions. Where it
    underflows, or cancels, the exponential through the log density (at the end nearest
    to the mode, or at the middle) is integrated.

    Parameters
    ----------
    lower, upper : ndarray of shape (n, 1)
        Ends; the lower ones inside the support's closure.
    width : ndarray of shape (n, 1) or float
        Their difference, without the rounding errors of large ends.
    family : Family
        With `_below`, `_above` (cdf and survival function), `_log_pdf`, `_slopes` and
        `_mode`, of values and parameters that broadcast.
    params : NamedTuple
        Of K components.
    """
    middle = 0.5 * (lower + upper)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        first, second, third, fourth, reach = family._slopes(middle, params)
        first, second = first * width, second * width**2
        square = first * first
        narrow = (square + np.abs(second) < 0.02) & (width < 0.03 * reach)
        result = family._log_pdf(middle, params) + np.log(width)
        # cumulants of a uniform variable under the exponential of a quartic
        result += (square + second) / 24
        result += (fourth * width**4) / 1920 + (first * third * width**3) / 480
        result += (second * (second + 2 * square) / 1440) - square * square / 2880
    if not narrow.all():
        rows, components = np.nonzero(~narrow)
        result[rows, components] = _log_wide(
            lower[rows, 0],
            upper[rows, 0],
            np.broadcast_to(width, lower.shape)[rows, 0],
            family,
            type(params)(*(field[components] for field in params)),
        )
    return result


def _log_wide(lower, upper, width, family, params):
    """As :func:`log_interval`, of one interval and component at a time."""
    mode = family._mode(params)
    above = lower >= mode
    small, large = np.empty_like(lower), np.empty_like(lower)
    for there, tail, near, far in (
        (above, family._above, lower, upper),
        (~above, family._below, upper, lower),
    ):
        own = type(params)(*(field[there] for field in params))
        small[there], large[there] = tail(far[there], own), tail(near[there], own)
    mass = large - small
    underflow = ~(mass >= 1e-280)
    bad = underflow | (mass < 1e-7 * large)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        result = np.log(mass)
        if bad.any():
            end = np.where(above, lower, upper)
            at = np.where(underflow, end, 0.5 * (lower + upper))
            t = 0.5 * width * family._slopes(at, params)[0]
            # at an end, the exponential's middle is half a width further out
            out = np.where(underflow, -np.abs(t), 0.0)
            log_pdf = family._log_pdf(at, params)
            exponential = log_pdf + out + np.log(width) + log_sinhc(t)
            result = np.where(bad, exponential, result)
    return result
