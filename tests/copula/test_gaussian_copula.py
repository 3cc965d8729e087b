"""Gaussian copula: densities, masses, draws, correlations, mixed tables."""

import itertools
import warnings

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import stats
from sklearn.datasets import load_iris, load_wine

from sklearn_gen import DegenerateDataWarning
from sklearn_gen.copula import GaussianCopula
from sklearn_gen.mixture import GaussianMixture

TRUE = np.array(
    [[1, 0.6, 0.3, -0.2], [0.6, 1, 0.1, 0.4], [0.3, 0.1, 1, 0.0], [-0.2, 0.4, 0.0, 1]]
)


def ordinal(n, seed):
    """Rows of a boolean, four levels, counts and a number, and their scores."""
    Z = np.random.default_rng(seed).multivariate_normal(np.zeros(4), TRUE, n)
    columns = [
        Z[:, 0] > 0,
        np.digitize(Z[:, 1], [-1, 0, 0.5]),
        np.round(3 * np.exp(0.5 * Z[:, 2])),
        Z[:, 3],
    ]
    return np.column_stack(columns).astype(float), Z


# Exact densities


@pytest.fixture(scope="module")
def correlated():
    rng = np.random.default_rng(0)
    return rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4)) + 5


def test_gaussian_marginals_are_a_multivariate_normal(correlated):
    copula = GaussianCopula("gaussian", reg_corr=0).fit(correlated)
    normal = GaussianMixture(reg_covar=0).fit(correlated)
    assert copula.density_kind == copula.conditional_kind == "exact"
    for rows in (correlated, correlated * 20):  # the latter: up to 100 deviations off
        assert_allclose(copula.score_samples(rows), normal.score_samples(rows), 1e-8)
    hidden = np.where(np.random.default_rng(1).random(rows.shape) < 0.3, np.nan, rows)
    assert_allclose(copula.score_samples(hidden), normal.score_samples(hidden), 1e-8)
    assert_allclose(copula.bic(correlated), normal.bic(correlated))
    assert not copula.score_samples_error(rows).any()


def test_density_is_marginals_times_copula(correlated):
    X = np.exp(correlated[:, :2] / 4)
    copula = GaussianCopula({0: "lognormal", 1: "gamma"}, reg_corr=0).fit(X)
    r = copula.correlation_[0, 1]
    cdfs = []
    total = 0.0
    for j in range(2):
        single = copula.marginal([j])
        total = total + single.score_samples(X[:, [j]])
        marginal = copula.marginals_[j]
        cdfs.append(marginal.family.cdf(X[:, j], marginal.params)[:, 0])
    z = stats.norm.ppf(np.stack(cdfs, axis=1))
    total += stats.multivariate_normal(cov=[[1, r], [r, 1]]).logpdf(z)
    total -= stats.norm.logpdf(z).sum(axis=1)
    assert_allclose(copula.score_samples(X), total, rtol=1e-9)


def test_correlation_with_missing_cells_is_that_of_em(correlated):
    rng = np.random.default_rng(1)
    hidden = np.where(rng.random(correlated.shape) < 0.3, np.nan, correlated)
    normal = GaussianMixture(reg_covar=0, tol=1e-10, max_iter=1000).fit(hidden)
    deviations = np.sqrt(np.diag(normal.covariances_[0]))
    expected = normal.covariances_[0] / np.outer(deviations, deviations)
    copula = GaussianCopula("gaussian", reg_corr=0).fit(hidden)
    # marginals differ a little: each is fitted to its own cells
    assert_allclose(copula.correlation_, expected, atol=0.02)
    complete = correlated[~np.isnan(hidden).any(axis=1)]  # 70 of 300 rows
    from_complete = np.corrcoef(complete.T)
    whole = np.corrcoef(correlated.T)
    ours = np.abs(copula.correlation_ - whole).mean()
    assert ours < 0.7 * np.abs(from_complete - whole).mean()


# Intervals


def test_masses_sum_to_one_within_their_error():
    X, _ = ordinal(400, seed=0)
    X = X[:, :3]
    copula = GaussianCopula({0: "bernoulli", 1: "categorical", 2: "poisson"},
                            categorical_features=[1]).fit(X)  # fmt: skip
    assert copula.density_kind == copula.conditional_kind == "estimate"
    assert copula.base_measure_ == ("counting",) * 3
    states = np.array(list(itertools.product([0, 1], range(4), range(25))), dtype=float)
    log_p, error = copula.score_samples(states), copula.score_samples_error(states)
    total, spread = np.exp(log_p).sum(), np.sum(error * np.exp(log_p))
    assert abs(total - 1) < 4 * spread + 1e-5
    assert spread < 0.01
    # and the mass of two columns is the sum over the third
    pairs = np.array(list(itertools.product([0, 1], range(4))), dtype=float)
    rows = np.column_stack([pairs, np.full(8, np.nan)])
    summed = np.exp(log_p).reshape(8, 25).sum(axis=1)
    assert_allclose(np.exp(copula.score_samples(rows)), summed, atol=2e-3)
    assert_array_equal(
        copula.score_samples(rows), copula.marginal([0, 1]).score_samples(pairs)
    )


