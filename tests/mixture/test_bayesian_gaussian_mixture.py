"""BayesianGaussianMixture beside scikit-learn's, and the density that differs."""

import numpy as np
import pytest
from sklearn.mixture import BayesianGaussianMixture as SklearnMixture

from sklearn_gen.mixture import BayesianGaussianMixture, StudentTMixture
from sklearn_gen.mixture import _bayesian_gaussian_mixture as module

COVARIANCE_TYPES = ["full", "tied", "diag", "spherical"]
PRIORS = ["dirichlet_process", "dirichlet_distribution"]
# Relative, after up to 30 iterations from the same responsibilities.
SAME_ITERATES = 1e-9
FITTED = [
    "weights_", "means_", "covariances_", "precisions_", "precisions_cholesky_",
    "weight_concentration_", "mean_precision_", "degrees_of_freedom_", "lower_bound_",
    "weight_concentration_prior_", "mean_precision_prior_", "mean_prior_",
    "degrees_of_freedom_prior_", "covariance_prior_",
]  # fmt: skip

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def rows(n=250, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, d)) @ rng.normal(size=(d, d))
    return X + 3 * rng.normal(size=(3, d))[rng.integers(3, size=n)]


def both(monkeypatch, X, **kwargs):
    """Ours and scikit-learn's, from the same responsibilities."""
    resp = np.random.default_rng(1).dirichlet(np.ones(4), size=len(X))
    monkeypatch.setattr(
        module, "starting_responsibilities", lambda *arguments: (X, resp)
    )

    class Peer(SklearnMixture):
        def _initialize_parameters(self, X, *arguments, **keywords):
            self._initialize(X, resp)

    kwargs = {"n_components": 4, "max_iter": 30} | kwargs
    return BayesianGaussianMixture(**kwargs).fit(X), Peer(**kwargs).fit(X)


def assert_same(ours, theirs):
    for name in FITTED:
        a, b = np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name))
        b = b.reshape(a.shape)  # its tied lower bound has shape (1,)
        assert np.abs(a - b).max() <= SAME_ITERATES * (1 + np.abs(b).max()), name
    assert ours.n_iter_ == theirs.n_iter_
    assert ours.converged_ == theirs.converged_


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_same_iterates_as_sklearn(monkeypatch, covariance_type, prior):
    X = rows()
    ours, theirs = both(
        monkeypatch,
        X,
        covariance_type=covariance_type,
        weight_concentration_prior_type=prior,
    )
    assert_same(ours, theirs)
    np.testing.assert_allclose(
        ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9
    )
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_same_iterates_with_priors_given(monkeypatch, covariance_type):
    X = rows()
    covariance = {
        "full": np.diag([1.0, 2.0, 3.0]) + 0.5,
        "tied": np.diag([1.0, 2.0, 3.0]) + 0.5,
        "diag": np.array([1.0, 2.0, 3.0]),
        "spherical": 1.5,
    }[covariance_type]
    ours, theirs = both(
        monkeypatch, X, covariance_type=covariance_type, reg_covar=0.1,
        weight_concentration_prior=1e-3, mean_precision_prior=0.3,
        mean_prior=[1.0, 0.0, -1.0], degrees_of_freedom_prior=7.5,
        covariance_prior=covariance,
    )  # fmt: skip
    assert_same(ours, theirs)


def test_a_row_far_from_all_is_judged_by_log_weights_that_no_float_holds(monkeypatch):
    X = rows()
    ours, theirs = both(
        monkeypatch,
        X,
        weight_concentration_prior=1e-5,
        weight_concentration_prior_type="dirichlet_distribution",
        n_components=4,
        max_iter=200,
    )
    far = X[:20] * 1e3
    np.testing.assert_allclose(
        ours.predict_proba(far), theirs.predict_proba(far), atol=1e-9
    )


def test_constructor_has_every_parameter_of_sklearn_with_its_default():
    theirs = SklearnMixture().get_params()
    ours = BayesianGaussianMixture().get_params()
    assert {name: ours[name] for name in theirs} == theirs


def integral(score_samples):
    """By the trapezoidal rule in x = sinh(t): 4e6 on either side."""
    t, step = np.linspace(-15.9, 15.9, 40_001, retstep=True)
    return step * np.cosh(t) @ np.exp(score_samples(np.sinh(t)[:, None]))


