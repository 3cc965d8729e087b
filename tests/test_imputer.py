"""Imputers: oracles, containers, strategies, several tables, Rubin's rules."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.neighbors import KernelDensity
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PowerTransformer, StandardScaler

from sklearn_gen._inner import _conditional
from sklearn_gen.compose import make_generative_pipeline
from sklearn_gen.imputer import GenerativeImputer, pool_estimates
from sklearn_gen.mixture import (
    GaussianMixture,
    RobustGaussianMixture,
    TableMixture,
)
from tests.reference_models import ReferenceGaussian

# The same formula in other words: rounding of sums of a dozen terms.
EXACT = 1e-9


def table(n=400, seed=0, share=0.25):
    """Rows of a known normal distribution, and the same with holes."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(4, 4))
    complete = rng.normal(size=(n, 4)) @ root + [10.0, 0.0, -5.0, 100.0]
    X = complete.copy()
    X[rng.random(X.shape) < share] = np.nan
    X[0] = np.nan
    X[1] = complete[1]
    return complete, X


@pytest.fixture(scope="module")
def rows():
    return table()


@pytest.mark.parametrize("scaled", [False, True])
def test_one_gaussian_gives_the_normal_conditional_mean(rows, scaled):
    _, X = rows
    mixture = GaussianMixture(reg_covar=0, tol=1e-10, max_iter=500)
    model = make_generative_pipeline(StandardScaler(), mixture) if scaled else mixture
    filled = GenerativeImputer(model).fit_transform(X)
    fitted = clone(mixture).fit(X)
    mean, S = fitted.means_[0], fitted.covariances_[0]
    for row, got in zip(X, filled, strict=True):
        m, o = np.isnan(row), ~np.isnan(row)
        step = np.linalg.solve(S[np.ix_(o, o)], row[o] - mean[o])
        want = mean[m] + S[np.ix_(m, o)] @ step
        tolerance = 1e-4 if scaled else EXACT  # EM stops at another step
        np.testing.assert_allclose(got[m], want, rtol=tolerance, atol=tolerance)
        np.testing.assert_array_equal(got[o], row[o])


def test_means_of_draws_approach_the_exact_means(rows):
    X = rows[1][:60]
    drawn = GenerativeImputer(ReferenceGaussian(), n_draws=200, random_state=0).fit(X)
    inner = drawn.estimator_  # no closed form, but all parameters of one
    exact = GaussianMixture.from_parameters([1], [inner.means_], [inner.covariance_])
    gap = drawn.transform(X) - exact.conditional_mean(X)
    gap = (gap / np.sqrt(np.diag(inner.covariance_)))[np.isnan(X)]
    # 60 cells, errors at most normal(0, 1/14): false alarms 60 * 2e-9
    assert np.abs(gap).max() < 6 / np.sqrt(200)


def test_default_is_better_than_a_line_where_columns_are_curved():
    rng = np.random.default_rng(0)
    x = rng.uniform(-2, 2, size=600)
    complete = np.c_[x, x**2 + rng.normal(scale=0.1, size=600)]
    X = complete.copy()
    X[::4, 1] = np.nan
    filled = GenerativeImputer(random_state=0).fit_transform(X)
    seen = ~np.isnan(X[:, 1])
    line = LinearRegression().fit(x[seen, None], complete[seen, 1])
    ours = np.std(filled[~seen, 1] - complete[~seen, 1])
    assert ours < 0.25 * np.std(line.predict(x[~seen, None]) - complete[~seen, 1])


def test_default_is_one_gaussian_of_few_rows(rows):
    _, X = rows
    imputer = GenerativeImputer(random_state=0).fit(X[:20])
    assert imputer.estimator_.named_steps["gaussianmixture"].n_components == 1
    assert np.isfinite(imputer.transform(X)).all()


@pytest.mark.parametrize("strategy", ["mean", "mode", "draw"])
def test_default_of_every_strategy(rows, strategy):
    complete, X = (part[:120] for part in rows)
    imputer = GenerativeImputer(strategy=strategy, n_draws=5, random_state=0)
    filled = imputer.fit_transform(X)
    assert np.isfinite(filled).all()
    np.testing.assert_array_equal(filled[1], complete[1])
    np.testing.assert_array_equal(filled, imputer.transform(X))
    np.testing.assert_array_equal(filled, clone(imputer).fit_transform(X))


