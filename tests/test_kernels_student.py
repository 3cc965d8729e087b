"""Kernels of Student t mixtures against scipy, row by row, component by component."""

import numpy as np
import pytest
from scipy.special import digamma, gammaln, logsumexp
from scipy.stats import multivariate_t

from sklearn_gen._kernels import student, student_missing
from sklearn_gen._kernels.student import log_of_sum

# Relative to 1 + the largest entry; the worst seen are a tenth of this.
TOLERANCE = {np.float64: 1e-11, np.float32: 2e-4}
SHAPES = [(1, 1, 1), (70, 4, 3), (600, 9, 2), (40, 18, 3)]
NO_WEIGHT = np.empty(0)


def problem(shape, missing=0.0, correlated=True):
    n, d, K = shape
    rng = np.random.default_rng(0)
    means = rng.normal(size=(K, d))
    X = means[rng.integers(K, size=n)] + rng.standard_t(2.5, size=(n, d))
    X[rng.random((n, d)) < missing] = np.nan
    roots = rng.normal(size=(K, d, 2 * d + 1))
    scales = roots @ roots.swapaxes(1, 2) / (2 * d + 1)
    if not correlated:
        scales = scales * np.eye(d)
    return {
        "X": X[np.lexsort(np.isnan(X).T)],
        "weight": rng.uniform(0.1, 2, size=n),
        "log_weights": np.log(rng.dirichlet(np.ones(K))),
        "dof": rng.choice([0.7, 3.0, 40.0, 1e5], size=K),
        "means": means,
        "scales": scales,
        "centers": means + rng.normal(size=(K, d)),
    }


def oracle(p):
    """log p, responsibilities and the six sums, as the textbook has them."""
    X, dof, means = p["X"], p["dof"], p["means"]
    (n, d), K = X.shape, len(dof)
    log_joint = np.tile(p["log_weights"], (n, 1))
    u, log_u = np.zeros((n, K)), np.zeros((n, K))
    filled, left = np.zeros((n, K, d)), np.zeros((n, K, d, d))
    for i, x in enumerate(X):
        o, m = np.flatnonzero(~np.isnan(x)), np.flatnonzero(np.isnan(x))
        for k, S in enumerate(p["scales"]):
            z = x[o] - means[k, o]
            if len(o):
                part = multivariate_t(means[k, o], S[np.ix_(o, o)], dof[k])
                log_joint[i, k] += part.logpdf(x[o])
            inverse = np.linalg.inv(S[np.ix_(o, o)])
            delta = z @ inverse @ z
            B = S[np.ix_(m, o)] @ inverse
            u[i, k] = (dof[k] + len(o)) / (dof[k] + delta)
            log_u[i, k] = digamma((dof[k] + len(o)) / 2) - np.log((dof[k] + delta) / 2)
            filled[i, k, o], filled[i, k, m] = x[o], means[k, m] + B @ z
            left[i, k][np.ix_(m, m)] = S[np.ix_(m, m)] - B @ S[np.ix_(o, m)]
    log_prob = logsumexp(log_joint, axis=1)
    resp = np.exp(log_joint - log_prob[:, None])
    r, z = resp * p["weight"][:, None], filled - p["centers"]
    s2 = np.einsum("nk,nkd,nke->kde", r * u, z, z) + np.einsum("nk,nkde->kde", r, left)
    sums = (
        p["weight"] @ log_prob,
        r.sum(0),
        (r * u).sum(0),
        (r * log_u).sum(0),
        np.einsum("nk,nkd->kd", r * u, z),
        s2,
    )
    return log_prob, resp, sums


def assert_close(got, want, tolerance):
    for a, b in zip(got, want, strict=True):
        b = np.asarray(b)
        assert np.abs(a - b).max(initial=0) <= tolerance * (
            1 + np.abs(b).max(initial=0)
        )


def log_ratio(dof, p):
    return gammaln((dof + p) / 2) - gammaln(dof / 2) - p / 2 * np.log(dof / 2)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("correlated", [True, False])
