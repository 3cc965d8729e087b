"""Continuous column families with a shape: student_t and gamma.

With a resolution the E-step scores cells; the M-step takes every value as the middle of
its cell, so it maximises the likelihood up to terms of (resolution / scale)^2 / 24.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.special import (
    digamma,
    gammainc,
    gammaincc,
    gammainccinv,
    gammaincinv,
    gammaln,
    ndtr,
    stdtr,
    stdtrit,
    zeta,
)

from sklearn_gen._columns._families_normal import Positive, powers
from sklearn_gen._columns._family import FARTHEST_SCORE, MIN_SPREAD, Family
from sklearn_gen._columns._intervals import LOG_ROOT_2PI, log_interval

_MIN_DOF, _MAX_DOF = 1.0, 200.0
_FIRST_DOF = 8.0  # before the first M-step
_FARTHEST_QUANTILE = 30.0  # normal score beyond which stdtrit fails
_FARTHEST = 1e150  # in spreads: squares must not overflow
_COLUMN_STEPS = 30  # EM steps to the whole column's distribution


def log_gamma_excess(a):
    """a log a - a - log Gamma(a); Stirling's series where the terms would cancel."""
    large = a > 50
    b = np.where(large, a, 50.0)
    series = (
        0.5 * np.log(b)
        - LOG_ROOT_2PI
        - (1 - (1 - 2 / (7 * b * b)) / (30 * b * b)) / (12 * b)
    )
    a = np.where(large, 1.0, a)
    return np.where(large, series, a * np.log(a) - a - gammaln(a))


class StudentTParams(NamedTuple):
    """Parameters of `StudentT`.

    Attributes
    ----------
    location, scale : ndarray of shape (K,)
        In units of the column.
    dof : ndarray of shape (K,)
        Degrees of freedom.
    """

    location: np.ndarray
    scale: np.ndarray
    dof: np.ndarray


