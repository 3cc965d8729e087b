"""Gaussian, categorical and mixed machines: densities, levels, counts, refusals."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from scipy.stats import norm

from sklearn_gen.base import DegenerateDataWarning
from sklearn_gen.rbm import RBM, CategoricalRBM, GaussianRBM


def _blobs(n_rows=600, seed=0):
    rng = np.random.default_rng(seed)
    where = rng.integers(0, 2, (n_rows, 2)).astype(float)
    centres = where @ np.array([[4.0, 4.0, 0.0], [0.0, -3.0, 3.0]])
    return 10.0 + 5.0 * (centres + 0.5 * rng.normal(size=(n_rows, 3)))


def _table(n_rows=600, seed=0):
    """Weather: the sky says how many came, how warm it was, and whether it rained."""
    rng = np.random.default_rng(seed)
    clear = rng.random(n_rows) < 0.6
    return pd.DataFrame(
        {
            "sky": np.where(clear, "clear", "grey"),
            "visitors": rng.binomial(20, np.where(clear, 0.8, 0.2)),
            "degrees": np.where(clear, 25.0, 12.0) + rng.normal(size=n_rows),
            "rain": rng.random(n_rows) < np.where(clear, 0.05, 0.7),
        }
    )


def test_gaussian_machines_are_the_mixtures_that_they_say_they_are():
    X = _blobs(200)
    model = GaussianRBM(n_components=2, n_iter=5, random_state=0).fit(X)
    z, precision = (X - model.location_) / model.scale_, model._precision
    densities = np.zeros((4, len(X)))
    log_weights = np.zeros(4)
    for k, h in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        t = model.intercept_visible_ + h @ model.components_
        log_weights[k] = h @ model.intercept_hidden_ + 0.5 * (t**2 / precision).sum()
        at = norm(t / precision, precision**-0.5)
        densities[k] = (at.logpdf(z) - np.log(model.scale_)).sum(axis=1)
    log_weights -= logsumexp(log_weights)
    expected = logsumexp(densities + log_weights[:, None], axis=0)
    np.testing.assert_allclose(model.score_samples(X), expected, rtol=1e-6)


def test_gaussian_machines_learn_means_and_variances_given_the_hidden_units():
    # four blobs of deviation 2.5: within 0.2 nats of the truth
    X, test = _blobs(3000), _blobs(3000, seed=1)
    model = GaussianRBM(n_components=8, n_iter=60, random_state=0).fit(X)
    centres = 10.0 + 5.0 * np.array([[0, 0, 0], [4, 4, 0], [0, -3, 3], [4, 1, 3]])
    truth = norm(centres, 2.5).logpdf(test[:, None]).sum(axis=2)
    assert model.score(test) > logsumexp(truth - np.log(4), axis=1).mean() - 0.2
    np.testing.assert_allclose(model.variances_[[0, 2]], 2.5**2, rtol=0.2)


def test_a_level_never_seen_has_a_small_mass_and_says_nothing():
    X = np.array([["a", "x"], ["a", "x"], ["b", "y"]] * 40, dtype=object)
    model = CategoricalRBM(n_components=3, random_state=0).fit(X)
    new, gap, seen = model.score_samples(
        np.array([["a", "?"], ["a", None], ["a", "x"]], dtype=object)
    )
    np.testing.assert_allclose(new, gap + np.log(1e-6))
    both = model.score_samples(np.array([["a", "x"], ["a", "y"]], dtype=object))
    np.testing.assert_allclose(logsumexp(both), gap + np.log1p(-1e-6))
    assert seen == both[0]


def test_softmax_columns_learn_which_levels_go_together():
    rng = np.random.default_rng(0)
    cause = rng.integers(0, 3, 900)
    X = np.stack([cause, (cause + (rng.random(900) < 0.1)) % 3, 2 - cause], axis=1)
    model = CategoricalRBM(n_components=8, n_iter=30, random_state=0).fit(X)
    noise = np.array([0.9, 0.1])
    entropy = np.log(3) - noise @ np.log(noise)
    assert model.score(X) > -entropy - 0.1
    drawn = model.sample(200, random_state=0)
    assert np.mean(drawn[:, 0] + drawn[:, 2] == 2) > 0.95


def test_families_follow_the_columns():
    X = _table()
    model = RBM(n_components=4, n_iter=20, random_state=0).fit(X)
    assert model.families_ == {
        "sky": "categorical",
        "visitors": "binomial",
        "degrees": "gaussian",
        "rain": "bernoulli",
    }
    assert model.components_.shape == (4, 5)
    grey = model.sample(300, conditions={"sky": "grey"}, random_state=0)
    assert abs(grey["visitors"].mean() - 4.0) < 1.0
    assert abs(grey["degrees"].mean() - 12.0) < 1.0
    assert 0.5 < grey["rain"].mean() < 0.9
    warm = X.assign(sky=None)[:50]
    filled = model.conditional_mean(warm)
    assert (filled["sky"] == X["sky"][:50]).mean() > 0.9
    assert model.transform(X).shape == (600, 4)


def test_counts_beyond_the_largest_have_masses_that_halve():
    X = pd.DataFrame({"n": [0, 1, 2, 3, 1, 2] * 30, "b": [True, False] * 90})
    model = RBM(n_components=2, n_iter=5, random_state=0).fit(X)
    rows = pd.DataFrame({"n": np.arange(40.0), "b": [None] * 40})
    log_p = model.score_samples(rows)
    np.testing.assert_allclose(log_p[4:6], np.log(1e-6) - np.log(2) * np.array([1, 2]))
    assert abs(logsumexp(log_p)) < 1e-10


def test_numbers_on_a_grid_score_masses():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"x": rng.normal(size=500).round(1)})
    model = RBM(n_components=2, n_iter=30, random_state=0).fit(X)
    grid = pd.DataFrame({"x": np.arange(-80, 81) / 10})
    assert abs(logsumexp(model.score_samples(grid))) < 1e-3
    assert set(model.sample(50, random_state=0)["x"]) <= set(grid["x"])


@pytest.mark.parametrize(
    ("families", "message"),
    [
        ({"visitors": "bernoulli"}, "'visitors'.*'bernoulli'.*zeros and ones"),
        ({"degrees": "binomial"}, "'degrees'.*'binomial'.*whole numbers from 0"),
        ({"degrees": "categorical"}, "'degrees'.*categorical_features"),
        ({"sky": "gaussian"}, "'sky'.*categories.*'gaussian'"),
        ({"rain": "poisson"}, "'rain'.*no family 'poisson'"),
        ({"wind": "gaussian"}, "families names 'wind'"),
    ],
)
def test_families_that_do_not_suit_are_refused(families, message):
    with pytest.raises(ValueError, match=message):
        RBM(n_components=2, families=families).fit(_table(40))


def test_constant_columns_are_named():
    X = np.c_[_blobs(50), np.full(50, 7.0)]
    with pytest.warns(DegenerateDataWarning, match="column 3"):
        model = GaussianRBM(n_components=2, n_iter=5, random_state=0).fit(X)
    assert np.isfinite(model.score(X))


def test_missing_cells_of_tables_are_learned_from_what_is_observed():
    X, test = _table(1500), _table(1500, seed=1)
    holes = np.random.default_rng(0).random(X.shape) < 0.3
    options = {"n_components": 4, "n_iter": 30, "random_state": 0}
    complete = RBM(**options).fit(X).score(test)
    free = RBM(**options).fit(X.astype(object).mask(holes).infer_objects())
    assert free.score(test.astype(object).infer_objects()) > complete - 0.3


def test_what_is_no_count_has_no_mass():
    X = pd.DataFrame({"n": [0, 1, 2, 3, 1, 2] * 30, "b": [True, False] * 90})
    model = RBM(n_components=2, n_iter=5, random_state=0).fit(X)
    rows = pd.DataFrame({"n": [-1.0, 1.5, 1.0], "b": [True] * 3})
    np.testing.assert_array_equal(
        np.isinf(model.score_samples(rows)), [True, True, False]
    )
    with pytest.raises(ValueError, match="'n', row 1 is missing, or has a value"):
        model.free_energy(rows[::-1])


def test_free_energies_are_of_levels_seen():
    X = np.array([["a", "x"], ["a", "x"], ["b", "y"]] * 40, dtype=object)
    model = CategoricalRBM(n_components=3, n_iter=1, random_state=0).fit(X)
    for method in (model.free_energy, model.pseudo_log_likelihood):
        assert np.isfinite(method(X)).all()
        with pytest.raises(ValueError, match="column 1, row 0 is missing, or has"):
            method(np.array([["a", "?"]], dtype=object))


def test_warm_starts_know_levels_and_columns_of_the_first_fit():
    X = np.array([["a", "x"], ["b", "y"], ["c", "z"]] * 40, dtype=object)
    model = CategoricalRBM(n_components=3, n_iter=20, warm_start=True, random_state=0)
    model.fit(X).fit(X[X[:, 0] != "a"])
    rows = np.array([["c", "z"], ["c", "y"], ["a", "z"]], dtype=object)
    log_p = model.score_samples(rows)
    assert log_p[0] > log_p[1:].max() + 1.0
    assert model.categories_[0].tolist() == ["a", "b", "c"]
    with pytest.raises(ValueError, match="X has 1 features"):
        model.fit(X[:, :1])
