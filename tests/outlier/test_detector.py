import pickle
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import BaseEstimator, clone
from sklearn.callback import FitCallback
from sklearn.ensemble import IsolationForest
from sklearn.exceptions import NotFittedError
from sklearn.mixture import GaussianMixture as SklearnGaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_gen.base import DiscreteColumnWarning
from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.outlier import DensityOutlierDetector


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 3)) @ np.array([[2.0, 1.0, 0.0], [0, 1, 3], [0, 0, 1]])
    return pd.DataFrame(X + 5.0, columns=["a", "b", "c"], index=np.arange(200) + 1000)


# The registry in tests/models.py has the default; here are the other kinds of insides.
@parametrize_with_checks(
    [
        DensityOutlierDetector(KernelDensity(bandwidth=0.5)),
        DensityOutlierDetector(
            make_generative_pipeline(StandardScaler(), GaussianMixture())
        ),
    ]
)
def test_sklearn_checks(estimator, check):
    check(estimator)


# ---- thresholds and predictions ----


def test_defaults_of_the_regimes(table):
    robust = DensityOutlierDetector(random_state=3, n_jobs=2).fit(table)
    assert repr(robust.estimator_) == "RobustGaussianMixture(n_jobs=2, random_state=3)"
    flexible = DensityOutlierDetector(regime="novelty", random_state=3).fit(table)
    assert repr(flexible.estimator_) == "AdaptiveKernelDensity(random_state=3)"


@pytest.mark.parametrize("regime", ["contaminated", "novelty"])
def test_units_do_not_matter(table, regime):
    units = np.array([1e-4, 1.0, 1e5])
    one = DensityOutlierDetector(regime=regime, random_state=0).fit(table)
    other = DensityOutlierDetector(regime=regime, random_state=0).fit(table * units)
    assert_array_equal(one.predict(table), other.predict(table * units))
    assert_allclose(
        one.decision_function(table), other.decision_function(table * units), atol=1e-6
    )


def test_the_robust_default_is_not_bent_by_a_group_of_outliers():
    rng = np.random.default_rng(0)
    group = rng.normal(7, 0.2, (40, 3))
    X = np.r_[rng.normal(size=(460, 3)), group]
    robust = DensityOutlierDetector(contamination=0.08, random_state=0).fit(X)
    assert (robust.predict(group) == -1).all()
    clean = DensityOutlierDetector(regime="novelty", random_state=0).fit(X)
    assert (clean.predict(group) == 1).mean() > 0.8


@pytest.mark.parametrize(
    ("contamination", "expected"), [("auto", 20), (0.1, 20), (0.05, 10), (0.5, 100)]
)
def test_contamination_is_the_share_of_training_rows(table, contamination, expected):
    detector = DensityOutlierDetector(contamination=contamination, random_state=0).fit(
        table
    )
    labels = detector.predict(table)
    assert labels.dtype.kind == "i"
    assert np.sum(labels == -1) == expected
    assert_array_equal(labels == -1, detector.decision_function(table) < 0)
    assert_allclose(
        detector.decision_function(table),
        detector.score_samples(table) - detector.offset_,
    )
    assert_array_equal(clone(detector).fit_predict(table), labels)


def test_auto_uses_the_inner_models_own_offset(table):
    forest = IsolationForest(random_state=0)
    detector = DensityOutlierDetector(forest).fit(table)
    assert detector.offset_ == clone(forest).fit(table).offset_ == -0.5
    share = DensityOutlierDetector(forest, contamination=0.2).fit(table)
    assert np.sum(share.predict(table) == -1) == 40


def test_weights_equal_repeats_in_density_and_threshold(table):
    weight = np.random.default_rng(1).integers(0, 4, len(table))
    weighted = DensityOutlierDetector(random_state=0).fit(table, sample_weight=weight)
    repeated = DensityOutlierDetector(random_state=0).fit(
        table.loc[table.index.repeat(weight)]
    )
    assert weighted.offset_ == pytest.approx(repeated.offset_, rel=1e-10)
    assert_allclose(
        weighted.decision_function(table), repeated.decision_function(table), rtol=1e-8
    )


def test_weights_reach_every_step_of_a_pipeline_that_takes_them(table):
    weight = np.random.default_rng(1).integers(0, 4, len(table)).astype(float)
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture())
    inner = DensityOutlierDetector(pipeline).fit(table, sample_weight=weight).estimator_
    kept = np.average(table.to_numpy(), axis=0, weights=weight)
    assert_allclose(inner[0].mean_, kept)
    assert_allclose(inner[-1].means_, 0.0, atol=1e-12)


def test_weights_follow_metadata_routing(table):
    weight = np.tile([1.0, 0.0], 100)
    with config_context(enable_metadata_routing=True):
        asked = GaussianMixture().set_fit_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=False)
        detector = DensityOutlierDetector(make_generative_pipeline(scaler, asked))
        inner = detector.fit(table, sample_weight=weight).estimator_
    assert_allclose(inner[0].mean_, table.mean())
    expected = (table.iloc[::2].mean() - table.mean()) / table.std(ddof=0)
    assert_allclose(inner[-1].means_[0], expected)


