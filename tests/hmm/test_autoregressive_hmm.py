"""AutoregressiveHMM: dynamics are found, gaps begin anew, draws go on."""

import copy

import numpy as np
import pytest

from sklearn_gen.hmm import AutoregressiveHMM, groups_from_lengths
from tests.hmm import densities
from tests.hmm.enumeration import all_paths

ROUNDING = 1e-10


def switching(n=1500, seed=0):
    """Two columns, slow and nearly independent, or turning; runs of 50."""
    rng = np.random.default_rng(seed)
    A = np.array([[[0.8, 0.0], [0.0, 0.6]], [[0.2, -0.7], [0.7, 0.2]]])
    states = np.repeat(rng.integers(2, size=n // 50), 50)
    X = np.zeros((n, 2))
    for t in range(1, n):
        X[t] = 1.0 + A[states[t]] @ X[t - 1] + rng.normal(size=2)
    return X, states, A


def test_dynamics_are_found():
    X, states, A = switching()
    model = AutoregressiveHMM(2, random_state=0).fit(X)
    found = model.predict(X)
    swapped = (found != states).mean() > 0.5
    order = [1, 0] if swapped else [0, 1]
    assert (np.array(order)[found] == states).mean() > 0.95
    np.testing.assert_allclose(model.coefficients_[order, 0], A, atol=0.1)
    np.testing.assert_allclose(model.intercepts_, 1.0, atol=0.3)
    np.testing.assert_allclose(model.covars_, 1.0, atol=0.15)


@pytest.mark.parametrize("covariance_type", ["full", "diag"])
def test_known_states_are_least_squares(covariance_type):
    """One state: the regression of each row on the two before, in its sequence."""
    X, *_ = switching(300)
    X = 1e4 + 100.0 * X  # far from zero
    groups = groups_from_lengths([120, 180])
    model = AutoregressiveHMM(
        order=2, covariance_type=covariance_type, reg_covar=0.0, random_state=0
    ).fit(X, groups=groups)
    rows = np.r_[2:120, 122:300]
    before = np.c_[X[rows - 1], X[rows - 2], np.ones(len(rows))]
    B, *_ = np.linalg.lstsq(before - [*[1e4] * 4, 0], X[rows], rcond=None)
    lags = B[:4].reshape(2, 2, 2).swapaxes(1, 2)
    np.testing.assert_allclose(model.coefficients_[0], lags, atol=1e-8)
    rest = X[rows] - (before - [*[1e4] * 4, 0]) @ B
    covariance = rest.T @ rest / len(rows)
    expected = covariance if covariance_type == "full" else np.diag(covariance)
    np.testing.assert_allclose(model.covars_[0], expected, rtol=1e-6)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_rows_after_a_gap_begin_anew(order):
    """Scores, from enumerated paths; every row has a density of its own."""
    X, *_ = switching()
    model = AutoregressiveHMM(2, order=order, random_state=0).fit(X)
    part = X[:7].copy()
    part[3, 1] = np.nan
    log_prob = densities.of_autoregressive(model, part)
    scores = model.score_samples(part)
    oracle = all_paths(log_prob, model.startprob_, model.transmat_)
    assert scores.sum() == pytest.approx(oracle.log_prob, rel=ROUNDING)
    anew = [t for t in range(7) if t < order or 3 < t <= 3 + order]
    assert np.ptp(log_prob[anew], axis=1).max() == 0.0  # nothing of the state
    rest = np.setdiff1d(np.arange(7), anew)
    assert np.ptp(log_prob[rest], axis=1).min() > 0.0
    # the last row's density integrates to one over a grid of its values
    grid = np.linspace(-15, 18, 60)
    cells = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    long = np.concatenate([np.r_[part, [cell]] for cell in cells])
    groups = np.repeat(np.arange(len(cells)), 8)
    last = model.score_samples(long, groups=groups)[7::8]
    assert np.exp(last).sum() * (grid[1] - grid[0]) ** 2 == pytest.approx(1, abs=1e-3)


def test_draws_go_on_from_a_prefix():
    """Means of the next two rows; false alarms one in 4000 per number."""
    X, *_ = switching()
    model = AutoregressiveHMM(2, order=2, random_state=0).fit(X)
    before, n = X[:40], 4000
    drawn = model.sample(2 * n, groups=np.repeat(range(n), 2), prefix=before)
    first, second = drawn[::2], drawn[1::2]
    gamma = model.predict_proba(before, method="filter")[-1]

    def follow(share, one, two):
        lags = np.einsum("klij,lnj->kni", model.coefficients_, np.stack([one, two]))
        return np.einsum("k,kni->ni", share, model.intercepts_[:, None] + lags)

    share = gamma @ model.transmat_
    same = before[-2:].repeat(n, axis=0).reshape(2, n, 2)
    for row, expected in (
        (first, follow(share, same[1], same[0])),
        # the state's share given the first rows alone would be more exact
        (second, follow(share @ model.transmat_, first, same[1])),
    ):
        error = (row - expected).std(axis=0) / n**0.5
        bias = np.abs((row - expected).mean(axis=0))
        assert (bias < 3.7 * error + 0.02).all()
    missing = before.copy()
    missing[-1, 0] = np.nan
    anew = model.sample(2 * n, groups=np.repeat(range(n), 2), prefix=missing)
    error = np.sqrt(np.diag(model.marginal_covar_) / n)
    assert (np.abs(anew[::2].mean(axis=0) - model.marginal_mean_) < 3.7 * error).all()


def test_gaps_are_filled_from_the_rows_before():
    X, *_ = switching()
    model = AutoregressiveHMM(covariance_type="full", random_state=0).fit(X)
    rows = X[:10].copy()
    rows[4:6] = np.nan
    rows[8, 1] = np.nan
    drawn = np.array(
        [model.sample_conditional(rows, random_state=i) for i in range(800)]
    )
    seen = ~np.isnan(rows)
    assert (drawn[:, seen] == rows[seen]).all()
    A, b = model.coefficients_[0, 0], model.intercepts_[0]
    mean = b + A @ rows[3]
    covariance = model.covars_[0]
    for t in (4, 5):
        error = np.sqrt(np.diag(covariance) / 800)
        assert (np.abs(drawn[:, t].mean(axis=0) - mean) < 3.7 * error).all()
        np.testing.assert_allclose(np.cov(drawn[:, t].T), covariance, atol=0.4)
        mean, covariance = b + A @ mean, model.covars_[0] + A @ covariance @ A.T
    center = b + A @ rows[7]
    S = model.covars_[0]
    mean = center[1] + S[1, 0] / S[0, 0] * (rows[8, 0] - center[0])
    left = S[1, 1] - S[1, 0] ** 2 / S[0, 0]
    assert abs(drawn[:, 8, 1].mean() - mean) < 3.7 * np.sqrt(left / 800)


def test_sequences_do_not_touch():
    X, *_ = switching(400)
    groups = groups_from_lengths([100] * 4)
    model = AutoregressiveHMM(2, order=2, random_state=0).fit(X, groups=groups)
    scores = model.score_samples(X, groups=groups)
    other = X.copy()
    other[:100] += 7.0
    np.testing.assert_allclose(
        scores[100:], model.score_samples(other, groups=groups)[100:], rtol=ROUNDING
    )
    alone = model.score_samples(X[100:200])
    np.testing.assert_allclose(scores[100:200], alone, rtol=ROUNDING)


def test_forecast():
    X, *_ = switching()
    model = AutoregressiveHMM(random_state=0).fit(X)
    mean = model.forecast(X, steps=2).mean()
    expected = model.intercepts_[0] + model.coefficients_[0, 0] @ X[-1]
    np.testing.assert_allclose(mean[0], expected, atol=0.1)


def test_going_on_with_another_order_is_refused():
    X, *_ = switching(200)
    model = AutoregressiveHMM(warm_start=True, random_state=0).fit(X)
    with pytest.raises(ValueError, match="order=2"):
        model.set_params(order=2).fit(X)


def test_order_of_all_rows():
    """No row has all of those before it: the Gaussian of all is all there is."""
    X, *_ = switching(200)
    X = X[:5]
    model = AutoregressiveHMM(2, order=7, random_state=0).fit(X)
    normal = densities.of_autoregressive(model, X)[:, 0]
    np.testing.assert_allclose(model.score_samples(X), normal, rtol=ROUNDING)
    assert np.isfinite(model.sample(20, random_state=0)).all()


def test_batches_are_blended():
    """Least squares of all batches, weighted by their steps."""
    X, *_ = switching(300)
    model, weight, seen = AutoregressiveHMM(reg_covar=0.0), np.zeros(300), 0
    for batch in (slice(0, 60), slice(60, 100), slice(100, 300)):
        model.partial_fit(X[batch])
        size = batch.stop - batch.start
        step = (seen / size + 2.0) ** -0.6 if seen else 1.0
        weight *= 1.0 - step
        weight[batch] = step / size
        seen += size
    # shares are of all rows, also those that begin a sequence
    rows = np.setdiff1d(np.arange(300), [0, 60, 100])
    weight = weight[rows]
    before = np.c_[X[rows - 1], np.ones(len(rows))]
    root = np.sqrt(weight)[:, None]
    B, *_ = np.linalg.lstsq(root * before, root * X[rows], rcond=None)
    np.testing.assert_allclose(model.coefficients_[0, 0], B[:2].T, rtol=1e-8)
    np.testing.assert_allclose(model.intercepts_[0], B[2], rtol=1e-8)
    rest = X[rows] - before @ B
    np.testing.assert_allclose(
        model.covars_[0], weight @ rest**2 / weight.sum(), rtol=1e-8
    )


def test_missing_cells_are_expected_with_what_is_left():
    """The likelihood has no slope where EM ends, every fourth row lacking a cell."""
    X, *_ = switching(400)
    X[1::4, 1] = np.nan
    model = AutoregressiveHMM(
        covariance_type="full", reg_covar=0.0, tol=1e-13, max_iter=2000
    ).fit(X)
    assert np.diff(model.lower_bounds_).min() > -1e-9
    best = model.score(X)
    factor = np.linalg.cholesky(model.covars_[0])
    for i, j in ((0, 0), (1, 0), (1, 1)):
        for change in (-1e-3, 1e-3):
            moved = factor.copy()
            moved[i, j] += change
            covariance = (moved @ moved.T)[None]
            emission = model._params.emission
            noise = emission.noise._replace(
                covariances=covariance,
                precisions_cholesky=np.linalg.inv(moved).T[None],
            )
            other = copy.copy(model)
            changed = emission._replace(noise=noise)
            other._known(model._params._replace(emission=changed))
            assert other.score(X) < best
