"""What a column family is: K distributions of one column side by side."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

# No component is narrower than this share of its column's own spread, so that none
# collapses onto a value.
MIN_SPREAD = 1e-3
# So many values are worked on at once that their temporaries stay in the cache: of
# 4,000 rows and 512 components that takes a fifth of the time (lognormal cells).
_AT_ONCE = 65_536
# Normal scores of values so far out that their tail's probability underflows.
FARTHEST_SCORE = 37.5
HIGHEST_SCORE = 8.2  # its cdf is still below one
# Of a column with a resolution no component is narrower than this share of a cell: all
# but 6e-5 of its mass is then in one cell, and less would buy nothing.
_MIN_CELL_SPREAD = 0.125


@dataclass(frozen=True, eq=False)
class Family:
    """K distributions of one column, side by side.

    A family describes the column (its unit, resolution, bounds) and never changes;
    parameters are NamedTuples of float64 arrays whose last axis is K. Children give
    `_stats`, `_m_step`, `_log_prob`, `_cdf`, `_sf`, `_ppf`, `_draw` and `mean`.

    Attributes
    ----------
    resolution : float
        0.0: `log_prob` is a log density. Above: the values lie on a grid, and it is
        the log mass of the cell of this width centred at x, (x - half, x + half].
    origin : float
        Some value of the grid.
    center, spread : float
        Statistics are taken of (x - center) / spread, or of x / spread for positive
        columns, so that neither far nor tiny values lose digits.
    overall : ndarray of shape (n_stats,)
        Statistics of the whole column, per unit of weight.
    """

    resolution: float = 0.0
    origin: float = 0.0
    center: float = 0.0
    spread: float = 1.0
    overall: np.ndarray | None = None

    name: ClassVar[str]
    n_parameters: ClassVar[int]
    params_type: ClassVar[type]
    # Whether one M-step from the same rows isn't all: EM has to go on.
    has_latent: ClassVar[bool] = False

    @property
    def base_measure(self):
        """What `log_prob` is a density of: 'lebesgue', or 'counting' (of cells)."""
        return "counting" if self.resolution > 0 else "lebesgue"

    @classmethod
    def from_values(cls, x, sample_weight=None, resolution=0.0, **options):
        """Describe a column.

        Parameters
        ----------
        x : ndarray of shape (n_samples,)
            Observed values, float64; at least one.
        sample_weight : ndarray of shape (n_samples,) or None
            Weights; rows of weight zero count nothing.
        resolution : float
            Width of the grid the values lie on, 0.0 for none.
        **options : dict
            What a family asks for beyond that.

        Raises
        ------
        ValueError
            If a value is outside the support.
        """
        x = np.asarray(x, dtype=np.float64)
        weight = np.ones(len(x))
        if sample_weight is not None:
            weight = np.asarray(sample_weight, dtype=np.float64)
            x, weight = x[weight > 0], weight[weight > 0]
        if len(x) == 0:
            raise ValueError(
                f"The {cls.name} family needs at least one observed value of positive "
                "weight, got none: drop the column."
            )
        family = cls._of_column(x, weight, float(resolution), **options)
        return replace(family, overall=family._overall(x, weight))

    @classmethod
    def _of_column(cls, x, weight, resolution):
        grid = cls(resolution=resolution, origin=float(x[0]))
        grid.check_support(x)
        center, spread = weighted_spread(grid.feature(x), weight)
        return replace(grid, center=center, spread=spread)

    def _overall(self, x, weight):
        return self.stats(x, weight[:, None])[:, 0] / weight.sum()

    def learned_from(self, x, sample_weight=None):
        """The same family, but `overall` is of these values, some of the column's."""
        weight = np.ones(len(x)) if sample_weight is None else sample_weight
        return replace(self, overall=self._overall(x, weight))

    def check_support(self, x):
        """Raise a ValueError where values can't be this family's."""

    def feature(self, x):
        """What statistics are taken of, before standardising."""
        return x

    @property
    def least_scale(self):
        """Floor under scales, in units of `feature`."""
        if self.resolution > 0:
            return max(_MIN_CELL_SPREAD * self.resolution, 1e-7 * self.spread)
        return MIN_SPREAD * self.spread

    def prior(self, strength):
        """Statistics of `strength` pseudo-rows of the whole column."""
        return strength * self.overall

    def stats(self, x, resp, params=None):
        """Additive expected sufficient statistics, (n_stats, K).

        Parameters
        ----------
        x : ndarray of shape (n_samples,)
            Values, without NaN.
        resp : ndarray of shape (n_samples, K)
            Responsibilities times weights.
        params : NamedTuple or None
            Current parameters, for families with latent variables of their own; None
            before the first M-step.

        Returns
        -------
        stats : ndarray of shape (n_stats, K)
            Row 0 is the sum of `resp`.
        """
        return self._stats(x, resp, params)

    def m_step(self, stats, prior=None, previous=None):
        """Parameters that maximise the expected log-likelihood.

        Parameters
        ----------
        stats : ndarray of shape (n_stats, K)
            Sums of `stats`.
        prior : ndarray of shape (n_stats,) or None
            Statistics of pseudo-rows, added to every component.
        previous : NamedTuple or None
            The last parameters.

        Returns
        -------
        params : NamedTuple
            Components without any weight get those of the whole column.
        """
        if prior is not None:
            stats = stats + prior[:, None]
        empty = ~(stats[0] > 1e-200)
        if empty.any():
            stats = np.where(empty, self.overall[:, None], stats)
        return self._m_step(stats, previous)

    def log_prob(self, x, params):
        """Log density (nats per unit of x) or log mass of each value, (n, K)."""
        if self.resolution == 0 or len(x) < 2:
            return self.log_prob_once(x, params)
        values, where = np.unique(x, return_inverse=True)  # they repeat: a grid
        if 2 * len(values) > len(x):
            return self.log_prob_once(x, params)
        return self.log_prob_once(values, params)[where]

    def log_prob_once(self, x, params):
        """The same of values that do not repeat."""
        n_components = params[0].shape[-1]
        size = max(1, _AT_ONCE // max(1, n_components))
        if len(x) <= size:
            return self._log_prob(x, params)
        result = np.empty((len(x), n_components))
        for start in range(0, len(x), size):
            part = slice(start, start + size)
            result[part] = self._log_prob(x[part], params)
        return result

    def cdf(self, x, params):
        """P(X <= x), (n, K)."""
        return self._cdf(self._upper_edge(x), params)

    def sf(self, x, params):
        """P(X > x), (n, K): with all digits where `cdf` is near one."""
        return self._sf(self._upper_edge(x), params)

    def normal_scores(self, x, params):
        """z with Phi(z) = P(X <= x), (n, K); finite but for the ends of the support."""
        return self._normal_scores(self._upper_edge(x), params)

    def _upper_edge(self, x):
        """The upper edge of the cell of the largest grid value up to x."""
        if self.resolution == 0:
            return x
        steps = np.floor((x - self.origin) / self.resolution + 1e-9)
        return self.origin + (steps + 0.5) * self.resolution

    def _normal_scores(self, x, params):
        z = scores_of_tails(self._cdf(x, params), self._sf(x, params))
        # 1e-300 is the least that a cdf tells apart from zero
        inside = np.isfinite(x)[:, None]
        return np.where(inside, np.clip(z, -FARTHEST_SCORE, FARTHEST_SCORE), z)

    def normal_interval(self, x, params):
        """Normal scores of the ends of each value's interval, two of (n, K).

        Values that are scored by a density have no width: both are equal. Others have
        P(lower < z <= upper) for their mass, and some width however far out.
        """
        if self.base_measure == "lebesgue":
            z = self._normal_scores(x, params)
            return z, z
        return with_width(*self._interval_scores(x, params))

    def _interval_scores(self, x, params):
        half = 0.5 * self.resolution
        return (
            self._normal_scores(x - half, params),
            self._normal_scores(x + half, params),
        )

    def ppf(self, q, params, component):
        """Inverse of `cdf`, of one component per row, (n,)."""
        return self.on_grid(self._ppf(q, select(params, component)))

    def from_normal(self, z, params):
        """The values whose normal scores under the only component are z, (n,)."""
        q = ndtr(np.clip(z, -FARTHEST_SCORE, HIGHEST_SCORE))
        return self.ppf(q, params, np.zeros(len(z), dtype=np.intp))

    def draw(self, params, component, rng):
        """Draw a value of one component per row, (n,)."""
        return self.on_grid(self._draw(select(params, component), rng))

    def on_grid(self, y):
        """The centres of the cells (x - half, x + half] that hold y."""
        if self.resolution == 0:
            return y
        steps = np.ceil((y - self.origin) / self.resolution - 0.5)
        return self._tidy(self.origin + steps * self.resolution)

    def _tidy(self, x):
        """Undo rounding errors of decimals: 3 * 0.1 is not 0.3."""
        decimals = max(0, 3 + int(np.ceil(-np.log10(self.resolution))))
        grid = np.array([self.resolution, self.origin])
        exact = np.array_equal(np.round(grid, decimals), grid)
        return np.round(x, decimals) if exact else x


def scores_of_tails(below, above):
    """z with Phi(z) = below = 1 - above, of the smaller of the two."""
    return np.where(below <= 0.5, ndtri(below), -ndtri(above))


def with_width(lower, upper):
    """Keep ends apart that rounding has put on one another."""
    least = 1e-9 * np.maximum(1.0, np.abs(np.where(np.isfinite(lower), lower, 0.0)))
    return lower, np.maximum(upper, lower + least)


def select(params, component):
    """Parameters of one component per row."""
    return type(params)(*(field[..., component] for field in params))


def weighted_spread(x, weight):
    """Mean and standard deviation; of a constant, a unit of its own size."""
    largest = np.abs(x).max()
    if largest > 0 and not 1e-140 < largest < 1e140:  # squares and sums would overflow
        _, exponent = np.frexp(largest)
        parts = weighted_spread(np.ldexp(x, -exponent), weight)
        return tuple(float(np.ldexp(part, exponent)) for part in parts)
    total = weight.sum()
    center = float(weight @ x / total)
    center += float(weight @ (x - center) / total)
    spread = float(np.sqrt(weight @ (x - center) ** 2 / total))
    if not spread > 16 * np.finfo(np.float64).eps * abs(center):
        spread = abs(center) or 1.0
    return center, spread
