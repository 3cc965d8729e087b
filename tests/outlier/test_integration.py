"""The detector among scikit-learn's tools: tables, pipelines, searches, threads."""

import pickle
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import clone, is_outlier_detector
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.metrics import get_scorer, roc_auc_score
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_val_predict,
    cross_val_score,
    cross_validate,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_gen.compose import GenerativePipeline, make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.model_selection import (
    cross_val_score_samples,
    excess_mass_auc,
    mass_volume_auc,
)
from sklearn_gen.outlier import DensityOutlierDetector

N_ROWS, N_OUTLIERS = 300, 30
FOLDS = StratifiedKFold(3, shuffle=True, random_state=0)

# One-hot columns are constant given one another, and repeat: both are said.
pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn_gen.base.DegenerateDataWarning",
    "ignore::sklearn_gen.base.DiscreteColumnWarning",
)


@pytest.fixture(scope="module")
def table():
    """Two numbers with gaps and a category, and labels: -1 for outliers."""
    rng = np.random.default_rng(0)
    y = np.ones(N_ROWS, dtype=int)
    y[rng.choice(N_ROWS, N_OUTLIERS, replace=False)] = -1
    out = y == -1
    amount = rng.normal(100.0, 10.0, N_ROWS) + 45.0 * out
    X = pd.DataFrame(
        {
            "amount": amount,
            "fee": 0.05 * amount + rng.normal(0.0, 0.3, N_ROWS) - 3.0 * out,
            "service": np.where(
                out & (rng.random(N_ROWS) < 0.5), "rare", rng.choice(["a", "b"], N_ROWS)
            ),
        },
        index=np.arange(N_ROWS) + 5000,
    )
    X.loc[X.index[::11], "fee"] = np.nan
    return X, y


@pytest.fixture(scope="module")
def numbers(table):
    return table[0][["amount", "fee"]], table[1]


def columns():
    return ColumnTransformer(
        [
            ("numbers", StandardScaler(), make_column_selector(dtype_include="number")),
            (
                "categories",
                OneHotEncoder(sparse_output=False, handle_unknown="ignore"),
                ["service"],
            ),
        ]
    )


def mixture(n_components=1):
    return GaussianMixture(n_components, reg_covar=1e-2, random_state=0)


def mixed_table_pipeline():
    return Pipeline(
        [("columns", columns()), ("detector", DensityOutlierDetector(mixture()))]
    )


# ---- pipelines ----


def test_a_table_with_categories_and_gaps(table):
    X, y = table
    pipeline = mixed_table_pipeline().set_params(detector__contamination=0.1).fit(X)
    assert is_outlier_detector(pipeline)
    labels = pipeline.predict(X)
    assert set(labels) == {-1, 1}
    assert np.sum(labels == -1) == N_OUTLIERS
    assert_array_equal(pipeline.fit_predict(X), labels)
    assert roc_auc_score(y, pipeline.decision_function(X)) > 0.97
    complete = X.notna().all(axis=1)
    assert_allclose(
        pipeline.decision_function(X)[complete],
        (pipeline.score_samples(X) - pipeline["detector"].offset_)[complete],
    )
    # Gaps reach the detector: a row is judged by what is there.
    gap = X["fee"].isna().to_numpy()
    assert np.isnan(pipeline["columns"].transform(X)).any(axis=1)[gap].all()
    assert np.isfinite(pipeline.score_samples(X)[gap]).all()
    unseen = X.iloc[:2].assign(service="new")
    assert np.isfinite(pipeline.decision_function(unseen)).all()


def test_set_output_names_the_columns(table):
    X, _ = table
    pipeline = mixed_table_pipeline().set_output(transform="pandas").fit(X)
    names = ["numbers__amount", "numbers__fee"]
    names += [f"categories__service_{level}" for level in ("a", "b", "rare")]
    detector = pipeline["detector"]
    assert list(detector.feature_names_in_) == names
    encoded = pipeline["columns"].transform(X.iloc[:7])
    contributions = detector.explain(encoded)
    assert list(contributions.columns) == names
    assert list(contributions.index) == list(X.index[:7])
    plain = mixed_table_pipeline().fit(X)
    assert_allclose(pipeline.score_samples(X), plain.score_samples(X))


