"""Detectors that learn from batches."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity

from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector, TrimmedDensity, _streaming


@pytest.fixture(scope="module")
def stream():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(6000, 3)) @ np.array([[2.0, 1, 0], [0, 1, 3], [0, 0, 1]])
    outliers = rng.random(len(X)) < 0.05
    X[outliers] += rng.normal(0, 6, (outliers.sum(), 3))
    return X, outliers


def fitted_in_batches(detector, X, size=500):
    for start in range(0, len(X), size):
        detector.partial_fit(X[start : start + size])
    return detector


@pytest.mark.parametrize(
    "estimator",
    [None, GaussianMixture(2, random_state=0), TrimmedDensity(GaussianMixture())],
)
def test_batches_come_near_one_fit(stream, estimator):
    X, outliers = stream
    make = DensityOutlierDetector(estimator, contamination=0.05, random_state=0)
    at_once = roc_auc_score(outliers, -make.fit(X).score_samples(X))
    batches = fitted_in_batches(
        DensityOutlierDetector(estimator, contamination=0.05, random_state=0), X
    )
    assert roc_auc_score(outliers, -batches.score_samples(X)) > at_once - 0.01
    assert np.mean(batches.predict(X) == -1) == pytest.approx(0.05, abs=1e-4)


def test_the_threshold_is_that_of_all_batches(stream, monkeypatch):
    X, _ = stream
    detector = fitted_in_batches(DensityOutlierDetector(GaussianMixture()), X)
    scores = detector.score_samples(X)
    assert np.mean(scores < detector.offset_) == pytest.approx(0.1, abs=1e-9)
    monkeypatch.setattr(_streaming, "_RESERVOIR_ROWS", 1000)
    sampled = fitted_in_batches(DensityOutlierDetector(GaussianMixture()), X)
    assert len(sampled._reservoir[1]) == 1000
    # Share below, of 1,000 even rows: 3 standard errors of independent ones.
    assert np.mean(scores < sampled.offset_) == pytest.approx(0.1, abs=0.028)
    # Rows of each batch are in it.
    positions = [
        np.flatnonzero((row == X).all(axis=1))[0] for row in sampled._reservoir[1]
    ]
    counts = np.histogram(positions, bins=12, range=(0, 6000))[0]
    assert counts.min() > 75
    assert counts.max() < 92


def test_weights_of_batches(stream):
    X, _ = stream
    weight = np.random.default_rng(1).integers(0, 3, 1000)
    weighted = DensityOutlierDetector(GaussianMixture())
    repeated = DensityOutlierDetector(GaussianMixture())
    for part in (slice(0, 500), slice(500, 1000)):
        weighted.partial_fit(X[part], sample_weight=weight[part])
        repeated.partial_fit(np.repeat(X[part], weight[part], axis=0))
    assert_allclose(
        weighted.decision_function(X), repeated.decision_function(X), rtol=1e-8
    )


def test_tables_keep_their_columns(stream):
    X, _ = stream
    table = pd.DataFrame(X, columns=["a", "b", "c"])
    named = fitted_in_batches(DensityOutlierDetector(GaussianMixture()), table)
    plain = fitted_in_batches(DensityOutlierDetector(GaussianMixture()), X)
    assert_array_equal(named.decision_function(table), plain.decision_function(X))
    with pytest.raises(ValueError, match="feature names"):
        named.partial_fit(table[["b", "a", "c"]])


def test_going_on_after_fit(stream):
    X, _ = stream
    detector = DensityOutlierDetector(GaussianMixture()).fit(X[:3000])
    before = detector.estimator_.means_.copy()
    detector.partial_fit(X[3000:] + 1.0)
    assert (detector.estimator_.means_ > before).all()
    assert detector._reservoir[0] == 3000
    detector.fit(X)
    assert not hasattr(detector, "_reservoir")


def test_held_out_rows_stay_out(stream):
    X, _ = stream
    detector = DensityOutlierDetector(
        GaussianMixture(), threshold="holdout", random_state=0
    )
    fitted_in_batches(detector, X)
    assert detector._reservoir[0] == 1500  # a quarter of each batch
    assert np.mean(detector.predict(X) == -1) == pytest.approx(0.05, abs=0.02)


def test_a_background_goes_on_too(stream):
    X, _ = stream
    detector = DensityOutlierDetector(
        GaussianMixture(),
        score_type="ratio",
        background=GaussianMixture(covariance_type="diag"),
    )
    fitted_in_batches(detector, X)
    assert_allclose(detector.background_.means_, X.mean(axis=0)[None], atol=0.2)


def test_densities_without_partial_fit():
    assert not hasattr(DensityOutlierDetector(KernelDensity()), "partial_fit")
    assert not hasattr(DensityOutlierDetector(regime="novelty"), "partial_fit")
    assert hasattr(DensityOutlierDetector(), "partial_fit")


def test_what_is_frozen_stays(stream):
    X, _ = stream
    wide = GaussianMixture().fit(X)
    before = wide.means_.copy()
    detector = DensityOutlierDetector(
        GaussianMixture(), score_type="ratio", background=FrozenEstimator(wide)
    )
    detector.partial_fit(X).partial_fit(X + 100)
    assert_array_equal(wide.means_, before)
    assert detector.estimator_.means_.min() > 1


@pytest.mark.parametrize("wrapper", [DensityOutlierDetector, TrimmedDensity])
def test_the_model_a_search_chose_learns(stream, wrapper):
    X, _ = stream
    search = GridSearchCV(GaussianMixture(random_state=0), {"n_components": [1]})
    model = wrapper(search).fit(X[:500])
    before = model.estimator_.best_estimator_.means_
    model.partial_fit(X[:500] + 50)
    assert (model.estimator_.best_estimator_.means_ > before + 1).all()


@pytest.mark.parametrize("going_on", [False, True])
def test_a_batch_that_fails_leaves_all_as_it_was(stream, going_on):
    X, _ = stream
    table = pd.DataFrame(X[:500], columns=["a", "b", "c"])
    detector = DensityOutlierDetector(GaussianMixture())
    if going_on:
        detector.partial_fit(table)
        before = detector.decision_function(table)
    broken = table.assign(b=np.inf)
    with pytest.raises(ValueError, match="infinity"):
        detector.partial_fit(broken)
    if going_on:
        assert_array_equal(detector.decision_function(table), before)
    else:
        with pytest.raises(NotFittedError):
            detector.predict(table)
    nullable = table.convert_dtypes().mask(table > 3.0)  # with pandas' own NA
    detector.partial_fit(nullable)
    assert np.isfinite(detector.decision_function(nullable)).all()


def test_a_first_batch_of_few_rows(stream):
    with pytest.warns(UserWarning, match="The first batch has 20 rows"):
        DensityOutlierDetector(random_state=0).partial_fit(stream[0][:20])
