"""GaussianMixture.from_parameters: the density of given parameters, and bad ones."""

import tracemalloc

import numpy as np
import pytest
from scipy.stats import kstest, multivariate_normal, norm
from sklearn.base import clone

from sklearn_gen.mixture import GaussianMixture
from tests.mixture.test_gaussian_mixture import COVARIANCE_TYPES, mixed_rows

EXACT = 1e-12
WEIGHTS = np.array([0.2, 0.5, 0.3])
MEANS = np.array([[0.0, 1.0], [4.0, -2.0], [-3.0, 3.0]])
MATRICES = np.array(
    [[[1.0, 0.4], [0.4, 2.0]], [[0.5, -0.2], [-0.2, 0.3]], [[3.0, 0.0], [0.0, 1.0]]]
)
COVARIANCES = {
    "full": MATRICES,
    "tied": MATRICES[0],
    "diag": np.array([[1.0, 2.0], [0.5, 0.3], [3.0, 1.0]]),
    "spherical": np.array([1.0, 0.5, 3.0]),
}


def given(covariance_type="full", **changed):
    parameters = {
        "weights": WEIGHTS,
        "means": MEANS,
        "covariances": COVARIANCES.get(covariance_type, MATRICES),
        "covariance_type": covariance_type,
    }
    return GaussianMixture.from_parameters(**(parameters | changed))


def component(covariance_type, k):
    """Component k by scipy, which takes matrices, diagonals and variances alike."""
    covariances = COVARIANCES[covariance_type]
    covariance = covariances if covariance_type == "tied" else covariances[k]
    return multivariate_normal(MEANS[k], covariance)


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_density_is_that_of_the_parameters(covariance_type):
    X = 3 * np.random.default_rng(0).normal(size=(200, 2))
    density = sum(
        w * component(covariance_type, k).pdf(X) for k, w in enumerate(WEIGHTS)
    )
    model = given(covariance_type)
    np.testing.assert_allclose(model.score_samples(X), np.log(density), rtol=EXACT)
    np.testing.assert_array_equal(model.covariances_, COVARIANCES[covariance_type])
    assert np.isfinite(model.bic(X))


@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_draws_marginals_and_conditionals(covariance_type):
    model = given(covariance_type)
    draws = model.sample(5000, random_state=0)
    for j in range(2):
        marginal = model.marginal([j])
        means, deviations = marginal.means_[:, 0], np.sqrt(marginal.covariances_)
        deviations = deviations.reshape(-1)  # one per component, or one for all

        def cdf(x, means=means, deviations=deviations):
            return norm.cdf(x[:, None], means, deviations) @ WEIGHTS

        assert kstest(draws[:, j], cdf).pvalue > 1e-4  # false alarms: 1 in 10^4
    row = np.array([[0.5, 0.7]])
    left = model.conditional([[0.5, np.nan]]).score_samples(row[:, 1:])
    chained = model.marginal([0]).score_samples(row[:, :1]) + left
    np.testing.assert_allclose(chained, model.score_samples(row), rtol=EXACT)
    assert model.sample_conditional([[0.5, np.nan]], random_state=0)[0, 0] == 0.5


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("covariance_type", COVARIANCE_TYPES)
def test_learning_goes_on_from_the_parameters_or_starts_again(covariance_type):
    X = mixed_rows(600, 2, 3, seed=1)
    kwargs = {"covariance_type": covariance_type}
    fresh = GaussianMixture(3, random_state=0, **kwargs).fit(X)
    again = given(covariance_type).set_params(random_state=0)
    assert again.fit(X).covariances_.tobytes() == fresh.covariances_.tobytes()
    copied = clone(given(covariance_type))
    assert copied.get_params() == GaussianMixture(3, **kwargs).get_params()
    assert not hasattr(copied, "means_")
    # the first step of EM is that of a fit which is given the same start
    precisions = given(covariance_type).precisions_
    start = GaussianMixture(
        3, weights_init=WEIGHTS, means_init=MEANS, precisions_init=precisions, **kwargs
    )
    step = start.set_params(max_iter=1, tol=1e300).fit(X)
    stepwise = given(covariance_type).partial_fit(X)
    np.testing.assert_allclose(stepwise.means_, step.means_, rtol=1e-10)
    warm = given(covariance_type).set_params(max_iter=1, tol=1e300, warm_start=True)
    np.testing.assert_allclose(warm.fit(X).means_, step.means_, rtol=1e-10)


