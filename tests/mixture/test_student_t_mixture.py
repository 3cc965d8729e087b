"""StudentTMixture: scipy's densities, EM's theorems, robustness, exact conditionals."""

import numpy as np
import pytest
from scipy.optimize import brentq
from scipy.special import digamma, logsumexp
from scipy.stats import kstest, multivariate_t
from scipy.stats import t as student

from sklearn_gen._blocks import row_blocks
from sklearn_gen._gaussian import STRUCTURES
from sklearn_gen._gaussian import student as functions
from sklearn_gen.mixture import GaussianMixture, StudentTMixture

COVARIANCE_TYPES = ["full", "tied", "diag", "spherical"]
# A correct model fails a test of draws with at most this probability; seeds are fixed.
FALSE_ALARM_RATE = 1e-5


def two_clusters(n=1500, missing=0.0, dof=4.0, seed=0):
    rng = np.random.default_rng(seed)
    shape = np.array([[1.0, 0.6, 0.2], [0.6, 2.0, 0.0], [0.2, 0.0, 0.5]])
    X = multivariate_t([0, 0, 0], shape, dof).rvs(n, random_state=rng)
    X[n // 2 :] += [8.0, -6.0, 5.0]
    X[rng.random(X.shape) < missing] = np.nan
    return X


def mixture(covariance_type="full", dof=(3.0, 8.0)):
    roots = np.random.default_rng(0).normal(size=(2, 3, 7))
    scales = {
        "full": roots @ roots.swapaxes(1, 2) / 5,
        "tied": roots[0] @ roots[0].T / 5,
        "diag": np.array([[1.0, 2.0, 0.5], [0.3, 1.0, 4.0]]),
        "spherical": np.array([1.0, 3.0]),
    }[covariance_type]
    return StudentTMixture.from_parameters(
        [0.3, 0.7],
        [[0.0, 1.0, -1.0], [2.0, 0.0, 1.0]],
        scales,
        dof,
        covariance_type=covariance_type,
    )


def matrices(model):
    """Scale matrices of all components, (K, D, D)."""
    K, D = model.means_.shape
    S = model.scales_
    return {
        "full": lambda: S,
        "tied": lambda: np.stack([S] * K),
        "diag": lambda: S[:, None] * np.eye(D),
        "spherical": lambda: S[:, None, None] * np.eye(D),
    }[model.covariance_type]()


def scipy_scores(model, X):
    parts = zip(model.weights_, model.means_, matrices(model), model.dof_, strict=True)
    return logsumexp(
        [np.log(w) + multivariate_t(m, S, nu).logpdf(X) for w, m, S, nu in parts],
        axis=0,
    )


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_scores_are_those_of_scipy(covariance_type):
    model = mixture(covariance_type)
    X = model.sample(300, random_state=0)
    want = scipy_scores(model, X)
    np.testing.assert_allclose(model.score_samples(X), want, rtol=1e-12, atol=1e-12)
    narrow = model.score_samples(X.astype(np.float32))
    np.testing.assert_allclose(narrow, want, rtol=1e-4)


def test_many_degrees_of_freedom_are_a_gaussian():
    model = mixture(dof=1e7)
    normal = GaussianMixture.from_parameters(
        model.weights_, model.means_, model.scales_
    )
    X = normal.sample(200, random_state=0)
    np.testing.assert_allclose(
        model.score_samples(X), normal.score_samples(X), atol=1e-4
    )
    np.testing.assert_allclose(
        model.predict_proba(X), normal.predict_proba(X), atol=1e-4
    )


@pytest.mark.parametrize("missing", [0.0, 0.25])
@pytest.mark.parametrize("dof", ["estimate", 3.0])
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_em_never_lowers_the_likelihood(covariance_type, dof, missing):
    X = two_clusters(400, missing)
    model = StudentTMixture(
        2, covariance_type=covariance_type, dof=dof, reg_covar=0, tol=1e-6,
        max_iter=400, random_state=0,
    ).fit(X)  # fmt: skip
    assert np.diff(model.lower_bounds_).min() > -1e-10
    assert model.converged_


def test_em_ends_where_the_likelihood_is_flat():
    X = two_clusters(400)
    model = StudentTMixture(2, reg_covar=0, tol=1e-13, max_iter=2000, random_state=0)
    model.fit(X)
    best = model.score(X)
    for name in ("means_", "scales_", "dof_"):
        for step in (1e-3, -1e-3):
            factor = 1 + step
            moved = {n: getattr(model, n) for n in ("means_", "scales_", "dof_")}
            moved[name] = moved[name] * factor
            nearby = StudentTMixture.from_parameters(model.weights_, *moved.values())
            loss = best - nearby.score(X)
            assert 0 < loss < 1e-3, name  # second order in the step


def test_one_step_equals_that_of_plain_numpy():
    """Complete rows: weighted means about u, PX scale matrices, dof by root finding."""
    X = two_clusters(300)
    start = StudentTMixture(2, max_iter=1, random_state=0, reg_covar=0)
    with pytest.warns(match="did not converge"):
        start.fit(X)
    after = StudentTMixture(2, max_iter=1, reg_covar=0, warm_start=True, random_state=0)
    after.__dict__.update(start.__dict__, warm_start=True)
    log_joint = np.stack(
        [
            np.log(w) + multivariate_t(m, S, nu).logpdf(X)
            for w, m, S, nu in zip(
                start.weights_, start.means_, start.scales_, start.dof_, strict=True
            )
        ],
        axis=1,
    )
    r = np.exp(log_joint - logsumexp(log_joint, axis=1)[:, None])
    want = []
    for k in range(2):
        z = X - start.means_[k]
        delta = np.einsum("nd,de,ne->n", z, start.precisions_[k], z)
        nu, D = start.dof_[k], 3
        u = (nu + D) / (nu + delta)
        log_u = digamma((nu + D) / 2) - np.log((nu + delta) / 2)
        mean = (r[:, k] * u) @ X / (r[:, k] @ u)
        z = X - mean
        scale = (r[:, k] * u * z.T) @ z / (r[:, k] @ u)
        gap = np.log(r[:, k] @ u / r[:, k].sum()) - r[:, k] @ log_u / r[:, k].sum()
        dof = brentq(lambda v, g=gap: np.log(v / 2) - digamma(v / 2) - g, 0.5, 1000)
        want.append((r[:, k].mean(), mean, scale, dof))
    with pytest.warns(match="did not converge"):
        after.fit(X)
    for k, (weight, mean, scale, dof) in enumerate(want):
        np.testing.assert_allclose(after.weights_[k], weight, rtol=1e-10)
        np.testing.assert_allclose(after.means_[k], mean, rtol=1e-9)
        np.testing.assert_allclose(after.scales_[k], scale, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(after.dof_[k], dof, rtol=1e-9)


@pytest.mark.parametrize("dof", [2.0, 4.0, 12.0])
def test_degrees_of_freedom_are_recovered(dof):
    X = two_clusters(8000, dof=dof)
    start = [[1.0, 1.0, 1.0], [7.0, -5.0, 4.0]]  # k-means runs after outliers
    model = StudentTMixture(2, tol=1e-6, max_iter=500, means_init=start, random_state=0)
    model.fit(X)
    np.testing.assert_allclose(model.dof_, dof, rtol=0.25)
    order = np.argsort(model.means_[:, 0])
    np.testing.assert_allclose(model.means_[order], [[0, 0, 0], [8, -6, 5]], atol=0.15)


def test_gaussian_rows_get_many_degrees_of_freedom():
    X = np.random.default_rng(0).normal(size=(2000, 2))
    model = StudentTMixture(tol=1e-6, max_iter=1000, random_state=0).fit(X)
    assert model.dof_[0] > 30
    assert model.score(X) > GaussianMixture().fit(X).score(X) - 1e-3


def test_outliers_move_means_far_less_than_those_of_a_gaussian_mixture():
    rng = np.random.default_rng(0)
    centers = np.array([[0.0, 0.0], [10.0, 0.0]])
    X = np.repeat(centers, 300, axis=0) + rng.normal(size=(600, 2))
    X[::20] += [0.0, 60.0]  # one in twenty, off to one side
    worst = {}
    for cls in (StudentTMixture, GaussianMixture):
        model = cls(2, means_init=centers, random_state=0, max_iter=500).fit(X)
        order = np.argsort(model.means_[:, 0])
        worst[cls] = np.abs(model.means_[order] - centers).max()
    assert worst[StudentTMixture] < 0.3
    assert worst[GaussianMixture] > 3.0


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_marginals_and_conditionals(covariance_type):
    model = mixture(covariance_type)
    X = model.sample(50, random_state=1)
    part = model.marginal([2, 0])
    np.testing.assert_allclose(
        part.score_samples(X[:, [2, 0]]), scipy_scores(part, X[:, [2, 0]]), rtol=1e-11
    )
    holes = X.copy()
    holes[:, 1] = np.nan
    np.testing.assert_allclose(
        model.score_samples(holes), part.score_samples(X[:, [2, 0]]), rtol=1e-11
    )
    row = np.array([[0.5, np.nan, np.nan]])
    rest = model.conditional(row)
    assert rest.means_.shape == (2, 2)
    np.testing.assert_allclose(rest.dof_, model.dof_ + 1)
    joint = np.column_stack([np.full(50, 0.5), X[:, 1:]])
    np.testing.assert_allclose(
        rest.score_samples(X[:, 1:]) + model.marginal([0]).score_samples([[0.5]]),
        model.score_samples(joint),
        rtol=1e-11,
    )


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_draws_follow_densities(covariance_type):
    model = mixture(covariance_type, dof=(2.0, 5.0))
    draws = model.sample(20_000, random_state=0)
    filled = model.sample_conditional(
        np.tile([0.5, np.nan, np.nan], (20_000, 1)), random_state=1
    )[:, 1:]
    rest = model.conditional([[0.5, np.nan, np.nan]])
    for cells, density in ((draws, model), (filled, rest)):
        for j in range(cells.shape[1]):
            S = matrices(density)[:, j, j]

            def cdf(x, j=j, S=S, density=density):
                parts = [
                    w * student.cdf(x, nu, m, s)
                    for w, nu, m, s in zip(
                        density.weights_, density.dof_, density.means_[:, j],
                        np.sqrt(S), strict=True,
                    )
                ]  # fmt: skip
                return np.sum(parts, axis=0)

            assert kstest(cells[:, j], cdf).pvalue > FALSE_ALARM_RATE


def test_rare_patterns_equal_patterns_of_their_own():
    """The kernel that goes row by row, and one block per pattern, agree."""
    X = two_clusters(200, missing=0.3)
    for covariance_type in COVARIANCE_TYPES:
        model = mixture(covariance_type)
        params, structure = model._fitted_params(), STRUCTURES[covariance_type]
        args = functions.kernel_args(structure, params, np.float64)
        sums = [
            functions.suff_stats(structure, block, params, args, params.means + 1.0)
            for block in row_blocks(X)
        ]
        alone = [
            functions.suff_stats(structure, block, params, args, params.means + 1.0)
            for block in row_blocks(X, mixed=False)
        ]
        for a, b in zip(zip(*sums, strict=True), zip(*alone, strict=True), strict=True):
            np.testing.assert_allclose(sum(a), sum(b), rtol=1e-9, atol=1e-9)


def test_dof_of_a_component_without_rows_stays():
    model = mixture()
    params = model._fitted_params()
    zero = np.zeros(2)
    moments = np.zeros((2, 3)), np.zeros((2, 3, 3))
    stats = functions.StudentStats(0.0, 0.0, zero, zero, zero, *moments)
    updated = functions.m_step(
        STRUCTURES["full"], stats, params, np.zeros(3), np.ones(3), None
    )
    assert isinstance(updated, functions.StudentParams)
    np.testing.assert_array_equal(updated.dof, params.dof)
    assert np.isfinite(updated.covariances).all()


def test_bic_counts_degrees_of_freedom_only_where_they_are_estimated():
    X = two_clusters(200)
    counts = []
    for dof in ("estimate", 5.0):
        model = StudentTMixture(2, dof=dof, random_state=0).fit(X)
        counts.append((model.aic(X) + 2 * len(X) * model.score(X)) / 2)
    # weights 1, means 6, scale matrices 12, degrees of freedom 2
    np.testing.assert_allclose(counts, [21, 19])


def test_partial_fit_follows_batches():
    X = np.random.default_rng(1).permutation(two_clusters(4000))
    model = StudentTMixture(2, random_state=0)
    for batch in np.array_split(X, 10):
        model.partial_fit(batch)
    whole = StudentTMixture(2, random_state=0, tol=1e-6, max_iter=500).fit(X)
    assert model.score(X) > whole.score(X) - 0.05


def test_far_from_zero_costs_no_digits():
    X = two_clusters(500)
    fits = [
        StudentTMixture(2, reg_covar=0, tol=1e-6, random_state=0).fit(rows)
        for rows in (X, X + 1e7)
    ]
    np.testing.assert_allclose(fits[0].scales_, fits[1].scales_, rtol=1e-6)
    np.testing.assert_allclose(fits[0].dof_, fits[1].dof_, rtol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0], [[0.0]], [[[1.0]]], -1.0), "dof must be a finite number above 0"),
        (([1.0], [[0.0]], [[[1.0]]], [1.0, 2.0]), "one for each of the 1 components"),
        (([1.0], [[0.0]], [[[-1.0]]], 1.0), "positive definite"),
    ],
)
def test_from_parameters_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        StudentTMixture.from_parameters(*arguments)


def test_warm_start_needs_the_same_shapes():
    X = two_clusters(200)
    model = StudentTMixture(2, warm_start=True, random_state=0).fit(X)
    model.set_params(n_components=3)
    with pytest.raises(ValueError, match="Can't go on from the last fit"):
        model.fit(X)