def test_masses_are_rectangles():
    X, _ = ordinal(500, seed=0)
    copula = GaussianCopula(n_points=1024).fit(X)
    rows = X[:5]
    for row, got, error in zip(
        rows, copula.score_samples(rows), copula.score_samples_error(rows), strict=True
    ):
        ends = [m.interval(row[[j]]) for j, m in enumerate(copula.marginals_)]
        low, high = np.array(ends)[:3, :, 0].T
        R, z = copula.correlation_, ends[3][0][0]
        mean = R[:3, 3] * z
        cov = R[:3, :3] - np.outer(R[:3, 3], R[:3, 3])
        mass = stats.multivariate_normal(mean, cov, maxpts=10**6).cdf(
            high, lower_limit=low, rng=0
        )
        density = copula.marginals_[3].log_density(row[[3]])[0]
        assert abs(got - np.log(mass) - density) < 6 * error + 2e-4


def test_scores_repeat_whatever_else_is_scored():
    X, _ = ordinal(300, seed=0)
    copula = GaussianCopula().fit(X)
    scores = copula.score_samples(X)
    assert_array_equal(scores, copula.set_params(n_jobs=2).score_samples(X))
    assert_allclose(scores[::-1], copula.score_samples(X[::-1]), rtol=1e-12)


# Eight tables of 1000 rows: the mean of an estimate is known to about 0.01.
def test_correlations_of_intervals_are_not_attenuated():
    found = []
    for seed in range(8):
        X, _ = ordinal(1000, seed=seed)
        copula = GaussianCopula({1: "histogram", 2: "histogram", 3: "gaussian"}).fit(X)
        found.append(copula.correlation_)
    assert_allclose(np.mean(found, axis=0), TRUE, atol=0.04)


def test_correlation_of_intervals_with_missing_cells_and_weights():
    X, _ = ordinal(6000, seed=3)
    rng = np.random.default_rng(0)
    X[rng.random(X.shape) < 0.2] = np.nan
    families = {1: "histogram", 2: "histogram", 3: "gaussian"}
    copula = GaussianCopula(families).fit(X)
    assert_allclose(copula.correlation_, TRUE, atol=0.06)
    repeats = rng.integers(0, 3, size=600)
    part = X[:600]
    weighted = GaussianCopula(families).fit(part, sample_weight=repeats)
    repeated = GaussianCopula(families).fit(np.repeat(part, repeats, axis=0))
    assert_allclose(weighted.correlation_, repeated.correlation_, atol=1e-4)


# Draws


# False alarms: 1e-4 per chi-square test.
def test_draws_follow_the_masses():
    X, _ = ordinal(400, seed=0)
    copula = GaussianCopula().fit(X[:, :2])
    drawn = copula.sample(4000, random_state=0)
    states = np.array(list(itertools.product([0, 1], range(4))), dtype=float)
    expected = 4000 * np.exp(copula.score_samples(states))
    counts = [np.sum((drawn == state).all(axis=1)) for state in states]
    assert sum(counts) == 4000
    assert stats.chisquare(counts, expected * 4000 / expected.sum()).pvalue > 1e-4


def test_conditional_draws_follow_the_conditional_masses():
    X, _ = ordinal(400, seed=0)
    copula = GaussianCopula(n_points=1024).fit(X)
    row = np.array([1.0, 3.0, np.nan, np.nan])
    drawn = copula.sample_conditional(np.tile(row, (4000, 1)), random_state=0)
    assert_array_equal(drawn[:, :2], np.tile(row[:2], (4000, 1)))
    counts = np.arange(1.0, 8)
    rows = np.column_stack([np.tile(row[:2], (7, 1)), counts, np.full(7, np.nan)])
    given = copula.score_samples(row[None])
    expected = 4000 * np.exp(copula.score_samples(rows) - given)
    observed = np.array([np.sum(drawn[:, 2] == c) for c in counts])
    observed = np.append(observed, 4000 - observed.sum())
    expected = np.append(expected, 4000 - expected.sum())
    assert stats.chisquare(observed, expected).pvalue > 1e-4


