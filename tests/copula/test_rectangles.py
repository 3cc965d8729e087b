"""Rectangles under normal distributions, and correlations learned from them."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from scipy.special import log_ndtr, ndtr

from sklearn_gen.copula._correlation import _made_definite, polychoric
from sklearn_gen.copula._rectangles import _estimate, rectangle_probability, walk


def correlation(d, seed):
    """A random correlation matrix."""
    A = np.random.default_rng(seed).normal(size=(d, d + 2))
    S = A @ A.T
    return S / np.sqrt(np.outer(np.diag(S), np.diag(S)))


@pytest.mark.parametrize("d", [1, 2, 3, 4])
def test_probabilities_are_scipys(d):
    R = correlation(d, seed=d)
    rng = np.random.default_rng(0)
    lower = rng.normal(size=(6, d)) - 1
    upper = lower + rng.exponential(size=(6, d))
    lower[0], upper[1] = -np.inf, np.inf
    got = rectangle_probability(lower, upper, np.linalg.cholesky(R), 1024)
    peer = stats.multivariate_normal(cov=R, abseps=1e-9, releps=1e-9, maxpts=10**6)
    expected = [
        peer.cdf(b, lower_limit=a, rng=0) for a, b in zip(lower, upper, strict=True)
    ]
    gap = np.abs(got.log_prob - np.log(expected))
    assert np.all(gap < 6 * got.error + 1e-6)
    assert np.all(got.error < 0.01)
    if d == 1:
        assert not got.error.any()


def test_more_points_are_more_exact():
    R = correlation(5, seed=1)
    lower = np.random.default_rng(0).normal(size=(50, 5)) - 1
    factor = np.linalg.cholesky(R)
    few, many = (_estimate(lower, lower + 1, factor, n).error for n in (64, 1024))
    assert many.mean() < few.mean() / 4  # as 1 / sqrt(n), at the least
    # where the error is large, more points are taken at once
    again = rectangle_probability(lower, lower + 1, factor, 64).error
    large = few > 0.03
    assert large.any()
    assert again[large].mean() < few[large].mean() / 2
    assert_allclose(again[~large], few[~large])


def test_errors_are_those_of_the_estimate():
    R = correlation(3, seed=1)
    lower = np.random.default_rng(0).normal(size=(200, 3)) - 1
    factor = np.linalg.cholesky(R)
    truth = rectangle_probability(lower, lower + 1, factor, 2**14).log_prob
    got = rectangle_probability(lower, lower + 1, factor, 128)
    ratio = np.sqrt(np.mean(((got.log_prob - truth) / got.error) ** 2))
    assert 0.6 < ratio < 1.7


def test_indefinite_matrices_of_pairs_are_raised():
    R = np.full((3, 3), -0.9) + 1.9 * np.eye(3)
    raised = _made_definite(R)
    assert_allclose(np.diag(raised), 1.0)
    assert np.linalg.eigvalsh(raised)[0] > 0
    assert_allclose(raised[0, 1:], raised[1, [0, 2]])
    definite = correlation(3, seed=0)
    assert _made_definite(definite) is definite


@pytest.mark.parametrize("far", [10.0, 45.0, 1e4])
@pytest.mark.parametrize("side", [-1, 1])
def test_far_rectangles_are_finite(far, side):
    ends = side * np.array([[far, far], [far + 2, far + 2]])
    lower, upper = ends.min(axis=0)[None], ends.max(axis=0)[None]
    got = rectangle_probability(lower, upper, np.eye(2), 64)
    # independent: twice the mass of one side, of which the nearer end has nearly all
    assert_allclose(got.log_prob, 2 * log_ndtr(-far), rtol=1e-6)
    correlated = np.linalg.cholesky([[1.0, 0.9], [0.9, 1.0]])
    assert np.isfinite(rectangle_probability(lower, upper, correlated, 64).log_prob)


def test_narrow_cells_are_densities():
    R = correlation(3, seed=2)
    x = np.random.default_rng(0).normal(size=(5, 3))
    width = 1e-6
    got = rectangle_probability(x, x + width, np.linalg.cholesky(R), 64)
    expected = stats.multivariate_normal(cov=R).logpdf(x + width / 2)
    assert_allclose(got.log_prob, expected + 3 * np.log(width), atol=1e-8)


# Kolmogorov-Smirnov at 1e-4, twice
def test_walks_stay_inside_and_follow_truncated_normals():
    lower, upper = np.array([[0.5, -np.inf]]), np.array([[2.0, 0.0]])
    points = np.random.default_rng(0).random((1, 4000, 2))
    _, noise = walk(lower, upper, np.eye(2), points, keep=True)
    assert np.all((noise[0] > 0.5) & (noise[0] <= 2) & (noise[1] <= 0))
    for e, (a, b) in zip(noise[:, 0], [(0.5, 2.0), (-np.inf, 0.0)], strict=True):
        assert stats.kstest(e, stats.truncnorm(a, b).cdf).pvalue > 1e-4


@pytest.mark.parametrize("r", [-0.9, -0.3, 0.0, 0.5, 0.95])
def test_polychoric_finds_the_correlation_of_exact_tables(r):
    rows, columns = np.array([-1.0, 0.2]), np.array([0.5])
    peer = stats.multivariate_normal(cov=[[1, r], [r, 1]], abseps=1e-10)
    a, b = np.append(rows, 9.0), np.append(columns, 9.0)
    upto = np.array([[peer.cdf([s, t], rng=0) for t in b] for s in a])
    table = np.diff(np.diff(upto, axis=0, prepend=0), axis=1, prepend=0)
    assert_allclose(polychoric(table, rows, columns), r, atol=2e-3)
    assert_allclose(polychoric(table.T, columns, rows), r, atol=2e-3)


def test_polychoric_of_nothing_is_zero():
    assert polychoric(np.zeros((3, 3)), np.array([0.0, 1.0]), np.array([0.0, 1.0])) == 0
    assert polychoric(np.ones((1, 3)), np.empty(0), np.array([0.0, 1.0])) == 0
    assert ndtr(0.0) == 0.5
