import functools

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal
from scipy.integrate import quad
from scipy.special import gammaln
from scipy.stats import chi2, norm
from sklearn.covariance import EllipticEnvelope
from sklearn.ensemble import IsolationForest
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import OneClassSVM

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture
from sklearn_gen.model_selection import excess_mass_auc, mass_volume_auc
from sklearn_gen.model_selection._volumes import weighted_draws
from sklearn_gen.outlier import DensityOutlierDetector

SCORERS = [excess_mass_auc, mass_volume_auc]


class Scores:
    """A fitted detector that is a function of the rows."""

    def __init__(self, function):
        self.function = function

    def score_samples(self, X):
        return self.function(np.asarray(X, dtype=float))


def nearness(X):
    return -np.sum(X**2, axis=1)


def noise(X):
    """A score that has nothing to do with density: different for rows nearby."""
    return np.sin(1e6 * np.nansum(X * np.arange(1, X.shape[1] + 1), axis=1))


@pytest.fixture(scope="module")
def rows():
    return np.random.default_rng(0).normal(size=(1000, 3)) * [1.0, 5.0, 0.1]


# ---- closed forms ----

# 20,001 quantiles of a normal distribution: no chance but that of the draws. With
# 200,000 of them the relative standard error is about 1e-3; tolerances are five.
QUANTILES = norm.ppf((np.arange(20_001) + 0.5) / 20_001)[:, None]
WIDTH = np.ptp(QUANTILES)


def test_mass_volume_of_a_normal_column():
    expected = quad(lambda a: 2 * norm.ppf((1 + a) / 2) / WIDTH, 0.9, 0.99)[0] / 0.09
    score = mass_volume_auc(
        Scores(nearness), QUANTILES, mass=(0.9, 0.99), n_draws=200_000
    )
    assert score == pytest.approx(-expected, rel=5e-3)


def test_mass_volume_of_a_score_that_looks_at_one_side():
    # {x <= u}: the volume of mass alpha is from the left end of the box to there.
    left = QUANTILES.min()
    expected = quad(lambda a: (norm.ppf(a) - left) / WIDTH, 0.9, 0.99)[0] / 0.09
    score = mass_volume_auc(
        Scores(lambda X: -X[:, 0]), QUANTILES, mass=(0.9, 0.99), n_draws=200_000
    )
    assert score == pytest.approx(-expected, rel=5e-3)


def test_excess_mass_of_a_normal_column():
    def curve(t):  # {density >= t} is |x| <= r, but within the box
        r = np.sqrt(-2 * np.log(t / WIDTH * np.sqrt(2 * np.pi)))
        r = min(r, WIDTH / 2)
        return 2 * norm.cdf(r) - 1 - t * 2 * r / WIDTH

    grid = np.linspace(1e-9, 1.0, 20_001)
    values = np.array([curve(t) for t in grid])
    kept = values >= 0.9
    expected = np.trapezoid(values[kept], grid[kept])
    score = excess_mass_auc(Scores(nearness), QUANTILES, n_draws=200_000)
    assert score == pytest.approx(expected, rel=5e-3)


@pytest.mark.parametrize(
    ("n_features", "rel"), [(2, 0.03), (5, 0.06), (10, 0.1), (20, 0.25)]
)
def test_volumes_of_balls(n_features, rel):
    X = np.random.default_rng(0).normal(size=(20_000, n_features))
    masses = np.linspace(0.3, 0.4, 101)  # balls well inside the box
    radius2 = chi2.ppf(masses, n_features)
    log_ball = n_features / 2 * np.log(np.pi) - gammaln(n_features / 2 + 1)
    log_box = np.log(np.ptp(X, axis=0)).sum()
    expected = np.exp(n_features / 2 * np.log(radius2) + log_ball - log_box).mean()
    score = mass_volume_auc(Scores(nearness), X, mass=(0.3, 0.4))
    assert score == pytest.approx(-expected, rel=rel)


