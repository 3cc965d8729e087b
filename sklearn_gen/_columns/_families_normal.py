"""Normal column families: gaussian and lognormal.

With a resolution the E-step scores cells; the M-step takes every value as the middle of
its cell, so it maximises the likelihood up to terms of (resolution / scale)^2 / 24.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from sklearn_gen._columns._family import MIN_SPREAD, Family
from sklearn_gen._columns._intervals import LOG_ROOT_2PI, log_normal_interval


class Normal(NamedTuple):
    """Parameters of `Gaussian` and, of log x, of `LogNormal`.

    Attributes
    ----------
    mean, scale : ndarray of shape (K,)
        In units of the column (or of its logarithm).
    """

    mean: np.ndarray
    scale: np.ndarray


class Gaussian(Family):
    """Normal distributions."""

    name = "gaussian"
    n_parameters = 2
    params_type = Normal

    def _stats(self, x, resp, params):
        z = (self.feature(x) - self.center) / self.spread
        return powers(z) @ resp

    def _m_step(self, stats, previous):
        mean = stats[1] / stats[0]
        variance = stats[2] / stats[0] - mean**2
        scale = self.spread * np.sqrt(np.maximum(variance, 0.0))
        return Normal(
            self.center + self.spread * mean, np.maximum(scale, self.least_scale)
        )

    def _log_prob(self, x, params):
        if self.resolution > 0:
            lower, upper, width = self._edges(x)
            return log_normal_interval(
                (lower[:, None] - params.mean) / params.scale,
                (upper[:, None] - params.mean) / params.scale,
                width[:, None] / params.scale,
            )
        y = self.feature(x)
        mean = (params.mean - self.center) / self.spread
        scale = params.scale / self.spread
        constant = -np.log(params.scale) - LOG_ROOT_2PI
        z = (y - self.center) / self.spread
        precision = scale**-2
        natural = np.stack(
            [constant - 0.5 * mean**2 * precision, mean * precision, -0.5 * precision]
        )
        result = powers(z).T @ natural
        tight = 1 + np.abs(mean) > 1e3 * scale  # squares would cancel
        if tight.any():
            z = (y[:, None] - params.mean[tight]) / params.scale[tight]
            result[:, tight] = constant[tight] - 0.5 * z * z
        return result

    def _edges(self, x):
        """Ends of cells, and their widths: of large values ends may be equal."""
        half = 0.5 * self.resolution
        return x - half, x + half, np.full_like(x, self.resolution)

    def _normal_scores(self, x, params):
        return (x[:, None] - params.mean) / params.scale

    def _cdf(self, x, params):
        return ndtr(self._normal_scores(x, params))

    def _sf(self, x, params):
        return ndtr(-self._normal_scores(x, params))

    def _ppf(self, q, params):
        return params.mean + params.scale * ndtri(q)

    def from_normal(self, z, params):
        """The values whose normal scores under the only component are z, (n,)."""
        return self.on_grid(params.mean + params.scale * z)

    def _draw(self, params, rng):
        return params.mean + params.scale * rng.standard_normal(len(params.mean))

    def mean(self, params):
        """Means, (K,)."""
        return params.mean


def powers(z):
    """One, z and its square, (3, n)."""
    found = np.empty((3, len(z)))
    found[0], found[1] = 1.0, z
    np.multiply(z, z, out=found[2])
    return found


def refuse_values(name, x, bad, rule, remedy):
    """Raise a ValueError that names the first value outside of a support."""
    if bad.any():
        value = x[np.flatnonzero(bad)[0]]
        raise ValueError(f"The {name} family needs {rule}, got {value:.6g}: {remedy}")


class Positive(Family):
    """Families of positive values; cells are cut off at zero."""

    def check_support(self, x):
        """Raise a ValueError where a value (its whole cell) is not positive."""
        refuse_values(
            self.name,
            x,
            ~(x > -0.5 * self.resolution),
            "positive values",
            "shift the column, or choose gaussian, student_t, or "
            f"zero_inflated_{self.name} for zeros.",
        )

    def middle(self, x):
        """The values or, of a cell that is cut off, the middle of what is left."""
        if self.resolution == 0:
            return x
        half = 0.5 * self.resolution
        return np.where(x > half, x, 0.5 * (x + half))

    def _edges(self, x):
        half = 0.5 * self.resolution
        lower, upper = np.maximum(x - half, 0.0), x + half
        return lower, upper, np.where(lower > 0, self.resolution, upper)


class LogNormal(Positive, Gaussian):
    """Distributions whose logarithm is normal."""

    name = "lognormal"

    def feature(self, x):
        """log x, of the middle of a cell."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(self.middle(x))

    @property
    def least_scale(self):
        """Floor under scales of log x."""
        return MIN_SPREAD * self.spread

    def _edges(self, x):
        lower, upper, width = super()._edges(x)
        with np.errstate(divide="ignore"):
            return np.log(lower), np.log(upper), np.log1p(width / lower)

    def _log_prob(self, x, params):
        outside = ~(x > -0.5 * self.resolution)
        if self.resolution > 0:
            result = super()._log_prob(np.where(outside, self.resolution, x), params)
        else:
            x = np.where(outside, 1.0, x)
            result = super()._log_prob(x, params) - np.log(x)[:, None]
        result[outside] = -np.inf
        return result

    def _normal_scores(self, x, params):
        with np.errstate(divide="ignore"):
            return super()._normal_scores(np.log(np.maximum(x, 0.0)), params)

    def _ppf(self, q, params):
        return np.exp(super()._ppf(q, params))

    def from_normal(self, z, params):
        """The values whose normal scores under the only component are z, (n,)."""
        log_x = params.mean + params.scale * z
        return self.on_grid(np.exp(np.clip(log_x, -700, 700)))

    def _draw(self, params, rng):
        return np.exp(super()._draw(params, rng))

    def mean(self, params):
        """Means of x, (K,)."""
        return np.exp(params.mean + 0.5 * params.scale**2)
