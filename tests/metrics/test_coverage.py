"""Precision, recall, density and coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from sklearn_gen.metrics import precision_recall_density_coverage
from tests.metrics.tables import mixed_table


@pytest.mark.parametrize("k", [1, 3, 5])
def test_identical_sets(k):
    X = np.random.default_rng(k).normal(size=(300, 4))
    result = precision_recall_density_coverage(X, X, n_neighbors=k)
    assert result == (1.0, 1.0, (k + 1) / k, 1.0)
    shuffled = np.random.default_rng(0).permutation(X)
    assert precision_recall_density_coverage(X, shuffled, n_neighbors=k) == result


def test_identical_mixed_sets():
    # Distances tie in tables of categories: a ball may hold more than k others.
    table = mixed_table(300, 0, missing=0.2)
    result = precision_recall_density_coverage(table, table)
    assert result[:2] == (1.0, 1.0)
    assert result.coverage == 1.0
    assert result.density >= 6 / 5


def test_disjoint_sets():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(100, 3))
    assert precision_recall_density_coverage(real, real + 1e6) == (0.0, 0.0, 0.0, 0.0)


def oracle(x, y, k):
    scale = np.diff(np.quantile(x, [0.05, 0.95], axis=0), axis=0)
    x, y = x / scale, y / scale
    radius_x, radius_y = (np.sort(cdist(z, z), axis=1)[:, k] for z in (x, y))
    between = cdist(x, y)
    in_x = between <= radius_x[:, None]
    return (
        in_x.any(axis=0).mean(),
        (between <= radius_y).any(axis=1).mean(),
        in_x.sum() / (k * len(y)),
        in_x.any(axis=1).mean(),
    )


@settings(max_examples=25, deadline=None)
@given(
    st.integers(8, 60), st.integers(8, 60), st.integers(1, 6), st.integers(0, 2**31 - 1)
)
def test_brute_force_and_order_of_rows(n, m, k, seed):
    rng = np.random.default_rng(seed)
    real, synthetic = rng.normal(size=(n, 3)), 0.7 * rng.normal(size=(m, 3)) + 0.3
    result = precision_recall_density_coverage(real, synthetic, n_neighbors=k)
    np.testing.assert_allclose(result, oracle(real, synthetic, k))
    again = precision_recall_density_coverage(
        rng.permutation(real), rng.permutation(synthetic), n_neighbors=k
    )
    assert again == result


def test_two_samples_of_one_distribution():
    # Naeem et al.: density has mean 1 and coverage nearly 1 - 2^-k.
    rng = np.random.default_rng(0)
    results = [
        precision_recall_density_coverage(*rng.normal(size=(2, 400, 3)), n_neighbors=3)
        for _ in range(20)
    ]
    means = np.mean(results, axis=0)
    assert means[2] == pytest.approx(1.0, abs=0.02)
    assert means[3] == pytest.approx(1 - 2**-3, abs=0.01)


def test_same_for_any_number_of_threads():
    real, synthetic = mixed_table(3000, 0), mixed_table(2500, 1)
    assert precision_recall_density_coverage(
        real, synthetic, n_jobs=2
    ) == precision_recall_density_coverage(real, synthetic)


def test_too_few_rows_for_the_neighbours():
    X = np.random.default_rng(0).normal(size=(10, 2))
    with pytest.raises(ValueError, match=r"synthetic has 5 rows; at least 6"):
        precision_recall_density_coverage(X, X[:5])
    with pytest.raises(ValueError, match=r"n_neighbors must be a positive.*got 0"):
        precision_recall_density_coverage(X, X, n_neighbors=0)
