"""AdaptiveKernelDensity beside sums of scipy's normals, with neighbours by loops."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import logsumexp
from scipy.stats import kstest, norm

from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.mixture import AdaptiveKernelDensity
from tests.mixture.test_gaussian_mixture import mixed_rows

EXACT = 1e-9


def skewed_rows(n_samples, n_features, seed=0):
    """Rows in unlike units, sparse on one side."""
    rng = np.random.default_rng(seed)
    return rng.gamma(2.0, size=(n_samples, n_features)) * 10.0 ** np.arange(n_features)


def naive_bandwidths(X, weight, n_neighbors, sensitivity, bandwidth=1.0):
    """Bandwidths, and deviations of the columns, as the docstring defines them."""
    n, d = X.shape
    scale = np.empty(d)
    for j in range(d):
        seen = ~np.isnan(X[:, j])
        values, w = X[seen, j], weight[seen]
        scale[j] = np.sqrt(np.average((values - np.average(values, weights=w)) ** 2,
                                      weights=w))  # fmt: skip
    scale[scale == 0] = 1.0
    h = np.empty(n)
    for i in range(n):
        distances = []
        for other in range(n):
            squares = ((X[i] - X[other]) / scale) ** 2
            shared = squares[~np.isnan(squares)]
            distances.append(np.sqrt(shared.mean() * d) if len(shared) else np.inf)
        passed, delta = -1.0, 0.0  # the row itself is no neighbour
        for other in np.argsort(distances, kind="stable"):
            if passed >= n_neighbors:
                break
            passed += weight[other]
            delta = distances[other]
        h[i] = max(delta / np.sqrt(d), 0.03)
    typical = np.exp(np.average(np.log(h), weights=weight))
    return bandwidth * typical ** (1 - sensitivity) * h**sensitivity, scale


def naive_log_density(X, weight, h, scale, at):
    """Of a sum of products of normals; cells that aren't observed count nothing."""
    mean = [np.average(c[~np.isnan(c)], weights=weight[~np.isnan(c)]) for c in X.T]
    kernels = []
    for row, w, hi in zip(X, weight / weight.sum(), h, strict=True):
        center = np.where(np.isnan(row), mean, row)
        deviation = np.where(np.isnan(row), 1.0, hi) * scale
        cells = norm.logpdf(at, center, deviation)
        kernels.append(np.log(w) + np.where(np.isnan(at), 0.0, cells).sum(axis=1))
    return logsumexp(kernels, axis=0)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("sensitivity", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("n_features", [1, 3, 20])
def test_density_is_the_sum_of_kernels(n_features, sensitivity, weighted):
    X, at = skewed_rows(80, n_features), skewed_rows(40, n_features, seed=1)
    weight = np.random.default_rng(0).integers(1, 5, len(X)) if weighted else None
    model = AdaptiveKernelDensity(3, sensitivity=sensitivity, bandwidth=0.7)
    model.fit(X, sample_weight=weight)
    weight = np.ones(len(X)) if weight is None else weight
    h, scale = naive_bandwidths(X, weight, 3, sensitivity, 0.7)
    np.testing.assert_allclose(model.bandwidths_, h, rtol=EXACT)
    np.testing.assert_allclose(model.scale_, scale, rtol=EXACT)
    log_density = naive_log_density(X, weight, h, scale, at)
    np.testing.assert_allclose(model.score_samples(at), log_density, rtol=EXACT)


def test_missing_cells():
    X = skewed_rows(80, 3)
    X[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    at = X[::2].copy()  # with holes too
    X[:9] = np.nan
    weight = np.random.default_rng(0).integers(1, 4, len(X)).astype(float)
    model = AdaptiveKernelDensity(3).fit(X, sample_weight=weight)
    blank = np.isnan(X).all(axis=1)
    X, weight = X[~blank], weight[~blank]  # rows without any cell are left out
    h, scale = naive_bandwidths(X, weight, 3, 0.5)
    np.testing.assert_allclose(model.bandwidths_, h, rtol=EXACT)
    log_density = naive_log_density(X, weight, h, scale, at)
    np.testing.assert_allclose(model.score_samples(at), log_density, atol=EXACT)


@pytest.mark.parametrize("holes", [False, True])
@pytest.mark.parametrize("n_features", [3, 20])
def test_bandwidths_far_from_the_origin(n_features, holes):
    X = mixed_rows(200, n_features, 2)
    if holes:
        X[::7, 1] = np.nan
    near = AdaptiveKernelDensity().fit(X).bandwidths_
    far = AdaptiveKernelDensity().fit(X + 2.0**30).bandwidths_
    np.testing.assert_allclose(far, near, rtol=1e-4)  # rounding of the rows: 1e-7


def test_integrates_to_one():
    X = skewed_rows(60, 1)
    model = AdaptiveKernelDensity().fit(X)
    total, _ = quad(lambda x: np.exp(model.score([[x]])), -30, 60, limit=500,
                    points=np.sort(X[::10, 0]))  # fmt: skip
    assert total == pytest.approx(1.0, abs=1e-6)
    X = mixed_rows(60, 2, 2)
    model = AdaptiveKernelDensity().fit(X)
    axis = np.linspace(-15, 15, 1201)  # steps of less than half a bandwidth
    assert np.diff(axis)[0] < 0.5 * (model.bandwidths_.min() * model.scale_.min())
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    total = np.exp(model.score_samples(grid)).sum() * np.diff(axis)[0] ** 2
    assert total == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("n_neighbors", [1, 4, 1000])
def test_weights_equal_repeats(n_neighbors):
    X = mixed_rows(50, 2, 2)
    counts = np.random.default_rng(0).integers(0, 4, len(X))
    weighted = AdaptiveKernelDensity(n_neighbors).fit(X, sample_weight=counts)
    repeated = AdaptiveKernelDensity(n_neighbors).fit(np.repeat(X, counts, axis=0))
    np.testing.assert_allclose(
        weighted.score_samples(X), repeated.score_samples(X), rtol=EXACT
    )


def test_more_neighbours_than_rows_are_all_rows():
    X = mixed_rows(20, 2, 2)
    all_rows = AdaptiveKernelDensity(19).fit(X)
    more = AdaptiveKernelDensity(500).fit(X)
    np.testing.assert_array_equal(more.bandwidths_, all_rows.bandwidths_)
    h, _ = naive_bandwidths(X, np.ones(20), 500, 0.5)
    np.testing.assert_allclose(more.bandwidths_, h, rtol=EXACT)


def test_repeated_rows_buy_a_bounded_density_without_a_warning():
    X = np.repeat(mixed_rows(4, 2, 1), 25, axis=0)
    counts = np.random.default_rng(0).poisson(3.0, size=(300, 2)).astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = AdaptiveKernelDensity().fit(X)
        counted = AdaptiveKernelDensity().fit(counts)
    np.testing.assert_allclose(model.bandwidths_, 0.03, rtol=1e-12)
    highest = norm.logpdf(0, scale=0.03 * model.scale_).sum()
    assert model.score_samples(X).max() <= highest
    assert (
        counted.score_samples(counts).max()
        < norm.logpdf(0, scale=0.03 * counted.scale_).sum()
    )


def test_one_row_and_constant_columns_have_unit_spread():
    with pytest.warns(DegenerateDataWarning, match="column 0 and 1 more is constant"):
        model = AdaptiveKernelDensity(bandwidth=2.0).fit([[3.0, -1.0]])
    np.testing.assert_array_equal(model.scale_, [1.0, 1.0])
    np.testing.assert_allclose(model.bandwidths_, 2 * 0.03)
    assert model.score([[3.0, -1.0]]) == pytest.approx(2 * norm.logpdf(0, scale=0.06))
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=60), "same": np.full(60, 1e9)})
    with pytest.warns(DegenerateDataWarning, match="'same' is constant"):
        model = AdaptiveKernelDensity().fit(frame)
    assert model.scale_[1] == 1.0
    assert np.isfinite(model.score_samples(frame)).all()
    assert list(model.sample(3, random_state=0).columns) == ["x", "same"]


