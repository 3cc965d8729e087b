"""Pipelines carry ids of sequences around their transformers."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sklearn_gen.compose import GenerativePipeline, make_generative_pipeline
from sklearn_gen.hmm import GaussianHMM


@pytest.fixture(scope="module")
def rides():
    """Two columns of numbers and one of names, of six sequences."""
    rng = np.random.default_rng(0)
    level = np.repeat(rng.integers(2, size=40), 6)
    table = pd.DataFrame(rng.normal(size=(240, 2)), columns=["speed", "heat"])
    table["speed"] = 20.0 + 9.0 * level + 2.0 * table["speed"]
    table["heat"] += 40.0 * level
    table.insert(1, "ride", np.repeat(list("abcdef"), 40))
    return table


def test_scores_are_densities_of_the_input(rides):
    """Scaled or not, the same model; the ids are no part of the Jacobian."""
    model = GaussianHMM(2, group_column="ride", random_state=0)
    scaled = make_generative_pipeline(StandardScaler(), model).fit(rides)
    plain = GaussianHMM(2, random_state=0)
    plain.fit(rides[["speed", "heat"]], groups=rides["ride"])
    expected = plain.score_samples(rides[["speed", "heat"]], groups=rides["ride"])
    np.testing.assert_allclose(scaled.score_samples(rides), expected, rtol=1e-5)
    assert scaled.score(rides) == pytest.approx(expected.mean(), rel=1e-6)
    assert scaled.bic(rides) == pytest.approx(
        plain.bic(rides[["speed", "heat"]], groups=rides["ride"]), rel=1e-5
    )
    states = plain.predict(rides[["speed", "heat"]], groups=rides["ride"])
    assert (scaled.predict(rides) == states).all()
    assert scaled.predict_proba(rides).shape == (240, 2)


def test_draws_have_ids(rides):
    model = GaussianHMM(2, group_column="ride", random_state=0)
    pipeline = make_generative_pipeline(PowerTransformer(), model).fit(rides)
    drawn = pipeline.sample(6, groups=list("xxxyyy"), random_state=0)
    assert list(drawn.columns) == ["speed", "ride", "heat"]
    assert list(drawn["ride"]) == list("xxxyyy")
    assert drawn["speed"].between(0, 60).all()
    assert (pipeline.sample(3, random_state=0)["ride"] == 0).all()


def test_missing_cells(rides):
    model = GaussianHMM(2, group_column="ride", random_state=0)
    pipeline = make_generative_pipeline(StandardScaler(), model).fit(rides)
    gaps = rides.copy()
    gaps.loc[gaps.index % 7 == 0, "heat"] = np.nan
    filled = pipeline.sample_conditional(gaps, random_state=0)
    kept = gaps["heat"].notna()
    assert filled[kept].equals(gaps[kept])
    assert not filled.isna().any(axis=None)
    # the states are 40 apart, and known from neighbours and the other column
    assert np.abs(filled["heat"] - rides["heat"])[~kept].median() < 5.0


@pytest.mark.parametrize("routing", [False, True])
def test_searches(rides, routing):
    model = GaussianHMM(group_column="ride", random_state=0)
    pipeline = GenerativePipeline([("scale", StandardScaler()), ("hmm", model)])
    with config_context(enable_metadata_routing=routing):
        search = GridSearchCV(
            pipeline, {"hmm__n_components": [1, 2]}, cv=GroupKFold(3)
        ).fit(rides, groups=rides["ride"])
    assert search.best_params_ == {"hmm__n_components": 2}


def test_routed_groups(rides):
    """Ids beside the table reach the model's fit, score and predict."""
    X, groups = rides[["speed", "heat"]], rides["ride"]
    with config_context(enable_metadata_routing=True):
        pipeline = make_generative_pipeline(
            StandardScaler(), GaussianHMM(2, random_state=0)
        ).fit(X, groups=groups)
        score = pipeline.score(X, groups=groups)
        states = pipeline.predict(X, groups=groups)
    inside = make_generative_pipeline(
        StandardScaler(), GaussianHMM(2, group_column="ride", random_state=0)
    ).fit(rides)
    assert score == inside.score(rides)
    np.testing.assert_array_equal(states, inside.predict(rides))


def test_arrays(rides):
    values = rides.assign(ride=np.repeat(range(6), 40)).to_numpy(float)
    model = GaussianHMM(2, group_column=1, random_state=0)
    pipeline = make_generative_pipeline(StandardScaler(), model).fit(values)
    drawn = pipeline.sample(4, groups=[7, 7, 8, 8], random_state=0)
    assert drawn.shape == (4, 3)
    np.testing.assert_array_equal(drawn[:, 1], [7, 7, 8, 8])
    named = make_generative_pipeline(
        StandardScaler(), GaussianHMM(2, group_column="ride", random_state=0)
    ).fit(rides)
    np.testing.assert_allclose(
        pipeline.score_samples(values), named.score_samples(rides)
    )


def test_a_step_that_names_the_ids_fails(rides):
    """Whatever would mix ids with numbers finds no such column."""
    step = ColumnTransformer([("all", StandardScaler(), ["speed", "ride", "heat"])])
    model = GaussianHMM(2, group_column="ride", random_state=0)
    with pytest.raises(ValueError, match="ride"):
        make_generative_pipeline(step, model).fit(rides)
    with pytest.raises(ValueError, match="group_column='trip' is no column"):
        make_generative_pipeline(
            StandardScaler(), GaussianHMM(2, group_column="trip")
        ).fit(rides)


@pytest.mark.parametrize("column", ["ride", None])
def test_draws_go_on_from_rows_of_the_input(rides, column):
    """A prefix is scaled as all rows are, and its ids are taken off."""
    table = rides if column else rides.drop(columns="ride")
    model = GaussianHMM(2, group_column=column, random_state=0)
    pipeline = make_generative_pipeline(StandardScaler(), model).fit(table)
    drawn = pipeline.sample(6, prefix=table[:20], random_state=0)
    assert list(drawn.columns) == list(table.columns)
    numbers = ["speed", "heat"]
    scaler, fitted = pipeline[0], pipeline[-1]
    scaled = scaler.transform(table[:20][numbers])
    expected = scaler.inverse_transform(fitted.sample(6, prefix=scaled, random_state=0))
    np.testing.assert_allclose(drawn[numbers], expected, rtol=1e-12)
    if column:
        with pytest.raises(ValueError, match="prefix must be rows of one sequence"):
            pipeline.sample(6, prefix=table)
