import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal, norm
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector

COVARIANCE = np.array([[2.0, 1.2, 0.3], [1.2, 1.5, -0.4], [0.3, -0.4, 1.0]])


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).multivariate_normal([1, 2, 3], COVARIANCE, 400)


@pytest.fixture(scope="module")
def detector(rows):
    mixture = GaussianMixture(3, random_state=0)
    return DensityOutlierDetector(mixture).fit(rows)


def test_one_gaussian_against_its_conditionals(rows):
    inner = GaussianMixture().fit(rows)
    mean, covariance = inner.means_[0], inner.covariances_[0]
    expected = np.empty((5, 3))
    for j in range(3):
        rest = [k for k in range(3) if k != j]
        slope = np.linalg.solve(covariance[np.ix_(rest, rest)], covariance[rest, j])
        center = mean[j] + (rows[:5, rest] - mean[rest]) @ slope
        variance = covariance[j, j] - covariance[j, rest] @ slope
        expected[:, j] = norm.logpdf(rows[:5, j], center, variance**0.5)
    detector = DensityOutlierDetector(GaussianMixture()).fit(rows)
    assert_allclose(detector.explain(rows[:5]), expected, rtol=1e-9)


def test_independent_columns_add_up_to_the_log_density(rows):
    inner = GaussianMixture(covariance_type="diag")
    detector = DensityOutlierDetector(inner).fit(rows)
    assert_allclose(
        detector.explain(rows).sum(axis=1), detector.score_samples(rows), rtol=1e-10
    )


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), gaps=st.floats(0.0, 0.9))
def test_each_cell_is_what_leaving_it_out_costs(detector, rows, seed, gaps):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(7, 3)) * 3
    X[rng.uniform(size=X.shape) < gaps] = np.nan
    contributions = detector.explain(X)
    for j in range(3):
        rest = X.copy()
        rest[:, j] = np.nan
        expected = detector.score_samples(X) - detector.score_samples(rest)
        assert_allclose(contributions[:, j], expected, atol=1e-12)
    assert_array_equal(contributions[np.isnan(X)], 0.0)


@settings(max_examples=10, deadline=None)
@given(order=st.permutations([0, 1, 2]))
def test_permuted_columns_give_permuted_contributions(rows, order):
    one = DensityOutlierDetector(GaussianMixture()).fit(rows)
    other = DensityOutlierDetector(GaussianMixture()).fit(rows[:, order])
    assert_allclose(
        other.explain(rows[:, order]), one.explain(rows)[:, order], atol=1e-9
    )


def test_rows_do_not_depend_on_one_another(detector, rows):
    assert_allclose(detector.explain(rows[3:4])[0], detector.explain(rows)[3])


def test_one_column_explains_all(rows):
    detector = DensityOutlierDetector(random_state=0).fit(rows[:, :1])
    assert_allclose(
        detector.explain(rows[:, :1])[:, 0], detector.score_samples(rows[:, :1])
    )


@pytest.mark.parametrize("scaler", [StandardScaler(), MinMaxScaler()])
def test_through_a_pipeline_of_scalers(rows, scaler):
    plain = DensityOutlierDetector(GaussianMixture(reg_covar=0)).fit(rows)
    piped = DensityOutlierDetector(
        make_generative_pipeline(scaler, GaussianMixture(reg_covar=0))
    ).fit(rows)
    assert_allclose(piped.explain(rows), plain.explain(rows), rtol=1e-8, atol=1e-8)


def test_through_column_wise_transformers_with_names(rows):
    table = pd.DataFrame(np.exp(rows / 4), columns=["a", "b", "c"])
    scalers = ColumnTransformer(
        [("a", StandardScaler(), ["a"]), ("c", MinMaxScaler(), ["c"])],
        remainder="passthrough",
    )
    pipeline = make_generative_pipeline(scalers, GaussianMixture())
    detector = DensityOutlierDetector(pipeline).fit(table)
    contributions = detector.explain(table.iloc[:6])
    rest = table.iloc[:6].assign(a=np.nan)
    assert_allclose(
        contributions["a"],
        detector.score_samples(table.iloc[:6]) - detector.score_samples(rest),
    )


def test_pandas_in_pandas_out(detector, rows):
    table = pd.DataFrame(rows, columns=["a", "b", "c"], index=np.arange(400) * 2)
    named = DensityOutlierDetector(GaussianMixture(3, random_state=0)).fit(table)
    contributions = named.explain(table.iloc[5:9])
    assert list(contributions.columns) == ["a", "b", "c"]
    assert list(contributions.index) == [10, 12, 14, 16]
    assert_allclose(contributions, detector.explain(rows[5:9]))


