"""A smooth density of one column: kernels on the scale of a fitted Student t.

The column is mapped by y = Phi^-1(T(x)), T the cdf of the Student t fitted to it, and
then by a monotone cubic spline z = g(y) that makes z standard normal. The spline's
knots are taken from a Gaussian kernel estimate of y, mixed with the standard normal
itself, that is with the Student t, which is what tails are like. Density, cdf and its
inverse are those of the spline: exact, and the density integrates to one.
"""

from typing import NamedTuple

import numpy as np
from scipy.fft import dct
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtri_exp

from sklearn_gen._columns._families import family_for
from sklearn_gen._columns._family import weighted_spread, with_width

LOG_ROOT_2PI = 0.5 * np.log(2 * np.pi)
_N_BINS = 512  # of the histogram that chooses the bandwidth
_KNOTS_PER_BANDWIDTH = 3
_MAX_KNOTS = 500


class Spline(NamedTuple):
    """A monotone cubic Hermite spline, linear beyond its ends."""

    y: np.ndarray
    z: np.ndarray
    slope: np.ndarray

    def pieces(self, at, knots):
        """Piece of each value, and the piece's width, rise and slopes at its ends."""
        i = np.clip(np.searchsorted(knots, at) - 1, 0, len(self.y) - 2)
        h = self.y[i + 1] - self.y[i]
        return i, h, self.z[i + 1] - self.z[i], self.slope[i], self.slope[i + 1]

    def __call__(self, y):
        """Value and derivative at y."""
        i, h, rise, s0, s1 = self.pieces(y, self.y)
        t = np.clip((y - self.y[i]) / h, 0.0, 1.0)
        z = self.z[i] + rise * t * t * (3 - 2 * t)
        z += h * t * (1 - t) * (s0 * (1 - t) - s1 * t)
        slope = 6 * rise / h * t * (1 - t)
        slope += s0 * (1 - t) * (1 - 3 * t) + s1 * t * (3 * t - 2)
        below, above = y < self.y[0], y > self.y[-1]
        z = np.where(below, self.z[0] + self.slope[0] * (y - self.y[0]), z)
        z = np.where(above, self.z[-1] + self.slope[-1] * (y - self.y[-1]), z)
        slope = np.where(below, self.slope[0], np.where(above, self.slope[-1], slope))
        return z, slope

    def inverse(self, z):
        """The y of each z, by Newton's method inside a bracket."""
        i = self.pieces(z, self.z)[0]
        low, high = self.y[i], self.y[i + 1]
        y = low + (high - low) * np.clip(
            (z - self.z[i]) / (self.z[i + 1] - self.z[i]), 0.0, 1.0
        )
        for _ in range(40):
            value, slope = self(y)
            low, high = np.where(value < z, y, low), np.where(value < z, high, y)
            step = y - (value - z) / slope
            moved = np.where((step > low) & (step < high), step, 0.5 * (low + high))
            done = np.abs(moved - y) <= 4e-16 * np.maximum(1.0, np.abs(y))
            y = moved
            if done.all():
                break
        below = self.y[0] + (z - self.z[0]) / self.slope[0]
        above = self.y[-1] + (z - self.z[-1]) / self.slope[-1]
        y = np.where(z < self.z[0], below, y)
        return np.where(z > self.z[-1], above, y)


class KernelMarginal:
    """The smooth density of one column; of cells where it has a resolution.

    Parameters
    ----------
    x : ndarray of shape (n_samples,)
        Observed values.
    weight : ndarray of shape (n_samples,)
        Positive.
    resolution : float
        Width of the grid the values lie on, 0.0 for none.

    Attributes
    ----------
    bandwidth : float
        Of the kernels, in deviations of the Student t.
    tail_weight : float
        Share of the Student t itself.
    n_parameters : int
        What leaving out one row costs, in nats, beside the Student t's parameters.
    """

    name = "kernel"

    def __init__(self, x, weight, resolution):
        self._student = family_for("student_t", x, weight)
        self._params = self._student.m_step(self._student.overall[:, None])
        self.resolution = resolution
        self._grid = family_for("gaussian", x[:1], resolution=resolution)
        y = self._to_student(x)
        total = max(weight.sum(), 1.0)
        _, spread = weighted_spread(y, weight)
        if resolution > 0:
            # the cells' own width: what is within a cell nobody knows
            low, high = (self._to_student(x + s * resolution / 2) for s in (-1, 1))
            least = 0.5 * float(weight @ (high - low) / weight.sum())
        else:
            least = 0.0
        self.bandwidth = max(_bandwidth(y, weight, min(spread, 1.0)), least, 1e-3)
        self._estimate(y, weight, total)

    @property
    def base_measure(self):
        """'lebesgue', or 'counting' of cells."""
        return "counting" if self.resolution > 0 else "lebesgue"

    def _to_student(self, x):
        return self._student.normal_scores(x, self._params)[:, 0]

    def _estimate(self, y, weight, total):
        h = self.bandwidth
        low, high = y.min() - 4 * h, y.max() + 4 * h
        n_knots = int(np.ceil((high - low) / h * _KNOTS_PER_BANDWIDTH)) + 1
        knots = np.linspace(low, high, min(max(n_knots, 30), _MAX_KNOTS))
        counts = _linear_bins(y, weight, knots)
        centers, counts = knots[counts > 0], counts[counts > 0]
        shares = counts / counts.sum()
        kernel = np.exp(-0.5 * ((centers[:, None] - centers) / h) ** 2)
        kernel /= h * np.sqrt(2 * np.pi)
        # Each row's density by the others: one unit of weight less at its own place.
        own = kernel[0, 0]
        others = np.maximum(total * (kernel @ shares) - own, 0.0)
        others /= max(total - 1, 1.0)
        normal = np.exp(-0.5 * centers**2 - LOG_ROOT_2PI)
        w = 0.5
        least = 1 / (total + 2)
        for _ in range(100):  # EM of the share, by leave-one-out likelihood
            given = w * normal
            w = np.clip(shares @ (given / (given + (1 - w) * others)), least, 1 - least)
        self.tail_weight = float(w)
        with_own = np.log(w * normal + (1 - w) * (kernel @ shares))
        without = np.log(w * normal + (1 - w) * others)
        cost = total * (shares @ (with_own - without))
        self.n_parameters = 4 + round(max(0.0, float(cost)))
        self._spline = _spline(knots, centers, np.log(shares), h, w)

    def interval(self, x):
        """Normal scores of the ends of each value's interval; equal for densities."""
        if self.resolution == 0:
            z = self._scores(x)[0]
            return z, z
        half = 0.5 * self.resolution
        return with_width(self._scores(x - half)[0], self._scores(x + half)[0])

    def _scores(self, x):
        y = self._to_student(x)
        z, slope = self._spline(y)
        return z, np.log(slope), y

    def log_density(self, x):
        """Log density of each value."""
        z, log_slope, y = self._scores(x)
        outer = self._student.log_prob(x, self._params)[:, 0]
        return outer + log_slope - 0.5 * (z - y) * (z + y)

    def from_normal(self, z):
        """The value with each normal score."""
        y = self._spline.inverse(z)
        return self._grid.on_grid(self._student.from_normal(y, self._params))


