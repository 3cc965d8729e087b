"""Columns of a table that are jointly Gaussian within each component."""

from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np

from sklearn_gen._blocks import missing_patterns
from sklearn_gen._columns import MIN_SPREAD, weighted_spread
from sklearn_gen._gaussian import (
    STRUCTURES,
    GaussianParams,
    column_moments,
    draw_missing,
)

_FULL = STRUCTURES["full"]
# Of all rows' distribution, where cells are missing: pseudo-rows need no more digits.
_OVERALL_STEPS = 30
# Numbers at once while rows of one pattern are worked on: they stay in the cache.
_MOST_CELLS = 2**18


class BlockParams(NamedTuple):
    """Gaussians side by side, in units of each column's spread about its center.

    Attributes
    ----------
    mean : ndarray of shape (d, K)
    covariance : ndarray of shape (d, d, K)
    """

    mean: np.ndarray
    covariance: np.ndarray


@dataclass(frozen=True, eq=False)
class GaussianBlock:
    """K Gaussians of full covariance of the same columns, side by side.

    To a mixture it is what a Family is, but of several columns: rows have any cells
    missing, as long as one is observed, and count with the exact marginal. Given these
    cells the others are Gaussian, so that EM takes their expected moments [1]_.

    Attributes
    ----------
    columns : tuple of int
        Modelled columns.
    center, spread : ndarray of shape (d,)
        Rows are standardised by them, so that columns far from zero lose no digits.
    overall : ndarray of shape (1 + d + d * d,)
        Statistics of the whole table, per unit of weight.

    References
    ----------
    .. [1] Ghahramani & Jordan (1994), https://papers.nips.cc/paper/767
    """

    columns: tuple
    center: np.ndarray
    spread: np.ndarray
    overall: np.ndarray

    name: ClassVar[str] = "gaussian_block"
    base_measure: ClassVar[str] = "lebesgue"

    @classmethod
    def from_rows(cls, columns, X, sample_weight=None):
        """Describe some columns.

        Parameters
        ----------
        columns : tuple of int
            Their places among the columns modelled.
        X : ndarray of shape (n_samples, d)
            Their cells, NaN where missing; some are observed in each column.
        sample_weight : ndarray of shape (n_samples,) or None
            None is one each.
        """
        d = len(columns)
        standard = np.concatenate([[1.0], np.zeros(d), np.eye(d).ravel()])
        units = _standard_units(*_observed(X, sample_weight))
        return cls(columns, *units, standard).learned_from(X, sample_weight)

    def learned_from(self, X, sample_weight=None):
        """The same block, but `overall` is that of these rows."""
        X, weight = _observed(X, sample_weight)
        if len(X) == 0:
            return self
        d = len(self.columns)
        params = self.m_step(self.overall[:, None])
        for _ in range(_OVERALL_STEPS if np.isnan(X).any() else 1):
            params = self.m_step(self.stats(X, weight[:, None], params))
        mean, covariance = params.mean[:, 0], params.covariance[:, :, 0]
        # With d pseudo-rows of independent columns: of few rows of many columns, too,
        # the prior has every direction.
        share = d / (d + weight.sum())
        covariance = covariance * (1 - share + share * np.eye(d))
        second = covariance + np.outer(mean, mean)
        return replace(self, overall=np.concatenate([[1.0], mean, second.ravel()]))

    def standardise(self, X):
        """Rows in units of the columns' spread about their centers."""
        return (X - self.center) / self.spread

    def prior(self, strength):
        """Statistics of `strength` pseudo-rows of the whole table."""
        return strength * self.overall

    def stats(self, X, resp, params):
        """Additive expected moments of all cells: zeroth, first, second.

        Parameters
        ----------
        X : ndarray of shape (n_samples, d)
            Rows, each with some cell observed.
        resp : ndarray of shape (n_samples, K)
            Responsibilities times weights.
        params : BlockParams
            Those by which missing cells are expected.

        Returns
        -------
        stats : ndarray of shape (1 + d + d * d, K)
        """
        z, gaussians = self.standardise(X), _gaussians(params)
        d, n_components = len(self.columns), resp.shape[1]
        total = np.zeros((1 + d + d * d, n_components))
        for seen, rows in _patterns(z, d * d):
            own, x = resp[rows], z[np.ix_(rows, seen)]
            squares = (x[:, :, None] * x[:, None, :]).reshape(len(x), -1)
            s0, s1 = own.sum(axis=0), own.T @ x
            s2 = (own.T @ squares).reshape(n_components, len(seen), len(seen))
            if len(seen) < d:
                means, factors = _marginals(gaussians, seen)
                s2 = _FULL.shift(s2, s1, s0, means)
                s1 = s1 - s0[:, None] * means
                observed = np.isin(np.arange(d), seen)
                s1, s2 = _FULL.lift(s1, s2, s0, gaussians, observed, factors)
                s2 = _FULL.shift(s2, s1, s0, -gaussians.means)
                s1 = s1 + s0[:, None] * gaussians.means
            total += np.concatenate([s0[None], s1.T, s2.reshape(n_components, -1).T])
        return total

    def m_step(self, stats, prior=None, previous=None):
        """Parameters of highest likelihood among those that are not too thin.

        Parameters
        ----------
        stats : ndarray of shape (1 + d + d * d, K)
            Sums of `stats`.
        prior : ndarray of shape (1 + d + d * d,) or None
            Statistics of pseudo-rows, added to every component.
        previous : BlockParams or None
            Not needed; as families have it.

        Returns
        -------
        params : BlockParams
            Components without any weight get those of the whole table.
        """
        if prior is not None:
            stats = stats + prior[:, None]
        empty = ~(stats[0] > 1e-200)
        if empty.any():
            stats = np.where(empty, self.overall[:, None], stats)
        d = len(self.columns)
        mean = stats[1 : 1 + d] / stats[0]
        second = (stats[1 + d :] / stats[0]).reshape(d, d, -1)
        covariance = second - mean[:, None] * mean
        covariance = 0.5 * (covariance + covariance.swapaxes(0, 1))
        return BlockParams(mean, _thickened(covariance))

    def log_prob(self, X, params):
        """Log density of each row's observed cells, (n, K)."""
        z, gaussians = self.standardise(X), _gaussians(params)
        log_prob = np.zeros((len(z), len(gaussians.means)))
        for seen, rows in _patterns(z, gaussians.means.size):
            means, factors = _marginals(gaussians, seen)
            unit = 0.5 * len(seen) * np.log(2 * np.pi) + np.log(self.spread[seen]).sum()
            white = (z[np.ix_(rows, seen)] - means[:, None]) @ factors
            squares = np.einsum("knd,knd->nk", white, white)
            log_prob[rows] = _FULL.log_det(factors) - unit - 0.5 * squares
        return log_prob

    def draw(self, params, component, rng, X):
        """Draw the NaN cells of rows given the others, each of one component.

        Parameters
        ----------
        params : BlockParams
            Of all components.
        component : ndarray of shape (n_samples,)
            Each row's component.
        rng : numpy.random.Generator
            Source of randomness.
        X : ndarray of shape (n_samples, d)
            Rows, with any cells missing.

        Returns
        -------
        X : ndarray of shape (n_samples, d)
            Complete.
        """
        z = self.standardise(X)
        for k in np.unique(component):
            rows = np.flatnonzero(component == k)
            one = _gaussians(BlockParams(*(field[..., [k]] for field in params)))
            z[rows] = draw_missing(_FULL, one, z[rows], np.ones((len(rows), 1)), rng)
        return np.where(np.isnan(X), self.center + self.spread * z, X)

    def fill(self, X, params, resp, by_mean):
        """Fill NaN cells by their expectation or most probable value given the others.

        Parameters
        ----------
        X : ndarray of shape (n_samples, d)
            Rows, with any cells missing.
        params : BlockParams
            Of all components.
        resp : ndarray of shape (n_samples, K)
            p(k | all cells observed).
        by_mean : bool
            Otherwise the component mean at which the cell's density is highest.
        """
        z, gaussians = self.standardise(X), _gaussians(params)
        filled = X.copy()
        for i in range(len(self.columns)):
            rows = np.flatnonzero(np.isnan(X[:, i]))
            means, variances = column_moments(_FULL, gaussians, z[rows], i)
            if by_mean:
                value = np.einsum("nk,nk->n", resp[rows], means)
            else:
                value = _peaks(resp[rows], means, variances)
            filled[rows, i] = self.center[i] + self.spread[i] * value
        return filled

    def n_parameters_of(self, n_columns):
        """Free parameters per component of so many of the columns."""
        return n_columns + n_columns * (n_columns + 1) // 2