def test_training_rows_are_treated_as_new_ones(rows):
    _, X = rows
    imputer = GenerativeImputer(GaussianMixture(2, random_state=0)).fit(X)
    together = imputer.transform(X)
    alone = np.concatenate([imputer.transform(row[None]) for row in X[:30]])
    np.testing.assert_allclose(together[:30], alone, rtol=1e-12)


def test_draws_keep_spread_and_correlation_that_means_lose():
    complete, X = table(n=4000)
    model = GaussianMixture()
    drawn = GenerativeImputer(model, strategy="draw", random_state=0).fit_transform(X)
    filled = GenerativeImputer(model).fit_transform(X)
    variance = complete.var(axis=0)
    # standard error of a variance of 4000 rows: 2 %; half of it for the missing quarter
    np.testing.assert_allclose(drawn.var(axis=0), variance, rtol=0.1)
    assert (filled.var(axis=0) < drawn.var(axis=0)).all()
    np.testing.assert_allclose(
        np.corrcoef(drawn.T), np.corrcoef(complete.T), rtol=0, atol=0.05
    )


def test_mode_is_the_most_probable_of_the_draws():
    mixture = GaussianMixture.from_parameters(
        [0.8, 0.2], [[0.0, 0.0], [0.0, 9.0]], [[1.0, 0.1], [1.0, 0.1]],
        covariance_type="diag",
    )  # fmt: skip
    rng = np.random.default_rng(0)
    imputer = GenerativeImputer(
        GaussianMixture(2, covariance_type="diag", random_state=0),
        strategy="mode", n_draws=200, random_state=0,
    )  # fmt: skip
    filled = imputer.fit(mixture.sample(500, random_state=rng)).transform(
        [[0.0, np.nan], [1.0, 5.0]]
    )
    assert abs(filled[0, 1]) < 0.2  # the mean is 1.8
    np.testing.assert_array_equal(filled[1], [1.0, 5.0])


@pytest.mark.parametrize("strategy", ["mean", "mode"])
def test_blocks_of_rows_are_drawn_in_one_call_each(rows, strategy, monkeypatch):
    _, X = rows
    calls = []

    class Counting(ReferenceGaussian):
        def sample_conditional(self, X, *, random_state=None):
            calls.append(len(X))
            return super().sample_conditional(X, random_state=random_state)

    imputer = GenerativeImputer(
        Counting(), strategy=strategy, n_draws=200, random_state=0
    ).fit(X)
    whole = imputer.transform(X)
    n_incomplete = int(np.isnan(X).any(axis=1).sum())
    assert calls == [200 * n_incomplete]
    monkeypatch.setattr(_conditional, "_CELLS_AT_ONCE", 200 * 4 * 7)  # seven rows
    in_blocks = imputer.transform(X)
    assert calls[1] == 200 * 7
    assert sum(calls[1:]) == calls[0]
    for filled in (whole, in_blocks):
        np.testing.assert_array_equal(filled[~np.isnan(X)], X[~np.isnan(X)])
    far = np.abs(in_blocks - whole) / X[~np.isnan(X).any(axis=1)].std(axis=0)
    assert far.max() < (1.0 if strategy == "mean" else 3.0)


def test_weights_are_repeats(rows):
    _, X = rows
    weight = np.arange(len(X)) % 3
    imputer = GenerativeImputer(GaussianMixture(tol=1e-8))
    weighted = imputer.fit(X, sample_weight=weight).transform(X)
    repeated = clone(imputer).fit(np.repeat(X, weight, axis=0)).transform(X)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-6)
    pipeline = make_generative_pipeline(StandardScaler(), GaussianMixture(tol=1e-8))
    through = GenerativeImputer(pipeline).fit(X, sample_weight=weight).transform(X)
    np.testing.assert_allclose(weighted, through, rtol=1e-3)


# -- containers ----------------------------------------------------------------------


def mixed_frame(rows, n=60):
    _, X = rows
    frame = pd.DataFrame(X[:n], columns=list("abcd"), index=np.arange(n) * 2)
    frame["count"] = pd.array(np.arange(n) % 7, dtype="Int64")
    frame.loc[frame.index[3], "count"] = pd.NA
    frame["flag"] = np.arange(n) % 2 == 0
    frame["whole"] = np.arange(n, dtype=np.int32)
    frame["single"] = np.linspace(0, 1, n, dtype=np.float32)
    return frame


