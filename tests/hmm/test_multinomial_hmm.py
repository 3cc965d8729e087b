"""MultinomialHMM: rows of counts with a total."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.special import logsumexp
from scipy.stats import chisquare, multinomial, poisson

from sklearn_gen.hmm import MultinomialHMM

UNSEEN = 1e-6  # mass of totals that fit never saw
SHARES = np.array([[0.7, 0.2, 0.1], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1]])
STEPS = np.array([[0.9, 0.06, 0.04], [0.1, 0.8, 0.1], [0.05, 0.15, 0.8]])


@pytest.fixture(scope="module")
def planted():
    """Rows of a chain, half of them with the total 4 and half with 7; their states."""
    rng = np.random.default_rng(3)
    states = np.zeros(3000, dtype=int)
    for t in range(1, 3000):
        states[t] = rng.choice(3, p=STEPS[states[t - 1]])
    totals = rng.choice([4, 7], size=3000)
    return rng.multinomial(totals, SHARES[states]), states


def first_steps(model, X):
    """Scores of rows that are sequences of their own."""
    return model.score_samples(X, groups=np.arange(len(X)))


def log_masses(model, X):
    """Of first rows and states, given the total, from the definition."""
    masses = [multinomial(X.sum(axis=1), p).logpmf(X) for p in model.emissionprob_]
    return np.log(model.startprob_) + np.transpose(masses)


def test_planted_parameters_come_back(planted):
    """Within eight standard errors of what known states would give."""
    X, states = planted
    model = MultinomialHMM(3, n_init=3, tol=1e-6, random_state=0).fit(X)
    table = pd.crosstab(states, model.predict(X)).to_numpy()
    order = table.argmax(axis=1)
    assert sorted(order) == [0, 1, 2]
    assert table.max(axis=1).sum() > 0.95 * len(X)
    n = np.bincount(states)[:, None]
    error = np.sqrt(SHARES * (1 - SHARES) / (5 * n))
    assert (np.abs(model.emissionprob_[order] - SHARES) < 8 * error).all()
    error = np.sqrt(STEPS * (1 - STEPS) / n)
    assert (np.abs(model.transmat_[np.ix_(order, order)] - STEPS) < 8 * error).all()
    assert model.n_trials_ is None


def test_scores_are_masses(planted):
    X, _ = planted
    model = MultinomialHMM(3, random_state=0).fit(X)
    totals = X.sum(axis=1)
    share = (totals == 4).mean() * (1 - UNSEEN)
    share += UNSEEN * poisson(totals.mean()).pmf(4)
    rows = X[X.sum(axis=1) == 4][:50]
    expected = logsumexp(log_masses(model, rows), axis=1) + np.log(share)
    np.testing.assert_allclose(first_steps(model, rows), expected, rtol=1e-9)
    assert np.isfinite(model.score([[1, 1, 40]]))  # a total never seen


def test_missing_cells_are_summed_out(planted):
    """Scores of rows with missing cells are sums over all that these may hold."""
    model = MultinomialHMM(3, random_state=0).fit(planted[0])
    every = np.array(list(product(range(40), repeat=2)))
    for row in ([2.0, np.nan, np.nan], [np.nan, 1.0, np.nan]):
        full = np.tile(row, (len(every), 1))
        full[:, np.isnan(row)] = every
        total = logsumexp(first_steps(model, full))
        assert first_steps(model, np.array([row])) == pytest.approx(total, rel=1e-9)
    full = np.array([[5.0, 1.0, float(i)] for i in range(60)])
    total = logsumexp(first_steps(model, full))
    row = np.array([[5.0, 1.0, np.nan]])
    assert first_steps(model, row) == pytest.approx(total, rel=1e-9)
    known = MultinomialHMM(3, n_trials=4, random_state=0)
    known.fit(planted[0][planted[0].sum(axis=1) == 4])
    last = known.score_samples([[1.0, 2.0, np.nan]])
    np.testing.assert_allclose(last, known.score_samples([[1, 2, 1]]), rtol=1e-12)
    assert known.score_samples([[1, 2, 2]])[0] == -np.inf
    assert known.n_trials_ == 4


@pytest.mark.parametrize("n_trials", [None, 7])
def test_likelihood_never_falls(planted, n_trials):
    """Also where cells are missing: expected counts are those of the posterior."""
    X = planted[0].astype(float)
    X = X[X.sum(axis=1) == 7] if n_trials else X
    X[::3, 0] = X[1::5, 2] = X[::7] = np.nan
    model = MultinomialHMM(3, n_trials=n_trials, tol=0.0, max_iter=20, random_state=0)
    with pytest.warns(UserWarning, match="did not converge"):
        model.fit(X)
    assert np.diff(model.lower_bounds_).min() > -1e-9
    whole = MultinomialHMM(3, n_trials=n_trials, random_state=0).fit(X)
    best = np.sort(whole.emissionprob_.max(axis=1))
    np.testing.assert_allclose(best, [0.6, 0.7, 0.8], atol=0.06)
    assert whole.score_samples(np.full((1, 3), np.nan)) == pytest.approx(0.0, abs=1e-12)


def test_no_complete_row(planted):
    """Totals are then Poisson's, with the mean of what was observed."""
    X = planted[0].astype(float)
    which = np.random.default_rng(0).choice(3, p=[0.6, 0.2, 0.2], size=3000)
    X[np.arange(3000), which] = np.nan
    model = MultinomialHMM(3, tol=0.0, max_iter=20, random_state=0)
    with pytest.warns(UserWarning, match="did not converge"):
        model.fit(X)
    assert np.diff(model.lower_bounds_).min() > -1e-9
    whole = MultinomialHMM(3, random_state=0).fit(X)
    best = np.sort(whole.emissionprob_.max(axis=1))
    np.testing.assert_allclose(best, [0.6, 0.7, 0.8], atol=0.06)
    total = model.sample(5000, random_state=0).sum(axis=1).mean()
    assert total == pytest.approx(5.5, abs=3.7 * np.sqrt(5.5 / 5000) + 0.1)


