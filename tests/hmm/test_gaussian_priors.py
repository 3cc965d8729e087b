"""Priors of GaussianHMM against the closed form, with states known."""

import numpy as np
import pytest

from sklearn_gen.hmm import GaussianHMM

ROUNDING = 1e-10
N, D, K = 60, 3, 2
rng = np.random.default_rng(0)
X = rng.normal(size=(N, D)) @ np.array([[1.0, 0.5, 0.0], [0.0, 1.0, 0.3], [0, 0, 2.0]])
known = rng.integers(K, size=N)
PRIOR = {
    "means_prior": np.arange(K * D, dtype=float).reshape(K, D),
    "means_weight": np.array([5.0, 0.5]),
    "covars_weight": 9.0,
}


def fitted(covariance_type, **prior):
    """One M-step from known states; the second iteration changes nothing."""
    model = GaussianHMM(
        K, covariance_type=covariance_type, reg_covar=0.0, random_state=0, **prior
    )
    return model.fit(X, states=known)


def closed_form(scatter):
    """Means, sums of squares of the posterior (K, D, D), and counts."""
    means, squares, counts = [], [], []
    tau = PRIOR["means_weight"]
    for k, center in enumerate(PRIOR["means_prior"]):
        rows = X[known == k]
        n, mean = len(rows), rows.mean(axis=0)
        best = (n * mean + tau[k] * center) / (n + tau[k])
        within = (rows - best).T @ (rows - best)
        away = np.outer(best - center, best - center)
        means.append(best)
        squares.append(scatter + within + tau[k] * away)
        counts.append(n)
    return np.array(means), np.array(squares), np.array(counts)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_estimates_of_highest_posterior_density(covariance_type):
    scatter = np.diag([3.0, 2.0, 1.0])
    correlated = covariance_type in ("full", "tied")
    given = scatter if correlated else np.diagonal(scatter)
    model = fitted(covariance_type, covars_prior=given, **PRIOR)
    means, squares, counts = closed_form(scatter)
    np.testing.assert_allclose(model.means_, means, rtol=ROUNDING)
    full = squares / (counts + 9.0 - D)[:, None, None]
    columns = np.diagonal(squares, axis1=1, axis2=2) / (counts + 9.0 - 1)[:, None]
    expected = {
        "full": full,
        # the prior counts once
        "tied": (squares.sum(axis=0) - scatter) / (N + 9.0 - D),
        "diag": columns,
        "spherical": columns.mean(axis=1),
    }[covariance_type]
    np.testing.assert_allclose(model.covars_, expected, rtol=ROUNDING)


def test_a_number_is_on_the_diagonal():
    number = fitted("full", covars_prior=2.0)
    matrix = fitted("full", covars_prior=2.0 * np.eye(D))
    np.testing.assert_array_equal(number.covars_, matrix.covars_)
    assert not np.allclose(number.covars_, fitted("full").covars_)


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_without_priors_it_is_maximum_likelihood(covariance_type):
    """Also where as many rows are named as don't count."""
    plain = fitted(covariance_type)
    same = fitted(covariance_type, means_prior=7.0, covars_weight=1.0)
    np.testing.assert_array_equal(plain.covars_, same.covars_)
    np.testing.assert_allclose(
        plain.means_, [X[known == k].mean(axis=0) for k in range(K)], rtol=ROUNDING
    )


def test_posterior_density_never_falls():
    """log p(x) and the log prior together, without known states."""
    prior = {"means_prior": 0.0, "means_weight": 3.0, "covars_prior": 2.0}
    model = GaussianHMM(
        K, covariance_type="full", reg_covar=0.0, tol=0.0, random_state=0, **prior
    )
    model.set_params(covars_weight=6.0, max_iter=1)
    bounds = []
    for _ in range(15):
        with pytest.warns(UserWarning, match="did not converge"):
            model.fit(X)
        model.set_params(warm_start=True)
        log_prior = 0.0
        for mean, covariance in zip(model.means_, model.covars_, strict=True):
            r = np.linalg.inv(covariance)
            log_prior += 0.5 * (6.0 - D) * np.linalg.slogdet(r)[1]
            log_prior -= 0.5 * (2.0 * np.trace(r) + 3.0 * mean @ r @ mean)
        bounds.append(N * model.score(X) + log_prior)
    assert np.diff(bounds).min() > -1e-9
    assert bounds[-1] - bounds[0] > 0.01


def test_a_state_without_rows_keeps_to_the_prior():
    with pytest.warns(UserWarning, match="No row visits state 1"):
        model = GaussianHMM(
            K, reg_covar=0.0, covars_prior=6.0, covars_weight=4.0, random_state=0
        ).fit(X, states=np.zeros(N, dtype=int))
    np.testing.assert_allclose(model.covars_[1], 2.0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"means_prior": [1.0, 2.0]}, r"means_prior .* \(2, 3\), got shape \(2,\)"),
        ({"means_weight": [1.0, -2.0]}, "means_weight must not be negative, got -2"),
        ({"covars_prior": [1.0, -2.0, 1.0]}, "covars_prior must not be negative"),
        ({"means_prior": [np.inf, 0, 0]}, "means_prior must be finite"),
    ],
)
def test_messages(parameters, message):
    with pytest.raises(ValueError, match=message):
        GaussianHMM(K, **parameters).fit(X)