def test_polars_in_polars_out(detector, rows):
    table = pl.DataFrame(rows, schema=["a", "b", "c"])
    named = DensityOutlierDetector(GaussianMixture(3, random_state=0)).fit(table)
    gaps = table[5:9].with_columns(
        a=pl.Series([None, 1.0, float("nan"), 2.0]), b=pl.Series([1, 2, 3, None])
    )
    contributions = named.explain(gaps)
    assert contributions.columns == ["a", "b", "c"]
    expected = detector.explain(gaps.to_numpy().astype(float))
    assert_allclose(contributions.to_numpy(), expected)
    assert contributions["a"][0] == contributions["a"][2] == contributions["b"][3] == 0


def test_integer_and_boolean_columns(rows):
    table = pd.DataFrame(
        {
            "count": np.round(10 * rows[:, 0]).astype(int),
            "flag": rows[:, 1] > 2,
            "size": rows[:, 2].astype(np.float32),
        }
    )
    detector = DensityOutlierDetector(random_state=0).fit(table)
    expected = detector.explain(table.astype(float))
    assert_allclose(detector.explain(table), expected)
    assert_allclose(
        detector.explain(
            pl.from_pandas(table[["count", "size", "flag"]])[:, [0, 2, 1]]
        ).to_numpy(),
        expected,
        rtol=1e-6,
    )


def test_relative_to_a_reference_columns_compare(rows):
    X = rows.copy()
    X[0, 2] += 9.0  # the cell to blame
    units = np.array([1e9, 1.0, 1e-9])
    one = DensityOutlierDetector(random_state=0).fit(X)
    other = DensityOutlierDetector(random_state=0).fit(X * units)
    # Raw contributions carry their columns' units: here they blame another column.
    assert other.explain(X * units)[0].argmin() == 0
    blame = other.explain(X * units, reference=X * units)
    assert blame[0].argmin() == 2
    assert_allclose(blame, one.explain(X, reference=X), atol=1e-8)
    assert_allclose(np.median(blame, axis=0), 0.0, atol=1e-12)


def test_a_reference_with_gaps(rows):
    X = rows.copy()
    X[:150, 0] = np.nan
    detector = DensityOutlierDetector(random_state=0).fit(X)
    blame = detector.explain(X, reference=X)
    assert_allclose(np.median(blame[150:, 0]), 0.0, atol=1e-12)
    assert_array_equal(blame[:150, 0], 0.0)
    table = pl.DataFrame(X, schema=["a", "b", "c"])  # NaN, where others have null
    named = DensityOutlierDetector(random_state=0).fit(table)
    assert_allclose(named.explain(table, reference=table).to_numpy(), blame, atol=1e-12)
    nothing = np.column_stack([X[:, :2], np.full(400, np.nan)])
    same = detector.explain(X, reference=nothing)[:, 2]
    assert_array_equal(same, detector.explain(X)[:, 2])


class Box(BaseEstimator):
    """Uniform density on the unit square, zero elsewhere."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def score_samples(self, X):
        X = np.asarray(X)
        inside = (np.isnan(X) | ((X >= 0) & (X <= 1))).all(axis=1)
        return np.where(inside, 0.0, -np.inf)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def test_impossible_rows_get_no_nan():
    detector = DensityOutlierDetector(Box())
    detector.fit(np.random.default_rng(0).uniform(size=(50, 2)))
    contributions = detector.explain([[0.5, 3.0], [3.0, 3.0], [0.5, 0.5]])
    # Without its second cell the first row is possible; the second never is.
    assert_array_equal(contributions, [[0, -np.inf], [0, 0], [0, 0]])


def test_marginals_are_needed(rows):
    kernel = DensityOutlierDetector(KernelDensity()).fit(rows)
    with pytest.raises(TypeError, match=r"KernelDensity\(\) doesn't allow NaN"):
        kernel.explain(rows)
    search = GridSearchCV(GaussianMixture(), {"covariance_type": ["full"]}, cv=2)
    inside = DensityOutlierDetector(search).fit(rows)
    assert inside.explain(rows[:2]).shape == (2, 3)
    mixing = make_generative_pipeline(PCA(), GaussianMixture())
    with pytest.raises((TypeError, ValueError), match="pca"):
        DensityOutlierDetector(mixing).fit(rows).explain(rows)


def test_oracle_is_the_joint_density(rows):
    inner = GaussianMixture().fit(rows)
    law = multivariate_normal(inner.means_[0], inner.covariances_[0])
    detector = DensityOutlierDetector(GaussianMixture()).fit(rows)
    assert_allclose(detector.score_samples(rows), law.logpdf(rows), rtol=1e-9)
