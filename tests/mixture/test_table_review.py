"""Mixtures of tables: what reviews of draws, scores and times found."""

import numpy as np

from sklearn_gen.mixture import _twins


def test_most_pairs_of_columns_are_refused_as_twins_by_their_first_rows(monkeypatch):
    rng = np.random.default_rng(0)
    X = rng.integers(0, 3, size=(600, 60)).astype(float)
    X[::7, 3] = np.nan
    X[:, 59] = np.array([5.0, 4.0, 6.0])[X[:, 2].astype(int)]
    compared, pair = [], _twins._pair
    monkeypatch.setattr(
        _twins, "_pair", lambda *args: compared.append(args[1:3]) or pair(*args)
    )
    (found,) = _twins.find_twins(X, [True] * 60)
    assert (found.leader, found.follower) == (2, 59)
    assert compared == [(2, 59)]
