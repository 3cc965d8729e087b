"""Missing cells, conditionals and marginals against brute force."""

import warnings

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import kstest, multivariate_normal, norm

from sklearn_gen import _blocks
from sklearn_gen import _gaussian as gaussian
from sklearn_gen._blocks import missing_patterns, row_blocks, sum_blocks
from sklearn_gen.mixture import GaussianMixture

COVARIANCE_TYPES = ["full", "tied", "diag", "spherical"]
EXACT = 1e-10


def dense_covariances(model):
    K, d = model.means_.shape
    covariances = model.covariances_
    return {
        "full": lambda: covariances,
        "tied": lambda: np.stack([covariances] * K),
        "diag": lambda: np.stack([np.diag(row) for row in covariances]),
        "spherical": lambda: covariances[:, None, None] * np.eye(d),
    }[model.covariance_type]()


def brute_force_em_step(model, X):
    """One EM step with missing cells, row by row (Ghahramani & Jordan 1994)."""
    K, d = model.means_.shape
    S = dense_covariances(model)
    log_prob = np.empty(len(X))
    s0, s1, s2 = np.zeros(K), np.zeros((K, d)), np.zeros((K, d, d))
    for i, x in enumerate(X):
        o, m = np.flatnonzero(~np.isnan(x)), np.flatnonzero(np.isnan(x))
        joint = np.log(model.weights_)
        for k in range(K):
            if len(o):
                joint[k] += multivariate_normal.logpdf(
                    x[o], model.means_[k, o], S[k][np.ix_(o, o)]
                )
        log_prob[i] = logsumexp(joint)
        resp = np.exp(joint - log_prob[i])
        for k in range(K):
            filled, left = model.means_[k].copy(), np.zeros((d, d))
            filled[o] = x[o]
            B = S[k][np.ix_(m, o)] @ np.linalg.inv(S[k][np.ix_(o, o)])
            filled[m] += B @ (x[o] - model.means_[k, o])
            left[np.ix_(m, m)] = S[k][np.ix_(m, m)] - B @ S[k][np.ix_(o, m)]
            s0[k] += resp[k]
            s1[k] += resp[k] * filled
            s2[k] += resp[k] * (np.outer(filled, filled) + left)
    means = s1 / s0[:, None]
    full = s2 / s0[:, None, None] - means[:, :, None] * means[:, None, :]
    diag = np.diagonal(full, axis1=1, axis2=2)
    covariances = {
        "full": full,
        "tied": (full * s0[:, None, None]).sum(axis=0) / s0.sum(),
        "diag": diag,
        "spherical": diag.mean(axis=1),
    }[model.covariance_type]
    return log_prob, s0 / s0.sum(), means, covariances


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    centers = rng.normal(scale=3.0, size=(3, 4))
    X = centers[rng.integers(3, size=150)]
    X = X + rng.normal(size=X.shape) @ rng.normal(size=(4, 4))
    X[rng.random(X.shape) < 0.3] = np.nan
    X[0] = np.nan  # a row of which nothing is known
    return X


@pytest.mark.parametrize("few_rows", [_blocks._FEW_ROWS, 0, 12])
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_em_step_with_missing_cells_is_exact(
    rows, covariance_type, few_rows, monkeypatch
):
    # All patterns in mixed blocks, all on their own, and some of both.
    monkeypatch.setattr(_blocks, "_FEW_ROWS", few_rows)
    mixed = sum(len(block.X) for block in row_blocks(rows) if block.mixed)
    gaps = np.isnan(rows).any(axis=1).sum()
    assert (mixed == gaps, mixed == 0) == (few_rows > 100, few_rows == 0)
    kwargs = {"n_components": 3, "covariance_type": covariance_type, "reg_covar": 0}
    start = GaussianMixture(max_iter=0, random_state=0, **kwargs).fit(rows)
    log_prob, weights, means, covariances = brute_force_em_step(start, rows)
    np.testing.assert_allclose(start.score_samples(rows), log_prob, atol=EXACT)
    assert start.score_samples(rows)[0] == pytest.approx(0.0, abs=1e-15)
    step = GaussianMixture(
        max_iter=1,
        tol=1e300,
        weights_init=start.weights_,
        means_init=start.means_,
        precisions_init=start.precisions_,
        **kwargs,
    ).fit(rows)
    np.testing.assert_allclose(step.weights_, weights, atol=EXACT)
    np.testing.assert_allclose(step.means_, means, atol=EXACT)
    np.testing.assert_allclose(step.covariances_, covariances, atol=EXACT)
    assert step.lower_bound_ == pytest.approx(log_prob.mean(), abs=EXACT)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_em_with_missing_cells_never_falls(rows, covariance_type):
    model = GaussianMixture(
        2, covariance_type=covariance_type, reg_covar=0, tol=1e-7, max_iter=500,
        random_state=0,
    ).fit(rows)  # fmt: skip
    assert np.diff(model.lower_bounds_).min() > -1e-12
    assert model.converged_


