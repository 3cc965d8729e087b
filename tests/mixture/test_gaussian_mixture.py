"""GaussianMixture beside scikit-learn's, and what it has beyond it."""

import mpmath
import numpy as np
import pytest
from sklearn.datasets import load_iris, make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture as SklearnMixture

from sklearn_gen.mixture import GaussianMixture

COVARIANCE_TYPES = ["full", "tied", "diag", "spherical"]
SAME_ITERATES = 1e-9  # relative, after 20 EM iterations in float64
PARITY_SHAPES = [
    (50, 1, 1),
    (200, 1, 3),
    (500, 2, 5),
    (300, 3, 2),
    (1000, 8, 4),
    (400, 16, 3),
    (300, 35, 2),
    (600, 64, 2),
    (5000, 4, 7),
    (257, 5, 3),
]


def mixed_rows(n_samples, n_features, n_components, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(scale=2.0, size=(n_components, n_features))
    return centers[rng.integers(n_components, size=n_samples)] + rng.normal(
        size=(n_samples, n_features)
    )


def unit_precisions(covariance_type, n_components, n_features):
    return {
        "full": np.stack([np.eye(n_features)] * n_components),
        "tied": np.eye(n_features),
        "diag": np.ones((n_components, n_features)),
        "spherical": np.ones(n_components),
    }[covariance_type]


def same_start(X, n_components, covariance_type):
    return {
        "n_components": n_components,
        "covariance_type": covariance_type,
        "weights_init": np.full(n_components, 1.0 / n_components),
        "means_init": X[:n_components],
        "precisions_init": unit_precisions(covariance_type, n_components, X.shape[1]),
    }


def relative_error(ours, theirs):
    return np.max(np.abs(ours - theirs)) / np.max(np.abs(theirs))


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
@pytest.mark.parametrize("shape", PARITY_SHAPES)
def test_same_iterates_as_sklearn(shape, covariance_type):
    X = mixed_rows(*shape)
    start = same_start(X, shape[2], covariance_type) | {"tol": 0.0, "max_iter": 20}
    ours = GaussianMixture(**start).fit(X)
    theirs = SklearnMixture(**start).fit(X)
    for name in (
        "weights_",
        "means_",
        "covariances_",
        "precisions_",
        "precisions_cholesky_",
        "lower_bounds_",
    ):
        error = relative_error(
            np.asarray(getattr(ours, name)), np.asarray(getattr(theirs, name))
        )
        assert error < SAME_ITERATES, name
    assert relative_error(ours.score_samples(X), theirs.score_samples(X)) < 1e-9
    assert np.abs(ours.predict_proba(X) - theirs.predict_proba(X)).max() < 1e-9
    np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
    assert ours.bic(X) == pytest.approx(theirs.bic(X), rel=1e-9)
    assert ours.aic(X) == pytest.approx(theirs.aic(X), rel=1e-9)
    assert ours.n_iter_ == theirs.n_iter_ == 20


def test_constructor_has_every_parameter_of_sklearn_with_its_default():
    theirs = SklearnMixture().get_params()
    ours = GaussianMixture().get_params()
    assert {name: ours[name] for name in theirs} == theirs


@pytest.mark.parametrize("init_params", ["kmeans", "k-means++", "random_from_data"])
def test_default_starts_reach_as_high_as_sklearn(init_params):
    X, _ = make_blobs(600, n_features=4, centers=5, random_state=1)
    kwargs = {"n_components": 5, "n_init": 20, "init_params": init_params}
    ours = GaussianMixture(random_state=0, **kwargs).fit(X)
    theirs = SklearnMixture(random_state=0, **kwargs).fit(X)
    assert ours.score(X) > theirs.score(X) - 0.01


def test_random_start_is_a_start():
    X = mixed_rows(500, 2, 3)
    model = GaussianMixture(3, init_params="random", n_init=3, random_state=0).fit(X)
    assert model.score(X) > GaussianMixture(1).fit(X).score(X)


@pytest.mark.filterwarnings("ignore::sklearn_gen.base.DiscreteColumnWarning")
@pytest.mark.parametrize(
    ("covariance_type", "bic"),
    # iris, K=2: mclust's models VII, VVI, EEE and VVV
    [("spherical", 1012.2352), ("diag", 857.5515), ("tied", 688.0972),
     ("full", 574.0178)],
)  # fmt: skip
def test_published_bic_of_iris(covariance_type, bic):
    X = load_iris().data
    model = GaussianMixture(
        2, covariance_type=covariance_type, reg_covar=0, tol=1e-9, max_iter=2000,
        random_state=0,
    ).fit(X)  # fmt: skip
    assert model.bic(X) == pytest.approx(bic, abs=2e-3)


@pytest.mark.filterwarnings("ignore::sklearn_gen.base.DegenerateDataWarning")
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_tight_clusters_far_from_the_origin(covariance_type):
    rng = np.random.default_rng(0)
    centers = 1e6 + np.array([[0.0, 0.0, 0.0], [0.02, -0.01, 0.0]])
    X = centers[rng.integers(2, size=400)] + 1e-3 * rng.normal(size=(400, 3))
    model = GaussianMixture(
        2, covariance_type=covariance_type, reg_covar=0, random_state=0
    ).fit(X)
    exact = np.array([float(exact_log_density(model, x)) for x in X[:20]])
    np.testing.assert_allclose(model.score_samples(X[:20]), exact, rtol=1e-6)
    # The fit itself is that of the same rows moved to the origin.
    moved = GaussianMixture(
        2, covariance_type=covariance_type, reg_covar=0, random_state=0
    ).fit(X - 1e6)
    np.testing.assert_allclose(model.covariances_, moved.covariances_, rtol=1e-4)


def exact_log_density(model, x):
    """Log density with 50 digits, from the fitted means and covariances."""
    with mpmath.workdps(50):
        d = len(x)
        total = mpmath.mpf(0)
        for k, weight in enumerate(model.weights_):
            covariance = {
                "full": lambda k=k: model.covariances_[k],
                "tied": lambda: model.covariances_,
                "diag": lambda k=k: np.diag(model.covariances_[k]),
                "spherical": lambda k=k: np.eye(d) * model.covariances_[k],
            }[model.covariance_type]()
            S = mpmath.matrix(covariance.tolist())
            z = mpmath.matrix(
                [
                    mpmath.mpf(a) - mpmath.mpf(b)
                    for a, b in zip(x, model.means_[k], strict=True)
                ]
            )
            quadratic = (z.T * mpmath.lu_solve(S, z))[0]
            norm = mpmath.sqrt((2 * mpmath.pi) ** d * mpmath.det(S))
            total += mpmath.mpf(weight) * mpmath.exp(-quadratic / 2) / norm
        return mpmath.log(total)


def test_means_that_start_many_deviations_away_lose_no_digits():
    rng = np.random.default_rng(0)
    X = 1e4 + rng.normal(size=(500, 2))
    start = {
        "weights_init": [1.0],
        "means_init": [[-1e9, 1e9]],
        "precisions_init": np.eye(2)[None] * 1e-18,
    }
    model = GaussianMixture(1, max_iter=1, reg_covar=0, tol=1e300, **start).fit(X)
    np.testing.assert_allclose(model.covariances_[0], np.cov(X.T, bias=True), rtol=1e-8)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_float32_stays_float32_and_agrees(covariance_type):
    X = mixed_rows(3000, 6, 3)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    start = same_start(X, 3, covariance_type)
    double = GaussianMixture(**start).fit(X)
    single = GaussianMixture(**start).fit(X.astype(np.float32))
    for name in ("weights_", "means_", "covariances_", "precisions_cholesky_"):
        assert getattr(single, name).dtype == np.float32
    log_prob = double.score_samples(X)
    in_single = double.score_samples(X.astype(np.float32))
    assert in_single.dtype == np.float32
    # at equal parameters, per row; rounding the data costs as much as the kernel
    assert np.all(np.abs(in_single - log_prob) <= 1e-5 * (1 + np.abs(log_prob)))
    assert single.score(X) == pytest.approx(double.score(X), abs=1e-4)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_em_never_falls_without_regularisation(covariance_type):
    X = mixed_rows(400, 3, 4, seed=2)
    model = GaussianMixture(
        4, covariance_type=covariance_type, reg_covar=0, tol=1e-8, max_iter=500,
        random_state=0,
    ).fit(X)  # fmt: skip
    assert np.diff(model.lower_bounds_).min() > -1e-12


def test_first_iteration_matches_the_score_before_it():
    X = mixed_rows(300, 2, 2)
    start = same_start(X, 2, "full")
    before = GaussianMixture(max_iter=0, **start).fit(X)
    after = GaussianMixture(max_iter=1, tol=1e300, **start).fit(X)
    assert after.lower_bound_ == pytest.approx(before.score(X), abs=1e-12)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_partial_fit_ends_near_batch_em(covariance_type):
    X = mixed_rows(20_000, 6, 5)
    start = same_start(X, 5, covariance_type)
    start["means_init"] = GaussianMixture(5, max_iter=0, random_state=0).fit(X).means_
    batch = GaussianMixture(tol=1e-6, max_iter=500, **start).fit(X)
    stepwise = GaussianMixture(**start)
    rng = np.random.default_rng(0)
    for _ in range(3):
        for rows in np.array_split(rng.permutation(len(X)), 20):
            stepwise.partial_fit(X[rows])
    assert stepwise.score(X) > batch.score(X) - 0.02


def test_partial_fit_goes_on_from_fit():
    X = mixed_rows(2000, 2, 3)
    model = GaussianMixture(3, random_state=0).fit(X)
    before = model.score(X)
    for rows in np.array_split(np.random.default_rng(0).permutation(len(X)), 4):
        model.partial_fit(X[rows])
    assert model.score(X) > before - 0.02


def test_sample_weight_zero_for_a_whole_cluster():
    X, y = make_blobs(300, centers=[[0, 0], [10, 10]], random_state=0)
    weighted = GaussianMixture(1).fit(X, sample_weight=(y == 0).astype(float))
    np.testing.assert_allclose(
        weighted.means_, GaussianMixture(1).fit(X[y == 0]).means_
    )


def test_warm_start_goes_on():
    X = mixed_rows(500, 3, 4)
    kwargs = {"n_components": 4, "random_state": 0, "tol": 0.0}
    with pytest.warns(ConvergenceWarning, match="max_iter=7"):
        whole = GaussianMixture(max_iter=7, **kwargs).fit(X)
    parts = GaussianMixture(max_iter=4, warm_start=True, **kwargs)
    with pytest.warns(ConvergenceWarning):
        parts.fit(X)
    with pytest.warns(ConvergenceWarning):
        parts.set_params(max_iter=3).fit(X)
    np.testing.assert_allclose(parts.means_, whole.means_, rtol=1e-12)


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        ("weights_init", [0.5, 0.6], "weights_init must be non-negative and sum to 1"),
        ("weights_init", [1.0], r"weights_init must have shape \(2,\).*got \(1,\)"),
        ("means_init", [[0.0, 0.0]], r"means_init must have shape \(2, 2\)"),
        ("means_init", [[0.0, np.nan]] * 2, "means_init must be finite"),
        ("precisions_init", [np.eye(2), -np.eye(2)], "matrix 1 is not"),
        ("n_components", 0, "'n_components' parameter"),
        ("covariance_type", "banded", "'covariance_type' parameter"),
        ("reg_covar", -1.0, "'reg_covar' parameter"),
        ("dequantize", ["x"], "dequantize names 'x', which is no column"),
    ],
)
def test_bad_parameters_are_named(parameter, value, message):
    X = mixed_rows(50, 2, 2)
    model = GaussianMixture(2).set_params(**{parameter: value})
    with pytest.raises(ValueError, match=message):
        model.fit(X)


