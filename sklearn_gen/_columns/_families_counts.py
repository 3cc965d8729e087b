"""Column families of counts 0, 1, 2, ...: poisson and negative_binomial."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.special import betaln, digamma, gammainc, gammaincc, zeta
from scipy.stats import nbinom, poisson

from sklearn_gen._columns._families_continuous import log_gamma_excess
from sklearn_gen._columns._families_normal import refuse_values
from sklearn_gen._columns._family import MIN_SPREAD, Family


@dataclass(frozen=True, eq=False)
class Count(Family):
    """Families of non-negative integers, scored by their mass."""

    @property
    def base_measure(self):
        """'counting'."""
        return "counting"

    @classmethod
    def _of_column(cls, x, weight, resolution):
        family = cls(resolution=1.0)
        family.check_support(x)
        mean = float(weight @ x / weight.sum())
        return replace(family, center=mean, spread=max(mean, MIN_SPREAD))

    def check_support(self, x):
        """Raise a ValueError where a value is no count."""
        refuse_values(
            self.name,
            x,
            ~((x >= 0) & (x == np.floor(x))),
            "counts (0, 1, 2, ...)",
            "choose gaussian, lognormal or histogram, or categorical for codes.",
        )

    @property
    def least_scale(self):
        """Floor under means: a component of zeros alone expects a count to come."""
        return MIN_SPREAD * self.spread

    def on_grid(self, y):
        return y

    def _upper_edge(self, x):
        return np.floor(x)

    def _normal_scores(self, x, params):
        z = super()._normal_scores(x, params)
        z[x < 0] = -np.inf
        return z

    def _interval_scores(self, x, params):
        return self._normal_scores(x - 1, params), self._normal_scores(x, params)

    def mean(self, params):
        """Means, (K,)."""
        return params.mean


class PoissonParams(NamedTuple):
    """Parameters of `Poisson`.

    Attributes
    ----------
    mean : ndarray of shape (K,)
        Rates.
    """

    mean: np.ndarray


def _log_factorial_excess(x):
    """log x! - (x log x - x), without cancellation."""
    positive = np.where(x > 0, x, 1.0)
    return np.where(x > 0, np.log(positive) - log_gamma_excess(positive), 0.0)


def masses_of_counts(log_mass, x):
    """-inf where x is no count."""
    log_mass[~((x >= 0) & (x == np.floor(x)))] = -np.inf
    return log_mass


class Poisson(Count):
    """Poisson distributions."""

    name = "poisson"
    n_parameters = 1
    params_type = PoissonParams

    def _stats(self, x, resp, params):
        return np.stack([np.ones_like(x), x]) @ resp

    def _m_step(self, stats, previous):
        return PoissonParams(np.maximum(stats[1] / stats[0], self.least_scale))

    def _log_prob(self, x, params):
        y = np.maximum(x, 0.0)[:, None]
        ratio = np.where(y > 0, y, params.mean) / params.mean
        # x log(x / rate) - x + rate, which is 0 at x = rate
        delta = ratio - 1
        log_ratio = np.where(ratio < 0.5, np.log(ratio), np.log1p(delta))
        deviance = np.where(y > 0, y * (log_ratio - delta / ratio), params.mean)
        return masses_of_counts(-deviance - _log_factorial_excess(y), x)

    def _cdf(self, x, params):
        y = np.floor(x)[:, None]
        return np.where(y < 0, 0.0, gammaincc(np.maximum(y, 0) + 1, params.mean))

    def _sf(self, x, params):
        y = np.floor(x)[:, None]
        return np.where(y < 0, 1.0, gammainc(np.maximum(y, 0) + 1, params.mean))

    def _ppf(self, q, params):
        return np.maximum(poisson.ppf(q, params.mean), 0.0)

    def _draw(self, params, rng):
        return rng.poisson(params.mean).astype(np.float64)


class NegativeBinomialParams(NamedTuple):
    """Parameters of `NegativeBinomial`.

    Attributes
    ----------
    mean : ndarray of shape (K,)
    size : ndarray of shape (K,)
        The variance is mean + mean^2 / size.
    """

    mean: np.ndarray
    size: np.ndarray


_SINGLE_COUNTS = 1024  # counts below have a bin each
_BINS_PER_OCTAVE = 128  # above: bins of 0.5 %, which only the size's estimate sees
_MIN_SIZE, _MAX_SIZE = 1e-3, 1e7


@dataclass(frozen=True, eq=False)
class NegativeBinomial(Count):
    """Negative binomial distributions: counts that vary more than Poisson's.

    No finite statistics suffice for `size`: the weighted histogram of the counts is
    kept, beside their sum. From 1024 on, bins are half a percent wide.

    Attributes
    ----------
    n_bins : int
        Bins up to the column's largest count; the last one holds larger ones, too.
    """

    n_bins: int = 1

    name = "negative_binomial"
    n_parameters = 2
    params_type = NegativeBinomialParams

    @classmethod
    def _of_column(cls, x, weight, resolution):
        family = super()._of_column(x, weight, resolution)
        return replace(family, n_bins=1 + int(_bin(x.max())))

    def _stats(self, x, resp, params):
        bins = np.minimum(_bin(x), self.n_bins - 1)
        ones = np.ones(len(x))
        chosen = sparse.csr_matrix(
            (ones, (bins, np.arange(len(x)))), shape=(self.n_bins, len(x))
        )
        return np.vstack([resp.sum(axis=0), x @ resp, chosen @ resp])

    def _m_step(self, stats, previous):
        mean = np.maximum(stats[1] / stats[0], self.least_scale)
        counts = stats[2:]
        used = np.flatnonzero(counts.any(axis=1))
        start = None if previous is None else previous.size
        share = counts[used] / stats[0]
        return NegativeBinomialParams(mean, _size(_bin_value(used), share, mean, start))

    def _log_prob(self, x, params):
        mean, size = params
        y = np.maximum(x, 0.0)[:, None]
        positive = np.where(y > 0, y, 1.0)
        # Gamma(x + r) / (Gamma(r) x!) = 1 / (x B(x, r))
        chosen = np.where(y > 0, -np.log(positive) - betaln(positive, size), 0.0)
        log_mass = chosen - size * np.log1p(mean / size) - y * np.log1p(size / mean)
        return masses_of_counts(log_mass, x)

    def _cdf(self, x, params):
        mean, size = params
        return nbinom.cdf(x[:, None], size, size / (size + mean))

    def _sf(self, x, params):
        mean, size = params
        return nbinom.sf(x[:, None], size, size / (size + mean))

    def _ppf(self, q, params):
        mean, size = params
        return np.maximum(nbinom.ppf(q, size, size / (size + mean)), 0.0)

    def _draw(self, params, rng):
        rate = rng.standard_gamma(params.size) * params.mean / params.size
        return rng.poisson(rate).astype(np.float64)


def _bin(x):
    octaves = np.log2(np.maximum(x, _SINGLE_COUNTS) / _SINGLE_COUNTS)
    high = _SINGLE_COUNTS + np.floor(_BINS_PER_OCTAVE * octaves)
    return np.where(x < _SINGLE_COUNTS, x, high).astype(np.intp)


def _bin_value(bins):
    octaves = (bins - _SINGLE_COUNTS + 0.5) / _BINS_PER_OCTAVE
    high = _SINGLE_COUNTS * 2.0 ** np.maximum(octaves, 0.0)
    return np.where(bins < _SINGLE_COUNTS, bins, high)


def _size(values, share, mean, start=None):
    """Maximise the likelihood in the size r, given the mean.

    Solves sum_x share(x) (digamma(x + r) - digamma(r)) = log(1 + mean / r) in log r:
    Newton's method inside a bracket. Counts that vary no more than Poisson's have the
    largest size.

    Parameters
    ----------
    values : ndarray of shape (n_bins,)
    share : ndarray of shape (n_bins, K)
        Columns sum to one.
    mean : ndarray of shape (K,)
    start : ndarray of shape (K,) or None
        Sizes to start from: those of the last step. None is by moments.
    """
    variance = values**2 @ share - (values @ share) ** 2
    over = variance > mean  # otherwise the likelihood rises towards Poisson's
    if start is None:
        start = mean**2 / np.where(over, variance - mean, 1.0)
    lowest, highest = np.log(_MIN_SIZE), np.log(_MAX_SIZE)
    low, high = np.full_like(mean, lowest), np.full_like(mean, highest)
    t = np.clip(np.log(start), lowest + 1e-3, highest - 1e-3)
    moving = np.flatnonzero(over)
    for _ in range(30):
        if len(moving) == 0:
            break
        r, own = np.exp(t[moving]), share[:, moving]
        x = values[:, None] + r
        slope = np.einsum("vk,vk->k", own, digamma(x)) - digamma(r)
        slope -= np.log1p(mean[moving] / r)
        bend = np.einsum("vk,vk->k", own, zeta(2, x)) - zeta(2, r)
        bend += mean[moving] / (r * (r + mean[moving]))
        before = t[moving]
        low[moving] = np.where(slope > 0, before, low[moving])
        high[moving] = np.where(slope > 0, high[moving], before)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = before - slope / (r * bend)
        inside = (step > low[moving]) & (step < high[moving])
        t[moving] = np.where(inside, step, 0.5 * (low[moving] + high[moving]))
        moving = moving[np.abs(t[moving] - before) >= 1e-8]
    return np.where(over, np.exp(t), _MAX_SIZE)