def test_weights_pass_through_a_search(table):
    weight = np.tile([1.0, 0.0], 100)
    search = GridSearchCV(GaussianMixture(), {"covariance_type": ["full"]}, cv=2)
    detector = DensityOutlierDetector(search).fit(table, sample_weight=weight)
    expected = table.iloc[::2].mean()
    assert_allclose(detector.estimator_.best_estimator_.means_[0], expected)


def test_weights_pass_through_a_search_over_a_pipeline(table):
    weight = np.tile([1.0, 0.0], 100)
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture())
    search = GridSearchCV(pipeline, {"gaussianmixture__n_components": [1]}, cv=2)
    expected = table.iloc[::2].mean()
    nested = make_generative_pipeline("passthrough", search)
    for density in (search, nested):
        detector = DensityOutlierDetector(density).fit(table, sample_weight=weight)
        fitted = detector.estimator_
        fitted = fitted if density is search else fitted[-1]
        assert_allclose(fitted.best_estimator_[0].mean_, expected)
        assert_allclose(fitted.best_estimator_[-1].means_, 0.0, atol=1e-12)


def test_scores_are_those_of_the_inner_model(table):
    pipeline = make_generative_pipeline(
        PowerTransformer(), GaussianMixture(2, random_state=0)
    )
    detector = DensityOutlierDetector(pipeline).fit(table)
    expected = clone(pipeline).fit(table).score_samples(table)
    assert_array_equal(detector.score_samples(table), expected)


@pytest.mark.parametrize("container", [np.asarray, pd.DataFrame, pl.DataFrame])
def test_containers(table, container):
    rows = container(table)
    expected = DensityOutlierDetector(random_state=0).fit(table.to_numpy())
    detector = DensityOutlierDetector(random_state=0).fit(rows)
    assert_array_equal(detector.predict(rows), expected.predict(table.to_numpy()))
    assert detector.n_features_in_ == 3
    named = hasattr(detector, "feature_names_in_")
    assert named == (container is not np.asarray)


def test_missing_cells_flow_through_the_default(table):
    gaps = table.mask(np.random.default_rng(2).uniform(size=table.shape) < 0.2)
    detector = DensityOutlierDetector(random_state=0).fit(gaps)
    assert np.isfinite(detector.decision_function(gaps)).all()
    assert set(detector.predict(gaps)) == {-1, 1}


def test_density_kind_and_tags_follow_the_inner_model(table):
    assert DensityOutlierDetector(random_state=0).density_kind == "exact"
    assert DensityOutlierDetector(random_state=0).fit(table).density_kind == "exact"
    assert get_tags(DensityOutlierDetector(random_state=0)).input_tags.allow_nan
    assert (
        get_tags(DensityOutlierDetector(random_state=0)).estimator_type
        == "outlier_detector"
    )
    kernel = DensityOutlierDetector(KernelDensity())
    assert not get_tags(kernel).input_tags.allow_nan


def test_density_kind_is_declared_or_known(table):
    class Bound(GaussianMixture):
        density_kind = "lower_bound"

    assert DensityOutlierDetector(Bound()).density_kind == "lower_bound"
    search = DensityOutlierDetector(GridSearchCV(Bound(), {}, cv=2))
    assert search.density_kind == "lower_bound"
    assert search.fit(table).density_kind == "lower_bound"
    for theirs in (KernelDensity(), SklearnGaussianMixture()):
        assert DensityOutlierDetector(theirs).density_kind == "exact"

    class Unknown(KernelDensity):
        pass

    with pytest.raises(AttributeError, match="Unknown, doesn't declare density_kind"):
        _ = DensityOutlierDetector(Unknown()).density_kind


def test_a_search_over_the_inner_parameters(table):
    search = GridSearchCV(
        DensityOutlierDetector(GaussianMixture(random_state=0)),
        {"estimator__n_components": [1, 2]},
        scoring=lambda detector, X, y=None: detector.score_samples(X).mean(),
        cv=3,
    ).fit(table)
    assert set(search.predict(table)) == {-1, 1}


def test_pickle(table):
    detector = DensityOutlierDetector(random_state=0).fit(table)
    again = pickle.loads(pickle.dumps(detector))
    assert_array_equal(
        again.decision_function(table), detector.decision_function(table)
    )


def test_nothing_given_is_changed(table):
    inner = GaussianMixture()
    detector = DensityOutlierDetector(inner)
    before = table.copy()
    detector.fit(table).explain(table)
    assert detector.estimator is inner
    assert not hasattr(inner, "means_")
    pd.testing.assert_frame_equal(table, before)


class Recorder(FitCallback):
    max_propagation_depth = None

    def __init__(self):
        self.seen = []

    def setup(self, estimator, context):
        self.seen.append(("setup", type(estimator).__name__))

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        self.seen.append((context.task_name, type(estimator).__name__))

    def teardown(self, estimator, context):
        self.seen.append(("teardown", type(estimator).__name__))


