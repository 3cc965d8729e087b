import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_gen.outlier._threshold import weighted_quantile

SHARES = st.sampled_from([0.05, 0.1, 0.25, 1 / 3, 0.5])


@settings(max_examples=200, deadline=None)
@given(
    values=st.lists(st.integers(-20, 20), min_size=1, max_size=30),
    q=SHARES,
    seed=st.integers(0, 1000),
)
def test_integer_weights_equal_repeats(values, q, seed):
    values = np.array(values, dtype=float)
    weight = np.random.default_rng(seed).integers(0, 5, len(values))
    weight[0] += 1  # at least one row counts
    assert weighted_quantile(values, q, weight) == weighted_quantile(
        np.repeat(values, weight), q
    )


@settings(max_examples=200, deadline=None)
@given(
    n=st.integers(1, 60),
    q=SHARES,
    scale=st.floats(1e-6, 1e6),
    seed=st.integers(0, 1000),
)
def test_weight_below_is_the_largest_that_does_not_exceed_the_share(n, q, scale, seed):
    rng = np.random.default_rng(seed)
    values, weight = rng.permutation(n).astype(float), scale * rng.integers(1, 4, n)
    quantile = weighted_quantile(values, q, weight)
    below = weight[values < quantile].sum() / weight.sum()
    upto = weight[values <= np.ceil(quantile)].sum() / weight.sum()
    assert below <= q + 1e-12
    assert upto >= q - 1e-12


@settings(max_examples=100, deadline=None)
@given(n=st.integers(1, 300), k=st.integers(1, 150), seed=st.integers(0, 1000))
def test_exactly_k_of_n_are_below(n, k, seed):
    k = max(1, min(k, n // 2))
    values = np.random.default_rng(seed).normal(size=n)
    assert np.sum(values < weighted_quantile(values, k / n)) == (k if n > 1 else 0)


def test_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(0)
    values, weight = rng.normal(size=50), rng.uniform(size=50)
    order = rng.permutation(50)
    assert weighted_quantile(values, 0.1, weight) == pytest.approx(
        weighted_quantile(values[order], 0.1, weight[order]), rel=1e-15
    )


def test_at_a_step_it_is_the_midpoint():
    values = np.arange(100.0)
    assert 0.07 * 100 > 7  # the rounding that must not matter
    assert weighted_quantile(values, 0.07) == 6.5
    assert weighted_quantile(values, 0.071) == 7.0
    assert weighted_quantile(values, 0.07, np.full(100, 0.7)) == 6.5


def test_rows_without_density_are_below_the_others():
    values = np.array([-np.inf, 1.0, 2.0, 3.0])
    # The step is between -inf and 1: the midpoint would not separate them.
    assert weighted_quantile(values, 0.25) == 1.0
    assert weighted_quantile(values, 0.2) == -np.inf
