"""Densities that score their cells, pairs of columns, and what both are equal to."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import (
    PowerTransformer,
    QuantileTransformer,
    StandardScaler,
)

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector

# Of log p(x) - log p(x_-j) by two ways of summing, for rows of up to 100 nats.
TWO_WAYS = {"rtol": 1e-9, "atol": 1e-9}
COVARIANCE = np.array([[2.0, 1.2, 0.3], [1.2, 1.5, -0.4], [0.3, -0.4, 1.0]])


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).multivariate_normal([1, 2, 3], COVARIANCE, 400)


class Marginals(BaseEstimator):
    """A density known by its scores alone, so that explain leaves columns out."""

    def __init__(self, density):
        self.density = density

    def fit(self, X, y=None):
        self.density.fit(X)
        self.fitted_ = True
        return self

    def score_samples(self, X):
        return self.density.score_samples(X)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def both_ways(density, training):
    """Detectors that ask the density for its cells, and for marginals."""
    one, other = (
        DensityOutlierDetector(inner).fit(training)
        for inner in (density, Marginals(density))
    )
    assert hasattr(one.estimator_, "score_cells")
    assert not hasattr(other.estimator_, "score_cells")
    return one, other


def with_gaps(table):
    return table.mask(np.random.default_rng(2).uniform(size=table.shape) < 0.2)


TRANSFORMERS = {
    "none": "passthrough",
    "scaler": StandardScaler(),
    "shuffled": ColumnTransformer(
        [("c", StandardScaler(), ["c"]), ("a", PowerTransformer(), ["a"])],
        remainder="passthrough",
    ),
    "box-cox": PowerTransformer("box-cox"),
    "bounded": QuantileTransformer(n_quantiles=20),
}


@pytest.mark.parametrize("pairs", [False, True])
@pytest.mark.parametrize("name", TRANSFORMERS)
def test_cells_and_marginals_agree(rows, name, pairs):
    # two columns where each marginal takes an integral
    n_columns, n_rows = (2, 5) if name == "bounded" else (3, 30)
    names = ["a", "b", "c"][:n_columns]
    table = pd.DataFrame(np.exp(rows[:, :n_columns] / 4), columns=names)
    mixture = GaussianMixture(2, random_state=0)
    if name == "bounded":
        mixture.set_params(covariance_type="diag")
    one, other = both_ways(make_generative_pipeline(TRANSFORMERS[name], mixture), table)
    X = with_gaps(table.iloc[:n_rows])
    if name == "box-cox":  # zero and less have no image
        X.iloc[0, :2] = [-1.0, 1.0]
        X.iloc[1] = [-1.0, 0.0, 1.0]
        X.iloc[2] = -1.0
        X.iloc[3] = [-1.0, np.nan, -1.0]
    for reference in (None, table.iloc[:20]):
        expected = other.explain(X, reference=reference, pairs=pairs)
        contributions = one.explain(X, reference=reference, pairs=pairs)
        assert_allclose(contributions, expected, **TWO_WAYS)
    if name == "box-cox" and not pairs:
        assert_array_equal(one.explain(X).iloc[0], [-np.inf, 0.0, 0.0])
        assert_array_equal(one.explain(X).iloc[1:4], 0.0)


def test_polars_and_searches_use_the_cells(rows):
    table = pl.DataFrame(rows, schema=["a", "b", "c"])
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture())
    search = GridSearchCV(pipeline, {"gaussianmixture__n_components": [1]}, cv=2)
    one, other = both_ways(pipeline, table)
    inside = DensityOutlierDetector(search).fit(table)
    for fast in (one.estimator_, inside.estimator_.best_estimator_):
        fast.score_samples = None  # never asked for
    expected = other.explain(table[:9])
    assert one.explain(table[:9]).columns == ["a", "b", "c"]
    assert_allclose(one.explain(table[:9]), expected, **TWO_WAYS)
    assert_allclose(inside.explain(table[:9]), expected, **TWO_WAYS)


def test_pairs_of_any_density(rows):
    _, other = both_ways(GaussianMixture(2, random_state=0), rows)
    X = with_gaps(pd.DataFrame(rows[:20])).to_numpy()
    pairs = other.explain(X, pairs=True)
    assert isinstance(pairs, np.ndarray)
    whole = other.score_samples(X)
    for i, j in [(0, 1), (2, 0), (1, 1)]:
        rest = X.copy()
        rest[:, [i, j]] = np.nan
        assert_array_equal(pairs[:, i, j], whole - other.score_samples(rest))
    half = np.isnan(X[:, 0]) & ~np.isnan(X[:, 1])
    assert half.any()
    assert_array_equal(pairs[half, 0, 1], pairs[half, 1, 1])


def test_half_a_pair_is_compared_with_single_cells(rows):
    detector = DensityOutlierDetector(random_state=0).fit(rows)
    X = rows[:1].copy()
    X[0, 1] = np.nan
    pairs = detector.explain(X, reference=rows, pairs=True)[0]
    cells = detector.explain(X, reference=rows)[0]
    assert_allclose(pairs[0, 1], cells[0], rtol=1e-9)
    assert_allclose(pairs[1, 2], cells[2], rtol=1e-9)
    assert pairs[1, 1] == 0.0
    usual = detector.explain(rows, pairs=True)
    expected = np.median(usual, axis=0)
    assert_allclose(
        detector.explain(rows, reference=rows, pairs=True), usual - expected
    )


@pytest.fixture(scope="module")
def twins():
    """Two gauges of one quantity, and a column apart."""
    rng = np.random.default_rng(0)
    quantity, other = rng.normal(size=(2, 1000))
    gauges = quantity[:, None] + 0.1 * rng.normal(size=(1000, 2))
    return np.column_stack([gauges, other])


def test_pairs_show_what_two_columns_hide_together(twins):
    detector = DensityOutlierDetector(GaussianMixture()).fit(twins)
    wrong_together = [[8.0, 8.0, 0.0]]
    contradiction = [[0.5, -0.5, 0.0]]
    for row, blame, interaction in [
        (wrong_together, (-3, 3), (-40, -25)),
        (contradiction, (-40, -15), (15, 40)),
    ]:
        C = detector.explain(row, reference=twins, pairs=True)[0]
        assert blame[0] < C[0, 0] < blame[1]
        assert interaction[0] < C[0, 1] - C[0, 0] - C[1, 1] < interaction[1]
        # of columns that are independent there is none
        assert abs(C[0, 2] - C[0, 0] - C[2, 2]) < 1


@settings(max_examples=10, deadline=None)
@given(unit=st.floats(1e-6, 1e6))
def test_interactions_have_no_unit(twins, unit):
    units = np.array([unit, 1.0, 2.0])

    def interactions(table):
        C = (
            DensityOutlierDetector(random_state=0)
            .fit(table)
            .explain(table[:5], pairs=True)
        )
        single = np.diagonal(C, axis1=1, axis2=2)
        return (C - single[:, :, None] - single[:, None])[:, [0, 0, 1], [1, 2, 2]]

    assert_allclose(interactions(twins * units), interactions(twins), atol=1e-6)


def test_pairs_need_marginals_too(rows):
    kernel = DensityOutlierDetector(KernelDensity()).fit(rows)
    with pytest.raises(TypeError, match=r"KernelDensity\(\) doesn't allow NaN"):
        kernel.explain(rows, pairs=True)