def test_sample_from_a_mixture_has_its_moments():
    X = mixed_rows(2000, 3, 3)
    for covariance_type in COVARIANCE_TYPES:
        model = GaussianMixture(3, covariance_type=covariance_type, random_state=0)
        draws = model.fit(X).sample(50_000, random_state=1)
        mean = model.weights_ @ model.means_
        # 6 standard errors: a false alarm in 1e8 runs
        error = 6 * draws.std(axis=0) / np.sqrt(len(draws))
        assert np.all(np.abs(draws.mean(axis=0) - mean) < error)
        shares = np.bincount(model.predict(draws), minlength=3) / len(draws)
        expected = model.predict_proba(draws).mean(axis=0)
        assert np.abs(model.weights_ - expected).max() < 6 * 0.5 / np.sqrt(len(draws))
        assert shares.sum() == pytest.approx(1.0)


def test_start_sees_sources_that_take_turns():
    rng = np.random.default_rng(0)
    centers = np.array([[0.0, 0], [10, 0], [0, 10], [10, 10]])
    # even rows come from the first two clusters, odd rows from the others
    labels = np.arange(40_000) % 2 * 2 + rng.integers(2, size=40_000)
    X = centers[labels] + rng.normal(size=(40_000, 2))
    truth = GaussianMixture(4, means_init=centers).fit(X).score(X)
    for seed in range(3):
        score = GaussianMixture(4, n_init=2, random_state=seed).fit(X).score(X)
        assert score > truth - 0.01