def test_a_score_without_content_has_as_much_volume_as_mass(rows):
    # MV(alpha) = alpha and EM(t) = 1 - t, up to the noise of rows and draws (3e-2).
    mass_volume = mass_volume_auc(Scores(noise), rows, mass=(0.8, 0.9))
    assert mass_volume == pytest.approx(-0.85, abs=0.05)
    excess_mass = excess_mass_auc(Scores(noise), rows)
    assert excess_mass == pytest.approx(0.095, rel=0.1)


def test_a_constant_score_is_the_whole_box(rows):
    constant = Scores(lambda X: np.zeros(len(X)))
    assert mass_volume_auc(constant, rows) == pytest.approx(-1.0, abs=0.03)
    assert excess_mass_auc(constant, rows) == pytest.approx(0.095, rel=0.03)


@pytest.mark.parametrize("gaps", [0.0, 0.4])
def test_draws_fill_the_box(rows, gaps):
    # The weights of any part of the box add up to its volume: standard error 3e-3.
    X = rows.copy()
    X[np.random.default_rng(1).uniform(size=X.shape) < gaps] = np.nan
    draws, weight, _ = weighted_draws(X, 100_000, np.random.default_rng(0))
    assert weight.mean() == pytest.approx(1.0, abs=0.015)
    low, high = np.nanmin(X, axis=0), np.nanmax(X, axis=0)
    outside = ((draws < low) | (draws > high)).any(axis=1)
    assert outside.any()
    assert_array_equal(weight[outside], 0.0)
    share = (draws - low) / (high - low)
    for j in range(3):
        left = weight[share[:, j] < 0.25].sum() / weight[share[:, j] >= 0].sum()
        assert left == pytest.approx(0.25, abs=0.015)
    assert np.isnan(draws).mean() == pytest.approx(gaps, abs=0.03)
    # Where nothing is observed there is one point, which has all of the volume.
    assert_allclose(weight[np.isnan(draws).all(axis=1)], 1.0)


@pytest.mark.parametrize("library", [pd, pl])
def test_values_of_categories_are_volumes(library):
    # A row is as likely as its category, so by itself a category of ten has a tenth.
    rng = np.random.default_rng(0)
    levels = np.array(list("abcdefghij"))
    service = rng.choice(levels, 1000, p=[0.6, 0.31, *[0.01125] * 8])
    X = library.DataFrame(
        {
            "service": service.tolist(),
            "x": rng.uniform(size=1000),
            "safe": rng.random(1000) < 0.999,
        }
    )
    draws, weight, _ = weighted_draws(X, 50_000, np.random.default_rng(0))
    assert list(draws.columns) == ["service", "x", "safe"]
    drawn, safe = np.asarray(draws["service"]), np.asarray(draws["safe"], dtype=bool)
    for level in levels:  # standard error 2e-3
        share = weight[drawn == level].sum() / weight.sum()
        assert share == pytest.approx(0.1, abs=0.012)
    assert weight[safe].sum() / weight.sum() == pytest.approx(0.5, abs=0.02)

    def usual(X):
        return np.isin(np.asarray(X["service"]), ["a", "b"]).astype(float)

    class Usual:
        def score_samples(self, X):
            return usual(X)

    mass = usual(X).mean()
    expected = -(0.2 * (mass - 0.5) + 1.0 * (1 - mass)) / 0.5
    score = mass_volume_auc(Usual(), X, mass=(0.5, 1.0))
    assert score == pytest.approx(expected, abs=0.02)


# ---- what may not matter ----


@settings(max_examples=20, deadline=None)
@given(
    transform=st.sampled_from([np.arctan, np.exp, np.cbrt, lambda s: s - 7.0]),
    power=st.integers(-8, 3),
    seed=st.integers(0, 100),
)
@pytest.mark.parametrize("scorer", SCORERS)
def test_only_the_ranking_counts(rows, scorer, transform, power, seed):
    def score(X):
        return -np.linalg.norm(X / [1.0, 5.0, 0.1], axis=1)

    transformed = Scores(lambda X: transform(2.0**power * score(X)))
    draws = {"n_draws": 500, "random_state": seed}
    assert scorer(transformed, rows, **draws) == pytest.approx(
        scorer(Scores(score), rows, **draws), rel=1e-9
    )


