"""Conditional means and columns, against the conditional mixture of each row."""

import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    RobustScaler,
    StandardScaler,
)

from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.mixture import GaussianMixture

# Two ways to the same sums of a dozen terms of size 100.
TOLERANCE = 1e-9


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)) @ rng.normal(size=(4, 4)) + [100.0, 0.0, -5.0, 3.0]
    X[30:] += [4.0, -4.0, 0.0, 4.0]
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:2] = np.nan
    X[2] = [100.0, 1.0, 2.0, 3.0]
    return X


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
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


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
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
