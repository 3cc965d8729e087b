"""Mixtures of tables: what reviews of draws, scores and times found."""

import numpy as np
import pytest

from sklearn_gen._columns import family_for
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


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("resolution", [0.0, 1.0])
def test_histograms_of_heavy_tails_keep_their_moments(resolution, sign):
    """The last 64th of such a column, evenly spread, doubles its deviation."""
    rng = np.random.default_rng(0)
    x = sign * 1000.0 * rng.pareto(2.2, size=4000)
    x = np.rint(x) if resolution else x
    family = family_for("histogram", x, None, resolution)
    params = family.m_step(family.stats(x, np.ones((len(x), 1))))
    drawn = family.draw(params, np.zeros(50_000, dtype=int), rng)
    # five standard errors of 50,000 draws of deviation 1.8 times the mean
    assert drawn.mean() == pytest.approx(x.mean(), rel=0.04)
    assert 0.9 < drawn.std() / x.std() < 1.1
    outermost = np.bincount(family.code(x))[[0, len(family.edges) - 2]]
    assert outermost.min() >= 3


def test_histograms_of_even_columns_have_no_finer_ends():
    x = np.linspace(0.0, 1.0, 4000)
    assert len(family_for("histogram", x, None, 0.0).edges) <= 33
