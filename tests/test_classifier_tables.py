"""Classifiers without an estimator: wide tables, and tables of mixed columns."""

import numpy as np
import pandas as pd
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss

from sklearn_gen.classifier import GenerativeClassifier
from sklearn_gen.mixture import TableMixture


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
