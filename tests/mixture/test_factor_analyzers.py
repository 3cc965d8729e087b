"""MixtureOfFactorAnalyzers: peers at one optimum, exact marginals, many columns."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import kstest, multivariate_normal, norm
from sklearn.decomposition import PCA, FactorAnalysis

from sklearn_gen._blocks import row_blocks, sum_blocks
from sklearn_gen._gaussian import factors
from sklearn_gen.mixture import GaussianMixture, MixtureOfFactorAnalyzers

NOISES = ["diag", "isotropic"]
# A correct model fails a test of draws with at most this probability; seeds are fixed.
FALSE_ALARM_RATE = 1e-5
# Nats per row by which a peer's optimum may differ from ours.
SAME_OPTIMUM = 1e-8


def low_rank(n=600, d=6, q=2, seed=0, noise=0.5):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, q)) @ rng.normal(size=(q, d))
    scale = rng.uniform(0.5, 1.5, size=d)
    return X + noise * scale * rng.normal(size=(n, d))


def two_planes(n=800, missing=0.0):
    X = np.vstack([low_rank(n // 2, seed=1), low_rank(n // 2, seed=2) + 3.0])
    X[np.random.default_rng(3).random(X.shape) < missing] = np.nan
    return X


def fitted(X, n_components=1, n_factors=2, **kwargs):
    options = {"reg_covar": 0, "tol": 1e-12, "max_iter": 3000, "random_state": 0}
    model = MixtureOfFactorAnalyzers(n_components, n_factors, **options | kwargs)
    return model.fit(X)


def dense_scores(model, X):
    parts = zip(model.weights_, model.means_, model.covariances_, strict=True)
    terms = [np.log(w) + multivariate_normal(m, S).logpdf(X) for w, m, S in parts]
    return logsumexp(terms, axis=0)


@pytest.mark.parametrize("n_factors", [1, 2])
def test_one_component_is_factor_analysis(n_factors):
    X = low_rank(200, d=6, q=n_factors)
    ours = fitted(X, n_factors=n_factors)
    peer = FactorAnalysis(n_factors, tol=1e-10, max_iter=5000, svd_method="lapack")
    assert abs(ours.score(X) - peer.fit(X).score(X)) < SAME_OPTIMUM
    np.testing.assert_allclose(
        ours.covariances_[0], peer.get_covariance(), rtol=0.01, atol=0.01
    )


@pytest.mark.parametrize("n_factors", [1, 2, 4])
def test_one_isotropic_component_is_principal_components(n_factors):
    X = low_rank()
    n = len(X)
    ours = fitted(X, n_factors=n_factors, noise="isotropic")
    peer = PCA(n_factors).fit(X)
    # scikit-learn divides by n - 1 where the maximum of the likelihood has n
    np.testing.assert_allclose(
        ours.covariances_[0] * n / (n - 1), peer.get_covariance(), atol=1e-5
    )
    ours.loadings_ *= np.sqrt(n / (n - 1))
    ours.noise_variance_ *= n / (n - 1)
    np.testing.assert_allclose(
        ours.score_samples(X), peer.score_samples(X), rtol=1e-5, atol=1e-5
    )
    # the factors are PCA's scores, scaled and shrunk
    codes, scores = ours.transform(X), peer.transform(X)
    for j in range(n_factors):
        assert abs(np.corrcoef(codes[:, j], scores[:, j])[0, 1]) > 1 - 1e-6


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize("noise", NOISES)
def test_em_never_lowers_the_likelihood(noise, missing):
    X = two_planes(200, missing)
    model = fitted(X, 2, noise=noise, tol=1e-5, max_iter=200)
    assert np.diff(model.lower_bounds_).min() > -1e-10


@pytest.mark.parametrize("noise", NOISES)
def test_scores_are_those_of_dense_covariances(noise):
    X = two_planes()
    model = fitted(X, 2, noise=noise, tol=1e-4)
    np.testing.assert_allclose(
        model.score_samples(X), dense_scores(model, X), atol=1e-9
    )
    holes = X[:200].copy()
    holes[np.random.default_rng(0).random(holes.shape) < 0.4] = np.nan
    holes[7] = np.nan
    for row, score in zip(holes, model.score_samples(holes), strict=True):
        seen = np.flatnonzero(~np.isnan(row))
        if not len(seen):
            assert abs(score) < 1e-12
            continue
        want = dense_scores(model.marginal(seen), row[None, seen])
        assert abs(score - want) < 1e-9


def test_statistics_are_those_of_dense_gaussians():
    """E[g g^T], E[z g^T] and E[z^2] by the joint Gaussian of cells and factors."""
    X = two_planes(120, missing=0.3)
    model = fitted(two_planes(), 2, tol=1e-3)
    params = model._fitted_params()
    q, D = 2, X.shape[1]
    resp = model.predict_proba(X)
    want = [np.zeros((2, q + 1, q + 1)), np.zeros((2, D, q + 1)), np.zeros((2, D))]
    for k in range(2):
        L, Psi = params.loadings[k], np.diag(params.noise[k])
        joint = np.block([[L @ L.T + Psi, L], [L.T, np.eye(q)]])
        for x, r in zip(X, resp[:, k], strict=True):
            o = np.flatnonzero(~np.isnan(x))
            B = joint[:, o] @ np.linalg.inv(joint[np.ix_(o, o)])
            mean = B @ (x - params.means[k])[o]
            second = joint - B @ joint[o] + np.outer(mean, mean)
            g = np.append(mean[D:], 1.0)
            gg = np.outer(g, g)
            gg[:q, :q] = second[D:, D:]
            want[0][k] += r * gg
            want[1][k] += r * np.column_stack([second[:D, D:], mean[:D]])
            want[2][k] += r * np.diag(second)[:D]
    for mixed in (True, False):
        blocks = row_blocks(X, mixed=mixed)
        stats = sum_blocks(map, lambda block: factors.suff_stats(block, params), blocks)
        for got, expected in zip(stats[2:], want, strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)
        assert abs(stats.log_likelihood - model.score_samples(X).sum()) < 1e-9


def test_recentering_is_the_same_statistics_of_the_new_parameters_factors():
    X = two_planes(200)
    model = fitted(X, 2, tol=1e-3)
    params = model._fitted_params()
    (block,) = row_blocks(X)
    params = params._replace(means=params.means + 0.3)  # so that factors have a mean
    stats = factors.suff_stats(block, params)
    updated = factors.m_step(stats, params, np.zeros(6), np.full(6, 1e-9), False)
    moved = factors.recenter(stats, updated.means - params.means, updated.basis)
    again = factors.m_step(moved, updated, np.zeros(6), np.full(6, 1e-9), False)
    np.testing.assert_allclose(again.noise, updated.noise, rtol=1e-9)
    np.testing.assert_allclose(again.loadings, updated.loadings, atol=1e-9)
    np.testing.assert_allclose(again.means, updated.means, atol=1e-9)
    # of the rows together, factors have mean 0 and unit covariance; rows have mean 0
    share = moved.gg / moved.gg[:, -1:, -1:]
    np.testing.assert_allclose(share, np.stack([np.eye(3)] * 2), atol=1e-9)
    np.testing.assert_allclose(moved.zg[:, :, -1], 0.0, atol=1e-8)


def test_loadings_are_on_principal_axes():
    model = fitted(low_rank(), n_factors=3, tol=1e-6)
    scaled = model.loadings_[0] / np.sqrt(model.noise_variance_[0])[:, None]
    gram = scaled.T @ scaled
    np.testing.assert_allclose(gram, np.diag(np.diag(gram)), atol=1e-8)
    assert (np.diff(np.diag(gram)) < 0).all()
    largest = np.abs(model.loadings_[0]).argmax(axis=0)
    assert (model.loadings_[0][largest, range(3)] > 0).all()


@pytest.mark.parametrize("noise", NOISES)
def test_as_many_factors_as_a_full_covariance_has(noise):
    """At q = D - 1 the isotropic model is a Gaussian, and counts as many parameters."""
    X = low_rank(300, d=4)
    model = fitted(X, n_factors=3, noise=noise, max_iter=5000)
    full = GaussianMixture(reg_covar=0).fit(X)
    assert abs(model.score(X) - full.score(X)) < 1e-4
    assert model._n_parameters() == full._n_parameters()


def test_number_of_parameters():
    X = low_rank(100)
    # weights 1, means 12; each component: loadings 12 but for a rotation, noise
    for noise, expected in (("diag", 1 + 12 + 2 * 17), ("isotropic", 1 + 12 + 2 * 12)):
        model = fitted(X, 2, noise=noise, tol=1e-2)
        twice = model.aic(X) + 2 * len(X) * model.score(X)
        assert round(twice / 2, 6) == expected


def test_more_columns_than_rows():
    X, held_out = np.split(low_rank(80, d=2000, q=2, noise=0.1), 2)
    model = MixtureOfFactorAnalyzers(n_factors=2, random_state=0).fit(X)
    diagonal = GaussianMixture(covariance_type="diag").fit(X)
    assert model.score(held_out) > diagonal.score(held_out) + 500


def test_marginals_conditionals_and_draws():
    model = fitted(two_planes(), 2, tol=1e-4)
    X = two_planes(60)
    part = model.marginal([4, 0, 1])
    np.testing.assert_allclose(
        part.score_samples(X[:, [4, 0, 1]]),
        dense_scores(part, X[:, [4, 0, 1]]),
        atol=1e-9,
    )
    row = np.full((1, 6), np.nan)
    row[0, [0, 3]] = X[0, [0, 3]]
    rest = model.conditional(row)
    joint = X.copy()
    joint[:, [0, 3]] = X[0, [0, 3]]
    hidden = [1, 2, 4, 5]
    np.testing.assert_allclose(
        rest.score_samples(X[:, hidden]) + model.score_samples(row),
        model.score_samples(joint),
        atol=1e-9,
    )
    draws = model.sample(20_000, random_state=0)
    filled = model.sample_conditional(np.repeat(row, 20_000, axis=0), random_state=1)
    for cells, density in ((draws, model), (filled[:, hidden], rest)):
        for j in range(cells.shape[1]):
            deviations = np.sqrt(density.covariances_[:, j, j])

            def cdf(x, j=j, density=density, deviations=deviations):
                z = (x[:, None] - density.means_[:, j]) / deviations
                return norm.cdf(z) @ density.weights_

            assert kstest(cells[:, j], cdf).pvalue > FALSE_ALARM_RATE
    pair = rest.sample(20_000, random_state=2)[:, :2]
    seen = np.corrcoef(pair.T)[0, 1]
    expected = np.corrcoef(filled[:, [1, 2]].T)[0, 1]
    assert abs(seen - expected) < 0.04  # four standard errors


@pytest.mark.parametrize("n_components", [1, 2])
def test_codes_are_posterior_means_and_decode_to_rows_without_noise(n_components):
    X = two_planes(200, missing=0.2)
    model = fitted(two_planes(), n_components, tol=1e-4)
    codes = model.transform(X)
    assert codes.shape == (200, 2 if n_components == 1 else 6)
    want = np.zeros(X.shape)
    resp = model.predict_proba(X)
    for k in range(n_components):
        L, m, S = model.loadings_[k], model.means_[k], model.covariances_[k]
        for i, x in enumerate(X):
            o = np.flatnonzero(~np.isnan(x))
            f = L[o].T @ np.linalg.solve(S[np.ix_(o, o)], (x - m)[o])
            want[i] += resp[i, k] * (m + L @ f)
    np.testing.assert_allclose(model.inverse_transform(codes), want, atol=1e-9)
    with pytest.raises(ValueError, match="as transform returns it"):
        model.inverse_transform(codes[:, :1])


def test_partial_fit_goes_on_in_the_new_basis():
    X = np.random.default_rng(0).permutation(two_planes(4000))
    model = MixtureOfFactorAnalyzers(2, 2, random_state=0)
    for batch in np.array_split(X, 20):
        model.partial_fit(batch)
    whole = MixtureOfFactorAnalyzers(2, 2, random_state=0, tol=1e-5, max_iter=500)
    assert model.score(X) > whole.fit(X).score(X) - 0.05


def test_same_bytes_for_every_n_jobs():
    X = two_planes(6000, missing=0.02)
    models = [
        MixtureOfFactorAnalyzers(2, 2, random_state=0, tol=1e-2, n_jobs=n).fit(X)
        for n in (1, 2)
    ]
    assert models[0].loadings_.tobytes() == models[1].loadings_.tobytes()


def test_warnings_and_errors_say_what_to_do():
    X = low_rank(200)
    X[:, 1] = 5.0
    with pytest.warns(match=r"no noise of its own in column 1: .*Use fewer factors"):
        MixtureOfFactorAnalyzers(n_factors=2, random_state=0, tol=1e-2).fit(X)
    with pytest.warns(match="can't determine"):
        MixtureOfFactorAnalyzers(n_factors=2, random_state=0, tol=1e9).fit(X[:3])
    model = MixtureOfFactorAnalyzers(n_factors=2, warm_start=True, random_state=0)
    model.fit(low_rank())
    with pytest.raises(ValueError, match="Can't go on from the last fit"):
        model.set_params(n_factors=3).fit(low_rank())
