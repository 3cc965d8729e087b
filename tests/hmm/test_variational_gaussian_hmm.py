"""VariationalGaussianHMM: the bound, what it chooses, what it takes."""

import numpy as np
import pytest
from scipy.special import digamma, gammaln
from scipy.stats import kstest, multivariate_t

from sklearn_gen.hmm import GaussianHMM, VariationalGaussianHMM, groups_from_lengths
from sklearn_gen.hmm._series import series_of


@pytest.fixture(scope="module")
def chain():
    """Three states that last, in two columns."""
    rng = np.random.default_rng(0)
    transmat = np.array([[0.95, 0.03, 0.02], [0.02, 0.95, 0.03], [0.03, 0.02, 0.95]])
    states = np.zeros(1200, dtype=int)
    for t in range(1, len(states)):
        states[t] = rng.choice(3, p=transmat[states[t - 1]])
    means = np.array([[0.0, 0.0], [4.0, 1.0], [-3.0, 4.0]])
    return means[states] + rng.normal(size=(len(states), 2))


def dirichlet_divergence(q, p):
    """KL(q | p) of Dirichlet distributions, summed over rows."""
    found = gammaln(q.sum(-1)) - gammaln(p.sum(-1)) - gammaln(q).sum(-1)
    found += gammaln(p).sum(-1)
    found += ((q - p) * (digamma(q) - digamma(q.sum(-1, keepdims=True)))).sum(-1)
    return found.sum()


def normal_gamma_divergence(model, prior):
    """KL of the posterior of each mean and precision of one column, by its formula."""
    m, beta, dof = model.means_[:, 0], model.beta_posterior_, model.dof_posterior_
    a, a0 = dof / 2, prior["dof"] / 2
    b, b0 = dof * model.covars_.ravel() / 2, prior["scale"] / 2
    gamma = (a - a0) * digamma(a) - gammaln(a) + gammaln(a0)
    gamma += a0 * (np.log(b) - np.log(b0)) + a * (b0 - b) / b
    away = prior["beta"] * a / b * (m - prior["mean"]) ** 2
    normal = prior["beta"] / beta + away - 1 + np.log(beta / prior["beta"])
    return (gamma + normal / 2).sum()


def test_bound_is_the_evidence_lower_bound(chain):
    """log Z of the E-step less the divergence of posterior from prior, at the end."""
    X = chain[:300, :1]
    prior = {"mean": 0.5, "beta": 0.7, "dof": 3.0, "scale": 2.0}
    model = VariationalGaussianHMM(
        *(3,),
        covariance_type="full",
        reg_covar=0.0,
        means_prior=[prior["mean"]],
        beta_prior=prior["beta"],
        dof_prior=prior["dof"],
        scale_prior=[[prior["scale"]]],
        startprob_prior=0.4,
        transmat_prior=0.6,
        tol=1e-13,
        max_iter=2000,
        random_state=0,
    ).fit(X)
    steps = model._steps(X, series_of(None, len(X)))
    markov, _ = model._recursions(steps, model._posterior).expect(None)
    bound = markov.log_likelihood
    bound -= dirichlet_divergence(model.startprob_posterior_, np.full(3, 0.4))
    bound -= dirichlet_divergence(model.transmat_posterior_, np.full((3, 3), 0.6))
    bound -= normal_gamma_divergence(model, prior)
    assert model.lower_bound_ * len(X) == pytest.approx(bound, rel=1e-8)


@pytest.mark.filterwarnings("ignore:EM did not converge")
@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_bound_never_falls(chain, covariance_type):
    X = chain[:400].copy()
    X[::7, 0] = X[::11, 1] = X[20:25] = np.nan
    model = VariationalGaussianHMM(
        *(4,), covariance_type=covariance_type, reg_covar=0.0, tol=0.0, max_iter=30
    )
    model.set_params(random_state=0).fit(X, groups=groups_from_lengths([150, 250]))
    assert np.diff(model.lower_bounds_).min() > -1e-10


