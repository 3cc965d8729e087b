"""Containers, weights, seeds, callbacks, searches and errors of the detector."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.sparse import coo_array, csr_array
from sklearn.base import clone
from sklearn.callback import FitCallback
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    StratifiedKFold,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import (
    ConformalOutlierDetector,
    DensityOutlierDetector,
    conformal_p_values,
)
from tests.outlier.distance import NEW, Distance


@pytest.fixture(name="X")
def training_rows():
    return np.random.default_rng(0).normal(size=(150, 2)).round(2)


def test_default_is_a_density_detector(X):
    detector = ConformalOutlierDetector(random_state=0).fit(X)
    assert isinstance(detector.estimators_[0], DensityOutlierDetector)
    assert detector.density_kind == "exact"
    assert get_tags(ConformalOutlierDetector()).input_tags.allow_nan
    assert not get_tags(ConformalOutlierDetector(Distance())).input_tags.allow_nan


@pytest.mark.parametrize("method", ["split", "cross"])
def test_scores_of_any_nature(X, method):
    forest = IsolationForest(n_estimators=20, random_state=0)
    for model in (forest, make_pipeline(StandardScaler(), GaussianMixture())):
        detector = ConformalOutlierDetector(model, method=method, random_state=0)
        p_values = detector.fit(X).p_values([[0.0, 0.0], [9.0, 9.0]])
        assert p_values[1] < 0.03 < 0.3 < p_values[0]
        truth = np.r_[np.ones(60), np.zeros(10)]
        rows = np.vstack([NEW, np.full((10, 2), 9.0)])
        assert roc_auc_score(truth, detector.score_samples(rows)) > 0.99
        assert roc_auc_score(truth, detector.decision_function(rows)) > 0.95


def test_frames_and_gaps(X):
    gaps = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    gaps[np.isnan(gaps).all(axis=1)] = 0.5
    for covariate_shift in (None, "auto"):
        detector = ConformalOutlierDetector(
            GaussianMixture(), covariate_shift=covariate_shift, random_state=0
        )
        expected = detector.fit(gaps).p_values(gaps[:40])
        assert len(np.unique(expected)) > 20
        pandas = pd.DataFrame(gaps, columns=["a", "b"])
        polars = pl.DataFrame(gaps, schema=["a", "b"])
        for frame, renamed in (
            (pandas, pandas.rename(columns={"a": "z"})),
            (polars, polars.rename({"a": "z"})),
        ):
            detector.fit(frame)
            assert_allclose(detector.p_values(frame[:40]), expected, rtol=1e-12)
            assert list(detector.feature_names_in_) == ["a", "b"]
            with pytest.raises(ValueError, match="feature names"):
                detector.p_values(renamed)


@pytest.mark.parametrize("method", ["split", "cross"])
def test_weights_reach_the_fit_and_zeros_calibrate_nothing(X, method):
    weight = np.random.default_rng(0).integers(0, 3, size=len(X)).astype(float)
    detector = ConformalOutlierDetector(Distance(), method=method, random_state=0)
    detector.fit(X, sample_weight=weight)
    assert (weight[detector.calibration_indices_] > 0).all()
    held_out = detector.calibration_indices_[detector.calibration_folds_ == 0]
    fitted = np.setdiff1d(np.flatnonzero(weight), held_out)
    mean = np.average(X[fitted], axis=0, weights=weight[fitted])
    assert_allclose(detector.estimators_[0].rows_[0], mean)
    dropped = clone(detector).fit(X[weight > 0], sample_weight=weight[weight > 0])
    assert_array_equal(dropped.p_values(NEW), detector.p_values(NEW))


def test_seeds_and_threads(X):
    detector = ConformalOutlierDetector(
        Distance(), method="cross", ties="randomized", random_state=5
    )
    expected = detector.fit(X).p_values(NEW)
    assert_array_equal(detector.p_values(NEW), expected)
    again = clone(detector).set_params(n_jobs=2).fit(X)
    assert_array_equal(pickle.loads(pickle.dumps(again)).p_values(NEW), expected)
    other = clone(detector).set_params(random_state=6).fit(X)
    assert (other.p_values(NEW) != expected).any()


class Recorder(FitCallback):
    max_propagation_depth = None

    def __init__(self):
        self.ended = []

    def setup(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.ended.append((context.task_name, type(estimator).__name__))

    def teardown(self, estimator, context):
        pass


def test_callbacks_reach_the_models(X):
    recorder = Recorder()
    detector = ConformalOutlierDetector(GaussianMixture(), method="cross", cv=3)
    detector.set_callbacks(recorder).fit(X)
    assert recorder.ended.count(("fit", "GaussianMixture")) == 3
    assert recorder.ended[-1] == ("fit", "ConformalOutlierDetector")
    assert not [name for name in vars(detector.estimators_[0]) if "callback" in name]


def test_searched_by_labels(X):
    truth = np.r_[np.ones(150), -np.ones(15)]
    rows = np.vstack([X, np.random.default_rng(0).normal(5.0, 1.0, size=(15, 2))])
    order = np.random.default_rng(0).permutation(len(rows))
    detector = ConformalOutlierDetector(GaussianMixture(), random_state=0)
    search = GridSearchCV(
        detector, {"estimator__reg_covar": [1e-6, 1e-2]}, scoring="roc_auc", cv=3
    ).fit(rows[order], truth[order])
    assert search.best_score_ > 0.95


def test_failed_fit_keeps_the_detector(X):
    detector = ConformalOutlierDetector(GaussianMixture(), random_state=0).fit(X)
    expected = detector.p_values(NEW)
    for rows, says in (
        (np.full((20, 3), np.inf), "infinity"),
        (X[:1], "minimum of 2"),
        (np.full((20, 3), "red"), "'red'"),
    ):
        with pytest.raises(ValueError, match=says):
            detector.fit(rows)
    with pytest.raises(ValueError, match="covariate_shift"):
        detector.set_params(covariate_shift="manual").fit(X[:, :1])
    detector.set_params(covariate_shift=None)
    assert_array_equal(detector.p_values(NEW), expected)


class Unweighted(Distance):
    def fit(self, X, y=None):
        return super().fit(X)


def test_a_second_fit_takes_new_parameters(X):
    detector = ConformalOutlierDetector(Distance(), covariate_shift="auto").fit(X)
    detector.set_params(estimator=GaussianMixture(), covariate_shift=None).fit(X)
    assert isinstance(detector.estimators_[0].estimator_, GaussianMixture)
    assert not hasattr(detector, "calibration_rows_")
    assert not hasattr(detector.set_params(method="cross").fit(X), "offset_")


def test_splits_with_rows_of_weight_zero(X):
    weight = np.ones(150)
    weight[[0, 5, 149]] = 0
    splits = list(KFold(3).split(X))
    detector = ConformalOutlierDetector(Distance(), method="cross", cv=splits)
    detector.fit(X, sample_weight=weight)
    for fold, (_, test) in enumerate(splits):
        calibrating = detector.calibration_indices_[detector.calibration_folds_ == fold]
        assert_array_equal(calibrating, test[weight[test] > 0])
    weight[:50] = 0  # a fold without rows calibrates nothing
    assert len(detector.fit(X, sample_weight=weight).estimators_) == 2
    weight[:100] = 0
    with pytest.raises(ValueError, match="trains on no row of positive weight"):
        detector.fit(X, sample_weight=weight)


def test_splits_by_labels(X):
    y = np.arange(150) < 30
    detector = ConformalOutlierDetector(
        Distance(), method="cross", cv=StratifiedKFold(3)
    )
    detector.fit(X, y)
    folds = detector.calibration_folds_[np.argsort(detector.calibration_indices_)]
    assert_array_equal(np.bincount(folds[y]), [10, 10, 10])


@pytest.mark.parametrize("kind", [csr_array, coo_array])
def test_sparse_rows(X, kind):
    forest = IsolationForest(n_estimators=10, random_state=0)
    detector = ConformalOutlierDetector(forest, covariate_shift="auto", random_state=0)
    expected = detector.fit(X).p_values(NEW)
    assert_allclose(detector.fit(kind(X)).p_values(kind(NEW)), expected, rtol=0.01)


def test_few_rows_are_ranked(X):
    truth = np.r_[np.ones(30), -np.ones(6)]
    rows = np.vstack([X[:30], np.full((6, 2), 9.0)])
    detector = ConformalOutlierDetector(Distance(), random_state=0)
    with pytest.warns(UserWarning, match="calibration rows allow no"):
        scores = cross_val_score(
            detector, rows, truth, cv=StratifiedKFold(3), scoring="roc_auc"
        )
    assert scores.mean() > 0.7


class Nowhere(Distance):
    def score_samples(self, X):
        return np.where(np.asarray(X)[:, 0] > -9, 0.0, np.nan)


@pytest.mark.parametrize(
    ("parameters", "error", "says"),
    [
        ({"estimator": StandardScaler()}, TypeError, "StandardScaler.*score_samples"),
        ({"estimator": Distance}, TypeError, "a class"),
        ({"estimator": Nowhere()}, ValueError, "Nowhere scores row 7 NaN"),
        ({"method": "jackknife"}, ValueError, "'method'"),
        ({"calibration_size": 150}, ValueError, "calibration_size=150.*150 rows"),
        ({"calibration_size": 1.0}, ValueError, "'calibration_size'"),
        ({"level": 0.0}, ValueError, "'level'"),
        ({"ties": "dropped"}, ValueError, "'ties'"),
        ({"covariate_shift": 3}, ValueError, "covariate_shift.*got 3"),
        ({"covariate_shift": LogisticRegression}, ValueError, "covariate_shift.*class"),
        ({"covariate_shift": "auto", "method": "cross"}, ValueError, "method='split'"),
        (
            {"method": "cross", "cv": [(np.arange(9), np.arange(9, 20))]},
            ValueError,
            "cv must be a partition: .* Row 0 is in 0",
        ),
        (
            {
                "method": "cross",
                "cv": [
                    (np.arange(75), np.arange(75)),
                    (np.arange(75), np.arange(75, 150)),
                ],
            },
            ValueError,
            "fold 0 trains on 75 of its own test rows",
        ),
        ({"method": "cross", "cv": GroupKFold(2)}, ValueError, "cv=GroupKFold.*groups"),
        ({"method": "cross", "cv": StratifiedKFold(2)}, ValueError, "Stratified.*y of"),
        (
            {"method": "cross", "cv": [(np.arange(3), np.array([170]))]},
            ValueError,
            "doesn't split 150 rows.*170 is out of bounds",
        ),
    ],
)
def test_refused_by_fit(X, parameters, error, says):
    X[7, 0] = -10.0
    given = {"estimator": Distance(), "calibration_size": 140, **parameters}
    with pytest.raises(error, match=says):
        ConformalOutlierDetector(random_state=0, **given).fit(X)


def test_weights_refused(X):
    with pytest.raises(ValueError, match=r"At least 2 rows.*1 has"):
        ConformalOutlierDetector(Distance()).fit(X, sample_weight=np.eye(150)[0])
    with pytest.raises(ValueError, match=r"Unweighted\.fit takes none"):
        ConformalOutlierDetector(Unweighted()).fit(X, sample_weight=np.ones(150))


def test_questions_without_an_answer(X):
    cross = ConformalOutlierDetector(Distance(), method="cross").fit(X)
    shifted = ConformalOutlierDetector(Distance(), covariate_shift="auto").fit(X)
    for detector in (cross, shifted):
        with pytest.raises(ValueError, match="fdp_bound needs method='split'"):
            detector.fdp_bound(NEW)
        assert not hasattr(cross, "offset_")
    with pytest.raises(ValueError, match=r"pruning.*'none'"):
        shifted.select(NEW, pruning="none")
    with pytest.raises(ValueError, match="both or neither"):
        conformal_p_values([0.0], [1.0], weight=[1.0])
    later = ConformalOutlierDetector(Distance()).fit(X)
    with pytest.raises(ValueError, match="covariate_shift='auto' was set after fit"):
        later.set_params(covariate_shift="auto").p_values(NEW)
    with pytest.raises(ValueError, match="method='split'"):
        cross.set_params(covariate_shift="auto").predict(NEW)
    shifted.set_params(covariate_shift=lambda rows: -np.ones(len(rows)))
    with pytest.raises(ValueError, match=r"^covariate_shift of the .*rows\[0\] is -1"):
        shifted.p_values(NEW)
    for name in ("weight", "calibration_weight"):
        given = {"weight": [1.0], "calibration_weight": [1.0], name: [-2.0]}
        with pytest.raises(ValueError, match=rf"^{name}\[0\] is -2"):
            conformal_p_values([0.0], [1.0], **given)
    with pytest.raises(ValueError, match=r"scores\[1\] is NaN"):
        conformal_p_values([0.0, np.nan], [1.0])
    with pytest.raises(ValueError, match=r"ties.*'half'"):
        conformal_p_values([0.0], [1.0], ties="half")
