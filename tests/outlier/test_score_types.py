"""Scores made of a density: its logarithm, typicality, ratios."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.stats import multivariate_normal, norm
from sklearn.frozen import FrozenEstimator
from sklearn.neighbors import KernelDensity

from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector

COVARIANCE = np.array([[1.0, 0.8], [0.8, 1.0]])


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).multivariate_normal([0, 0], COVARIANCE, size=500)


def test_ratio_to_independent_columns(rows):
    detector = DensityOutlierDetector(GaussianMixture(), score_type="ratio").fit(rows)
    X = np.array([[2.5, 2.5], [1.0, -1.0], [0.0, np.nan]])
    model = detector.estimator_
    mean, covariance = model.means_[0], model.covariances_[0]
    deviations = np.sqrt(np.diag(covariance))
    expected = multivariate_normal(mean, covariance).logpdf(X[:2])
    expected -= norm(mean, deviations).logpdf(X[:2]).sum(axis=1)
    scores = detector.score_samples(X)
    assert_allclose(scores[:2], expected, rtol=1e-9)
    assert scores[2] == pytest.approx(0.0, abs=1e-9)  # one column has no company
    # Rare in each column, yet together as usual; and the other way round.
    assert_array_equal(detector.predict(X[:2]), [1, -1])
    assert_array_equal(
        DensityOutlierDetector(GaussianMixture()).fit(rows).predict(X[:2]), [-1, -1]
    )
    assert detector.background_ == "independent"


def test_ratio_does_not_depend_on_units(rows):
    units = np.array([1e3, 1e-3])
    one = DensityOutlierDetector(GaussianMixture(reg_covar="scale"), score_type="ratio")
    scores = one.fit(rows).score_samples(rows)
    assert_allclose(
        one.fit(rows * units).score_samples(rows * units), scores, atol=1e-8
    )


@pytest.mark.parametrize(
    "make",
    [
        lambda X: pd.DataFrame(X, columns=["a", "b"]),
        lambda X: pl.DataFrame(X, schema=["a", "b"]),
    ],
)
def test_ratio_in_tables(rows, make):
    detector = DensityOutlierDetector(GaussianMixture(), score_type="ratio")
    expected = detector.fit(rows).score_samples(rows)
    assert_allclose(detector.fit(make(rows)).score_samples(make(rows)), expected)


def test_ratio_to_a_density(rows):
    background = GaussianMixture(covariance_type="spherical")
    detector = DensityOutlierDetector(
        GaussianMixture(), score_type="ratio", background=background
    ).fit(rows)
    fitted = GaussianMixture(covariance_type="spherical").fit(rows)
    expected = GaussianMixture().fit(rows).score_samples(rows)
    assert_allclose(
        detector.score_samples(rows), expected - fitted.score_samples(rows), rtol=1e-9
    )
    assert not hasattr(background, "means_")


def test_ratio_to_a_density_of_other_rows(rows):
    wide = GaussianMixture().fit(10 * rows)
    detector = DensityOutlierDetector(
        GaussianMixture(), score_type="ratio", background=FrozenEstimator(wide)
    ).fit(rows)
    expected = detector.estimator_.score_samples(rows) - wide.score_samples(rows)
    assert_allclose(detector.score_samples(rows), expected)


def test_typicality_finds_rows_that_are_too_probable():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 50))  # |x|^2 is about 50, never 0
    center = np.zeros((1, 50))
    detector = DensityOutlierDetector(
        GaussianMixture(), score_type="typicality", contamination=0.01
    ).fit(X)
    log_prob = detector.estimator_.score_samples(X)
    assert_allclose(
        detector.score_samples(X), -np.abs(log_prob - log_prob.mean()), atol=1e-9
    )
    assert detector.predict(center) == -1
    by_density = DensityOutlierDetector(GaussianMixture(), contamination=0.01).fit(X)
    assert by_density.predict(center) == 1


def test_what_is_usual_is_weighted(rows):
    weight = np.random.default_rng(1).integers(0, 3, len(rows))
    weighted = DensityOutlierDetector(GaussianMixture(), score_type="typicality")
    repeated = DensityOutlierDetector(GaussianMixture(), score_type="typicality")
    weighted.fit(rows, sample_weight=weight)
    repeated.fit(np.repeat(rows, weight, axis=0))
    assert_allclose(weighted.decision_function(rows), repeated.decision_function(rows))


@pytest.mark.parametrize("score_type", ["typicality", "ratio"])
def test_only_the_log_density_has_a_kind(rows, score_type):
    detector = DensityOutlierDetector(score_type=score_type, random_state=0).fit(rows)
    assert not hasattr(detector, "density_kind")
    with pytest.raises(AttributeError, match=f"score_type='{score_type}' is no log"):
        _ = detector.density_kind
    assert np.mean(detector.predict(rows) == -1) == 0.1


def test_errors(rows):
    with pytest.raises(TypeError, match="independent columns needs a density that"):
        DensityOutlierDetector(KernelDensity(), score_type="ratio").fit(rows)
    with pytest.raises(TypeError, match=r"background must be a density.*without score"):
        DensityOutlierDetector(score_type="ratio", background=norm, random_state=0).fit(
            rows
        )
    with pytest.raises(ValueError, match="'score_type' parameter"):
        DensityOutlierDetector(score_type="log").fit(rows)
    with pytest.raises(ValueError, match="'regime' parameter"):
        DensityOutlierDetector(regime="clean").fit(rows)
    with pytest.raises(ValueError, match="background must be 'independent' or a dens"):
        DensityOutlierDetector(score_type="ratio", background="other").fit(rows)
    with pytest.raises(ValueError, match="with score_type='nll', which has"):
        DensityOutlierDetector(background=GaussianMixture()).fit(rows)


def test_backgrounds_do_not_stay(rows):
    detector = DensityOutlierDetector(GaussianMixture(), score_type="ratio").fit(rows)
    assert detector.background_ == "independent"
    assert not hasattr(detector.set_params(score_type="nll").fit(rows), "background_")
