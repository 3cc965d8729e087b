"""Classifiers without an estimator: wide tables, and tables of mixed columns."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV

from sklearn_gen.classifier import GenerativeClassifier
from sklearn_gen.imputer import GenerativeImputer
from sklearn_gen.mixture import TableMixture
from sklearn_gen.regressor import GenerativeRegressor
from sklearn_gen.resampler import GenerativeResampler


def test_default_of_fewer_rows_than_columns_is_not_overconfident():
    X, y = make_classification(
        90, 40, n_informative=8, n_redundant=4, class_sep=1.5, random_state=0
    )
    model = GenerativeClassifier(random_state=0).fit(X[:30], y[:30])
    assert model.estimators_[0][-1].n_components == 1
    # A floor of 1e-2 loses some 7 nats per row.
    assert log_loss(y[30:], model.predict_proba(X[30:])) < np.log(2)
    assert model.score(X[30:], y[30:]) > 0.75


def balances(n, seed):
    """Cents that repeat in one class only: no class has more grid than the other."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < 0.2).astype(int)
    cents = np.round(rng.normal(1000.0, 200.0, n), 2)
    paid = np.round(rng.choice([900.0, 950.5, 1000.25, 1100.75], n), 2)
    frame = pd.DataFrame(
        {
            "age": rng.poisson(np.where(y == 1, 50, 30)),
            "sex": rng.choice(["f", "m"], n),
            "balance": np.where((y == 0) & (rng.random(n) < 0.9), paid, cents),
        }
    )
    return frame, y


def test_classes_of_tables_are_scored_by_one_measure():
    X, y = balances(600, 0)
    model = GenerativeClassifier(TableMixture(random_state=0), contamination=0.05)
    model.fit(X, y)
    first, second = model.estimators_
    assert first.base_measure_ == second.base_measure_
    np.testing.assert_array_equal(first.schema_.resolution, second.schema_.resolution)
    assert not first.warm_start
    X_new, y_new = balances(2000, 1)
    loss = log_loss(y_new, model.predict_proba(X_new))
    # What the age alone says is 0.1 nats less than the shares of the classes do.
    assert loss < log_loss(y_new, np.full(len(y_new), y.mean())) - 0.1
    assert model.is_outlier(X_new).mean() < 0.1
    # Cents of one class only, in draws too: levels and grids are those of all rows.
    assert set(model.sample(50, y=1, random_state=0).columns) == set(X)


def test_other_densities_of_tables_say_where_measures_differ():
    X, y = balances(400, 0)
    search = GridSearchCV(
        TableMixture(random_state=0),
        {"n_components": [1, 2]},
        cv=2,
        error_score="raise",
    )
    alone = [TableMixture(1, random_state=0).fit(X[y == k]) for k in (0, 1)]
    model = GenerativeClassifier(search, contamination=None)
    assert alone[0].base_measure_ != alone[1].base_measure_
    with pytest.warns(UserWarning, match=r"different measures in the columns \['bal"):
        model.fit(X, y)


def test_text_and_missing_cells():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=300)
    noisy = np.where(rng.random(300) < 0.1, 1 - y, y)
    frame = pd.DataFrame(
        {"x": rng.normal(size=300) + y, "text": np.array(["no", "yes"])[noisy]}
    )
    frame.loc[::7, "text"] = None
    given = GenerativeClassifier(TableMixture(n_components=1, random_state=0))
    given.fit(frame, y)
    assert given.score(frame, y) > 0.8
    assert set(given.sample(20, y=1, random_state=0)["text"]) <= {"no", "yes"}
    default = GenerativeClassifier(random_state=0).fit(frame, y)
    assert isinstance(default.estimators_[0], TableMixture)
    assert default.score(frame, y) > 0.8
    unseen = frame.head(2).assign(text="maybe")
    assert np.isfinite(default.predict_proba(unseen)).all()


def test_arrays_of_objects_with_text_have_the_same_default_in_all_wrappers():
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=120)
    X = np.empty((120, 2), dtype=object)
    X[:, 0] = np.array(["no", "yes"], dtype=object)[y]
    X[:, 1] = rng.normal(size=120) + y
    X[::9, 0] = None
    classifier = GenerativeClassifier(random_state=0).fit(X, y)
    assert classifier.score(X, y) > 0.9
    imputer = GenerativeImputer(random_state=0).fit(X)
    assert set(imputer.transform(X)[:, 0]) == {"no", "yes"}
    regressor = GenerativeRegressor(random_state=0).fit(X, 10.0 * y)
    assert regressor.score(X, 10.0 * y) > 0.5
    X_new, y_new = GenerativeResampler(random_state=0).fit_resample(X[10:], y[10:])
    assert X_new.dtype == object
    assert len(X_new) == 2 * max(np.bincount(y[10:]))
    assert len(y_new) == len(X_new)
    densities = [
        *classifier.estimators_, imputer.estimator_, regressor.estimator_
    ]  # fmt: skip
    assert all(isinstance(density, TableMixture) for density in densities)


@pytest.mark.filterwarnings("ignore::sklearn_gen.DegenerateDataWarning")
@pytest.mark.parametrize("in_batches", [False, True])
def test_rows_of_all_classes_have_names_of_their_own(in_batches):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"id": 1000 + rng.permutation(300), "x": rng.normal(size=300)})
    y = np.repeat(["often", "seldom"], [240, 60])
    model = GenerativeClassifier(TableMixture(2, random_state=0), random_state=0)
    if in_batches:
        model.partial_fit(X, y, classes=["often", "seldom"])
    else:
        model.fit(X, y)
    ids = model.sample(300)["id"]
    assert ids.dtype == X["id"].dtype
    assert len({*ids, *X["id"]}) == 600
