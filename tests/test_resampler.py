"""Resampling by densities: strategies as imbalanced-learn's, containers, pipelines."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline as make_imblearn_pipeline
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gen.mixture import GaussianMixture, TableMixture
from sklearn_gen.resampler import GenerativeResampler


def table(counts=(60, 25, 12), seed=0):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    X = rng.normal(size=(len(y), 3)) + 4.0 * y[:, None]
    order = rng.permutation(len(y))
    return X[order], y[order]


@pytest.mark.parametrize(
    "strategy",
    ["auto", "minority", "not minority", "not majority", "all",
     {0: 60, 2: 30}, {1: 25}, lambda y: {1: int(np.sum(y == 0))}],
)  # fmt: skip
def test_strategies_are_those_of_imbalanced_learn(strategy):
    X, y = table()
    ours = GenerativeResampler(
        GaussianMixture(), sampling_strategy=strategy, random_state=0
    )
    X_new, y_new = ours.fit_resample(X, y)
    theirs = RandomOverSampler(sampling_strategy=strategy, random_state=0)
    np.testing.assert_array_equal(
        np.bincount(y_new), np.bincount(theirs.fit_resample(X, y)[1])
    )
    np.testing.assert_array_equal(X_new[: len(X)], X)
    np.testing.assert_array_equal(y_new[: len(y)], y)
    assert (ours.sample_indices_[: len(X)] == np.arange(len(X))).all()
    assert (ours.sample_indices_[len(X) :] == -1).all()
    assert len(ours.sample_indices_) == len(X_new)


def test_a_ratio_of_two_classes():
    X, y = table((80, 12))
    for ratio in (0.5, 1.0):
        ours = GenerativeResampler(GaussianMixture(), sampling_strategy=ratio)
        theirs = SMOTE(sampling_strategy=ratio)
        np.testing.assert_array_equal(
            np.bincount(ours.fit_resample(X, y)[1]),
            np.bincount(theirs.fit_resample(X, y)[1]),
        )


def test_draws_are_of_their_class():
    X, y = table((400, 30))
    X_new, y_new = GenerativeResampler(random_state=0).fit_resample(X, y)
    drawn = X_new[len(X) :]
    assert (y_new[len(X) :] == 1).all()
    assert (NearestCentroid().fit(X, y).predict(drawn) == 1).all()
    # 370 draws of what 30 rows say: a mean of theirs has error 1 / sqrt(370)
    np.testing.assert_allclose(drawn.mean(axis=0), X[y == 1].mean(axis=0), atol=0.3)
    assert len(np.unique(drawn[:, 0])) == len(drawn)


def test_seeds():
    X, y = table()
    first, again, other = (
        GenerativeResampler(random_state=seed).fit_resample(X, y)[0]
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def test_few_rows_borrow_from_the_others():
    X, y = table((80, 2))
    with pytest.warns(UserWarning, match="Class 1 has 2 distinct rows"):
        X_new, y_new = GenerativeResampler(random_state=0).fit_resample(X, y)
    assert np.bincount(y_new).tolist() == [80, 80]
    assert X_new[len(X) :].std(axis=0).min() > 0.3


def frame(n=90):
    X, y = table((70, 20))
    labels = pd.Series(np.array(["no", "yes"])[y], name="ill", dtype="category")
    columns = {
        "float": X[:, 0],
        "single": X[:, 1].astype(np.float32),
        "whole": np.round(10 * np.abs(X[:, 2])).astype(np.int32),
        "nullable": pd.array(np.round(X[:, 0]), dtype="Int64"),
        "flag": X[:, 1] > 2,
    }
    return pd.DataFrame(columns, index=np.arange(n) * 3), labels


def test_frames_keep_dtypes():
    X, y = frame()
    X.loc[X.index[2], "nullable"] = pd.NA
    X.loc[X.index[4], "float"] = np.nan
    resampler = GenerativeResampler(GaussianMixture(reg_covar=0.1), random_state=0)
    X_new, y_new = resampler.fit_resample(X, y)
    pd.testing.assert_series_equal(X_new.dtypes, X.dtypes)
    pd.testing.assert_frame_equal(X_new[: len(X)], X.reset_index(drop=True))
    assert y_new.dtype == y.dtype
    assert y_new.name == "ill"
    assert y_new.value_counts().to_dict() == {"no": 70, "yes": 70}
    drawn = X_new[len(X) :]
    assert drawn["whole"].between(X["whole"].min(), X["whole"].max()).all()
    assert list(resampler.feature_names_in_) == list(X.columns)


def test_polars_frames_and_lists():
    X, y = frame()
    X = pl.DataFrame({name: X[name].tolist() for name in X})
    y = pl.Series("ill", y.tolist())
    resampler = GenerativeResampler(GaussianMixture(reg_covar=0.1))
    X_new, y_new = resampler.fit_resample(X, y)
    assert X_new.schema == X.schema
    assert y_new.value_counts()["count"].to_list() == [70, 70]
    assert len(y) == 90
    rows, labels = table((30, 10))
    X_new, y_new = GenerativeResampler(GaussianMixture()).fit_resample(
        rows.tolist(), labels.tolist()
    )
    assert X_new.shape == (60, 3)
    assert y_new.shape == (60,)


def test_whole_numbers_in_arrays():
    X, y = table((30, 10))
    X = np.round(10 * X).astype(np.int64)
    X_new, _ = GenerativeResampler(GaussianMixture(), random_state=0).fit_resample(X, y)
    assert X_new.dtype == X.dtype
    assert X_new[40:].min() >= X.min()


def test_nothing_to_do():
    X, y = table((20, 20))
    X_new, y_new = GenerativeResampler(GaussianMixture()).fit_resample(X, y)
    np.testing.assert_array_equal(X_new, X)
    np.testing.assert_array_equal(y_new, y)


def test_in_a_pipeline_of_imbalanced_learn():
    X, y = table((150, 15))
    X[y == 1] -= 3.0
    pipeline = make_imblearn_pipeline(
        StandardScaler(),
        GenerativeResampler(GaussianMixture(), random_state=0),
        LogisticRegression(),
    )
    balanced = cross_val_score(pipeline, X, y, scoring="balanced_accuracy").mean()
    plain = make_pipeline(StandardScaler(), LogisticRegression())
    assert balanced > cross_val_score(plain, X, y, scoring="balanced_accuracy").mean()
    # rows are resampled to learn from, never to predict
    assert len(pipeline.fit(X, y).predict(X)) == len(X)
    search = GridSearchCV(
        pipeline, {"generativeresampler__sampling_strategy": [0.5, 1.0]}, cv=3
    )
    assert search.fit(X, y).best_params_


@pytest.mark.parametrize(
    ("strategy", "message"),
    [
        ({7: 100}, "names 7, which is none of the classes"),
        ({0: 10}, "wants 10 rows of class 0, which has 60"),
        (0.5, "needs two classes, and there are 3"),
        ("majority", "sampling_strategy"),
    ],
)
def test_strategies_that_are_refused(strategy, message):
    X, y = table()
    with pytest.raises(ValueError, match=message):
        GenerativeResampler(sampling_strategy=strategy).fit_resample(X, y)


def test_what_else_is_refused():
    X, y = table((60, 30))
    with pytest.raises(ValueError, match="wants 6 rows of class 1, which has 30"):
        GenerativeResampler(sampling_strategy=0.1).fit(X, y)
    with pytest.raises(TypeError, match="must be a density"):
        GenerativeResampler(StandardScaler()).fit(X, y)
    with pytest.raises(ValueError, match="requires y to be passed"):
        GenerativeResampler().fit(X, None)


def test_text_and_dates():
    rng = np.random.default_rng(0)
    y = np.repeat(["usual", "rare"], [80, 20])
    days = pd.to_timedelta(rng.integers(30, size=100), "D")
    frame = pd.DataFrame({
        "text": np.where(y == "rare", "odd", "plain"),
        "day": pd.Timestamp("2026-01-01") + days,
    })  # fmt: skip
    resampler = GenerativeResampler(random_state=0)
    X_new, y_new = resampler.fit_resample(frame, y)
    assert isinstance(resampler.estimators_["rare"], TableMixture)
    pd.testing.assert_series_equal(X_new.dtypes, frame.dtypes)
    assert (X_new["text"][100:] == "odd").all()
    assert np.unique(y_new, return_counts=True)[1].tolist() == [80, 80]


@pytest.mark.filterwarnings("ignore::sklearn_gen.DegenerateDataWarning")
@pytest.mark.parametrize("container", ["pandas", "polars", "numpy"])
def test_new_rows_have_names_of_their_own(container):
    # Each class knows but its own names; the rarest takes them for levels.
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"id": 1000 + rng.permutation(300)})
    frame["code"] = [f"c-{n:05d}" for n in rng.permutation(300)]
    frame["x"] = rng.normal(size=300)
    y = np.repeat(["usual", "rare", "rarest"], [240, 45, 15])
    X = {
        "pandas": lambda: frame,
        "polars": lambda: pl.DataFrame(frame.to_dict("list")),
        "numpy": lambda: frame.to_numpy(dtype=object),
    }[container]()
    resampler = GenerativeResampler(TableMixture(2, random_state=0), random_state=0)
    X_new, y_new = resampler.fit_resample(X, y)
    assert type(X_new) is type(X)
    assert len(X_new) == len(y_new) == 720
    columns = X_new.T if container == "numpy" else [X_new["id"], X_new["code"]]
    for names in columns[:2]:
        assert len(set(names)) == 720
    if container != "numpy":
        assert list(X_new.dtypes) == list(X.dtypes)
