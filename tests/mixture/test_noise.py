"""The uniform component of GaussianMixture: density, moments, conditionals."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from sklearn_gen.mixture import GaussianMixture


def scattered(n_noise=100, seed=0):
    """Two clusters and scattered rows, in which is which."""
    rng = np.random.default_rng(seed)
    clusters = [rng.normal(c, 0.5, size=(200, 2)) for c in (-2.0, 2.0)]
    X = np.vstack([*clusters, rng.uniform(-8, 8, size=(n_noise, 2))])
    return X, np.repeat([0, 1, -1], [200, 200, n_noise])


def fitted(X, noise=0.1, **params):
    params = {"random_state": 0, "n_init": 3} | params
    return GaussianMixture(2, noise=noise, **params).fit(X)


def log_joint(model, X):
    """log p(x, component) in plain NumPy, the noise last."""
    lower, upper = model.noise_bounds_
    inside = np.all((lower <= X) & (upper >= X), axis=1)
    nu = model.noise_weight_
    gaussians = [
        np.log((1 - nu) * w) + multivariate_normal(m, S).logpdf(X)
        for w, m, S in zip(
            model.weights_, model.means_, model.covariances_, strict=True
        )
    ]
    uniform = np.log(nu) - np.log(upper - lower).sum()
    return np.column_stack([*gaussians, np.where(inside, uniform, -np.inf)])


def test_density_and_components():
    X, labels = scattered()
    model = fitted(X)
    rows = np.vstack([X, [[50.0, 0.0], [0.0, 0.0]]])
    joint = log_joint(model, rows)
    np.testing.assert_allclose(model.score_samples(rows), logsumexp(joint, axis=1))
    resp = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
    np.testing.assert_allclose(model.predict_proba(rows), resp, atol=1e-12)
    predicted = model.predict(X)
    assert set(predicted) == {-1, 0, 1}
    assert np.mean((predicted == -1) == (labels == -1)) > 0.9
    assert abs(model.noise_weight_ - 0.2) < 0.05
    assert model.weights_.sum() == pytest.approx(1.0)


def test_clusters_are_not_widened():
    X, _ = scattered()
    plain = GaussianMixture(2, random_state=0, n_init=3).fit(X)
    model = fitted(X)
    assert np.trace(plain.covariances_, axis1=1, axis2=2).max() > 4.0
    np.testing.assert_allclose(
        np.trace(model.covariances_, axis1=1, axis2=2), 0.5, atol=0.15
    )


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "EEV"])
def test_em_is_monotone(covariance_type, share):
    X, _ = scattered()
    X[np.random.default_rng(1).random(X.shape) < share] = np.nan
    model = fitted(
        X, covariance_type=covariance_type, reg_covar=0.0, tol=0.0, max_iter=30
    )
    assert np.diff(model.lower_bounds_).min() > -1e-10


def test_m_step_is_that_of_weighted_rows():
    X, _ = scattered()
    model = fitted(X, reg_covar=0.0)
    resp = model.predict_proba(X)
    model.set_params(warm_start=True, max_iter=1, tol=1e300).fit(X)
    assert model.noise_weight_ == pytest.approx(resp[:, -1].mean())
    for k in range(2):
        np.testing.assert_allclose(
            model.means_[k], np.average(X, axis=0, weights=resp[:, k])
        )
        np.testing.assert_allclose(
            model.covariances_[k], np.cov(X.T, aweights=resp[:, k], ddof=0)
        )


def test_draws():
    X, _ = scattered()
    model = fitted(X)
    draws = model.sample(20_000, random_state=1)
    # shares: 4.5 standard errors, a false alarm in 1e5 runs
    error = 4.5 * np.sqrt(0.25 / 20_000)
    far = np.abs(np.abs(draws) - 2.0).max(axis=1) > 3.0
    lower, upper = model.noise_bounds_
    cells = np.random.default_rng(2).uniform(lower, upper, size=(200_000, 2))
    expected = np.mean(np.abs(np.abs(cells) - 2.0).max(axis=1) > 3.0)
    assert abs(far.mean() - model.noise_weight_ * expected) < error
    assert (draws[far] >= lower).all()
    assert (draws[far] <= upper).all()


def test_cells_given_the_rest():
    X, _ = scattered()
    model = fitted(X)
    rows = np.vstack([X[::25], [[3.0, 40.0], [np.nan, 1.0]]])
    scores = model.score_cells(rows)
    whole = model.score_samples(rows)
    for j in range(2):
        rest = rows.copy()
        rest[:, j] = np.nan
        np.testing.assert_allclose(
            scores[:, j], whole - model.score_samples(rest), atol=1e-9
        )
    pairs = model.score_cells(rows, pairs=True)
    np.testing.assert_allclose(pairs[:, 0, 1], whole, atol=1e-9)
    np.testing.assert_allclose(pairs[:, 1, 1], scores[:, 1])


def test_interval_probability():
    X, _ = scattered()
    model = fitted(X)
    draws = model.sample(50_000, random_state=0)
    lower, upper = np.array([-3.0, -np.inf]), np.array([5.0, 1.0])
    inside = ((draws > lower) & (draws < upper)).all(axis=1).mean()
    exact = model.interval_probability(lower, upper)
    assert abs(exact - inside) < 4.5 * np.sqrt(0.25 / 50_000)
    rows = np.array([[-2.0, np.nan], [7.0, np.nan], [1.0, 2.0]])
    given = model.interval_probability(lower, upper, rows)
    rest = [model.conditional(row[None]) for row in rows[:2]]
    expected = [c.interval_probability([-np.inf], [1.0]) for c in rest]
    np.testing.assert_allclose(given, [*expected, 1.0])


def test_conditional_mean():
    X, _ = scattered()
    model = fitted(X)
    row = np.array([[-2.5, np.nan]])
    draws = model.sample_conditional(np.repeat(row, 40_000, axis=0), random_state=0)
    error = 4.5 * draws[:, 1].std() / 200
    assert abs(model.conditional_mean(row)[0, 1] - draws[:, 1].mean()) < error
    with pytest.raises(ValueError, match="uniform noise"):
        model.conditional_column(row, 1)


def test_parameters_are_counted_as_in_mclust():
    X, _ = scattered()
    assert fitted(X)._n_parameters() == 2 * (2 + 3) + 1 + 2
    without = GaussianMixture(2, random_state=0).fit(X)
    assert without._n_parameters() == 2 * (2 + 3) + 1
    assert fitted(X).bic(X) < without.bic(X)


def test_box_grows_with_batches_and_is_forgotten():
    X, _ = scattered()
    model = GaussianMixture(2, noise=0.1, random_state=0).partial_fit(X)
    model.partial_fit(2.0 * X)
    np.testing.assert_allclose(model.noise_bounds_[1], 2.0 * X.max(axis=0))
    model.set_params(noise=None).fit(X)
    assert not hasattr(model, "noise_bounds_")
    assert not hasattr(model, "noise_weight_")
    assert model.predict_proba(X).shape == (len(X), 2)


def test_constant_column():
    X = np.column_stack([np.random.default_rng(0).normal(size=50), np.ones(50)])
    with pytest.warns(match="constant"):
        model = GaussianMixture(1, noise=0.1, random_state=0).fit(X)
    np.testing.assert_allclose(model.noise_bounds_[:, 1], [0.5, 1.5])
    assert np.isfinite(model.score_samples(X)).all()


@pytest.mark.parametrize("noise", [0.0, 1.0, -0.1, "yes"])
def test_share_is_checked(noise):
    with pytest.raises(ValueError, match="'noise' parameter"):
        GaussianMixture(noise=noise).fit([[0.0], [1.0]])