@pytest.mark.parametrize(
    ("n", "low", "high"), [(5, 0.6, 0.82), (10, 0.7, 0.9), (30, 0.85, 0.98)]
)
def test_the_density_is_normalised_where_that_of_sklearn_is_not(n, low, high):
    X = np.random.default_rng(n).normal(size=(n, 1))
    kwargs = {"n_components": 2, "random_state": 0}
    ours = BayesianGaussianMixture(**kwargs).fit(X)
    theirs = SklearnMixture(**kwargs).fit(X)
    assert abs(integral(ours.score_samples) - 1.0) < 1e-4
    assert low < integral(theirs.score_samples) < high


@pytest.mark.parametrize("covariance_type", ["full", "tied"])
def test_the_predictive_averages_gaussians_over_the_posterior(covariance_type):
    """Scores by sampling weights' expectation, means and Wishart precisions."""
    from scipy.stats import multivariate_normal, wishart

    X = rows(40, 2)
    model = BayesianGaussianMixture(
        2, covariance_type=covariance_type, random_state=0,
        weight_concentration_prior_type="dirichlet_distribution",
    ).fit(X)  # fmt: skip
    K, D = model.means_.shape
    C = np.broadcast_to(model.covariances_, (K, D, D))
    nu = np.broadcast_to(model.degrees_of_freedom_, K)
    rng = np.random.default_rng(0)
    points, draws = X[:4], 1000
    density = np.zeros((draws, len(points)))
    for k in range(K):
        W = np.linalg.inv(nu[k] * C[k])
        for i, L in enumerate(wishart(nu[k], W).rvs(draws, random_state=rng)):
            S = np.linalg.inv(L)
            mean = rng.multivariate_normal(
                model.means_[k], S / model.mean_precision_[k]
            )
            density[i] += model.weights_[k] * multivariate_normal(mean, S).pdf(points)
    error = density.std(axis=0) / np.sqrt(draws)
    want = np.exp(model.score_samples(points))
    # four points, five standard errors: a false alarm in 4e5
    assert (np.abs(density.mean(axis=0) - want) < 5 * error).all()


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_the_lower_bound_never_falls(missing, prior):
    X = rows()
    X[np.random.default_rng(0).random(X.shape) < missing] = np.nan
    model = BayesianGaussianMixture(
        5, reg_covar=0, tol=0, max_iter=60, random_state=0,
        weight_concentration_prior_type=prior,
    ).fit(X)  # fmt: skip
    assert np.diff(model.lower_bounds_).min() > -1e-9


def test_missing_cells_are_integrated_out_of_the_responsibilities():
    """By quadrature over the missing cell of exp E[log p(x, k)]."""
    X = rows(100, 2)
    model = BayesianGaussianMixture(3, random_state=0).fit(X)
    t, step = np.linspace(-60, 60, 24_001, retstep=True)
    params = model._fitted_params()
    for x in X[:3, 0]:
        grid = np.column_stack([np.full(len(t), x), t])
        z = grid[:, None] - params.means
        y = np.einsum("nkd,kde->nke", z, params.precisions_cholesky)
        log_det = np.log(np.diagonal(params.precisions_cholesky, axis1=1, axis2=2))
        joint = params.log_weights + log_det.sum(1) - (y**2).sum(2) / 2
        mass = step * np.exp(joint).sum(0)
        np.testing.assert_allclose(
            model.predict_proba([[x, np.nan]])[0], mass / mass.sum(), atol=1e-9
        )


def test_weights_are_rows():
    X = rows(120)
    weight = np.random.default_rng(0).integers(0, 4, size=120)
    kwargs = {"n_components": 3, "random_state": 0, "tol": 1e-8, "max_iter": 500}
    weighted = BayesianGaussianMixture(**kwargs).fit(X, sample_weight=weight)
    repeated = BayesianGaussianMixture(**kwargs).fit(np.repeat(X, weight, axis=0))
    for name in FITTED:
        a, b = np.asarray(getattr(weighted, name)), np.asarray(getattr(repeated, name))
        np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9, err_msg=name)
    doubled = BayesianGaussianMixture(**kwargs).fit(X, sample_weight=2.0 * weight)
    assert doubled.mean_precision_.sum() > 1.9 * weighted.mean_precision_.sum() - 10