def test_scale_of_the_columns_is_that_of_the_mixture():
    X = np.random.default_rng(0).normal(size=(50, 1))
    parameters = [0.5, 0.5], [[-10.0], [10.0]], [[[1.0]], [[3.0]]]
    plain, scaled = (
        GaussianMixture.from_parameters(*parameters)
        .set_params(reg_covar=reg_covar)
        .partial_fit(X)
        .covariances_
        for reg_covar in (0.0, "scale")
    )
    # variance 102: that of the means, and within components
    np.testing.assert_allclose(scaled - plain, 1e-6 * 102, rtol=1e-6)


def test_draws_of_many_components_need_no_cell_per_row_and_component():
    K = 4000
    model = GaussianMixture.from_parameters(
        np.full(K, 1 / K),
        np.arange(K)[:, None],
        np.ones(K),
        covariance_type="spherical",
    )
    tracemalloc.start()
    draws = model.sample(20_000, random_state=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000 * K  # an eighth of such a table
    # uniform on [0, K) but for one unit at the ends; false alarms: 1 in 10^4
    assert kstest(draws[:, 0], "uniform", args=(-0.5, K)).pvalue > 1e-4


def test_precision_is_as_asked():
    model = given(dtype=np.float32)
    assert model.means_.dtype == model.sample(2, random_state=0).dtype == np.float32
    X = mixed_rows(50, 2, 1)
    np.testing.assert_allclose(
        model.score_samples(X), given().score_samples(X), rtol=1e-5
    )
    parameters = WEIGHTS.copy(), MEANS.copy(), MATRICES.copy()
    model = GaussianMixture.from_parameters(*parameters)
    for array in parameters:
        array[:] = 7.0
    np.testing.assert_array_equal(model.means_, MEANS)  # a copy


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"weights": [0.5, 0.5]}, r"weights must have shape \(3,\).*got \(2,\)"),
        ({"weights": [0.2, 0.5, 0.2]}, r"weights must be non-neg.*got .* sum 0\.9\."),
        ({"weights": [-0.5, 0.5, 1]}, r"weights must be non-negative.*got min -0\.5"),
        ({"weights": None}, r"weights must have shape \(3,\)"),
        ({"weights": [0.2, 0.5, np.nan]}, "weights must be finite"),
        ({"means": MEANS[0]}, r"means must have shape .*got \(2,\)"),
        ({"means": MEANS[None]}, r"means must have shape .*got \(1, 3, 2\)"),
        ({"means": np.empty((0, 2))}, r"means must have shape .*got \(0, 2\)"),
        ({"means": [["a", "b"]]}, "means must be an array of numbers"),
        ({"means": MEANS + np.inf}, "means must be finite"),
        ({"covariances": MATRICES[:2]}, r"covariances must have shape \(3, 2, 2\)"),
        ({"covariances": None}, r"covariances must have shape .*got \(\)"),
        ({"covariances": -MATRICES}, "covariances must be .* definite; matrix 0"),
        ({"covariances": np.ones((3, 2, 2))}, "covariances must be .*matrix 0 is not"),
        (
            {"covariances": [*MATRICES[:2], [[1, 0.5], [0, 1]]]},
            "covariances must be symmetric.* matrix 2",
        ),
        (
            {"covariance_type": "diag", "covariances": [[1, 1], [1, 0], [1, 1]]},
            "covariances must be positive, got min 0",
        ),
        ({"covariance_type": "banded"}, "covariance_type must be .*got 'banded'"),
        ({"dtype": int}, "dtype must be float64 or float32, got <class 'int'>"),
    ],
)  # fmt: skip
def test_bad_parameters_are_named(changed, message):
    with pytest.raises(ValueError, match=message):
        given(**changed)