def test_frames_keep_index_names_and_dtypes(rows):
    frame = mixed_frame(rows)
    before = frame.copy()
    imputer = GenerativeImputer(GaussianMixture(reg_covar=1e-3)).fit(frame)
    filled = imputer.transform(frame)
    pd.testing.assert_frame_equal(frame, before)
    assert filled.index.equals(frame.index)
    assert list(filled.columns) == list(frame.columns)
    assert not filled.isna().to_numpy().any()
    changed = {"count": "Float64"}  # its expectation is no whole number
    assert filled.dtypes.astype(str).to_dict() == {
        **frame.dtypes.astype(str).to_dict(), **changed
    }  # fmt: skip
    observed = frame.notna()
    for name in frame:
        seen = observed[name]
        assert (filled.loc[seen, name] == frame.loc[seen, name]).all(), name


def test_polars_frames(rows):
    _, X = rows
    frame = pl.DataFrame(X, schema=list("abcd"))
    frame = frame.with_columns(pl.col("b").fill_nan(None), whole=pl.lit(3))
    imputer = GenerativeImputer(GaussianMixture(reg_covar=1e-3), add_indicator=True)
    filled = imputer.fit_transform(frame)
    assert isinstance(filled, pl.DataFrame)
    assert filled.schema["whole"] == frame.schema["whole"]
    assert filled.columns == list(imputer.get_feature_names_out())
    arrays = GenerativeImputer(GaussianMixture(reg_covar=1e-3)).fit_transform(
        np.c_[X, np.full(len(X), 3.0)]
    )
    np.testing.assert_allclose(filled.to_numpy()[:, :5], arrays, rtol=1e-12)


def test_indicators_and_set_output(rows):
    _, X = rows
    X = X.copy()
    X[:, 2] = 0.5 * np.nan_to_num(X[:, 2])  # never missing
    imputer = GenerativeImputer(GaussianMixture(), add_indicator=True).fit(X)
    names = ["x0", "x1", "x2", "x3"]
    added = [f"missingindicator_{name}" for name in ("x0", "x1", "x3")]
    assert list(imputer.get_feature_names_out()) == names + added
    out = imputer.transform(X)
    np.testing.assert_array_equal(out[:, 4:], np.isnan(X)[:, [0, 1, 3]])
    frame = imputer.set_output(transform="pandas").transform(X)
    assert list(frame.columns) == names + added
    np.testing.assert_array_equal(frame.to_numpy(), out)


def test_in_a_pipeline(rows):
    _, X = rows
    y = np.nan_to_num(X[:, 0])
    model = make_pipeline(GenerativeImputer(random_state=0), LinearRegression())
    assert np.isfinite(model.fit(X, y).predict(X)).all()


# -- several tables ------------------------------------------------------------------


def test_tables_differ_and_repeat(rows):
    _, X = rows
    imputer = GenerativeImputer(GaussianMixture(), random_state=0, n_draws=3).fit(X)
    tables = list(imputer.impute(X))
    assert len(tables) == 3
    assert len(list(imputer.impute(X, 2))) == 2
    for first, again in zip(tables, imputer.impute(X), strict=True):
        np.testing.assert_array_equal(first, again)
        np.testing.assert_array_equal(first[~np.isnan(X)], X[~np.isnan(X)])
    assert not np.array_equal(tables[0], tables[1])
    other = next(imputer.impute(X, random_state=1))
    assert not np.array_equal(tables[0], other)


def test_intervals_of_pooled_means_cover():
    # 100 tables of 100 rows: a 95 % interval of the mean covers 95 +- 2 of them; here
    # parameters count as known, which costs a little. P(< 83) is 5e-5 at 0.94.
    covered = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(100, 1))
        X = np.c_[x, x + rng.normal(size=(100, 1))]
        X[rng.random(100) < 0.3, 1] = np.nan
        imputer = GenerativeImputer(GaussianMixture(), random_state=seed).fit(X)
        columns = [filled[:, 1] for filled in imputer.impute(X, 5)]
        pooled = pool_estimates(
            [c.mean() for c in columns], [c.var(ddof=1) / 100 for c in columns]
        )
        half = stats.t.ppf(0.975, pooled.df) * np.sqrt(pooled.variance)
        covered += abs(pooled.estimate) < half
    assert covered >= 83


