"""Classifiers without an estimator: wide tables, and tables of mixed columns."""

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss

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