def test_nothing_observed_fits_too():
    with pytest.warns(DegenerateDataWarning, match="never observed"):
        model = AdaptiveKernelDensity().fit(np.full((5, 2), np.nan))
    np.testing.assert_allclose(model.score_samples([[0.0, np.nan]]), norm.logpdf(0))
    X = np.c_[mixed_rows(40, 1, 1), np.full(40, np.nan)]
    with pytest.warns(DegenerateDataWarning, match="column 1 is constant or never"):
        model = AdaptiveKernelDensity().fit(X)
    one = AdaptiveKernelDensity().fit(X[:, :1])
    np.testing.assert_allclose(model.score_samples(X), one.score_samples(X[:, :1]))


def test_rows_without_a_common_cell_have_unit_bandwidth():
    X = [[1.0, np.nan], [2.0, np.nan], [np.nan, 1.0], [np.nan, 3.0]]
    # the third neighbour is at no known distance
    np.testing.assert_allclose(AdaptiveKernelDensity(3).fit(X).bandwidths_, 1.0)
    h = AdaptiveKernelDensity(1).fit(X).bandwidths_
    np.testing.assert_allclose(h, 2.0)  # deviations apart; the missing cell counts so


def test_large_tables_are_sampled_by_weight():
    X = np.r_[mixed_rows(3000, 1, 1), 100 + mixed_rows(3000, 1, 1), [[1e9]]]
    weight = np.r_[np.ones(3000), np.full(3000, 3.0), 0.0]
    order = np.random.default_rng(0).permutation(len(X))
    model = AdaptiveKernelDensity(max_samples=500, random_state=0)
    model.fit(X[order], sample_weight=weight[order])
    assert len(model.bandwidths_) <= 500
    kernels, share = model.mixture_.means_[:, 0], model.mixture_.weights_
    assert kernels.max() < 200  # a weight of zero: never in
    # 5 deviations of 500 independent draws: a false alarm in 10^6 runs
    error = 5 * np.sqrt(0.75 * 0.25 / 500)
    assert share[kernels > 50].sum() == pytest.approx(0.75, abs=error)
    again = AdaptiveKernelDensity(max_samples=500, random_state=0)
    again.fit(X[order], sample_weight=weight[order])
    assert again.bandwidths_.tobytes() == model.bandwidths_.tobytes()
    whole = AdaptiveKernelDensity(max_samples=len(X)).fit(X[:-1])
    assert len(whole.bandwidths_) == len(X) - 1


