"""Gaussian components of low rank: covariance L L^T + Psi, with Psi diagonal.

A row is mu + L f + noise, with q standard normal factors f. Given the observed cells of
a row, its factors are normal with covariance C = (I + L^T Psi^-1 L)^-1 and mean
C L^T Psi^-1 z, both over the observed columns, so all costs O(D q) and no D x D matrix
is made (Woodbury).

References: Ghahramani & Hinton (1996), "The EM algorithm for mixtures of factor
analyzers", CRG-TR-96-1; Tipping & Bishop (1999), doi:10.1162/089976699300016728;
Liu, Rubin & Wu (1998), doi:10.1093/biomet/85.4.755 (EM with free factor covariance).
"""

from typing import NamedTuple

import numpy as np
from scipy.special import logsumexp

from sklearn_gen._gaussian._linalg import log_weights
from sklearn_gen._kernels.gaussian import Posterior

_LOG_2_PI = np.log(2 * np.pi)
_EMPTY = 10 * np.finfo(float).eps


class FactorParams(NamedTuple):
    """A mixture of factor analyzers."""

    weights: np.ndarray  # (K,)
    means: np.ndarray  # (K, D)
    loadings: np.ndarray  # (K, D, q)
    noise: np.ndarray  # (K, D) diagonal of Psi
    flat: np.ndarray  # (D,) columns whose noise is at its floor
    basis: np.ndarray  # (K, q + 1, q + 1) (f, 1) here from (f, 1) of the E-step


class FactorStats(NamedTuple):
    """Expected moments of rows z about the old means, and of g = (f, 1)."""

    log_likelihood: float
    weight: float
    gg: np.ndarray  # (K, q + 1, q + 1) of r E[g g^T]
    zg: np.ndarray  # (K, D, q + 1) of r E[z g^T]
    zz: np.ndarray  # (K, D) of r E[z^2]


class _Factors(NamedTuple):
    """Factors of some rows given their observed cells, in one component."""

    log_prob: np.ndarray  # (n,) of the observed cells
    mean: np.ndarray  # (n, q)
    covariance: np.ndarray  # (q, q), or (n, q, q) where patterns differ


def params_of(weights, means, loadings, noise):
    """Parameters that no M-step made."""
    K, D, q = loadings.shape
    basis = np.broadcast_to(np.eye(q + 1), (K, q + 1, q + 1))
    flat = np.zeros(D, dtype=bool)
    return FactorParams(weights, means, loadings, noise, flat, basis)


def marginal(params, columns):
    """Parameters of some columns."""
    return params._replace(
        means=params.means[:, columns],
        loadings=params.loadings[:, columns],
        noise=params.noise[:, columns],
        flat=params.flat[columns],
    )


def factors(params, k, z, observed=None):
    """Posterior of the factors of rows z, deviations from the mean of component k.

    Where not all are, `observed` (n, D) says which cells are; the others of z are 0.
    """
    L, noise = params.loadings[k], params.noise[k]
    q = L.shape[1]
    scaled = L / noise[:, None]
    if observed is None:
        covariance = np.linalg.inv(np.eye(q) + L.T @ scaled)
        mean = z @ (scaled @ covariance)
        log_det = np.log(noise).sum() + z.shape[1] * _LOG_2_PI
    else:
        outer = (L[:, :, None] * scaled[:, None, :]).reshape(-1, q * q)
        precision = np.eye(q) + (observed @ outer).reshape(-1, q, q)
        covariance = np.linalg.inv(precision)
        mean = (covariance @ (z @ scaled)[:, :, None])[:, :, 0]
        log_det = observed @ (np.log(noise) + _LOG_2_PI)
    log_det = log_det - np.linalg.slogdet(covariance)[1]
    # distances as sums of squares: nothing cancels
    left = z - mean @ L.T
    if observed is not None:
        left *= observed
    squares = (left**2) @ (1 / noise) + (mean**2).sum(axis=1)
    return _Factors(-0.5 * (log_det + squares), mean, covariance)


