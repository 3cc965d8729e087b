"""States that are known for some rows: EM starts where they are."""

import numpy as np
import pytest

from sklearn_gen import DegenerateDataWarning
from sklearn_gen.hmm import CategoricalHMM, GaussianHMM


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
