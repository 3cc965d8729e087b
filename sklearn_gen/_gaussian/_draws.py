"""Draws and conditionals of Gaussian mixtures."""

import numpy as np

from sklearn_gen._blocks import missing_patterns
from sklearn_gen._components import draw_components
from sklearn_gen._gaussian._linalg import definite, inverse_cholesky, unwhiten
from sklearn_gen._gaussian._moments import GaussianParams


def draw(structure, params, n_rows, rng, stretch=None):
    """Draw rows: a component each, then its Gaussian.

    ``stretch(labels, rng)``, if given, multiplies the deviations of each row.
    """
    # by inverse CDF; not draw_components, which has a cell per row and component
    cumulated = np.cumsum(params.weights, dtype=np.float64)
    at = rng.random(n_rows) * cumulated[-1]
    labels = np.searchsorted(cumulated, at, side="right")
    labels = np.minimum(labels, len(cumulated) - 1)
    noise = rng.standard_normal((n_rows, params.means.shape[1]))
    if stretch is not None:
        noise *= stretch(labels, rng)[:, None]
    rows = np.empty_like(noise)
    for k in np.unique(labels):
        at = labels == k
        factor = structure.factor(params.precisions_cholesky, k)
        rows[at] = params.means[k] + unwhiten(noise[at], factor)
    return rows


def draw_missing(structure, params, X, resp, rng, stretch=None):
    """Draw the NaN cells of X given the others; `resp` is p(component | observed).

    `stretch` as in `draw`.
    """
    labels = draw_components(resp, rng)
    noise = rng.standard_normal(X.shape)
    if stretch is not None:
        noise *= stretch(labels, rng)[:, None]
    drawn = X.astype(np.float64)
    for observed, rows in missing_patterns(X):
        if observed is None:
            continue
        missing = np.flatnonzero(~observed)
        B, left = structure.regression(params, observed)
        for k in np.unique(labels[rows]):
            at = rows[labels[rows] == k]
            deviations = X[np.ix_(at, observed)] - params.means[k, observed]
            factor, _ = inverse_cholesky(left[k].copy(), 1e-10 * np.diagonal(left[k]))
            center = params.means[k, missing] + deviations @ B[k].T
            drawn[np.ix_(at, missing)] = center + unwhiten(
                noise[np.ix_(at, missing)], factor
            )
    return drawn


def conditional(structure, params, row, weights):
    """Mixture of a row's NaN cells given the others; `weights` given them too."""
    observed = ~np.isnan(row)
    missing = np.flatnonzero(~observed)
    B, left = structure.regression(params, observed)
    deviations = row[observed] - params.means[:, observed]
    means = params.means[:, missing] + (B @ deviations[:, :, None])[:, :, 0]
    covariances = structure.conditional_covariances(params.covariances, left, missing)
    return GaussianParams(
        weights, means, *definite(structure, covariances, *means.shape)
    )


def fill_means(structure, params, X):
    """Replace the NaN cells of X by their expectations given the others."""
    order = np.lexsort(np.isnan(X).T[::-1])  # neighbours share their pattern
    filled = np.empty(X.shape)
    filled[order] = structure.fill_means(X[order], params)
    return filled


def fill_means_given(structure, params, X, resp):
    """As `fill_means`, of components of any tails; `resp` is p(component | observed).

    That their means are linear in what is observed is all that is used.
    """
    filled = X.astype(np.float64)
    for observed, rows in missing_patterns(X):
        if observed is None:
            continue
        B, _ = structure.regression(params, observed)
        seen, share = X[np.ix_(rows, observed)], resp[rows]
        center = share @ params.means[:, ~observed]
        for k, mean in enumerate(params.means[:, observed]):
            center += share[:, k, None] * ((seen - mean) @ B[k].T)
        filled[np.ix_(rows, ~observed)] = center
    return filled


def column_moments(structure, params, X, column):
    """Mean and variance of a column per row and component, (n, K), given the others.

    The column is NaN in all rows of X.
    """
    shape = len(X), len(params.weights)
    means, variances = np.empty(shape), np.empty(shape)
    for observed, rows in missing_patterns(X):
        B, left = structure.regression(params, observed)
        at = np.count_nonzero(~observed[:column])
        seen = X[np.ix_(rows, observed)]
        for k, center in enumerate(params.means):
            step = (seen - center[observed]) @ B[k, at]
            means[rows, k] = center[column] + step
        variances[rows] = left[:, at, at]
    return means, variances
