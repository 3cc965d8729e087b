"""The classifier two-sample test."""

import numpy as np
import pytest
from scipy.stats import kstest, norm
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from sklearn_gen.metrics import classifier_two_sample_test
from tests.metrics.tables import mixed_table

SMALL = HistGradientBoostingClassifier(max_iter=15, random_state=0)
ALARM = 1e-3  # false alarms of each test of uniformity; seeds are fixed


class MeanDifference(ClassifierMixin, BaseEstimator):
    """The worst case, and fast: each row counts as much in the others as they in it."""

    def fit(self, X, y):
        self.direction_ = X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0)
        return self

    def decision_function(self, X):
        return X @ self.direction_


@pytest.mark.parametrize("rows", ["continuous", "repeated"])
def test_p_values_are_uniform(rows):
    rng = np.random.default_rng(0)
    n = 200
    p_values, naive = [], []
    for seed in range(n):
        tables = rng.normal(size=(2, 60, 2))
        if rows == "repeated":  # most rows are in both tables
            tables = np.round(tables)
        result = classifier_two_sample_test(
            *tables, MeanDifference(), cv=3, random_state=seed
        )
        p_values.append(result.p_value)
        naive.append(norm.sf((result.auc - 0.5) / np.sqrt(121 / (12 * 60 * 60))))
    assert kstest(p_values, "uniform").pvalue > ALARM
    p_values, naive = np.array(p_values), np.array(naive)
    bound = 0.05 + 3.3 * np.sqrt(0.05 * 0.95 / n)
    assert np.mean(p_values < 0.05) < bound
    if rows == "continuous":  # what the further fits are for
        assert np.mean(naive < 0.05) > bound


def test_p_value_is_of_classifiers_fitted_to_earlier_folds():
    fitted = []

    class Recorder(MeanDifference):
        def fit(self, X, y):
            fitted.append({row.tobytes() for row in X})
            return super().fit(X, y)

    tables = np.random.default_rng(0).normal(size=(2, 40, 2))
    result = classifier_two_sample_test(*tables, Recorder(), cv=4)
    rows = [row.tobytes() for row in tables.reshape(-1, 2)]

    def of_folds(chosen):
        return {r for r, f in zip(rows, result.fold, strict=True) if f in chosen}

    others = [of_folds({0, 1, 2, 3} - {f}) for f in range(4)]
    earlier = [of_folds({0}), of_folds({0, 1})]  # then {0, 1, 2}: fold 3's others
    assert fitted == [
        others[0],
        others[1],
        earlier[0],
        others[2],
        earlier[1],
        others[3],
    ]


def test_tables_that_differ():
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 300, 3))
    synthetic[:, 1] += 20.0
    result = classifier_two_sample_test(real, synthetic, SMALL)
    assert (result.auc, result.detection_score) == (1.0, 0.0)
    assert result.p_value < 1e-20
    assert result.columns[0] == 1
    assert result.importance[0] == pytest.approx(0.5, abs=0.1)
    assert (np.diff(result.importance) <= 0).all()


def test_auc_is_that_of_the_predictions():
    result = classifier_two_sample_test(
        mixed_table(200, 0), mixed_table(150, 1, shift=20.0), SMALL, cv=4
    )
    assert len(result.predictions) == 350
    assert result.is_synthetic.sum() == 150
    aucs = [
        roc_auc_score(
            result.is_synthetic[result.fold == f], result.predictions[result.fold == f]
        )
        for f in range(4)
    ]
    assert result.auc == pytest.approx(np.mean(aucs))
    assert result.detection_score == pytest.approx(1 - (2 * result.auc - 1))
    assert result.columns[0] == "age"


def test_shared_rows_do_not_leak():
    # A nearest neighbour that saw the real twin of a synthetic row knows it is real.
    rng = np.random.default_rng(0)
    real = rng.normal(size=(400, 3))
    copies = real[rng.permutation(400)]
    result = classifier_two_sample_test(real, copies, KNeighborsClassifier(1))
    assert result.shared == 1.0
    assert result.auc == pytest.approx(0.5, abs=0.03)
    with pytest.raises(ValueError, match=r"400 synthetic rows equal real ones.*row 0"):
        classifier_two_sample_test(real, copies, shared_rows="refuse")
    ids = {}
    for row, fold in zip(np.vstack([real, copies]), result.fold, strict=True):
        assert ids.setdefault(row.tobytes(), fold) == fold


@pytest.mark.parametrize("estimator", [LogisticRegression(), LinearSVC()])
def test_any_classifier(estimator):
    rng = np.random.default_rng(0)
    real, synthetic = rng.normal(size=(2, 200, 2))
    result = classifier_two_sample_test(real, synthetic + [1.5, 0.0], estimator)
    # Phi(1.5 / sqrt(2)) = 0.856 is the best there is.
    assert result.auc == pytest.approx(0.856, abs=0.03)


def test_a_classifier_that_says_nothing():
    class Constant(GaussianNB):
        def predict_proba(self, X):
            return np.full((len(X), 2), 0.5)

    X = np.random.default_rng(0).normal(size=(2, 50, 2))
    result = classifier_two_sample_test(*X, Constant())
    assert (result.auc, result.p_value, result.detection_score) == (0.5, 1.0, 1.0)


def test_same_seed_same_result():
    tables = mixed_table(60, 0), mixed_table(60, 1)
    one, two = (
        classifier_two_sample_test(*tables, cv=2, random_state=3) for _ in range(2)
    )
    assert one.p_value == two.p_value
    np.testing.assert_array_equal(one.predictions, two.predictions)


def test_errors():
    X = np.random.default_rng(0).normal(size=(40, 2))
    with pytest.raises(ValueError, match=r"cv must be an integer.*got 1"):
        classifier_two_sample_test(X, X, cv=1)
    with pytest.raises(ValueError, match=r"shared_rows must be.*got 'drop'"):
        classifier_two_sample_test(X, X, shared_rows="drop")
    with pytest.raises(ValueError, match=r"synthetic has 6 rows; at least 10"):
        classifier_two_sample_test(X, X[:6])
    with pytest.raises(ValueError, match=r"folds has .* too many equal ones"):
        classifier_two_sample_test(np.zeros((40, 2)), np.ones((40, 2)))
