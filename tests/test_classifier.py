"""Classifiers made of densities: oracles, priors, missing cells, unlabelled rows."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_gen.base import GenerativeModel
from sklearn_gen.classifier import GenerativeClassifier
from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.testing import generative_checks
from tests.reference_models import ReferenceGaussian

# The same Gaussians in other words.
ORACLE = 1e-8
IRIS = load_iris(return_X_y=True)


def one_gaussian(**params):
    return GaussianMixture(reg_covar=0.0, random_state=0, **params)


def blobs(n, seed=0):
    """Two classes, the first with two humps on both sides of the second."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    side = rng.choice([-3.0, 3.0], size=n)
    X = rng.normal(size=(n, 2))
    X[:, 0] += np.where(y == 0, side, 0.0)
    return X, y


class OfHalves(GenerativeClassifier):
    """The density over two classes, which the rows themselves decide."""

    def fit(self, X, y=None, sample_weight=None):
        column = np.asarray(X)[:, 0].astype(float)
        middle = np.median(np.unique(column[~np.isnan(column)]))
        return super().fit(X, column > middle, sample_weight)

    def score(self, X, y=None, sample_weight=None):
        return GenerativeModel.score(self, X, sample_weight=sample_weight)


# -- oracles --------------------------------------------------------------------------