def test_conditional_draws_of_normals_have_the_conditional_moments(correlated):
    copula = GaussianCopula("gaussian", reg_corr=0).fit(correlated)
    normal = GaussianMixture(reg_covar=0).fit(correlated)
    row = np.array([[9.0, np.nan, 4.0, np.nan]])
    drawn = copula.sample_conditional(np.repeat(row, 20_000, axis=0), random_state=0)
    given = normal.conditional(row)
    error = np.sqrt(np.diag(given.covariances_[0]) / 20_000)
    assert np.all(np.abs(drawn[:, [1, 3]].mean(axis=0) - given.means_[0]) < 5 * error)
    assert_allclose(np.cov(drawn[:, [1, 3]].T), given.covariances_[0], rtol=0.05)


# Tables


@pytest.mark.parametrize("family", ["lognormal", "gamma", "poisson", "histogram"])
def test_values_that_cannot_be_have_density_zero(correlated, family):
    X = np.exp(correlated[:, :2])
    X[:, 0] = np.ceil(X[:, 0]) if family in ("poisson", "histogram") else X[:, 0]
    model = GaussianCopula({0: family}, random_state=0).fit(X)
    bad = np.array([[-1.0, X[0, 1]], [-1.0, np.nan]])
    scores = model.score_samples(np.vstack([bad, X[:1]]))
    if family == "histogram":  # its outermost bins have tails
        assert np.isfinite(scores).all()
    else:
        assert_array_equal(scores == -np.inf, [True, True, False])
    assert_array_equal(model.score_samples_error(bad), 0.0)
    assert np.isfinite(model.sample_conditional(bad, random_state=0)).all()


def test_mixed_table_comes_back_as_it_was():
    X, Z = ordinal(300, seed=0)
    table = pd.DataFrame(
        {
            "member": X[:, 0] > 0,
            "size": pd.Categorical.from_codes(
                X[:, 1].astype(int), ["S", "M", "L", "XL"], ordered=True
            ),
            "visits": X[:, 2].astype(int),
            "city": np.array(["Bonn", "Kyiv", "Lima"])[
                np.digitize(Z[:, 0], [-0.4, 0.4])
            ],
            "spent": np.exp(Z[:, 3]),
        }
    )
    table.loc[::7, "spent"] = np.nan
    table.loc[::11, "city"] = None
    copula = GaussianCopula(random_state=0).fit(table)
    assert copula.families_[3] == "categorical"
    assert copula.base_measure_[4] == "lebesgue"
    assert np.isfinite(copula.score_samples(table)).all()
    drawn = copula.sample(200)
    assert list(drawn.dtypes) == list(table.dtypes)
    assert set(drawn["city"]) <= {"Bonn", "Kyiv", "Lima"}
    assert list(drawn["size"].cat.categories) == ["S", "M", "L", "XL"]
    filled = copula.sample_conditional(table)
    assert not filled.isna().any().any()
    part = copula.marginal(["spent", "city"])
    hidden = table.assign(member=None, size=None, visits=None)
    assert_allclose(
        part.score_samples(table[["spent", "city"]]), copula.score_samples(hidden)
    )


@pytest.mark.parametrize("load", [load_iris, load_wine])
def test_held_out_rows_score_better_than_independent_ones(load):
    X = load().data
    rng = np.random.default_rng(0)
    order = rng.permutation(len(X))
    train, test = X[order[::2]], X[order[1::2]]
    copula = GaussianCopula().fit(train)
    alone = sum(copula.marginal([j]).score(test[:, [j]]) for j in range(X.shape[1]))
    assert copula.score(test) > alone + 1


def test_degenerate_tables():
    one = np.array([[1.0, 2.0, 3.0]])
    for X in (one, one[:, :1], np.eye(4)[np.arange(40) % 4], np.zeros((5, 2))):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateDataWarning)
            copula = GaussianCopula().fit(X)
        assert np.isfinite(copula.score_samples(X)).all()
        assert np.isfinite(copula.sample(20)).all()
        assert np.linalg.eigvalsh(copula.correlation_)[0] > 0
    X = np.column_stack([np.random.default_rng(0).normal(size=50), np.full(50, 2.0)])
    with pytest.warns(DegenerateDataWarning, match="the same in column 1"):
        GaussianCopula().fit(X)
    with pytest.warns(DegenerateDataWarning, match="can't determine"):
        GaussianCopula().fit(np.random.default_rng(0).normal(size=(6, 15)))


@pytest.mark.parametrize(
    ("families", "message"),
    [
        ("normal", "column 0: There is no column family 'normal'"),
        ({5: "gamma"}, "families names 5, which is no column"),
        ({1: "gamma"}, "column 1: The gamma family needs positive values"),
    ],
)
def test_refusals(families, message):
    X = np.random.default_rng(0).normal(size=(20, 2))
    with pytest.raises(ValueError, match=message):
        GaussianCopula(families).fit(X)