@settings(max_examples=10, deadline=None)
@given(
    units=st.lists(st.floats(1e-3, 1e3), min_size=3, max_size=3),
    shift=st.floats(-10, 10),
)
@pytest.mark.parametrize("scorer", SCORERS)
def test_units_do_not_matter(rows, scorer, units, shift):
    scaled = Scores(lambda X: nearness((X - shift) / units))
    # Rounding moves single draws across a threshold.
    assert scorer(scaled, rows * units + shift, n_draws=500) == pytest.approx(
        scorer(Scores(nearness), rows, n_draws=500), rel=0.02
    )


@pytest.mark.parametrize("scorer", SCORERS)
def test_same_seed_same_score(rows, scorer):
    one, two = (scorer(Scores(nearness), rows) for _ in range(2))
    assert one == two
    assert one != scorer(Scores(nearness), rows, random_state=1)
    state = np.random.get_state()[1].copy()
    scorer(Scores(nearness), rows, random_state=None)
    assert (np.random.get_state()[1] == state).all()


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize(
    "container",
    [
        np.ndarray.tolist,
        lambda X: pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(1000)[::-1]),
        lambda X: pl.DataFrame(X, schema=["a", "b", "c"]),
    ],
)
def test_containers(rows, scorer, container):
    X = container(rows)
    detector = DensityOutlierDetector(GaussianMixture()).fit(X)
    if hasattr(X, "columns"):
        assert list(detector.feature_names_in_) == ["a", "b", "c"]
    plain = DensityOutlierDetector(GaussianMixture()).fit(rows)
    assert scorer(detector, X) == pytest.approx(scorer(plain, rows), rel=1e-3)


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("value", [4.0, np.nan])
def test_columns_without_volume_are_left_out(rows, scorer, value):
    more = np.column_stack([rows, np.full(len(rows), value)])
    first = Scores(lambda X: nearness(X[:, :3]))
    assert scorer(first, more) == scorer(Scores(nearness), rows)


# ---- judgements ----


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("gaps", [0.0, 0.3])
def test_the_better_the_density_the_better_the_score(scorer, gaps):
    rng = np.random.default_rng(0)
    X, test = rng.normal(size=(2, 800, 3)) @ np.array(
        [[1.0, 0.9, 0.0], [0.0, 0.5, 0.3], [0.0, 0.0, 0.5]]
    )
    test[rng.uniform(size=test.shape) < gaps] = np.nan
    full = GaussianMixture().fit(X)
    diag = GaussianMixture(covariance_type="diag").fit(X)
    scores = [scorer(d, test) for d in (full, diag, Scores(noise))]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] != scores[1] != scores[2]


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("n_features", [2, 10])
def test_too_narrow_a_kernel_is_no_better(scorer, n_features):
    # Importance sampling from the candidate itself would miss nearly all of the level
    # sets of the narrow one, and prefer it.
    X, test = np.random.default_rng(0).normal(size=(2, 300, n_features))
    narrow, right = (
        scorer(KernelDensity(bandwidth=b).fit(X), test) for b in (0.02, 0.8)
    )
    assert right > narrow


@pytest.mark.parametrize("scorer", SCORERS)
def test_detectors_of_scikit_learn(rows, scorer):
    half = rows[::2] / [1.0, 5.0, 0.1]
    for detector in (
        IsolationForest(random_state=0),
        EllipticEnvelope(random_state=0),
        OneClassSVM(nu=0.1),
        make_pipeline(StandardScaler(), IsolationForest(random_state=0)),
    ):
        score = scorer(detector.fit(half), rows[1::2] / [1.0, 5.0, 0.1])
        assert score > scorer(Scores(noise), rows)