def test_callbacks_reach_the_inner_model(table):
    recorder = Recorder()
    detector = DensityOutlierDetector(GaussianMixture(2, random_state=0))
    detector.set_callbacks(recorder).fit(table)
    assert recorder.seen[0] == ("setup", "DensityOutlierDetector")
    assert recorder.seen[-1] == ("teardown", "DensityOutlierDetector")
    inner = [name for name, owner in recorder.seen if owner == "GaussianMixture"]
    assert len(inner) > 1  # one end per iteration
    assert not [name for name in vars(detector.estimator_) if "callback" in name]


# ---- errors ----


class ScoresNothing(BaseEstimator):
    """Gives most training rows no density at all."""

    def fit(self, X, y=None):
        self.fitted_ = True
        return self

    def score_samples(self, X):
        return np.r_[0.0, np.full(len(X) - 1, -np.inf)]


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (StandardScaler(), "without score_samples"),
        ("gaussian", "'gaussian' without fit and score_samples"),
        (GaussianMixture, "a class"),
        (
            make_pipeline(StandardScaler(), KernelDensity()),
            "Use make_generative_pipeline",
        ),
        (
            GridSearchCV(make_pipeline(StandardScaler(), KernelDensity()), {}, cv=2),
            "Use make_generative_pipeline",
        ),
        (
            make_generative_pipeline(
                StandardScaler(), make_pipeline(StandardScaler(), KernelDensity())
            ),
            "Use make_generative_pipeline",
        ),
    ],
)
def test_what_is_no_density_is_refused(table, estimator, message):
    with pytest.raises(TypeError, match=message):
        DensityOutlierDetector(estimator).fit(table)


def test_a_pipeline_that_changes_nothing_is_a_density(table):
    detector = DensityOutlierDetector(make_pipeline("passthrough", GaussianMixture()))
    expected = DensityOutlierDetector(GaussianMixture()).fit(table)
    assert_array_equal(
        detector.fit(table).score_samples(table), expected.score_samples(table)
    )


def test_repeated_values_need_no_warning(table):
    with warnings.catch_warnings():
        warnings.simplefilter("error", DiscreteColumnWarning)
        DensityOutlierDetector(random_state=0).fit(table.round())


@pytest.mark.parametrize("contamination", [0, 0.0, -0.1, 0.6, "often", None, np.nan])
def test_contamination_outside_its_range_is_refused(table, contamination):
    with pytest.raises(ValueError, match="contamination"):
        DensityOutlierDetector(contamination=contamination, random_state=0).fit(table)


def test_errors_of_fit(table):
    with pytest.raises(ValueError, match=r"ScoresNothing\.fit takes none"):
        DensityOutlierDetector(ScoresNothing()).fit(table, sample_weight=np.ones(200))
    with pytest.raises(ValueError, match=r"ScoresNothing\.fit takes none"):
        DensityOutlierDetector(
            make_generative_pipeline(StandardScaler(), ScoresNothing())
        ).fit(table, sample_weight=np.ones(200))
    with pytest.raises(ValueError, match=r"ScoresNothing\.fit takes none"):
        DensityOutlierDetector(
            GridSearchCV(
                make_generative_pipeline(StandardScaler(), ScoresNothing()), {}
            )
        ).fit(table, sample_weight=np.ones(200))
    with pytest.raises(ValueError, match="199 of 200 training rows"):
        DensityOutlierDetector(ScoresNothing()).fit(table)
    with pytest.raises(ValueError, match=r"sample_weight\[0\] is -1.0"):
        DensityOutlierDetector(random_state=0).fit(
            table, sample_weight=np.full(200, -1.0)
        )
    with pytest.raises(ValueError, match=r"infinity \(column 'b', row 3\)"):
        DensityOutlierDetector(random_state=0).fit(
            table.assign(b=np.where(np.arange(200) == 3, np.inf, 0))
        )
    with pytest.raises(
        ValueError, match=r"'b' has dtype .*needs numeric.*TableMixture"
    ):
        DensityOutlierDetector(random_state=0).fit(table.assign(b="x"))


def test_a_failed_fit_keeps_the_earlier_one(table):
    detector = DensityOutlierDetector(random_state=0).fit(table)
    scores = detector.decision_function(table)
    with pytest.raises(ValueError, match="infinity"):
        detector.fit(np.full((5, 2), np.inf))
    assert detector.n_features_in_ == 3
    assert_array_equal(detector.decision_function(table), scores)


@pytest.mark.parametrize(
    "method", ["predict", "decision_function", "score_samples", "explain"]
)
def test_errors_of_scoring(table, method):
    with pytest.raises(NotFittedError, match="DensityOutlierDetector"):
        getattr(DensityOutlierDetector(random_state=0), method)(table)
    detector = DensityOutlierDetector(random_state=0).fit(table)
    with pytest.raises(ValueError, match="feature names should match"):
        getattr(detector, method)(table[["b", "a", "c"]])
    with pytest.raises(ValueError, match="2 features, but DensityOutlierDetector"):
        getattr(detector, method)(table.to_numpy()[:, :2])
    with pytest.raises(ValueError, match="Reshape your data"):
        getattr(detector, method)(np.zeros(3))