class StudentT(Family):
    """Student's t distributions with a location, a scale and degrees of freedom.

    EM with the rows' precisions as latent variables; degrees of freedom in [1, 200].

    References
    ----------
    Liu & Rubin (1995), "ML estimation of the t distribution using EM and its
    extensions, ECM and ECME", Statistica Sinica 5.
    """

    name = "student_t"
    n_parameters = 3
    params_type = StudentTParams
    has_latent = True

    @classmethod
    def _of_column(cls, x, weight, resolution):
        family = super()._of_column(x, weight, resolution)
        # Quantiles: tails may be so heavy that the deviation measures nothing else.
        order = np.argsort(x, kind="stable")
        ranks = np.cumsum(weight[order]) / weight.sum()
        places = np.searchsorted(ranks, [0.25, 0.5, 0.75]).clip(max=len(x) - 1)
        low, middle, high = x[order][places]
        spread = (high - low) / 1.349
        if not spread > 16 * np.finfo(np.float64).eps * abs(middle):
            return family
        return replace(family, center=float(middle), spread=float(spread))

    def _overall(self, x, weight):
        params = None
        for _ in range(_COLUMN_STEPS):
            stats = self.stats(x, weight[:, None], params)
            before, params = params, self._m_step(stats, params)
            # A prior need not be sharper.
            if before and np.allclose(before.dof, params.dof, rtol=0.02, atol=0.0):
                break
        return stats[:, 0] / weight.sum()

    def _stats(self, x, resp, params):
        farthest = _FARTHEST * self.spread
        x = np.clip(x, self.center - farthest, self.center + farthest)
        z = (x - self.center) / self.spread
        if params is None:
            rows = [np.ones_like(z), np.ones_like(z), z, z * z]
            excess = digamma(0.5 * _FIRST_DOF) - np.log(0.5 * _FIRST_DOF) - 1
            return np.stack([*rows, np.full_like(z, excess)]) @ resp
        half = 0.5 * (params.dof + 1)
        distance = ((x[:, None] - params.location) / params.scale) ** 2
        u = 2 * half / (params.dof + distance)  # expected precisions
        expected_log = np.log(u) + (digamma(half) - np.log(half))
        weighted = resp * u
        stats = np.empty((5, resp.shape[1]))
        stats[0] = resp.sum(axis=0)
        stats[1:4] = powers(z) @ weighted
        stats[4] = np.einsum("nk,nk->k", resp, expected_log - u)
        return stats

    def _m_step(self, stats, previous):
        n, precision, first, second, excess = stats
        mean = first / precision
        variance = (second - precision * mean**2) / n
        scale = self.spread * np.sqrt(np.maximum(variance, 0.0))
        return StudentTParams(
            self.center + self.spread * mean,
            np.maximum(scale, self.least_scale),
            _dof(excess / n),
        )

    def _log_prob(self, x, params):
        if self.resolution == 0:
            return self._log_pdf(x[:, None], params)
        lower, upper = (x + side * self.resolution for side in (-0.5, 0.5))
        width = self.resolution
        return log_interval(lower[:, None], upper[:, None], width, self, params)

    def _log_pdf(self, y, params):
        location, scale, dof = params
        log_norm = gammaln(0.5 * (dof + 1)) - gammaln(0.5 * dof)
        log_norm = log_norm - 0.5 * np.log(np.pi * dof) - np.log(scale)
        t = (y - location) / scale
        # hypot: t * t may overflow
        return log_norm - (dof + 1) * np.log(np.hypot(1.0, t / np.sqrt(dof)))

    def _slopes(self, y, params):
        """Derivatives of the log density; how far it is from where it has none."""
        location, scale, dof = params
        t = (y - location) / scale
        squared = t * t
        u = 1.0 / (dof + squared)
        first = -(dof + 1) * u / scale
        second = u / scale
        return (
            first * t,
            first * second * (dof - squared),
            first * second * second * t * (2 * squared - 6 * dof),
            -6 * first * second**3 * (dof * dof - 6 * dof * squared + squared**2),
            scale * np.sqrt(dof + squared),
        )

    def _mode(self, params):
        return params.location

    def _below(self, y, params):
        return stdtr(params.dof, (y - params.location) / params.scale)

    def _above(self, y, params):
        return stdtr(params.dof, (params.location - y) / params.scale)

    def _cdf(self, x, params):
        return self._below(x[:, None], params)

    def _sf(self, x, params):
        return self._above(x[:, None], params)

    def _ppf(self, q, params):
        return params.location + params.scale * stdtrit(params.dof, q)

    def from_normal(self, z, params):
        """The values whose normal scores under the only component are z, (n,)."""
        below = ndtr(-np.minimum(np.abs(z), _FARTHEST_QUANTILE))
        distance = -params.scale * stdtrit(params.dof, below)
        return self.on_grid(params.location + np.copysign(distance, z))

    def _draw(self, params, rng):
        return params.location + params.scale * rng.standard_t(params.dof)

    def mean(self, params):
        """Locations, (K,): the mean where dof > 1."""
        return params.location


def _dof(excess):
    """Solve log(dof / 2) - digamma(dof / 2) + 1 + excess = 0, within the bounds."""
    gap = np.clip(-1 - excess, _LEAST_GAP, _LARGEST_GAP)
    return np.clip(2 * _shape(gap), _MIN_DOF, _MAX_DOF)


def _shape(gap):
    """Solve log(a) - digamma(a) = gap, which is nearly linear in 1 / a.

    Minka's start is within 2 %; three steps of Newton's method for 1 / a leave 2e-12.
    """
    a = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    with np.errstate(divide="ignore"):
        for _ in range(3):
            excess = log_minus_digamma(a) - gap
            a = 1 / (1 / a + excess / (a * (1 - a * zeta(2, a))))
    return a


def log_minus_digamma(a):
    """log(a) - digamma(a); its series where the terms would cancel."""
    large = a > 1e3
    if not large.any():
        return np.log(a) - digamma(a)
    b = np.where(large, a, 1e3)
    series = (1 + (1 - 1 / (10 * b * b)) / (6 * b)) / (2 * b)
    a = np.where(large, 1.0, a)
    return np.where(large, series, np.log(a) - digamma(a))


_LARGEST_GAP, _LEAST_GAP = log_minus_digamma(0.5 * np.array([_MIN_DOF, _MAX_DOF]))


class GammaParams(NamedTuple):
    """Parameters of `Gamma`.

    Attributes
    ----------
    shape : ndarray of shape (K,)
    mean : ndarray of shape (K,)
        In units of the column; the scale is mean / shape.
    """

    shape: np.ndarray
    mean: np.ndarray


