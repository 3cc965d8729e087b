"""Cells and pairs given the rest of their row, against marginals."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal, norm

from sklearn_gen.mixture import GaussianMixture

STRUCTURES = ["full", "tied", "diag", "spherical"]
# Of log p(x) - log p(x_-S), which subtracts numbers of up to a few thousand nats.
MARGINALS = {"rtol": 1e-10, "atol": 1e-10}
SINGLE_PRECISION = {"rtol": 1e-4, "atol": 1e-4}


def rows_of(n_rows, d, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, d)) @ rng.normal(size=(d, d))
    return X + 4 * rng.integers(2, size=(n_rows, 1)) * rng.normal(size=d)


def fitted(structure, d=4, n_components=3, **parameters):
    model = GaussianMixture(
        n_components, covariance_type=structure, random_state=0, **parameters
    )
    return model.fit(rows_of(300, d))


def with_gaps(X, share=0.3, seed=1):
    gaps = X.copy()
    gaps[np.random.default_rng(seed).uniform(size=X.shape) < share] = np.nan
    return gaps


def by_marginals(model, X):
    """log p(x) - log p(x_-S) for all pairs S, singles on the diagonal."""
    whole, d = model.score_samples(X), X.shape[1]
    scores = np.empty((len(X), d, d))
    for i in range(d):
        for j in range(d):
            rest = X.copy()
            rest[:, [i, j]] = np.nan
            with np.errstate(invalid="ignore"):
                scores[:, i, j] = whole - model.score_samples(rest)
    return np.nan_to_num(scores, nan=0.0, neginf=-np.inf)


def singles(pairs):
    return np.diagonal(pairs, axis1=1, axis2=2)


def covariance(model, k):
    d = model.means_.shape[1]
    return {
        "full": lambda: model.covariances_[k],
        "tied": lambda: model.covariances_,
        "diag": lambda: np.diag(model.covariances_[k]),
        "spherical": lambda: model.covariances_[k] * np.eye(d),
    }[model.covariance_type]()


@pytest.mark.parametrize("structure", STRUCTURES)
def test_against_densities_of_scipy(structure):
    model, X = fitted(structure), 2 * rows_of(20, 4, seed=3)

    def log_density(columns):
        joint = [
            np.log(model.weights_[k])
            + multivariate_normal.logpdf(
                X[:, columns],
                model.means_[k, columns],
                covariance(model, k)[np.ix_(columns, columns)],
            )
            for k in range(3)
        ]
        return logsumexp(joint, axis=0)

    pairs = model.score_cells(X, pairs=True)
    for i in range(4):
        for j in range(4):
            rest = [k for k in range(4) if k not in (i, j)]
            expected = log_density(list(range(4))) - log_density(rest)
            assert_allclose(pairs[:, i, j], expected, **MARGINALS)
    assert_allclose(model.score_cells(X), singles(pairs), rtol=1e-12)


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_missing_cells_and_distant_rows(structure, d):
    model = fitted(structure, d)
    X = with_gaps(10 * rows_of(40, d, seed=3))
    X[0] = np.nan
    expected = by_marginals(model, X)
    pairs = model.score_cells(X, pairs=True)
    assert_allclose(pairs, expected, **MARGINALS)
    assert_allclose(model.score_cells(X), singles(expected), **MARGINALS)
    assert_array_equal(pairs[0], 0.0)
    assert_array_equal(model.score_cells(X)[np.isnan(X)], 0.0)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_single_precision(structure):
    X = with_gaps(rows_of(30, 4, seed=3)).astype(np.float32)
    training = rows_of(300, 4).astype(np.float32)
    model = GaussianMixture(3, covariance_type=structure, random_state=0).fit(training)
    pairs = model.score_cells(X, pairs=True)
    assert pairs.dtype == model.score_cells(X).dtype == np.float32
    assert_allclose(pairs, by_marginals(model, X), **SINGLE_PRECISION)
    far = np.full((1, 4), 1e25, np.float32)  # its squares have no single precision
    assert_array_equal(model.score_cells(far), -np.inf)


@settings(max_examples=20, deadline=None)
@given(
    structure=st.sampled_from(STRUCTURES),
    seed=st.integers(0, 10**6),
    size=st.floats(0.1, 1e3),
)
def test_chain_rule(structure, seed, size):
    model, X = fitted(structure), size * rows_of(5, 4, seed)
    pairs = model.score_cells(X, pairs=True)
    for i, j in [(0, 1), (3, 2)]:
        without = X.copy()
        without[:, i] = np.nan
        expected = pairs[:, i, i] + model.score_cells(without)[:, j]
        assert_allclose(pairs[:, i, j], expected, rtol=1e-9, atol=1e-8)


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(4)), structure=st.sampled_from(STRUCTURES))
def test_order_of_columns(order, structure):
    model, X = fitted(structure), rows_of(6, 4, seed=3)
    permuted = model.marginal(order).score_cells(X[:, order], pairs=True)
    expected = model.score_cells(X, pairs=True)[:, order][:, :, order]
    assert_allclose(permuted, expected, **MARGINALS)


def test_independent_columns_add_up():
    model = fitted("diag", n_components=1)
    X = 5 * rows_of(10, 4, seed=3)
    pairs = model.score_cells(X, pairs=True)
    cells = model.score_cells(X)
    assert_allclose(cells.sum(axis=1), model.score_samples(X), rtol=1e-12)
    off = ~np.eye(4, dtype=bool)
    assert_allclose(pairs[:, off], (cells[:, :, None] + cells[:, None])[:, off])


def test_a_distant_column_costs_the_others_no_digits():
    model = fitted("diag", n_components=1)
    X = np.array([[1e9, 0.1, 0.2, 0.3]])
    deviations = np.sqrt(model.covariances_[0])
    expected = norm.logpdf(X[0], model.means_[0], deviations)
    assert_allclose(model.score_cells(X)[0], expected, rtol=1e-13)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_rows_whose_squares_overflow(structure):
    model = fitted(structure)
    X = rows_of(4, 4, seed=3)
    X[0, 2] = 1e200
    X[1, :2] = -1e200
    X[2] = 1e200
    expected = by_marginals(model, X)
    assert_array_equal(expected[0, 2], -np.inf)
    for pairs in (False, True):
        scores = model.score_cells(X, pairs=pairs)
        assert_allclose(scores, expected if pairs else singles(expected), **MARGINALS)


def test_a_component_of_weight_zero():
    model, X = fitted("full"), rows_of(5, 4, seed=3)
    without = model.score_cells(X, pairs=True)
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"):
        value = getattr(model, name)
        extra = np.zeros(1) if name == "weights_" else value[:1]
        setattr(model, name, np.concatenate([value, extra]))
    assert_allclose(model.score_cells(X, pairs=True), without, rtol=1e-12)


def test_a_column_that_is_the_sum_of_others():
    X = rows_of(300, 3)
    X = np.column_stack([X, X.sum(axis=1)])
    model = GaussianMixture(2, random_state=0).fit(X)
    # precisions are up to 1e6 times their inverse conditional variances
    loose = {"rtol": 1e-6, "atol": 1e-6}
    expected = by_marginals(model, X[:20])
    assert_allclose(model.score_cells(X[:20], pairs=True), expected, **loose)
    flat = GaussianMixture(reg_covar=0)
    with pytest.warns(UserWarning, match="regularisation"):
        flat.fit(X)
    assert np.isfinite(flat.score_cells(X, pairs=True)).all()


@pytest.mark.parametrize("pairs", [False, True])
def test_same_bytes_for_any_number_of_threads(pairs):
    model = fitted("full")
    X = with_gaps(rows_of(3000, 4, seed=3))
    expected = model.score_cells(X, pairs=pairs).tobytes()
    for n_jobs in (2, 4):
        model.set_params(n_jobs=n_jobs)
        assert model.score_cells(X, pairs=pairs).tobytes() == expected


def test_rows_do_not_depend_on_one_another():
    model, X = fitted("full"), rows_of(20_000, 4, seed=3)
    scores = model.score_cells(X, pairs=True)
    for start in (0, 9_999, 19_990):
        part = model.score_cells(X[start : start + 7], pairs=True)
        assert_allclose(part, scores[start : start + 7], rtol=1e-10, atol=1e-12)


def test_memory_stays_bounded():
    model, X = fitted("full", n_components=8), rows_of(200_000, 4, seed=3)
    tracemalloc.start()
    scores = model.score_cells(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak - scores.nbytes < 20e6  # all components at once would take 51 MB


def test_columns_are_checked():
    with pytest.raises(ValueError, match="X has 3 features"):
        fitted("full").score_cells(np.zeros((2, 3)))
