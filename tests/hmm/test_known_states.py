"""States that are known for some rows: EM starts where they are."""

import numpy as np

from sklearn_gen.hmm import GaussianHMM


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
