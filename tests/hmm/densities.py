"""Log densities of rows under each state, from the definitions and SciPy's."""

import numpy as np
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, multivariate_t


def matrices(covariances, covariance_type, K, D):
    """Covariances of K states as (K, D, D)."""
    return {
        "full": lambda: covariances,
        "tied": lambda: np.repeat(covariances[None], K, axis=0),
        "diag": lambda: np.stack([np.diag(v) for v in covariances]),
        "spherical": lambda: np.stack([v * np.eye(D) for v in covariances]),
    }[covariance_type]()


def of_observed(row, center, matrix, density):
    """Log density of a row's observed cells; 0 where nothing is."""
    seen = ~np.isnan(row)
    if not seen.any():
        return 0.0
    return density(center[seen], matrix[np.ix_(seen, seen)]).logpdf(row[seen])


def of_mixture(model, X):
    """Of GaussianMixtureHMM, (n, K)."""
    K, M, D = model.means_.shape
    covariances = model.covars_
    if model.covariance_type == "tied":
        covariances = np.repeat(covariances[:, None], M, axis=1)
    kind = "full" if model.covariance_type == "tied" else model.covariance_type
    found = np.empty((len(X), K))
    for k in range(K):
        spread = matrices(covariances[k], kind, M, D)
        for t, row in enumerate(X):
            parts = [
                of_observed(row, model.means_[k, m], spread[m], multivariate_normal)
                for m in range(M)
            ]
            found[t, k] = logsumexp(parts, b=model.weights_[k])
    return found


def of_student(model, X):
    """Of StudentTHMM, (n, K)."""
    K, D = model.means_.shape
    spread = matrices(model.scales_, model.covariance_type, K, D)
    found = np.empty((len(X), K))
    for k in range(K):

        def density(center, matrix, dof=model.dof_[k]):
            return multivariate_t(center, matrix, df=dof)

        for t, row in enumerate(X):
            found[t, k] = of_observed(row, model.means_[k], spread[k], density)
    return found


def of_autoregressive(model, X):
    """Of AutoregressiveHMM, for one sequence, (n, K)."""
    K, L, D, _ = model.coefficients_.shape
    spread = matrices(model.covars_, model.covariance_type, K, D)
    found = np.empty((len(X), K))
    for t, row in enumerate(X):
        before = X[max(t - L, 0) : t][::-1]
        for k in range(K):
            center, matrix = model.marginal_mean_, model.marginal_covar_
            if len(before) == L and not np.isnan(before).any():
                lags = model.coefficients_[k]
                center = model.intercepts_[k] + np.einsum("lij,lj->i", lags, before)
                matrix = spread[k]
            found[t, k] = of_observed(row, center, matrix, multivariate_normal)
    return found