def _look(params, block):
    """Rows of a block in float64, which cells are observed, and the columns they have.

    Complete blocks and those of one pattern have no mask: their parameters are cut to
    the observed columns.
    """
    X = block.X.astype(np.float64, copy=False)
    if block.mixed:
        observed = ~np.isnan(X)
        return params, X, observed
    if block.observed is not None:
        params = marginal(params, block.observed)
    return params, X, None


def _deviations(X, mean, observed):
    return X - mean if observed is None else np.where(observed, X - mean, 0.0)


def posterior(block, params, with_resp):
    """Log density of a block's observed cells and p(component | them)."""
    log_joint, log_prob, _ = _e_step(block, params)
    dtype = block.X.dtype
    resp = np.empty((0, len(params.weights)), dtype)
    if with_resp:
        finite = np.where(np.isfinite(log_prob), log_prob, 0.0)
        resp = np.exp(log_joint - finite[:, None]).astype(dtype)
    with np.errstate(over="ignore"):
        return Posterior(log_prob.astype(dtype), resp)


def _e_step(block, params):
    part, X, observed = _look(params, block)
    found = [
        factors(part, k, _deviations(X, mean, observed), observed)
        for k, mean in enumerate(part.means)
    ]
    log_joint = np.stack([each.log_prob for each in found], axis=1)
    log_joint += log_weights(params.weights)
    return log_joint, logsumexp(log_joint, axis=1), found


def suff_stats(block, params):
    """E-step of one block."""
    log_joint, log_prob, found = _e_step(block, params)
    weight = block.sample_weight if block.sample_weight.size else np.ones(len(log_prob))
    weight = weight.astype(np.float64, copy=False)
    resp = np.exp(log_joint - log_prob[:, None]) * weight[:, None]
    part, X, observed = _look(params, block)
    sums = [
        _moments(params, part, k, X, resp[:, k], each, block.observed, observed)
        for k, each in enumerate(found)
    ]
    gg, zg, zz = (np.stack(parts) for parts in zip(*sums, strict=True))
    return FactorStats(float(weight @ log_prob), block.weight, gg, zg, zz)


def _moments(params, part, k, X, r, found, columns, observed):
    """Sums of r E[g g^T], r E[z g^T] and r E[z^2] of component k."""
    z = _deviations(X, part.means[k], observed)
    g = np.column_stack([found.mean, np.ones(len(z))])
    rg = r[:, None] * g
    q = g.shape[1] - 1
    gg, zg, zz = rg.T @ g, z.T @ rg, r @ z**2
    L = np.column_stack([params.loadings[k], np.zeros(len(params.means[k]))])
    noise = params.noise[k]
    if observed is not None:
        # rows differ in what is missing: a sum of E[g g^T] for each column
        outer = g[:, :, None] * g[:, None, :]
        outer[:, :q, :q] += found.covariance
        gg = np.tensordot(r, outer, axes=1)
        lost = r[:, None] * ~observed
        hidden = (lost.T @ outer.reshape(len(z), -1)).reshape(-1, q + 1, q + 1)
        lifted = (L[:, None, :] @ hidden)[:, 0]
        zg += lifted
        zz += (lifted * L).sum(axis=1) + lost.sum(axis=0) * noise
        return gg, zg, zz
    gg[:q, :q] += r.sum() * found.covariance
    if columns is None:
        return gg, zg, zz
    zg_all, zz_all = L @ gg, r.sum() * noise
    zz_all += (zg_all * L).sum(axis=1)
    zg_all[columns], zz_all[columns] = zg, zz
    return gg, zg_all, zz_all


