"""Multivariate Student t components: densities, statistics of EM, draws, conditionals.

A t vector is normal given a hidden scale u, with covariance S / u, and u has the gamma
distribution with shape nu / 2 and mean 1. So all that Gaussian components know of
covariances, regressions and factors holds of scale matrices; what differs is here.

References: Peel & McLachlan (2000), doi:10.1023/A:1008981510081; Liu, Rubin & Wu
(1998), doi:10.1093/biomet/85.4.755, section 4 (scales of u that EM may move).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import digamma, gammaln, polygamma

from sklearn_gen._blocks import missing_patterns
from sklearn_gen._gaussian import _draws, _moments
from sklearn_gen._gaussian._linalg import cast, is_shared, log_weights
from sklearn_gen._kernels import student as kernels
from sklearn_gen._kernels import student_missing as mixed_kernels
from sklearn_gen._kernels.gaussian import Posterior

# Degrees of freedom that are estimated stay within: below, a component is a spike with
# endless tails; above, it is a Gaussian to five digits, and the likelihood is flat.
DOF_RANGE = (0.5, 1000.0)


class StudentParams(NamedTuple):
    """A mixture of t distributions; scale matrices go by the name of covariances."""

    weights: np.ndarray  # (K,)
    means: np.ndarray  # (K, D)
    covariances: np.ndarray  # scale matrices, of the structure's shape
    precisions_cholesky: np.ndarray
    repaired: np.ndarray  # (D,)
    dof: np.ndarray  # (K,)

    @property
    def log_weights(self):
        """Logarithm of the weights."""
        return log_weights(self.weights)


class StudentStats(NamedTuple):
    """Expected moments about centers, summed over weighted rows."""

    log_likelihood: float
    weight: float
    s0: np.ndarray  # (K,) of r
    su: np.ndarray  # (K,) of r E[u]
    sl: np.ndarray  # (K,) of r E[log u]
    s1: np.ndarray  # (K, D) of r E[u] z
    s2: np.ndarray  # of r E[u z z^T], in the structure's shape


def _log_ratio(dof, p):
    """Log of Gamma((nu + p) / 2) / (Gamma(nu / 2) (nu / 2)^(p / 2))."""
    return gammaln((dof + p) / 2) - gammaln(dof / 2) - p / 2 * np.log(dof / 2)


def _mean_log(dof, p):
    """E[log u] - log E[u] given p observed cells."""
    return digamma((dof + p) / 2) - np.log((dof + p) / 2)


def _per_component(matrices):
    """(K, D, D), or (1, D, D) where components share one."""
    return matrices if matrices.ndim == 3 else matrices[None]


def kernel_args(structure, params, dtype):
    """What the kernels take of the parameters: prepared once per iteration."""
    K, D = params.means.shape
    if structure.correlated:
        factors = _per_component(params.precisions_cholesky)
        log_det = structure.log_det(params.precisions_cholesky)
    else:
        factors = structure.variances(params.covariances, K, D) ** -0.5
        log_det = np.log(factors).sum(axis=1)
    peak = _log_ratio(params.dof, D) - D / 2 * np.log(2 * np.pi)
    constants = params.log_weights + log_det + peak
    return cast(dtype, constants, params.dof, params.means, factors)


def _mixed_args(structure, params):
    """As `kernel_args`, for rows that differ in what is observed."""
    K, D = params.means.shape
    p = np.arange(D + 1)[:, None]
    constants = params.log_weights + _log_ratio(params.dof, p)
    head = constants, params.dof
    if structure.correlated:
        return head, _mean_log(params.dof, p), (_per_component(params.covariances),)
    variances = structure.variances(params.covariances, K, D)
    return head, _mean_log(params.dof, p), (variances**-0.5, variances)


def suff_stats(structure, block, params, args, centers):
    """E-step of one block; `args` are `kernel_args(structure, params, dtype)`."""
    if block.mixed:
        head, mean_logs, scales = _mixed_args(structure, params)
        correlated = structure.correlated
        moments = (
            mixed_kernels.full_moments if correlated else (mixed_kernels.diag_moments)
        )
        args = (*head, mean_logs, params.means, *scales, centers)
        sums = moments(*cast(np.float64, block.X, block.sample_weight, *args))
        s2 = sums.s2[0] if is_shared(structure) else sums.s2
        return StudentStats(sums.log_likelihood, block.weight, *sums[1:5], s2)
    if block.observed is None:
        (at,) = cast(block.X.dtype, centers)
        return _complete(structure, block, params, args, at)
    part = _moments.marginal(structure, params, block.observed)
    args = kernel_args(structure, part, block.X.dtype)
    stats = _complete(structure, block, part, args, args[2])
    s1, s2 = structure.lift(
        stats.s1, stats.s2, stats.s0, params, block.observed, part.precisions_cholesky
    )
    return recenter(structure, stats._replace(s1=s1, s2=s2), centers - params.means)


def _complete(structure, block, params, args, centers):
    moments = kernels.full_moments if structure.correlated else kernels.diag_moments
    sums = moments(block.X, block.sample_weight, *args, centers)
    sl = sums.sl + sums.s0 * _mean_log(params.dof, block.X.shape[1])
    s2 = sums.s2.sum(axis=0) if is_shared(structure) else sums.s2
    return StudentStats(
        sums.log_likelihood, block.weight, sums.s0, sums.su, sl, sums.s1, s2
    )


def recenter(structure, stats, delta):
    """Moments about centers + delta."""
    s2 = structure.shift(stats.s2, stats.s1, stats.su, delta)
    return stats._replace(s1=stats.s1 - stats.su[:, None] * delta, s2=s2)


def posterior(structure, block, params, args, with_resp):
    """Log density of a block's observed cells and p(component | them)."""
    correlated = structure.correlated
    if block.mixed:
        head, _, scales = _mixed_args(structure, params)
        function = (
            mixed_kernels.full_posterior
            if correlated
            else (mixed_kernels.diag_posterior)
        )
        args = cast(np.float64, block.X, *head, params.means, scales[0])
        result = function(*args, with_resp)
        with np.errstate(over="ignore"):
            return Posterior(*(part.astype(block.X.dtype) for part in result))
    if block.observed is not None:
        params = _moments.marginal(structure, params, block.observed)
        args = kernel_args(structure, params, block.X.dtype)
    function = kernels.full_posterior if correlated else kernels.diag_posterior
    return function(block.X, *args, with_resp)