@pytest.mark.parametrize("weight", [1.0, 1e-30, 1e30])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_only_ratios_of_weights_matter(weight, dtype):
    X = mixed_rows(300, 2, 2).astype(dtype)
    start = same_start(X, 2, "full")
    plain = GaussianMixture(**start).fit(X)
    weighted = GaussianMixture(**start).fit(X, sample_weight=weight)
    np.testing.assert_allclose(weighted.means_, plain.means_, rtol=1e-4)
    assert plain.bic(X, sample_weight=1.0) == pytest.approx(plain.bic(X), rel=1e-6)


def test_sample_keeps_float32():
    X = mixed_rows(100, 2, 1).astype(np.float32)
    assert GaussianMixture(random_state=0).fit(X).sample(3).dtype == np.float32


def test_rows_beyond_every_density_get_the_weights():
    model = GaussianMixture(3, random_state=0).fit(mixed_rows(300, 2, 3))
    far = np.full((1, 2), 1e200)
    assert model.score_samples(far)[0] == -np.inf
    np.testing.assert_array_equal(model.predict_proba(far)[0], model.weights_)


def test_box_bounds_are_checked():
    model = GaussianMixture(2, random_state=0).fit(mixed_rows(100, 2, 2))
    with pytest.raises(ValueError, match=r"lower must not exceed upper, got 1\.0"):
        model.interval_probability([1.0, 0.0], [0.0, 1.0])
    with pytest.raises(ValueError, match="got nan"):
        model.interval_probability([np.nan, 0.0], [0.0, 1.0])


def test_marginal_takes_a_mask():
    X = mixed_rows(100, 3, 2)
    model = GaussianMixture(2, random_state=0).fit(X)
    masked = model.marginal([True, False, True])
    np.testing.assert_array_equal(masked.means_, model.marginal([0, 2]).means_)
    with pytest.raises(ValueError, match="columns is a mask of 2 columns; there are 3"):
        model.marginal([True, False])