@pytest.mark.parametrize(
    "scorer", [*SCORERS, functools.partial(mass_volume_auc, mass=(0.5, 0.8))]
)
@pytest.mark.parametrize("make", [make_pipeline, make_generative_pipeline])
def test_searches_through_pipelines(scorer, make):
    rng = np.random.default_rng(0)
    X = rng.normal(8.0 * (rng.random((240, 1)) < 0.5), 1.0, size=(240, 2))
    pipeline = make(StandardScaler(), GaussianMixture(random_state=0))
    search = GridSearchCV(
        pipeline,
        {"gaussianmixture__n_components": [1, 2]},
        scoring=scorer,
        cv=3,
        error_score="raise",
    ).fit(X, np.zeros(240))
    assert search.best_params_ == {"gaussianmixture__n_components": 2}


def test_outliers_among_the_rows_are_left_out_of_the_mass():
    rng = np.random.default_rng(0)
    X = np.vstack([rng.normal(size=(950, 2)), rng.uniform(20, 30, size=(50, 2))])
    right = Scores(nearness)
    wrong = Scores(lambda X: -np.abs(X[:, 0] + X[:, 1] - 2.0))
    tight = functools.partial(mass_volume_auc, mass=(0.8, 0.95))
    assert tight(right, X) > tight(wrong, X)
    assert tight(right, X) > mass_volume_auc(right, X)


def test_level_sets_that_no_draw_hits_have_a_volume():
    X = np.random.default_rng(0).normal(size=(300, 5))
    rows = {tuple(row) for row in X}
    memory = Scores(lambda Z: np.array([float(tuple(row) in rows) for row in Z]))
    assert -1e-4 < mass_volume_auc(memory, X) < 0
    assert np.isfinite(excess_mass_auc(memory, X))


@pytest.mark.parametrize("scorer", SCORERS)
def test_impossible_rows_come_last(rows, scorer):
    box = Scores(lambda X: np.where(np.abs(X[:, 0]) < 2, 0.0, -np.inf))
    clipped = Scores(lambda X: np.where(np.abs(X[:, 0]) < 2, 0.0, -9.0))
    assert scorer(box, rows) == scorer(clipped, rows)


def test_no_warnings_of_the_measurement(recwarn):
    X = np.random.default_rng(0).integers(0, 4, size=(60, 8)).astype(float)
    X[:, 3] = X[:, 2]
    for scorer in SCORERS:
        assert np.isfinite(scorer(Scores(nearness), X))
        assert np.isfinite(scorer(Scores(nearness), X[:3]))
    assert [str(w.message) for w in recwarn] == []


def test_cross_val_score(rows):
    scores = cross_val_score(
        DensityOutlierDetector(GaussianMixture()),
        rows,
        scoring=mass_volume_auc,
        cv=4,
    )
    assert_allclose(scores, scores.mean(), rtol=0.3)
    assert ((scores < 0) & (scores > -1)).all()


# ---- errors ----


@pytest.mark.parametrize("scorer", SCORERS)
def test_errors(rows, scorer):
    with pytest.raises(TypeError, match="StandardScaler has neither"):
        scorer(StandardScaler().fit(rows), rows)
    with pytest.raises(ValueError, match=r"NaN for 1000 of 1000 rows.*row 0"):
        scorer(Scores(lambda X: np.full(len(X), np.nan)), rows)
    with pytest.raises(ValueError, match="two different numbers"):
        scorer(Scores(nearness), np.ones((5, 2)))
    with pytest.raises(ValueError, match=r"aren't numbers.*'x'.*in a DataFrame"):
        scorer(Scores(nearness), np.array([[1.0, "x"], [2.0, "y"]], dtype=object))
    with pytest.raises(ValueError, match=r"n_draws must be an integer.*0"):
        scorer(Scores(nearness), rows, n_draws=0)


@pytest.mark.parametrize("mass", [(0.9, 0.9), (-0.1, 0.5), (0.9, 1.1)])
def test_errors_of_the_range(rows, mass):
    with pytest.raises(ValueError, match=r"mass must be an interval.*got \("):
        mass_volume_auc(Scores(nearness), rows, mass=mass)


@pytest.mark.parametrize("min_mass", [0.0, 1.0, -1])
def test_errors_of_the_least_mass(rows, min_mass):
    with pytest.raises(ValueError, match="min_mass must be between 0 and 1, got"):
        excess_mass_auc(Scores(nearness), rows, min_mass=min_mass)
