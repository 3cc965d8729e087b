"""Variational posterior of Gaussian mixtures: Normal-Wishart components.

Each component's mean and precision have the distribution

    N(mu; m, (beta Lambda)^-1) W(Lambda; W, nu),

and `covariances` hold W^-1 / nu. The expected log density of a row, with its missing
cells integrated out, is that of a Gaussian of this covariance plus a number that
depends on neither the row nor which of its cells are observed, so variational EM is EM
with other weights (Bishop 2006, "Pattern recognition and machine learning", 10.2).

As in scikit-learn, the formulas of a full Wishart serve all four structures.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import betaln, digamma, gammaln

from sklearn_gen._gaussian._linalg import is_shared
from sklearn_gen._gaussian._student import StudentParams


class VariationalParams(NamedTuple):
    """Posterior of a mixture of Gaussians, and what Gaussian kernels take of it."""

    weights: np.ndarray  # (K,) expected
    means: np.ndarray  # (K, D) m
    covariances: np.ndarray  # W^-1 / nu
    precisions_cholesky: np.ndarray
    repaired: np.ndarray  # (D,)
    log_weights: np.ndarray  # (K,) of the E-step
    concentration: np.ndarray  # (K,) Dirichlet, or (2, K) beta of the sticks
    mean_precision: np.ndarray  # (K,) beta
    dof: np.ndarray  # (K,) nu, or () where covariances are shared


class NormalWishartPrior(NamedTuple):
    """What components are before any row."""

    concentration: float
    sticks: bool  # a Dirichlet process, cut after K sticks
    mean_precision: float
    mean: np.ndarray  # (D,)
    dof: float
    covariance: np.ndarray  # W^-1: (D, D), (D,) or ()


def posterior_params(structure, stats, centers, prior, reg, ridge):
    """Posterior given moments about `centers` (GaussianStats), counted in rows."""
    K, D = centers.shape
    nk = stats.s0 + 10 * np.finfo(float).eps
    step = stats.s1 / nk[:, None]
    mean_precision = prior.mean_precision + nk
    shrinkage = prior.mean_precision / mean_precision
    away = prior.mean - (centers + step)
    between = structure.shift(0.0, np.zeros((K, D)), nk * shrinkage, away)
    scatter = structure.covariance(stats.s2 + between, step, nk)
    scatter = structure.add_to_diagonal(scatter, reg)
    n_rows = nk.sum() / K if is_shared(structure) else nk
    dof = prior.dof + n_rows
    covariances = (((n_rows * scatter.T).T + prior.covariance).T / dof).T
    return variational_params(
        _concentration(nk, prior),
        mean_precision,
        dof,
        centers + step + shrinkage[:, None] * away,
        *structure.cholesky(covariances, ridge),
    )


def variational_params(
    concentration, mean_precision, dof, means, covariances, factors, repaired
):
    """Complete the parameters of a posterior by what the E-step needs."""
    D = means.shape[1]
    log_det = D * np.log(2 / dof) + digamma(_half_dofs(dof, D)).sum(axis=0)
    return VariationalParams(
        _mean_weights(concentration),
        means,
        covariances,
        factors,
        repaired,
        _mean_log_weights(concentration) + (log_det - D / mean_precision) / 2,
        concentration,
        mean_precision,
        dof,
    )


def _half_dofs(dof, D):
    """(nu - j) / 2 for j = 0 .. D - 1, along the first axis."""
    return (dof - np.arange(D).reshape(-1, *[1] * np.ndim(dof))) / 2


def _concentration(nk, prior):
    if not prior.sticks:
        return prior.concentration + nk
    later = np.append(np.cumsum(nk[::-1])[-2::-1], 0.0)
    return np.stack([1.0 + nk, prior.concentration + later])


def _mean_log_weights(concentration):
    """E[log w] of each component."""
    if concentration.ndim == 1:
        return digamma(concentration) - digamma(concentration.sum())
    broken, rest = digamma(concentration) - digamma(concentration.sum(axis=0))
    return broken + np.append(0.0, np.cumsum(rest)[:-1])


def _mean_weights(concentration):
    """E[w]; of sticks made to sum to 1."""
    if concentration.ndim == 1:
        return concentration / concentration.sum()
    broken, rest = concentration / concentration.sum(axis=0)
    weights = broken * np.append(1.0, np.cumprod(rest)[:-1])
    return weights / weights.sum()


def entropy(structure, stats, params):
    """Entropy of the responsibilities, and of missing cells but for a constant.

    `stats` are moments about ``params.means``, `params` those of the E-step.
    """
    D = params.means.shape[1]
    log_det = structure.kernel_args(params, np.float64)[3]
    at_mean = params.log_weights + log_det - D / 2 * np.log(2 * np.pi)
    precisions = structure.precisions(params.precisions_cholesky)
    expected = stats.s0 @ at_mean - 0.5 * np.sum(precisions.T * stats.s2.T)
    return stats.log_likelihood - expected


def log_evidence(structure, params):
    """What of the lower bound depends on the posterior's parameters alone.

    Without the terms that only the prior determines, as scikit-learn has it.
    """
    K, D = params.means.shape
    dof, concentration = params.dof, params.concentration
    log_det = structure.kernel_args(params, np.float64)[3] - D / 2 * np.log(dof)
    log_norm = dof * (log_det + D / 2 * np.log(2.0))
    log_norm = log_norm + gammaln(_half_dofs(dof, D)).sum(axis=0)
    if concentration.ndim == 1:
        log_weights = gammaln(concentration).sum() - gammaln(concentration.sum())
    else:
        log_weights = betaln(*concentration).sum()
    scale_matrices = log_norm.sum() * (K if is_shared(structure) else 1)
    return scale_matrices + log_weights - D / 2 * np.log(params.mean_precision).sum()


def predictive(structure, params):
    """Mixture of t distributions, with means and precisions integrated out.

    Where covariances are shared, scale matrices are (K, D, D): the more certain a mean,
    the smaller.
    """
    K, D = params.means.shape
    dof = np.broadcast_to(params.dof, (K,))
    beta = params.mean_precision
    factor = (1 + beta) / beta * dof / (dof - D + 1)
    covariances, factors = params.covariances, params.precisions_cholesky
    if is_shared(structure):
        covariances = np.broadcast_to(covariances, (K, D, D))
        factors = np.broadcast_to(factors, (K, D, D))
    return StudentParams(
        params.weights,
        params.means,
        (covariances.T * factor).T,
        (factors.T / np.sqrt(factor)).T,
        np.zeros(D, dtype=bool),
        dof - D + 1,
    )
