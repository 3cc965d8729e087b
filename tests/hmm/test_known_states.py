"""States that are known for some rows: EM starts where they are."""

import numpy as np
import pytest

from sklearn_gen import DegenerateDataWarning
from sklearn_gen.hmm import (
    AutoregressiveHMM,
    CategoricalHMM,
    GaussianHMM,
    GaussianMixtureHMM,
    MixedHMM,
    StudentTHMM,
)
from tests.hmm.problems import two_kinds_of_rows


def test_clusters_are_numbered_by_their_known_rows():
    """Whatever number a cluster gets by chance, its known rows say which state it is.

    Else EM climbs to a maximum where known rows contradict the rest.
    """
    rng = np.random.default_rng(0)
    states = np.repeat([0, 1, 2, 0, 1, 2, 1, 0], 40)
    X = np.array([[0.0], [15.0], [30.0]])[states] + rng.normal(size=(320, 1))
    known = np.where(rng.random(320) < 0.1, states, -1)
    for seed in range(6):  # k-means numbers clusters in any order
        model = GaussianHMM(3, random_state=seed).fit(X, states=known)
        np.testing.assert_allclose(model.means_[:, 0], [0.0, 15.0, 30.0], atol=0.5)
    none = GaussianHMM(3, random_state=0).fit(X, states=np.full(320, -1))
    plain = GaussianHMM(3, random_state=0).fit(X)
    np.testing.assert_array_equal(none.means_, plain.means_)


def test_cycles_start_in_their_order():
    """The cycle is that of the rows, however k-means numbers its clusters."""
    rng = np.random.default_rng(0)
    states = np.repeat(np.tile([0, 1, 2, 3], 12), 6)
    X = np.array([[0.0], [20.0], [10.0], [30.0]])[states] + rng.normal(size=(288, 1))
    for seed in range(4):
        model = GaussianHMM(4, topology="cyclic", random_state=seed).fit(X)
        start = model.means_[:, 0].argmin()
        found = np.roll(model.means_[:, 0], -start)
        np.testing.assert_allclose(found, [0.0, 20.0, 10.0, 30.0], atol=1.0)


def test_few_known_rows_of_levels_lead_the_others():
    """Random starts of rows that nobody knows don't outvote those that are known."""
    rng = np.random.default_rng(0)
    states = np.repeat(rng.integers(3, size=400), 5)
    shares = np.full((3, 9), 0.02)
    shares[[0, 0, 0, 1, 1, 1, 2, 2, 2], np.arange(9)] = 0.88 / 3
    X = np.array([rng.choice(9, p=shares[k]) for k in states])[:, None]
    known = np.where(rng.random(2000) < 0.02, states, -1)
    for seed in range(3):
        model = CategoricalHMM(3, random_state=seed).fit(X, states=known)
        assert (model.predict(X) == states).mean() > 0.9


@pytest.mark.parametrize(
    ("topology", "states", "message"),
    [
        ("linear", [1, -1, -1, -1], r"states\[0\] is 1, which begins a sequence"),
        ("linear", [0, 2, -1, -1], r"states\[1\] is 2, which follows state 0"),
        ("cyclic", [-1, -1, 0, 2], r"states\[3\] is 2, which follows state 0"),
        ([[1, 1, 1], [0, 1, 1], [0, 0, 1]], [-1, 2, 1, -1], r"states\[2\] is 1"),
    ],
)
def test_states_that_the_topology_forbids(topology, states, message):
    """Their sequence has probability 0: a fit would learn nothing from it."""
    X = np.random.default_rng(0).normal(size=(4, 1))
    model = GaussianHMM(3, topology=topology, random_state=0)
    with pytest.raises(ValueError, match=message):
        model.fit(X, states=states)
    with pytest.raises(ValueError, match="topology forbids that"):
        CategoricalHMM(3, topology=topology).fit(np.rint(X), states=states)
    # the end of one sequence says nothing of the beginning of the next
    split = GaussianHMM(3, topology="cyclic", random_state=0)
    with pytest.warns(DegenerateDataWarning):
        split.fit(X, states=[-1, 1, 0, -1], groups=[0, 0, 1, 1])


@pytest.mark.parametrize("n_known", [5, 100])
def test_known_rows_outweigh_clusters(n_known):
    """Clusters mix the states here: EM would stay there, whatever is known."""
    rng = np.random.default_rng(0)
    X, states = two_kinds_of_rows(1)
    known = np.full(2000, -1)
    for k in range(2):
        own = rng.choice(np.flatnonzero(states == k), n_known, replace=False)
        known[own] = k
    for seed in range(3):
        model = GaussianMixtureHMM(2, n_mix=2, random_state=seed)
        model.fit(X, states=known)
        assert (model.predict(X) == states).mean() > 0.99
        assert model.score(X) > -3.7


def test_known_rows_lead_other_models():
    """Five rows of each state are enough where clusters aren't the states."""
    rng = np.random.default_rng(0)
    states = np.repeat(rng.integers(3, size=200), 10)
    known = np.full(2000, -1)
    for k in range(3):
        known[rng.choice(np.flatnonzero(states == k), 5, replace=False)] = k
    spread = rng.normal(size=(2000, 5)) * np.array([0.2, 1.0, 5.0])[states, None]
    autoregressive = np.zeros((2000, 1))
    for t in range(1, 2000):
        slope = (0.95, 0.0, -0.95)[states[t]]
        autoregressive[t] = slope * autoregressive[t - 1] + rng.normal()
    for model, X, share in (
        (GaussianHMM(3, random_state=0), spread, 0.99),
        (StudentTHMM(3, random_state=0), spread, 0.99),
        (MixedHMM(3, families="gaussian", random_state=0), spread, 0.99),
        (AutoregressiveHMM(3, random_state=0), autoregressive, 0.8),
    ):
        assert (model.fit(X, states=known).predict(X) == states).mean() > share