def test_draws(planted):
    """Totals are those of fit, cells those of states: one false alarm in 1000."""
    model = MultinomialHMM(3, random_state=0).fit(planted[0])
    X, states = model.sample(20_000, return_states=True, random_state=0)
    assert X.dtype == planted[0].dtype
    totals = X.sum(axis=1)
    assert {4, 7} == set(totals)
    for k in range(3):
        own = X[(states == k) & (totals == 4)]
        expected = multinomial(4, model.emissionprob_[k])
        cells, counts = np.unique(own, axis=0, return_counts=True)
        mass = expected.pmf(cells) * len(own)
        often = mass > 5.0
        mass = mass[often] * counts[often].sum() / mass[often].sum()
        assert chisquare(counts[often], mass).pvalue > 1e-3 / 3


def test_drawn_cells_follow_the_others(planted):
    """Shares of what a missing cell holds are those of the scores."""
    model = MultinomialHMM(3, random_state=0).fit(planted[0])
    rows = np.tile([2.0, np.nan, np.nan], (20_000, 1))
    filled = model.sample_conditional(rows, groups=np.arange(20_000), random_state=0)
    cells, counts = np.unique(filled, axis=0, return_counts=True)
    mass = np.exp(first_steps(model, cells))
    often = mass / mass.sum() * len(rows) > 5.0
    mass = mass[often] * counts[often].sum() / mass[often].sum()
    assert len(mass) > 5
    assert chisquare(counts[often], mass).pvalue > 1e-3


def test_totals_that_differ():
    with pytest.raises(ValueError, match="Row 1 has the total 3; n_trials=4"):
        MultinomialHMM(n_trials=4).fit([[1, 3], [1, 2]])


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "X",
    [
        [[3, 4]],
        [[0, 0], [0, 0]],
        [[np.nan, 2], [np.nan, 1], [np.nan, 5]],
        [[np.nan, 2.0], [1.0, np.nan], [2.0, np.nan]],
    ],
)
def test_odd_tables(X):
    model = MultinomialHMM(2, random_state=0).fit(np.array(X, dtype=float))
    assert np.isfinite(model.score(np.array(X, dtype=float)))
    assert len(model.sample(3, random_state=0)) == 3