def test_before_and_inside_differ_by_the_jacobian_only(numbers):
    X, _ = numbers
    before = make_pipeline(StandardScaler(), DensityOutlierDetector(mixture())).fit(X)
    inside = DensityOutlierDetector(
        make_generative_pipeline(StandardScaler(), mixture())
    ).fit(X)
    # So decisions are the same; for rows without gaps the difference is one number.
    complete = X.notna().all(axis=1).to_numpy()
    difference = before.score_samples(X) - inside.score_samples(X)
    scale = before[0].scale_
    assert_allclose(difference[complete], np.log(scale).sum(), rtol=1e-9)
    assert_allclose(difference[~complete], np.log(scale[0]), rtol=1e-9)


def test_weights_through_a_pipeline(table):
    X, _ = table
    weight = np.random.default_rng(0).integers(0, 3, N_ROWS)
    weighted = mixed_table_pipeline()
    weighted[0].set_params(numbers="passthrough")
    repeated = clone(weighted).fit(X.loc[X.index.repeat(weight)])
    weighted.fit(X, detector__sample_weight=weight)
    assert_allclose(weighted.decision_function(X), repeated.decision_function(X))


def test_clone_and_pickle(table):
    X, _ = table
    pipeline = mixed_table_pipeline().fit(X)
    assert_array_equal(clone(pipeline).fit(X).predict(X), pipeline.predict(X))
    loaded = pickle.loads(pickle.dumps(pipeline))
    assert_array_equal(loaded.decision_function(X), pipeline.decision_function(X))


def test_nested_parameters():
    detector = DensityOutlierDetector(
        GenerativePipeline([("scaler", StandardScaler()), ("model", mixture())])
    )
    pipeline = Pipeline([("columns", columns()), ("detector", detector)])
    pipeline.set_params(
        detector__contamination=0.02,
        detector__estimator__model__n_components=4,
        columns__numbers__with_mean=False,
    )
    assert detector.contamination == 0.02
    assert detector.estimator["model"].n_components == 4
    assert detector.get_params()["estimator__model__n_components"] == 4
    with pytest.raises(ValueError, match="Invalid parameter 'n_parts'"):
        pipeline.set_params(detector__estimator__model__n_parts=2)


# ---- scores with labels ----


def test_scikit_learns_scorers_expect_labels_of_one_for_inliers(numbers):
    X, y = numbers
    detector = DensityOutlierDetector(mixture()).fit(X)
    decision = detector.decision_function(X)
    roc_auc = get_scorer("roc_auc")
    assert roc_auc(detector, X, y) == roc_auc_score(y, decision) > 0.97
    # 1 = outlier, as elsewhere, turns the area around.
    assert roc_auc(detector, X, (y == -1).astype(int)) == pytest.approx(
        1 - roc_auc_score(y, decision)
    )
    assert get_scorer("accuracy")(detector, X, y) == np.mean(detector.predict(X) == y)


@pytest.mark.parametrize("scoring", ["roc_auc", "average_precision", "f1"])
def test_searches_with_labels(table, scoring):
    X, y = table
    search = GridSearchCV(
        mixed_table_pipeline(),
        {
            "detector__estimator__n_components": [1, 3],
            "detector__contamination": ["auto", 0.05],
            "columns__numbers": [StandardScaler(), "passthrough"],
        },
        scoring=scoring,
        cv=FOLDS,
        error_score="raise",
    ).fit(X, y)
    assert search.best_score_ > 0.9
    assert_array_equal(search.predict(X), search.best_estimator_.predict(X))
    assert_allclose(
        search.decision_function(X), search.best_estimator_.decision_function(X)
    )


def test_the_default_detector_behind_encoders(table):
    X, y = table
    pipeline = Pipeline(
        [("columns", columns()), ("detector", DensityOutlierDetector(random_state=0))]
    )
    search = GridSearchCV(
        pipeline,
        {"detector__regime": ["contaminated", "novelty"]},
        scoring="roc_auc",
        cv=FOLDS,
        error_score="raise",
    ).fit(X, y)
    assert (search.cv_results_["mean_test_score"] > 0.8).all()
    assert search.predict(X).shape == (N_ROWS,)
    assert np.isfinite(search.score_samples(X)).all()
    again = clone(search.best_estimator_).fit(X)
    assert_array_equal(again.score_samples(X), search.score_samples(X))