def m_step(structure, stats, params, reg, ridge, fixed_dof):
    """Maximise the expected log-likelihood, with a free scale of u as a by-product.

    That scale (`stretch`), 1 at the maximum, is what makes EM take few iterations: u
    is divided by it, scale matrices with it (Liu, Rubin & Wu 1998).
    """
    empty = 10 * np.finfo(float).eps
    s0, su = stats.s0 + empty, stats.su + empty
    delta = stats.s1 / su[:, None]
    stretch = su / s0
    covariances = structure.covariance(stats.s2, delta, su)
    if is_shared(structure):  # one for all
        stretch = np.full_like(su, params.dof @ su / (params.dof @ s0))
        covariances = covariances * (su.sum() / (s0.sum() * stretch[0]))
    covariances = structure.add_to_diagonal(covariances, reg)
    if fixed_dof is None:
        # (1/n) d Q / d (nu / 2) = log(nu/2) - digamma(nu/2) - gap, gap >= 0
        gap = su / (s0 * stretch) - 1 - (stats.sl / s0 - np.log(stretch))
        dof = np.where(stats.s0 > 1e3 * empty, _solve_dof(gap), params.dof)
    else:
        dof = np.full(len(s0), float(fixed_dof))
    return StudentParams(
        s0 / s0.sum(),
        params.means + delta,
        *structure.cholesky(covariances, ridge),
        dof,
    )


def _solve_dof(gap):
    """Degrees of freedom nu with log(nu / 2) - digamma(nu / 2) = gap, within range."""
    low, high = (bound / 2 for bound in DOF_RANGE)
    # beyond the range of gaps the answer is an end; inside, Newton's method for 1 / a
    ends = [np.log(a) - digamma(a) for a in (high, low)]
    gap = np.clip(gap, *ends)
    a = (3 - gap + np.sqrt((gap - 3) ** 2 + 24 * gap)) / (12 * gap)
    for _ in range(5):  # from an error of 1.5 %; each step squares it (Minka 2002)
        slope = a * a * (1 / a - polygamma(1, a))
        a = 1 / (1 / a + (np.log(a) - digamma(a) - gap) / slope)
    return 2 * np.clip(a, low, high)


def draw(structure, params, n_rows, rng):
    """Draw rows: a component each, then its t distribution."""

    def stretch(labels, rng):
        return _root_scales(params.dof[labels], 0.0, rng)

    return _draws.draw(structure, params, n_rows, rng, stretch)


def draw_missing(structure, params, X, resp, rng):
    """Draw the NaN cells of X given the others; `resp` is p(component | observed)."""

    def stretch(labels, rng):
        delta = np.empty(len(X))
        for observed, rows in missing_patterns(X):
            seen = np.ones(X.shape[1], bool) if observed is None else observed
            part = _moments.marginal(structure, params, seen)
            cells = X[np.ix_(rows, seen)]
            for k in np.unique(labels[rows]):
                at = labels[rows] == k
                delta[rows[at]] = _squared_distances(structure, part, k, cells[at])
        n_seen = X.shape[1] - np.isnan(X).sum(axis=1)
        dof = params.dof[labels]
        return _root_scales(dof + n_seen, delta - n_seen, rng)

    return _draws.draw_missing(structure, params, X, resp, rng, stretch)


def _root_scales(dof, excess, rng):
    """Draws of 1 / sqrt(u), where u (dof + excess) is chi-square of dof degrees."""
    return np.sqrt((dof + excess) / (2.0 * rng.standard_gamma(dof / 2)))


def _squared_distances(structure, params, k, rows):
    """Squared distances of rows to the mean of component k, in its metric."""
    factor = structure.factor(params.precisions_cholesky, k)
    z = rows - params.means[k]
    y = z @ factor if np.ndim(factor) == 2 else z * factor
    return (y**2).sum(axis=1)


def conditional(structure, params, row, weights):
    """Mixture of a row's NaN cells given the others; `weights` given them too.

    Scale matrices get a factor (nu + delta) / (nu + p) for each component: where the
    structure shares one, as (K, M, M).
    """
    observed = ~np.isnan(row)
    missing = np.flatnonzero(~observed)
    part = _moments.marginal(structure, params, observed)
    B, left = structure.regression(params, observed, part.precisions_cholesky)
    deviations = row[observed] - part.means
    means = params.means[:, missing] + (B @ deviations[:, :, None])[:, :, 0]
    delta = np.array(
        [
            _squared_distances(structure, part, k, row[None, observed])[0]
            for k in range(len(weights))
        ]
    )
    dof = params.dof + observed.sum()
    factor = (params.dof + delta) / dof
    if structure.correlated:
        return weights, means, left * factor[:, None, None], dof
    scales = structure.select(params.covariances, missing)
    return weights, means, (scales.T * factor).T, dof