class Gamma(Positive):
    """Gamma distributions; M-step by Newton's method.

    References
    ----------
    Minka (2002), "Estimating a Gamma distribution".
    """

    name = "gamma"
    n_parameters = 2
    params_type = GammaParams

    def feature(self, x):
        """The middle of the cell."""
        return self.middle(x)

    @property
    def _max_shape(self):
        # by the floor under deviations; beyond 1e10 log statistics cancel
        relative = max(1e-5, MIN_SPREAD * self.spread / self.center)
        return relative**-2

    def _stats(self, x, resp, params):
        t = self.feature(x) / self.center
        log_t = np.log(np.maximum(t, np.finfo(np.float64).tiny))  # not below 1e-308
        return np.stack([np.ones_like(t), t, log_t]) @ resp

    def _m_step(self, stats, previous):
        mean = stats[1] / stats[0]
        # log of the mean over the geometric mean
        gap = np.log(mean) - stats[2] / stats[0]
        gap = np.maximum(gap, 0.5 / self._max_shape)
        a = np.minimum(_shape(gap), self._max_shape)
        return GammaParams(a, self.center * mean)

    def _log_pdf(self, x, params):
        """x of shape (n, 1) or (n, K)."""
        a, mean = params
        t = x / mean
        with np.errstate(divide="ignore", invalid="ignore"):
            near = np.abs(t - 1) < 0.5
            delta = np.where(near, t - 1, 0.0)
            log_x = np.log(x)
            log_t = np.where(t > 0, np.log(t), log_x - np.log(mean))  # t may underflow
            spent = np.where(near, np.log1p(delta) - delta, log_t - t + 1)
            at_zero = np.where(a == 1, 0.0, np.where(a < 1, np.inf, -np.inf))
            result = a * spent - log_x + log_gamma_excess(a)
        result = np.where(x == 0, np.where(a == 1, -np.log(mean), at_zero), result)
        return np.where(x < 0, -np.inf, result)

    def _log_prob(self, x, params):
        if self.resolution == 0:
            return self._log_pdf(x[:, None], params)
        outside = ~(x > -0.5 * self.resolution)
        edges = self._edges(np.where(outside, self.resolution, x))
        result = log_interval(*(edge[:, None] for edge in edges), self, params)
        result[outside] = -np.inf
        return result

    def _slopes(self, y, params):
        """Derivatives of the log density; how far it is from where it has none."""
        a, mean = params
        rest, u = a - 1, 1.0 / y
        second = -rest * u * u
        return (
            rest * u - a / mean,
            second,
            -2 * second * u,
            6 * second * u * u,
            y,
        )

    def _mode(self, params):
        return params.mean * np.maximum(1 - 1 / params.shape, 0.0)

    def _below(self, y, params):
        return gammainc(params.shape, params.shape * (y / params.mean))

    def _above(self, y, params):
        return gammaincc(params.shape, params.shape * (y / params.mean))

    def _cdf(self, x, params):
        return self._below(np.maximum(x, 0.0)[:, None], params)

    def _sf(self, x, params):
        return self._above(np.maximum(x, 0.0)[:, None], params)

    def _ppf(self, q, params):
        a, mean = params
        upper = q > 0.5
        low = gammaincinv(a, np.where(upper, 0.5, q))
        high = gammainccinv(a, np.where(upper, 1 - q, 0.5))
        return np.where(upper, high, low) * mean / a

    def from_normal(self, z, params):
        """The values whose normal scores under the only component are z, (n,)."""
        a, mean = params
        near = np.minimum(np.abs(z), FARTHEST_SCORE)
        y = np.where(z > 0, gammainccinv(a, ndtr(-near)), gammaincinv(a, ndtr(-near)))
        tiny = np.finfo(np.float64).tiny
        return self.on_grid(np.maximum(y * mean / a, tiny))

    def _draw(self, params, rng):
        tiny = np.finfo(np.float64).tiny  # shapes below 0.01 draw zeros
        return np.maximum(
            rng.standard_gamma(params.shape) * (params.mean / params.shape), tiny
        )

    def mean(self, params):
        """Means, (K,)."""
        return params.mean
