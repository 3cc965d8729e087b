"""Probabilities of rectangles under normal distributions: GHK by quasi-Monte Carlo."""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri
from scipy.stats import qmc

from sklearn_gen._columns._intervals import log_normal_interval

N_REPLICATES = 8  # independent scramblings, whose spread is the standard error
_CELLS_AT_ONCE = 2**18
_LARGE_ERROR = 0.03  # nats: such rows get eight times the points


class Rectangle(NamedTuple):
    """Log probabilities of rectangles, and their standard errors, (n,) each."""

    log_prob: np.ndarray
    error: np.ndarray


def fixed_points(n_points, d):
    """Points in the unit cube, (N_REPLICATES, n, d): the same at every call."""
    rounds = [
        qmc.Sobol(d, scramble=True, seed=np.random.default_rng(r)).random(
            max(1, n_points // N_REPLICATES)
        )
        for r in range(N_REPLICATES)
    ]
    return np.stack(rounds)


def mean_log_mass(lower, upper, weight):
    """Mean log probability of every column's intervals; zero for known scores."""
    wide = lower < upper
    log_mass = np.zeros(lower.shape)
    log_mass[wide] = log_normal_interval(lower[wide], upper[wide])
    return weight @ log_mass / np.maximum(weight @ wide, 1e-300)


def rectangle_probability(lower, upper, factor, n_points):
    """Log probability of lower < x <= upper, x = factor @ (standard normal).

    Parameters
    ----------
    lower, upper : ndarray of shape (n, d)
        Ends; infinite ones leave a side free.
    factor : ndarray of shape (d, d)
        Lower triangular.
    n_points : int
        Points of the quasi-Monte-Carlo rule, of all replicates together; rows whose
        error stays above 0.03 nats get eight times as many.

    Returns
    -------
    rectangle : Rectangle
        Exact (error zero) for d = 1.

    References
    ----------
    Genz (1992), doi:10.1080/10618600.1992.10477010. Geweke (1991), Hajivassiliou &
    McFadden (1998), doi:10.2307/2999576, and Keane (1994), doi:10.2307/2951753.
    """
    n, d = lower.shape
    if d == 1:
        exact = log_normal_interval(lower / factor, upper / factor)[:, 0]
        return Rectangle(exact, np.zeros(n))
    result = _estimate(lower, upper, factor, n_points)
    again = np.flatnonzero(result.error > _LARGE_ERROR)
    if len(again):
        better = _estimate(lower[again], upper[again], factor, 8 * n_points)
        result.log_prob[again], result.error[again] = better
    return result


def _estimate(lower, upper, factor, n_points):
    n, d = lower.shape
    points = fixed_points(n_points, d - 1).reshape(-1, d - 1)
    span = max(1, _CELLS_AT_ONCE // len(points))
    parts = [
        walk(lower[i : i + span], upper[i : i + span], factor, points)[0]
        for i in range(0, n, span)
    ]
    log_mass = np.concatenate(parts)
    most = log_mass.max(axis=1, keepdims=True)
    shares = np.exp(log_mass - most).reshape(n, N_REPLICATES, -1).mean(axis=2)
    mean = shares.mean(axis=1)
    error = shares.std(axis=1, ddof=1) / np.sqrt(N_REPLICATES) / mean
    return Rectangle(np.log(mean) + most[:, 0], error)


def walk(lower, upper, factor, points, keep=False):
    """Draw one coordinate after the other inside the rectangle.

    Parameters
    ----------
    lower, upper : ndarray of shape (n, d)
        Ends.
    factor : ndarray of shape (d, d)
        Lower triangular.
    points : ndarray of shape (n_points, d - 1) or (n, n_points, d)
        Uniform numbers.
    keep : bool
        Whether the last coordinate is drawn, too.

    Returns
    -------
    log_mass : ndarray of shape (n, n_points)
        Log importance weights: their mean is the rectangle's probability.
    noise : ndarray of shape (d, n, n_points)
        Standard normal coordinates e of the draws factor @ e.
    """
    n, d = lower.shape
    shape = (n, points.shape[-2])
    log_mass, noise = np.zeros(shape), np.empty((d, *shape))
    for j in range(d):
        shift = np.tensordot(factor[j, :j], noise[:j], axes=1)
        a = (lower[:, j, None] - shift) / factor[j, j]
        b = (upper[:, j, None] - shift) / factor[j, j]
        drawn = j < d - 1 or keep
        u = points[..., j] if drawn else None
        added, noise[j] = _truncated(a, b, u)
        log_mass += added
    return log_mass, noise


def _truncated(a, b, u):
    """Log P(a < e <= b) of standard normals, and the quantile u of e given that."""
    flip = a > 0  # into the lower tail, where cdfs have all their digits
    low, high = np.where(flip, -b, a), np.where(flip, -a, b)
    below, upto = ndtr(low), ndtr(high)
    mass = upto - below
    lost = ~(mass > 1e-9 * upto) | (upto < 1e-290)
    with np.errstate(divide="ignore"):
        log_mass = np.log(mass)
    e = 0.0
    if u is not None:
        v = np.where(flip, 1 - u, u)
        e = ndtri(below + v * mass)
    if lost.any():
        low, high = low[lost], high[lost]
        log_mass[lost] = log_normal_interval(low, high)
        if u is not None:
            # nearly exponential with this rate, on an interval that may be narrow
            rate = np.maximum(-high, 1e-9)
            inside = -np.expm1(-rate * (high - low))
            e[lost] = high + np.log1p(-(1 - v[lost]) * inside) / rate
    if u is not None:
        e = np.where(flip, -e, e)
    return log_mass, e
