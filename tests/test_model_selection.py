import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator
from sklearn.datasets import load_wine
from sklearn.mixture import GaussianMixture as SklearnGaussianMixture
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    KFold,
    LeaveOneOut,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.model_selection import (
    cross_val_score_samples,
    neg_aic_scorer,
    neg_bic_scorer,
)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(0, 1, (60, 2)), rng.normal(5, 2, (60, 2))])
    return rng.permutation(X)


class SeesRows(BaseEstimator):
    """Scores a row by how often it was in training: 0 where it never was."""

    def fit(self, X, y=None, sample_weight=None, groups_seen=None):
        self.rows_ = {float(value) for value in np.asarray(X)[:, 0]}
        self.weight_ = None if sample_weight is None else np.sum(sample_weight)
        self.y_, self.extra_ = y, groups_seen
        return self

    def score_samples(self, X):
        return np.array([float(v in self.rows_) for v in np.asarray(X)[:, 0]])


# ---- cross_val_score_samples ----


@settings(max_examples=50, deadline=None)
@given(n=st.integers(4, 40), folds=st.integers(2, 4), seed=st.integers(0, 1000))
def test_no_row_is_scored_by_a_model_that_saw_it(n, folds, seed):
    X = np.arange(n)[:, None]
    cv = KFold(folds, shuffle=True, random_state=seed)
    assert_array_equal(cross_val_score_samples(SeesRows(), X, cv=cv), np.zeros(n))


def test_scores_are_in_the_order_of_the_rows(rows):
    cv = KFold(4, shuffle=True, random_state=0)
    log_prob = cross_val_score_samples(GaussianMixture(), rows, cv=cv)
    for train, test in cv.split(rows):
        model = GaussianMixture().fit(rows[train])
        assert_array_equal(log_prob[test], model.score_samples(rows[test]))


def test_mean_is_that_of_cross_val_score(rows):
    model = GaussianMixture(2, random_state=0)
    log_prob = cross_val_score_samples(model, rows)
    # Five folds of 24 rows each, so the mean of means is the mean.
    assert log_prob.mean() == pytest.approx(cross_val_score(model, rows).mean())


def test_threads_do_not_change_the_result(rows):
    model = GaussianMixture(2, random_state=0)
    one, two = (cross_val_score_samples(model, rows, n_jobs=n) for n in (1, 2))
    assert_array_equal(one, two)


@pytest.mark.parametrize(
    "container",
    [
        np.ndarray.tolist,
        lambda X: pd.DataFrame(X, columns=["a", "b"], index=np.arange(120)[::-1]),
        lambda X: pl.DataFrame(X, schema=["a", "b"]),
    ],
)
def test_containers(rows, container):
    expected = cross_val_score_samples(GaussianMixture(), rows)
    log_prob = cross_val_score_samples(GaussianMixture(), container(rows))
    assert isinstance(log_prob, np.ndarray)
    assert_allclose(log_prob, expected, rtol=1e-12)


def test_weights_are_split_like_the_rows(rows):
    weight = np.random.default_rng(1).integers(0, 3, 120)
    cv = KFold(3)
    log_prob = cross_val_score_samples(
        GaussianMixture(), rows, cv=cv, params={"sample_weight": weight}
    )
    for train, test in cv.split(rows):
        model = GaussianMixture().fit(rows[train].repeat(weight[train], axis=0))
        assert_allclose(log_prob[test], model.score_samples(rows[test]), rtol=1e-9)


def test_parameters_of_another_length_are_passed_whole(rows):
    seen = []

    class Spy(SeesRows):
        def fit(self, X, y=None, **params):
            seen.append((len(X), params["sample_weight"], params["groups_seen"]))
            return super().fit(X)

    params = {"sample_weight": [1.0] * 120, "groups_seen": "x" * 120}
    cross_val_score_samples(Spy(), rows, cv=2, params=params)
    assert [(n, len(w), g) for n, w, g in seen] == [(60, 60, "x" * 120)] * 2


def test_pipeline_scores_compare_across_scalers(rows):
    one, other = (
        cross_val_score_samples(
            make_generative_pipeline(scaler, GaussianMixture(reg_covar=0)), rows
        )
        for scaler in (StandardScaler(), MaxAbsScaler())
    )
    assert_allclose(one, other, rtol=1e-9)


@pytest.mark.parametrize("wrap", [lambda p: p, lambda p: GridSearchCV(p, {}, cv=2)])
def test_pipelines_that_leave_out_the_jacobian_are_refused(rows, wrap):
    plain = make_pipeline(MaxAbsScaler(), GaussianMixture())
    with pytest.raises(TypeError, match=r"Pipeline, whose.*make_generative_pipeline"):
        cross_val_score_samples(wrap(plain), rows)
    nested = make_generative_pipeline(StandardScaler(), plain)
    with pytest.raises(TypeError, match=r"Pipeline, whose.*make_generative_pipeline"):
        cross_val_score_samples(wrap(nested), rows)
    nothing = make_pipeline("passthrough", GaussianMixture())
    assert_array_equal(
        cross_val_score_samples(wrap(nothing), rows),
        cross_val_score_samples(GaussianMixture(), rows),
    )


