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


def log_normal_interval(lower, upper):
    """Log probability that a standard normal lies in (lower, upper).

    Where the interval is narrow, the density at its middle times its width, and what
    slope and curvature add, to 1e-9; elsewhere the difference of log cdfs.
    """
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        width, middle = upper - lower, 0.5 * (lower + upper)
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


def log_interval(lower, upper, cdf, sf, log_pdf, slope, mode):
    """Log probability of (lower, upper) under a unimodal density.

    The difference of cdfs or, above the mode, of survival functions. Where it
    underflows, or cancels because the interval is narrow, the exponential through the
    log density (at the end nearest to the mode, or at the middle) is integrated.

    Parameters
    ----------
    lower, upper : ndarray of shape (n, 1)
        Ends; the lower ones inside the support's closure.
    cdf, sf : callable
        Of an array of shape (n, 1), giving (n, K).
    log_pdf, slope : callable
        Log density, and its derivative, of an array of shape (n, K).
    mode : ndarray of shape (K,)
        Where densities are highest.
    """
    above = lower >= mode
    small = np.where(above, sf(upper), cdf(lower))
    large = np.where(above, sf(lower), cdf(upper))
    mass = large - small
    bad = (mass < 1e-280) | (mass < 1e-7 * large)
    with np.errstate(divide="ignore"):
        result = np.log(mass)
    if bad.any():
        lower, upper, mode = np.broadcast_arrays(lower, upper, mode)
        width = upper - lower
        underflow = mass < 1e-280
        end = np.where(above, lower, upper)
        at = np.where(underflow, end, 0.5 * (lower + upper))
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            t = 0.5 * width * slope(at)
            # at an end, the exponential's middle is half a width further out
            out = np.where(underflow, -np.abs(t), 0.0)
            exponential = log_pdf(at) + out + np.log(width) + log_sinhc(t)
        result = np.where(bad, exponential, result)
    return result
