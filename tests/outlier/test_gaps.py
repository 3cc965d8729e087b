"""Rows with missing cells beside complete ones."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import (
    ConformalOutlierDetector,
    DensityOutlierDetector,
    TrimmedDensity,
)

# Columns whose densities differ by their units alone.
UNITS = np.array([1e-3, 1.0, 1e4, 1.0])


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    mix = np.eye(4) + 0.5 * rng.random((4, 4))
    return rng.normal(size=(600, 4)) @ mix * UNITS


def with_gaps(X, share=0.3):
    return np.where(np.random.default_rng(1).random(X.shape) < share, np.nan, X)


def test_by_definition(rows):
    density = GaussianMixture(reg_covar="scale")
    detector = DensityOutlierDetector(density).fit(rows)
    alone = [detector.estimator_.marginal([j]) for j in range(4)]
    usual = [np.mean(alone[j].score_samples(rows[:, [j]])) for j in range(4)]
    assert_allclose(detector.usual_, usual)
    gaps = with_gaps(rows)
    expected = detector.score_samples(gaps) + np.isnan(gaps) @ usual - detector.offset_
    assert_allclose(detector.decision_function(gaps), expected)
    # Nothing is known of it: it is as usual as its columns are.
    nothing = detector.decision_function(np.full((1, 4), np.nan))
    assert nothing == pytest.approx(np.sum(usual) - detector.offset_)
    assert detector.predict(np.full((1, 4), np.nan)) == 1


@pytest.mark.parametrize("score_type", ["nll", "typicality", "ratio"])
def test_gaps_alone_make_no_outlier(rows, score_type):
    detector = DensityOutlierDetector(
        GaussianMixture(reg_covar="scale"), score_type=score_type
    ).fit(rows)
    fresh = np.random.default_rng(2).permutation(rows)
    for column in range(4):
        gaps = fresh.copy()
        gaps[:, column] = np.nan
        # By the raw density a missing 1e4 makes all rows usual, a missing 1e-3 none.
        assert 0.03 < np.mean(detector.predict(gaps) == -1) < 0.2


def test_ranking_survives_gaps():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1000, 6)) * [1e-3, 1, 1e3, 1, 1e-3, 1]
    X[:100] *= 3
    outlier = np.arange(1000) < 100
    density = GaussianMixture(reg_covar="scale")
    complete = DensityOutlierDetector(density).fit(X).decision_function(X)
    gaps = with_gaps(X, 0.2)
    detector = DensityOutlierDetector(density).fit(gaps)
    judged, raw = detector.decision_function(gaps), detector.score_samples(gaps)
    assert roc_auc_score(outlier, -judged) > roc_auc_score(outlier, -complete) - 0.03
    assert roc_auc_score(outlier, -judged) > roc_auc_score(outlier, -raw) + 0.05


def test_tables_weights_and_empty_columns(rows):
    weight = np.random.default_rng(1).integers(0, 3, 300)
    gaps = with_gaps(rows[:300])
    gaps[:, 3] = np.nan
    table = pd.DataFrame(gaps, columns=list("abcd"))
    make = DensityOutlierDetector(GaussianMixture(reg_covar="scale"))
    with pytest.warns(UserWarning, match="'d'"):
        weighted = make.fit(table, sample_weight=weight)
    usual = weighted.usual_
    assert usual[3] == 0.0
    with pytest.warns(UserWarning, match="column 3"):
        repeated = make.fit(np.repeat(gaps, weight, axis=0))
    assert_allclose(repeated.usual_, usual, rtol=1e-6)


def test_densities_without_marginals(rows):
    mixing = make_generative_pipeline(PCA(), GaussianMixture(reg_covar="scale"))
    for density in (KernelDensity(), mixing):
        detector = DensityOutlierDetector(density).fit(rows)
        assert detector.usual_ is None
        assert_allclose(
            detector.decision_function(rows),
            detector.score_samples(rows) - detector.offset_,
        )


def test_p_values_of_rows_with_gaps(rows):
    """What is missing makes no p-value small, and of the rest nothing is lost."""
    rng = np.random.default_rng(3)
    clean, fresh = with_gaps(rows), rng.permutation(rows)
    detector = ConformalOutlierDetector(
        DensityOutlierDetector(GaussianMixture(reg_covar="scale")), random_state=0
    ).fit(clean)
    fresh[:, 2] = np.nan  # of the column of 1e4
    p_values = detector.p_values(fresh)
    # 300 calibration rows, 600 new: four standard errors of both
    assert abs(np.mean(p_values <= 0.1) - 0.1) < 4 * np.sqrt(0.09 / 300 + 0.09 / 600)
    scores = detector.score_samples(fresh)  # stays the log density
    assert_allclose(scores, detector.estimators_[0].score_samples(fresh))


def test_behind_transformers(rows):
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture())
    assert DensityOutlierDetector(pipeline).fit(rows).usual_ is None
    gaps = with_gaps(rows)
    behind = DensityOutlierDetector(pipeline).fit(gaps)
    plain = DensityOutlierDetector(GaussianMixture(reg_covar="scale")).fit(gaps)
    assert_allclose(behind.usual_, plain.usual_, atol=0.5)  # of 50 rows instead of 600


def test_scores_that_are_no_densities_are_left_alone(rows):
    forest = IsolationForest(random_state=0)
    detector = DensityOutlierDetector(forest).fit(rows)
    assert detector.usual_ is None
    gaps = with_gaps(rows, 0.2)
    assert_allclose(
        detector.decision_function(gaps), detector.score_samples(gaps) + 0.5
    )


def test_trimming_does_not_go_by_gaps(rows):
    X = rows * 1e-2
    X[:200, 2] = np.nan
    kept = TrimmedDensity(GaussianMixture(reg_covar="scale")).fit(X).support_
    assert abs(kept[:200].mean() - kept[200:].mean()) < 0.15


def test_sources_that_take_turns(rows):
    X = np.repeat(rows, 4, axis=0)
    X[::2] *= 5.0
    density = GaussianMixture(2, reg_covar="scale", random_state=0)
    detector = DensityOutlierDetector(density).fit(X)
    alone = [
        detector.estimator_.marginal([j]).score_samples(X[:, [j]]).mean()
        for j in range(4)
    ]
    assert_allclose(detector.usual_, alone, atol=0.1)
