"""Discrete models at equal parameters against hmmlearn's scaling mode."""

import numpy as np
import pytest
from hmmlearn import hmm as peers

from sklearn_gen.hmm import CategoricalHMM, MultinomialHMM, PoissonHMM

LENGTHS = [120, 80, 200]
GROUPS = np.repeat([0, 1, 2], LENGTHS)
UNSEEN = 1e-6  # of levels that fit never saw, in each row


def table(kind):
    rng = np.random.default_rng(11)
    states = np.repeat(rng.integers(3, size=80), 5)
    shares = np.array(
        [[0.6, 0.2, 0.1, 0.1], [0.1, 0.1, 0.2, 0.6], [0.1, 0.7, 0.1, 0.1]]
    )
    if kind is PoissonHMM:
        return rng.poisson(20 * shares[states, :2])
    if kind is MultinomialHMM:
        return rng.multinomial(6, shares[states])
    return np.array([rng.choice(4, p=shares[k]) for k in states])[:, None]


@pytest.mark.parametrize(
    ("ours", "theirs", "attribute", "per_row"),
    [
        (PoissonHMM(3), peers.PoissonHMM, "lambdas_", 0.0),
        (MultinomialHMM(3, n_trials=6), peers.MultinomialHMM, "emissionprob_", 0.0),
        (CategoricalHMM(3), peers.CategoricalHMM, "emissionprob_", np.log1p(-UNSEEN)),
    ],
)
def test_likelihood_posteriors_and_a_step(ours, theirs, attribute, per_row):
    X = table(type(ours))
    ours.set_params(random_state=0, max_iter=3, tol=0.0)
    with pytest.warns(UserWarning, match="did not converge"):
        ours.fit(X, groups=GROUPS)
    peer = theirs(3, implementation="scaling", init_params="", n_iter=1, tol=-np.inf)
    peer.startprob_, peer.transmat_ = ours.startprob_, ours.transmat_
    setattr(peer, attribute, getattr(ours, attribute))
    peer.n_features = getattr(ours, attribute).shape[1]
    peer.n_trials = 6
    log_likelihood, posteriors = peer.score_samples(X, LENGTHS)
    found = ours.score_samples(X, groups=GROUPS).sum() - per_row * len(X)
    assert found == pytest.approx(log_likelihood, rel=1e-12)
    smoothed = ours.predict_proba(X, groups=GROUPS)
    np.testing.assert_allclose(smoothed, posteriors, atol=1e-12)
    np.testing.assert_array_equal(
        ours.predict(X, groups=GROUPS), peer.predict(X, LENGTHS)
    )
    # one iteration of each from here
    ours.set_params(warm_start=True, max_iter=1)
    with pytest.warns(UserWarning, match="did not converge"):
        ours.fit(X, groups=GROUPS)
    peer.fit(X, LENGTHS)
    for name in ("startprob_", "transmat_", attribute):
        mine, other = getattr(ours, name), getattr(peer, name)
        np.testing.assert_allclose(mine, other, rtol=1e-10, atol=1e-12)
