"""Held-out scores and criteria of models whose rows are steps of sequences."""

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate
from sklearn.preprocessing import StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.hmm import GaussianHMM
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.model_selection import (
    cross_val_score_samples,
    excess_mass_auc,
    mass_volume_auc,
    neg_aic_scorer,
    neg_bic_scorer,
)

SCORERS = {"bic": neg_bic_scorer, "aic": neg_aic_scorer}


@pytest.fixture(scope="module")
def runs():
    """Rows of 40 short runs, and their ids."""
    groups = np.repeat(np.arange(40), 6)
    model = GaussianHMM.from_parameters(
        [0.5, 0.5], [[0.95, 0.05], [0.05, 0.95]], [[0.0], [6.0]], [[1.0], [1.0]]
    )
    return model.sample(240, groups=groups, random_state=0), groups


def scaled(model):
    return make_generative_pipeline(StandardScaler(), model)


@pytest.mark.parametrize("wrap", [clone, scaled])
@pytest.mark.parametrize("name", SCORERS)
def test_scorers_pass_ids_on(runs, name, wrap):
    X, groups = runs
    everything = [(np.arange(len(X)), np.arange(len(X)))]
    model = wrap(GaussianHMM(random_state=0))
    (place,) = (key for key in model.get_params() if key.endswith("n_components"))
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            model, {place: [1, 2]}, scoring=SCORERS[name], cv=everything
        ).fit(X, groups=groups)
        several = cross_validate(
            model, X, cv=everything, scoring=SCORERS, params={"groups": groups}
        )
    assert search.best_params_ == {place: 2}
    best = getattr(search.best_estimator_, name)(X, groups=groups)
    assert search.best_score_ == pytest.approx(-best, rel=1e-12)
    assert best != getattr(search.best_estimator_, name)(X)
    model.fit(X, groups=groups)
    expected = -getattr(model, name)(X, groups=groups)
    assert several[f"test_{name}"][0] == pytest.approx(expected, rel=1e-12)


def test_ids_are_for_the_splitter_alone_where_rows_are_no_steps(runs):
    X, groups = runs
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(
            GaussianMixture(), {"n_components": [1]}, scoring=neg_bic_scorer,
            cv=GroupKFold(2), error_score="raise",
        ).fit(X, groups=groups)  # fmt: skip
    assert np.isfinite(search.best_score_)


def test_requests_are_set_as_in_scikit_learn(runs):
    X, weight = runs[0], np.linspace(0.0, 1.0, 240)
    everything = [(np.arange(len(X)), np.arange(len(X)))]
    with config_context(enable_metadata_routing=True):
        model = GaussianMixture().set_fit_request(sample_weight=True)

    def search(scorer):
        return GridSearchCV(
            model, {"n_components": [1]}, scoring=scorer, cv=everything
        ).fit(X, sample_weight=weight)

    with config_context(enable_metadata_routing=True):
        with pytest.raises(UnsetMetadataPassedError, match="neg_bic_scorer"):
            search(neg_bic_scorer)
        asking = neg_bic_scorer.set_score_request(sample_weight=True)
        for scorer in (asking, pickle.loads(pickle.dumps(asking))):
            found = search(scorer)
            expected = -found.best_estimator_.bic(X, sample_weight=weight)
            assert found.best_score_ == pytest.approx(expected, rel=1e-12)
        with pytest.raises(UnsetMetadataPassedError):  # the scorer itself stays
            search(neg_bic_scorer)
        ignoring = search(neg_bic_scorer.set_score_request(sample_weight=False))
    assert ignoring.best_score_ == -ignoring.best_estimator_.bic(X)
    assert pickle.loads(pickle.dumps(neg_bic_scorer)) is neg_bic_scorer
    with pytest.raises(TypeError, match="takes no 'weights'"):
        neg_bic_scorer.set_score_request(weights=True)


@pytest.mark.parametrize("routing", [False, True])
def test_held_out_scores_know_sequences(runs, routing):
    """Ids beside the table equal ids in it, in pipelines and searches as well."""
    X, groups = runs
    table, cv = np.column_stack([groups, X]), GroupKFold(4)
    inside = GaussianHMM(2, group_column=0, random_state=0)
    beside = GaussianHMM(2, random_state=0)
    expected = cross_val_score_samples(inside, table, groups=groups, cv=cv)

    def found(model, name="groups"):
        params = {name: groups}
        return cross_val_score_samples(model, X, groups=groups, cv=cv, params=params)

    with config_context(enable_metadata_routing=routing):
        assert_array_equal(found(beside), expected)
        pipelines = [found(scaled(beside))]
        if not routing:
            pipelines.append(found(scaled(beside), "gaussianhmm__groups"))
        search = GridSearchCV(beside, {"n_components": [2]}, cv=[([*range(90)],) * 2])
        if routing:
            assert_array_equal(found(search), expected)
    assert expected.mean() != pytest.approx(
        cross_val_score_samples(beside, X, groups=groups, cv=cv).mean(), abs=1e-3
    )
    for scores in pipelines:
        np.testing.assert_allclose(scores, expected, rtol=1e-5)


@pytest.mark.parametrize("scorer", [mass_volume_auc, excess_mass_auc])
def test_level_sets_of_steps_are_refused(runs, scorer):
    model = GaussianHMM(2, random_state=0).fit(runs[0])
    with pytest.raises(TypeError, match="steps of sequences"):
        scorer(model, runs[0])
