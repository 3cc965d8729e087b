"""Machines of the observed cells of each row, as tables of ratings need."""

from itertools import product

import numpy as np
import pytest

from sklearn_gen.rbm import CategoricalRBM
from sklearn_gen.rbm._training_absent import AbsentTrainer


def ratings(n_users=300, n_films=30, share=0.3, seed=0):
    """Users of two tastes, films of two kinds: ratings 1 to 3, most of them missing."""
    rng = np.random.default_rng(seed)
    likes = rng.integers(0, 2, (n_users, 1)) == rng.integers(0, 2, n_films)
    chance = np.where(likes[..., None], [0.05, 0.15, 0.8], [0.8, 0.15, 0.05])
    X = 1.0 + (rng.random((n_users, n_films, 1)) > np.cumsum(chance, 2)[..., :2]).sum(2)
    hidden = rng.random(X.shape) > share
    return np.where(hidden, np.nan, X), X, hidden


@pytest.fixture(scope="module")
def fitted():
    X, _, _ = ratings()
    model = CategoricalRBM(
        8,
        missing="absent",
        learning_rate=0.3,
        batch_size=20,
        l2=0.003,
        n_iter=30,
        random_state=0,
    )
    return model.fit(X)


def test_ratings_not_seen_are_predicted(fitted):
    X, whole, hidden = ratings()
    means = fitted.expected_values(X)
    np.testing.assert_allclose(means[~hidden], X[~hidden], rtol=1e-12)
    error = np.sqrt(np.mean((means - whole)[hidden] ** 2))
    by_film = np.broadcast_to(np.nanmean(X, axis=0), X.shape)
    assert error < 0.75 * np.sqrt(np.mean((by_film - whole)[hidden] ** 2))


@pytest.mark.parametrize("absent", [[], [0], [1, 3]])
def test_probabilities_of_what_is_observed_sum_to_one(absent):
    X = ratings(n_films=4, share=0.8)[0]
    model = CategoricalRBM(3, missing="absent", n_iter=3, random_state=0).fit(X)
    there = np.setdiff1d(np.arange(4), absent)
    rows = np.full((3 ** len(there), 4), np.nan)
    rows[:, there] = list(product([1.0, 2.0, 3.0], repeat=len(there)))
    total = np.exp(model.score_samples(rows)).sum()
    assert total == pytest.approx((1.0 - 1e-6) ** (4 - len(absent)), abs=1e-9)


def test_what_is_absent_says_nothing(fitted):
    """Codes come from the cells that are there, and the means of the others."""
    X, _, _ = ratings()
    units = fitted._units
    F = fitted._features_of(X - 1.0)  # codes of levels
    mean = np.exp(fitted._reference)
    mean /= np.add.reduceat(mean, units.first[:-1])[units.of_feature]
    F = np.where(np.isnan(F), mean, F)
    inputs = F @ fitted.components_.T + fitted.intercept_hidden_
    np.testing.assert_allclose(
        fitted.transform(X), 1.0 / (1.0 + np.exp(-inputs)), atol=1e-5
    )


def test_columns_without_a_cell_in_a_batch_stay_where_they_are():
    X, _, _ = ratings()
    X[:, 3] = np.nan
    X[:5, 3] = [1, 2, 3, 1, 2]
    model = CategoricalRBM(4, missing="absent", n_iter=1, batch_size=1, random_state=0)
    model.set_params(method="cd", warm_start=True).fit(X)
    before = model.components_[:, 9:12].copy(), model.intercept_visible_[9:12].copy()
    X[:5, 3] = np.nan
    model.fit(X)
    np.testing.assert_array_equal(model.components_[:, 9:12], before[0])
    np.testing.assert_array_equal(model.intercept_visible_[9:12], before[1])


def test_levels_are_drawn_by_their_chances():
    """Normal error of each share; a false alarm in 1e4 of all."""
    _, X, _ = ratings(n_films=3)
    model = CategoricalRBM(2, missing="absent", n_iter=0, random_state=0).fit(X)
    rng = np.random.default_rng(0)
    trainer = AbsentTrainer.__new__(AbsentTrainer)
    trainer.units, trainer._rng = model._units, rng
    chance = np.tile(rng.dirichlet(np.ones(3), 3).ravel(), (20_000, 1))
    there = np.repeat(rng.random((20_000, 3)) < 0.5, 3, axis=1)
    drawn = np.full(chance.shape, -1.0)
    trainer._draw(chance, there, drawn)
    assert (drawn[~there] == -1.0).all()
    sums = np.add.reduceat(np.where(there, drawn, 0.0), [0, 3, 6], axis=1)
    np.testing.assert_array_equal(sums, there[:, ::3])
    for p in range(9):
        found, q = drawn[there[:, p], p], chance[0, p]
        error = np.sqrt(q * (1 - q) / len(found))
        assert abs(found.mean() - q) < 4.4 * error


def test_draws_and_messages(fitted):
    X, _, _ = ratings()
    drawn = fitted.sample_conditional(X, random_state=0)
    np.testing.assert_array_equal(drawn[~np.isnan(X)], X[~np.isnan(X)])
    assert set(np.unique(drawn)) == {1.0, 2.0, 3.0}
    model = CategoricalRBM(2, missing="absent", method="pcd")
    with pytest.raises(ValueError, match="missing='absent' learns by contrastive"):
        model.fit(X)
    words = CategoricalRBM(2, n_iter=1).fit([["a", "x"], ["b", "y"], ["a", "x"]])
    with pytest.raises(ValueError, match="numbers as levels; column"):
        words.expected_values([["a", "x"]])
