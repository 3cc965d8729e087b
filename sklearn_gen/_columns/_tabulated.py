"""Column families whose distribution is a table of probabilities: one row per code.

Levels of a category, two of a boolean, bins of a histogram. What happens within a code
is the same for all components (`offset`), so a mixture only looks tables up.
"""

from copy import copy
from typing import NamedTuple

import numpy as np

# Mass kept for what fit never saw: another category, a value beyond all bins. Too
# little for draws to show, enough for a finite score.
UNSEEN_MASS = 1e-6


class TableParams(NamedTuple):
    """Log probabilities of every code in every component, shape (n_codes, K)."""

    log_p: np.ndarray


class Tabulated:
    """Base of the families that are tables.

    Attributes
    ----------
    n_codes : int
        Codes, including those of what fit never saw.
    overall : ndarray of shape (n_codes,)
        The column's overall distribution, which smoothing pulls components to; zero
        for codes that fit never saw.
    unseen : ndarray of shape (n_codes,)
        Mass fixed for codes that fit never saw, else zero.
    """

    base_measure = "counting"
    params_type = TableParams
    has_latent = False

    def _describe(self, counts, unseen):
        self.overall = counts / counts.sum()
        self.unseen = unseen
        self.n_codes = len(counts)

    def learned_from(self, x, sample_weight=None):
        """The same family, but `overall` is of these values, some of the column's.

        Other codes of the column keep half a row.
        """
        weight = np.ones(len(x)) if sample_weight is None else sample_weight
        counts = self.stats(x, weight[:, None])[:, 0]
        least = np.minimum(0.5, self.overall * counts.sum())
        counts = np.where(counts > 0.0, counts, least)
        learned = copy(self)
        learned.overall = counts / counts.sum()
        return learned

    @property
    def n_parameters(self):
        """Free parameters per component."""
        return int(np.count_nonzero(self.unseen == 0.0)) - 1

    def stats(self, x, resp, params=None):
        """Responsibility of every component for every code, shape (n_codes, K)."""
        counts = np.zeros((self.n_codes, resp.shape[1]))
        np.add.at(counts, self.code(x), resp)
        return counts

    def prior(self, strength):
        """Statistics of `strength` pseudo-rows of the whole column."""
        return strength * self.overall

    def m_step(self, stats, prior=None, previous=None):
        """Relative counts, plus those of `prior` in every component."""
        counts = stats if prior is None else stats + prior[:, None]
        seen = self.unseen == 0.0
        total = counts[seen].sum(axis=0)
        shares = counts / np.where(total > 0.0, total, 1.0)
        shares[:, total <= 0.0] = self.overall[:, None]
        shares[seen] *= 1.0 - self.unseen.sum()
        shares[~seen] = self.unseen[~seen, None]
        with np.errstate(divide="ignore"):
            return TableParams(np.log(shares))

    def log_prob(self, x, params):
        """Log mass, or log density of continuous columns, shape (n, K)."""
        return params.log_p[self.code(x)] + self.offset(x)[:, None]

    log_prob_once = log_prob

    def draw(self, params, component, rng):
        """One value for each of the components named, shape (n,)."""
        shares = np.exp(params.log_p.T)
        # All components' cumulative tables in one ascending array: k + P(code <= c | k)
        cumulative = np.cumsum(shares, axis=1)
        cumulative /= cumulative[:, -1:]
        cumulative += np.arange(len(cumulative))[:, None]
        target = component + rng.random(len(component))
        place = np.searchsorted(cumulative.ravel(), target, side="right")
        code = place - component * self.n_codes
        return self.draw_within(np.clip(code, 0, self.n_codes - 1), rng)

    def cdf(self, x, params):
        """P(X <= x) of every component, shape (n, K)."""
        below = np.cumsum(np.exp(params.log_p[self._order]), axis=0)
        place = self._place[self.code(x)]
        upto, own = below[place], np.exp(params.log_p[self.code(x)])
        return np.clip(upto - own * (1.0 - self.within_cdf(x))[:, None], 0.0, 1.0)

    @property
    def _order(self):
        return np.arange(self.n_codes)

    @property
    def _place(self):
        return np.argsort(self._order)


class Categorical(Tabulated):
    """Levels coded 0, 1, ..., and one code for levels that fit never saw."""

    name = "categorical"
    resolution = 1.0
    closed = False

    @classmethod
    def from_values(cls, x, sample_weight=None, resolution=0.0, n_levels=None):
        """Count the levels; `n_levels` where some may be missing from x."""
        x = np.asarray(x)
        if np.any(x < 0) or np.any(x != np.floor(x)):
            raise ValueError(
                "The categorical family needs levels coded 0, 1, 2, ..., got "
                f"{x[(x < 0) | (x != np.floor(x))][0]:g}: name the column in "
                "categorical_features, which takes any values as levels."
            )
        family = cls()
        seen = int(x.max(initial=-1.0)) + 1
        family.n_levels = max(1, seen if n_levels is None else n_levels)
        counts = np.bincount(x.astype(np.intp), sample_weight, family.n_levels + 1)
        counts = counts[: family.n_levels].astype(float)
        # A level that is declared but never came is a little possible.
        counts[counts == 0.0] = 0.0 if counts.any() else 1.0
        family._close(counts)
        return family

    def _close(self, counts):
        unseen = np.zeros(len(counts) + 1)
        unseen[-1] = UNSEEN_MASS
        rare = np.append(np.maximum(counts, UNSEEN_MASS * counts.sum()), 0.0)
        self._describe(rare, unseen)

    def code(self, x):
        """Level, or the last code for any other value."""
        known = (x >= 0) & (x < self.n_levels) & (x == np.floor(x))
        return np.where(known, x, self.n_levels).astype(np.intp)

    def offset(self, x):
        """Zero: a code is one level."""
        return np.zeros(len(x))

    def draw_within(self, code, rng):
        """The level itself."""
        return np.minimum(code, self.n_levels - 1).astype(float)

    @property
    def peaks(self):
        """Zero: a code is one level. Other levels are never the most probable."""
        return np.where(self.unseen > 0.0, -np.inf, 0.0)

    def typical(self, code):
        """The level itself."""
        return np.minimum(code, self.n_levels - 1).astype(float)

    def within_cdf(self, x):
        """One: a code is one level."""
        return np.ones(len(x))

    def ppf(self, q, params, component):
        """Smallest level whose cumulative probability reaches q."""
        below = np.cumsum(np.exp(params.log_p), axis=0)[:, component]
        return np.minimum((below < q).sum(axis=0), self.n_levels - 1).astype(float)


class Bernoulli(Categorical):
    """Zero or one; nothing else is possible."""

    name = "bernoulli"

    @classmethod
    def from_values(cls, x, sample_weight=None, resolution=0.0, n_levels=2):
        """Count zeros and ones."""
        other = x[(x != 0.0) & (x != 1.0)]
        if len(other):
            raise ValueError(
                f"The bernoulli family needs zeros and ones, got {other[0]:g}: choose "
                "histogram or a family of counts, or categorical for codes."
            )
        return super().from_values(x, sample_weight, n_levels=2)

    def _close(self, counts):
        rare = np.maximum(counts, UNSEEN_MASS * counts.sum())
        self._describe(rare, np.zeros(2))

    def code(self, x):
        """The value itself."""
        return np.asarray(x).astype(np.intp).clip(0, 1)

    def offset(self, x):
        """Zero, but impossible for other values."""
        return np.where((x == 0.0) | (x == 1.0), 0.0, -np.inf)

    def mean(self, params):
        """P(one) of every component."""
        return np.exp(params.log_p[1])
