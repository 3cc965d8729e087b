"""Starts of EM: states that few rows have are found, too."""

import numpy as np
import pytest

from sklearn_gen.hmm import (
    BernoulliHMM,
    CategoricalHMM,
    GaussianMixtureHMM,
    MixedHMM,
    PoissonHMM,
)
from tests.hmm.problems import two_kinds_of_rows


@pytest.mark.parametrize("model", [BernoulliHMM, CategoricalHMM, MixedHMM, PoissonHMM])
def test_no_two_states_start_alike(model):
    """Most stretches are nothing but zeros: two states of such would stay the same."""
    rng = np.random.default_rng(0)
    busy = np.zeros(2000, dtype=bool)
    for start in (300, 900, 1500):
        busy[start : start + 40] = True
    X = rng.poisson(np.where(busy, 3.0, 0.02))[:, None]
    X = X > 0 if model is BernoulliHMM else X
    for seed in range(6):
        fitted = model(2, random_state=seed).fit(X.astype(float))
        states = fitted.predict(X.astype(float))
        agreement = np.mean(states == busy)
        assert max(agreement, 1.0 - agreement) > 0.95
        assert len(set(states)) == 2


def test_components_of_a_state_may_be_far_apart():
    """Each cluster is one component, and neighbouring ones are of different states.

    Starts from clusters never find the states (-4.2 nats a row), a quarter of those
    from the likelier of clusters and stretches don't.
    """
    X, _ = two_kinds_of_rows(1)
    for seed in range(5):
        model = GaussianMixtureHMM(2, n_mix=2, n_init=4, random_state=seed).fit(X)
        assert model.score(X) > -3.7
