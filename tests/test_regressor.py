"""Regression by joint densities: oracles, quantiles, missing cells, draws."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KernelDensity
from sklearn.preprocessing import StandardScaler

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture, TableMixture
from sklearn_gen.regressor import GenerativeRegressor
from tests.reference_models import ReferenceGaussian

# One Gaussian is least squares, by other sums: condition numbers are below 1e3.
ORACLE = 1e-8


def line(n=300, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3)) @ rng.normal(size=(3, 3)) + [5.0, 0.0, -2.0]
    return X, X @ [1.0, -2.0, 0.5] + 3.0 + rng.normal(scale=0.5, size=n)


def one_gaussian():
    return GaussianMixture(reg_covar=0.0)


@pytest.mark.parametrize("scaled", [False, True])
def test_one_gaussian_is_linear_regression(scaled):
    X, y = line()
    weight = np.random.default_rng(1).uniform(0.5, 2.0, size=len(X))
    density = one_gaussian()
    if scaled:
        density = make_generative_pipeline(StandardScaler(), density)
    ours = GenerativeRegressor(density).fit(X, y, weight)
    theirs = LinearRegression().fit(X, y, weight)
    mean, deviation = ours.predict(X, return_std=True)
    np.testing.assert_allclose(mean, theirs.predict(X), rtol=ORACLE, atol=ORACLE)
    residual = np.sqrt(np.average((y - theirs.predict(X)) ** 2, weights=weight))
    np.testing.assert_allclose(deviation, residual, rtol=ORACLE)
    levels = [0.1, 0.5, 0.99]
    want = mean[:, None] + residual * stats.norm.ppf(levels)
    quantiles = ours.predict_quantiles(X, levels)
    np.testing.assert_allclose(quantiles, want, rtol=ORACLE, atol=ORACLE)
    np.testing.assert_array_equal(ours.predict_quantiles(X, 0.5), quantiles[:, 1])
    np.testing.assert_allclose(
        ours.score_samples(X, y) - ours.score_samples(X),
        stats.norm.logpdf(y, mean, residual),
        rtol=1e-6,
    )


def test_a_missing_cell_is_left_out():
    X, y = line()
    ours = GenerativeRegressor(one_gaussian()).fit(X, y)
    fewer = LinearRegression().fit(X[:, 1:], y)
    with_holes = X.copy()
    with_holes[:, 0] = np.nan
    np.testing.assert_allclose(
        ours.predict(with_holes), fewer.predict(X[:, 1:]), rtol=ORACLE, atol=ORACLE
    )
    np.testing.assert_allclose(ours.predict(np.full((1, 3), np.nan)), y.mean())


def test_missing_cells_and_targets_in_fit():
    X, y = line(2000)
    rng = np.random.default_rng(0)
    X_holes = np.where(rng.random(X.shape) < 0.2, np.nan, X)
    y_holes = np.where(rng.random(len(y)) < 0.2, np.nan, y)
    model = GenerativeRegressor(GaussianMixture(tol=1e-6)).fit(X_holes, y_holes)
    assert model.score(X, y) > LinearRegression().fit(X, y).score(X, y) - 0.01


def test_quantiles_and_draws_of_two_branches():
    # y is +x or -x: a distribution that no mean tells
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 3, size=4000)
    y = x * rng.choice([-1.0, 1.0], size=4000) + rng.normal(scale=0.1, size=4000)
    model = GenerativeRegressor(GaussianMixture(2, random_state=0), random_state=0)
    model.fit(x[:, None], y)
    row = [[2.0]]
    mean, deviation = model.predict(row, return_std=True)
    assert abs(mean[0]) < 0.2
    np.testing.assert_allclose(deviation, 2.0, rtol=0.05)  # between the branches
    low, high = model.predict_quantiles(row, [0.25, 0.75])[0]
    np.testing.assert_allclose([low, high], [-2.0, 2.0], atol=0.1)
    draws = model.sample(row, 2000)[0]
    assert ((np.abs(np.abs(draws) - 2) < 0.5).mean()) > 0.99
    # draws are of the distribution that quantiles are of; 1e-4 false alarms
    levels = np.linspace(0.02, 0.98, 49)
    quantiles = model.predict_quantiles(row, levels)[0]
    counts = np.histogram(draws, [-np.inf, *quantiles, np.inf])[0]
    assert stats.chisquare(counts, np.full(50, 40.0)).pvalue > 1e-4
    assert model.sample(row).shape == (1,)
    np.testing.assert_array_equal(model.sample(row, 3), model.sample(row, 3))


def test_densities_without_closed_forms_are_drawn_from():
    X, y = line()
    exact = GenerativeRegressor(one_gaussian()).fit(X, y)
    drawn = GenerativeRegressor(ReferenceGaussian(), n_draws=400, random_state=0)
    drawn.fit(X, y)
    mean, deviation = exact.predict(X[:40], return_std=True)
    got, spread = drawn.predict(X[:40], return_std=True)
    # 40 normal errors of deviation / 20: six of them
    assert (np.abs(got - mean) < 6 * deviation / 20).all()
    np.testing.assert_allclose(spread, deviation, rtol=0.25)
    medians = drawn.predict_quantiles(X[:40], 0.5)
    assert (np.abs(medians - mean) < 8 * deviation / 20).all()
    assert drawn.sample(X[:4], 3).shape == (4, 3)


def test_default_follows_a_curve():
    rng = np.random.default_rng(0)
    X = rng.uniform(-3, 3, size=(400, 1)) * 1e-3  # in small units
    y = 1e4 * np.sin(1e3 * X[:, 0]) + rng.normal(scale=1e3, size=400)
    model = GenerativeRegressor(random_state=0).fit(X, y)
    assert model.score(X, y) > 0.95
    assert LinearRegression().fit(X, y).score(X, y) < 0.7
    few = clone(model).fit(X[:8], y[:8])
    assert np.isfinite(few.predict(X)).all()


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame])
def test_frames(kind):
    X, y = line(100)
    frame = kind(dict(zip("abt", X.T, strict=True)))
    named = frame.rename(columns={"t": "target"}) if kind is pd.DataFrame else (
        frame.rename({"t": "target"})
    )  # fmt: skip
    arrays = GenerativeRegressor(one_gaussian()).fit(X, y)
    for table in (frame, named):
        model = GenerativeRegressor(one_gaussian()).fit(table, y)
        np.testing.assert_allclose(model.predict(table), arrays.predict(X))
        assert list(model.feature_names_in_) == list(table.columns)


def test_what_is_refused():
    X, y = line(50)
    with pytest.raises(TypeError, match="must know conditionals"):
        GenerativeRegressor(KernelDensity()).fit(X, y)
    model = GenerativeRegressor(one_gaussian()).fit(X, y)
    with pytest.raises(ValueError, match="q must be probabilities"):
        model.predict_quantiles(X, [0.5, 1.0])
    with pytest.raises(ValueError, match="n_samples must be an integer"):
        model.sample(X, 0)
    with pytest.raises(ValueError, match="49 targets for 50 rows"):
        model.fit(X, y[1:])
    with pytest.raises(ValueError, match="some targets must be known"):
        model.fit(X, np.full(50, np.nan))
    with pytest.raises(ValueError, match="row 3"):
        model.fit(X, np.where(np.arange(50) == 3, np.inf, y))


# -- tables of mixed columns ---------------------------------------------------------


def people(n=400):
    rng = np.random.default_rng(0)
    kind = np.array(["large", "middle", "small"], dtype=object)[rng.integers(3, size=n)]
    frame = pd.DataFrame({"kind": kind, "x": rng.normal(size=n)})
    centers = pd.Series({"large": 30.0, "middle": 10.0, "small": -10.0})
    y = centers[kind].to_numpy() + rng.normal(scale=0.5, size=n)
    frame.loc[::7, "kind"] = None
    return frame, y


@pytest.mark.parametrize("form", ["pandas", "polars", "objects", "list", "numbered"])
def test_text_columns_predict(form):
    frame, y = people()
    table = {
        "pandas": frame,
        "polars": pl.DataFrame({
            "kind": [None if k != k else k for k in frame["kind"]], "x": frame["x"]
        }),
        "objects": frame.to_numpy(object),
        "list": frame.to_numpy(object).tolist(),
        "numbered": frame.set_axis([0, 1], axis=1),
    }[form]  # fmt: skip
    density = TableMixture(3, random_state=0)
    model = GenerativeRegressor(density, n_draws=50, random_state=0).fit(table, y)
    known = frame["kind"].notna().to_numpy()
    mean, deviation = model.predict(table, return_std=True)
    exact = model.predict(table)
    assert np.corrcoef(exact[known], y[known])[0, 1] > 0.98
    # 50 draws: an error of deviation / 7, of six such; smoothing adds rare far draws
    assert (np.abs(mean - exact) < 6 * deviation / np.sqrt(50) + 1.0).all()
    assert np.median(deviation[~known]) > 5 * np.median(deviation[known])
    assert np.isfinite(model.score_samples(table, y)).all()


def test_default_of_text_columns_is_a_table_mixture():
    frame, y = people()
    for table in (frame, frame.set_axis([0, 1], axis=1)):
        model = GenerativeRegressor(random_state=0).fit(table, y)
        assert isinstance(model.estimator_, TableMixture)
        assert model.score(table[1:7], y[1:7]) > 0.9
    with pytest.raises(ValueError, match="dtype"):
        GenerativeRegressor(one_gaussian()).fit(frame, y)


def test_numbers_of_tables_depend_on_each_other_where_that_predicts():
    rng = np.random.default_rng(0)
    smoker = rng.random(300) < 0.3
    age = rng.integers(18, 65, 300)
    frame = pd.DataFrame({"age": age, "smoker": np.where(smoker, "yes", "no")})
    charges = np.round(age * np.where(smoker, 900.0, 250.0), 2)
    charges = np.round(charges + 500 * rng.normal(size=300), 2)
    model = GenerativeRegressor(random_state=0).fit(frame[:200], charges[:200])
    assert list(model.estimator_.gaussian_block) == ["age", "target"]
    plain = TableMixture(random_state=0)
    plain = GenerativeRegressor(plain, random_state=0).fit(frame[:200], charges[:200])
    left = 1 - model.score(frame[200:], charges[200:])
    assert left < 0.5 * (1 - plain.score(frame[200:], charges[200:]))
    # Numbers that only name rows, and nothing but categories, are no block.
    named = frame.assign(row=np.arange(1000, 1300), age=age > 40)
    model.fit(named[:200], charges[:200])
    assert model.estimator_.gaussian_block is None
