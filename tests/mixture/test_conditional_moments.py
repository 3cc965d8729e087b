"""Conditional means and columns, against the conditional mixture of each row."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.imputer import GenerativeImputer
from sklearn_gen.mixture import (
    AdaptiveKernelDensity,
    BayesianGaussianMixture,
    GaussianMixture,
    MixtureOfFactorAnalyzers,
    StudentTMixture,
)
from sklearn_gen.regressor import GenerativeRegressor

# Two ways to the same sums of a dozen terms of size 100.
TOLERANCE = 1e-9
# Of integrals over a grid, relative to values of size 1 to 100.
INTEGRAL = 1e-6
COVARIANCE_TYPES = ["full", "tied", "diag", "spherical"]
MODELS = [
    *(StudentTMixture(2, covariance_type=kind, dof=2.5) for kind in COVARIANCE_TYPES),
    StudentTMixture(2),
    *(BayesianGaussianMixture(3, covariance_type=kind) for kind in COVARIANCE_TYPES),
    MixtureOfFactorAnalyzers(1, n_factors=2),
    MixtureOfFactorAnalyzers(3, n_factors=1, noise="isotropic"),
    AdaptiveKernelDensity(),
]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)) + [100.0, 0.0, -5.0, 3.0]
    X[30:] += [4.0, -4.0, 0.0, 4.0]
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:2] = np.nan
    X[2] = [100.0, 1.0, 2.0, 3.0]
    return X


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_means_are_those_of_the_conditional_mixture(rows, covariance_type):
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0)
    filled = model.fit(rows).conditional_mean(rows)
    for row, got in zip(rows, filled, strict=True):
        missing = np.isnan(row)
        np.testing.assert_array_equal(got[~missing], row[~missing])
        if missing.all():
            np.testing.assert_allclose(got, model.weights_ @ model.means_, TOLERANCE)
        elif missing.any():
            conditional = model.conditional(row[None])
            want = conditional.weights_ @ conditional.means_
            np.testing.assert_allclose(got[missing], want, rtol=TOLERANCE)


def integrated(model, row, j):
    """E[x_j | observed] from scores alone: other missing cells are integrated out."""
    center, points = [100.0, 0.0, -5.0, 3.0][j], np.repeat(row[None], 40_001, axis=0)
    points[:, j] = center + np.sinh(np.linspace(-18, 18, len(points)))  # to 3e7
    log_prob = model.score_samples(points)
    weight = np.exp(log_prob - log_prob.max()) * np.gradient(points[:, j])
    return weight @ points[:, j] / weight.sum()


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_means_are_integrals_of_the_density(rows, model):
    model = clone(model).set_params(random_state=0).fit(rows)
    filled = model.conditional_mean(rows)
    seen = ~np.isnan(rows)
    np.testing.assert_array_equal(filled[seen], rows[seen])
    for i in (0, 5, 9, 14, 20, 33, 47, 59):
        for j in np.flatnonzero(~seen[i]):
            assert filled[i, j] == pytest.approx(
                integrated(model, rows[i], j), rel=INTEGRAL, abs=INTEGRAL
            )


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_means_are_means_of_draws(rows, model):
    model = clone(model).set_params(random_state=0).fit(rows)
    row = rows[[33]].copy()
    row[0] = [102.0, np.nan, np.nan, 4.0]
    draws = model.sample_conditional(np.repeat(row, 20_000, axis=0))[:, 1:3]
    error = draws.std(axis=0) / np.sqrt(len(draws))
    gap = np.abs(model.conditional_mean(row)[0, 1:3] - draws.mean(axis=0))
    assert (gap < 4.7 * error).all()  # 5e-6 by chance of one column


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_column_is_that_of_the_conditional_mixture(rows, covariance_type):
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0)
    given = model.fit(rows).conditional_column(rows, 2)
    rows = rows.copy()
    rows[:, 2] = np.nan
    for i, row in enumerate(rows):
        if np.isnan(row).all():
            continue
        conditional = model.conditional(row[None])
        at = list(np.flatnonzero(np.isnan(row))).index(2)
        alone = conditional.marginal([at])
        np.testing.assert_allclose(given.weights[i], alone.weights_, atol=TOLERANCE)
        np.testing.assert_allclose(given.means[i], alone.means_[:, 0], rtol=TOLERANCE)
        # (1,) of tied ones
        ratio = given.deviations[i] ** 2 / alone.covariances_.ravel()
        np.testing.assert_allclose(ratio, 1.0, TOLERANCE)


def test_tables_come_back_as_tables(rows):
    table = pd.DataFrame(rows, columns=list("abcd"), index=np.arange(60) + 7)
    model = GaussianMixture(2, random_state=0).fit(table)
    filled = model.conditional_mean(table)
    assert filled.index.equals(table.index)
    np.testing.assert_array_equal(filled, model.conditional_mean(table).to_numpy())
    one = model.conditional_column(table, "c")
    np.testing.assert_array_equal(one.means, model.conditional_column(table, 2).means)
    with pytest.raises(ValueError, match="'z', which is no column"):
        model.conditional_column(table, "z")


@pytest.mark.parametrize(
    "scaler",
    [StandardScaler(), StandardScaler(with_mean=False), StandardScaler(with_std=False),
     MinMaxScaler(), MaxAbsScaler(), RobustScaler(), "passthrough"],
    ids=repr,
)  # fmt: skip
def test_scalers_change_nothing(rows, scaler):
    # One component: its fit is the same in any units.
    model = GaussianMixture(reg_covar=0, tol=1e-12, max_iter=2000)
    pipeline = make_generative_pipeline(scaler, RobustScaler(), model)
    plain = GaussianMixture(reg_covar=0, tol=1e-12, max_iter=2000).fit(rows)
    pipeline.fit(rows)
    np.testing.assert_allclose(
        pipeline.conditional_mean(rows), plain.conditional_mean(rows), rtol=1e-5
    )
    ours, theirs = (m.conditional_column(rows, 1) for m in (pipeline, plain))
    np.testing.assert_allclose(ours.means, theirs.means, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(ours.deviations, theirs.deviations, rtol=1e-4)


@pytest.mark.parametrize(
    "step", [PowerTransformer(), Pipeline([("scale", StandardScaler())])]
)
def test_other_transformers_have_no_closed_form(step):
    pipeline = make_generative_pipeline(step, GaussianMixture())
    assert not hasattr(pipeline, "conditional_mean")
    with pytest.raises(AttributeError) as caught:
        _ = pipeline.conditional_column
    assert "is no scaler" in str(caught.value.__cause__)
    plain = make_generative_pipeline(None, GaussianMixture())
    assert hasattr(plain, "conditional_mean")


def test_means_that_do_not_exist_are_centers():
    cauchy = StudentTMixture.from_parameters(
        [0.5, 0.5], [[0.0, 0.0], [4.0, 8.0]], [np.eye(2)] * 2, dof=1.0
    )
    nothing, some = cauchy.conditional_mean([[np.nan, np.nan], [2.0, np.nan]])
    np.testing.assert_allclose(nothing, [2.0, 4.0])
    np.testing.assert_allclose(some, [2.0, 4.0])


@pytest.mark.parametrize("model", MODELS, ids=str)
def test_rows_far_out_and_single_precision(rows, model):
    model = clone(model).set_params(random_state=0).fit(rows.astype(np.float32))
    filled = model.conditional_mean(rows.astype(np.float32))
    assert filled.dtype == np.float32
    wide = model.conditional_mean(rows)
    np.testing.assert_allclose(filled, wide, rtol=1e-3, atol=1e-3)
    far = np.full((2, 4), np.nan)
    far[0, 0], far[1, 1] = 1e12, -1e12
    assert np.isfinite(model.conditional_mean(far)).all()


@pytest.mark.parametrize("model", MODELS[:1] + MODELS[4:5] + MODELS[-2:], ids=str)
def test_imputers_and_regressors_use_them(rows, model):
    model = clone(model).set_params(random_state=0)
    imputer = GenerativeImputer(model, strategy="mean").fit(rows)
    want = imputer.estimator_.conditional_mean(rows)
    np.testing.assert_array_equal(imputer.transform(rows), want)
    known = ~np.isnan(rows[:, 3])
    X, y = rows[known, :3], rows[known, 3]
    regressor = GenerativeRegressor(model).fit(X, y)
    table = np.column_stack([X, np.full(len(X), np.nan)])
    want = regressor.estimator_.conditional_mean(table)[:, 3]
    np.testing.assert_allclose(regressor.predict(X), want, rtol=TOLERANCE)
