"""A uniform component for rows that belong to no cluster (Banfield & Raftery 1993).

p(x) = nu U(x) + (1 - nu) sum_k w_k N(x; mu_k, Sigma_k), with U constant on the bounding
box of the training rows. Inside EM the weights of the Gaussians are (1 - nu) w_k, so nu
is what they lack to one, and their moments are those of rows that count less by the
share of noise in them: no kernel knows of it.
"""

from typing import NamedTuple

import numpy as np

from sklearn_gen import _gaussian as gaussian
from sklearn_gen._kernels.gaussian import Posterior

# Parameters that mclust counts: the weight, and the volume of the box.
N_PARAMETERS = 2


def share_of_noise(params):
    """The weight that the Gaussians lack to one."""
    return max(0.0, 1.0 - float(params.weights.sum()))


class UniformNoise(NamedTuple):
    """The uniform density on a box."""

    lower: np.ndarray  # (D,)
    upper: np.ndarray  # (D,)

    @classmethod
    def around(cls, X):
        """Bounding box of the observed cells; constant columns are one unit wide."""
        lower, upper = (f.reduce(X, axis=0) for f in (np.fmin, np.fmax))
        lower, upper = (np.nan_to_num(b.astype(np.float64)) for b in (lower, upper))
        widening = np.where(upper > lower, 0.0, 0.5)
        return cls(lower - widening, upper + widening)

    def wider(self, other):
        """The box around two boxes."""
        lower, upper = np.minimum(self.lower, other.lower), self.upper
        return UniformNoise(lower, np.maximum(upper, other.upper))

    def select(self, columns):
        """Restrict the box to some columns."""
        return UniformNoise(self.lower[columns], self.upper[columns])

    def log_cells(self, X):
        """Log density of each cell: 0 where it isn't observed, -inf outside."""
        inside = (self.lower <= X) & (self.upper >= X)
        log_cells = np.where(inside, -np.log(self.upper - self.lower), -np.inf)
        return np.where(np.isnan(X), 0.0, log_cells)

    def log_prob(self, block):
        """Log density of the observed cells of a block's rows."""
        box = self if block.observed is None else self.select(block.observed)
        return box.log_cells(block.X).sum(axis=1)

    def draw(self, n_rows, rng):
        """Draw rows."""
        at = rng.random((n_rows, len(self.lower)))
        return self.lower + at * (self.upper - self.lower)

    def interval_probability(self, lower, upper):
        """Share of each side of the box that lies between bounds, (D,)."""
        within = np.minimum(upper, self.upper) - np.maximum(lower, self.lower)
        return np.maximum(within, 0.0) / (self.upper - self.lower)

    def means(self):
        """Center of the box."""
        return 0.5 * (self.lower + self.upper)

    def mixed(self, block, params, log_prob):
        """Log density with noise, and the share of noise in each row.

        `log_prob` is that of the Gaussians alone.
        """
        with np.errstate(divide="ignore"):
            log_noise = np.log(share_of_noise(params)) + self.log_prob(block)
        both = np.logaddexp(log_prob, log_noise)
        possible = both > -np.inf
        share = np.zeros(len(both))
        share[possible] = np.exp(log_noise[possible] - both[possible])
        return both, share

    def posterior(self, block, params, given):
        """Add the noise, as the last component, to what the Gaussians alone give."""
        log_prob, share = self.mixed(block, params, given.log_prob)
        share = share[: len(given.resp), None]  # none, where not asked for
        resp = np.hstack([given.resp * (1.0 - share), share])
        return Posterior(*(a.astype(block.X.dtype) for a in (log_prob, resp)))

    def suff_stats(self, structure, block, params, args, centers):
        """Moments of the Gaussians, of rows that count by their share."""
        given = gaussian.posterior(structure, block, params, args, False)
        log_prob, share = self.mixed(block, params, given.log_prob)
        weight = block.sample_weight if block.sample_weight.size else 1.0
        lessened = ((1.0 - share) * weight).astype(block.X.dtype)
        stats = gaussian.suff_stats(
            structure, block._replace(sample_weight=lessened), params, args, centers
        )
        log_likelihood = float(np.sum(weight * log_prob, dtype=np.float64))
        return stats._replace(log_likelihood=log_likelihood, weight=block.weight)

    def leave_out(self, X, params, log_prob, scores, pairs):
        """Scores of cells (or pairs) given the rest, from those of the Gaussians alone.

        log p(x_S | x_-S) = log p(x) - log p(x_-S), where the Gaussians' part of p(x_-S)
        is their p(x) / p(x_S | x_-S). `log_prob` is that of the Gaussians.
        """
        with np.errstate(divide="ignore"):
            log_share = np.log(share_of_noise(params))
        cells = self.log_cells(X.astype(np.float64))
        outside = np.isneginf(cells)
        cells = np.where(outside, 0.0, cells)
        density, n_outside = cells.sum(axis=1), outside.sum(axis=1)
        if pairs:
            single = np.eye(X.shape[1], dtype=bool)
            cells, outside = (
                np.where(single, a[:, None], a[:, :, None] + a[:, None])
                for a in (cells, outside.astype(int))
            )
        extra = (slice(None), *[None] * (scores.ndim - 1))
        rest = np.where(n_outside[extra] > outside, -np.inf, density[extra] - cells)
        whole = np.where(n_outside > 0, -np.inf, density)
        whole = np.logaddexp(log_prob, log_share + whole)
        gaussians = log_prob[extra] - scores
        with np.errstate(invalid="ignore"):
            mixed = whole[extra] - np.logaddexp(gaussians, log_share + rest)
        return np.where(np.isnan(mixed), scores, mixed)
