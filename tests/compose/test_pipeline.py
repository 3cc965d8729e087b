"""GenerativePipeline: comparable scores, forwarded methods, containers, searches."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from sklearn.base import clone
from sklearn.compose import ColumnTransformer, make_column_transformer
from sklearn.datasets import load_wine
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.utils import get_tags

from sklearn_gen.compose import (
    GenerativePipeline,
    log_abs_det_jacobian,
    make_generative_pipeline,
)
from sklearn_gen.mixture import GaussianMixture
from tests.compose.recorder import Recorder

WINE = load_wine().data[:, :4]
LINEAR = [
    "passthrough",
    None,
    StandardScaler(),
    MinMaxScaler((-1, 3)),
    MaxAbsScaler(),
    RobustScaler(unit_variance=True),
    PCA(),
    PCA(whiten=True),
    make_pipeline(MaxAbsScaler(), PCA(whiten=True), MinMaxScaler()),
    ColumnTransformer(
        [("pca", PCA(), [3, 0]), ("scale", StandardScaler(), [1])],
        remainder="passthrough",
    ),
]


def mixture(**params):
    """Three components from starting values, so that all scalers share the path."""
    return GaussianMixture(3, reg_covar=0.0, random_state=0, **params)


def starting_values(transformer):
    """Means, covariances and weights by class, in the transformed space."""
    labels = load_wine().target
    Z = (
        WINE
        if transformer in (None, "passthrough")
        else transformer.fit_transform(WINE)
    )
    groups = [Z[labels == k] for k in range(3)]
    return {
        "weights_init": np.bincount(labels) / len(labels),
        "means_init": np.array([g.mean(axis=0) for g in groups]),
        "precisions_init": np.array(
            [np.linalg.inv(np.cov(g, rowvar=False)) for g in groups]
        ),
    }


@pytest.mark.parametrize("transformer", LINEAR, ids=str)
def test_same_model_scores_identically_under_any_linear_preprocessing(transformer):
    plain = mixture(**starting_values(None)).fit(WINE)
    model = mixture(**starting_values(transformer))
    pipeline = make_generative_pipeline(transformer, model).fit(WINE)
    np.testing.assert_allclose(
        pipeline.score_samples(WINE), plain.score_samples(WINE), rtol=1e-9, atol=1e-9
    )
    assert pipeline.score(WINE) == pytest.approx(plain.score(WINE), abs=1e-9)
    assert pipeline.bic(WINE) == pytest.approx(plain.bic(WINE), rel=1e-11)
    assert pipeline.aic(WINE) == pytest.approx(plain.aic(WINE), rel=1e-11)
    np.testing.assert_allclose(
        pipeline.predict_proba(WINE), plain.predict_proba(WINE), atol=1e-9
    )
    assert (pipeline.predict(WINE) == plain.predict(WINE)).all()


def test_scikit_learn_pipeline_misranks_scalers_and_ours_does_not():
    X = load_wine().data
    ours, theirs = [], []
    for scaler in (MaxAbsScaler(), StandardScaler()):
        model = GaussianMixture(2, covariance_type="diag", random_state=0)
        theirs.append(cross_val_score(make_pipeline(scaler, model), X).mean())
        ours.append(cross_val_score(make_generative_pipeline(scaler, model), X).mean())
    assert theirs == pytest.approx([4.5, -21.2], abs=0.05)
    assert ours[0] == pytest.approx(ours[1], abs=0.01)


def test_score_is_the_weighted_mean():
    pipeline = make_generative_pipeline(PowerTransformer(), GaussianMixture()).fit(WINE)
    log_prob = pipeline.score_samples(WINE)
    weight = np.arange(len(WINE), dtype=float)
    assert pipeline.score(WINE) == pytest.approx(log_prob.mean())
    assert pipeline.score(WINE, None, weight) == pytest.approx(
        np.average(log_prob, weights=weight)
    )
    with pytest.raises(TypeError, match="metadata routing"):
        pipeline.score(WINE, colour="red")


def test_criteria_follow_from_the_density_of_the_input():
    pipeline = make_generative_pipeline(
        PowerTransformer(method="box-cox"), GaussianMixture(2, random_state=0)
    ).fit(WINE)
    n_parameters = pipeline[-1]._n_parameters()
    total = pipeline.score_samples(WINE).sum()
    n_rows = len(WINE)
    expected = -2 * total + n_parameters * np.log(n_rows)
    assert pipeline.bic(WINE) == pytest.approx(expected)
    assert pipeline.aic(WINE) == pytest.approx(-2 * total + 2 * n_parameters)
    weight = np.where(np.arange(n_rows) < 50, 2, 1)
    repeated = np.concatenate([WINE, WINE[:50]])
    assert pipeline.bic(WINE, weight) == pytest.approx(pipeline.bic(repeated))
    assert pipeline.bic(np.where(WINE.max() == WINE, -1.0, WINE)) == np.inf


def test_keywords_reach_the_steps():
    weight = np.linspace(1, 2, len(WINE))
    pipeline = make_generative_pipeline(StandardScaler(), Recorder(random_state=3))
    pipeline.fit(
        WINE, recorder__sample_weight=weight, standardscaler__sample_weight=weight
    )
    np.testing.assert_array_equal(pipeline[-1].weight_, weight)
    np.testing.assert_allclose(pipeline[0].mean_, np.average(WINE, 0, weights=weight))
    plain, shifted = pipeline.sample(5), pipeline.sample(5, shift=np.ones((5, 1)))
    np.testing.assert_allclose(shifted - plain, np.tile(pipeline[0].scale_, (5, 1)))
    with pytest.raises(ValueError, match="sample_weight"):
        pipeline.fit(WINE, sample_weight=weight)


def test_keywords_of_one_value_per_row_survive_redrawing():
    class Claims(Recorder):
        def interval_probability(self, lower, upper, X=None):
            return 0.5

    model = Claims(random_state=0)
    transformer = PowerTransformer(method="box-cox", standardize=False)
    pipeline = make_generative_pipeline(transformer, model).fit(WINE / WINE.max())
    lower, upper = pipeline._range().lower, pipeline._range().upper
    # Drawn about a third of the way to the bound: many are redrawn.
    middle = np.where(np.isfinite(lower), lower, upper) / 3
    shift = np.linspace(0.9, 1.1, 200)[:, None] * middle
    draws = pipeline.sample(200, shift=shift)
    assert draws.shape == (200, 4)
    assert np.isfinite(draws).all()


def test_metadata_routing():
    weight = np.linspace(1, 2, len(WINE))
    with sklearn.config_context(enable_metadata_routing=True):
        model = GaussianMixture(random_state=0)
        model.set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        pipeline = make_generative_pipeline(scaler, model)
        pipeline.fit(WINE, sample_weight=weight)
        np.testing.assert_allclose(
            pipeline[-1].means_[0],
            np.average(pipeline[:-1].transform(WINE), 0, weights=weight),
            atol=1e-12,
        )
        score = pipeline.score(WINE, sample_weight=weight)
        pipeline.predict(WINE)
    assert score == pytest.approx(
        np.average(pipeline.score_samples(WINE), weights=weight)
    )


def test_methods_exist_where_the_last_step_has_them():
    recorder = make_generative_pipeline(StandardScaler(), Recorder())
    everything = make_generative_pipeline(StandardScaler(), GaussianMixture())
    for name in ("predict", "predict_proba", "bic", "aic", "sample_conditional",
                 "fit_predict", "conditional_kind", "transform", "inverse_transform",
                 "decision_function"):  # fmt: skip
        assert not hasattr(recorder, name)
        expected = hasattr(GaussianMixture(), name)
        assert hasattr(everything, name) == expected
    for name in ("score_samples", "score", "sample", "density_kind"):
        assert hasattr(recorder, name)
    assert everything.density_kind == everything.conditional_kind == "exact"
    labels = clone(everything).fit_predict(WINE)
    assert labels.shape == (len(WINE),)


def test_tags():
    allows = make_generative_pipeline(None, StandardScaler(), GaussianMixture())
    rotates = make_generative_pipeline(PCA(), GaussianMixture())
    assert get_tags(allows).input_tags.allow_nan
    assert not get_tags(rotates).input_tags.allow_nan
    assert not get_tags(
        make_generative_pipeline(StandardScaler(), Recorder())
    ).input_tags.allow_nan
    assert get_tags(allows).estimator_type == "density_estimator"


@pytest.mark.parametrize("output", ["default", "pandas", "polars"])
@pytest.mark.parametrize("container", ["numpy", "pandas", "polars"])
def test_draws_come_in_the_container_that_fit_saw(container, output):
    names = ["acid", "ash", "b", "a"]
    X = {
        "numpy": WINE,
        "pandas": pd.DataFrame(WINE, columns=names, index=np.arange(len(WINE)) + 7),
        "polars": pl.DataFrame(WINE, schema=names),
    }[container]
    some = ["a", "ash"] if container != "numpy" else [3, 1]
    columns = make_column_transformer(
        (StandardScaler(), some), remainder=QuantileTransformer(n_quantiles=20)
    )
    pipeline = make_generative_pipeline(columns, GaussianMixture(2, random_state=0))
    pipeline.set_output(transform=output).fit(X)
    draws = pipeline.sample(6, random_state=0)
    assert type(draws) is type(X)
    assert draws.shape == (6, 4)
    missing = WINE[:8].copy()
    missing[::2, 1] = missing[1, 2:] = np.nan
    like = {
        "numpy": missing,
        "pandas": pd.DataFrame(missing, columns=names, index=np.arange(8) + 7),
        "polars": pl.DataFrame(missing, schema=names, nan_to_null=True),
    }[container]
    filled = pipeline.sample_conditional(like, random_state=0)
    assert type(filled) is type(X)
    values = np.asarray(filled)
    seen = ~np.isnan(missing)
    np.testing.assert_array_equal(values[seen], missing[seen])
    assert np.isfinite(values).all()
    if container != "numpy":
        assert list(draws.columns) == list(filled.columns) == names
        assert list(pipeline.feature_names_in_) == names
    if container == "pandas":
        assert list(filled.index) == list(like.index)
    assert pipeline.n_features_in_ == 4
    expected = np.cov(WINE, rowvar=False)
    found = np.cov(np.asarray(pipeline.sample(20_000, random_state=1)), rowvar=False)
    assert np.abs(found - expected).max() < 0.3 * np.abs(expected).max()


def test_draws_repeat_with_a_seed_and_leave_global_state_alone():
    for transformer in (StandardScaler(), PowerTransformer(method="box-cox")):
        pipeline = make_generative_pipeline(
            transformer, GaussianMixture(random_state=5)
        )
        pipeline.fit(WINE)
        state = np.random.get_state()[1].copy()
        first = pipeline.sample(50)
        np.testing.assert_array_equal(first, pipeline.sample(50))
        np.testing.assert_array_equal(
            pipeline.sample(9, random_state=1), pipeline.sample(9, random_state=1)
        )
        assert (np.random.get_state()[1] == state).all()
        rng = np.random.default_rng(0)
        a, b = (pipeline.sample(3, random_state=rng) for _ in range(2))
        assert (a != b).all()
        assert pipeline.sample().shape == (1, 4)
        for wrong in (0, 2.5):
            with pytest.raises(ValueError, match=r"gaussianmixture.*n_samples"):
                pipeline.sample(wrong)


def test_grid_search_over_scalers(tmp_path):
    pipeline = GenerativePipeline(
        [("scaler", StandardScaler()), ("model", GaussianMixture(random_state=0))],
        memory=str(tmp_path),
    )
    grid = {
        "scaler": [StandardScaler(), PowerTransformer(), "passthrough"],
        "model__n_components": [1, 2],
    }
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(WINE)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert isinstance(search.best_estimator_, GenerativePipeline)
    assert search.score(WINE) == search.best_estimator_.score(WINE)
    again = GridSearchCV(pipeline.set_params(memory=None), grid, cv=3).fit(WINE)
    np.testing.assert_array_equal(
        search.cv_results_["mean_test_score"], again.cv_results_["mean_test_score"]
    )


def test_clone_and_pickle():
    pipeline = make_generative_pipeline(
        PowerTransformer(), QuantileTransformer(n_quantiles=9), GaussianMixture()
    ).fit(WINE)
    assert not hasattr(clone(pipeline), "schema_")
    loaded = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(
        loaded.score_samples(WINE), pipeline.score_samples(WINE)
    )
    np.testing.assert_array_equal(
        loaded.sample(4, random_state=0), pipeline.sample(4, random_state=0)
    )


def test_nested_pipelines_and_slices():
    inner = make_generative_pipeline(PCA(), GaussianMixture(2, random_state=0))
    nested = make_generative_pipeline(StandardScaler(), inner).fit(WINE)
    flat = make_generative_pipeline(
        StandardScaler(), PCA(), GaussianMixture(2, random_state=0)
    ).fit(WINE)
    np.testing.assert_allclose(nested.score_samples(WINE), flat.score_samples(WINE))
    np.testing.assert_allclose(
        nested.sample(3, random_state=0), flat.sample(3, random_state=0)
    )
    transformers = flat[:-1]
    np.testing.assert_allclose(
        log_abs_det_jacobian(transformers, WINE)
        + flat[-1].score_samples(transformers.transform(WINE)),
        flat.score_samples(WINE),
    )
    rebuilt = GenerativePipeline(flat.steps)  # fitted steps, no fit of its own
    np.testing.assert_array_equal(rebuilt.score_samples(WINE), flat.score_samples(WINE))
    assert rebuilt.sample(2, random_state=0).shape == (2, 4)
    only = make_generative_pipeline(GaussianMixture()).fit(WINE)
    np.testing.assert_allclose(
        only.score_samples(WINE), GaussianMixture().fit(WINE).score_samples(WINE)
    )


def test_list_input_and_one_row():
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture())
    pipeline.fit(WINE.tolist())
    assert pipeline.score_samples(WINE[:1].tolist()).shape == (1,)