def test_groups_and_y_reach_the_splitter(rows):
    groups = np.arange(120) % 6
    X = groups[:, None]
    # Rows of one group are equal: any split through a group would be seen.
    log_prob = cross_val_score_samples(SeesRows(), X, groups=groups, cv=GroupKFold(3))
    assert_array_equal(log_prob, 0.0)
    y = np.r_[np.zeros(60), np.ones(60)]
    cv = StratifiedKFold(3)
    assert len(cross_val_score_samples(GaussianMixture(), rows, y, cv=cv)) == 120


def test_masks_and_leave_one_out(rows):
    first = np.arange(120) < 50
    masks = cross_val_score_samples(
        GaussianMixture(), rows, cv=[(first, ~first), (~first, first)]
    )
    assert_array_equal(
        masks[first], GaussianMixture().fit(rows[~first]).score_samples(rows[first])
    )
    alone = cross_val_score_samples(GaussianMixture(), rows[:10], cv=LeaveOneOut())
    assert np.isfinite(alone).all()


def test_other_libraries_densities(rows):
    ours = cross_val_score_samples(GaussianMixture(), rows)
    theirs = cross_val_score_samples(SklearnGaussianMixture(), rows)
    assert_allclose(ours, theirs, rtol=1e-9)


@pytest.mark.parametrize(
    "cv",
    [
        ShuffleSplit(3, random_state=0),
        TimeSeriesSplit(3),
        RepeatedKFold(n_splits=2, n_repeats=2),
        [(np.arange(60), np.arange(60, 120))],
    ],
)
def test_splits_that_are_no_partition_are_refused(rows, cv):
    with pytest.raises(ValueError, match="cv must be a partition"):
        cross_val_score_samples(GaussianMixture(), rows, cv=cv)


def test_errors(rows):
    everything = np.arange(120)
    with pytest.raises(ValueError, match="fold 0 trains on 120 of its own test rows"):
        cross_val_score_samples(GaussianMixture(), rows, cv=[(everything, everything)])
    with pytest.raises(TypeError, match="has no score_samples"):
        cross_val_score_samples(StandardScaler(), rows)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        cross_val_score_samples(GaussianMixture(), rows, np.zeros(3))


def test_the_estimator_is_cloned(rows):
    model = GaussianMixture()
    cross_val_score_samples(model, rows)
    assert not hasattr(model, "means_")


# ---- scorers ----


@pytest.mark.parametrize(
    ("scorer", "name"), [(neg_bic_scorer, "bic"), (neg_aic_scorer, "aic")]
)
def test_scorers_are_minus_the_criterion(rows, scorer, name):
    model = GaussianMixture(2, random_state=0).fit(rows)
    assert scorer(model, rows) == -getattr(model, name)(rows)
    theirs = SklearnGaussianMixture(2, random_state=0).fit(rows)
    assert scorer(theirs, rows) == -getattr(theirs, name)(rows)
    weight = np.full(120, 2.0)
    twice = scorer(model, np.vstack([rows, rows]))
    assert scorer(model, rows, sample_weight=weight) == pytest.approx(twice)


@pytest.mark.parametrize("scorer", [neg_bic_scorer, neg_aic_scorer])
def test_scorers_through_pipelines_are_those_of_the_input(rows, scorer):
    plain = GaussianMixture(2, reg_covar=0, random_state=0).fit(rows)
    piped = make_generative_pipeline(
        StandardScaler(), GaussianMixture(2, reg_covar=0, means_init=_scaled(plain))
    ).fit(rows)
    plain = GaussianMixture(2, reg_covar=0, means_init=plain.means_).fit(rows)
    assert scorer(piped, rows) == pytest.approx(scorer(plain, rows), rel=1e-3)


def _scaled(model):
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(0, 1, (60, 2)), rng.normal(5, 2, (60, 2))])
    return (model.means_ - X.mean(axis=0)) / X.std(axis=0)


@pytest.mark.parametrize("y", [None, np.zeros(120)])
def test_scorers_in_a_search_on_the_rows_of_the_fit(rows, y):
    everything = np.arange(len(rows))
    pipeline = make_generative_pipeline(
        StandardScaler(), GaussianMixture(random_state=0)
    )
    search = GridSearchCV(
        pipeline,
        {
            "standardscaler": [StandardScaler(), MinMaxScaler()],
            "gaussianmixture__n_components": [1, 2, 5],
        },
        scoring={"bic": neg_bic_scorer, "aic": neg_aic_scorer},
        refit="bic",
        cv=[(everything, everything)],
    ).fit(rows, y)
    assert search.best_params_["gaussianmixture__n_components"] == 2
    best = search.cv_results_["mean_test_bic"].max()
    assert best == pytest.approx(-search.best_estimator_.bic(rows))
    assert (
        search.cv_results_["mean_test_aic"] > search.cv_results_["mean_test_bic"]
    ).all()


@pytest.mark.parametrize("scorer", [neg_bic_scorer, neg_aic_scorer])
def test_scorers_name_what_is_missing(scorer):
    X = load_wine().data
    plain = make_pipeline(StandardScaler(), GaussianMixture()).fit(X)
    with pytest.raises(TypeError, match=r"which Pipeline doesn't have.*Generative"):
        scorer(plain, X)
