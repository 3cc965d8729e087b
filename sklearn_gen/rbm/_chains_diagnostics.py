"""Whether chains agree with one another, and how many independent draws they hold.

Vehtari, Gelman, Simpson, Carpenter & Burkner (2021), arXiv:1903.08008: chains are cut
into halves and their values replaced by normal scores of their ranks, so that neither
trends nor heavy tails hide.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import rankdata

__all__ = ["ChainDiagnostics", "effective_sample_size", "r_hat"]


class ChainDiagnostics(NamedTuple):
    """What chains say about themselves.

    Attributes
    ----------
    r_hat : float
        The largest over log p(x) and the features; near 1, below 1.01, where chains
        agree.
    effective_sample_size : float
        Number of independent draws that estimate the mean of log p(x) as well.
    n_draws : int
        Number of draws.
    exchange_rates : ndarray of shape (n_rungs - 1,)
        Share of the exchanges between neighbouring temperatures that took place; empty
        where draws are independent.
    """

    r_hat: float
    effective_sample_size: float
    n_draws: int
    exchange_rates: np.ndarray


def _halves(chains):
    """Cut each chain in two, shape (n_draws // 2, 2 n_chains, ...)."""
    half = len(chains) // 2
    return np.concatenate([chains[:half], chains[-half:]], axis=1)


def _normal_scores(values):
    """Normal quantiles of the ranks among all values of a quantity."""
    flat = values.reshape(-1, *values.shape[2:])
    ranks = rankdata(flat, axis=0)
    return ndtri((ranks - 0.375) / (len(flat) + 0.25)).reshape(values.shape)


def _ratio(values):
    """Root of total over within variance (Gelman & Rubin 1992); 1 for constants."""
    n = len(values)
    within = values.var(axis=0, ddof=1).mean(axis=0)
    between = values.mean(axis=0).var(axis=0, ddof=1)
    fixed = (within == 0.0) & (between == 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.sqrt((n - 1.0) / n + between / within)
    return np.where(fixed, 1.0, ratio)


def r_hat(chains):
    """Compute the rank-normalised split R-hat, of location and of spread.

    Parameters
    ----------
    chains : ndarray of shape (n_draws, n_chains, ...)
        Quantities along chains, at least 4 draws of each.

    Returns
    -------
    r_hat : ndarray of shape (...)
        The larger of both; 1 where a quantity never changes.
    """
    halves = _halves(np.asarray(chains, dtype=np.float64))
    folded = np.abs(halves - np.median(halves, axis=(0, 1)))
    return np.maximum(*(_ratio(_normal_scores(x)) for x in (halves, folded)))


def effective_sample_size(chains):
    """Compute the bulk effective sample size of a quantity.

    Autocorrelations are summed in pairs while these are positive, and made monotone
    (Geyer 1992).

    Parameters
    ----------
    chains : ndarray of shape (n_draws, n_chains)
        A quantity along chains, at least 4 draws of each.

    Returns
    -------
    ess : float
    """
    x = _normal_scores(_halves(np.asarray(chains, dtype=np.float64)))
    n, n_chains = x.shape
    total = (n - 1.0) / n * x.var(axis=0, ddof=1).mean()
    total += x.mean(axis=0).var(ddof=1)
    if total == 0.0:
        return float(n * n_chains)
    centered = x - x.mean(axis=0)
    power = np.abs(np.fft.rfft(centered, 2 * n, axis=0)) ** 2
    covariance = np.fft.irfft(power, axis=0)[:n].mean(axis=1) / n
    within = covariance[0] * n / (n - 1.0)
    rho = 1.0 - (within - covariance * n / (n - 1.0)) / total
    rho[0] = 1.0
    pairs = rho[: n // 2 * 2].reshape(-1, 2).sum(axis=1)
    n_positive = np.argmin(pairs > 0.0) if (pairs <= 0.0).any() else len(pairs)
    tau = -1.0 + 2.0 * np.minimum.accumulate(pairs[:n_positive]).sum()
    # antithetic chains may be better than independent draws, but not without bound
    tau = max(tau, 1.0 / np.log10(n * n_chains))
    return float(n * n_chains / tau)