@pytest.mark.parametrize("shape", SHAPES)
def test_complete_rows(shape, correlated, dtype):
    p = problem(shape, correlated=correlated)
    p = {k: v.astype(dtype).astype(float) for k, v in p.items()}
    log_prob, resp, sums = oracle(p)
    d = shape[1]
    P = np.linalg.inv(np.linalg.cholesky(p["scales"])).swapaxes(1, 2)
    diagonal = np.diagonal(P, axis1=1, axis2=2)
    constants = p["log_weights"] + log_ratio(p["dof"], d) + np.log(diagonal).sum(1)
    constants -= d / 2 * np.log(2 * np.pi)
    factors = P if correlated else diagonal
    args = [constants, p["dof"], p["means"], factors]
    args = [np.ascontiguousarray(a, dtype) for a in args]
    X, weight, centers = (p[k].astype(dtype) for k in ("X", "weight", "centers"))
    moments = student.full_moments if correlated else student.diag_moments
    posterior = student.full_posterior if correlated else student.diag_posterior
    got = moments(X, weight, *args, centers)
    # E[log u] - log E[u] is the caller's to add
    nu = p["dof"]
    known = digamma((nu + d) / 2) - np.log((nu + d) / 2)
    got = got._replace(sl=got.sl + got.s0 * known)
    s2 = sums[5] if correlated else np.diagonal(sums[5], axis1=1, axis2=2)
    assert_close(got, (*sums[:5], s2), TOLERANCE[dtype])
    result = posterior(X, *args, True)
    assert result.log_prob.dtype == result.resp.dtype == dtype
    assert_close(result, (log_prob, resp), 10 * TOLERANCE[dtype])
    without = posterior(X, *args, False)
    np.testing.assert_array_equal(without.log_prob, result.log_prob)
    assert without.resp.shape == (0, shape[2])
    # no weights are weights of one
    ones = moments(X, np.ones_like(weight), *args, centers)
    assert_close(moments(X, weight[:0], *args, centers), ones, 0.0)


@pytest.mark.parametrize("correlated", [True, False])
@pytest.mark.parametrize("shape", SHAPES[:2] + SHAPES[3:])
def test_rows_with_missing_cells(shape, correlated):
    p = problem(shape, missing=0.4, correlated=correlated)
    log_prob, resp, sums = oracle(p)
    seen = np.arange(shape[1] + 1)[:, None]
    nu = p["dof"]
    constants = p["log_weights"] + log_ratio(nu, seen)
    mean_logs = digamma((nu + seen) / 2) - np.log((nu + seen) / 2)
    if correlated:
        scales = (p["scales"],)
        kernels = student_missing.full_moments, student_missing.full_posterior
        s2 = sums[5]
    else:
        variances = np.diagonal(p["scales"], axis1=1, axis2=2).copy()
        scales = variances**-0.5, variances
        kernels = student_missing.diag_moments, student_missing.diag_posterior
        s2 = np.diagonal(sums[5], axis1=1, axis2=2)
    moments, posterior = kernels
    args = (constants, nu, mean_logs, p["means"], *scales, p["centers"])
    tolerance = TOLERANCE[np.float64]
    assert_close(moments(p["X"], p["weight"], *args), (*sums[:5], s2), tolerance)
    result = posterior(p["X"], constants, nu, p["means"], scales[0], True)
    assert_close(result, (log_prob, resp), tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_log_of_sum_keeps_small_terms_and_infinity(dtype):
    one = dtype(1.0)
    x = np.logspace(-30, 30, 61).astype(dtype)
    got = np.array([log_of_sum(one, value) for value in x])
    want = np.log1p(x.astype(np.longdouble))
    assert np.max(np.abs(got - want) / want) < 4 * np.finfo(dtype).eps
    assert log_of_sum(one, dtype(np.inf)) == np.inf
    assert log_of_sum(one, dtype(0.0)) == 0.0