def _observed(X, sample_weight):
    """Rows with weight that observe something, and their weights."""
    weight = np.ones(len(X)) if sample_weight is None else sample_weight
    kept = ~np.isnan(X).all(axis=1) & (weight > 0)
    return X[kept], np.asarray(weight, dtype=np.float64)[kept]


def _standard_units(X, weight):
    """Mean and standard deviation of each column; of a constant, its own size."""
    units = []
    for x in X.T:
        there = ~np.isnan(x)
        units.append(weighted_spread(x[there], weight[there]))
    return tuple(np.array(part) for part in zip(*units, strict=True))


def _gaussians(params):
    """Gaussians as `_gaussian` has them; without weights, which are the mixture's."""
    covariances = np.ascontiguousarray(np.moveaxis(params.covariance, -1, 0))
    return GaussianParams(
        np.ones(len(covariances)), params.mean.T, covariances, None, None
    )


def _patterns(z, n_cells):
    """Rows by the cells that they observe, not too many rows at once.

    Yields columns seen and rows; `n_cells` is what work on a row takes.
    """
    size = max(1, _MOST_CELLS // n_cells)
    for observed, rows in missing_patterns(z):
        seen = np.arange(z.shape[1])
        seen = seen if observed is None else seen[observed]
        for start in range(0, len(rows), size):
            yield seen, rows[start : start + size]


def _marginals(gaussians, seen):
    """Means (K, n_seen) and upper P with P P^T = precision, of some columns."""
    covariances = gaussians.covariances[:, seen[:, None], seen]
    # Definite: no eigenvalue is below the floor.
    factors = np.linalg.inv(np.linalg.cholesky(covariances)).swapaxes(1, 2)
    return gaussians.means[:, seen], factors


def _thickened(covariance):
    """Raise eigenvalues to their floor: of the matrices above it, the likeliest.

    Where every column has a standard deviation of one, no component is thinner than
    MIN_SPREAD in any direction: none collapses onto a value, a line or a plane.
    """
    matrices = np.moveaxis(covariance, -1, 0)
    values, vectors = np.linalg.eigh(matrices)
    thin = values[:, 0] < MIN_SPREAD**2
    if not thin.any():
        return covariance
    scaled = vectors[thin] * np.maximum(values[thin], MIN_SPREAD**2)[:, None]
    covariance = covariance.copy()
    covariance[:, :, thin] = np.moveaxis(scaled @ vectors[thin].swapaxes(1, 2), 0, -1)
    return covariance


def _peaks(resp, means, variances):
    """The component mean at which each row's mixture is densest."""
    densities = [
        np.einsum(
            "nk,nk->n",
            resp,
            np.exp(-0.5 * (at[:, None] - means) ** 2 / variances) / np.sqrt(variances),
        )
        for at in means.T
    ]
    return means[np.arange(len(means)), np.argmax(densities, axis=0)]
