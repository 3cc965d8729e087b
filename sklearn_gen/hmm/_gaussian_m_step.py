"""M-step of Gaussian states: of highest likelihood, or of highest posterior density."""

from typing import NamedTuple

import numpy as np

from sklearn_gen import _gaussian as gaussian

# Instead of zero, where a state has no rows.
_EMPTY = 10 * np.finfo(float).eps
# A state with less than this share of the rows keeps its covariance.
_UNSEEN = 1e-12


class GaussianPrior(NamedTuple):
    """Normal-Wishart prior of each state's mean m and precision r.

    Its density is, but for a constant, |r|^(rows / 2) exp(-tr(scatter r) / 2
    - weight (m - mean)^T r (m - mean) / 2) (Gauvain & Lee 1994,
    doi:10.1109/89.279278, whose alpha - D is `rows`).
    """

    mean: np.ndarray  # (K, D)
    weight: np.ndarray  # (K,)
    scatter: np.ndarray  # in the shape of the structure's second moments
    rows: float

    def added_to(self, structure, stats, centers):
        """Statistics and those of the rows that the prior is worth."""
        delta = self.mean - centers
        s2 = structure.scatter(self.mean, np.diag(self.weight), centers)
        return stats._replace(
            s0=stats.s0 + self.weight,
            s1=stats.s1 + self.weight[:, None] * delta,
            s2=stats.s2 + s2 + self.scatter,
        )


def gaussian_prior(
    structure, n_components, n_features, mean, mean_weight, scatter, weight
):
    """Check the parameters of a prior, as hmmlearn has them.

    Parameters
    ----------
    structure : Full, Diag or a class derived from them
        Of the covariances.
    n_components, n_features : int
        K and D.
    mean, mean_weight, scatter, weight : float or array-like
        `means_prior`, `means_weight`, `covars_prior` and `covars_weight` of
        :class:`~sklearn_gen.hmm.GaussianHMM`.

    Returns
    -------
    prior : GaussianPrior or None
        None where it says nothing.

    Raises
    ------
    ValueError
        If a shape doesn't fit, or a value is negative or not finite.
    """
    K, D = n_components, n_features
    nothing = structure.scatter(np.zeros((1, D)), np.zeros((1, K)), np.zeros((K, D)))
    if structure.correlated and np.ndim(scatter) == 0:
        scatter = float(scatter) * np.eye(D)
    prior = GaussianPrior(
        _filled(mean, (K, D), "means_prior"),
        _filled(mean_weight, (K,), "means_weight"),
        _filled(scatter, nothing.shape, "covars_prior"),
        max(float(weight) - (D if structure.correlated else 1), 0.0),
    )
    squares = prior.scatter
    if structure.correlated:
        squares = np.diagonal(squares, axis1=-2, axis2=-1)
    if min(squares.min(), prior.weight.min()) < 0.0:
        name = "covars_prior" if squares.min() < 0.0 else "means_weight"
        least = squares.min() if squares.min() < 0.0 else prior.weight.min()
        raise ValueError(f"{name} must not be negative, got {least:g}.")
    flat = not (prior.weight.any() or prior.scatter.any() or prior.rows)
    return None if flat else prior


def _filled(values, shape, name):
    try:
        filled = np.broadcast_to(np.asarray(values, dtype=np.float64), shape)
    except ValueError as error:
        raise ValueError(
            f"{name} must be a number or of shape {shape}, got shape "
            f"{np.shape(values)}."
        ) from error
    if not np.isfinite(filled).all():
        raise ValueError(f"{name} must be finite numbers, got {values!r}.")
    return filled


def m_step(structure, stats, params, reg, ridge, prior=None, n_mix=1, pooled=False):
    """Weights, means and covariances given expected moments about the old means.

    States that have no rows keep their covariances.

    Parameters
    ----------
    structure : Full, Diag or a class derived from them
        Of the covariances.
    stats : GaussianStats
        Expected moments about the old means.
    params : GaussianParams
        Those of the E-step.
    reg, ridge : ndarray of shape (D,)
        Variance added always, and where a covariance is singular nevertheless.
    prior : GaussianPrior or None
        None: highest likelihood.
    n_mix : int
        So many components in a row are one state, in which weights sum to 1.
    pooled : bool
        Whether those components have one covariance.

    Returns
    -------
    params : GaussianParams
    """
    rows = stats.s0 + _EMPTY
    of_states = np.repeat(rows.reshape(-1, n_mix).sum(axis=1), n_mix)
    weights = rows / of_states
    if prior is not None:
        stats, rows = prior.added_to(structure, stats, params.means), rows + prior.rows
    nk = stats.s0 + _EMPTY
    delta = stats.s1 / nk[:, None]
    covariances = structure.covariance(stats.s2, delta, nk)
    one_for_all = structure.correlated and covariances.ndim == 2
    if prior is not None:
        counted = nk.sum() / (rows.sum() - prior.rows * (len(rows) - 1))
        counted = counted if one_for_all else nk / rows
        covariances = (covariances.T * counted).T
    if pooled:
        parts = (covariances.T * weights).T.reshape(-1, n_mix, *covariances.shape[1:])
        covariances = np.repeat(parts.sum(axis=1), n_mix, axis=0)
    covariances = structure.add_to_diagonal(covariances, reg)
    if not one_for_all:
        unseen = (of_states if pooled else rows) <= _UNSEEN * rows.sum() + 2 * _EMPTY
        covariances[unseen] = params.covariances[unseen]
    return gaussian.GaussianParams(
        weights,
        params.means + delta,
        *structure.estimate(covariances, nk, ridge, params.covariances),
    )