def test_one_gaussian_each_is_quadratic_discriminant_analysis():
    X, y = IRIS
    ours = GenerativeClassifier(one_gaussian()).fit(X, y)
    theirs = QuadraticDiscriminantAnalysis().fit(X, y)
    tolerance = {"rtol": ORACLE, "atol": ORACLE}
    np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), ORACLE)
    np.testing.assert_allclose(
        ours.predict_log_proba(X), theirs.predict_log_proba(X), **tolerance
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    two = y < 2
    ours.fit(X[two], y[two])
    np.testing.assert_allclose(
        ours.decision_function(X), theirs.fit(X[two], y[two]).decision_function(X),
        **tolerance,
    )  # fmt: skip


def test_diagonal_gaussians_are_naive_bayes():
    X, y = IRIS
    weight = np.random.default_rng(0).integers(1, 4, size=len(X))
    mixture = one_gaussian(covariance_type="diag")
    for priors in (None, [0.5, 0.25, 0.25]):
        ours = GenerativeClassifier(mixture, priors=priors).fit(X, y, weight)
        theirs = GaussianNB(priors=priors, var_smoothing=0.0).fit(X, y, weight)
        np.testing.assert_allclose(
            ours.predict_proba(X), theirs.predict_proba(X), atol=ORACLE
        )
        np.testing.assert_allclose(
            ours.predict_log_proba(X), theirs.predict_log_proba(X), rtol=ORACLE,
            atol=ORACLE,
        )  # fmt: skip
        np.testing.assert_allclose(ours.class_prior_, theirs.class_prior_)


def test_a_missing_cell_is_left_out():
    X, y = IRIS
    ours = GenerativeClassifier(one_gaussian(covariance_type="diag")).fit(X, y)
    fewer = GenerativeClassifier(one_gaussian(covariance_type="diag")).fit(X[:, :2], y)
    with_holes = X.copy()
    with_holes[:, 2:] = np.nan
    np.testing.assert_allclose(
        ours.predict_proba(with_holes), fewer.predict_proba(X[:, :2]), atol=ORACLE
    )
    nothing = ours.predict_proba(np.full((1, 4), np.nan))
    np.testing.assert_allclose(nothing[0], ours.class_prior_)
    holes_in_fit = np.where(np.random.default_rng(0).random(X.shape) < 0.2, np.nan, X)
    learned = clone(ours).fit(holes_in_fit, y)
    assert learned.score(X, y) > 0.9


# What only the halves stumble over: rows that can't be halved, batches.
OF_HALVES = ("check_fit_refuses", "check_partial_fit", "check_missing_values_in_frames")
CHECKS = [
    check
    for check in generative_checks(OfHalves(GaussianMixture()))
    if not check.name.startswith(OF_HALVES)
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_it_is_a_density(check):
    check(OfHalves(GaussianMixture()))


# -- labels, priors, outliers, draws --------------------------------------------------


@pytest.mark.parametrize(
    ("priors", "want"),
    [
        ("uniform", [1 / 3, 1 / 3, 1 / 3]),
        ({"a": 0.2, "c": 0.3, "b": 0.5}, [0.2, 0.5, 0.3]),
        ([0.1, 0.2, 0.7], [0.1, 0.2, 0.7]),
    ],
)
def test_priors(priors, want):
    X, y = IRIS
    labels = np.array(["a", "b", "c"])[y]
    model = GenerativeClassifier(GaussianMixture(), priors=priors).fit(X, labels)
    np.testing.assert_allclose(model.class_prior_, want)


@pytest.mark.parametrize(
    ("priors", "message"),
    [
        ([0.5, 0.5], "one entry for each of the 3 classes"),
        ([0.5, 0.6, 0.1], "sum to 1, got .* with sum 1.2"),
        ({0: 0.5, 1: 0.5}, r"must name each of the classes \[0, 1, 2\] once"),
    ],
)
def test_priors_that_are_none(priors, message):
    with pytest.raises(ValueError, match=message):
        GenerativeClassifier(GaussianMixture(), priors=priors).fit(*IRIS)


def test_outliers_are_unlikely_in_every_class():
    X, y = IRIS
    labels = np.array(["setosa", "versicolor", "virginica"])[y]
    model = GenerativeClassifier(
        GaussianMixture(), contamination=0.1, outlier_label="none"
    ).fit(X, labels)
    log_density = model.predict_joint_log_proba(X) - np.log(model.class_prior_)
    for k, label in enumerate(model.classes_):
        own = log_density[labels == label, k]
        # A tenth of fifty of rows held out; fits know their own rows better.
        assert 1 <= (own < model.offsets_[k]).sum() <= 5
    strange = [[5.0, 3.4, 5.5, 0.2], [100.0, 0.0, 0.0, 0.0]]
    np.testing.assert_array_equal(model.is_outlier(strange), [True, True])
    assert list(model.predict([*strange, X[0]])) == ["none", "none", "setosa"]
    assert 0 < model.is_outlier(X).sum() <= 15
    numbers = GenerativeClassifier(GaussianMixture(), outlier_label="none").fit(X, y)
    assert list(numbers.predict([strange[1], X[0]])) == ["none", 0]


def test_draws_are_of_the_classes_asked_for():
    X, y = IRIS
    table = pd.DataFrame(X, columns=list("abcd"))
    labels = np.array(["x", "y", "z"])[y]
    model = GenerativeClassifier(GaussianMixture(), random_state=0).fit(table, labels)
    wanted = np.array(["z", "x", "x", "y"] * 50)
    drawn = model.sample(y=wanted)
    assert list(drawn.columns) == list("abcd")
    assert (model.predict(drawn) == wanted).mean() > 0.9
    assert (model.predict(model.sample(50, y="x")) == "x").all()
    shares = np.unique(model.predict(model.sample(600)), return_counts=True)[1] / 600
    # standard error .019
    np.testing.assert_allclose(shares, 1 / 3, atol=5 * 0.019)
    np.testing.assert_array_equal(model.sample(5), model.sample(5))
    with pytest.raises(ValueError, match="'w', which is none of the classes"):
        model.sample(3, y="w")
    with pytest.raises(ValueError, match="n_samples must be an integer"):
        model.sample(0)


def test_draws_of_frames_are_counted_in_the_order_of_labels():
    X, y = IRIS
    model = GenerativeClassifier(one_gaussian()).fit(pd.DataFrame(X), y)
    wanted = [2, 0, 2, 0, 0]  # far apart
    drawn = model.sample(y=wanted, random_state=0)
    assert list(drawn.index) == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(model.predict(drawn), wanted)


def test_rows_that_no_class_has_get_the_priors():
    X, y = blobs(200)
    model = GenerativeClassifier(KernelDensity(kernel="tophat"), priors=[0.3, 0.7])
    far = model.fit(X, y).predict_proba([[1e3, 1e3]])
    np.testing.assert_allclose(far, [[0.3, 0.7]])
    assert model.score_samples([[1e3, 1e3]])[0] == -np.inf


def test_threads_give_the_same_bytes():
    X, y = IRIS
    models = [
        GenerativeClassifier(GaussianMixture(2, random_state=0), n_jobs=n).fit(X, y)
        for n in (1, 2)
    ]
    first, second = (model.predict_joint_log_proba(X) for model in models)
    np.testing.assert_array_equal(first, second)


def test_a_class_of_one_row_borrows_from_the_others():
    X, y = blobs(100)
    y[0] = 2
    model = GenerativeClassifier(GaussianMixture())
    with pytest.warns(UserWarning, match="Class 2 has 1 distinct rows"):
        model.fit(X, y)
    # as wide as half the other rows, not a point
    assert model.estimators_[2].covariances_[0, 1, 1] > 0.2
    with pytest.warns(UserWarning, match="too few"):
        GenerativeClassifier(ReferenceBernoulliLike()).fit(X, y)


class ReferenceBernoulliLike(KernelDensity):
    """Takes no weights."""

    def fit(self, X, y=None):
        return super().fit(X)


def test_default_is_chosen_by_prediction():
    X, y = blobs(240)
    model = GenerativeClassifier(random_state=0).fit(X, y)
    size = model.estimators_[0].named_steps["gaussianmixture"].n_components
    assert size > 1  # two humps
    X_new, y_new = blobs(500, seed=1)
    bayes = 1 - model.score(X_new, y_new)
    one = GenerativeClassifier(one_gaussian()).fit(X, y)
    assert bayes < 1 - one.score(X_new, y_new)
    assert model.density_kind == "exact"


def test_searches_and_pipelines_inside():
    X, y = IRIS
    pipeline = make_generative_pipeline(StandardScaler(), one_gaussian())
    plain = GenerativeClassifier(one_gaussian()).fit(X, y)
    scaled = GenerativeClassifier(pipeline).fit(X, y)
    np.testing.assert_allclose(scaled.score_samples(X), plain.score_samples(X))
    search = GridSearchCV(one_gaussian(), {"n_components": [1]}, cv=2)
    searched = GenerativeClassifier(search).fit(X, y)
    np.testing.assert_allclose(searched.predict_proba(X), plain.predict_proba(X))
    with pytest.raises(TypeError, match="make_generative_pipeline"):
        GenerativeClassifier(make_pipeline(StandardScaler(), one_gaussian())).fit(X, y)
    with pytest.raises(TypeError, match="must be a density"):
        GenerativeClassifier(StandardScaler()).fit(X, y)


# -- batches --------------------------------------------------------------------------


def test_batches_learn_what_one_fit_does():
    X, y = blobs(600)
    model = GenerativeClassifier(ReferenceGaussian())
    for start in range(0, 600, 200):
        rows = slice(start, start + 200)
        model.partial_fit(X[rows], y[rows], classes=[0, 1])
    whole = GenerativeClassifier(ReferenceGaussian()).fit(X, y)
    np.testing.assert_allclose(
        model.predict_joint_log_proba(X), whole.predict_joint_log_proba(X), rtol=1e-6
    )
    np.testing.assert_array_equal(model.class_count_, whole.class_count_)
    np.testing.assert_allclose(model.offsets_, whole.offsets_, atol=0.5)


def test_a_class_of_a_later_batch():
    X, y = IRIS
    model = GenerativeClassifier(GaussianMixture())
    model.partial_fit(X[:100], y[:100], classes=[0, 1, 2])
    assert model.predict_proba(X[:3])[:, 2].max() == 0.0
    model.partial_fit(X[100:], y[100:])
    assert model.score(X, y) > 0.95


def test_batches_that_are_refused():
    X, y = IRIS
    model = GenerativeClassifier(GaussianMixture())
    with pytest.raises(ValueError, match="on the first call to partial_fit"):
        model.partial_fit(X, y)
    with pytest.raises(ValueError, match="2, which is none of the classes"):
        model.partial_fit(X, y, classes=[0, 1])
    model.partial_fit(X, y, classes=[0, 1, 2])
    with pytest.raises(ValueError, match="differ from those of the first call"):
        model.partial_fit(X, y, classes=[0, 1])
    assert not hasattr(GenerativeClassifier(KernelDensity()), "partial_fit")


# -- unlabelled rows ------------------------------------------------------------------


def half_labelled(n_known=10, n=600):
    X, y = blobs(n)
    marked = np.full(n, -1)
    known = [*np.flatnonzero(y == 0)[:n_known], *np.flatnonzero(y == 1)[:n_known]]
    marked[known] = y[known]
    return X, y, marked


def test_unlabelled_rows_help():
    X, _, marked = half_labelled()
    density = GaussianMixture(2, reg_covar=0.1, random_state=0)
    known = marked >= 0
    supervised = GenerativeClassifier(density).fit(X[known], marked[known])
    both = GenerativeClassifier(density, unlabeled=-1).fit(X, marked)
    X_new, y_new = blobs(2000, seed=1)
    gain = both.score(X_new, y_new) - supervised.score(X_new, y_new)
    assert gain > 0.02
    np.testing.assert_array_equal(both.classes_, [0, 1])
    assert both.n_iter_ == len(both.lower_bounds_) > 1
    assert both.converged_


def test_bound_rises_where_refits_are_exact():
    X, _, marked = half_labelled(5)
    model = GenerativeClassifier(one_gaussian(), unlabeled=-1, tol=1e-9, max_iter=500)
    bounds = np.array(model.fit(X, marked).lower_bounds_)
    assert (np.diff(bounds) > -1e-12).all()
    assert bounds[-1] > bounds[0] + 0.01
    # the bound is that of labelled rows with their labels, of others without
    joint = model.predict_joint_log_proba(X)
    known = marked >= 0
    total = joint[known, marked[known]].sum() + logsumexp(joint[~known], axis=1).sum()
    assert bounds[-1] == pytest.approx(total / len(X), abs=1e-6)


def test_all_labelled_is_the_same_with_a_marker():
    X, y = IRIS
    plain = GenerativeClassifier(one_gaussian()).fit(X, y)
    marked = GenerativeClassifier(one_gaussian(), unlabeled=-1).fit(X, y)
    np.testing.assert_array_equal(plain.predict_proba(X), marked.predict_proba(X))
    assert not hasattr(marked, "lower_bounds_")


def test_unlabelled_rows_of_little_weight_change_little():
    X, _, marked = half_labelled(40)
    known = marked >= 0
    density = one_gaussian()
    alone = GenerativeClassifier(density).fit(X[known], marked[known])
    light = GenerativeClassifier(density, unlabeled=-1, unlabeled_weight=1e-4)
    light.fit(X, marked)
    np.testing.assert_allclose(
        light.predict_proba(X), alone.predict_proba(X), atol=0.01
    )


def test_markers_among_strings():
    X, y, marked = half_labelled()
    names = np.array(["no", "yes"], dtype=object)[y]
    names[marked < 0] = -1
    density = GaussianMixture(2, reg_covar=0.1, random_state=0)
    strings = GenerativeClassifier(density, unlabeled=-1).fit(X, names)
    numbers = GenerativeClassifier(density, unlabeled=-1).fit(X, marked)
    assert list(strings.classes_) == ["no", "yes"]
    np.testing.assert_array_equal(strings.predict_proba(X), numbers.predict_proba(X))
    words = np.where(marked < 0, "unknown", np.array(["no", "yes"])[y])
    other = GenerativeClassifier(density, unlabeled="unknown").fit(X, words)
    np.testing.assert_array_equal(other.predict_proba(X), numbers.predict_proba(X))
    with pytest.raises(ValueError, match="array of dtype object"):
        GenerativeClassifier(density, unlabeled=-1).fit(X, names.astype(str))


def test_markers_that_are_refused_or_look_forgotten():
    X, _, marked = half_labelled()
    with pytest.raises(ValueError, match="No row has a label"):
        GenerativeClassifier(GaussianMixture(), unlabeled=-1).fit(
            X, np.full(len(X), -1)
        )
    with pytest.warns(UserWarning, match="set unlabeled=-1"):
        GenerativeClassifier(GaussianMixture()).fit(X, marked)
    with pytest.raises(ValueError, match="takes none"):
        GenerativeClassifier(ReferenceBernoulliLike(), unlabeled=-1).fit(X, marked)