def test_recovers_parameters_from_incomplete_rows():
    rng = np.random.default_rng(0)
    cov = np.array([[1.0, 0.8], [0.8, 1.0]])
    X = rng.multivariate_normal([0, 5], cov, size=4000)
    # The second cell is missing where the first is large: means of the observed cells
    # alone would be biased by 0.6.
    X[X[:, 0] > 0, 1] = np.nan
    model = GaussianMixture(1, tol=1e-8, max_iter=1000).fit(X)
    assert np.nanmean(X[:, 1]) < 4.5
    np.testing.assert_allclose(model.means_[0], [0, 5], atol=0.1)
    np.testing.assert_allclose(model.covariances_[0], cov, atol=0.12)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_chain_rule(rows, covariance_type):
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0)
    model.fit(rows)
    given = np.array([[1.0, np.nan, 2.0, np.nan]])
    whole = np.array([[1.0, 0.3, 2.0, -0.2]])
    conditional = model.conditional(given)
    assert conditional.n_features_in_ == 2
    chained = model.score_samples(given) + conditional.score_samples([[0.3, -0.2]])
    np.testing.assert_allclose(chained, model.score_samples(whole), atol=EXACT)
    marginal = model.marginal([2, 0])
    np.testing.assert_allclose(
        marginal.score_samples([[2.0, 1.0]]), model.score_samples(given), atol=EXACT
    )


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_conditional_draws_follow_the_conditional_mixture(rows, covariance_type):
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0)
    model.fit(rows)
    given = np.array([[1.0, np.nan, 2.0, np.nan]])
    conditional = model.conditional(given)
    draws = model.sample_conditional(np.repeat(given, 4000, axis=0), random_state=1)
    np.testing.assert_array_equal(draws[:, [0, 2]], [[1.0, 2.0]] * 4000)
    for j, column in enumerate((1, 3)):
        means = conditional.means_[:, j]
        deviations = np.sqrt(dense_covariances(conditional)[:, j, j])

        def cdf(x, means=means, deviations=deviations):
            return norm.cdf(x[:, None], means, deviations) @ conditional.weights_

        assert kstest(draws[:, column], cdf).pvalue > 1e-4  # false alarms: 1 in 10^4


def test_all_missing_row_draws_from_the_joint(rows):
    model = GaussianMixture(3, random_state=0).fit(rows)
    blank = np.full((5000, 4), np.nan)
    draws = model.sample_conditional(blank, random_state=0)
    error = 6 * draws.std(axis=0) / np.sqrt(len(draws))  # false alarms: 1 in 10^8
    expected = model.weights_ @ model.means_
    assert np.all(np.abs(draws.mean(axis=0) - expected) < error)


def test_conditional_wants_one_partly_observed_row(rows):
    model = GaussianMixture(2, random_state=0).fit(rows)
    for bad in (rows[:2], np.full((1, 4), np.nan), np.zeros((1, 4))):
        with pytest.raises(ValueError, match="conditional takes one row"):
            model.conditional(bad)
    with pytest.raises(ValueError, match="columns names 7, which is no column"):
        model.marginal([7])
    with pytest.raises(ValueError, match="names a column twice"):
        model.marginal([1, 1])


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_box_probability(rows, covariance_type):
    model = GaussianMixture(3, covariance_type=covariance_type, random_state=0)
    model.fit(rows)
    lower, upper = [-np.inf] * 4, [0, np.inf, 1, 2]
    probability = model.interval_probability(lower, upper)
    share = (model.sample(100_000, random_state=0) < upper).all(axis=1).mean()
    # 5 standard errors: a false alarm in 10^6 runs
    assert abs(share - probability) < 5 * 0.5 / np.sqrt(100_000)
    one = model.interval_probability([-1.0, *[-np.inf] * 3], [2.0, *[np.inf] * 3])
    deviations = np.sqrt(dense_covariances(model)[:, 0, 0])
    z = (np.array([[-1.0], [2.0]]) - model.means_[:, 0]) / deviations
    exact = model.weights_ @ (norm.cdf(z[1]) - norm.cdf(z[0]))
    assert one == pytest.approx(exact, abs=1e-12)


