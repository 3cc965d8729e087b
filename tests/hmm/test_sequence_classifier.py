"""One model per class of sequences: labels, ids, priors, searches."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import Bunch

from sklearn_gen.hmm import GaussianHMM, SequenceClassifier, groups_from_lengths


@pytest.fixture(scope="module")
def strokes():
    """Sixty sequences that rise or fall, of four to nine rows."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(4, 10, size=60)
    y = np.array(["fall", "rise"])[(rng.random(60) < 0.3).astype(int)]
    parts = [
        np.linspace(-2.0, 2.0, n) * (1 if label == "rise" else -1)
        for n, label in zip(lengths, y, strict=True)
    ]
    X = np.concatenate(parts)[:, None] + rng.normal(scale=1.2, size=(sum(lengths), 2))
    groups = groups_from_lengths(lengths)
    return Bunch(X=X, y=y, groups=groups, of_rows=y[groups])


@pytest.fixture
def model():
    return GaussianHMM(2, topology="linear", random_state=0)


def test_bayes_theorem_on_the_likelihoods_of_sequences(strokes, model):
    fitted = SequenceClassifier(model).fit(strokes.X, strokes.y, groups=strokes.groups)
    shares = np.array([(strokes.y == label).mean() for label in ("fall", "rise")])
    joint = np.empty((60, 2))
    for k, label in enumerate(("fall", "rise")):
        rows = strokes.of_rows == label
        own = clone(model).fit(strokes.X[rows], groups=strokes.groups[rows])
        joint[:, k] = own.score_sequences(strokes.X, groups=strokes.groups)
    joint += np.log(shares)
    given = {"X": strokes.X, "groups": strokes.groups}
    assert_allclose(fitted.predict_joint_log_proba(**given), joint, rtol=1e-10)
    expected = np.exp(joint) / np.exp(joint).sum(axis=1, keepdims=True)
    assert_allclose(fitted.predict_proba(**given), expected, rtol=1e-7, atol=1e-12)
    assert_allclose(np.exp(fitted.predict_log_proba(**given)), expected, atol=1e-12)
    labels = fitted.classes_[joint.argmax(axis=1)]
    assert_array_equal(fitted.predict(**given), labels)
    assert fitted.score(y=strokes.y, **given) == (labels == strokes.y).mean()
    assert fitted.score(y=strokes.of_rows, **given) == (labels == strokes.y).mean()
    assert fitted.score(y=strokes.y, **given) > 0.9
    one = strokes.groups == 7
    assert_array_equal(fitted.predict(strokes.X[one]), labels[[7]])


def test_labels_of_rows_or_sequences_and_ids_in_a_column(strokes, model):
    frame = pd.DataFrame(strokes.X, columns=["x", "y"])
    frame.insert(1, "stroke", [f"s{i}" for i in strokes.groups])
    beside = SequenceClassifier(model).fit(strokes.X, strokes.y, groups=strokes.groups)
    fits = [
        SequenceClassifier(model, group_column="stroke").fit(frame, strokes.of_rows),
        SequenceClassifier(model, group_column=-1, n_jobs=2).fit(
            np.c_[strokes.X, strokes.groups], strokes.y
        ),
    ]
    for fitted in fits:
        for ours, theirs in zip(fitted.estimators_, beside.estimators_, strict=True):
            assert_array_equal(ours.means_, theirs.means_)
    assert fits[0].score(frame, strokes.y) == beside.score(
        strokes.X, strokes.y, groups=strokes.groups
    )
    assert (fits[0].n_features_in_, list(fits[0].feature_names_in_)) == (2, ["x", "y"])
    with pytest.raises(ValueError, match="give one of them"):
        fits[0].predict(frame, groups=strokes.groups)


def test_pipelines_scale_all_but_the_ids(strokes, model):
    """In scikit-learn's own pipeline ids pass by the scaler."""
    X, cv = np.c_[strokes.groups, 100.0 * strokes.X], GroupKFold(3)
    scaler = make_column_transformer(("passthrough", [0]), (StandardScaler(), [1, 2]))
    column = make_pipeline(scaler, SequenceClassifier(model, group_column=0))
    scores = cross_val_score(column, X, strokes.of_rows, groups=strokes.groups, cv=cv)
    assert scores.min() > 0.8


