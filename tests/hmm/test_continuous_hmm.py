"""Hidden Markov models of numbers against enumerated paths, and what follows."""

import copy
import pickle

import numpy as np
import pytest

from sklearn_gen.hmm import (
    AutoregressiveHMM,
    GaussianHMM,
    GaussianMixtureHMM,
    StudentTHMM,
    groups_from_lengths,
)
from tests.hmm import densities
from tests.hmm.enumeration import all_paths

TYPES = ("full", "tied", "diag", "spherical")
# Sums over paths are taken in another order than ours.
ROUNDING = 1e-11
MODELS = {
    GaussianMixtureHMM: densities.of_mixture,
    StudentTHMM: densities.of_student,
    AutoregressiveHMM: densities.of_autoregressive,
}
CASES = [(model, kind) for model in MODELS for kind in TYPES]


def series(n=240, seed=0):
    """Three sequences of two columns: runs at three places, one of them two-sided."""
    rng = np.random.default_rng(seed)
    places = np.array([[0.0, 0.0], [5.0, 1.0], [-4.0, 6.0]])
    states = np.repeat(rng.integers(3, size=n // 6), 6)
    side = (states == 1) * rng.choice([-2.0, 2.0], size=n)
    X = places[states] + side[:, None] * [0.0, 1.0] + rng.normal(size=(n, 2))
    return X, groups_from_lengths([n // 2, n // 3, n // 6])


def with_gaps(X):
    X = X.copy()
    X[2, 0] = X[5] = X[8, 1] = np.nan
    X[20::7, 0] = X[20::11, 1] = np.nan
    return X


@pytest.mark.parametrize(("model", "kind"), CASES)
def test_all_paths(model, kind):
    X, groups = series()
    model, log_densities = model(3, covariance_type=kind), MODELS[model]
    model.set_params(random_state=0, max_iter=5, tol=1.0).fit(X, groups=groups)
    X, groups = with_gaps(X)[:12], np.repeat(["first", "second"], 6)
    scores = model.score_samples(X, groups=groups)
    smoothed = model.predict_proba(X, groups=groups)
    for rows in (slice(0, 6), slice(6, 12)):
        log_prob = log_densities(model, X[rows])
        oracle = all_paths(log_prob, model.startprob_, model.transmat_)
        assert scores[rows].sum() == pytest.approx(oracle.log_prob, rel=ROUNDING)
        np.testing.assert_allclose(smoothed[rows], oracle.gamma, atol=ROUNDING)
    assert scores[5] == pytest.approx(0.0, abs=ROUNDING)  # a row nobody saw


@pytest.mark.parametrize(("model", "kind"), CASES)
def test_likelihood_never_falls(model, kind):
    X, groups = series()
    model = model(3, covariance_type=kind, reg_covar=0.0, tol=0.0, max_iter=20)
    with pytest.warns(UserWarning, match="did not converge"):
        model.set_params(random_state=0).fit(with_gaps(X), groups=groups)
    assert np.diff(model.lower_bounds_).min() > -1e-9


@pytest.mark.filterwarnings("ignore:More than 20%")
@pytest.mark.parametrize("model", MODELS)
def test_weight_is_repeats(model):
    """A weight of two is the sequence twice; of zero, none."""
    X, groups = series()
    twice = np.concatenate([X, X[groups == 1]])
    ids = np.concatenate([groups, np.full((groups == 1).sum(), 3)])
    init = {"topology": "linear", "random_state": 0}  # starts don't depend on rows
    weighed = model(3, **init).fit(X, groups=groups, sequence_weight=[1, 2, 0])
    kept = ids != 2
    repeated = model(3, **init).fit(twice[kept], groups=ids[kept])
    np.testing.assert_allclose(weighed.transmat_, repeated.transmat_, atol=1e-7)
    assert weighed.lower_bound_ == pytest.approx(repeated.lower_bound_, rel=1e-8)
    assert weighed.score(X) == pytest.approx(repeated.score(X), rel=1e-7)


@pytest.mark.parametrize("model", MODELS)
def test_threads_batches_pickles(model):
    X, groups = series(n=1200)
    fits = [
        model(3, random_state=0, n_jobs=n).fit(with_gaps(X), groups=groups)
        for n in (1, 2, 8)
    ]
    assert len({fit.score_samples(X).tobytes() for fit in fits}) == 1
    again = pickle.loads(pickle.dumps(fits[0]))
    np.testing.assert_array_equal(again.sample(9), fits[0].sample(9))
    assert fits[0].bic(X) > fits[0].aic(X) > -2 * len(X) * fits[0].score(X)
    batches = model(3, random_state=0)
    for _ in range(8):
        for i in range(3):
            batches.partial_fit(X[groups == i], groups=groups[groups == i])
    assert fits[0].score(X) - batches.score(X) < 0.05


@pytest.mark.parametrize("model", [GaussianHMM, *MODELS])
def test_a_fit_goes_on_with_the_same_columns_only(model):
    """Kernels would read beyond the parameters of fewer columns."""
    X, _ = series()
    fitted = model(2, warm_start=True, random_state=0).fit(X)
    before = fitted.score(X)
    for rows in (X[:, :1], np.c_[X, X]):
        with pytest.raises(ValueError, match=rf"it has {X.shape[1]} columns"):
            fitted.fit(rows)
    fitted.set_params(covariance_type="full")
    with pytest.raises(ValueError, match=r"covariance_type='diag'.* fit a clone"):
        fitted.fit(X)
    assert fitted.set_params(covariance_type="diag").score(X) == before


@pytest.mark.parametrize(
    "model",
    [
        GaussianHMM(reg_covar=0.0),
        GaussianMixtureHMM(n_mix=1, reg_covar=0.0),
        StudentTHMM(dof=1e12, reg_covar=0.0),
    ],
    ids=lambda model: type(model).__name__,
)
def test_batches_are_blended(model):
    """Of one state: the moments of three batches, about what is the mean in the end."""
    X, _ = series()
    rows = np.arange(len(X))
    weight, seen = np.zeros(len(X)), 0
    for batch in (rows[:60], rows[60:100], rows[100:]):
        model.partial_fit(X[batch])
        step = (seen / len(batch) + 2.0) ** -0.6 if seen else 1.0
        weight *= 1.0 - step
        weight[batch] = step / len(batch)
        seen += len(batch)
    mean = weight @ X
    variance = weight @ (X - mean) ** 2
    np.testing.assert_allclose(model.means_.ravel(), mean, rtol=1e-6)
    found = model.scales_ if isinstance(model, StudentTHMM) else model.covars_
    np.testing.assert_allclose(found.ravel(), variance, rtol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_single_precision(model):
    X, groups = series()
    double = model(3, random_state=0).fit(X, groups=groups)
    single = model(3, random_state=0).fit(X.astype(np.float32), groups=groups)
    scores = single.score_samples(X.astype(np.float32))
    assert scores.dtype == np.float32
    np.testing.assert_allclose(scores, double.score_samples(X), rtol=0.02, atol=0.02)


def moved(params, shift):
    """Emission parameters with other means."""
    if hasattr(params, "means"):
        return params._replace(means=params.means + shift)
    coefficients = params.coefficients.copy()
    coefficients[:, -1] += shift
    return params._replace(coefficients=coefficients)


@pytest.mark.parametrize(("model", "kind"), CASES)
def test_draws_match_scores(model, kind):
    """E[q(x) / p(x)] = 1 over draws of p, for another density q of sequences.

    False alarms: one in 4000 per case, from the normal distribution of a mean.
    """
    X, groups = series()
    model = model(2, covariance_type=kind, random_state=0).fit(X, groups=groups)
    other = copy.deepcopy(model)
    emission = moved(other._params.emission, 0.3 * X.std(axis=0) / 4)
    other._known(other._params._replace(emission=emission))
    n = 4000
    ids = np.repeat(np.arange(n), 3)
    drawn = model.sample(3 * n, groups=ids, random_state=1)
    ratio = np.exp(
        other.score_sequences(drawn, groups=ids)
        - model.score_sequences(drawn, groups=ids)
    )
    assert ratio.std() > 0.05
    assert abs(ratio.mean() - 1.0) < 3.7 * ratio.std() / n**0.5


@pytest.mark.parametrize(("model", "kind"), CASES)
def test_missing_cells_are_drawn_from_the_posterior(model, kind):
    """Ranks of a cell's own value among draws are uniform where the model is true.

    Kolmogorov's bound, false alarms one in 1000.
    """
    X, groups = series()
    model = model(2, covariance_type=kind, random_state=0).fit(X, groups=groups)
    n = 1500
    ids = np.repeat(np.arange(n), 3)
    rows = model.sample(3 * n, groups=ids, random_state=2)
    hidden = rows.copy()
    hidden[1::3, 1] = np.nan
    draws = np.array(
        [
            model.sample_conditional(hidden, groups=ids, random_state=90 + i)[1::3, 1]
            for i in range(9)
        ]
    )
    rank = (draws < rows[1::3, 1]).sum(axis=0)
    shares = np.cumsum(np.bincount(rank, minlength=10)) / n
    assert np.abs(shares - np.arange(1, 11) / 10).max() < 1.95 / n**0.5


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(("model", "kind"), CASES)
@pytest.mark.parametrize(
    "X",
    [
        np.zeros((1, 2)),
        np.arange(6.0).reshape(3, 2),  # fewer rows than states
        np.ones((30, 2)),
        np.repeat([[0.0, 1.0], [1.0, 0.0]], 10, axis=0),
        np.c_[np.arange(30.0), np.full(30, 1e8)],
        np.c_[np.arange(30.0), 2.0 * np.arange(30.0)],
        np.r_[np.random.default_rng(0).normal(size=(40, 2)), [[1e8, 0.0]]],
    ],
    ids=["row", "rows", "constant", "two rows", "constant column", "line", "outlier"],
)
def test_degenerate_data(X, model, kind):
    model = model(4, covariance_type=kind, random_state=0, max_iter=20).fit(X)
    assert np.isfinite(model.lower_bound_)
    assert np.isfinite(model.score_samples(X)).all()
    assert np.isfinite(model.sample(20, random_state=0)).all()
    np.testing.assert_allclose(model.transmat_.sum(axis=1), 1.0)
