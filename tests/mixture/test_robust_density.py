"""What a fitted RobustGaussianMixture gives: draws, cells, marginals; odd columns."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kstest, norm

from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.mixture import RobustGaussianMixture
from tests.mixture.test_gaussian_mixture import mixed_rows
from tests.mixture.test_robust_gaussian_mixture import (
    EXACT,
    SMALL,
    brute_force,
    rows_with_holes,
)


@pytest.fixture(scope="module", name="X")
def rows():
    return rows_with_holes()


@pytest.fixture(scope="module", name="model")
def fitted(X):
    return RobustGaussianMixture(**SMALL).fit(X)


def test_weights_equal_repeats():
    X = np.c_[mixed_rows(200, 2, 3), np.repeat([0.0, 5.0, 7.0], [170, 15, 15])]
    # more weight on one side, so that quartiles move
    counts = np.random.default_rng(0).integers(0, 3, len(X)) + 3 * (X[:, 0] > 1)
    weighted = RobustGaussianMixture(**SMALL).fit(X, sample_weight=counts)
    repeated = RobustGaussianMixture(**SMALL).fit(np.repeat(X, counts, axis=0))
    np.testing.assert_array_equal(weighted.center_, repeated.center_)
    np.testing.assert_allclose(weighted.scale_, repeated.scale_, rtol=1e-12)
    np.testing.assert_allclose(
        weighted.score_samples(X), repeated.score_samples(X), atol=1e-6
    )
    plain = RobustGaussianMixture(**SMALL).fit(X)
    assert np.all(plain.center_[:2] != weighted.center_[:2])
    assert np.all(plain.scale_ != weighted.scale_)


def test_nothing_observed(X, model):
    assert abs(model.score_samples(np.full((1, 3), np.nan))[0]) < 1e-12
    blank = np.c_[X, np.full(len(X), np.nan)]
    with pytest.warns(DegenerateDataWarning, match="column 3 is constant or never"):
        wider = RobustGaussianMixture(**SMALL).fit(blank)
    assert np.isfinite(wider.score_samples(np.nan_to_num(blank))).all()
    assert np.isfinite(wider.sample_conditional(blank, random_state=0)).all()
    with pytest.warns(DegenerateDataWarning, match="column 0 and 1 more"):
        empty = RobustGaussianMixture(**SMALL).fit(np.full((9, 2), np.nan))
    assert np.isfinite(empty.score([[0.0, 1.0]]))


def test_missing_cells_are_drawn_from_their_conditional(X, model):
    drawn = model.sample_conditional(X, random_state=0)
    observed = ~np.isnan(X)
    np.testing.assert_array_equal(drawn[observed], X[observed])
    row = X[observed.all(axis=1)][0]
    given = np.tile([row[0], np.nan, row[2]], (2000, 1))
    draws = model.sample_conditional(given, random_state=1)[:, 1]
    grid = np.linspace(300, 700, 8001)
    rows = np.tile(row, (len(grid), 1))
    rows[:, 1] = grid
    p = np.exp(model.score_samples(rows) - model.score_samples(given[:1]))
    cumulated = np.cumsum(p) * np.diff(grid)[0]
    assert cumulated[-1] == pytest.approx(1.0, abs=1e-4)
    # false alarms: 1 in 10^4
    assert kstest(draws, lambda x: np.interp(x, grid, cumulated)).pvalue > 1e-4


@pytest.mark.parametrize("value", [0.0, 5.0, 1e9, -1e-9])
def test_constant_columns_are_named(value):
    frame = pd.DataFrame(mixed_rows(80, 2, 1), columns=["a", "b"]).assign(same=value)
    with pytest.warns(DegenerateDataWarning, match="'same' is constant"):
        model = RobustGaussianMixture(**SMALL).fit(frame)
    assert model.center_[2] == value
    assert model.scale_[2] == 1.0
    assert np.isfinite(model.score_samples(frame)).all()
    frame["same"] += 1.0
    assert np.isfinite(model.score_samples(frame)).all()
    np.testing.assert_allclose(model.sample(9)["same"], value, atol=3, rtol=1e-6)


def test_mostly_equal_columns_are_measured_by_the_others():
    rng = np.random.default_rng(0)
    X = np.r_[np.zeros(90), rng.normal(50, 3, 10)][:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RobustGaussianMixture(**SMALL).fit(X)
    middle = np.quantile(np.abs(X[90:]), 0.5, method="inverted_cdf")
    assert model.scale_[0] == pytest.approx(np.sqrt(0.1) * middle / norm.ppf(0.75))
    # one far value changes little, where it would set a standard deviation
    far = np.r_[X, [[1e6]]]
    assert RobustGaussianMixture(**SMALL).fit(far).scale_[0] == pytest.approx(
        model.scale_[0], rel=0.1
    )
    weight = np.r_[np.full(90, 2.0), np.ones(10)]
    weighted = RobustGaussianMixture(**SMALL).fit(X, sample_weight=weight)
    repeated = RobustGaussianMixture(**SMALL).fit(np.r_[X[:90], X])
    assert weighted.scale_[0] == pytest.approx(repeated.scale_[0])


def test_counts_buy_a_bounded_density_without_a_warning():
    X = np.random.default_rng(0).poisson([0.1, 3.0], size=(500, 2)).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = RobustGaussianMixture(random_state=0).fit(X)
    # no variance of z is below reg_covar
    highest = (norm.logpdf(0, scale=0.1) - np.log(model.scale_)).sum()
    assert model.score_samples(X).max() < highest


def test_far_rows_have_a_finite_density(X, model):
    far = np.full((4, 3), 1e300) * [[1], [-1], [1e8], [-1e8]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        far_scores = model.score_samples(far)
        cells = model.score_cells(far)
    assert np.isfinite(far_scores).all()
    assert np.isfinite(cells).all()
    assert far_scores.max() < np.nanmin(model.score_samples(X))


def test_units_change_the_density_by_the_jacobian(X, model):
    units = np.array([1e-6, 1.0, 1e6])
    rescaled = RobustGaussianMixture(**SMALL).fit(X * units)
    jacobian = np.where(np.isnan(X), 0.0, np.log(units)).sum(axis=1)
    np.testing.assert_allclose(
        rescaled.score_samples(X * units), model.score_samples(X) - jacobian, atol=1e-7
    )


def test_float32_stays_float32_and_agrees(X):
    X = (X - [0.0, 500.0, -3.0]) / [1.0, 20.0, 0.1]
    double = RobustGaussianMixture(**SMALL).fit(X)
    single = RobustGaussianMixture(**SMALL).fit(X.astype(np.float32))
    scores = single.score_samples(X.astype(np.float32))
    assert scores.dtype == single.sample(2, random_state=0).dtype == np.float32
    assert single.score_cells(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(scores, double.score_samples(X), atol=0.01)


def test_marginal_is_the_density_of_observed_columns(X):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = RobustGaussianMixture(**SMALL).fit(frame)
    marginal = model.marginal(["c", "a"])
    scores = marginal.score_samples(frame[["c", "a"]])
    np.testing.assert_allclose(
        scores, model.score_samples(frame.assign(b=np.nan)), atol=EXACT
    )
    np.testing.assert_allclose(scores, brute_force(marginal, X[:, [2, 0]]), atol=EXACT)
    assert list(marginal.sample(3, random_state=0).columns) == ["c", "a"]
    assert list(marginal.feature_names_in_) == ["c", "a"]
    assert marginal.n_features_in_ == 2
    assert model.n_features_in_ == 3
    again = marginal.marginal([1])
    np.testing.assert_allclose(
        again.score_samples(frame[["a"]]),
        model.score_samples(frame.assign(b=np.nan, c=np.nan)),
        atol=EXACT,
    )
    with pytest.raises(ValueError, match="columns names 'z', which is no column"):
        model.marginal(["z"])
    with pytest.raises(ValueError, match="a marginal, which can't go on learning"):
        marginal.partial_fit(frame[["c", "a"]])
    assert len(marginal.fit(frame[["b"]]).center_) == 1  # a fit starts again


@pytest.mark.parametrize("pairs", [False, True])
def test_scores_of_cells_are_differences_of_scores(X, model, pairs):
    cells = model.score_cells(X[:30], pairs=pairs)
    assert np.isnan(X[:30]).any()
    scores = model.score_samples(X[:30])
    for i in range(3):
        for j in range(3) if pairs else [i]:
            rest = X[:30].copy()
            rest[:, [i, j]] = np.nan
            found = cells[:, i, j] if pairs else cells[:, i]
            difference = scores - model.score_samples(rest)
            np.testing.assert_allclose(found, difference, atol=1e-8)


def test_draws_follow_the_marginals(model):
    draws = model.sample(5000, random_state=1)
    mixture = model.mixture_
    for j in range(3):

        def cdf(x, j=j):
            z = np.arcsinh((x - model.center_[j]) / model.scale_[j])
            deviations = np.sqrt(mixture.covariances_[:, j, j])
            return (
                norm.cdf(z[:, None], mixture.means_[:, j], deviations)
                @ mixture.weights_
            )

        assert kstest(draws[:, j], cdf).pvalue > 1e-4  # false alarms: 1 in 10^4
    Z = np.arcsinh((draws - model.center_) / model.scale_)
    mean = mixture.weights_ @ mixture.means_
    deviations = mixture.means_ - mean
    second = mixture.covariances_ + deviations[:, :, None] * deviations[:, None]
    products = (Z - mean)[:, :, None] * (Z - mean)[:, None]
    error = 6 * products.std(axis=0) / np.sqrt(len(Z))  # false alarms: 1 in 10^8
    expected = np.tensordot(mixture.weights_, second, axes=1)
    assert np.all(np.abs(products.mean(axis=0) - expected) < error)