def test_searches_both_ways(strokes, model):
    cv, grid = GroupKFold(3), {"estimator__n_components": [1, 2]}
    with config_context(enable_metadata_routing=True):
        routed = GridSearchCV(SequenceClassifier(model), grid, cv=cv)
        routed.fit(strokes.X, strokes.of_rows, groups=strokes.groups)
    assert routed.best_params_ == {"estimator__n_components": 2}
    scores = [routed.cv_results_[f"split{i}_test_score"][1] for i in range(3)]
    found = cross_val_score(
        SequenceClassifier(model, group_column=0),
        np.c_[strokes.groups, strokes.X],
        strokes.of_rows,
        groups=strokes.groups,
        cv=cv,
    )
    assert_array_equal(found, scores)
    assert found.min() > 0.8


def test_priors_and_weights(strokes, model):
    given = {"X": strokes.X, "y": strokes.y, "groups": strokes.groups}
    fitted = SequenceClassifier(model, priors="uniform").fit(**given)
    assert_array_equal(fitted.class_prior_, [0.5, 0.5])
    fitted = SequenceClassifier(model, priors={"rise": 1.0, "fall": 0.0}).fit(**given)
    assert set(fitted.predict(strokes.X, groups=strokes.groups)) == {"rise"}
    weight = (np.arange(60) < 40).astype(float)
    kept = strokes.groups < 40
    weighed = SequenceClassifier(model).fit(**given, sequence_weight=weight)
    part = SequenceClassifier(model).fit(
        strokes.X[kept], strokes.of_rows[kept], groups=strokes.groups[kept]
    )
    assert_allclose(weighed.class_prior_, part.class_prior_)
    assert_allclose(weighed.class_count_, part.class_count_)
    for ours, theirs in zip(weighed.estimators_, part.estimators_, strict=True):
        assert_allclose(ours.means_, theirs.means_, rtol=1e-6)
    weight = 1.0 + np.arange(60) % 3
    weighed = SequenceClassifier(model).fit(**given, sequence_weight=weight)
    for label, ours in zip(weighed.classes_, weighed.estimators_, strict=True):
        rows, own = strokes.of_rows == label, weight[strokes.y == label]
        alone = clone(model).fit(
            strokes.X[rows], groups=strokes.groups[rows], sequence_weight=own
        )
        assert_array_equal(ours.means_, alone.means_)
    found = fitted.score(**given, sequence_weight=(strokes.y == "rise").astype(float))
    assert found == 1.0


def test_a_model_for_each_class(strokes):
    models = {"rise": GaussianHMM(3, random_state=0), "fall": GaussianHMM(1)}
    fitted = SequenceClassifier(models).fit(strokes.X, strokes.y, groups=strokes.groups)
    assert [m.n_components for m in fitted.estimators_] == [1, 3]
    assert not hasattr(models["rise"], "means_")


def test_impossible_sequences_get_the_priors(strokes, model):
    fitted = SequenceClassifier(model).fit(strokes.X, strokes.y, groups=strokes.groups)
    far = np.full((3, 2), 1e200)
    assert np.isneginf(fitted.predict_joint_log_proba(far)).all()
    assert_allclose(fitted.predict_proba(far)[0], fitted.class_prior_)


@pytest.mark.parametrize(
    ("estimator", "change", "error", "message"),
    [
        (GaussianHMM(), {"groups": None}, ValueError, "give groups=, or set group_co"),
        (GaussianHMM(), {"y": ["fall"] * 3}, ValueError, "one for each row, or one"),
        (GaussianHMM(), {"sequence_weight": [1.0]}, ValueError, "sequence_weight"),
        (GaussianHMM(group_column=0), {}, ValueError, "that of SequenceClassifier"),
        (GaussianMixture(), {}, TypeError, "without score_sequences"),
        (GaussianHMM, {}, TypeError, "a class"),
        ({"fall": GaussianHMM()}, {}, ValueError, "a model for each of the classes"),
        ({}, {}, TypeError, "model of sequences"),
    ],
)
def test_messages(strokes, estimator, change, error, message):
    given = {"y": strokes.of_rows, "groups": strokes.groups, **change}
    with pytest.raises(error, match=message):
        SequenceClassifier(estimator).fit(strokes.X, **given)


def test_a_sequence_with_two_labels_is_named(strokes):
    y = strokes.of_rows.copy()
    y[5] = "rise" if y[5] == "fall" else "fall"
    with pytest.raises(ValueError, match=r"at row \d+ and .* at row \d+, of the same"):
        SequenceClassifier(GaussianHMM()).fit(strokes.X, y, groups=strokes.groups)