def _linear_bins(y, weight, knots):
    """Share every row's weight between its two neighbouring knots."""
    step = knots[1] - knots[0]
    place = np.clip((y - knots[0]) / step, 0, len(knots) - 1.000001)
    left = place.astype(np.intp)
    right_share = place - left
    counts = np.bincount(left, weight * (1 - right_share), len(knots))
    counts[1:] += np.bincount(left, weight * right_share, len(knots))[:-1]
    return counts


def _spline(knots, centers, log_shares, h, w):
    """Normal scores of the kernel estimate's cdf, and their slopes, at the knots."""

    def log_tail(side):
        t = side * (knots[:, None] - centers) / h
        kernels = np.logaddexp.reduce(log_ndtr(t) + log_shares, axis=1)
        return np.logaddexp(np.log(w) + log_ndtr(side * knots), np.log1p(-w) + kernels)

    below, above = log_tail(1.0), log_tail(-1.0)
    z = np.where(below < above, ndtri_exp(below), -ndtri_exp(above))
    t = (knots[:, None] - centers) / h
    kernels = np.exp(-0.5 * t * t + log_shares).sum(axis=1) / h
    log_density = np.log(w * np.exp(-0.5 * knots**2) + (1 - w) * kernels)
    secants = np.diff(z) / np.diff(knots)
    # three times the secants on either side: the cubics stay monotone
    most = 3 * np.minimum(
        np.append(secants[0], secants), np.append(secants, secants[-1])
    )
    return Spline(knots, z, np.minimum(np.exp(log_density + 0.5 * z * z), most))


def _bandwidth(y, weight, spread):
    """Improved Sheather-Jones plug-in (Botev, Grotowski & Kroese 2010).

    Bounded by a tenth of and by Silverman's rule, which it falls back on.

    References
    ----------
    doi:10.1214/10-AOS799
    """
    n = max(weight.sum(), 2.0)
    rule = 1.06 * spread * n**-0.2
    low, high = y.min(), y.max()
    span = high - low
    if not span > 1e-9:
        return rule
    low, span = low - 0.25 * span, 1.5 * span
    counts = _linear_bins(y, weight, np.linspace(low, low + span, _N_BINS))
    a = dct(counts / counts.sum())[1:]
    power = (0.5 * a) ** 2
    k2 = np.arange(1.0, _N_BINS) ** 2

    def roughness(s, t):
        return 2 * np.pi ** (2 * s) * np.sum(k2**s * power * np.exp(-k2 * np.pi**2 * t))

    def excess(t):
        f = roughness(7, t)
        for s in range(6, 1, -1):
            odd = np.prod(np.arange(1.0, 2 * s, 2)) / np.sqrt(2 * np.pi)
            c = (1 + 0.5 ** (s + 0.5)) / 3
            f = roughness(s, (2 * c * odd / (n * max(f, 1e-300))) ** (2 / (3 + 2 * s)))
        return t - (2 * n * np.sqrt(np.pi) * max(f, 1e-300)) ** -0.4

    ends = np.array([0.1, 1.0]) * rule / span
    at_ends = [excess(t) for t in ends**2]
    if at_ends[0] * at_ends[1] < 0:
        return span * float(np.sqrt(brentq(excess, *ends**2)))
    # no root between: the rule where it lies above
    return span * float(ends[1] if at_ends[1] < 0 else ends[0])
