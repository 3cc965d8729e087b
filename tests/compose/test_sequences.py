"""Pipelines whose last step is a model of sequences, or a classifier of them."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sklearn_gen.compose import BijectiveTransformer, make_generative_pipeline
from sklearn_gen.hmm import GaussianHMM, SequenceClassifier


@pytest.fixture(scope="module")
def runs():
    """A frame of 30 runs of 20 rows, whose ids are a column."""
    groups = np.repeat(np.arange(30), 20)
    model = GaussianHMM.from_parameters(
        [0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], [[5, 4], [17.0, 16]], [[9, 1], [9, 1.0]]
    )
    frame = pd.DataFrame(
        model.sample(600, groups=groups, random_state=0), columns=["a", "b"]
    )
    frame.insert(1, "run", groups)
    return frame


@pytest.fixture(scope="module", params=["column", "beside"])
def scaled(request, runs):
    """A model of the bare columns; the same behind a scaler; what its methods take."""
    bare = GaussianHMM(2, random_state=0)
    bare.fit(runs[["a", "b"]], groups=runs["run"])
    column = "run" if request.param == "column" else None
    pipeline = make_generative_pipeline(
        StandardScaler(), GaussianHMM(2, random_state=0, group_column=column)
    )
    if column:
        return bare, pipeline.fit(runs), runs, {}
    X, ids = runs[["a", "b"]], {"groups": runs["run"]}
    return bare, pipeline.fit(X, **ids), X, ids


def beside(runs):
    return runs[["a", "b"]], {"groups": runs["run"]}


def test_sequences_score_as_without_a_scaler(runs, scaled):
    bare, pipeline, table, ids = scaled
    X, groups = beside(runs)
    np.testing.assert_allclose(
        pipeline.score_sequences(table, **ids),
        bare.score_sequences(X, **groups),
        rtol=1e-5,
    )
    np.testing.assert_allclose(
        pipeline.score_samples(table, **ids), bare.score_samples(X, **groups), rtol=1e-5
    )
    weight = np.linspace(0.0, 1.0, 30)
    for name in ("score", "bic", "aic"):
        for weights in ({}, {"sequence_weight": weight}):
            got = getattr(pipeline, name)(table, **ids, **weights)
            expected = getattr(bare, name)(X, **groups, **weights)
            assert got == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("k", [1, 3])
def test_paths(runs, scaled, k):
    bare, pipeline, table, ids = scaled
    X, groups = beside(runs)
    log_prob, states = pipeline.decode(table, k=k, **ids)
    expected, paths = bare.decode(X, k=k, **groups)
    np.testing.assert_allclose(log_prob, expected, rtol=1e-5)
    np.testing.assert_array_equal(states, paths)
    np.testing.assert_array_equal(
        pipeline.sample_states(table, random_state=0, **ids),
        bare.sample_states(X, random_state=0, **groups),
    )


def test_forecasts_behind_scalers_are_exact(runs, scaled):
    bare, pipeline, table, ids = scaled
    X, groups = beside(runs)
    got, expected = pipeline.forecast(table, 3, **ids), bare.forecast(X, 3, **groups)
    assert got.exact
    assert expected.exact
    assert got.steps == 3
    np.testing.assert_array_equal(got.groups, expected.groups)
    np.testing.assert_allclose(got.state_proba, expected.state_proba, rtol=1e-4)
    pd.testing.assert_frame_equal(got.mean(), expected.mean(), rtol=1e-5)
    pd.testing.assert_frame_equal(got.quantile(0.1), expected.quantile(0.1), rtol=1e-5)
    drawn = got.sample(2, random_state=0)
    pd.testing.assert_frame_equal(drawn, expected.sample(2, random_state=0), rtol=1e-4)
    came = table[:90]
    np.testing.assert_allclose(
        got.score_samples(came), expected.score_samples(X[:90]), rtol=1e-4
    )
    np.testing.assert_allclose(
        got.score_samples(came, at=4), expected.score_samples(X[:90], at=4), rtol=1e-4
    )


def test_forecasts_behind_other_transformers_are_of_draws(runs):
    """A rotation keeps the model; 2000 draws: four standard errors are 0.6 and 1.4."""
    X, groups = beside(runs)
    model = GaussianHMM(2, covariance_type="full", random_state=0)
    expected = model.fit(X, **groups).forecast(X, 2, **groups)
    pipeline = make_generative_pipeline(PCA(), clone(model)).fit(X, **groups)
    got = pipeline.forecast(X, 2, **groups)
    assert not got.exact
    np.testing.assert_allclose(got.mean(), expected.mean(), atol=0.6)
    np.testing.assert_allclose(got.quantile(0.2), expected.quantile(0.2), atol=1.4)
    np.testing.assert_allclose(
        got.score_samples(X[:60]), expected.score_samples(X[:60]), rtol=1e-4
    )
    pd.testing.assert_frame_equal(got.mean(), got.mean())
    with pytest.raises(ValueError, match="q must be between 0 and 1"):
        got.quantile(1.0)


def minus_log(x):
    return -np.log(x)


def test_rows_outside_the_domain_are_gaps_to_others():
    """The rows after an impossible one are scored as if nothing was seen there."""
    model = GaussianHMM.from_parameters(
        [0.5, 0.5], [[0.9, 0.1], [0.1, 0.9]], [[0.0], [3.0]], [[1.0], [1.0]]
    )
    X = np.exp(model.sample(60, random_state=0))
    log = BijectiveTransformer(np.log, np.exp, minus_log, input_range=(0.0, np.inf))
    pipeline = make_generative_pipeline(log, GaussianHMM(2, random_state=0)).fit(X)
    hole, gap = X.copy(), X.copy()
    hole[[20, 41]], gap[[20, 41]] = -1.0, np.nan
    groups = np.repeat([0, 1], 30)
    expected = pipeline.score_samples(gap, groups=groups)
    expected[[20, 41]] = -np.inf
    np.testing.assert_allclose(pipeline.score_samples(hole, groups=groups), expected)
    hole[41] = X[41]
    scores = pipeline.score_sequences(hole, groups=groups)
    whole = pipeline.score_sequences(X, groups=groups)
    np.testing.assert_allclose(scores, [-np.inf, whole[1]])
    np.testing.assert_array_equal(pipeline.score_sequences(-X), -np.inf)
    with pytest.raises(ValueError, match="lie outside the transformers' domain"):
        pipeline.decode(hole)


def test_missing_cells_are_drawn_given_the_whole_sequence(runs):
    """Complete rows go to the model, with ids beside the table or one sequence."""
    X = runs[["a", "b"]].to_numpy()
    gaps = X.copy()
    gaps[4::9] = np.nan
    bare = GaussianHMM(2, random_state=0)
    for groups in ({}, {"groups": runs["run"]}):
        pipeline = make_generative_pipeline(StandardScaler(), bare).fit(gaps, **groups)
        got = pipeline.sample_conditional(gaps, random_state=0, **groups)
        plain = GaussianHMM(2, random_state=0).fit(gaps, **groups)
        expected = plain.sample_conditional(gaps, random_state=0, **groups)
        np.testing.assert_allclose(got, expected, rtol=1e-3)


def test_ids_come_once(runs):
    pipeline = make_generative_pipeline(
        StandardScaler(), GaussianHMM(2, random_state=0, group_column="run")
    )
    pipeline.fit(runs, groups=runs["run"])  # as searches do, with metadata routing
    with pytest.raises(ValueError, match=r"group_column='run'.*give one"):
        pipeline.fit(runs, groups=np.zeros(600))
    with pytest.raises(ValueError, match=r"group_column='run'.*give one"):
        pipeline.score_sequences(runs, groups=np.zeros(600))


@pytest.fixture(scope="module")
def two_kinds(runs):
    """Runs that change level often, and those that do so rarely; label of each."""
    often = GaussianHMM.from_parameters(
        [0.5, 0.5], [[0.5, 0.5], [0.5, 0.5]], [[5, 4], [17.0, 16]], [[9, 1], [9, 1.0]]
    )
    table = runs.copy()
    table.loc[300:, ["a", "b"]] = often.sample(
        300, groups=runs["run"][300:], random_state=0
    )
    return table, np.repeat(["rare", "often"], 15)


@pytest.mark.parametrize("routing", [False, True])
def test_classes_of_scaled_sequences(two_kinds, routing):
    """A scaler inside or around a classifier changes nothing."""
    table, y = two_kinds
    X, groups = beside(table)
    model = GaussianHMM(2, random_state=0)
    bare = SequenceClassifier(model).fit(X, y, **groups)
    expected = bare.predict_log_proba(X, **groups)
    with config_context(enable_metadata_routing=routing):
        inside = SequenceClassifier(make_generative_pipeline(StandardScaler(), model))
        inside.fit(X, y, **groups)
        around = make_generative_pipeline(StandardScaler(), SequenceClassifier(model))
        around.fit(X, y, **groups)
        for classifier in (inside, around):
            found = classifier.predict_log_proba(X, **groups)
            np.testing.assert_allclose(found, expected, atol=1e-3)
            accuracy = classifier.score(X, y, **groups)
            assert accuracy == bare.score(X, y, **groups) > 0.8
            np.testing.assert_array_equal(
                classifier.predict(X, **groups), bare.predict(X, **groups)
            )


def test_searches_over_classifiers(two_kinds):
    table, y = two_kinds
    classifier = SequenceClassifier(GaussianHMM(random_state=0), group_column="run")
    search = GridSearchCV(
        make_generative_pipeline(StandardScaler(), classifier),
        {"sequenceclassifier__estimator__n_components": [1, 2]},
        cv=GroupKFold(3),
    ).fit(table, np.repeat(y, 20), groups=table["run"])
    assert search.best_params_["sequenceclassifier__estimator__n_components"] == 2
    assert search.score(table, y) > 0.8
    assert search.predict_log_proba(table).shape == (30, 2)


def test_no_methods_that_the_last_step_has_not():
    from sklearn_gen.mixture import GaussianMixture

    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture())
    for name in ("score_sequences", "decode", "forecast", "sample_states"):
        assert not hasattr(pipeline, name)
    assert not hasattr(make_generative_pipeline(StandardScaler(), PCA()), "decode")
    assert hasattr(
        make_generative_pipeline(
            make_pipeline(PowerTransformer(), StandardScaler()), GaussianHMM()
        ),
        "decode",
    )