def m_step(stats, params, reg, floor, isotropic):
    """Maximise the expected log-likelihood; factors get any covariance on the way.

    Loadings absorb that covariance (PX-EM), and are turned to principal axes: the
    columns of Psi^-1/2 L are orthogonal, the longest first.
    """
    q = params.loadings.shape[2]
    nk = stats.gg[:, -1, -1] + _EMPTY
    gg = stats.gg + _EMPTY * np.eye(q + 1)
    slopes = stats.zg @ np.linalg.pinv(gg, hermitian=True)
    noise = (stats.zz - (slopes * stats.zg).sum(axis=2)) / nk[:, None]
    if isotropic:
        noise = np.broadcast_to(noise.mean(axis=1, keepdims=True), noise.shape)
        reg, floor = np.full_like(reg, reg.mean()), np.full_like(floor, floor.mean())
    noise = np.maximum(noise + reg, floor)
    center = gg[:, :q, -1] / nk[:, None]
    spread = gg[:, :q, :q] / nk[:, None, None] - center[:, :, None] * center[:, None, :]
    means = params.means + slopes[:, :, -1]
    means = means + (slopes[:, :, :q] @ center[:, :, None])[:, :, 0]
    loadings, turn = _principal(slopes[:, :, :q], spread, noise)
    basis = np.zeros_like(gg)
    basis[:, :q, :q] = turn
    basis[:, :q, -1] = -(turn @ center[:, :, None])[:, :, 0]
    basis[:, -1, -1] = 1.0
    flat = (noise <= floor).any(axis=0)
    return FactorParams(nk / nk.sum(), means, loadings, noise, flat, basis)


def _principal(slopes, spread, noise):
    """Loadings of standard normal factors on principal axes, and f -> new f."""
    values, axes = np.linalg.eigh(spread)
    values = np.maximum(values, np.finfo(float).tiny)[:, None, :]
    root = axes * np.sqrt(values)
    loadings = slopes @ root
    scaled = loadings / np.sqrt(noise)[:, :, None]
    _, turn = np.linalg.eigh(scaled.swapaxes(1, 2) @ scaled)
    turn = turn[:, :, ::-1]
    loadings = loadings @ turn
    sign = _sign_of_largest(loadings)
    turn = turn * sign
    inverse = turn.swapaxes(1, 2) @ (axes / np.sqrt(values)).swapaxes(1, 2)
    return loadings * sign, inverse


def _sign_of_largest(loadings):
    """Signs (..., 1, q) that make the largest loading of each factor positive."""
    largest = np.abs(loadings).argmax(axis=-2)[..., None, :]
    return np.where(np.take_along_axis(loadings, largest, axis=-2) < 0, -1.0, 1.0)


def recenter(stats, delta, basis):
    """Moments about centers + delta, of factors in another basis."""
    gg = basis @ stats.gg @ basis.swapaxes(1, 2)
    zg = stats.zg @ basis.swapaxes(1, 2)
    sums, nk = stats.zg[:, :, -1], stats.gg[:, -1, -1]
    zz = stats.zz - 2 * delta * sums + nk[:, None] * delta**2
    zg = zg - delta[:, :, None] * gg[:, None, -1, :]
    return stats._replace(gg=gg, zg=zg, zz=zz)


def principal_components(deviations, weight, q, isotropic):
    """Loadings (D, q) and noise (D,) of probabilistic PCA of weighted deviations.

    Unless the noise is to be isotropic, of columns scaled to unit variance.
    """
    D = deviations.shape[1]
    total = weight.sum() + np.finfo(float).tiny  # of a component without rows
    variances = weight @ deviations**2 / total
    unit = np.ones(D) if isotropic else np.sqrt(np.where(variances > 0, variances, 1.0))
    rows = deviations / unit * np.sqrt(weight / total)[:, None]
    if len(rows) < D:
        values, left = np.linalg.eigh(rows @ rows.T)
        values, left = values[::-1][:q], left[:, ::-1][:, :q]
        axes = rows.T @ left / np.sqrt(np.where(values > 0, values, 1.0))
    else:
        values, axes = np.linalg.eigh(rows.T @ rows)
        values, axes = values[::-1][:q], axes[:, ::-1][:, :q]
    left_over = max(D - q, 1)
    noise = max((rows**2).sum() - values.sum(), 0.0) / left_over
    loadings = np.zeros((D, q))
    axes = axes * _sign_of_largest(axes)
    loadings[:, : len(values)] = axes * np.sqrt(np.maximum(values - noise, 0.0))
    residual = (variances / unit**2) - (loadings**2).sum(axis=1)
    share = np.full(D, noise) if isotropic else np.maximum(residual, 1e-2)
    return loadings * unit[:, None], share * unit**2