def test_bound_chooses_the_number_of_states(chain):
    bounds = [
        VariationalGaussianHMM(K, n_init=3, random_state=0).fit(chain).lower_bound_
        for K in (1, 2, 3, 4, 5)
    ]
    assert int(np.argmax(bounds)) == 2


def test_states_too_many_stay_empty(chain):
    model = VariationalGaussianHMM(5, n_init=5, random_state=0, tol=1e-6, max_iter=999)
    states = model.fit(chain).predict(chain)
    shares = np.sort(np.bincount(states, minlength=5))[::-1] / len(states)
    assert shares[:3].sum() > 0.9
    best = GaussianHMM(3, random_state=0).fit(chain)
    assert model.score(chain) > best.score(chain) - 0.05
    left = model.dof_posterior_ - 2 + 1  # of the t distributions of two columns
    assert left.min() >= 3.0  # also states without rows predict a variance


def test_one_state_scores_by_the_exact_predictive_density():
    """Bishop (2006), section 10.2.3, with one component: no approximation is left."""
    rng = np.random.default_rng(0)
    X, new = rng.normal(size=(7, 2)) @ [[1.0, 0.5], [0.0, 2.0]], rng.normal(size=(5, 2))
    mean, beta, dof, scale = np.array([0.5, -1.0]), 0.7, 3.0, np.diag([2.0, 3.0])
    model = VariationalGaussianHMM(
        *(1,),
        covariance_type="full",
        reg_covar=0.0,
        means_prior=mean,
        beta_prior=beta,
        dof_prior=dof,
        scale_prior=scale,
    ).fit(X)
    n, average = len(X), X.mean(axis=0)
    away = average - mean
    scatter = scale + (X - average).T @ (X - average)
    scatter += beta * n / (beta + n) * np.outer(away, away)
    center = (beta * mean + n * average) / (beta + n)
    left = dof + n - 2 + 1
    shape = scatter * (1 + beta + n) / (beta + n) / left
    expected = multivariate_t(center, shape, df=left).logpdf(new)
    np.testing.assert_allclose(model.score_samples(new), expected, rtol=1e-12)
    seen = multivariate_t(center[1:], shape[1:, 1:], df=left).logpdf(new[:, 1])
    new[:, 0] = np.nan
    np.testing.assert_allclose(model.score_samples(new), seen, rtol=1e-12)
    # 10,000 draws; false alarms: one in 1,000
    drawn = model.sample(10_000, random_state=1)[:, 1]
    place = (drawn - center[1]) / np.sqrt(shape[1, 1])
    assert kstest(place, "t", args=(left,)).pvalue > 1e-3


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_predictive_density_is_better_than_the_mean_of_the_posterior(
    chain, covariance_type
):
    model = VariationalGaussianHMM(
        3, covariance_type=covariance_type, n_init=3, random_state=0
    ).fit(chain[:40])
    plugged = GaussianHMM.from_parameters(
        *(model.startprob_, model.transmat_, model.means_, model.covars_),
        covariance_type=covariance_type,
    )
    assert model.score(chain[40:]) > plugged.score(chain[40:]) + 0.01
    mean = model.forecast(chain[:40], steps=3).mean()
    np.testing.assert_allclose(mean, plugged.forecast(chain[:40], steps=3).mean(), 0.3)


def test_priors_that_can_not_be(chain):
    for parameters, message in (
        ({"dof_prior": 0.5}, "dof_prior must exceed n_features - 1 = 1, got 0.5"),
        ({"means_prior": [1.0]}, r"means_prior must have shape \(2,\), got \(1,\)"),
        ({"scale_prior": [[1.0]]}, r"scale_prior must have shape \(2,\)"),
    ):
        with pytest.raises(ValueError, match=message):
            VariationalGaussianHMM(2, **parameters).fit(chain)