def test_rubins_rules_by_hand():
    pooled = pool_estimates([[1.0, 2.0], [3.0, 2.0]], [[0.5, 1.0], [1.5, 1.0]])
    np.testing.assert_allclose(pooled.estimate, [2.0, 2.0])
    np.testing.assert_allclose(pooled.within, [1.0, 1.0])
    np.testing.assert_allclose(pooled.between, [2.0, 0.0])
    np.testing.assert_allclose(pooled.variance, [4.0, 1.0])
    # (m - 1) (1 + W / ((1 + 1/m) B))^2
    np.testing.assert_allclose(pooled.df, [(1 + 1 / 3) ** 2, np.inf])
    ratio = 3.0  # (1 + 1/m) B / W
    fraction = (ratio + 2 / (pooled.df[0] + 3)) / (ratio + 1)
    np.testing.assert_allclose(pooled.fraction_missing, [fraction, 0.0])
    small = pool_estimates([1.0, 3.0], [0.5, 1.5], df_complete=20)
    assert small.df < pooled.df[0]


@pytest.mark.parametrize(
    ("estimates", "variances", "message"),
    [
        ([1.0, 2.0], [1.0], "must have one shape"),
        ([1.0], [1.0], "at least two completed tables, got 1"),
        ([1.0, 2.0], [1.0, -1.0], "must not be negative or NaN, got -1.0"),
    ],
)
def test_rubins_rules_refuse(estimates, variances, message):
    with pytest.raises(ValueError, match=message):
        pool_estimates(estimates, variances)


# -- what is refused -----------------------------------------------------------------


def test_densities_without_conditionals_are_refused(rows):
    _, X = rows
    with pytest.raises(TypeError, match=r"must draw missing cells.*'mean'"):
        GenerativeImputer(KernelDensity()).fit(X)
    plain = make_pipeline(StandardScaler(), GaussianMixture())
    with pytest.raises(TypeError, match="make_generative_pipeline"):
        GenerativeImputer(plain).fit(X)


def test_what_has_no_closed_form_is_averaged(rows):
    _, X = rows
    model = make_generative_pipeline(PowerTransformer(), GaussianMixture())
    robust = GenerativeImputer(
        RobustGaussianMixture(n_components=(1,), n_members=1, random_state=0),
        n_draws=3, random_state=0,
    )  # fmt: skip
    for imputer in (robust, GenerativeImputer(model, n_draws=3, random_state=0)):
        filled = imputer.fit(np.abs(X) + 1).transform(np.abs(X) + 1)
        assert np.isfinite(filled).all()


def test_one_row_in_one_dimension_is_refused(rows):
    _, X = rows
    imputer = GenerativeImputer(GaussianMixture()).fit(X)
    with pytest.raises(ValueError, match="Reshape your data"):
        imputer.transform([1.0, np.nan, 2.0, 3.0])
    with pytest.raises(ValueError, match="X has 2 features"):
        imputer.transform(X[:, :2])


# -- tables of mixed columns ---------------------------------------------------------


@pytest.mark.parametrize("strategy", ["mean", "mode", "draw"])
def test_text_categories_and_dates(strategy):
    rng = np.random.default_rng(0)
    side = rng.integers(2, size=200)
    complete = pd.DataFrame({
        "x": rng.normal(size=200) + 6 * side,
        "text": np.array(["low", "high"], dtype=object)[side],
        "day": pd.Timestamp("2026-01-01") + pd.to_timedelta(90 * side, "D"),
        "size": pd.Categorical(np.array(["S", "L"])[side], ["S", "L"], ordered=True),
    })  # fmt: skip
    frame = complete.copy()
    for j, name in enumerate(frame):
        frame.loc[j::5, name] = None
    density = TableMixture(n_components=2, random_state=0)
    imputer = GenerativeImputer(density, strategy=strategy, n_draws=10, random_state=0)
    filled = imputer.fit_transform(frame)
    pd.testing.assert_series_equal(filled.dtypes, frame.dtypes)
    assert not filled.isna().to_numpy().any()
    for name in ("text", "size"):
        assert (filled[name] == complete[name]).mean() > 0.95
        seen = frame[name].notna()
        assert (filled.loc[seen, name] == frame.loc[seen, name]).all()
    default = GenerativeImputer(strategy="draw", random_state=0).fit(frame)
    assert isinstance(default.estimator_, TableMixture)