def test_same_bytes_for_every_n_jobs():
    X = mixed_rows(700, 3, 2)
    X[::5, 1] = np.nan
    models = [AdaptiveKernelDensity(n_jobs=n).fit(X) for n in (1, 2, 8)]
    for other in models[1:]:
        assert other.bandwidths_.tobytes() == models[0].bandwidths_.tobytes()
        scores = [model.score_samples(X).tobytes() for model in (models[0], other)]
        assert scores[0] == scores[1]
        assert other.mixture_.n_jobs == other.n_jobs


def test_draws_follow_the_density():
    X = skewed_rows(300, 2)
    model = AdaptiveKernelDensity().fit(X)
    draws = model.sample(5000, random_state=0)
    kernels = model.mixture_
    for j in range(2):

        def cdf(x, j=j):
            deviations = np.sqrt(kernels.covariances_[:, j])
            return norm.cdf(x[:, None], kernels.means_[:, j], deviations).mean(axis=1)

        assert kstest(draws[:, j], cdf).pvalue > 1e-4  # false alarms: 1 in 10^4
    # Beyond columns: 5 standard errors, a false alarm in 10^6 runs.
    scores, others = (
        model.score_samples(model.sample(5000, random_state=seed)) for seed in (1, 2)
    )
    error = 5 * np.hypot(scores.std(), others.std()) / np.sqrt(5000)
    assert scores.mean() == pytest.approx(others.mean(), abs=error)


def test_missing_cells_are_drawn_from_their_conditional():
    model = AdaptiveKernelDensity().fit(skewed_rows(200, 2))
    given = np.tile([1.5, np.nan], (2000, 1))
    draws = model.sample_conditional(given, random_state=0)
    np.testing.assert_array_equal(draws[:, 0], 1.5)
    grid = np.linspace(-60, 200, 8001)
    rows = np.c_[np.full_like(grid, 1.5), grid]
    p = np.exp(model.score_samples(rows) - model.score_samples(given[:1]))
    cumulated = np.cumsum(p) * np.diff(grid)[0]
    assert cumulated[-1] == pytest.approx(1.0, abs=1e-6)
    # false alarms: 1 in 10^4
    assert kstest(draws[:, 1], lambda x: np.interp(x, grid, cumulated)).pvalue > 1e-4


@pytest.mark.parametrize("pairs", [False, True])
def test_scores_of_cells_are_differences_of_scores(pairs):
    X = skewed_rows(60, 3)
    model = AdaptiveKernelDensity().fit(X)
    cells = model.score_cells(X[:10], pairs=pairs)
    for i in range(3):
        for j in range(3) if pairs else [i]:
            rest = X[:10].copy()
            rest[:, [i, j]] = np.nan
            difference = model.score_samples(X[:10]) - model.score_samples(rest)
            found = cells[:, i, j] if pairs else cells[:, i]
            np.testing.assert_allclose(found, difference, atol=1e-8)


def test_follows_a_ring():
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, 2 * np.pi, 1000)
    ring = np.c_[np.cos(angle), np.sin(angle)] + rng.normal(0, 0.05, (1000, 2))
    train, test = ring[:500], ring[500:]
    model = AdaptiveKernelDensity().fit(train)
    center, outside = model.score_samples([[0.0, 0.0], [2.0, 0.0]])
    assert model.score_samples(test).min() > max(center, outside) + 2
    truth = -np.log(2 * np.pi) + norm.logpdf(np.hypot(*test.T) - 1, scale=0.05).mean()
    assert model.score(test) > truth - 0.3  # near the density that made the rows


@pytest.mark.parametrize("holes", [False, True])
def test_float32_stays_float32_and_agrees(holes):
    X = mixed_rows(300, 4, 2)
    if holes:
        X[::4, 2] = np.nan
    double = AdaptiveKernelDensity().fit(X)
    single = AdaptiveKernelDensity().fit(X.astype(np.float32))
    scores = single.score_samples(X.astype(np.float32))
    assert scores.dtype == single.sample(2, random_state=0).dtype == np.float32
    np.testing.assert_allclose(scores, double.score_samples(X), atol=1e-3)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("n_neighbors", 0), ("sensitivity", 1.5), ("bandwidth", 0.0), ("max_samples", 0)],
)
def test_bad_parameters_are_named(parameter, value):
    model = AdaptiveKernelDensity().set_params(**{parameter: value})
    with pytest.raises(ValueError, match=f"'{parameter}' parameter"):
        model.fit(mixed_rows(20, 2, 1))
