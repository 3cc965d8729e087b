"""Thresholds of classes: shares of rows to come, with gaps and without."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gen.classifier import GenerativeClassifier
from sklearn_gen.mixture import GaussianMixture
from tests.reference_models import ReferenceGaussian

SHARE = 0.05
N = 400  # rows of each class


def two_classes(n, seed):
    """Classes far apart, so that an outlier of one is none of the other's rows."""
    rng = np.random.default_rng(seed)
    y = np.repeat([0, 1], n)
    X = rng.normal(size=(2 * n, 1)) + 0.3 * rng.normal(size=(2 * n, 5))  # correlated
    X[y == 1] = 40 - 2 * np.abs(X[y == 1])
    return X, y


@pytest.fixture(scope="module")
def flexible():
    """A density that knows its own rows far better than others."""
    X, y = two_classes(N, 0)
    density = GaussianMixture(10, reg_covar=1e-3, random_state=0)
    return GenerativeClassifier(density, contamination=SHARE).fit(X, y)


def assert_share(outlier, n_classes_rows=N):
    """The threshold is a quantile of N rows: its share is Beta, told 1e-4 a side."""
    low, high = binom.ppf([1e-4, 1 - 1e-4], n_classes_rows, SHARE) / n_classes_rows
    assert low < outlier.mean() < high


@pytest.mark.parametrize("label", [0, 1])
def test_new_rows_are_flagged_as_often_as_promised(flexible, label):
    X, y = two_classes(4000, 1)
    assert_share(flexible.is_outlier(X[y == label]))
    own, labels = two_classes(N, 0)
    inside = flexible.is_outlier(own[labels == label]).mean()
    assert inside < 0.7 * SHARE  # what a quantile of its own rows would make SHARE


@pytest.mark.parametrize("gaps", [[0], [1, 2, 3], [0, 1, 2, 3]])
def test_rows_with_gaps_are_flagged_as_often(flexible, gaps):
    X, y = two_classes(4000, 2)
    X[:, gaps] = np.nan
    for label in (0, 1):
        # Draws' thresholds add an error, of 1000 draws, and the density's own.
        share = flexible.is_outlier(X[y == label]).mean()
        assert 0.3 * SHARE < share < 1.7 * SHARE
    far = np.full((1, 5), 500.0)
    far[:, gaps] = np.nan
    assert flexible.is_outlier(far).all()
    assert not flexible.is_outlier(np.full((1, 5), np.nan)).any()


def test_each_row_is_judged_alone(flexible):
    X, _ = two_classes(20, 3)
    X[::3, 1] = np.nan
    X[::4, 2:] = np.nan
    alone = [flexible.is_outlier(row[None])[0] for row in X]
    np.testing.assert_array_equal(flexible.is_outlier(X), alone)


class Counted(ReferenceGaussian):
    """Counts its fits."""

    fits = 0

    def fit(self, X, y=None, sample_weight=None):
        Counted.fits += 1
        return super().fit(X, y, sample_weight=sample_weight)


@pytest.mark.parametrize(
    ("contamination", "n", "fits"), [(0.1, 20, 12), (0.1, 19, 2), (None, 20, 2)]
)
def test_how_many_fits_thresholds_take(contamination, n, fits):
    X, y = two_classes(n, 0)
    Counted.fits = 0
    model = GenerativeClassifier(Counted(), contamination=contamination).fit(X, y)
    assert Counted.fits == fits
    log_density = model.predict_joint_log_proba(X) - np.log(0.5)
    if contamination is None:
        assert not model.is_outlier([[1e9] * 5]).any()
    elif n == 19:  # of the rows themselves
        for k in (0, 1):
            assert (log_density[y == k, k] < model.offsets_[k]).sum() == 1


class Needy(ReferenceGaussian):
    """Wants more rows than four fifths of them are."""

    def fit(self, X, y=None, sample_weight=None):
        if len(X) < 30:
            raise ValueError("too few rows")
        return super().fit(X, y, sample_weight=sample_weight)


def test_densities_that_take_no_fewer_rows_judge_their_own():
    X, y = two_classes(30, 0)
    model = GenerativeClassifier(Needy(), contamination=0.1).fit(X, y)
    own = model.predict_joint_log_proba(X)[y == 0, 0] - np.log(0.5)
    assert (own < model.offsets_[0]).sum() == 3


def test_later_batches_are_judged_before_they_are_learned():
    X, y = two_classes(50, 0)
    model = GenerativeClassifier(ReferenceGaussian(), contamination=0.1)
    model.partial_fit(X, y, classes=[0, 1])
    before = model.offsets_.copy()
    shifted = X + 6.0
    scores = model.predict_joint_log_proba(shifted)[y == 0, 0] - np.log(0.5)
    model.partial_fit(shifted, y)
    wanted = 0.5 * (before[0] + np.mean(np.sort(scores)[4:6]))
    assert model.offsets_[0] == pytest.approx(wanted)


def test_rows_of_no_density_are_outliers_in_predict_too():
    X, y = two_classes(60, 0)
    model = GenerativeClassifier(
        KernelDensity(kernel="tophat", bandwidth=5.0), outlier_label=-9
    ).fit(X, y)
    far = np.full((1, 5), 1e4)
    assert model.is_outlier(far).all()
    assert model.predict(far)[0] == -9


def test_default_is_about_as_calibrated_as_a_linear_model():
    """Floors in units of the class's own columns lost 0.39 nats per row here."""
    X, y = load_breast_cancer(return_X_y=True)
    X, X_new, y, y_new = train_test_split(X, y, stratify=y, random_state=0)
    model = GenerativeClassifier(contamination=None, random_state=0).fit(X, y)
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    loss, theirs = (log_loss(y_new, m.predict_proba(X_new)) for m in (model, linear))
    assert loss < theirs + 0.1
    scalers = [density[0] for density in model.estimators_]
    np.testing.assert_array_equal(scalers[0].scale_, X.std(axis=0))
    np.testing.assert_array_equal(scalers[0].scale_, scalers[1].scale_)