# ---- scores without ----


@pytest.mark.parametrize(
    "scoring",
    [excess_mass_auc, mass_volume_auc, partial(mass_volume_auc, mass=(0.7, 0.9))],
)
def test_searches_without_labels(numbers, scoring):
    X = numbers[0][numbers[1] == 1]
    search = GridSearchCV(
        make_pipeline(StandardScaler(), DensityOutlierDetector()),
        {
            "densityoutlierdetector__estimator": [
                GaussianMixture(covariance_type="spherical"),
                mixture(),
            ]
        },
        scoring=scoring,
        cv=3,
        error_score="raise",
    ).fit(X)
    # The two numbers hang together.
    best = search.best_params_["densityoutlierdetector__estimator"]
    assert best.covariance_type == "full"


def test_a_search_inside_the_detector(numbers):
    X, y = numbers
    search = GridSearchCV(mixture(), {"n_components": [1, 2]}, cv=3)
    detector = DensityOutlierDetector(search).fit(X)
    assert roc_auc_score(y, detector.decision_function(X)) > 0.95
    assert detector.estimator_.best_params_["n_components"] in {1, 2}


@pytest.mark.parametrize("scoring", [excess_mass_auc, mass_volume_auc])
def test_tables_with_categories_have_level_sets(table, scoring):
    X, y = table
    X = X[y == 1]
    search = GridSearchCV(
        mixed_table_pipeline(),
        {"columns__numbers": [StandardScaler(), "drop"]},
        scoring=scoring,
        cv=3,
        error_score="raise",
    ).fit(X)
    assert search.best_params_["columns__numbers"] != "drop"


def test_several_scores_at_a_time(numbers):
    X, y = numbers
    result = cross_validate(
        DensityOutlierDetector(mixture()),
        X,
        y,
        scoring={"auc": "roc_auc", "em": excess_mass_auc, "mv": mass_volume_auc},
        cv=FOLDS,
        error_score="raise",
    )
    assert (result["test_auc"] > 0.95).all()
    assert (result["test_em"] > 0).all()
    assert (result["test_mv"] < 0).all()


# ---- out of fold, and threads ----


@pytest.mark.parametrize("method", ["decision_function", "predict"])
def test_out_of_fold(table, method):
    X, y = table
    pipeline = mixed_table_pipeline()
    # Labels go to the splitter alone: with y, cross_val_predict looks for classes_,
    # which scikit-learn's own detectors don't have either.
    splits = list(FOLDS.split(X, y))
    found = cross_val_predict(pipeline, X, cv=splits, method=method)
    for train, test in splits:
        fitted = clone(pipeline).fit(X.iloc[train])
        assert_allclose(found[test], getattr(fitted, method)(X.iloc[test]))
    assert roc_auc_score(y, found) > 0.8


def test_out_of_fold_densities(numbers):
    X, y = numbers
    detector = DensityOutlierDetector(mixture())
    # scikit-learn's cross_val_predict knows no score_samples.
    found = cross_val_score_samples(detector, X, y, cv=FOLDS)
    train, test = next(FOLDS.split(X, y))
    fitted = clone(detector).fit(X.iloc[train])
    assert_allclose(found[test], fitted.score_samples(X.iloc[test]))


def test_parallel_searches(numbers):
    X, y = numbers
    detector = DensityOutlierDetector(mixture())

    def areas(n_jobs):
        return cross_val_score(
            detector, X, y, cv=FOLDS, scoring="roc_auc", n_jobs=n_jobs
        )

    with joblib.parallel_backend("threading"):
        assert_array_equal(areas(2), areas(1))


def test_random_search_in_threads_is_that_of_one_thread(numbers):
    X, _ = numbers

    def chosen(n_jobs):
        search = RandomizedSearchCV(
            DensityOutlierDetector(mixture()),
            {"estimator__n_components": range(1, 5)},
            n_iter=3,
            scoring=excess_mass_auc,
            random_state=0,
            n_jobs=n_jobs,
            cv=3,
        )
        with joblib.parallel_backend("threading"):
            return search.fit(X).cv_results_["mean_test_score"]

    assert_array_equal(chosen(2), chosen(1))