def test_default_prior_with_missing_cells_is_definite_and_has_their_variances():
    X = rows(200)
    X[np.random.default_rng(0).random(X.shape) < 0.5] = np.nan
    model = BayesianGaussianMixture(2, random_state=0).fit(X)
    prior = model.covariance_prior_
    assert np.linalg.eigvalsh(prior).min() > 0
    n = len(X)
    np.testing.assert_allclose(
        np.diag(prior), np.nanvar(X, axis=0) * n / (n - 1), rtol=1e-9
    )


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize(
    ("covariance_type", "n_parameters"),
    # three weights that sum to one, three means in the plane, and covariances of three
    # numbers each, or one of them for all, of two numbers each, of one each
    [("full", 2 + 6 + 9), ("tied", 2 + 6 + 3), ("diag", 2 + 6 + 6),
     ("spherical", 2 + 6 + 3)],
)  # fmt: skip
def test_criteria_count_components_that_hold_rows(covariance_type, n_parameters, prior):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 2)) + [[0, 0], [20, 0], [0, 20]] * 100
    X[rng.random(X.shape) < 0.05] = np.nan
    model = BayesianGaussianMixture(
        8, covariance_type=covariance_type, weight_concentration_prior_type=prior,
        weight_concentration_prior=1e-3, max_iter=2000, random_state=0,
    ).fit(X)  # fmt: skip
    assert ((model.weights_ > 0.3).sum(), (model.weights_ < 0.01).sum()) == (3, 5)
    likelihood = model.score_samples(X).sum()
    assert model.aic(X) == pytest.approx(-2 * likelihood + 2 * n_parameters)
    log_n = np.log(300)
    assert model.bic(X) == pytest.approx(-2 * likelihood + log_n * n_parameters)
    weight = np.ones(300)
    assert model.bic(X, sample_weight=2 * weight) == pytest.approx(
        -4 * likelihood + np.log(600) * n_parameters
    )


def test_criteria_count_one_component_at_least():
    X = np.random.default_rng(0).normal(size=(50, 2))
    model = BayesianGaussianMixture(3, random_state=0)
    model.fit(X, sample_weight=np.full(50, 1e-4))  # all rows together weigh 0.005
    assert (model.aic(X) + 2 * model.score_samples(X).sum()) / 2 == pytest.approx(5)


def test_superfluous_components_lose_their_weight():
    X = np.random.default_rng(0).normal(size=(500, 2))
    X[250:] += 8.0
    model = BayesianGaussianMixture(8, random_state=0, max_iter=1000).fit(X)
    assert np.sort(model.weights_)[:-2].sum() < 0.05


def test_derived_densities_are_student_mixtures():
    X = rows()
    model = BayesianGaussianMixture(3, covariance_type="tied", random_state=0).fit(X)
    whole = model.predictive()
    assert isinstance(whole, StudentTMixture)
    np.testing.assert_array_equal(whole.score_samples(X), model.score_samples(X))
    np.testing.assert_array_equal(
        whole.sample(5, random_state=3), model.sample(5, random_state=3)
    )
    rest = model.conditional([[1.0, np.nan, np.nan]])
    part = model.marginal([0]).score_samples([[1.0]])
    joint = np.column_stack([np.ones(50), X[:50, 1:]])
    np.testing.assert_allclose(
        part + rest.score_samples(X[:50, 1:]), model.score_samples(joint), rtol=1e-10
    )


def test_partial_fit_counts_all_rows_seen():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 2)) + 10.0 * rng.integers(3, size=3000)[:, None]
    model = BayesianGaussianMixture(3, random_state=0)
    for batch in np.array_split(X, 10):
        model.partial_fit(batch)
    assert model.mean_precision_.sum() == pytest.approx(3000 + 3)
    whole = BayesianGaussianMixture(3, random_state=0, max_iter=500).fit(X)
    assert model.score(X) > whole.score(X) - 0.05


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"degrees_of_freedom_prior": 1.5}, "must exceed n_features - 1 = 2, got 1.5"),
        ({"mean_prior": [0.0]}, r"mean_prior must have shape \(3,\)"),
        ({"covariance_prior": np.eye(2)}, r"covariance_prior must have shape \(3, 3\)"),
        (
            {"covariance_prior": -np.eye(3)},
            "covariance_prior must be symmetric",
        ),
        (
            {"covariance_prior": [1.0, -1.0, 1.0], "covariance_type": "diag"},
            "covariance_prior must be positive",
        ),
    ],
)
def test_priors_are_checked(parameters, message):
    with pytest.raises(ValueError, match=message):
        BayesianGaussianMixture(**parameters).fit(rows())