def table_with_gaps(dtype=np.float64):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(900, 6)) @ rng.normal(size=(6, 6))
    X += 3 * rng.integers(2, size=(900, 1))
    X[rng.random(X.shape) < 0.3] = np.nan
    X[:300, [1, 4]], X[:300, [0, 2, 3, 5]] = np.nan, 1.0 + rng.normal(size=(300, 4))
    return X[rng.permutation(900)].astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_mixed_blocks_as_patterns_on_their_own(covariance_type, dtype):
    X, rng = table_with_gaps(dtype), np.random.default_rng(0)
    model = GaussianMixture(
        3, covariance_type=covariance_type, random_state=0, max_iter=2, tol=1e3
    ).fit(X)
    structure, params = model._structure, model._fitted_params()
    args = structure.kernel_args(params, dtype)
    centers = params.means + rng.normal(size=params.means.shape)
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    for weight in (None, rng.uniform(0, 2, 900).astype(dtype)):
        together, alone = (
            sum_blocks(
                map,
                lambda block: gaussian.suff_stats(
                    structure, block, params, args, centers
                ),
                row_blocks(X, weight, mixed),
            )
            for mixed in (True, False)
        )
        for got, want in zip(together, alone, strict=True):
            assert np.shape(got) == np.shape(want)
            error = np.max(np.abs(got - want))
            assert error <= tolerance * np.max(np.abs(want)), error


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_same_bytes_for_every_n_jobs_and_with_gaps(covariance_type):
    X = table_with_gaps()
    assert sum(block.mixed for block in row_blocks(X)) > 1
    models = [
        GaussianMixture(
            2, covariance_type=covariance_type, random_state=0, n_jobs=n, tol=1e-2
        ).fit(X)
        for n in (1, 2, 8)
    ]
    for other in models[1:]:
        assert other.covariances_.tobytes() == models[0].covariances_.tobytes()
        scores = [model.score_samples(X).tobytes() for model in (other, models[0])]
        assert scores[0] == scores[1]


def test_what_single_precision_cannot_hold_is_impossible():
    X = table_with_gaps(np.float32)
    model = GaussianMixture(2, random_state=0).fit(X)
    far = np.full((1, 6), np.nan, np.float32)
    far[0, 2] = 3e38
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = model.score_samples(far)
    assert scores.dtype == np.float32
    assert scores[0] == -np.inf
    # its components are compared in double precision
    assert model.predict_proba(far).sum() == 1


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_complete_rows_score_as_without_others(covariance_type):
    X = table_with_gaps()
    complete = X[~np.isnan(X).any(axis=1)]
    assert 0 < len(complete) < _blocks._FEW_ROWS
    model = GaussianMixture(2, covariance_type=covariance_type, random_state=0).fit(X)
    np.testing.assert_array_equal(
        model.score_samples(X)[~np.isnan(X).any(axis=1)], model.score_samples(complete)
    )


def test_mixed_blocks_cover_every_row_once_and_are_sorted():
    X, weight = table_with_gaps(), np.arange(900.0)
    blocks = row_blocks(X, weight)
    rows = np.concatenate([block.rows for block in blocks])
    np.testing.assert_array_equal(np.sort(rows), np.arange(900))
    for block in blocks:
        np.testing.assert_array_equal(block.sample_weight, weight[block.rows])
    mixed = [block for block in blocks if block.mixed]
    assert 1 < len(mixed) < len(blocks)
    cells = np.concatenate([block.X for block in mixed])
    rows = np.concatenate([block.rows for block in mixed])
    np.testing.assert_array_equal(cells, X[rows])
    codes = np.isnan(cells) @ 2 ** np.arange(6)[::-1]
    assert (np.diff(codes) >= 0).all()
    assert np.bincount(codes).max() < _blocks._FEW_ROWS
    assert not any(block.mixed for block in row_blocks(X, mixed=False))


def test_patterns_cover_every_row_once(rows):
    patterns = missing_patterns(rows)
    assert patterns[0][0] is None  # complete rows first
    indices = np.concatenate([rows_ for _, rows_ in patterns])
    np.testing.assert_array_equal(np.sort(indices), np.arange(len(rows)))
    for observed, at in patterns[1:]:
        np.testing.assert_array_equal(
            ~np.isnan(rows[at]), np.broadcast_to(observed, (len(at), 4))
        )


def test_complete_rows_are_views():
    X = np.random.default_rng(0).normal(size=(100_000, 3))
    blocks = row_blocks(X)
    assert len(blocks) > 1
    assert all(np.shares_memory(block.X, X) for block in blocks)
