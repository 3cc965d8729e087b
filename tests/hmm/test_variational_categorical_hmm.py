"""VariationalCategoricalHMM: its bound, by divergences, and what it chooses."""

import numpy as np
import pytest

from sklearn_gen.hmm import CategoricalHMM, VariationalCategoricalHMM
from sklearn_gen.hmm._series import series_of
from tests.hmm.test_variational_gaussian_hmm import dirichlet_divergence


@pytest.fixture(scope="module")
def letters():
    """Two states that last, with levels of their own, in two columns."""
    rng = np.random.default_rng(0)
    states = np.repeat(rng.integers(2, size=60), rng.integers(4, 20, size=60))
    shares = np.array([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    first = [rng.choice(3, p=shares[k]) for k in states]
    second = [rng.choice(2, p=[0.9, 0.1] if k else [0.3, 0.7]) for k in states]
    return np.column_stack([first, second]).astype(float)


def test_bound_is_the_evidence_lower_bound(letters):
    X = letters[:200]
    model = VariationalCategoricalHMM(
        *(2,), emissionprob_prior=0.8, startprob_prior=0.4, transmat_prior=0.6
    ).set_params(tol=1e-13, max_iter=3000, random_state=0)
    model.fit(X)
    steps = model._steps(X, series_of(None, len(X)))
    markov, _ = model._recursions(steps, model._posterior).expect(None)
    bound = markov.log_likelihood
    bound -= dirichlet_divergence(model.startprob_posterior_, np.full(2, 0.4))
    bound -= dirichlet_divergence(model.transmat_posterior_, np.full((2, 2), 0.6))
    for posterior in model.emissionprob_posterior_:
        bound -= dirichlet_divergence(posterior, np.full(posterior.shape, 0.8))
    bound -= X.size * np.log1p(-1e-6)  # what levels that fit never saw have
    assert model.lower_bound_ * len(X) == pytest.approx(bound, rel=1e-9)


@pytest.mark.filterwarnings("ignore:EM did not converge")
def test_bound_never_falls(letters):
    X = letters.copy()
    X[::5, 0] = X[::7, 1] = X[30:33] = np.nan
    model = VariationalCategoricalHMM(3, tol=0.0, max_iter=40, random_state=0).fit(X)
    assert np.diff(model.lower_bounds_).min() > -1e-11


def test_bound_chooses_the_number_of_states(letters):
    bounds = [
        VariationalCategoricalHMM(K, n_init=4, random_state=0).fit(letters).lower_bound_
        for K in (1, 2, 3, 4)
    ]
    assert int(np.argmax(bounds)) == 1


def test_many_rows_forget_the_prior(letters):
    rows = np.tile(letters, (20, 1))
    options = {"n_init": 3, "random_state": 0, "tol": 1e-8, "max_iter": 500}
    bayes = VariationalCategoricalHMM(2, **options).fit(rows)
    likely = CategoricalHMM(2, **options).fit(rows)
    assert bayes.score(rows) == pytest.approx(likely.score(rows), abs=1e-3)
